"""Probes whose answers are foreseen, against the same ones followed from cache to cache: every time is the same."""

import numpy as np
import pytest
from interconnect_driver import drive

from hw_models.interconnect.build import build_interconnect, may_go_ahead
from hw_models.interconnect.params import Interconnect

NAMES = ["a", "b", "c", "d", "e"]
CACHES = (1, 2, 3)
COUNTED = ("blame", "waited", "busy_cycles", "back_busy_cycles", "reads", "writes")


def random_case(seed):
    """Return a hub with three caches and two others above, and requests: now and then a cache has a burst of them."""
    rng = np.random.default_rng(seed)

    def cycles(low, high):
        return f"{rng.integers(low, high)} cycles"

    hub = {
        "trackers": int(rng.integers(1, 5)),
        "line": "64 B",
        "accept_interval": cycles(1, 9),
        "release": cycles(0, 4),
    }
    hub |= {"probe": cycles(0, 10), "grant_blocks": cycles(0, 20), "probe_answer": cycles(1, 6)}
    if rng.random() < 0.5:
        hub["write_lead"] = cycles(0, 3)
    cache = {"caching": True, "latency": cycles(3, 12), "write_latency": cycles(1, 5)}
    others = {
        "outstanding": int(rng.integers(2, 9)),
        "entry": cycles(0, 3),
        "fifo": {"release": cycles(1, 6)},
    }
    masters = {name: cache if n in CACHES else others for n, name in enumerate(NAMES)}
    keys = {"hub": hub, "masters": masters, "width": "8 B", "latency": cycles(3, 15), "cut_through": True}
    keys["response_latency"] = cycles(0, 8)
    requests, now = [], 0
    for _ in range(60):
        now += int(rng.choice([0, 3, 8, 40, 120]))
        master = int(rng.choice([0, 0, 0, 4, *CACHES]))
        for k in range(int(rng.integers(1, 5))):
            size = 64 if master in CACHES else int(rng.choice([8, 32, 64]))
            address = int(rng.integers(0, 64)) * 64
            request = {"time": now + k, "address": address, "bytes": size, "write": int(rng.random() < 0.4)}
            requests.append(request | {"master": master, "stream": int(rng.integers(0, 3))})
    requests.sort(key=lambda each: each["time"])
    return keys, [each | {"tag": tag} for tag, each in enumerate(requests)]


def memory(address):
    return 5 + address // 64 * 7 % 40


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("seed", [*range(10), 19, 25, 41])
def test_foreseen_answers_change_no_time(seed, early):
    keys, requests = random_case(seed)
    assert_same(keys, requests, early, ("followed", "foreseen"))


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_pieces_that_are_on_their_way_ahead_of_time_change_no_time(seed, early):
    keys, requests = random_case(seed)
    keys["hub"] |= {"write_lead": f"{seed % 3} cycles", "probe": "3 cycles", "probe_answer": "2 cycles"}
    keys |= {"latency": "9 cycles"}
    assert_same(keys, requests, early, ("foreseen", "ahead"))


def assert_same(keys, requests, early, ways):
    """Assert that a hub has the same times, counts and blame with its probes' answers dealt with in either way."""
    outcomes = []
    for way in ways:
        state = build_interconnect(Interconnect(**keys), NAMES)[0]
        state["foresees"] = way != "followed"
        if way == "ahead":
            state["ahead"] = may_go_ahead(state, limit=256)
            assert state["ahead"] or keys["masters"]["b"]["write_latency"] == "1 cycles"
        copies = [dict(each) for each in requests]
        outcomes.append((drive(state, copies, memory, early, patient=True), state))
    (rows, first), (same, second) = outcomes
    assert rows == same
    for name in COUNTED:
        np.testing.assert_array_equal(first[name], second[name], name)


def test_most_probes_are_foreseen_where_caches_are_still():
    keys, requests = random_case(0)
    state = build_interconnect(Interconnect(**keys), NAMES)[0]
    state["foresees"] = 1
    alone = [each | {"tag": tag} for tag, each in enumerate(each for each in requests if each["master"] == 0)]
    drive(state, alone, memory)
    assert state["foreseen_over"] != 0
    assert state["probes"].sum() == state["probing"] == 0
