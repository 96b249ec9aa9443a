"""Whole runs to the femtosecond: a change that moves one of these says so in the changelog."""

from pathlib import Path

import pytest

from simulator.config.model import load
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
CROWD = [
    "workloads.detect.network=lenet5",
    "workloads.detect.input=28x28",
    "workloads.detect.frames=3",
    "workloads.detect.period=200 us",
    "workloads.detect.jitter=20 us",
]
CAMERA = [
    "workloads.camera.network=lenet5",
    "workloads.camera.input=28x28",
    "workloads.camera.period=2 ms",
    "workloads.chat.tokens=1",
    "workloads.chat.prompt=1",
    "simulation.until=6 ms",
]
RUNS = {  # config, settings -> latency of every frame [fs], requests
    "nv_small_tiny": ("nv_small_tiny.yaml", []),
    "crowd": ("realtime_crowd.yaml", CROWD),
    "all cures": ("realtime_all.yaml", CROWD),
    "camera and model": ("camera_and_llm.yaml", CAMERA),
}
GOLDEN = {
    "nv_small_tiny": ([102312000000], 10670),
    "crowd": ([80142000000, 67913126225, 56850994075], 91701),
    "all cures": ([46560000000, 43562126225, 43713994075], 22399),
    "camera and model": ([2722294000000, 1389033649000], 671407),
}
CAMERA_WAITS = {  # of the camera for the model [fs]
    "flash_bank_busy": 805339918000,
    "flash_bus_busy": 459151924000,
    "flash_link_busy": 1891141337000,
    "flash_host_busy": 313923586000,
    "flash_queue_full": 0,
    "flash_dma_busy": 529477680000,
}
NET = [
    {"fc": {"input": [19, 8, 20], "kernels": 1}},
    {"fc": {"kernels": 8}},
    {"conv": {"kernel": "3x3", "kernels": 16, "padding": 1}},
    {"conv": {"kernel": "3x3", "kernels": 8, "padding": 2, "dilation": 2}},
]
NARROW = {  # two NVDLAs that find their interconnect full most of the time
    "system": {
        "accelerators": {
            "nvdla0": {"clock": "1600 MHz", "preset": "nv_small"},
            "nvdla1": {"clock": "1600 MHz", "preset": "nv_full"},
        },
        "cores": {"core0": {"clock": "1600 MHz"}},
        "interconnect": {"clock": "3200 MHz", "width": "4 B"},
        "llc": {"size": "16 KiB", "ways": 1, "line": "64 B", "partial_writes": "fill"},
        "dram": {"standard": "HBM3-6400", "channels": 1},
    },
    "workloads": {f"net{k}": {"on": f"nvdla{k}", "fallback": "core0", "layers": NET} for k in range(2)},
}
NARROW_WAITS = {  # [cycles] of each for each, in front of full blocks and in the interconnect
    "doors": [[78935, 0, 379], [0, 212996, 0], [3816, 0, 0]],
    "bus": [[136837, 0, 497], [0, 1233378, 0], [423, 0, 2352]],
}


@pytest.mark.parametrize("name", RUNS)
def test_latencies_and_requests_are_those_noted(name):
    config, settings = RUNS[name]
    machine = build_machine(load(CONFIGS / config, settings=settings))
    run_machine(machine)
    requests = int(machine.measures["reads"].sum() + machine.measures["writes"].sum())
    assert (machine.latencies[0].tolist(), requests) == GOLDEN[name]


def test_waits_for_the_shared_flash_are_those_noted():
    machine = build_machine(load(CONFIGS / "camera_and_llm.yaml", settings=CAMERA))
    run_machine(machine)
    names = machine.master_names
    waits = {
        name: int(table[names.index("nvdla0"), names.index("gpu0"), cause]) * period_fs
        for table, period_fs, causes in machine.storage.blames()
        for cause, name in enumerate(causes)
    }
    assert waits == CAMERA_WAITS


def test_who_waits_for_whom_in_front_of_a_full_interconnect_is_as_noted():
    machine = build_machine(load(NARROW))
    run_machine(machine)
    doors, bus = machine.system[0]["doors"], machine.buses["blame"]
    waits = {"doors": doors[:, :3, :3].sum(axis=(0, 3)), "bus": bus[:, :3, :3].sum(axis=(0, 3))}
    assert {name: table.tolist() for name, table in waits.items()} == NARROW_WAITS
