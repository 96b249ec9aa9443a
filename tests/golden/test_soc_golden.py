"""Whole runs to the femtosecond: a change that moves one of these says so in the changelog."""

from pathlib import Path

import pytest

from simulator.config import load
from simulator.machine import build_machine
from simulator.system import run_machine

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
CROWD = [
    "workloads.detect.network=lenet5",
    "workloads.detect.input=28x28",
    "workloads.detect.frames=3",
    "workloads.detect.period=200 us",
    "workloads.detect.jitter=20 us",
]
RUNS = {  # config, settings -> latency of every frame [fs], requests
    "nv_small_tiny": ("nv_small_tiny.yaml", []),
    "crowd": ("realtime_crowd.yaml", CROWD),
    "all cures": ("realtime_all.yaml", CROWD),
}
GOLDEN = {
    "nv_small_tiny": ([102312000000], 10670),
    "crowd": ([79562000000, 68148126225, 56727994075], 91769),
    "all cures": ([46685000000, 43562126225, 43713994075], 22399),
}


@pytest.mark.parametrize("name", RUNS)
def test_latencies_and_requests_are_those_noted(name):
    config, settings = RUNS[name]
    machine = build_machine(load(CONFIGS / config, settings=settings))
    run_machine(machine)
    requests = int(machine.measures["reads"].sum() + machine.measures["writes"].sum())
    assert (machine.latencies[0].tolist(), requests) == GOLDEN[name]
