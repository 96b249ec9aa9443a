"""What docs/blocks.md asks of every block, of all blocks."""

import importlib
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from block_drivers import LATENCY, MASTERS, MEMORY, PARAMS, SERVERS, requests_of

from hw_models.port import NEVER

BLOCKS = Path(__file__).resolve().parents[2] / "hw_models"
PARTS = ("params", "state", "build", "block", "statistics", "standalone")
NOT_BLOCKS = {"roofline", "energy", "axi"}  # two without a clock; one whose work comes from outside
EARLY = {"none": 0, "some": 3}  # calls ahead of time between two that are due


def folders():
    return sorted(
        path.parent.name for path in BLOCKS.glob("*/params.py") if path.parent.name not in NOT_BLOCKS
    )


@pytest.mark.parametrize("name", folders())
def test_every_folder_has_the_same_six_files(name):
    assert [part for part in PARTS if not (BLOCKS / name / f"{part}.py").exists()] == []


@pytest.mark.parametrize("name", folders())
def test_every_door_has_the_functions_of_its_role(name):
    """A memory accepts and advances, a middle also responds, a master starts, advances, responds, tells."""
    assert name in {*SERVERS, *MASTERS}
    block = importlib.import_module(f"hw_models.{name}.block")
    wanted = ("start", "advance", "respond", "take_done") if name in MASTERS else ("accept", "advance")
    assert [function for function in wanted if not hasattr(block, function)] == []


def due_calls(now, wake, early, rng):
    """Return cycles between ``now`` and ``wake`` at which a block is called though nothing is due."""
    if wake - now < 2 or not early:
        return []
    return sorted(int(t) for t in rng.integers(now + 1, min(wake, now + 1000), early))


def serve(server, rows, early):
    """Drive a memory or a middle by its wakes. Returns (entry cycle by tag, answers, refusals)."""
    rng = np.random.default_rng(5)
    entered, answers, refused, now, wake, i = {}, [], 0, 0, NEVER, 0
    for _ in range(200_000):
        while i < len(rows) and rows[i]["time"] <= now:
            if not server.accept(rows[i], now):
                refused += 1
                break
            entered[i] = now
            i += 1
        wake = server.advance(now)
        assert wake > now, f"asks at {now} to be woken at {wake}"
        answers += server.answers()
        if i == len(rows) and wake == NEVER:
            return entered, answers, refused
        following = wake if i == len(rows) else min(wake, max(now + server.retry, int(rows[i]["time"])))
        for time in due_calls(now, following, early, rng):
            assert server.advance(time) >= following or i < len(rows)
            answers += server.answers()
        now = following
    raise AssertionError("no end")


@pytest.mark.parametrize("name", SERVERS)
def test_every_request_gets_exactly_one_answer(name):
    """A read's may come in parts that add up to it."""
    server = SERVERS[name]()
    rows = requests_of(server, 200, 1)
    _, answers, _ = serve(server, rows, 0)
    for write in (0, 1):
        moved = np.zeros(len(rows), np.int64)
        for row in answers:
            if row["write"] == write:
                moved[row["tag"]] += row["bytes"]
        assert moved.tolist() == np.where(rows["write"] == write, rows["bytes"], 0).tolist()
    assert sum(int(row["write"]) for row in answers) == rows["write"].sum()


@pytest.mark.parametrize("name", SERVERS)
def test_a_call_ahead_of_time_changes_nothing(name):
    def seen(early):
        entered, answers, _ = serve(server := SERVERS[name](), requests_of(server, 200, 2), early)
        return entered, sorted((int(r["time"]), int(r["tag"]), int(r["bytes"])) for r in answers)

    assert seen(EARLY["some"]) == seen(EARLY["none"])


@pytest.mark.parametrize("name", SERVERS)
def test_a_full_queue_refuses_and_a_refusal_changes_nothing(name):
    def filled(refusals):
        server = SERVERS[name]()
        rows = requests_of(server, 3000, 3)
        rows["time"] = 0
        taken = 0
        while server.accept(rows[taken], 0):
            taken += 1
        for _ in range(refusals):
            assert not server.accept(rows[taken], 0)
        _, answers, _ = serve(server, rows[:0], 0)
        return taken, sorted((int(r["time"]), int(r["tag"]), int(r["bytes"])) for r in answers)

    taken, answers = filled(0)
    assert filled(5) == (taken, answers)
    assert len({tag for _, tag, _ in answers}) == taken


def alone(name, rows):
    """Return the cycle of the last row of each answer, from the block's own loop."""
    accepted, done = np.zeros((2, len(rows)), np.int64)
    server = SERVERS[name]()
    loop = importlib.import_module(f"hw_models.{name}.standalone").run
    if name == "ideal":
        loop(server.rows[0], server.up, rows, accepted, done)
    else:
        loop(*server.rows, server.wires, rows, LATENCY, accepted, done)
    return done.tolist()


@pytest.mark.parametrize(("name", "apart"), [("cache", 10), ("ideal", 1), ("interconnect", 1)])
def test_its_own_loop_gives_the_times_of_this_one(name, apart):
    """``apart``: far enough for a cache, whose own loop offers a refused request within the same cycle."""
    server = SERVERS[name]()
    rows = requests_of(server, 200, 4)
    rows["time"] *= apart
    _, answers, _ = serve(server, rows, 0)
    done = np.zeros(len(rows), np.int64)
    for row in answers:
        done[row["tag"]] = max(done[row["tag"]], row["time"])
    assert alone(name, rows) == done.tolist()


def work(master, count, early):
    """Give a master all its work and drive it by its wakes. Returns (done, cycles at which it was refused)."""
    rng = np.random.default_rng(7)
    done, refused, started, now = [], 0, 0, 0
    for _ in range(200_000):
        while started < count:
            if not master.start(started, now):
                refused += 1
                break
            started += 1
        wake = master.advance(now)
        assert wake > now, f"asks at {now} to be woken at {wake}"
        told = master.done()
        done += told
        if len(done) == count:
            assert master.advance(now + 10_000) > now
            return done, refused
        following = now + 1 if told else wake
        assert following < NEVER, "stuck"
        for time in due_calls(now, following, early, rng):
            assert master.advance(time) >= following
            assert master.done() == []
        now = following
    raise AssertionError("no end")


@pytest.mark.parametrize("name", MASTERS)
def test_a_master_tells_of_each_piece_of_work_once_and_in_order(name):
    master = MASTERS[name](limit=2, count=9)
    done, _ = work(master, 9, 0)
    assert [index for index, _ in done] == list(range(9))
    assert master.log
    assert all(a[1] <= b[1] for a, b in pairwise(done))


@pytest.mark.parametrize("name", MASTERS)
def test_a_master_called_ahead_of_time_does_nothing(name):
    assert work(MASTERS[name](2, 9), 9, EARLY["some"]) == work(MASTERS[name](2, 9), 9, EARLY["none"])


@pytest.mark.parametrize("name", MASTERS)
def test_a_master_without_room_refuses_work(name):
    assert work(MASTERS[name](2, 9), 9, 0)[1] > 0


@pytest.mark.parametrize("name", MASTERS)
def test_a_master_waits_at_a_full_way_out_and_loses_nothing(name):
    narrow, wide = MASTERS[name](1, 4), MASTERS[name](64, 4)
    narrow.every = 40
    work(narrow, 4, 0)
    work(wide, 4, 0)
    assert sorted(narrow.log) == sorted(wide.log) != []


@pytest.mark.parametrize("name", ["cpu", "systolic", "replay", "mac_engine"])
def test_its_own_loop_gives_the_times_of_this_one_to_a_master(name):
    master = MASTERS[name](limit=1, count=4)
    simulate = importlib.import_module(f"hw_models.{name}.standalone").simulate
    outcome = simulate(PARAMS[name], MEMORY.timings(64), master.work)
    ends = outcome[0] if name == "cpu" else outcome[1]["end"]
    assert [cycle for _, cycle in work(master, 4, 0)[0]] == ends.tolist()


def quoted_lines():
    """Yield (file, line) of every line of code that docs/blocks.md says a new block has to touch."""
    page = (BLOCKS.parent / "docs" / "blocks.md").read_text()
    for block in re.findall(r"```python\n\s*# (\S+)\n(.*?)```", page, re.DOTALL):
        for line in block[1].strip().splitlines():
            yield block[0], line.strip()


@pytest.mark.parametrize(("file", "line"), list(quoted_lines()))
def test_the_lines_that_the_page_names_are_there(file, line):
    assert line in {text.strip() for text in (BLOCKS.parent / file).read_text().splitlines()}
