"""The event-driven interconnect against a loop over cycles, row by row and cycle by cycle."""

import itertools

import numpy as np
import pytest
from interconnect_driver import drive
from interconnect_twin import SlowBus

from hw_models.interconnect.build import build_interconnect
from hw_models.interconnect.params import Interconnect

NAMES = ["a", "b", "c"]


def random_case(seed, kind, channels, ports):
    rng = np.random.default_rng(seed)
    masters = [
        {
            "bytes": int(rng.choice([8, 32])),
            "ids": int(rng.integers(1, 4)),
            "outstanding": int(rng.integers(1, 6)),
            "outstanding_per_id": int(rng.integers(1, 4)),
            "priority": int(rng.integers(0, 3)),
            "weight": int(rng.integers(1, 4)),
        }
        for _ in NAMES
    ]
    config = {
        "kind": kind,
        "channels": 2 if channels == "separate" else 1,
        "ports": ports,
        "interleave": 64,
        "width": int(rng.choice([8, 16])),
        "burst": 64,
        "latency": int(rng.integers(1, 9)),
        "back": int(rng.integers(0, 9)),
        "queue": int(rng.integers(1, 4)),
        "frame": [0, 1, 0, 2] if kind == "tdm" else [],
        "slot": 9,
    }
    times = np.cumsum(rng.integers(0, int(rng.choice([4, 30])), 120))
    requests = [
        {
            "time": int(time),
            "address": int(rng.integers(0, 128)) * 32,
            "bytes": int(rng.choice([8, 32, 64, 96, 160])),
            "write": int(rng.random() < 0.4),
            "master": int(rng.integers(0, 3)),
            "stream": int(rng.integers(0, 5)),
            "tag": tag,
        }
        for tag, time in enumerate(times)
    ]
    return config, masters, requests


def memory(address):
    return 5 + address // 64 * 7 % 40


def own_way(master):
    """Return a master's own latencies and its FIFO fixer, as a config has them, if it has any."""
    if "way" not in master:
        return {}
    names = ("entry", "latency", "write_latency", "response_latency")
    cycles = dict(zip(names, (master["entry"], *master["way"], master["back"])))
    found = {name: f"{value} cycles" for name, value in cycles.items()}
    return found | ({"fifo": {"release": f"{master['fifo']} cycles"}} if "fifo" in master else {})


def build(config, masters):
    keys = ("ids", "outstanding", "outstanding_per_id", "priority", "weight")
    params = Interconnect(
        width=f"{config['width']} B",
        latency=f"{config['latency']} cycles",
        response_latency=f"{config['back']} cycles",
        arbitration=config["kind"],
        channels="separate" if config["channels"] == 2 else "shared",
        queue=config["queue"],
        tdm=[NAMES[m] for m in config["frame"]],
        tdm_slot=f"{config['slot']} cycles",
        cut_through=config.get("cut_through", False),
        masters={n: {k: m[k] for k in keys} | own_way(m) for n, m in zip(NAMES, masters)},
    )
    return build_interconnect(params, NAMES, [m["bytes"] for m in masters], config["ports"])[0]


@pytest.mark.parametrize("kind", ["round_robin", "priority", "weighted", "tdm"])
@pytest.mark.parametrize("channels", ["shared", "separate"])
@pytest.mark.parametrize("ports", [1, 2])
def test_every_row_leaves_in_the_cycle_that_the_twin_says(kind, channels, ports):
    ahead_of_time = (False, True) if ports == 1 else (False,)
    for seed, early in itertools.product(range(6), ahead_of_time):
        config, masters, requests = random_case(seed, kind, channels, ports)
        slow = SlowBus(config, masters, [dict(r) for r in requests], memory).run()
        down, up = drive(build(config, masters), requests, memory, early)
        assert sorted(down) == sorted(slow.down)
        for ours, theirs in zip(up, slow.up):
            assert [row[0] for row in ours] == sorted(row[0] for row in ours)
            assert sorted(ours) == sorted(theirs)


@pytest.mark.parametrize("kind", ["round_robin", "priority", "weighted"])
def test_masters_with_a_way_of_their_own_and_one_transaction_an_id(kind):
    """Latencies by master, write data that follow, and a FIFO fixer at two of three ports."""
    serialised = False
    for seed in range(8):
        config, masters, requests = random_case(seed, kind, "shared", 1)
        rng = np.random.default_rng(100 + seed)
        config["cut_through"] = seed % 2 == 0
        for number, master in enumerate(masters):
            master["entry"], master["back"] = int(rng.integers(0, 4)), int(rng.integers(0, 9))
            master["way"] = [int(rng.integers(1, 9)), int(rng.integers(1, 9))]
            if number > 0:
                master["fifo"] = int(rng.integers(1, 6))
        slow = SlowBus(config, masters, [dict(r) for r in requests], memory).run()
        for early in (False, True):
            down, up = drive(build(config, masters), [dict(r) for r in requests], memory, early)
            assert sorted(down) == sorted(slow.down)
            for ours, theirs in zip(up, slow.up):
                assert sorted(ours) == sorted(theirs)
        without = [{k: v for k, v in m.items() if k != "fifo"} for m in masters]
        serialised |= sorted(SlowBus(config, without, requests, memory).run().down) != sorted(slow.down)
    assert serialised
