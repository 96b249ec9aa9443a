"""Calls that the event loop saves where they would show nowhere: with every one of them made, all figures are the same."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from hw_models.interconnect.looks import take_turn_ahead
from hw_models.port import NEVER
from simulator.config.model import load
from simulator.fuzz.conservation import balances
from simulator.fuzz.digest import UNEQUAL
from simulator.fuzz.every_call import make_every_call
from simulator.kernel import soc as soc_kernel
from simulator.simulate import result_of
from simulator.soc.build import build_machine
from simulator.soc.run import compiled, run_machine

FASED = Path(__file__).resolve().parents[2] / "configs" / "dram" / "firesim_fased.yaml"
TILE = {"caching": True, "latency": "11 cycles", "write_latency": "3 cycles", "response_latency": "3 cycles"}
CORE = {"clock": "3.2 GHz", "outstanding": 2, "l1": "2 KiB", "l1_ways": 2, "release_first": True}
WALKS = {
    "alone": [{"on": "core0", "kind": "bandwidth_read", "footprint": "64 KiB"}],
    "crowd": [
        {"on": "core0", "kind": "bandwidth_write", "footprint": "64 KiB", "jitter": "5 cycles"},
        {"on": "core1", "kind": "bandwidth_read", "footprint": "64 KiB", "rate": "2 GB/s"},
        {"on": "core2", "kind": "bandwidth_write", "footprint": "8 KiB", "busy": "300 ns", "idle": "700 ns"},
    ],
}
HUB = {"trackers": 4, "accept_interval": "5 cycles", "probe": "7 cycles", "probe_answer": "3 cycles"}

ONE_PLACE = {"size": "64 KiB", "ways": 8, "mshrs": 4, "queue": 1, "order": "arrival", "conflict": "stall_set"}
FULL = {  # caches that turn requests away
    "one place": ONE_PLACE | {"entry_latency": "2 cycles", "fill_latency": "3 cycles", "data_width": "16 B"},
    "one MSHR": {
        "mshrs": 1,
        "writebacks": 8,
        "queue": 2,
        "entry_latency": "1 cycles",
        "miss_latency": "1 cycles",
    },
    "few sets": {  # most requests stall for their sets' misses
        "size": "2 KiB",
        "ways": 8,
        "queue": 2,
        "data_width": "32 B",
        "entry_latency": "1 cycles",
        "conflict": "stall_set",
    },
    "prefetch": {"queue": 1, "entry_latency": "2 cycles", "prefetch": "next_line", "replacement": "brrip"},
}


def soc(crowd, cached):
    """Return three cores behind a hub, the last two of which are caches, and a DRAM with a FIFO in front."""
    masters = {"core0": {"fifo": {}, "outstanding": 8}, "core1": TILE, "core2": TILE}
    llc = {"size": "16 KiB", "ways": 4, "mshrs": 8, "writebacks": 0, "data_width": "8 B"}
    system = {
        "cores": {f"core{i}": CORE for i in range(3)},
        "interconnect": {"width": "8 B", "clock": "3.2 GHz", "latency": "12 cycles", "masters": masters}
        | {"hub": HUB | {"grant_blocks": "16 cycles", "write_lead": "0 cycles"}, "cut_through": True},
    }
    if cached:
        system["llc"] = llc | {"clock": "3.2 GHz"}
    return {
        "system": system | yaml.safe_load(FASED.read_text(encoding="utf-8"))["system"],
        "corunners": WALKS[crowd],
        "simulation": {"until": "20 us"},
    }


def figures(config, saves):
    machine = build_machine(load(config))
    if not saves:
        make_every_call(machine)
        machine.nodes.channels["hold"] = 1
    result = result_of(machine, run_machine(machine))
    simulation = result.summary["simulation"]
    for name in UNEQUAL:
        simulation.pop(name)
    return simulation.pop("events"), result.summary, result.blame


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("crowd", WALKS)
def test_saved_calls_show_nowhere(crowd, cached):
    events, *every = figures(soc(crowd, cached), saves=False)
    fewer, *saved = figures(soc(crowd, cached), saves=True)
    assert saved == every
    assert fewer < events or not cached


def test_a_probe_and_a_release_in_one_cycle_meet_alike_whoever_looks_first():
    config = soc("crowd", True) | {"simulation": {"until": "60 us"}}
    bus = config["system"]["interconnect"]
    bus["hub"] |= {"accept_interval": "6 cycles", "grant_blocks": "17 cycles"}
    for name, outstanding, release_first in (("core0", 4, False), ("core1", 2, False), ("core2", 3, True)):
        own = {"outstanding": outstanding, "release_first": release_first}
        config["system"]["cores"][name] = CORE | own
    for name in ("core1", "core2"):
        bus["masters"][name] = TILE | {"latency": "10 cycles", "write_latency": "2 cycles"}
    config["corunners"] = [
        {"on": "core0", "kind": "bandwidth_write", "footprint": "64 KiB", "jitter": "6 cycles"},
        {
            "on": "core1",
            "kind": "bandwidth_write",
            "footprint": "1 MiB",
            "busy": "400 ns",
            "idle": "400 ns",
        },
        {"on": "core2", "kind": "bandwidth_write", "footprint": "64 KiB", "rate": "300 MB/s"},
    ]
    assert figures(config, saves=True)[1:] == figures(config, saves=False)[1:]


def test_probes_that_were_answered_before_a_release_stay_answered_while_their_request_waits():
    """A write holds the way to memory, so that two requests wait there, and the younger has the lower tracker."""
    hub = {"accept_interval": "5 cycles", "probe_answer": "4 cycles", "write_lead": "1 cycles"}
    caches = {"core0": {"caching": True}, "core2": {"caching": True}}
    system = {
        "accelerators": {"nvdla0": {}},
        "cores": {"core2": {"clock": "3200 MHz"}},
        "interconnect": {
            "clock": "3200 MHz",
            "hub": hub,
            "masters": caches | {"core3": {"latency": "14 cycles"}},
        },
        "llc": {"size": "16 KiB", "data_width": "256 B"},
        "memory": {"bandwidth": "8 B/cycle"},
    }
    config = {
        "system": system,
        "workloads": {
            "j0": {
                "on": "nvdla0",
                "layers": [{"fc": {"kernels": 8, "input": [12, 19, 20]}}],
                "fallback": "core0",
            }
        },
        "corunners": [
            {"on": "core3", "footprint": "1 MiB"},
            {"on": "core0", "footprint": "64 KiB", "jitter": "21 cycles"},
        ],
    }
    assert figures(config, saves=True)[1:] == figures(config, saves=False)[1:]


@pytest.mark.parametrize(("caching", "decided"), [(False, (1, 10)), (True, (-1, 0))])
def test_whose_turn_it_is_is_decided_ahead_of_time_but_for_a_line_that_a_cache_releases(caching, decided):
    """A release waits in the lane of writes, and goes without a turn: it would have kept it for ever."""
    config = soc("alone", False)
    config["system"]["interconnect"]["masters"]["core0"] |= {"caching": caching}
    state = build_machine(load(config)).nodes.buses["bus"][0]
    lanes, state["waiting"] = state["lanes"][:2], 0b11
    lanes["culprit"], lanes["time"], lanes["retry"] = lanes["master"], 0, NEVER
    state["lanes_due"] = state["bus_free"][0] = 10
    state["write_turn"][0] = 1
    take_turn_ahead(state, 0, 9)
    assert (state["fifo_head"][0], state["spared"]) == decided


def test_a_cache_that_is_called_twice_in_a_cycle_does_what_it_does_when_called_once():
    config = soc("crowd", True) | {"simulation": {"until": "10 us"}}
    config["system"]["interconnect"]["clock"] = "1 GHz"
    config["system"]["llc"] |= {"queue": 1, "entry_latency": "1 cycles"}
    once, twice = called(config, twice=False), called(config, twice=True)
    for name in once.measures.dtype.names:
        np.testing.assert_array_equal(once.measures[name], twice.measures[name], name)
    np.testing.assert_array_equal(once.caches["blame"], twice.caches["blame"])


def called(config, twice):
    """Return a machine that was run; ``twice``: its cache called once more in each cycle in which it is."""
    machine = build_machine(load(config))
    arguments, until_fs = compiled(machine), machine.config.simulation.until
    system, cache, again_fs = machine.system[0], machine.wired.parts["llc"].unit, -1
    wakes = system["wake_fs"][: system["units"]]
    while (time_fs := wakes.min()) <= until_fs:
        unit = int(np.argmin(wakes))
        soc_kernel.run(*arguments, until_fs, 1)
        if twice and unit == cache and time_fs > again_fs:
            wakes[cache] = again_fs = time_fs
    return machine


@pytest.mark.parametrize("settings", FULL.values(), ids=FULL)
def test_requests_that_a_cache_takes_late_show_nowhere(settings):
    config = soc("crowd", True)
    config["system"]["llc"] |= settings
    events, *every = figures(config, saves=False)
    fewer, *saved = figures(config, saves=True)
    assert saved == every
    assert fewer < events


def test_lines_that_are_at_the_hub_as_they_are_released_are_not_foreseen():
    """Whether an answer of that cycle is taken before one depends on whether the hub was looked at already."""
    masters = {f"core{k}": {"caching": True} for k in range(3)}
    masters["core1"] |= {"response_latency": "4 cycles"}
    masters["core2"] |= {"latency": "12 cycles", "write_latency": "1 cycles", "response_latency": "1 cycles"}
    layers = [{"activation": {"function": "relu", "input": [9, 14, 1]}}]
    pools = [{"pool": {"kernel": "2x2", "padding": 1}}, {"pool": {"function": "average"}}]
    dram = yaml.safe_load(FASED.read_text(encoding="utf-8"))["system"]["dram"]
    config = {
        "system": {
            "accelerators": {"nvdla0": {}},
            "cores": {"core0": {"clock": "1 GHz"}},
            "interconnect": {"hub": {"probe": "7 cycles", "probe_answer": "3 cycles"}, "masters": masters},
            "dram": dram | {"clock": "1 GHz", "write_queue": 8},
        },
        "workloads": {
            "j0": {"on": "nvdla0", "layers": [*layers, *pools, pools[0]], "frames": 32, "fallback": "core0"}
        },
        "corunners": [
            {"on": "core2", "kind": "bandwidth_write", "footprint": "1 MiB"},
            {
                "on": "core1",
                "kind": "bandwidth_read",
                "footprint": "1 MiB",
                "busy": "300 ns",
                "idle": "1300 ns",
            },
        ],
    }
    assert figures(config, saves=True)[1:] == figures(config, saves=False)[1:]


def test_a_place_given_up_as_what_was_ahead_of_its_time_goes_is_known_in_the_next_cycle():
    """The hub's only cache misses: nobody is probed, and a request in the FIFO to memory is taken back and goes."""
    cores = {name: {"clock": "1600 MHz"} for name in ("core0", "core1", "core2")}
    cores["core2"]["outstanding"] = 4
    cache = {"caching": True, "latency": "10 cycles", "response_latency": "4 cycles"}
    interconnect = {"latency": "19 cycles", "queue": 1, "masters": {"core2": cache}}
    interconnect["hub"] = {"probe": "8 cycles", "write_lead": "0 cycles"}
    layers = [{"activation": {"input": [11, 3, 3]}}]
    config = {
        "system": {
            "accelerators": {"nvdla0": {}},
            "cores": cores,
            "interconnect": interconnect,
            "memory": {},
        },
        "workloads": {"j0": {"on": "nvdla0", "layers": layers, "fallback": "core0"}},
        "corunners": [
            {"on": "core2", "footprint": "64 KiB"},
            {"on": "core0", "footprint": "64 KiB", "busy": "400 ns", "idle": "2200 ns"},
            {"on": "core1", "footprint": "8 KiB", "busy": "700 ns", "idle": "3000 ns"},
        ],
    }
    assert figures(config, saves=True)[1:] == figures(config, saves=False)[1:]


def test_a_request_that_a_cache_takes_late_has_found_its_bank_busy_before_others_stalled():
    """Stalls that nobody sees begin as the bank comes free: what it is charged from then on is theirs."""
    interconnect = {
        "clock": "3.2 GHz",
        "latency": "18 cycles",
        "masters": {"nvdla0": {"fifo": {"release": "6 cycles"}}},
    }
    system = {
        "accelerators": {"nvdla0": {"clock": "3.2 GHz"}},
        "cores": {"core0": {"clock": "3.2 GHz", "outstanding": 2}},
        "interconnect": interconnect,
        "llc": {"size": "16 KiB", "ways": 4, "data_width": "8 B", "conflict": "stall_set"}
        | {"entry_latency": "2 cycles"},
    }
    layers = [{"conv": {"kernels": 24, "kernel": "1x1", "input": [20, 19, 16]}}, {"lrn": {}}]
    dram = yaml.safe_load(FASED.read_text(encoding="utf-8"))["system"]
    config = {
        "system": system | dram,
        "workloads": {"j0": {"on": "nvdla0", "layers": layers, "frames": 3, "fallback": "core0"}},
        "corunners": [{"on": "core0", "kind": "bandwidth_read", "footprint": "8 KiB", "jitter": "33 cycles"}],
    }
    assert figures(config, saves=True)[1:] == figures(config, saves=False)[1:]


@pytest.mark.parametrize("until_ns", range(19_000, 19_160, 20))
def test_a_run_cut_off_anywhere_balances_with_what_the_hub_keeps(until_ns):
    machine = build_machine(load(soc("crowd", True), settings=[f"simulation.until={until_ns} ns"]))
    run_machine(machine)
    assert list(balances(machine)) == []
