"""Whole SoCs with the options that few runs use, for a few microseconds: short enough for kernels that are not compiled."""

import numpy as np
import pytest

from hw_models.jit import numba
from simulator.config.model import load
from simulator.fuzz.invariants import violations
from simulator.kernel import nodes
from simulator.results.summary import settle
from simulator.simulate import result_of
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

CORE = {"clock": "1 GHz", "outstanding": 4, "l1": "1 KiB", "l1_ways": 2}
DRAM = {"standard": "DDR4-2400"}
CORES = {f"core{i}": CORE for i in range(3)}
WALKS = [
    {"on": "core0", "kind": "bandwidth_write", "footprint": "16 KiB", "jitter": "5 cycles"},
    {"on": "core1", "kind": "bandwidth_read", "footprint": "16 KiB", "rate": "2 GB/s"},
    {"on": "core2", "kind": "latency", "footprint": "8 KiB", "busy": "300 ns", "idle": "200 ns"},
]
CACHE = {"size": "4 KiB", "ways": 2}
SYSTEMS = {
    "hub and regulators": {
        "cores": CORES,
        "interconnect": {
            "channels": "separate",
            "burst": "128 B",
            "period": "500 ns",
            "hub": {"trackers": 2, "accept_interval": "2 cycles", "release": "3 cycles", "probe": "2 cycles"},
            "masters": {
                "core0": {"budget": "1 GB/s", "caching": True},
                "core1": {"fifo": {}, "outstanding": 2},
            },
            "groups": {"g": {"masters": ["core1", "core2"], "read_budget": "1 GB/s", "period": "400 ns"}},
        },
        "dram": DRAM | {"max_reads": 2, "max_writes": 2, "entry_width": "8 B", "read_response": "first_beat"},
    },
    "slots, and a scarce cache": {
        "cores": CORES,
        "interconnect": {
            "arbitration": "tdm",
            "tdm": ["core0", "core1", "core2", "core0"],
            "tdm_slot": "8 cycles",
        },
        "llc": CACHE | {"mshrs": 1, "targets": 1, "writebacks": 1, "queue": 1, "hit_when_full": False},
        "dram": DRAM | {"channels": 2, "read_queue": 2, "write_queue": 2},
    },
    "weights, and a cache in banks": {
        "cores": CORES | {"core0": CORE | {"release_first": True, "replay": "3 cycles", "outstanding": 1}},
        "interconnect": {"arbitration": "weighted", "masters": {"core1": {"weight": 3}}, "queue": 1},
        "llc": CACHE
        | {"banks": 2, "ports": 2, "writebacks": 0, "replacement": "plru", "prefetch": "next_line"},
        "memory": {
            "latency": "30 cycles",
            "read_beat_interval": "9 cycles",
            "shared_bus_interval": "3 cycles",
        },
    },
    "a cache over a memory that takes few writes": {
        "cores": CORES,
        "interconnect": {"queue": 1, "reads_in_flight": 4},
        "llc": CACHE
        | {"writebacks": 2, "mshrs": 4, "targets": 2, "prefetch": "next_line", "replacement": "plru"},
        "memory": {
            "latency": "20 cycles",
            "read_beat_interval": "2 cycles",
            "write_beat_interval": "60 cycles",
        },
    },
    "caches above each other": {
        "cores": {"core0": CORE | {"below": "cluster"}, "core1": CORE | {"below": "cluster"}, "core2": CORE},
        "interconnects": {"cluster": {"clock": "500 MHz", "below": "l2"}},
        "caches": {"l2": CACHE | {"clock": "750 MHz", "below": "interconnect"}},
        "interconnect": {
            "clock": "600 MHz",
            "arbitration": "priority",
            "masters": {"core2": {"priority": 2}},
        },
        "llc": {"size": "16 KiB", "ways": 4, "placement": "inclusive", "probe": "5 cycles"},
        "dram": DRAM | {"page": "adaptive", "scheduler": "bliss"},
    },
}

LAYERS = [
    {"conv": {"input": [8, 6, 6], "kernels": 16, "kernel": 3, "padding": 1, "activation": "relu"}},
    {"pool": {"kernel": 2}},
    {"softmax": {}},
]


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_small_soc_runs_as_it_must(name):
    config = {"system": SYSTEMS[name], "corunners": WALKS, "simulation": {"until": "6 us"}}
    machine = build_machine(load(config))
    result = result_of(machine, run_machine(machine))
    assert violations(machine, result) == []
    assert all(master["reads"] > 0 for master in result.summary["masters"].values())


def outcome(name, until="2 us"):
    """Return what a small SoC has counted in the end, and in how many events."""
    machine = build_machine(
        load({"system": SYSTEMS[name], "corunners": WALKS, "simulation": {"until": until}})
    )
    run_machine(machine)
    settle(machine)
    names = ("blame", "waited", "reads", "writes", "activates", "row_hits", "row_conflicts")
    tables = [machine.channels[name] for name in names]
    tables += [machine.measures, machine.caches["blame"], machine.buses["blame"], machine.system["doors"]]
    return [np.ascontiguousarray(table).tobytes() for table in tables], int(machine.system[0]["events"])


@pytest.mark.skipif(not numba.config.DISABLE_JIT, reason="a compiled loop calls what it was compiled with")
@pytest.mark.parametrize("name", [name for name, system in SYSTEMS.items() if "dram" in system])
def test_dram_commands_may_be_late_while_nobody_sees_them(name, monkeypatch):
    late, fewer = outcome(name)
    monkeypatch.setattr(nodes, "seen_from", lambda state, due, early: due)
    at_once, events = outcome(name)
    assert late == at_once
    assert fewer < events


@pytest.mark.parametrize("preset", ["nv_small", "nv_full"])
def test_frames_of_a_small_network_beside_a_co_runner_of_its_core(preset):
    place = {"place": {"features": "sram"}} if preset == "nv_full" else {}
    accelerator = {"preset": preset} | ({"cvsram": "sram"} if preset == "nv_full" else {})
    config = {
        "system": {
            "accelerators": {"nvdla0": accelerator},
            "cores": {"core0": CORE},
            "interconnect": {},
            "memories": {"sram": {"size": "64 KiB", "at": "512 GiB", "latency": "4 cycles"}}
            if preset == "nv_full"
            else {},
            "dram": DRAM,
        },
        "workloads": {"net": {"on": "nvdla0", "fallback": "core0", "frames": 2, "layers": LAYERS} | place},
        "corunners": [WALKS[0]],
    }
    machine = build_machine(load(config))
    result = result_of(machine, run_machine(machine))
    assert violations(machine, result) == []
    assert result.summary["workloads"]["net"]["frames"] == 2
