"""timeline.json: frames and their deadlines, operations with their waits, arrows, co-runners, bandwidth."""

import pytest
import trace_events

import simulator

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
    assert names == {"nvdla0 bytes/s", "core1 bytes/s"}


def test_a_slice_that_overlaps_another_of_its_track_is_found():
    with pytest.raises(AssertionError):
        trace_events.check_nesting([(0.0, 2.0), (1.0, 3.0)])
    trace_events.check_nesting([(0.0, 3.0), (0.0, 1.0), (1.0, 3.0), (3.0, 4.0)])
