"""Any tree of interconnects, caches and memories: nothing is lost in it, and what each part does shows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.interconnect.state import PORTS, SOURCES
from hw_models.limits import NARROW, NARROW_WIRES, WIDE
from hw_models.port import MASTERS, WIRES
from simulator.config import names, wiring_rules
from simulator.config.model import load
from simulator.kernel import soc_state
from simulator.simulate import result_of
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

LAYER = {"conv": {"input": [6, 6, 16], "kernels": 16, "kernel": 3, "padding": 1}}
NET = {"on": "nvdla0", "fallback": "core0", "layers": [LAYER]}


def system_of(**parts):
    """Return a small SoC: NVDLA and three cores, ``parts`` laid over it."""
    return {
        "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "500 MHz"}},
        "cores": {
            f"core{i}": {"clock": f"{700 + 100 * i} MHz", "l1": "4 KiB", "outstanding": 4} for i in range(3)
        },
        "interconnect": {"clock": "400 MHz", "width": "8 B", "latency": "5 cycles"},
        "llc": {"size": "16 KiB", "ways": 4, "mshrs": 6},
        "dram": {"standard": "DDR3-1600"},
    } | parts


def below(**names):
    """Return the cores of `system_of`, each wired to what ``names`` says."""
    cores = system_of()["cores"]
    return {name: core | ({"below": names[name]} if name in names else {}) for name, core in cores.items()}


def run(system, corunners=(), net=NET, **simulation):
    """Run to the end, then on until nothing is under way. Returns the machine and its summary."""
    config = {
        "system": system,
        "workloads": {"net": net},
        "corunners": list(corunners),
        "simulation": {"max_time": "1 s"} | simulation,
    }
    machine = build_machine(load(config))
    wall_s = run_machine(machine)
    return machine, result_of(machine, wall_s).summary


L2 = {"size": "4 KiB", "ways": 4, "mshrs": 4}
BUS = {"clock": "800 MHz", "width": "16 B", "latency": "2 cycles"}
READER = {"on": "core1", "kind": "bandwidth_read", "footprint": "16 KiB"}
WRITER = {"on": "core2", "kind": "bandwidth_write", "footprint": "32 KiB"}
SRAM = {"size": "8 KiB", "at": "512 GiB", "latency": "3 cycles"}
LPDDR = {"standard": "LPDDR4-3200", "at": "1 TiB"}

TREES = {
    "an L2 a core": system_of(
        cores=below(core0="l2a", core1="l2b"),
        caches={"l2a": L2 | {"below": "interconnect"}, "l2b": L2 | {"below": "interconnect"}},
    ),
    "an L2 a cluster, behind a bus": system_of(
        cores=below(core0="cluster", core1="cluster"),
        interconnects={"cluster": BUS | {"below": "l2"}},
        caches={"l2": L2 | {"below": "interconnect"}},
    ),
    "three buses in a row": system_of(
        accelerators={"nvdla0": {"preset": "nv_small", "clock": "500 MHz", "below": "fbus"}},
        interconnects={
            "fbus": BUS | {"below": "sbus"},
            "sbus": BUS | {"clock": "333 MHz", "below": "interconnect"},
        },
    ),
    "three caches in a row": system_of(
        cores=below(core0="l2"),
        caches={"l2": L2 | {"below": "l3"}, "l3": L2 | {"size": "8 KiB", "below": "interconnect"}},
    ),
    "an LLC per channel group": system_of(
        interconnect={"clock": "400 MHz", "below": ["llc", "llc1"], "interleave": "1 KiB"},
        caches={"llc1": L2 | {"below": "dram1"}},
        memories={"dram1": {"standard": "DDR4-2400"}},
    ),
    "an LLC with two ports, two channels": system_of(
        llc={"size": "16 KiB", "ways": 4, "banks": 4, "ports": 2},
        dram={"standard": "DDR4-2400", "channels": 2},
    ),
    "SRAM beside the LLC": system_of(
        interconnect=system_of()["interconnect"] | {"below": ["llc", "sram"]}, memories={"sram": SRAM}
    ),
    "two standards": system_of(
        interconnect=system_of()["interconnect"] | {"channels": "separate", "below": ["llc", "lp"]},
        memories={"lp": LPDDR | {"channels": 2}},
    ),
    "CVSRAM behind a bus that a core reaches too": system_of(
        accelerators={"nvdla0": {"preset": "nv_small", "clock": "500 MHz", "cvsram": "xbar"}},
        interconnects={"xbar": BUS | {"below": "sram"}},
        interconnect=system_of()["interconnect"] | {"below": ["llc", "xbar"]},
        memories={"sram": SRAM},
    ),
}


@pytest.mark.parametrize("tree", TREES)
@settings(max_examples=2)
@given(seed=st.integers(1, 1000), place=st.booleans())
def test_every_byte_asked_for_is_answered_in_any_tree(tree, seed, place):
    system, corunners = TREES[tree], [READER, WRITER]
    windows = [name for name, memory in system.get("memories", {}).items() if "at" in memory]
    net = NET
    if windows and place:
        net = NET | {"place": {"weights": windows[0], "features": windows[0]}}
        corunners = [READER, WRITER | {"memory": windows[0], "footprint": "1 KiB"}]
        if "sram" in windows and "cvsram" in system["accelerators"]["nvdla0"]:
            corunners = [READER, WRITER]
    machine, summary = run(system, corunners, net, seed=seed)
    nvdla = machine.measures[0]
    assert nvdla["answered_reads"] == nvdla["read_bytes"] > 0
    assert nvdla["answered_writes"] == nvdla["write_bytes"] > 0
    records = machine.fleets["nvdla"].records
    assert records["read_bytes"].sum() == nvdla["read_bytes"]
    assert records["write_bytes"].sum() == nvdla["write_bytes"]
    for measure in machine.measures[1:]:
        assert 0 <= measure["read_bytes"] - measure["answered_reads"] <= 4 * 64
    if windows and place:
        assert sum(summary["workloads"]["net"]["memory"]["placed"][windows[0]].values()) > 0


def test_an_l2_keeps_from_the_llc_what_fits_it():
    tree = TREES["an L2 a core"]
    caches = {name: cache | {"size": "32 KiB"} for name, cache in tree["caches"].items()}
    small, large = (run(t, [READER], until="200 us")[1] for t in (tree, tree | {"caches": caches}))
    assert small["caches"]["l2b"]["hit_rate"] < 0.1
    assert large["caches"]["l2b"]["hit_rate"] > 0.9
    assert large["llc"]["masters"]["core1"]["hits"] + large["llc"]["masters"]["core1"]["misses"] == 256


def test_channels_that_take_turns_share_the_traffic_and_see_no_gaps():
    machine, summary = run(TREES["an LLC per channel group"], [READER, WRITER], until="200 us")
    one, other = (cache["hits"] + cache["misses"] for cache in (summary["llc"], summary["caches"]["llc1"]))
    assert 0.8 < one / other < 1.25
    touched = {
        int(line) for line in machine.wired.tags["line"][: int(machine.caches[0]["set_mask"]) + 1].flat
    }
    assert {line % 2 for line in touched if line >= 0} == {0, 1}


def test_cvsram_takes_the_traffic_of_what_lies_there_off_dram():
    tree = TREES["CVSRAM behind a bus that a core reaches too"]
    _, there = run(tree, net=NET | {"place": {"weights": "sram", "features": "sram"}})
    _, here = run(tree)
    kinds = ("weights", "features", "outputs")
    for summary in (there, here):
        assert summary["workloads"]["net"]["traffic_bytes"] == here["workloads"]["net"]["traffic_bytes"]
    moved = sum(here["workloads"]["net"]["traffic_bytes"][kind] for kind in kinds)
    sram = there["memories"]["sram"]
    assert sram["read_bytes"] + sram["write_bytes"] >= moved
    assert here["memories"]["sram"] == {"reads": 0, "writes": 0, "read_bytes": 0, "write_bytes": 0}
    assert there["workloads"]["net"]["latency_s"] < here["workloads"]["net"]["latency_s"]


def test_interference_has_the_waits_of_every_node():
    machine, summary = run(TREES["an L2 a cluster, behind a bus"], [READER, WRITER], until="100 us")
    tables = machine.charges()
    assert len(tables) == 2 * (2 + 2 + 1)  # of two interconnects, two caches, a channel, and of their doors
    cluster = machine.buses[machine.wired.parts["cluster"].row]["blame"]
    assert cluster[2, 1].sum() + cluster[1, 2].sum() + cluster[1, 1].sum() > 0
    total = sum(int(each.table[1].sum()) * each.period_fs for each in tables)
    assert sum(pair["delay_s"] for pair in summary["interference"]["core0"].values()) == pytest.approx(
        total * 1e-15
    )


def test_limits_of_the_drawing_are_those_of_the_kernel():
    most = {NARROW: (NARROW, NARROW_WIRES), WIDE: (wiring_rules.MOST_SOURCES, wiring_rules.MOST_WIRES)}
    assert most[MASTERS] == (SOURCES, WIRES)
    assert wiring_rules.MOST_PORTS == PORTS
    assert wiring_rules.MOST_INTERCONNECTS == soc_state.MOST_BUSES
    assert MASTERS + names.JOBS + wiring_rules.MOST_NODES <= soc_state.UNITS
