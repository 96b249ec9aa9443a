"""The largest SoC of each kind is built, and one that is larger is refused in one line that says what fits."""

import sys

import pytest

from hw_models.errors import ConfigError
from simulator.cli import main as cli
from simulator.config.model import load
from simulator.config.wiring_rules import is_wide
from simulator.soc.build import build_machine
from simulator.soc.run import requests_of, run_machine

CONFIG = """\
system:
  cores: {core0: {clock: 1 GHz}}
  interconnect: {clock: 500 MHz, width: 8 B, latency: 8 cycles}
  llc: {clock: 500 MHz, size: 256 KiB, ways: 8, mshrs: 8, banks: 4}
  dram: {standard: DDR3-1600}
corunners:
  - {on: core0, kind: bandwidth_read, footprint: 1 MiB}
simulation: {until: 5 us}
"""
LAYER = {"conv": {"input": [6, 6, 16], "kernels": 16, "kernel": 3, "padding": 1}}
LIMITS = {  # key: (the last value that is taken, the first that is not, what is said of it)
    "system.dram.channels": (16, 32, "system.dram.channels: 32 is too large; write at most 16"),
    "system.dram.ranks": (4, 8, "system.dram.ranks: 8 is too large; write at most 4"),
    "system.dram.read_queue": (64, 65, "system.dram.read_queue: 65 is too large; write at most 64"),
    "system.llc.size": (
        "32 MiB",
        "1 GiB",
        "system.llc: 2097152 sets are too many; write a size of at most 536870912 B",
    ),
    "system.llc.ways": (16, 17, "system.llc.ways: 17 is too large; write at most 16"),
    "system.llc.mshrs": (64, 65, "system.llc.mshrs: 65 is too large; write at most 64"),
    "system.llc.banks": (16, 17, "system.llc.banks: 17 is too large; write at most 16"),
    "system.cores.core0.outstanding": (
        64,
        65,
        "system.cores.core0.outstanding: 65 is too large; write at most 64",
    ),
    "system.cores.core0.clock": (
        "1 MHz",
        "999 kHz",
        "system.cores.core0.clock: 999 kHz is too small; write at least 1 MHz",
    ),
    "system.interconnect.clock": (
        "1000 GHz",
        "1001 GHz",
        "system.interconnect.clock: 1001 GHz is too large; write at most 1000 GHz",
    ),
    "simulation.until": (
        "3600 s",
        "3601 s",
        "simulation.until: '3601 s' is too long; write at most 3600 s",
    ),
    "simulation.max_time": (
        "3600 s",
        "9300 s",  # beyond 64 bits of femtoseconds
        "simulation.max_time: '9300 s' is too large a time; write at most 3600 s",
    ),
}


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG)
    return "c.yaml"


@pytest.mark.parametrize("key", LIMITS)
def test_a_value_fits_up_to_its_limit_and_is_refused_beyond(key, written):
    most, beyond, told = LIMITS[key]
    build_machine(load(written, settings=[f"{key}={most}"]))
    with pytest.raises(ConfigError) as error:
        load(written, settings=[f"{key}={beyond}"])
    assert str(error.value).endswith(f": {told}")


def many(masters: int, channels: int = 1) -> dict:
    """Return a system of so many cores, each of which reads."""
    names = [f"core{i:02}" for i in range(masters)]
    return {
        "system": {
            "cores": {name: {"clock": "1 GHz"} for name in names},
            "interconnect": {"clock": "500 MHz", "width": "8 B", "latency": "8 cycles"},
            "dram": {"standard": "DDR3-1600", "channels": channels},
        },
        "corunners": [{"on": name, "kind": "bandwidth_read", "footprint": "64 KiB"} for name in names],
        "simulation": {"until": "2 us"},
    }


def test_sixteen_masters_share_sixteen_channels():
    machine = build_machine(load(many(16, 16)))
    run_machine(machine)
    assert (machine.measures["reads"] > 0).sum() == 16
    assert requests_of(machine) == machine.measures["reads"].sum()


def test_more_masters_than_fit_are_refused():
    load(many(64))
    with pytest.raises(ConfigError, match=r"^system: 65 masters are too many; write at most 64$"):
        load(many(65))


def test_more_masters_than_the_kernels_of_this_process_hold_are_told_what_to_set():
    told = "system: more than 16 masters, and this process has kernels for 16 by now; set DLASIM_MASTERS=64"
    with pytest.raises(ConfigError, match=f"^{told} before Python starts$"):
        build_machine(load(many(17)))


def chained(count: int) -> dict:
    """Return a system of interconnects in a row."""
    bus = {"clock": "500 MHz", "width": "8 B", "latency": "2 cycles"}
    config = many(1)
    system = config["system"]
    del system["interconnect"]
    below = [f"bus{i}" for i in range(1, count)] + ["dram"]
    system["interconnects"] = {f"bus{i}": bus | {"below": below[i]} for i in range(count)}
    system["cores"]["core00"]["below"] = "bus0"
    return config


def test_eight_interconnects_fit_and_no_ninth():
    build_machine(load(chained(8)))
    with pytest.raises(ConfigError, match=r"^system: 9 interconnects; at most 8 fit$"):
        load(chained(9))


def test_the_command_says_it_in_one_line_and_ends_with_2(written, monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["dlasim", "run", written, "--set", "system.dram.channels=32", "--out", "o"]
    )
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "system.dram.channels: 32 is too large; write at most 16" in err


def beside(count: int) -> dict:
    """Return a system of an interconnect with so many memories below it that have addresses of their own."""
    config = many(1)
    sram = {"size": "1 MiB", "latency": "5 cycles", "bandwidth": "8 B/cycle"}
    config["system"]["memories"] = {f"m{i:02}": sram | {"at": f"{512 + i} GiB"} for i in range(count)}
    config["system"]["interconnect"]["below"] = ["dram", *config["system"]["memories"]]
    return config


def test_fifteen_address_ranges_fit_beside_the_rest_and_no_sixteenth():
    machine = build_machine(load(beside(15)))
    assert machine.buses[0]["route_count"] == 16
    with pytest.raises(ConfigError, match=r"system.interconnect.below: 16 address ranges; at most 15 fit"):
        load(beside(16))


def wired(caches: int) -> dict:
    """Return 64 accelerators with two ports above caches in a row of 16 ports each."""
    cache = {"clock": "500 MHz", "size": "256 KiB", "ways": 8, "mshrs": 8, "banks": 16, "ports": 16}
    bus = {"clock": "500 MHz", "width": "8 B", "latency": "2 cycles"}
    sram = {"size": "1 MiB", "latency": "5 cycles", "bandwidth": "8 B/cycle", "at": "512 GiB"}
    accelerator = {"preset": "nv_large", "cvsram": "aside", "below": "interconnect"}
    below = [f"cache{k}" for k in range(1, caches)] + ["dram"]
    return {
        "system": {
            "accelerators": {f"nvdla{i:02}": accelerator for i in range(64)},
            "interconnects": {"aside": bus | {"below": "sram"}},
            "interconnect": bus | {"below": "cache0"},
            "caches": {f"cache{k}": cache | {"below": below[k]} for k in range(caches)},
            "dram": {"standard": "DDR3-1600", "channels": 16},
            "memories": {"sram": sram},
        },
        "workloads": {"net": {"on": "nvdla00", "layers": [LAYER]}},
    }


def test_512_wires_fit_and_no_more():
    assert is_wide(load(wired(2)).system, {})
    with pytest.raises(ConfigError, match=r"^system: \d+ wires between its parts; at most 512 fit$"):
        load(wired(3))


def test_the_dma_of_flash_is_one_of_the_masters_that_fit():
    config = many(63)
    config["system"]["interconnects"] = {
        "aside": config["system"]["interconnect"] | {"below": "interconnect"}
    }
    for core in config["system"]["cores"].values():
        core["below"] = "aside"
    config["system"] |= {
        "accelerators": {"nvdla0": {"preset": "nv_small"}},
        "flash": {"preset": "m1_max_ssd"},
    }
    job = {"on": "nvdla0", "layers": [LAYER], "storage": {"weights": "flash"}}
    with pytest.raises(ConfigError, match=r"^system: 65 masters, with flash's DMA; at most 64 fit$"):
        load(config | {"workloads": {"net": job}})
