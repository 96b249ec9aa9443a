"""Runs that used to hang, or to end in nonsense: each ends, or says what is wrong."""

import signal
import time
from types import SimpleNamespace

import pytest

from hw_models.dram.spec import checked
from hw_models.dram.standards import ddr3
from hw_models.errors import StuckError
from hw_models.interconnect.state import SLOTS
from simulator.config.model import load
from simulator.kernel import soc
from simulator.soc import run as running
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

LAYER = {"conv": {"input": [4, 4, 8], "kernels": 8, "kernel": 1}}


def hogs(count, until="100 us", **parts):
    """Return ``count`` cores that only write, behind an interconnect with separate channels."""
    core = {"clock": "1 GHz", "outstanding": 4, "writebacks": 4}
    system = {
        "cores": {f"hog{i}": core for i in range(count)},
        "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "8 cycles", "channels": "separate"},
        "dram": {"standard": "LPDDR4-3200"},
    }
    return {
        "system": system | parts,
        "corunners": [
            {"on": f"hog{i}", "kind": "bandwidth_write", "footprint": "8 MiB"} for i in range(count)
        ],
        "simulation": {"until": until},
    }


@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize(
    "llc", [{}, {"llc": {"size": "1 MiB", "ways": 16, "mshrs": 16}}], ids=["bare", "llc"]
)
def test_two_grants_in_a_cycle_never_take_one_place(count, llc):
    machine = build_machine(load(hogs(count, **llc)))
    run_machine(machine)
    bus = machine.buses[0]
    free, slot = 0, int(bus["free_slot"])
    while slot >= 0:
        free, slot = free + 1, int(bus["slots"][slot]["next"])
    assert free + int(bus["lane_flight"].sum()) == SLOTS
    for measure in machine.measures:
        assert measure["reads"] > 500
        assert measure["read_bytes"] - measure["answered_reads"] <= 4 * 64
        assert measure["write_bytes"] - measure["answered_writes"] <= 4 * 64


def test_thirty_jobs_run_side_by_side():
    config = {
        "system": {
            "accelerators": {"nvdla0": {"preset": "nv_small"}},
            "interconnect": {},
            "dram": {"standard": "DDR3-1600"},
        },
        "workloads": {f"job{i:02}": {"on": "nvdla0", "layers": [LAYER]} for i in range(30)},
    }
    machine = build_machine(load(config))
    run_machine(machine)
    assert (machine.jobs["frame"] == 1).all()


def test_a_core_alone_above_memory_runs():
    config = hogs(1, until="10 us", interconnect=None)
    machine = build_machine(load(config))
    run_machine(machine)
    assert machine.measures[0]["answered_writes"] > 0


def test_a_timed_run_with_unanswered_requests_is_an_error():
    machine = build_machine(load(hogs(1, llc={"size": "16 KiB"})))
    machine.caches[0]["mshr_count"] = 0  # a cache that can never miss
    with pytest.raises(StuckError, match=r"^nothing can go on at .* s: hog0 waits for \d+ B of reads"):
        run_machine(machine)


HELD = {  # what is spoilt: a table, values of its fields; what is said of it
    "bus": (
        ("buses", {"limit": 0}),
        r"; interconnect holds 4 reads of hog0: 0 are in flight, see "
        r"system\.interconnect\.masters\.hog0\.outstanding",
    ),
    "port": (
        ("buses", {"port_limit": 0, "port_limited": 1}),
        r"; interconnect holds 4 reads of hog0: 0 are in flight, see system\.interconnect\.reads_in_flight",
    ),
    "dram": (
        ("channels", {"hold": 1, "outstanding": 1, "waiting": 1}),
        r"; [1-8] of [0-9]+ rows wait as requests below port 0 of interconnect for dram; .*"
        r"dram holds 0 bursts: as many reads as it takes are under way, see system\.dram\.max_reads",
    ),
}


@pytest.mark.parametrize("name", HELD)
def test_what_holds_requests_is_said_with_its_key(name):
    (table, spoilt), said = HELD[name]
    machine = build_machine(load(hogs(1)))
    for field, value in spoilt.items():
        getattr(machine, table)[field] = value
    with pytest.raises(StuckError, match=said):
        run_machine(machine)


def test_a_run_whose_time_stands_still_is_an_error(monkeypatch):
    machine = build_machine(load(hogs(1)))

    def run(systems, *arguments):
        systems["events"] += arguments[-1]
        return soc.RUNNING

    monkeypatch.setattr(running, "entry", lambda _: run)
    with pytest.raises(StuckError, match=r"^time stands still: 50000 events at 0.000000000 s: "):
        run_machine(machine)


def test_no_call_of_the_kernel_outlasts_a_signal_by_a_second():
    machine = build_machine(load(hogs(5, until="2 s")))
    running.compiled(machine)

    def interrupt(number, frame):
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, interrupt)
    started = time.process_time()
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.5)
        with pytest.raises(InterruptedError):
            run_machine(machine)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.process_time() - started < 2.5


def test_a_table_that_the_address_mapping_cannot_serve_is_refused_when_it_is_loaded():
    table = SimpleNamespace(**{name: value for name, value in vars(ddr3).items() if not name.startswith("_")})
    table.BURST_LENGTH = 24
    message = "DDR3: bursts of 24 transfers are 192 B, not a power of two"
    with pytest.raises(ValueError, match=message):
        checked(table)
