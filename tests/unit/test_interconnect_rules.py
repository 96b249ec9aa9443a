"""What the interconnect promises: every byte comes back once, waits are charged, budgets are kept."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interconnect_driver import drive

from hw_models.blame import Cause
from hw_models.errors import ConfigError
from hw_models.interconnect.build import build_interconnect
from hw_models.interconnect.hub_channels import take_probes
from hw_models.interconnect.params import Interconnect
from hw_models.interconnect.state import GRANTS, INTERCONNECT
from hw_models.port import NEVER

NAMES = ["a", "b", "c"]


def memory(address):
    return 20


def build(**keys):
    return build_interconnect(Interconnect(**keys), NAMES)[0]


def stream(master, count, size=64, write=0, start=0, gap=0, first_tag=0):
    """Return ``count`` requests to following addresses, ``gap`` cycles apart."""
    return [
        {
            "time": start + k * gap,
            "address": (master << 20) + k * size,
            "bytes": size,
            "write": write,
            "master": master,
            "stream": 0,
            "tag": first_tag + k,
        }
        for k in range(count)
    ]


def merged(*streams):
    requests = sorted((r for s in streams for r in s), key=lambda r: r["time"])
    return [{**r, "tag": tag} for tag, r in enumerate(requests)]


request = st.fixed_dictionaries(
    {
        "time": st.integers(0, 300),
        "address": st.integers(0, 40).map(lambda n: n * 32),
        "bytes": st.sampled_from([1, 8, 32, 64, 200]),
        "write": st.integers(0, 1),
        "master": st.integers(0, 2),
        "stream": st.integers(0, 20),
    }
)


@settings(max_examples=60)
@given(
    st.lists(request, min_size=1, max_size=60),
    st.sampled_from(["shared", "separate"]),
    st.sampled_from([4, 256]),
)
def test_every_byte_comes_back_once_and_every_wait_is_charged(requests, channels, limit):
    requests = merged(requests)
    state, waits = build(channels=channels, masters={"a": {"outstanding": 3, "ids": 2}}), {}
    down, up = drive(state, requests, memory, waits=waits, limit=limit)
    asked, answered = defaultdict(int), defaultdict(int)
    for r in requests:
        asked[r["tag"]] += r["bytes"]
    for rows in up:
        for _, tag, size in rows:
            answered[tag] += size
    assert answered == asked
    assert sum(row[3] for row in down) == sum(asked.values())
    assert int(state["blame"][:, :, : Cause.BUS_BUSY].sum()) == sum(waits.values())
    assert int(state["waiting"]) == 0


def test_a_lone_read_takes_its_latencies():
    state = build(width="8 B", latency="20 cycles", response_latency="10 cycles")
    down, up = drive(state, stream(0, 1, size=32), memory)
    assert down == [(20, 0, 0, 32, 0, 0)]
    # 20 there, 20 in memory, beats 0..3 of 8 B over the bus, 10 back
    assert up[0] == [(20 + 20 + k + 10, 0, 8) for k in range(4)]


def test_a_write_is_at_memory_with_its_last_beat_and_its_answer_is_one_beat():
    state = build(width="8 B", latency="20 cycles", response_latency="10 cycles")
    down, up = drive(state, stream(0, 1, size=32, write=1), memory)
    assert down == [(23, 0, 0, 32, 1, 0)]
    assert up[0] == [(23 + 20 + 10, 0, 32)]


def test_a_long_read_is_split_at_multiples_of_the_burst():
    requests = stream(0, 1, size=160)
    requests[0]["address"] = 32
    down, _ = drive(build(width="32 B"), requests, memory)
    assert [row[2:4] for row in down] == [(32, 32), (64, 64), (128, 64)]


def test_writes_pay_for_their_data_on_a_shared_channel_only():
    busy = {}
    for channels in ("shared", "separate"):
        requests = merged(stream(0, 8, write=1), stream(1, 8))
        down, _ = drive(build(width="8 B", channels=channels), requests, memory)
        busy[channels] = max(row[0] for row in down if row[5] == 1)
    assert busy == {"shared": 4 + 8 * 8 + 7, "separate": 4 + 7}


def test_outstanding_reads_are_limited_in_all_and_by_id():
    for keys, expected in (({"outstanding": 2}, 2), ({"outstanding_per_id": 3}, 3)):
        down, up = drive(build(masters={"a": keys}), stream(0, 12, size=16), lambda address: 200)
        seen = sorted(row[0] for row in up[0])
        for at_port, *_ in down:
            grant = at_port - 4
            under_way = sum(1 for row in down if row[0] - 4 <= grant) - sum(1 for t in seen if t <= grant)
            assert under_way <= expected


def test_the_winner_is_charged_with_the_wait():
    state = build(width="8 B", arbitration="priority", masters={"a": {"priority": 1}})
    drive(state, merged(stream(0, 10, write=1), stream(1, 1)), memory)
    # b's read waits for all ten writes of eight beats; a's own queueing is a's
    assert state["blame"][1, 0, Cause.ARBITRATION] == 80
    assert state["blame"][0, 1].sum() == 0


def test_weights_share_the_bus():
    state = build(width="8 B", arbitration="weighted", masters={"a": {"weight": 3}}, queue=16)
    down, _ = drive(state, merged(*(stream(m, 40, write=1) for m in range(3))), memory)
    first = [row[5] for row in down[:25]]
    assert [first.count(m) for m in range(3)] == [15, 5, 5]


def test_a_tdm_master_sees_nothing_of_the_others():
    alone = merged(stream(0, 20, gap=7))
    crowd = merged(stream(0, 20, gap=7), stream(1, 60, write=1), stream(2, 60, write=1))
    keys = {"arbitration": "tdm", "tdm": ["a", "b", "a", "c"], "tdm_slot": "8 cycles", "width": "16 B"}
    keys["channels"] = "separate"
    times = [[r[0] for r in drive(build(**keys), case, memory)[0] if r[5] == 0] for case in (alone, crowd)]
    assert times[0] == times[1]


def bytes_by_period(down, period, chosen):
    """Return bytes granted in each period among the rows that ``chosen`` picks."""
    sums = defaultdict(int)
    for at_port, _, _, size, write, master in down:
        beats = -(-size // 16) if write else 1
        if chosen(master, write):
            sums[(at_port - 4 - beats + 1) // period] += size
    return sums


@settings(max_examples=30)
@given(st.lists(request, min_size=20, max_size=80), st.integers(64, 300), st.integers(20, 90))
def test_a_budget_is_never_exceeded_in_any_period(requests, budget, period):
    keys = {"budget": f"{budget * 10**9 // period + 1} B/s"}
    state = build(period=f"{period} ns", masters={"a": keys, "b": keys})
    real = int(state["regulation"]["rows"][0]["budget"])
    down, _ = drive(state, merged(requests), memory)
    for master in (0, 1):
        rows = [row for row in down if row[5] == master]
        assert max(bytes_by_period(rows, period, lambda m, w: True).values(), default=0) <= real


@settings(max_examples=30)
@given(st.lists(request, min_size=20, max_size=80), st.integers(20, 90))
def test_reclaim_lends_but_the_sum_of_the_budgets_stands(requests, period):
    keys = {"budget": f"{128 * 10**9 // period + 1} B/s", "reclaim": True}
    state = build(period=f"{period} ns", masters=dict.fromkeys(NAMES, keys))
    total = 3 * int(state["regulation"]["rows"][0]["budget"])
    down, _ = drive(state, merged(requests), memory)
    assert max(bytes_by_period(down, period, lambda m, w: True).values()) <= total


def test_reclaim_lets_a_busy_master_use_what_an_idle_one_leaves():
    spent = {}
    for reclaim in (False, True):
        keys = {"budget": "1280 MB/s", "reclaim": reclaim}
        state = build(period="100 ns", masters={"a": keys, "b": keys})
        down, _ = drive(state, stream(0, 40, gap=5), memory)
        spent[reclaim] = max(bytes_by_period(down, 100, lambda m, w: True).values())
    assert spent == {False: 128, True: 256}


def test_a_group_shares_a_read_budget_and_a_write_budget():
    group = {
        "masters": ["b", "c"],
        "read_budget": "640 MB/s",
        "write_budget": "1280 MB/s",
        "period": "100 ns",
    }
    state = build(groups={"best_effort": group})
    requests = merged(*(stream(m, 20, write=w, gap=3) for m in range(3) for w in (0, 1)))
    down, _ = drive(state, requests, memory)
    assert set(bytes_by_period(down, 100, lambda m, w: m and not w).values()) == {64}
    assert max(bytes_by_period(down, 100, lambda m, w: m and w).values()) == 128
    assert max(bytes_by_period(down, 100, lambda m, w: m == 0).values()) > 1000
    assert state["blame"][1, 1, Cause.REGULATION] > 0


def test_mistakes_are_told_with_what_would_be_right():
    with pytest.raises(ConfigError) as error:
        build(masters={"d": {}})
    assert str(error.value) == "system.interconnect.masters: 'd' is not a master; there are a, b, c"
    with pytest.raises(ConfigError) as error:
        build(masters={"a": {"budget": "10 MB/s"}}, period="1 us")
    expected = "system.interconnect.masters.a.budget: 10 B a period; at least one burst of 64 B is needed"
    assert str(error.value) == expected
    with pytest.raises(ValueError, match="tdm_slot 2 cycles is shorter than a burst of 4 cycles"):
        Interconnect(arbitration="tdm", tdm=["a"], tdm_slot="2 cycles")
    with pytest.raises(ValueError, match="arbitration tdm and a list tdm of the slots' owners go together"):
        Interconnect(arbitration="tdm")


@pytest.mark.parametrize(("trackers", "apart"), [(1, 4096), (2, 4096), (2, 0)])
def test_the_hub_never_has_more_transactions_than_trackers_nor_two_of_a_line(trackers, apart):
    """Reads and writes on channels of their own may ask for the last tracker, or a line, in one cycle."""
    state = build(channels="separate", hub={"trackers": trackers, "line": "64 B"})
    reads, writes = stream(0, 6, size=16), stream(1, 6, size=16, write=1)
    for k, row in enumerate(reads):
        row["address"] = 64 * k
    for k, row in enumerate(writes):
        row["address"] = 64 * k + apart
    down, _ = drive(state, merged(reads, writes), lambda address: 50)
    assert len(down) == 12
    left = sorted((time - 4, time + 50, address // 64) for time, _, address, *_ in down)  # latency 4
    for begin, _, line in left:
        held = [other for start, end, other in left if start <= begin < end]
        assert len(held) <= trackers
        assert held.count(line) == 1


def test_a_release_needs_no_tracker():
    hub = {"trackers": 1, "line": "64 B"}
    requests = merged(stream(0, 1), stream(1, 1, write=1, start=1))
    for caching, at in ((True, 1), (False, 24)):  # else once the read's answer has left memory's port
        state = build(hub=hub, masters={"b": {"caching": caching}}, width="64 B")
        down, _ = drive(state, [dict(r) for r in requests], memory)
        assert down[1][0] - 4 == pytest.approx(at, abs=2)
        assert down[1][4] == 1


def test_a_probe_waits_for_a_cache_that_has_just_got_a_line():
    hub = {"probe": "7 cycles", "grant_blocks": "16 cycles"}
    requests = merged(stream(1, 1), stream(0, 1, start=35))
    for masters, wait in (({}, 0), ({"b": {"caching": True}}, 12)):
        state = build(hub=hub, masters=masters, width="64 B", latency="9 cycles")
        down, _ = drive(state, [dict(r) for r in requests], memory)
        # b's line is there from 9 + 20 + 9 = 38 on and keeps probes out up to 54; a's comes at 35 + 7 = 42
        assert [row[0] for row in down] == [9, 35 + 9 + wait]


def test_each_line_that_a_cache_gets_keeps_probes_out():
    """b's lines are there at 38 and at 50: a's probe comes at 42, and waits until 66."""
    hub = {"probe": "7 cycles", "grant_blocks": "16 cycles"}
    requests = merged(stream(1, 2, gap=12), stream(0, 1, start=35))
    state = build(hub=hub, masters={"b": {"caching": True}}, width="64 B", latency="9 cycles")
    down, _ = drive(state, requests, memory)
    assert [row[0] for row in down] == [9, 21, 35 + 9 + 66 - 42]


def test_what_a_cache_releases_does_not_stand_in_its_fifo_channel():
    requests = merged(stream(1, 4), stream(1, 4, write=1))
    masters = {"b": {"caching": True, "fifo": {"release": "5 cycles"}}}
    down, _ = drive(build(hub={}, masters=masters, width="64 B"), requests, memory)
    assert len(down) == 8
    reads, releases = ([row[0] for row in down if row[4] == write] for write in (0, 1))
    assert releases == [k + 4 for k in range(4)]
    assert [b - a for a, b in pairwise(reads)] == [4 + 20 + 5] * 3


def probed(**hub):
    """Return a bus of 8 B whose hub probes b and c."""
    caches = {name: {"caching": True, "write_latency": "3 cycles"} for name in "bc"}
    keys = {"probe": "7 cycles", "probe_answer": "3 cycles"}
    return build(hub=keys | hub, masters=caches, latency="12 cycles", width="8 B", cut_through=True)


def test_a_cache_answers_no_probe_while_it_releases_a_line():
    """A probe of `a` is at c 7 cycles after its grant; 3 more and the answer is at the hub, 2 more and it is out."""
    for at, sent in ((None, 12), (6, 21), (10, 12)):  # a line released at 6 is through at 6 + 2 + 8
        releases = [] if at is None else stream(2, 1, write=1, start=at)
        requests = merged(stream(0, 1, size=8), releases)
        down, _ = drive(probed(), [dict(r) for r in requests], memory)
        assert {row[5]: row[0] for row in down}[0] == sent


def test_a_cache_answers_no_probe_before_it_has_released_all_its_lines():
    """Two lines, the second after the probe has come: they are through at 16 and 25, b's answer in between."""
    requests = merged(stream(0, 1, size=8), stream(2, 2, write=1, start=6, gap=2))
    down, _ = drive(probed(), requests, memory)
    assert [row[0] for row in down if row[5] == 0] == [25 + 3 + 2]


def test_answers_to_probes_wait_for_lines_in_their_channel():
    """A read of `b` has c probed, which answers in cycle 9; what b itself releases is in the channel from 7 on."""
    for at, sent in ((None, 12), (5, 18)):
        releases = [] if at is None else stream(1, 1, write=1, start=at)
        requests = merged(stream(1, 1), releases)
        down, _ = drive(probed(), [dict(r) for r in requests], memory)
        assert {row[4]: row[0] for row in down}[0] == sent


def test_a_hub_that_probes_has_one_memory_port():
    bus = Interconnect(hub={}, masters={"b": {"caching": True}})
    with pytest.raises(ConfigError) as error:
        build_interconnect(bus, NAMES, ports=2)
    expected = "system.interconnect.hub: probes its caches for one memory port, and there are 2; "
    assert str(error.value) == expected + "write caching: false"


def test_caches_release_their_lines_in_turn_and_memory_holds_them_up():
    """A line of 8 beats is at memory after 3 cycles; with a lead, the next one after the acknowledgement."""
    requests = merged(*(stream(m, 2, write=1) for m in (1, 2)))
    for lead, apart in ((None, 8), ("0 cycles", 21), ("5 cycles", 16)):
        hub = {} if lead is None else {"write_lead": lead}
        down, _ = drive(probed(**hub), [dict(r) for r in requests], memory, early=True)
        assert [row[0] for row in down] == [3 + k * apart for k in range(4)]
        assert [row[5] for row in down] == [1, 2, 1, 2]


def test_a_tracker_is_free_some_cycles_after_the_last_beat():
    requests = merged(stream(0, 2))
    starts = []
    for release in (0, 5):
        hub = {"trackers": 1, "release": f"{release} cycles"}
        down, _ = drive(build(hub=hub, width="64 B"), [dict(r) for r in requests], memory)
        starts.append(down[1][0])
    assert starts[1] - starts[0] == 5


def test_a_cache_that_gets_line_after_line_takes_no_probe_between():
    state = np.zeros(1, INTERCONNECT)[0]
    state["granted_from"], state["grant_blocks"], state["probe_answer"] = -NEVER, 14, 2
    state["probes"][1], state["probe_time"][1, 0] = 1, 32
    for begins in range(30, 30 + 10 * 3 * GRANTS, 10):
        state["granted_from"][1, state["grants"][1] % GRANTS] = begins
        state["grants"][1] += 1
        take_probes(state, 1, begins + 5)
        assert state["taken"][1] == 0
    take_probes(state, 1, begins + 14)
    assert state["taken"][1] == 0  # a line that it releases in that cycle would go first
    take_probes(state, 1, begins + 15)
    assert (state["taken"][1], state["probe_time"][1, 0]) == (1, begins + 14 + 2)
