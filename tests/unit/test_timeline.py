"""timeline.json: frames and their deadlines, operations with their waits, arrows, co-runners, bandwidth, queues."""

import pytest
import trace_events

import simulator
from hw_models.units import FS
from simulator.config.model import load
from simulator.kernel import soc
from simulator.soc import queues
from simulator.soc.build import build_machine
from simulator.soc.run import compiled, run_slice

CONV = {"input": [14, 14, 32], "kernels": 32, "kernel": "3x3", "stride": 1, "padding": 1}
CONFIG = {
    "name": "three frames beside a co-runner",
    "system": {
        "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "1 GHz"}},
        "cores": {"core0": {"clock": "1 GHz"}, "core1": {"clock": "1 GHz"}},
        "interconnect": {"clock": "1 GHz", "width": "8 B", "latency": "4 cycles"},
        "llc": {"size": "64 KiB", "ways": 4, "line": "64 B", "mshrs": 4},
        "dram": {"standard": "DDR4-2400"},
    },
    "workloads": {
        "detect": {"on": "nvdla0", "layers": [{"conv": CONV}, {"conv": CONV}], "frames": 3, "period": "200 us", "deadline": "1 us"}
    },
    "corunners": [{"on": "core1", "kind": "bandwidth_read", "footprint": "1 MiB"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def result():
    return simulator.run(CONFIG)


def of_kind(result, kind):
    return [event for event in result.timeline if event.get("cat") == kind]


def test_it_is_what_the_trace_event_format_asks_for(result):
    trace_events.check(result.timeline)


def test_every_frame_is_a_slice_with_an_instant_at_its_deadline(result):
    slices = [event for event in of_kind(result, "frame") if event["ph"] == "X"]
    instants = [event for event in of_kind(result, "frame") if event["ph"] == "i"]
    assert [each["args"]["frame"] for each in slices] == [0, 1, 2]
    assert [each["args"]["met"] for each in slices] == [False] * 3
    assert [each["dur"] for each in slices] == pytest.approx([s * 1e6 for s in result.frames["latency_s"]])
    assert [i["ts"] - s["ts"] for i, s in zip(instants, slices)] == pytest.approx([1.0] * 3)


def test_an_operation_holds_its_waits_one_behind_the_other(result):
    ops = of_kind(result, "op")
    assert [each["args"]["op"] for each in ops] == list(result.ops["op"])
    stalls = {name for name in result.ops if name.startswith("stall_") and name != "stall_driver_cycles"}
    for i, op in enumerate(ops):
        inside = [
            s for s in of_kind(result, "stall")
            if s["tid"] == op["tid"] and op["ts"] <= s["ts"] and s["ts"] + s["dur"] <= op["ts"] + op["dur"] + 1e-5
        ]  # fmt: skip
        counted = [int(result.ops[name][i]) for name in stalls if result.ops[name][i]]
        assert sorted(s["args"]["cycles"] for s in inside) == sorted(counted)
    assert of_kind(result, "stall")


def test_arrows_lead_from_a_layer_to_the_one_that_needs_it(result):
    starts = [event for event in of_kind(result, "dependency") if event["ph"] == "s"]
    ends = [event for event in of_kind(result, "dependency") if event["ph"] == "f"]
    assert len(starts) == len(ends) > 0
    first = {op["name"]: op for op in of_kind(result, "op")}
    assert {end["ts"] for end in ends} <= {op["ts"] for op in of_kind(result, "op")}
    assert len(first) > 1


def test_co_runners_and_bandwidth_have_tracks(result):
    (corunner,) = of_kind(result, "corunner")
    assert (corunner["name"], corunner["args"]["core"]) == ("bandwidth read", "core1")
    assert corunner["dur"] == pytest.approx(result.summary["simulation"]["simulated_s"] * 1e6)
    names = {event["name"] for event in result.timeline if event["ph"] == "C"}
    assert names == {"nvdla0 bytes/s", "core1 bytes/s", "dram.0 queue", "llc MSHRs"}


def stepped(events):
    """Return a machine that runs ``events`` at a time, and what its queues held after each event if that is 1."""
    machine = build_machine(load(CONFIG | {"simulation": {"until": "20 us"}}))
    arguments, held, status = compiled(machine), {}, soc.RUNNING
    while status in (soc.RUNNING, soc.ASKS):
        status = run_slice(machine, arguments, 20_000_000_000, events)
        channel, cache = machine.channels[0], machine.caches[0]
        now = int(machine.system[0]["now_fs"]) * FS, int(channel["size"].sum()), int(cache["mshrs_used"])
        held[int(machine.system[0]["events"])] = now
    return machine, held


def test_queues_are_looked_at_after_the_same_events_however_the_loop_is_cut(monkeypatch):
    monkeypatch.setattr(queues, "EVERY", 4)
    monkeypatch.setattr(queues, "MOST", 64)
    machine, held = stepped(1)
    series = machine.queues.series()
    every, count = machine.queues.every, len(series["time_s"])
    assert 32 <= count < 64
    assert every > 4
    assert list(zip(*series.values())) == [held[every * (i + 1)] for i in range(count)]
    assert max(series["dram.0 queue"]) > 0 < max(series["llc MSHRs"]) <= 4
    assert stepped(1000)[0].queues.series() == stepped(777)[0].queues.series() == series


def test_a_slice_that_overlaps_another_of_its_track_is_found():
    with pytest.raises(AssertionError):
        trace_events.check_nesting([(0.0, 2.0), (1.0, 3.0)])
    trace_events.check_nesting([(0.0, 3.0), (0.0, 1.0), (1.0, 3.0), (3.0, 4.0)])
