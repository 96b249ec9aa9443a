"""Accelerators of two kinds on one SoC, from the config to the results."""

from pathlib import Path

import pytest

import simulator
from hw_models.errors import ConfigError
from hw_models.ideal.params import IdealMemory
from hw_models.systolic.params import Systolic
from hw_models.systolic.standalone import simulate
from simulator.config.model import load
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine
from workloads import lower
from workloads.params import NetworkJob

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "nvdla_and_systolic.yaml"
LAYERS = [
    {"conv": {"input": [6, 6, 8], "kernels": 8, "kernel": "3x3", "padding": 1, "activation": "relu"}},
    {"conv": {"kernels": 16, "kernel": "1x1"}},
    {"fc": {"kernels": 10}},
]
ARRAY = {"kind": "systolic", "rows": 8, "columns": 8, "clock": "1 GHz"}
NVDLA = {"preset": "nv_small", "clock": "1 GHz"}
SHARED = {
    "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "4 cycles"},
    "llc": {"size": "64 KiB", "ways": 4},
    "memory": {"latency": "40 cycles"},
}


def run(accelerators, memory, **jobs):
    workloads = {name: {"on": on, "layers": LAYERS} for name, on in jobs.items()}
    return simulator.run({"system": {"accelerators": accelerators, **memory}, "workloads": workloads})


def test_alone_before_an_ideal_memory_it_takes_the_cycles_of_the_block_alone():
    result = run({"a": ARRAY}, {"memory": {"latency": "40 cycles"}}, y="a")
    params = Systolic.model_validate(ARRAY)
    program = lower(NetworkJob.model_validate({"layers": LAYERS, "on": "a"}), params)
    end, records = simulate(params, IdealMemory(latency="40 cycles").timings(16), program.ops)
    assert result.ops["cycles"] == (records["end"] - records["start"]).tolist()
    assert result.summary["workloads"]["y"]["latency_s"] == pytest.approx(end * 1e-9)


def test_two_kinds_share_what_lies_below_and_delay_each_other():
    alone = run({"a": ARRAY, "n": NVDLA}, SHARED, y="a")
    both = run({"a": ARRAY, "n": NVDLA}, SHARED, x="n", y="a")
    jobs = both.summary["workloads"]
    assert jobs["y"]["latency_s"] > alone.summary["workloads"]["y"]["latency_s"]
    assert both.summary["interference"]["a"]["n"]["delay_s"] > 0
    assert both.summary["interference"]["n"]["a"]["delay_s"] > 0
    assert jobs["x"]["macs"] == jobs["y"]["macs"]
    assert set(both.ops["unit"]) == {"a", "n"}
    for name, job in (("n", "x"), ("a", "y")):
        master = both.summary["masters"][name]
        assert (master["read_bytes"], master["write_bytes"]) == (
            jobs[job]["read_bytes"],
            jobs[job]["write_bytes"],
        )


def test_columns_of_stalls_are_those_of_the_kinds_that_there_are():
    def stalls(accelerators, **jobs):
        columns = run(accelerators, SHARED, **jobs).ops
        return [name.removeprefix("stall_").removesuffix("_cycles") for name in columns if "stall" in name]

    nvdla = ["data", "weights", "output", "operands", "acknowledge", "program", "driver"]
    assert stalls({"a": ARRAY}, y="a") == ["data", "output", "acknowledge", "driver"]
    assert stalls({"n": NVDLA}, x="n") == nvdla
    assert stalls({"a": ARRAY, "n": NVDLA}, y="a") == nvdla


def test_accelerators_of_a_kind_are_told_apart_whatever_their_names():
    one = run({"a": ARRAY, "b": NVDLA, "c": ARRAY | {"rows": 4}}, SHARED, x="c")
    other = run({"z": ARRAY, "b": NVDLA, "c": ARRAY | {"rows": 4}}, SHARED, x="c")
    assert one.ops["cycles"] == other.ops["cycles"]
    assert one.ops["mac_utilization"] == other.ops["mac_utilization"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "kind: sistolic",
            "system.accelerators.array0.kind: 'sistolic' is not known; did you mean 'systolic'?",
        ),
        ("kind: 7", "system.accelerators.array0.kind: 7 is not known; write one of nvdla, systolic, replay"),
        ("kind: systolic, rowz: 4", "system.accelerators.array0.rowz: unknown key; did you mean 'rows'?"),
    ],
)
def test_a_wrong_kind_is_told_in_one_line(tmp_path, written, told):
    (tmp_path / "c.yaml").write_text(CONFIG.read_text().replace("kind: systolic", written))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "c.yaml")
    assert str(caught.value) == f"{tmp_path}/c.yaml:6: {told}"


def test_an_accelerator_without_a_kind_is_an_nvdla():
    assert (
        load(CONFIG, values={"system.accelerators.nvdla0": {}}).system.accelerators["nvdla0"].kind == "nvdla"
    )


def test_the_shipped_config_runs_networks_on_both():
    settings = [f"workloads.{job}.network=lenet5" for job in ("classify", "detect")]
    machine = build_machine(load(CONFIG, settings=settings))
    run_machine(machine)
    assert [plan.frames_done(machine) for plan in machine.plans] == [1, 1]
    assert machine.measures["answered_reads"].tolist() == machine.measures["read_bytes"].tolist()
    assert machine.measures["answered_writes"].tolist() == machine.measures["write_bytes"].tolist()


def test_a_language_model_shares_tables_with_accelerators_of_any_kind():
    """Its program has no operations of an accelerator."""
    llm = load(CONFIG.with_name("camera_and_llm.yaml"), settings=["workloads.chat.tokens=1"])
    plans = {plan.name: plan for plan in build_machine(llm).plans}
    assert plans["chat"].op_count == 0
    assert plans["camera"].op_count > 0
