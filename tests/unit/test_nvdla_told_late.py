"""What an NVDLA is told late of its memory interface: told at once, every time and every count is the same.

So are they if its interconnect is called for places that NVDLA asks it for (`leaves_asking`).
"""

from pathlib import Path

import numpy as np
import pytest
import yaml

from hw_models.jit import numba
from simulator.config.model import load
from simulator.results.summary import settle
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

HUB = {"trackers": 4, "accept_interval": "5 cycles", "release": "2 cycles", "probe": "7 cycles"}
CORE = {"clock": "1 GHz", "outstanding": 4, "l1": "1 KiB", "l1_ways": 2}
WALK = {"on": "core0", "kind": "bandwidth_write", "footprint": "16 KiB", "rate": "1 GB/s"}
CONVS = [
    {"conv": {"input": [4, 4, 256], "kernels": 64, "kernel": "1x1"}},  # weights alone for long
    {"conv": {"input": [8, 16, 64], "kernels": 32, "kernel": "3x3", "padding": 1}},
]
WRITES = [{"conv": {"input": [16, 16, 32], "kernels": 96, "kernel": "1x1"}}]
POOL = [*WRITES, {"pool": {"kernel": "2x2", "stride": 2}}]


def soc(clock, accelerator, interconnect, layers, **more):
    return {
        "system": {
            "accelerators": {"nvdla0": {"clock": clock} | accelerator},
            "cores": {"core0": CORE},
            "interconnect": {"clock": "1 GHz", "width": "8 B", "latency": "9 cycles"} | interconnect,
            "llc": {"clock": "1 GHz", "size": "32 KiB", "ways": 4},
            "dram": {"standard": "DDR4-2400"},
        }
        | more.pop("system", {}),
        "workloads": {"job": {"on": "nvdla0", "fallback": "core0", "layers": layers}},
        "simulation": {"until": "workloads"},
    } | more


LARGE, SMALL = {"preset": "nv_large"}, {"preset": "nv_small"}
ENTRY = {"masters": {"nvdla0": {"ids": 8, "outstanding_per_id": 8, "entry": "2 cycles", "fifo": {}}}}
SOCS = {
    "weights behind a hub": soc("1 GHz", LARGE, {"hub": HUB} | ENTRY, CONVS),
    "writes behind a hub": soc("1 GHz", LARGE, {"hub": HUB} | ENTRY, WRITES, corunners=[WALK]),
    "places behind the port": soc("1 GHz", LARGE, {"queue": 4}, CONVS, corunners=[WALK]),
    "one place": soc("1 GHz", SMALL, {"queue": 1}, CONVS),
    "a clock of its own": soc("700 MHz", LARGE, {}, POOL, corunners=[WALK]),
    "few ids": soc("1 GHz", LARGE | {"id_limit": 3}, {}, CONVS),
    "short of reads": soc("1 GHz", SMALL | {"outstanding_reads": 16}, {"latency": "90 cycles"}, CONVS),
    "a budget": soc("1 GHz", LARGE, {"period": "500 ns", "masters": {"nvdla0": {"budget": "1 GB/s"}}}, CONVS),
    "cut off": soc("1 GHz", LARGE, {"hub": HUB} | ENTRY, CONVS, simulation={"until": "395.432 us"}),
}
FASED = Path(__file__).resolve().parents[2] / "configs" / "dram" / "firesim_fased.yaml"
FAST = {"clock": "3.2 GHz"}
ONE_CLOCK = yaml.safe_load(FASED.read_text(encoding="utf-8"))["system"] | {
    "cores": {"core0": CORE | FAST},
    "llc": {"size": "32 KiB", "ways": 4} | FAST,
}
for title, interconnect in {
    "a hub": {"hub": HUB} | ENTRY,
    "two places": {"queue": 2},
    "a place": {"queue": 1},
}.items():
    SOCS[f"one clock, {title}"] = soc("3.2 GHz", LARGE, interconnect | FAST, CONVS + POOL, system=ONE_CLOCK)
SOCS["one clock, others"] = soc("3.2 GHz", SMALL, FAST, POOL, system=ONE_CLOCK, corunners=[WALK])
FLASH = {"preset": "m1_max_ssd", "writable": True, "channels": 1, "chips": 1, "blocks": 64}
STORAGE = {"weights": "flash", "record": "100000 B", "chunk": "16 KiB"}
SHORT = [{"conv": {"input": [8, 8, 16], "kernels": 16, "kernel": 3, "padding": 1}}]
NARROW = {"interconnects": {"narrow": {"clock": "1 GHz", "width": "4 B", "below": "interconnect"}}}
SOCS["bursts that come bit by bit"] = soc(
    "1 GHz", {"preset": "nv_medium_512", "below": "narrow"}, {}, SHORT, system=NARROW
)
JOB = {"on": "nvdla0", "fallback": "core0", "layers": SHORT, "storage": STORAGE}
SOCS["asked between two edges"] = soc(  # flash has no clock of NVDLA's, and is asked while it computes
    "500 MHz", SMALL, {"clock": "400 MHz"}, SHORT, system={"flash": FLASH}, workloads={"a": JOB, "b": JOB}
)


def figures(config, patient):
    """Return (events, all that a run leaves behind)."""
    machine = build_machine(load(config))
    machine.fleets["nvdla"].states["patient"] &= patient
    machine.nodes.wires["fifo"]["asks"] &= patient
    run_machine(machine)
    settle(machine)
    buses = machine.nodes.buses["bus"]
    kept = {
        name: machine.channels[name] for name in ("blame", "commands") if name in machine.channels.dtype.names
    }
    kept |= {name: buses[name] for name in ("blame", "reads", "writes", "read_bytes", "busy_cycles")}
    kept |= {f"llc {name}": machine.caches[name] for name in ("hits", "misses", "writebacks", "blame")}
    kept |= {"ops": machine.fleets["nvdla"].records, "measures": machine.measures, "steps": machine.records}
    kept |= {"doors": machine.system["doors"], "entries": machine.ledger.entries}
    return int(machine.system[0]["events"]), {name: np.array(table).tobytes() for name, table in kept.items()}


@pytest.mark.parametrize("name", SOCS)
def test_what_is_told_late_shows_nowhere(name):
    if numba.config.DISABLE_JIT and name != "cut off":
        pytest.skip("takes a minute where kernels are not compiled")
    events, at_once = figures(SOCS[name], 0)
    fewer, late = figures(SOCS[name], 1)
    assert [name for name in late if late[name] != at_once[name]] == []
    assert fewer < events or name == "few ids"
