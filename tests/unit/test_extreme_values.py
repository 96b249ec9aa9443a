"""Values at the ends of what a config can hold, alone and several at once: told in a line, or run to an end."""

from random import Random

import pytest

import simulator
from hw_models.errors import ConfigError
from simulator.config.model import load, resolved
from simulator.config.networks import check_networks
from simulator.fuzz.invariants import violations
from simulator.simulate import result_of
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine
from simulator.time_limit import TimeUp, time_limit

CORE = {"clock": "1 GHz", "outstanding": 4}
CONV = {"conv": {"input": [8, 6, 6], "kernels": 16, "kernel": 3, "padding": 1}}
PREDICTOR = {"policy": "predictor", "activity": {"active": [0.1], "context_rate": 0.4, "persistence": 0.1}}
BASES = {
    "tree": {
        "system": {
            "accelerators": {"nvdla0": {"preset": "nv_small"}},
            "cores": {"core0": CORE, "core1": CORE},
            "interconnect": {
                "width": "8 B",
                "hub": {},
                "masters": {"nvdla0": {"budget": "1 GB/s", "fifo": {}}, "core1": {}},
            },
            "llc": {"size": "64 KiB", "ways": 4},
            "dram": {"standard": "DDR3-1600"},
        },
        "workloads": {"j0": {"on": "nvdla0", "layers": [CONV], "fallback": "core0", "period": "100 us"}},
        "corunners": [{"on": "core1", "footprint": "256 KiB", "rate": "1 GB/s"}],
    },
    "systolic": {
        "system": {"accelerators": {"npu": {"kind": "systolic"}}, "memory": {"bandwidth": "8 B/cycle"}},
        "workloads": {"j0": {"on": "npu", "layers": [CONV]}},
    },
    "flash": {
        "system": {"backends": {"gpu0": {"preset": "m1_max_metal"}}, "flash": {"preset": "m1_max_ssd"}},
        "workloads": {
            "chat": {"model": "opt-125m", "on": "gpu0", "prompt": 2, "tokens": 2, "offload": PREDICTOR}
        },
    },
}
NUMBERS = ["0", "1", "-1", "2", "255", "4096", "65536", *(str(2**bits) for bits in (31, 40, 62, 63))]
SHARES = ["0", "1", "-1", "1e300", "5e-324", ".nan", ".inf", "-.inf"]
ELSE = [
    "null",
    "''",
    "²",
    "[]",
    "[a]",
    "{}",
    "{a: 1}",
    "0",
    "1 B",
    "1 fs",
    "1 Hz",
    "1 cycle",
    "1 MB/s",
    "4 EiB",
]
EVERY = 11  # of the values, alone
SEVERAL = 24  # runs with several at once
LIMIT_S = 1.5


def parts(data, keys=()):
    yield ".".join(keys), data
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from parts(value, (*keys, str(key)))


def extremes(value):
    """Return what to write in place of a value: of its own kind as far as it goes, then of any."""
    if isinstance(value, str) and value[:1].isdigit():
        return [f"{number} {value.split()[1]}" for number in [*NUMBERS, "1e18", "0.001"]] + ["null", "1 fs"]
    if isinstance(value, float):
        return SHARES
    return NUMBERS if isinstance(value, int) else ELSE


def settings(name):
    whole = resolved(load(BASES[name]))
    return [f"{keys}={text}" for keys, value in parts(whole) if keys for text in extremes(value)]


def taken(name, given):
    try:
        check_networks(load(BASES[name], settings=given))
    except ConfigError:
        return False
    return True


def wrong(name, given):
    """Return what is wrong with a run that its time, or ours, may end."""
    try:
        with time_limit(LIMIT_S):
            machine = build_machine(load(BASES[name], settings=given))
            return violations(machine, result_of(machine, run_machine(machine)))
    except TimeUp:
        return []
    except ConfigError as error:
        return [] if error.key == "simulation.max_time" else [str(error)]


@pytest.mark.parametrize("name", BASES)
def test_each_is_taken_or_told(name):
    answers = {taken(name, [setting]) for setting in settings(name)[::EVERY]}
    assert answers == {True, False}


@pytest.mark.parametrize("name", BASES)
def test_several_at_once_run_to_an_end(name):
    simulator.run(BASES[name])
    rng = Random(1)
    every = settings(name)
    for _ in range(SEVERAL):
        given = []
        for setting in rng.sample(every, 30):
            if len(given) < 4 and taken(name, [*given, setting]):
                given.append(setting)
        assert wrong(name, given) == [], given


TOLD = {
    ("tree", "system.cores.core0.line=0 B"): "line: 0 is too small; write at least 8",
    ("tree", "system.interconnect.clock=1 Hz"): "clock: 1 Hz is too small; write at least 1 MHz",
    ("tree", "simulation.until=2 h"): "is not an end",
    ("tree", "simulation.until=9300 s"): "simulation.until: '9300 s' is too long; write at most 3600 s",
    ("tree", "simulation.max_time=3601 s"): "simulation.max_time: 3601 s is too large; write at most 3600 s",
    ("tree", "simulation.until=4000 s"): "simulation.until: '4000 s' is too long; write at most 3600 s",
    (
        "tree",
        "system.accelerators.nvdla0.cbuf_depth=4611686018427387904",
    ): "is too large; write at most 1048576",
    ("systolic", "system.accelerators.npu.driver.interrupt=2000 s"): "is too large",
    ("flash", "system.backends.gpu0.preset=[a]"): "preset ['a'] is not known",
    ("flash", "system.backends.gpu0.peak.fp16=0 GFLOPS"): "is too small",
    ("flash", "system.backends.gpu0.efficiency.gemv=1e-300"): "is too small",
    ("flash", "system.flash.bus=[a]"): "['a'] is not a known bus",
    ("flash", "system.flash.cell=[a]"): "cell",
    ("flash", "system.flash.blocks=4611686018427387904"): "more than 1125899906842624 B in all",
    ("flash", "system.flash.sequential_depth=65536"): "is too large; write at most 1024",
    ("flash", "system.flash.link_packet_overhead=1e18 B"): "is too large",
    ("flash", "system.flash.host.serial_rate=1 B/s"): "serial_rate 1 B/s; write at least 1 MB/s",
}


@pytest.mark.parametrize(("name", "setting"), TOLD, ids=lambda text: text[:40])
def test_beyond_what_can_be_counted_is_told(name, setting):
    with pytest.raises(ConfigError) as error:
        load(BASES[name], settings=[setting])
    assert TOLD[name, setting] in str(error.value)


def test_waits_beyond_64_bits_of_femtoseconds_are_told_as_they_are():
    """Dozens of requests that wait for an hour, all together."""
    slow = load(BASES["flash"], settings=["system.flash.link_rate=1 MB/s"])
    machine = build_machine(slow)
    result = result_of(machine, run_machine(machine))
    assert violations(machine, result) == []
    assert result.summary["interference"]["gpu0"]["gpu0"]["delay_s"] > 9223


SLOW = {"clock": "1 MHz", "outstanding": 64}
HOURS = {  # an hour of a slow memory, dozens of requests in front of it all the time
    "answers": ("latency: 100000000 cycles", "write_beat_interval: 100000 cycles"),
    "doors": ("read_latency: 100 cycles", "write_beat_interval: 10000000 cycles"),
}


@pytest.mark.parametrize("case", HOURS)
def test_an_hour_of_many_waits_is_told_as_it_is(case):
    memory = dict(text.split(": ") for text in HOURS[case])
    cores = {f"core{i}": SLOW for i in range(8)}
    config = {
        "system": {"cores": cores, "interconnect": {"clock": "1 MHz"}, "memory": memory},
        "corunners": [{"on": name, "kind": "bandwidth_write", "footprint": "8 MiB"} for name in cores],
        "simulation": {"until": "3600 s"},
    }
    machine = build_machine(load(config))
    result = result_of(machine, run_machine(machine))
    assert violations(machine, result) == []
    waits = [row["delay_s"] for rows in result.summary["interference"].values() for row in rows.values()]
    reads = [(m["reads"], m["read_latency_s"]["mean"]) for m in result.summary["masters"].values()]
    whole = {"answers": sum(count * (mean or 0) for count, mean in reads), "doors": sum(waits)}[case]
    assert whole > 9223  # seconds are 2**63 femtoseconds


def test_what_takes_longer_than_any_run_is_out_of_time_and_not_stuck():
    slow = load(BASES["flash"], settings=["system.backends.gpu0.memory_bandwidth=1 kB/s"])
    with pytest.raises(ConfigError, match="3600 s of simulated time passed"):
        run_machine(build_machine(slow))
