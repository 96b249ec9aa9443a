"""Runs of which a part is simulated: exact where they must be, within what they tell elsewhere."""

import json
from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import simulator
from hw_models.errors import ConfigError
from simulator.config.model import load
from simulator.config.networks import network_program
from simulator.report.compare import write_comparison
from simulator.simulate import simulate
from simulator.validate.sampling import CASES, JOB, MODELS, SYSTEM, Model
from workloads.lowering.estimate import Group, Kind, half_width
from workloads.lowering.sample import sample_program
from workloads.lowering.target import target_of

SAMPLE = {"simulation.sample": {"layers": 3}}
QWEN3_8B = Model(4096, 36, 12288, 32, 8, 151936)


def config_of(folder, model=MODELS["6 layers of 256"], values=None):
    job = JOB | {"network": str(model.write(folder))}
    return load(load({"system": SYSTEM, "workloads": {"token": job}}), values=values or {})


def program_of(config):
    return network_program(config, "token", config.workloads["token"])


@given(
    st.lists(st.integers(1, 40), min_size=3, max_size=8),
    st.integers(41, 5000),
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
)
def test_what_grows_with_the_kernels_is_extrapolated_exactly(sizes, size, fixed, each):
    group = Group(size)
    for step, own in enumerate([1, 2, *sizes]):
        group.add(step, own)
    counts = np.array([fixed + each * own for own in group.sizes])
    assert group.shares().sum() == pytest.approx(1)
    assert group.shares() @ counts == pytest.approx(fixed + each * size, rel=1e-9, abs=1e-3)
    assert group.left_over(counts) == pytest.approx(0, abs=1e-3)


def test_launches_that_come_again_tell_the_slope_and_not_where_it_begins():
    group = Group(1000)
    for step, (size, behind, before) in enumerate([(10, 0, 1), (10, 1, 1), (20, 1, 1), (10, 1, 0)]):
        group.add(step, size, bool(behind), bool(before))
    seen = zip(group.sizes, group.behind, group.before)
    counts = np.array([5.0 + 3 * size - 2 * behind + 7 * before for size, behind, before in seen])
    assert group.shares() @ counts == pytest.approx(3005)


def group_of(steps, size=0):
    group = Group(size)
    for step in range(steps):
        group.add(step, size)
    return group


def test_an_interval_is_that_of_student():
    two, away = group_of(2), np.array([9.0, 11.0])  # a variance of 2
    assert half_width([Kind(two, away, 4, 0)], 3) == pytest.approx(12.706 * (2 * (16 / 2 + 4)) ** 0.5)
    assert half_width([Kind(two, away, 0, 3)], 3) == pytest.approx(12.706 * (2 * 6) ** 0.5)
    many = [Kind(group_of(2), away, 1, 0) for _ in range(10)]
    assert half_width(many, 3) == pytest.approx(3.182 * (10 * 2 * 1.5) ** 0.5)
    assert half_width(many, 99) == pytest.approx(2.228 * (10 * 2 * 1.5) ** 0.5)
    assert half_width([Kind(group_of(1), np.array([7.0]), 5, 1)], 3) == 0


def test_launches_have_one_variance_together():
    quiet, loud = np.array([5.0, 5.0]), np.array([7.0, 11.0])
    kinds = [Kind(group_of(2, size=8), counts, 1, 0) for counts in (quiet, loud)]
    assert half_width(kinds, 3) == pytest.approx(4.303 * (8 / 2 * 2 * 1.5) ** 0.5)


@pytest.mark.parametrize("strategy", ["traffic", "nvidia"])
def test_a_large_model_s_weights_add_up(tmp_path, strategy):
    config = config_of(tmp_path, QWEN3_8B, {"workloads.token.strategy": strategy})
    program = program_of(config)
    sampled = sample_program(program, target_of(config.system.accelerators["nvdla0"]), 3, 2 << 20)
    short, weights = sampled.program, sampled.weights()
    launches = short.steps["on"] == 0
    read = weights[launches] @ short.ops["weight_bytes"][short.steps["index"][launches]]
    assert round(read) == program.ops["weight_bytes"].sum() > 7.5e9
    assert short.ops["weight_bytes"].sum() < 0.025 * read
    ends = short.ops["weights"] + short.ops["weight_bytes"]
    assert ends.max() <= program.memory.weight_bytes
    assert ((short.steps["index"] >= 0) & (np.diff(short.steps["submit"], prepend=0) >= 0)).all()


def test_a_sample_of_everything_is_the_run_itself(tmp_path):
    whole = simulate(config_of(tmp_path))
    sample = {"simulation.sample": {"layers": 6, "stream": "1 GiB"}}
    ours = simulate(config_of(tmp_path, values=sample))
    assert "sampling" not in ours.summary
    assert ours.ops == whole.ops
    assert ours.blame == whole.blame
    for told in (ours.summary, whole.summary):
        for key in ("wall_s", "requests_per_wall_s", "config_sha256"):
            del told["simulation"][key]
    assert ours.summary == whole.summary
    assert ours.warnings == whole.warnings


def figures_of(result):
    """Return what a run says but for how long it took."""
    summary = json.loads(json.dumps(result.summary))
    for key in ("wall_s", "requests_per_wall_s"):
        del summary["simulation"][key]
    return summary, result.ops, result.blame, result.latency


@pytest.mark.parametrize("case", ["as written", "beside slow reads"])
def test_a_sampled_token_lies_within_its_interval(tmp_path, case):
    config = config_of(
        tmp_path, MODELS["24 layers of 256"], {**CASES[case], "system.energy": {"node": "16 nm"}}
    )
    whole, ours = simulate(config), simulate(load(config, values=SAMPLE))
    again = simulate(load(config, values=SAMPLE))
    assert figures_of(ours) == figures_of(again)
    summary, sampling = ours.summary, ours.summary["sampling"]
    assert sampling["simulated_share"] < 0.2
    assert 0 < sampling["latency_error"] < 0.01
    latency = whole.summary["workloads"]["token"]["latency_s"]
    assert sampling["latency_low_s"] <= latency <= sampling["latency_high_s"]
    assert summary["workloads"]["token"]["latency_s"] == sampling["latency_s"]
    for name in ("read_bytes", "write_bytes", "macs", "traffic_bytes"):
        assert summary["workloads"]["token"][name] == whole.summary["workloads"]["token"][name]
    near = {"nvdla0": 0, "core0": 0.25, "core1": 0.01}  # core0: its L1 is cold in the first of few layers
    for name, master in summary["masters"].items():
        assert master["reads"] == pytest.approx(whole.summary["masters"][name]["reads"], rel=near[name])
    assert summary["energy"]["total_j"] == pytest.approx(whole.summary["energy"]["total_j"], rel=0.01)
    assert [*ours.ops] == [*whole.ops, "extrapolated"]
    for name in ("layer", "kind", "macs", "read_bytes", "write_bytes"):
        assert ours.ops[name] == whole.ops[name]
    assert 0 < sum(ours.ops["extrapolated"]) == sampling["steps"] - sampling["simulated_steps"]
    assert ours.warnings[0].startswith("sampled: ")
    waits = {}
    for victim, time_s in zip(ours.blame["victim"], ours.blame["time_s"]):
        waits[victim] = waits.get(victim, 0) + time_s
    for victim, row in summary["interference"].items():  # layers add up to the system's tables
        assert waits.get(victim, 0) == pytest.approx(sum(each["delay_s"] for each in row.values()), rel=1e-9)


def test_a_shortened_launch_is_said_to_be_extrapolated_and_its_bytes_are_exact(tmp_path):
    model = MODELS["6 layers of 256"]._replace(vocab_size=16384)
    values = {"system.llc.size": "64 KiB", "simulation.sample": {"layers": 6, "stream": "64 KiB"}}
    config = config_of(tmp_path, model, values)
    ours = simulate(config)
    at = ours.ops["layer"].index("lm_head")
    assert ours.ops["extrapolated"][at] == 1
    assert ours.ops["read_bytes"][at] == 16384 * 256 + 256
    assert ours.ops["write_bytes"][at] == 16384


REFUSED = {
    "frames": ({"workloads.token.frames": 2}, "workloads.token.frames: 2 frames"),
    "deadline": ({"workloads.token.deadline": "1 ms"}, "workloads.token.deadline: "),
    "overlap": ({"workloads.token.dependencies": "data"}, "workloads.token.dependencies: "),
    "network": ({"workloads.token.network": "lenet5"}, "workloads.token.network: no language model"),
    "until": ({"simulation.until": "1 ms"}, "simulation.until: "),
    "other jobs": ({"workloads.camera": {"network": "lenet5", "on": "nvdla0", "fallback": "core0"}}, "camera, token"),
    "short streams": ({"simulation.sample": {"stream": "64 KiB"}}, "simulation.sample.stream: 65536 B"),
    "duty cycle": (
        {"corunners": [{"on": "core0", "footprint": "1 MiB", "busy": "1 ms", "idle": "1 ms"}]},
        "corunners.0.busy: ",
    ),
    "budget": (
        {"system.interconnect.masters": {"core0": {"budget": "1 GB/s"}}},
        "system.interconnect.masters.core0.budget: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_sample_would_be_dishonest_about_is_refused(tmp_path, case):
    values, message = REFUSED[case]
    config = config_of(tmp_path)
    with pytest.raises(ConfigError) as told:
        load(config, values=SAMPLE | values)
    assert message in str(told.value)
    assert "simulation.sample" in str(told.value)


def test_a_job_alone_may_have_more_than_4_gib(tmp_path):
    config = config_of(tmp_path, QWEN3_8B)
    assert program_of(config).memory.span_bytes > 1 << 32
    beside = load(config, values={"workloads.b": {"network": "lenet5", "on": "nvdla0", "fallback": "core0"}})
    with pytest.raises(ConfigError, match="write a smaller input, or the job alone"):
        network_program(beside, "token", beside.workloads["token"])


def test_the_page_and_the_summary_say_so(tmp_path):
    done = simulator.run(config_of(tmp_path, values=SAMPLE))
    done.save(tmp_path / "run")
    text = done.warnings[0]
    assert "requests were simulated" in text
    assert text in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["sampling"]["layers"] == 6
    assert ",extrapolated" in (tmp_path / "run" / "ops.csv").read_text().splitlines()[0]
    done.save(tmp_path / "other", plots=False)
    console = Console(file=StringIO(), width=200)
    write_comparison(console, [tmp_path / "run", tmp_path / "other"], tmp_path / "compare.html")
    for said in (console.file.getvalue(), (tmp_path / "compare.html").read_text(encoding="utf-8")):
        assert f"run: {text}" in said
        assert f"other: {text}" in said
