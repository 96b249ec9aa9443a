"""The event-driven interconnect against a loop over cycles, row by row and cycle by cycle."""

import itertools

import numpy as np
import pytest
from interconnect_twin import SlowBus

from hw_models.interconnect.bus import accept, advance, respond
from hw_models.interconnect.params import Interconnect
from hw_models.interconnect.state import build_interconnect
from hw_models.port import NEVER, REQUEST, WIRING, front, front_time, pop

UP = 32
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
        masters={n: {k: m[k] for k in keys} for n, m in zip(NAMES, masters)},
    )
    return build_interconnect(params, NAMES, [m["bytes"] for m in masters], config["ports"])[0]


def rows_of(requests):
    rows = np.zeros(len(requests), REQUEST)
    for row, request in zip(rows, requests):
        for name, value in request.items():
            row[name] = value
        row["issued"] = 1000 + request["tag"]
    return rows


def run_fast(config, masters, requests, early):
    """Drive the block by its own wake times. ``early``: hand it answers as soon as they are known."""
    state, wires = build(config, masters), np.zeros(1, WIRING)[0]
    wires["fifo"]["limit"] = 256
    rows = rows_of(requests)
    queues = [list(rows[rows["master"] == m]) for m in range(3)]
    answers, latest = [[] for _ in range(config["ports"])], [0] * config["ports"]
    down, up = [], [[], [], []]
    now, left = 0, len(requests)
    while left:
        wake = NEVER
        for queue in queues:
            while queue and queue[0]["time"] <= now and accept(state, queue[0], now):
                queue.pop(0)
        for port in range(config["ports"]):
            while answers[port] and answers[port][0][0] <= now:
                wake = min(wake, respond(state, answers[port][0][1], answers[port][0][0], wires, UP))
                answers[port].pop(0)
        wake = min(wake, advance(state, now, wires, 0, UP))
        for port in range(config["ports"]):
            fifo = wires["fifo"][port]
            while fifo["count"]:
                row = front(fifo).copy()
                pop(fifo)
                down.append((int(row["time"]), port, *(int(row[k]) for k in FIELDS)))
                latest[port] = max(latest[port], int(row["time"]) + memory(int(row["address"])))
                if early:
                    wake = min(wake, respond(state, row, latest[port], wires, UP))
                else:
                    answers[port].append((latest[port], row))
        for m in range(3):
            fifo = wires["fifo"][UP + m]
            while front_time(fifo) <= now:
                row = front(fifo)
                tag = int(row["tag"])
                assert (row["issued"], row["stream"]) == (1000 + tag, requests[tag]["stream"])
                up[m].append((int(row["time"]), tag, int(row["bytes"])))
                requests[tag]["left"] = requests[tag].get("left", requests[tag]["bytes"]) - int(row["bytes"])
                left -= requests[tag]["left"] == 0
                pop(fifo)
        times = [wake, *(a[0][0] for a in answers if a), *(int(q[0]["time"]) for q in queues if q)]
        times += [int(front_time(wires["fifo"][UP + m])) for m in range(3)]
        later = [t for t in times if t > now]
        assert not left or min(later) < NEVER, "stuck"
        now = int(min(later)) if left else now
    return down, up, state


FIELDS = ("address", "bytes", "write", "master")


@pytest.mark.parametrize("kind", ["round_robin", "priority", "weighted", "tdm"])
@pytest.mark.parametrize("channels", ["shared", "separate"])
@pytest.mark.parametrize("ports", [1, 2])
def test_every_row_leaves_in_the_cycle_that_the_twin_says(kind, channels, ports):
    ahead_of_time = (False, True) if ports == 1 else (False,)
    for seed, early in itertools.product(range(6), ahead_of_time):
        config, masters, requests = random_case(seed, kind, channels, ports)
        slow = SlowBus(config, masters, [dict(r) for r in requests], memory).run()
        down, up, _ = run_fast(config, masters, requests, early)
        assert sorted(down) == sorted(slow.down)
        for ours, theirs in zip(up, slow.up):
            assert [row[0] for row in ours] == sorted(row[0] for row in ours)
            assert sorted(ours) == sorted(theirs)
