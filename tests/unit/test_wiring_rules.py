"""What cannot be wired is refused when the config is read: where, what was found, what would be right."""

import pytest

from hw_models.errors import ConfigError, ConfigErrors
from simulator.config.model import load

BUS, CACHE = {"width": "8 B"}, {"size": "16 KiB", "ways": 4}


def system_of(**parts):
    usual = {
        "accelerators": {"nvdla0": {"preset": "nv_small"}},
        "cores": {"core0": {"clock": "1 GHz"}, "core1": {"clock": "1 GHz"}},
        "interconnect": BUS,
        "llc": CACHE,
        "dram": {"standard": "DDR3-1600"},
    }
    return {name: part for name, part in (usual | parts).items() if part is not None}


def told(**parts):
    """Return what `load` says of the system."""
    with pytest.raises((ConfigError, ConfigErrors)) as error:
        load({"system": system_of(**parts)})
    return str(error.value).splitlines()


def one_core(**keys):
    return {"core0": {"clock": "1 GHz"} | keys}


ALONE = {"accelerators": {}, "interconnect": None}
NV_FULL = {"nvdla0": {"preset": "nv_full", "below": "llc"}}
SRAM = {"size": "64 KiB"}

REFUSED = {
    "a name that is not there": (
        {"interconnect": BUS | {"below": "l3"}},
        "system.interconnect.below: 'l3' is not known; write one of dram, llc",
    ),
    "nothing below": (
        {"interconnects": {"sbus": BUS}},
        "system.interconnects.sbus: nothing is below it; write below: and one of dram, interconnect, llc",
    ),
    "an outside master straight at DRAM": (
        ALONE | {"cores": {}, "llc": None, "masters": {"dut": {"kind": "external"}}},
        "system.masters.dut.below: requests of up to 4096 B straight at dram; write an interconnect in between",
    ),
    "an outside master beside partitions": (
        {
            "masters": {"dut": {"kind": "external"}},
            "dram": {"standard": "DDR3-1600", "partition": {"core0": [0]}},
        },
        "system.dram.partition: goes with no outside master, whose addresses are its own; write one of the two",
    ),
    "a circle": (
        {"interconnects": {"a": BUS | {"below": "b"}, "b": BUS | {"below": "a"}}},
        "system.interconnects.a.below: a circle, a -> b -> a; below must lead to memory",
    ),
    "nothing above": (
        {"memories": {"sram": SRAM | {"at": "512 GiB"}}},
        "system.memories.sram: nothing is above it; write below: sram where its requests come from",
    ),
    "two above a cache": (
        {"cores": one_core(below="llc")},
        "system.llc: core0, interconnect are above it, and it has one port; write an interconnect in between",
    ),
    "several masters and no interconnect": (
        {"accelerators": {}, "interconnect": None, "llc": None},
        "system.interconnect: absent, yet 2 masters need one; write interconnect: {width: 8 B, latency: 20 cycles}",
    ),
    "channels below a master": (
        ALONE | {"cores": one_core(), "llc": None, "dram": {"standard": "DDR3-1600", "channels": 2}},
        "system.dram.channels: 2, yet core0 above it has one port; write channels: 1, "
        "or an interconnect in between",
    ),
    "ports below a master": (
        ALONE | {"cores": one_core(), "llc": CACHE | {"banks": 2, "ports": 2}},
        "system.llc.ports: 2, yet core0 above it has one port; write ports: 1, or an interconnect in between",
    ),
    "bursts across lines": (
        ALONE | {"cores": {}, "accelerators": NV_FULL},
        "system.accelerators.nvdla0.below: requests of up to 256 B do not fit the 64 B lines of llc; "
        "write an interconnect in between",
    ),
    "larger lines above": (
        ALONE | {"cores": one_core(below="l2"), "caches": {"l2": CACHE | {"line": "128 B", "below": "llc"}}},
        "system.caches.l2.line: 128 B are more than the 64 B lines of llc below it; "
        "write at most that, or an interconnect in between",
    ),
    "lines across channels": (
        {"llc": CACHE | {"line": "512 B"}, "dram": {"standard": "DDR3-1600", "channels": 2}},
        "system.llc.line: lines of 512 B do not divide the 256 B of a memory channel",
    ),
    "two memories without addresses": (
        {"interconnect": BUS | {"below": ["llc", "sram"]}, "memories": {"sram": SRAM}},
        "system.interconnect.below: llc and sram lead to memories without addresses of their own; "
        "write at: for all but one of these, or interleave: here",
    ),
    "three take turns": (
        {
            "interconnect": BUS | {"below": ["llc", "a", "b"], "interleave": "4 KiB"},
            "memories": {"a": SRAM, "b": SRAM},
        },
        "system.interconnect.interleave: 3 below it take turns; write 2, 4 or 8 of them",
    ),
    "addresses of jobs": (
        {"interconnect": BUS | {"below": ["llc", "sram"]}, "memories": {"sram": SRAM | {"at": "1 GiB"}}},
        "system.memories.sram.at: 1073741824 B is where jobs lie; write at least 512 GiB",
    ),
    "the same addresses": (
        {
            "interconnect": BUS | {"below": ["llc", "a", "b"]},
            "memories": {"a": SRAM | {"at": "512 GiB"}, "b": SRAM | {"at": "512 GiB"}},
        },
        "system.memories.b.at: its addresses are also those of a; write others",
    ),
    "CVSRAM without addresses": (
        {
            "accelerators": {"nvdla0": {"preset": "nv_full", "cvsram": "sram"}},
            "memories": {"sram": SRAM},
        },
        "system.accelerators.nvdla0.cvsram: sram leads to memory without addresses of its own; "
        "write at: for that, such as at: 512 GiB",
    ),
    "no usual memory": (
        {
            "dram": None,
            "llc": None,
            "interconnect": BUS | {"below": "sram"},
            "accelerators": {},
            "cores": one_core(),
            "memories": {"sram": SRAM | {"at": "512 GiB"}},
        },
        "system.cores.core0.below: leads only to memories with at:, and jobs lie in those without; "
        "leave out one at:",
    ),
    "a port that is not there": (
        {
            "cores": one_core(below="sbus"),
            "interconnects": {"sbus": BUS | {"below": "interconnect"}},
            "interconnect": BUS | {"masters": {"core0": {"priority": 1}}},
        },
        "system.interconnect.masters.core0: 'core0' is not known; write one of nvdla0, sbus "
        "of what is above interconnect",
    ),
    "a name twice": (
        {"caches": {"core0": CACHE | {"below": "interconnect"}}},
        "system.caches.core0: also the name of a core; write another",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_wired_is_refused_in_one_line(case):
    parts, message = REFUSED[case]
    assert told(**parts) == [message]


def test_more_jobs_than_there_is_room_for_are_refused():
    job = {"on": "nvdla0", "layers": [{"conv": {"input": [4, 4, 8], "kernels": 8, "kernel": 1}}]}
    with pytest.raises(ConfigError) as error:
        load({"system": system_of(), "workloads": {f"job{i}": job for i in range(65)}})
    assert str(error.value) == "workloads: 65 jobs are too many; write at most 64"
