"""The core's traffic: what misses, how long it waits, and when it is silent."""

import heapq
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.cpu import block as core
from hw_models.cpu.build import build_core
from hw_models.cpu.frames import frame_of
from hw_models.cpu.params import Core, Corunner
from hw_models.cpu.task import FRAME_SHIFT, TASK, Pattern
from hw_models.port import FIFO, NEVER, front, pop

LINE = 64


def run_task(task, latency=100, limit=10**7, runs=(), **params):
    """Run one task against a memory of fixed latency. Returns (core, list of (cycle, line, write)).

    ``runs``: (address, bytes) of each of its runs.
    """
    state = build_core(Core(clock="1 GHz", **params), master=0, seed=1)[0]
    tasks = np.zeros(1 + len(runs), TASK)
    tasks[0]["runs"] = len(runs)
    for row, (address, size) in zip(tasks[1:], runs, strict=True):
        row["read_address"], row["read_bytes"] = address, size
    for name, value in task.items():
        tasks[0][name] = value
    out = np.zeros(1, FIFO)[0]
    out["limit"] = 8
    assert core.start(state, tasks, 0, 0)
    sent, in_flight, now = [], [], 0
    while now < limit:
        next_cycle = core.advance(state, tasks, now, out)
        while out["count"]:
            row = front(out).copy()
            pop(out)
            sent.append((int(row["time"]), int(row["address"]) // LINE, int(row["write"])))
            heapq.heappush(in_flight, (int(row["time"]) + latency, len(sent), row))
        if state["task"] < 0:
            break
        now = int(min(next_cycle, in_flight[0][0] if in_flight else NEVER))
        while in_flight and in_flight[0][0] <= now:
            core.respond(state, heapq.heappop(in_flight)[2], now)
    return state, sent


def naive_misses(lines, sets, ways):
    """LRU the way a person would do it: a list a set, most recent last. Returns misses and write-backs."""
    cache = {s: [] for s in range(sets)}
    reads, writebacks = [], []
    for line, write in lines:
        entries = cache[line % sets]
        hit = next((e for e in entries if e[0] == line), None)
        if hit:
            entries.remove(hit)
            entries.append((line, hit[1] or write))
            continue
        reads.append(line)
        if len(entries) == ways:
            victim = entries.pop(0)
            if victim[1]:
                writebacks.append(victim[0])
        entries.append((line, write))
    return reads, writebacks


def test_a_blocking_core_waits_for_every_read():
    state, sent = run_task({"read_bytes": 10 * LINE, "passes": 1}, latency=100)
    step = 8 + 100  # cycles_per_line, then the round trip
    assert [cycle for cycle, _, _ in sent] == [8 + i * step for i in range(10)]
    assert state["finished_at"] == 10 * step
    assert state["stall_cycles"] == 1000


def test_a_line_that_comes_in_parts_is_answered_once():
    """An interconnect with a burst of 16 B cuts each line in four."""
    state = build_core(Core(clock="1 GHz"), master=0, seed=1)[0]
    tasks = np.zeros(1, TASK)
    tasks[0]["read_bytes"], tasks[0]["passes"] = 2 * LINE, 1
    out = np.zeros(1, FIFO)[0]
    out["limit"] = 8
    core.start(state, tasks, 0, 0)
    core.advance(state, tasks, 8, out)
    part = front(out).copy()
    part["bytes"] = LINE // 4
    for cycle in (20, 21, 22):
        core.respond(state, part, cycle)
        assert (state["reads_in_flight"], state["stall_cycles"]) == (1, 0)
    core.respond(state, part, 23)
    assert (state["reads_in_flight"], state["stall_cycles"]) == (0, 23 - 8)


def test_two_outstanding_misses_overlap():
    state, _ = run_task({"read_bytes": 10 * LINE, "passes": 1}, latency=100, outstanding=2)
    assert state["finished_at"] < 10 * 108 / 1.8


def test_compute_is_spread_over_the_lines():
    state, _ = run_task({"read_bytes": 10 * LINE, "passes": 1, "compute_cycles": 5000}, latency=100)
    assert state["finished_at"] == 10 * 108 + 5000


def test_a_chase_has_one_read_in_flight_whatever_the_core_can_do():
    one, _ = run_task({"pattern": int(Pattern.CHASE), "read_bytes": 4096 * LINE, "passes": 1}, outstanding=8)
    assert one["finished_at"] >= one["misses"] * 108


def test_an_endless_footprint_inside_l1_falls_silent():
    state, sent = run_task({"write_bytes": 16 * 1024, "passes": 0}, limit=10**6)
    assert len(sent) == 256
    assert state["misses"] == 256


def test_an_endless_footprint_beyond_l1_never_falls_silent():
    _, sent = run_task({"write_bytes": 32 * 1024, "passes": 0}, limit=10**5)
    assert sent[-1][0] > 99_000


def test_a_store_stream_reads_every_line_and_writes_back_every_victim():
    _, sent = run_task({"write_bytes": 1000 * LINE, "passes": 2})
    assert sum(write == 0 for _, _, write in sent) == 2000
    assert sum(write for _, _, write in sent) == 2000 - 256


def test_stores_past_the_l1_are_only_writes():
    state, sent = run_task({"write_bytes": 100 * LINE, "passes": 1}, write_allocate=False, writebacks=4)
    assert [(line, write) for _, line, write in sent] == [(line, 1) for line in range(100)]
    assert state["finished_at"] >= sent[-1][0] + 100


def test_a_rate_limit_spaces_the_traffic():
    state, _ = run_task({"read_bytes": 100 * LINE, "passes": 1, "rate_bytes_per_s": 10**8}, latency=10)
    assert state["finished_at"] == pytest.approx(100 * LINE / 0.1, rel=0.02)


def test_a_duty_cycle_is_silent_while_idle():
    task = {"read_bytes": 200 * LINE, "passes": 1, "busy_fs": 10**9, "idle_fs": 3 * 10**9}
    _, sent = run_task(task, latency=50)
    assert all(cycle % 4000 < 1000 + 8 for cycle, _, _ in sent)


@settings(max_examples=25)
@given(reads=st.integers(0, 300), writes=st.integers(1, 300), passes=st.integers(1, 3))
def test_the_traffic_is_that_of_a_plain_lru_cache(reads, writes, passes):
    task = {
        "read_bytes": reads * LINE,
        "write_address": 1 << 20,
        "write_bytes": writes * LINE,
        "passes": passes,
    }
    _, sent = run_task(task, latency=3)
    order, read, written = [], 0, 0
    for k in range(reads + writes):
        if (k + 1) * reads // (reads + writes) > read:
            order.append((read, 0))
            read += 1
        else:
            order.append(((1 << 20) // LINE + written, 1))
            written += 1
    expected_reads, expected_writebacks = naive_misses(order * passes, sets=64, ways=4)
    assert [line for _, line, write in sent if not write] == expected_reads
    assert [line for _, line, write in sent if write] == expected_writebacks


@pytest.mark.parametrize("l1", ["10000 B", "0 B", "1 MiB"])
def test_an_l1_that_is_no_whole_number_of_lines_is_refused(l1):
    with pytest.raises(ValueError, match="is not 4 ways of whole 64 B lines, at most 1024 lines"):
        Core(clock="1 GHz", l1=l1)


def test_a_background_task_gives_way_and_comes_back():
    state = build_core(Core(clock="1 GHz", l1="4 KiB"), master=0, seed=1)[0]
    tasks = np.zeros(2, TASK)
    tasks[0]["write_bytes"] = 64 * 1024
    tasks[1]["read_address"], tasks[1]["read_bytes"], tasks[1]["passes"] = 1 << 30, 100 * LINE, 1
    out = np.zeros(1, FIFO)[0]
    out["limit"] = 8
    core.start_background(state, tasks, 0, 0)
    sent, now = [], 0
    while now < 60_000:
        if now >= 20_000 and not state["finished"] and state["task"] == 0:
            assert core.start(state, tasks, 1, now)
            assert not core.start(state, tasks, 1, now)
        next_cycle = core.advance(state, tasks, now, out)
        rows = []
        while out["count"]:
            rows.append(front(out).copy())
            pop(out)
        sent += [(now, int(row["address"]) >= 1 << 30) for row in rows if not row["write"]]
        now = max(now, int(min(next_cycle, now + 100)))
        for row in rows:
            core.respond(state, row, now)
    foreground = [cycle for cycle, theirs in sent if theirs]
    background = [cycle for cycle, theirs in sent if not theirs]
    assert len(foreground) == 100
    assert min(foreground) >= 20_000
    assert not [cycle for cycle in background if min(foreground) < cycle < max(foreground)]
    assert max(background) > max(foreground)


def test_a_dirty_victim_is_acknowledged_before_the_miss_that_evicts_it():
    task = {"write_bytes": 8192, "passes": 2}
    _, sent = run_task(task, l1="4 KiB", l1_ways=1, release_first=True, replay="3 cycles", latency=100)
    second = sent[64:]  # every line of the first 4 KiB was clean when it was written over
    assert [write for _, _, write in second[:4]] == [1, 0, 1, 0]
    assert second[1][0] - second[0][0] == 100 + 3
    assert second[2][0] - second[1][0] == 100 + 8  # the line is there; the next one takes its cycles


def test_jitter_starts_the_walk_anywhere_and_changes_with_the_seed():
    def first_line(seed):
        state = build_core(Core(clock="1 GHz"), master=0, seed=seed)[0]
        tasks = np.zeros(1, TASK)
        tasks[0]["write_bytes"], tasks[0]["jitter_cycles"] = 1 << 20, 8
        core.start_background(state, tasks, 0, 0)
        return int(state["position"])

    assert first_line(1) == first_line(1)
    assert len({first_line(seed) for seed in range(8)}) > 4


def test_jitter_adds_up_to_so_many_cycles_a_line():
    _, sent = run_task({"read_bytes": 200 * LINE, "passes": 1, "jitter_cycles": 5}, latency=100)
    steps = {b[0] - a[0] - 108 for a, b in pairwise(sent)}
    assert steps == {0, 1, 2, 3, 4, 5}


RUN = st.tuples(st.integers(0, 5000), st.integers(1, 700))


@settings(max_examples=60)
@given(runs=st.lists(RUN, min_size=1, max_size=8), outstanding=st.sampled_from([1, 4]))
def test_runs_of_a_task_are_read_line_by_line_in_order_and_once(runs, outstanding):
    task = {"passes": 1, "read_address": 1 << 30, "compute_cycles": 50, "read_bytes": sum(b for _, b in runs)}
    state, sent = run_task(task, runs=runs, outstanding=outstanding)
    lines = [
        line for address, size in runs for line in range(address // LINE, (address + size - 1) // LINE + 1)
    ]
    reads, _ = naive_misses([(line, 0) for line in lines], int(state["sets"]), int(state["ways"]))
    assert [line for _, line, _ in sent] == reads
    assert state["finished"] == 1
    assert state["finished_at"] >= 50 + 8 * len(lines)


def test_run_after_run_costs_what_one_stream_does():
    whole = run_task({"read_bytes": 16 * LINE, "passes": 1, "compute_cycles": 77})
    cut = run_task({"passes": 1, "compute_cycles": 77}, runs=[(4 * i * LINE, 4 * LINE) for i in range(4)])
    assert cut[1] == whole[1]
    assert cut[0]["finished_at"] == whole[0]["finished_at"]


@given(bits=st.integers(1, 12), key=st.integers(0, 2**31 - 1))
def test_page_frames_are_a_permutation(bits, key):
    assert sorted(frame_of(page, bits, key) for page in range(1 << bits)) == list(range(1 << bits))


def test_keys_scatter_pages_differently():
    orders = {
        tuple(int(frame_of(page, 8, key * 2654435761 % 2**31)) for page in range(256)) for key in range(50)
    }
    assert len(orders) == 50
    steps = {b - a for order in orders for a, b in pairwise(order)}
    assert len(steps) > 400  # of 510: hardly any order is left


@pytest.mark.parametrize("kind", ["read", "write"])
def test_pages_lie_in_any_frames_and_lines_of_a_page_in_order(kind):
    where = {f"{kind}_address": 1 << 20, f"{kind}_bytes": 16 << FRAME_SHIFT, "passes": 1}
    _, plain = run_task(where)
    _, sent = run_task(where | {"frame_bits": 6, "frame_key": 5})
    plain, sent = ([line for _, line, write in lines if not write] for lines in (plain, sent))
    first = (1 << 20) // LINE
    assert plain == list(range(first, first + 1024))
    pages = [line - first >> 6 for line in sent[::64]]
    assert pages == [frame_of(page, 6, 5) for page in range(16)]
    assert sent == [first + 64 * page + line for page in pages for line in range(64)]


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ("4 KiB", "no power of two of 4 KiB frames, at least two"),
        ("12 KiB", "no power of two of 4 KiB frames"),
        ("33 KiB", "no power of two of 4 KiB frames"),
        ("32 KiB", "footprint 65536 B does not fit frames 32768 B"),
    ],
)
def test_page_frames_that_cannot_be(frames, words):
    with pytest.raises(ValueError, match=words):
        Corunner.model_validate({"on": "core0", "footprint": "64 KiB", "frames": frames})
