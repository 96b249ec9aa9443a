"""Which frames a run tells of, and what is a mean over all of them."""

import io

import pytest
from rich.console import Console

import simulator
from simulator.cli.terminal import run_summary
from simulator.config.model import load
from simulator.report.blamed import names_text, slowed_layers
from simulator.report.compare import write_comparison
from simulator.report.layers import layers_of
from simulator.report.run_data import rooflines
from simulator.report.run_page import run_page
from simulator.report.write import write_run
from simulator.results.numbers import phases_of
from simulator.simulate import result_of
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

SYSTEM = {
    "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "500 MHz"}},
    "cores": {
        "core0": {"clock": "700 MHz", "l1": "4 KiB"},
        "core1": {"clock": "900 MHz", "l1": "4 KiB", "outstanding": 8, "writebacks": 8},
    },
    "interconnect": {"clock": "400 MHz", "width": "8 B", "latency": "5 cycles"},
    "llc": {"size": "16 KiB", "ways": 4, "mshrs": 6},
    "dram": {"standard": "DDR3-1600"},
}
LAYERS = [
    {"conv": {"input": [16, 8, 8], "kernels": 16, "kernel": 3, "padding": 1}},
    {"pool": {"kernel": 2, "stride": 2}},
]
CONFIG = {
    "system": SYSTEM,
    "workloads": {"net": {"on": "nvdla0", "fallback": "core0", "layers": LAYERS, "frames": 4}},
    "corunners": [{"on": "core1", "kind": "bandwidth_write", "footprint": "64 KiB", "busy": "100 us", "idle": "60 us"}],
    "simulation": {"max_time": "1 s"},
}  # fmt: skip


@pytest.fixture(scope="module")
def machine():
    made = build_machine(load(CONFIG))
    made.clerk.frames = "all"
    run_machine(made)
    return made


@pytest.fixture(scope="module")
def everything(machine):
    return result_of(machine, 1.0)


def frames_of(result):
    return sorted(set(result.ops["frame"]))


def test_frames_that_are_told_of_are_those_asked_for(everything):
    job = everything.summary["workloads"]["net"]
    worst = job["frame_latency_s"].index(job["latency_max_s"])
    assert frames_of(everything) == [0, 1, 2, 3]
    told = {frames: frames_of(simulator.run(CONFIG, frames=frames)) for frames in ("last", "worst", "")}
    assert told == {"last": [3], "worst": [worst], "": sorted({worst, 3})}


def test_operations_of_each_frame_lie_within_it(machine, everything):
    ops = everything.ops
    for frame in range(4):
        end = machine.finished[0, frame] * 1e-15
        start = end - machine.latencies[0, frame] * 1e-15
        rows = [i for i, number in enumerate(ops["frame"]) if number == frame]
        assert len(rows) == machine.plans[0].step_count
        assert min(ops["start_s"][i] for i in rows) == pytest.approx(start)
        assert max(ops["end_s"][i] for i in rows) == pytest.approx(end)
        assert [ops["op"][i] for i in rows] == list(range(len(rows)))


def test_phases_are_means_over_all_frames_and_add_up_to_the_latency(everything):
    job = everything.summary["workloads"]["net"]
    assert sum(seconds for _, seconds in phases_of(job)) == pytest.approx(job["latency_s"], rel=1e-12)
    ops = everything.ops
    on_core = [i for i, unit in enumerate(ops["unit"]) if unit == "core0"]
    spent = sum(ops["end_s"][i] - ops["start_s"][i] for i in on_core)
    assert job["phases"]["cpu_s"] == pytest.approx(spent / 4)
    macs, peak = sum(ops["macs"]), macs_per_s(ops)
    most = 4 * job["phases"]["accelerator_s"] * peak
    assert job["mac_utilization"] == pytest.approx(macs / most, rel=1e-3)


def macs_per_s(ops):
    i = next(i for i, use in enumerate(ops["mac_utilization"]) if use)
    return ops["macs"][i] / (ops["end_s"][i] - ops["start_s"][i]) / ops["mac_utilization"][i]


def test_a_frame_that_waits_for_the_one_before_says_so():
    config = {**CONFIG, "workloads": {"net": CONFIG["workloads"]["net"] | {"period": "20 us"}}}
    job = simulator.run(config).summary["workloads"]["net"]
    assert job["phases"]["waiting_s"] > 0.2 * job["latency_s"]
    assert sum(seconds for _, seconds in phases_of(job)) == pytest.approx(job["latency_s"], rel=1e-12)


def test_a_run_of_one_frame_has_no_column_of_frames():
    config = {**CONFIG, "workloads": {"net": CONFIG["workloads"]["net"] | {"frames": 1}}}
    assert "frame" not in simulator.run(config).ops


def test_layers_are_those_of_the_slowest_frame_and_say_what_a_core_waited_for(everything):
    workloads = everything.summary["workloads"]
    layers = layers_of(everything.ops, workloads)
    frame = layers[0].frame
    rows = [i for i, number in enumerate(everything.ops["frame"]) if number == frame]
    spans = [everything.ops["end_s"][i] - everything.ops["start_s"][i] for i in rows]
    assert sum(layer.seconds for layer in layers) == pytest.approx(sum(spans))
    on_core = next(layer for layer in layers if layer.units == {"core0"})
    share = workloads["net"]["core_waits_s"][on_core.name] / on_core.seconds
    assert 0.05 < share < 1
    assert on_core.waited_for == f"memory {100 * share:.3g} %"
    assert {x.name: x for x in layers_of(everything.ops)}[on_core.name].waited_for == "not measured"


def test_layers_are_those_of_the_frame_that_came_last_to_its_deadline():
    """Each frame waits for the one before: the longest latency is the last one's, the most work the first one's."""
    late = {"net": CONFIG["workloads"]["net"] | {"period": "20 us", "deadline": "30 us"}}
    config = {**CONFIG, "workloads": late, "corunners": []}
    result = simulator.run(config, frames="all")
    job = result.summary["workloads"]["net"]
    worst = job["deadline"]["worst_frame"]
    assert worst == 3
    assert {layer.frame for layer in layers_of(result.ops, result.summary["workloads"])} == {worst}
    last = simulator.run(config, frames="last").summary["workloads"]["net"]
    for name in ("core_waits_s", "layer_bytes"):
        assert job.get(name) == last.get(name)


def test_the_terminal_names_the_frame_of_each_job_s_layers():
    net = CONFIG["workloads"]["net"]
    jobs = {"late": net | {"period": "20 us"}, "slow": net | {"frames": 2, "period": "1 ms"}}
    result = simulator.run({**CONFIG, "workloads": jobs, "corunners": []})
    frames = {layer.job: layer.frame for layer in layers_of(result.ops, result.summary["workloads"])}
    assert len(set(frames.values())) == 2
    console = Console(file=io.StringIO(), width=200)
    console.print(run_summary(result))
    title = next(line for line in console.file.getvalue().splitlines() if line.startswith("slowest layers"))
    for job, frame in frames.items():
        assert f"frame {frame} of {job}" in title
    said = "Of " + ", ".join(f"frame {frame} of {job}" for job, frame in frames.items()) + ": the slowest."
    assert said in run_page(result)


def test_a_slow_layer_says_beside_whom_it_waited(everything):
    row = everything.summary["slow_layers"][0]
    blame = everything.blame
    mine = [
        i for i in range(len(blame["job"]))
        if (blame["job"][i], blame["frame"][i], blame["layer"][i]) == ("net", row["frame"], row["layer"])
    ]  # fmt: skip
    whole = sum(blame["time_s"][i] for i in mine)
    others = sum(blame["time_s"][i] for i in mine if blame["culprit"][i] == "core1")
    assert row["waits_share"] == {"core1": pytest.approx(others / whole)}
    assert f"{round(100 * others / whole)} % of its waits beside core1, " in row["text"]


def test_a_comparison_says_how_much_each_layer_lost_beside_whom(everything, tmp_path):
    alone = simulator.run({**CONFIG, "corunners": []})
    lines = slowed_layers(everything, alone)
    before, after = (
        {x.name: x.seconds for x in layers_of(run.ops, run.summary["workloads"])}
        for run in (alone, everything)
    )
    lost = {name: seconds - before[name] for name, seconds in after.items()}
    worst = max(lost, key=lambda name: lost[name])
    assert lines[0].startswith(f"{worst}: +")
    assert " beside core1, " in lines[0]
    assert slowed_layers(alone, alone) == []

    for name, run in (("alone", alone), ("crowd", everything)):
        write_run(run, tmp_path / name, plots=False)
    console = Console(file=io.StringIO(), width=40)
    write_comparison(console, [tmp_path / "alone", tmp_path / "crowd"], tmp_path / "compare.html")
    said = console.file.getvalue().splitlines()
    at = said.index("slowed layers of crowd")
    assert said[at + 1 : at + 1 + len(lines)] == lines
    assert f"<li>{lines[0]}</li>" in (tmp_path / "compare.html").read_text()
    beside = alone.summary["workloads"]["net"]
    alone.summary["workloads"] = {"net": beside, "other": beside}  # of two jobs, layers have both names
    alone.ops = {
        name: [*column, "other" if name == "job" else column[-1]] for name, column in alone.ops.items()
    }
    assert slowed_layers(everything, alone) == lines


TREES = {
    "LLC": SYSTEM,
    "no LLC": SYSTEM | {"llc": None},
    "two channels": SYSTEM | {"dram": {"standard": "DDR3-1600", "channels": 2}},
    "narrow memory": SYSTEM | {"dram": {"standard": "DDR3-1066", "clock": "100 MHz"}},
}


@pytest.mark.parametrize("tree", TREES)
def test_no_layer_lies_above_the_roof_of_any_level(tree):
    result = simulator.run({**CONFIG, "system": TREES[tree]})
    layers = layers_of(result.ops, result.summary["workloads"])
    levels = {each["level"]: each for each in rooflines(result.summary, layers)}
    assert set(levels) == {"asked for"} | ({"behind llc"} if TREES[tree]["llc"] else set())
    for level in levels.values():
        for macs_per_byte, macs_per_s, _, name in level["points"]:
            assert macs_per_s <= macs_per_byte * level["bytes_per_s"] * (1 + 1e-9), (level["level"], name)
            assert macs_per_s <= level["macs_per_s"] * (1 + 1e-9)


def test_layers_have_fetched_and_written_back_what_the_llc_counted(machine, everything):
    lines = [int(e["cycles"]) for e in machine.clerk.entries() if e["table"] < 0]
    assert sum(lines) == sum(everything.summary["llc"][name] for name in ("misses", "writebacks"))
    moved = everything.summary["workloads"]["net"]["layer_bytes"]
    assert set(moved) <= {layer.name for layer in layers_of(everything.ops)}
    assert sum(levels["behind llc"] for levels in moved.values()) > 0


def test_names_that_follow_each_other_are_one():
    assert names_text(["core3", "core1", "core2"]) == "core1-3"
    assert names_text(["core1", "core3", "dma", "nvdla0"]) == "core1, core3, dma, nvdla0"
