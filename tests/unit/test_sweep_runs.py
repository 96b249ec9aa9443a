"""Sweeps: axes, samplers, the front, resuming, and the same results with any number of workers."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from sweep_files import BASE, SWEEP

import simulator
from hw_models.errors import ConfigError
from simulator.config.model import document_of
from simulator.sweeps import store as stores
from simulator.sweeps import workers
from simulator.sweeps.axes import Range, si
from simulator.sweeps.expressions import lookup
from simulator.sweeps.file import Bounds, Sweep
from simulator.sweeps.outcome import SweepOutcome, cell_text, print_outcome, read_outcome
from simulator.sweeps.samplers import batches
from simulator.sweeps.space import Space


def axis(**keys) -> Range:
    return Range.model_validate({{"start": "from", "stop": "to"}.get(k, k): v for k, v in keys.items()})


def points_of(**changes) -> list[dict]:
    """Return all points of a sweep whose every objective is told to be the number of the point."""
    sweep = Sweep.model_validate({**SWEEP, **changes})
    space = Space(sweep, document_of(BASE, ()))
    sampler, told, points = batches(sweep, space), None, []
    while True:
        try:
            batch = next(sampler) if told is None else sampler.send(told)
        except StopIteration:
            return points
        points += batch
        told = [([float(i)] * len(sweep.objectives), []) for i in range(len(batch))]


@pytest.fixture
def fake_answers(monkeypatch):
    """Answer every point at once; return the configs that were asked for."""
    asked = []

    def answer(config):
        asked.append(config)
        tokens = config["workloads"]["chat"]["tokens"]
        if tokens == 3:
            return {"error": "three is too many"}
        return {
            "summary": {
                "workloads": {"chat": {"latency_s": 0.5 * tokens, "tokens": tokens, "s_per_token": 0.5}}
            }
        }

    monkeypatch.setattr(workers, "simulate_point", answer)
    return asked


@pytest.mark.parametrize(
    ("keys", "values"),
    [
        ({"start": "512 KiB", "stop": "4 MiB", "factor": 2}, ["512 KiB", "1 MiB", "2 MiB", "4 MiB"]),
        ({"start": 1, "stop": 8, "step": 3}, [1, 4, 7]),
        ({"start": 0.1, "stop": 0.4, "step": 0.1}, [0.1, 0.2, 0.3, 0.4]),
        ({"start": 1, "stop": 64, "points": 4, "scale": "log"}, [1, 4, 16, 64]),
        ({"start": "1 GHz", "stop": "2 GHz", "points": 3}, ["1 GHz", "1500 MHz", "2 GHz"]),
        ({"start": "1 ms", "stop": "2 ms", "step": "500 us"}, ["1 ms", "1500 us", "2 ms"]),
    ],
)
def test_a_range_has_its_values(keys, values):
    assert axis(**keys).values() == values


def test_a_continuous_range_has_a_value_at_every_share():
    assert [axis(start=1.0, stop=3.0).at(share) for share in (0, 0.25, 1)] == [1.0, 1.5, 3.0]
    assert axis(start="1 GHz", stop="4 GHz", scale="log").at(0.5) == "2 GHz"
    assert axis(start=1, stop=9).at(0.5) == 5


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"start": "1 GHz", "stop": "2 MiB"}, "from '1 GHz' and to '2 MiB' are not of one kind"),
        ({"start": 4, "stop": 2}, "from 4 is not below to 2"),
        ({"start": 1, "stop": 2, "step": 1, "points": 3}, "write one of step, factor and points"),
        ({"start": 0, "stop": 2, "factor": 2}, "from 0 is not above 0, which factor and log need"),
        ({"start": "few", "stop": 2}, "'few' is neither a number nor a quantity"),
    ],
)
def test_a_range_that_is_none_is_told(keys, said):
    with pytest.raises(ValueError, match=said):
        axis(**keys)


def test_a_grid_has_every_combination_in_order():
    points = points_of()
    assert len(points) == 9
    assert points[0] == {"workloads.chat.tokens": 1, "system.backends.gpu.memory_bandwidth": "200 GB/s"}
    assert points[1] == {"workloads.chat.tokens": 1, "system.backends.gpu.memory_bandwidth": "400 GB/s"}


def test_random_points_repeat_with_their_seed_and_are_distinct():
    first, again = (points_of(sampler={"kind": "random", "points": 30, "seed": 4}) for _ in range(2))
    assert first == again
    assert first != points_of(sampler={"kind": "random", "points": 30, "seed": 5})
    assert len({str(point) for point in first}) == len(first) <= 9


def test_a_latin_hypercube_has_one_point_in_each_slice_of_every_axis():
    axes = {"a": {"from": 0.0, "to": 1.0}, "b": {"from": 0.0, "to": 1.0}}
    points = points_of(axes=axes, sampler={"kind": "latin_hypercube", "points": 16})
    for name in axes:
        assert sorted(int(point[name] * 16) for point in points) == list(range(16))


def test_optuna_asks_in_batches_and_repeats_with_its_seed():
    sampler = {"kind": "optuna", "points": 7, "batch": 5, "seed": 3}
    points = points_of(sampler=sampler)
    assert points == points_of(sampler=sampler)
    assert len(points) == 7


def test_the_front_is_what_no_other_point_beats():
    outcome = SweepOutcome("x", ["a"], {"cost": "minimize", "gain": "maximize"}, ["cost", "gain"])
    values = [(1, 1), (2, 5), (3, 4), (2, 5), (0, 0), (1, 9), (2, 4)]
    for i, (cost, gain) in enumerate(values):
        outcome.add({"a": i}, {"cost": cost, "gain": gain}, feasible=i != 5, error="")
    outcome.mark_pareto()
    assert [row["point"] for row in outcome.rows if row["pareto"]] == [0, 1, 3, 4]
    assert [row["point"] for row in outcome.best] == [4, 0, 1, 3]


def test_paths_of_the_summary_are_found_and_stars_sum():
    summary = {"dram": {"0": {"energy_j": 1.5}, "1": {"energy_j": 2.0}}, "name": "x", "ok": True}
    assert lookup(summary, "dram.0.energy_j") == 1.5
    assert lookup(summary, "dram.*.energy_j") == 3.5
    assert [lookup(summary, path) for path in ("dram.2.energy_j", "a.name", "dram.*.x")] == [None] * 3


def test_limits_may_carry_units():
    bounds = Bounds.model_validate({"max": "200 ms", "min": "1 us"})
    assert [bounds.holds(value) for value in (0.1, 0.2, 0.3, 1e-7)] == [True, True, False, False]
    assert [si(value) for value in ("2 MiB", "1 GHz", 5)] == [2**21, 1e9, 5]


def test_a_failed_point_is_a_row_and_not_the_end(fake_answers, tmp_path):
    outcome = simulator.sweep(SWEEP, out=tmp_path / "s")
    assert [row["error"] for row in outcome.rows] == [""] * 6 + ["three is too many"] * 3
    assert [row["pareto"] for row in outcome.rows] == [1] * 6 + [0] * 3
    assert {path.name for path in (tmp_path / "s").iterdir()} == {
        "effects.csv", "plots", "points", "report.html", "results.csv", "sweep.yaml",
    }  # fmt: skip
    assert read_outcome(tmp_path / "s").rows == outcome.rows
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_a_constraint_makes_a_point_infeasible(fake_answers):
    outcome = simulator.sweep({**SWEEP, "constraints": {"workloads.chat.latency_s": {"max": "600 ms"}}})
    assert [row["feasible"] for row in outcome.rows] == [1, 1, 1, 0, 0, 0, 0, 0, 0]


def test_an_interrupted_sweep_resumes_without_running_a_point_twice(fake_answers, tmp_path, monkeypatch):
    kept, stop_after = stores.Store.keep, 4

    def keep(store, key, answer):
        kept(store, key, answer)
        if len(fake_answers) == stop_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(stores.Store, "keep", keep)
    with pytest.raises(KeyboardInterrupt):
        simulator.sweep(SWEEP, out=tmp_path / "s")
    assert [path.name for path in tmp_path.iterdir()] == [".s.partial"]
    resumed = simulator.sweep(SWEEP, out=tmp_path / "s", resume=True)
    assert len(fake_answers) == 9
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
    assert resumed.rows == simulator.sweep(SWEEP).rows
    assert simulator.sweep(SWEEP, out=tmp_path / "s", resume=True).rows == resumed.rows
    assert len(fake_answers) == 18  # the sweep without a folder ran them all again, the resumed one none


def test_any_number_of_workers_gives_the_same_bytes(tmp_path):
    small = {**SWEEP, "axes": {"workloads.chat.tokens": [1, 2], "workloads.chat.prompt": [4, 8]}}
    small["objectives"] = {"workloads.chat.latency_s": "minimize"}
    for name, count in (("one", 1), ("two", 2)):
        simulator.sweep(small, workers=count, out=tmp_path / name)
    one, two = ((tmp_path / name / "results.csv").read_bytes() for name in ("one", "two"))
    assert one == two
    rows = list(csv.DictReader(one.decode().splitlines()))
    assert [row["error"] for row in rows] == [""] * 4
    assert float(rows[0]["workloads.chat.latency_s"]) < float(rows[2]["workloads.chat.latency_s"])
    assert len(list((tmp_path / "one/points").glob("*.json"))) == 4
    assert all("summary" in json.loads(path.read_text()) for path in (tmp_path / "one/points").glob("*.json"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"axes": {"workloads.chat.tokenz": [1]}},
         "axes.workloads.chat.tokenz: 1: unknown key; did you mean 'tokens'?"),
        ({"axes": {"workloads.chat.tokens": [1, "x"]}},
         "axes.workloads.chat.tokens: 'x': found the text 'x'; write a whole number"),
        ({"axes": {"workloads.chat.tokens": []}},
         "axes.workloads.chat.tokens: the list is too short; write at least this many items: 1"),
        ({"axes": {}}, "axes: the mapping is too short; write at least this many items: 1"),
        ({"axes": {"workloads.chat.tokens": 4}},
         "axes.workloads.chat.tokens: found the number 4; write a list"),
        ({"axes": {"workloads.chat.tokens": {"from": 8, "to": 4, "step": 1}}},
         "axes.workloads.chat.tokens: from 8 is not below to 4"),
        ({"axes": {"workloads.chat.tokens": {"from": 4, "to": 8, "stp": 1}}},
         "axes.workloads.chat.tokens.stp: unknown key; did you mean 'step'?"),
        ({"axes": {"system.backends.gpu.memory_bandwidth": {"from": "1 GB/s", "to": "2 GB/s", "step": 1}}},
         "axes.system.backends.gpu.memory_bandwidth: step 1 and from '1 GB/s' are not of one kind"),
        ({"axes": {"workloads.chat.tokens": {"from": 1, "to": 10**9, "step": 1}}},
         "axes.workloads.chat.tokens: step 1 makes more than 100000 values; write a larger one"),
        ({"axes": {f"workloads.chat.{k}": {"from": 1, "to": 1000, "step": 1} for k in ("tokens", "prompt")}},
         "axes make a grid of 1000000 points, at most 100000; write fewer values, or "
         "sampler: {kind: latin_hypercube, points: 64}"),
        ({"constraints": {"workloads.chat.latency_s": {"min": "3 s", "max": "1 s"}}},
         "constraints.workloads.chat.latency_s: min 3 is above max 1: nothing lies between; swap them"),
        ({"sampler": {"kind": "random", "points": 0}},
         "sampler.points: 0 is too small; write a number greater than 0"),
        ({"axes": {"workloads.chat.tokens": {"from": 1.0, "to": 2.0}}},
         "axes.workloads.chat.tokens is continuous, which a grid cannot be; write step, factor or points"),
        ({"objectives": {"workloads.chat.latency_s": "minimise"}},
         "objectives.workloads.chat.latency_s: 'minimise' is not known; did you mean 'minimize'?"),
        ({"sampler": {"kind": "latin"}},
         "sampler.kind: 'latin' is not known; write one of grid, random, latin_hypercube, optuna"),
        ({"workers": 3},
         "workers: unknown key; write one of name, base, trace, axes, conditions, replicates, sampler, objectives, "
         "constraints, metrics"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_sweep_is_told_before_anything_runs(fake_answers, changes, said):
    with pytest.raises(ConfigError) as caught:
        simulator.sweep({**SWEEP, **changes})
    assert str(caught.value) == said
    assert fake_answers == []


def test_a_sweep_file_names_its_base_relative_to_itself(fake_answers, tmp_path):
    from simulator.config.yaml_lines import yaml_text

    (tmp_path / "base.yaml").write_text(yaml_text(BASE))
    (tmp_path / "sub").mkdir()
    path = Path(tmp_path / "sub/sweep.yaml")
    path.write_text(yaml_text({**SWEEP, "base": "../base.yaml"}))
    assert len(simulator.sweep(path).rows) == 9
    path.write_text(yaml_text({**SWEEP, "base": "../no.yaml"}))
    with pytest.raises(ConfigError) as caught:
        simulator.sweep(path)
    assert str(caught.value) == f"{tmp_path}/sub/../no.yaml: no such file; write the path of a YAML config"


MISTAKEN = """base: base.yaml
axes:
  workloads.chat.tokens: [1, 2]
  workloads.chat.prompt:
    - 8
    - few
  rates: {keys: [system.backends.gpu.memory_bandwidth], values: [fast]}
  load:
    light: {workloads: {chat: {tokens: 2}}}
    heavy: {workloads: {chat: {tokenz: 2}}}
  workloads.*.prompts: [1]
objectives:
  workloads.chat.latency_s: minimize
"""


def test_every_mistake_in_an_axis_has_its_line(fake_answers, tmp_path):
    from simulator.config.yaml_lines import yaml_text

    (tmp_path / "base.yaml").write_text(yaml_text(BASE))
    file = tmp_path / "sweep.yaml"
    file.write_text(MISTAKEN)
    with pytest.raises(ConfigError) as caught:
        simulator.sweep(file)
    assert [line.removeprefix(f"{file}:").split("; ")[0] for line in str(caught.value).splitlines()] == [
        "6: axes.workloads.chat.prompt: 'few': found the text 'few'",
        "7: axes.rates: system.backends.gpu.memory_bandwidth: 'fast': 'fast' is not a data rate",
        "10: axes.load: workloads.chat.tokenz: 'heavy': unknown key",
        "11: axes.workloads.*.prompts: workloads.chat.prompts: 1: unknown key",
    ]
    file.write_text(yaml_text({**SWEEP, "base": "base.yaml", "metrics": ["workloads.chat.latency_z"]}))
    with pytest.raises(ConfigError) as caught:
        simulator.sweep(file)
    assert str(caught.value).startswith(f"{file}:")
    assert "metrics.workloads.chat.latency_z: no point's summary.json has a number there" in str(caught.value)
    assert f":{1 + file.read_text().splitlines().index('- workloads.chat.latency_z')}: " in str(caught.value)


def test_conditions_that_no_point_meets_are_a_mistake(fake_answers, tmp_path):
    with pytest.raises(ConfigError) as caught:
        simulator.sweep({**SWEEP, "conditions": ["workloads.chat.tokens > 5"]}, out=tmp_path / "s")
    assert str(caught.value).startswith("conditions: no point of the grid meets them all; write weaker ones")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["random", "latin_hypercube", "optuna"])
def test_conditions_that_no_drawn_point_meets_are_told(fake_answers, tmp_path, kind):
    sampler = {"kind": kind, "points": 3}
    with pytest.raises(ConfigError) as caught:
        simulator.sweep(
            {**SWEEP, "conditions": ["workloads.chat.tokens > 5"], "sampler": sampler}, out=tmp_path / "s"
        )
    assert str(caught.value).startswith(
        "conditions: no point that was drawn meets them all; write weaker ones"
    )
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("table", ["objectives", "metrics"])
def test_a_path_that_no_point_has_is_told_and_what_ran_is_kept(fake_answers, tmp_path, table):
    wrong = (
        {"workloads.chat.latency_z": "minimize"} if table == "objectives" else ["workloads.chat.latency_z"]
    )
    with pytest.raises(ConfigError) as caught:
        simulator.sweep({**SWEEP, table: wrong}, out=tmp_path / "s")
    kept = 1 if table == "objectives" else 9  # an objective is told after the first point
    assert str(caught.value) == (
        f"{table}.workloads.chat.latency_z: no point's summary.json has a number there; "
        f"did you mean 'workloads.chat.latency_s'?; {kept} points are kept"
    )
    assert [path.name for path in tmp_path.iterdir()] == [".s.partial"]
    assert len(simulator.sweep(SWEEP, out=tmp_path / "s", resume=True).best) > 0
    assert len(fake_answers) == 9


def test_an_objective_that_no_alternative_has_is_told_once_each_has_run(fake_answers):
    """Another alternative may have the path: only when none has it the sweep ends."""
    axes = {
        "load": {name: {"workloads": {"chat": {"prompt": n}}} for n, name in enumerate(("one", "two"), 4)},
        "workloads.chat.tokens": [1, 2],
        "workloads.chat.batch": [1, 2],
    }
    with pytest.raises(ConfigError, match="did you mean 'workloads"):
        simulator.sweep({**SWEEP, "axes": axes, "objectives": {"workloads.chat.latency_z": "minimize"}})
    assert len(fake_answers) == 5  # four of one load, the first of the other


def test_a_scheduler_that_does_not_answer_leaves_nothing_behind(tmp_path):
    with pytest.raises(ConfigError, match=r"^--scheduler: 'tcp://127.0.0.1:9' does not answer "):
        simulator.sweep(SWEEP, out=tmp_path / "s", scheduler="tcp://127.0.0.1:9")
    assert list(tmp_path.iterdir()) == []


def test_sampled_points_are_marked_and_their_latencies_have_intervals(monkeypatch, tmp_path):
    def answer(config):
        tokens = config["workloads"]["chat"]["tokens"]
        summary = {"workloads": {"chat": {"latency_s": 0.5 * tokens, "tokens": tokens, "s_per_token": 0.5}}}
        return {"summary": summary | ({"sampling": {"latency_error": 0.0015}} if tokens == 1 else {})}

    monkeypatch.setattr(workers, "simulate_point", answer)
    paths = {"objectives": {"workloads.chat.latency_s": "minimize"}, "metrics": ["workloads.chat.tokens"]}
    sweep = {**SWEEP, **paths, "axes": {"workloads.chat.tokens": [1, 2]}, "constraints": {}}
    outcome = simulator.sweep(sweep, out=tmp_path / "out")
    for found in (outcome, read_outcome(tmp_path / "out")):
        (row,) = found.sampled
        assert row["sampled_latency_error"] == 0.0015
        assert cell_text(row, "workloads.chat.latency_s") == "500 ms ± 0.15 %"
        assert cell_text(row, "workloads.chat.tokens") == "1"
        assert cell_text(found.rows[1], "workloads.chat.latency_s") == "1 s"
        console = Console(file=StringIO(), width=120)
        print_outcome(console, found, tmp_path)
        assert "500 ms ± 0.15 %" in console.file.getvalue()
        assert "1 of 2 points are sampled: their latencies are within ± 0.15 %" in console.file.getvalue()
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("500 ms ± 0.15 %") == 1
    assert "1 of 2 points are sampled" in page
    assert '"sampled_latency_error"' in page
    whole = {**sweep, "axes": {"workloads.chat.tokens": [2, 4]}}
    assert simulator.sweep(whole, out=tmp_path / "whole").sampled == []
    assert "sampled" not in (tmp_path / "whole" / "results.csv").read_text()
