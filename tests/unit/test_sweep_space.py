"""What a sweep can say: axes of several keys, alternatives, conditions, expressions, replicates, effects."""

import io
import itertools
import math
import re
import sys
import types
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import simulator
from hw_models.errors import ConfigError
from simulator.config.model import document_of, load_part
from simulator.sweeps import workers
from simulator.sweeps.bar import Bar
from simulator.sweeps.effects import effects, sobol_indices
from simulator.sweeps.expressions import Expression, lookup
from simulator.sweeps.file import Sweep
from simulator.sweeps.outcome import (
    SweepOutcome,
    on_front,
    print_outcome,
    typed_columns,
    write_results,
)
from simulator.sweeps.replicates import ci95, summarise
from simulator.sweeps.samplers import batches
from simulator.sweeps.space import Space

BASE = {
    "system": {
        "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "1 GHz"}},
        "cores": {"core0": {"clock": "1 GHz"}, "core1": {"clock": "1 GHz"}},
        "interconnect": {"clock": "1 GHz", "width": "8 B", "latency": "4 cycles"},
        "llc": {"size": "1 MiB", "line": "64 B", "ways": 8},
        "dram": {"standard": "DDR3-1600"},
    },
    "workloads": {"detect": {"network": "yolov3-tiny", "on": "nvdla0", "fallback": "core0"}},
}


def space_of(axes, **keys) -> Space:
    sweep = Sweep.model_validate(
        {"base": BASE, "axes": axes, "objectives": {"workloads.detect.latency_s": "minimize"}, **keys}
    )
    return Space(sweep, document_of(BASE, ()))


def test_a_joint_axis_sets_all_its_keys():
    keys = ["system.accelerators.nvdla0.clock", "system.interconnect.clock"]
    space = space_of({"clock": {"keys": keys, "values": ["1 GHz", "2 GHz"]}})
    assert list(space.grid()) == [{"clock": "1 GHz"}, {"clock": "2 GHz"}]
    assert space.values({"clock": "2 GHz"}) == dict.fromkeys(keys, "2 GHz")
    config = space.config({"clock": "2 GHz"})
    assert config.system.accelerators["nvdla0"].clock_hz == config.system.interconnect.clock_hz == 2 * 10**9


def test_a_star_in_an_axis_stands_for_every_name_of_the_base():
    space = space_of({"system.cores.*.clock": ["2 GHz"]})
    values = space.values({"system.cores.*.clock": "2 GHz"})
    assert values == {"system.cores.core0.clock": "2 GHz", "system.cores.core1.clock": "2 GHz"}


def test_named_alternatives_lay_a_part_of_a_config_on_the_base():
    crowd = {"corunners": [{"on": "core1", "kind": "bandwidth_write", "footprint": "1 MiB"}]}
    space = space_of(
        {"load": {"alone": {"corunners": []}, "crowd": {**crowd, "system": {"llc": {"ways": 4}}}}}
    )
    assert list(space.grid()) == [{"load": "alone"}, {"load": "crowd"}]
    assert space.config({"load": "alone"}).corunners == []
    config = space.config({"load": "crowd"})
    assert (len(config.corunners), config.system.llc.ways, config.system.llc.size_bytes) == (1, 4, 2**20)


def test_conditions_leave_points_out_and_compare_quantities():
    axes = {"system.llc.size": ["512 KiB", "1 MiB", "2 MiB"], "system.llc.ways": [4, 8]}
    conditions = ["system.llc.size <= '1 MiB' or system.llc.ways == 8"]
    points = list(space_of(axes, conditions=conditions).grid())
    assert [tuple(p.values()) for p in points] == [
        ("512 KiB", 4), ("512 KiB", 8), ("1 MiB", 4), ("1 MiB", 8), ("2 MiB", 8),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"conditions": ["system.llc.sise > 1"]}, "conditions: 'system.llc.sise' is no axis; write one of system.llc.size"),
        ({"objectives": {"open(a.b)": "minimize"}}, "objectives: 'open' in 'open(a.b)' is no function; write one of sum"),
        ({"metrics": ["masters.*.read_latency_s.p99"]}, "metrics: masters.*.read_latency_s.p99 would add up p99, which "),
        ({"replicates": 0}, "replicates"),
    ],
)  # fmt: skip
def test_a_mistake_in_what_a_sweep_says_is_told(keys, said):
    sweep = {"base": "x.yaml", "axes": {"system.llc.size": ["1 MiB"]}, "objectives": {"a.b": "minimize"}}
    with pytest.raises(ConfigError) as caught:
        load_part({**sweep, **keys}, Sweep, bases=False)
    assert said in str(caught.value)


SUMMARY = {
    "dram": {"0": {"energy_j": 1.5}, "1": {"energy_j": 2.0}},
    "workloads": {"d-1": {"latency_s": 0.5, "frame_latency_s": [3.0, 1.0, 2.0]}},
    "masters": {"a": {"p99": 4.0}, "b": {"p99": 6.0}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("dram.*.energy_j", 3.5),
        ("dram.*.energy_j * workloads.d-1.latency_s", 1.75),
        ("max(masters.*.p99) - min(masters.*.p99)", 2.0),
        ("mean(masters.*.p99)", 5.0),
        ("workloads.d-1.frame_latency_s.1", 1.0),
        ("p50(workloads.d-1.frame_latency_s)", 2.0),
        ("sqrt(max(dram.*.energy_j, 4)) ** 2", 4.0),
        ("-dram.0.energy_j / 0", None),
        ("dram.7.energy_j + 1", None),
        ("log(0 * dram.0.energy_j)", None),
    ],
)
def test_expressions_have_their_values(text, value):
    found = lookup(SUMMARY, text)
    assert found is None if value is None else found == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "a.b.__class__()", "lambda: 1", "[1, 2]", "a.b if a.b else 1", "x", "a.b @ a.c", "'a' 'b'(", "a.b := 2"],
)  # fmt: skip
def test_expressions_are_arithmetic_and_nothing_else(text):
    with pytest.raises(ValueError, match="write"):
        Expression(text)


@given(
    st.integers(1, 4).flatmap(
        lambda k: st.lists(st.lists(st.integers(0, 5), min_size=k, max_size=k), min_size=1)
    ),
)
def test_the_front_equals_every_pair_compared(costs):
    costs = np.array(costs, float)
    slow = [not any((o <= c).all() and (o < c).any() for o in costs) for c in costs]
    assert on_front(costs).tolist() == slow


def test_replicates_have_a_mean_and_an_interval():
    runs = [{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": None}]
    assert summarise(runs) == {
        "x": 2.0,
        "y": None,
        "x_ci95": pytest.approx(12.706 * math.sqrt(2) / math.sqrt(2)),
        "y_ci95": None,
    }
    assert ci95([1.0] * 50) == 0.0


def test_every_replicate_is_a_run_with_a_seed_of_its_own(monkeypatch):
    seeds = []

    def answer(config):
        seeds.append(config["simulation"]["seed"])
        return {"summary": {"workloads": {"detect": {"latency_s": float(seeds[-1])}}}}

    monkeypatch.setattr(workers, "simulate_point", answer)
    sweep = {"base": BASE, "axes": {"system.llc.ways": [4, 8]}, "replicates": 3,
             "objectives": {"workloads.detect.latency_s": "minimize"}}  # fmt: skip
    rows = simulator.sweep(sweep).rows
    assert seeds == [1, 2, 3] * 2
    assert [row["workloads.detect.latency_s"] for row in rows] == [2.0, 2.0]
    assert rows[0]["workloads.detect.latency_s_ci95"] == pytest.approx(4.303 / math.sqrt(3))


def test_effects_are_means_and_shares_of_the_variance():
    outcome = SweepOutcome("x", ["a", "b"], {"cost": "minimize"}, ["cost"])
    for a in (1, 2):
        for b in ("x", "y"):
            outcome.add({"a": a, "b": b}, {"cost": 10.0 * a + (b == "y")}, feasible=True, error="")
    rows = {(row["axis"], row["value"]): row for row in effects(outcome)}
    everything = fmean([10, 11, 20, 21])
    assert rows["a", 1]["difference"] == pytest.approx(10.5 - everything)
    assert rows["b", "y"]["mean"] == 16.0
    assert rows["a", 1]["share_of_variance"] == pytest.approx(25 / 25.25)
    assert rows["a", 1]["share_of_variance"] + rows["b", "x"]["share_of_variance"] == pytest.approx(1)


def test_an_axis_without_an_effect_explains_nothing_and_not_a_rounding_error():
    outcome = grid_outcome((3, 7), lambda a, b: 0.1 + 0.3 * a)
    shares = {row["axis"]: row["share_of_variance"] for row in effects(outcome)}
    assert shares == {"a": pytest.approx(1), "b": 0.0}


def grid_outcome(counts, cost):
    """Return the outcome of a full grid, the last axis fastest."""
    names = "abcdefgh"[: len(counts)]
    outcome = SweepOutcome("grid", list(names), {"cost": "minimize"}, ["cost"])
    for values in itertools.product(*map(range, counts)):
        outcome.add(dict(zip(names, values)), {"cost": cost(*values)}, feasible=True, error="")
    return outcome


def test_sobol_indices_do_not_take_the_order_of_a_grid_for_an_effect(monkeypatch):
    """RBD-FAST sorts the points by an axis; equal ones keep their order, which must not be another axis's."""
    sent = []
    analyze = types.ModuleType("SALib.analyze")
    analyze.rbd_fast = types.SimpleNamespace(
        analyze=lambda problem, places, answers, seed: (
            sent.append((places, answers)) or {"S1": [0.0] * 2, "S1_conf": [0.0] * 2}
        )
    )
    monkeypatch.setitem(sys.modules, "SALib", types.ModuleType("SALib"))
    monkeypatch.setitem(sys.modules, "SALib.analyze", analyze)
    sobol_indices(grid_outcome((10, 10), lambda a, b: 100 * b + a))
    ((places, answers),) = sent
    assert [100 * b + a for a, b in places] == list(answers)
    at_zero = [b for a, b in places if a == 0]
    assert sorted(at_zero) == list(range(10)) != at_zero
    assert sobol_indices(grid_outcome((10, 10), lambda a, b: 7.0)) == []
    assert sobol_indices(grid_outcome((8, 8), lambda a, b: a)) == []


def test_sobol_indices_of_a_grid_are_its_shares_of_the_variance():
    pytest.importorskip("SALib")
    outcome = grid_outcome((4, 4, 8), lambda a, b, c: 3 * a + 0.05 * a * b + 0.01 * c**2)
    shares = {row["axis"]: row["share_of_variance"] for row in effects(outcome)}
    for row in sobol_indices(outcome):
        assert row["s1"] == pytest.approx(shares[row["axis"]], abs=0.15)


def test_a_column_of_numbers_has_nothing_where_a_point_has_none(monkeypatch):
    outcome = SweepOutcome("x", ["size", "load"], {"cost": "minimize"}, ["cost", "tail"])
    outcome.add({"size": "1 MiB", "load": None}, {"cost": 1, "tail": None}, feasible=True, error="")
    outcome.add({"size": "2 MiB", "load": 3}, {"cost": 1.5, "tail": 2}, feasible=True, error="")
    assert typed_columns(outcome.rows) == {
        "point": [0, 1], "size": ["1 MiB", "2 MiB"], "load": ["none", "3"], "cost": [1.0, 1.5], "tail": [None, 2],
        "feasible": [1, 1], "pareto": [0, 0], "config_sha256": ["", ""], "error": ["", ""],
    }  # fmt: skip
    fake = types.ModuleType("pandas")
    fake.DataFrame = dict
    monkeypatch.setitem(sys.modules, "pandas", fake)
    assert outcome.to_dataframe()["tail"] == [None, 2]


def test_a_table_as_parquet_has_numbers_where_the_table_has(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    outcome = SweepOutcome("x", ["size"], {"cost": "minimize"}, ["cost", "tail"])
    outcome.add({"size": 1}, {"cost": 1, "tail": None}, feasible=True, error="")
    outcome.add({"size": 2}, {"cost": 1.5, "tail": 2}, feasible=True, error="")
    write_results(outcome, tmp_path)
    table = parquet.read_table(tmp_path / "results.parquet").to_pydict()
    assert (table["cost"], table["tail"], table["size"]) == ([1.0, 1.5], [None, 2], [1, 2])


def test_the_terminal_has_values_with_units_and_metrics_where_there_is_room():
    paths = ["workloads.detect.latency_s", *(f"max(masters.core{i}.read_latency_s.p99)" for i in range(4))]
    outcome = SweepOutcome("x", ["system.llc.size"], {paths[0]: "minimize"}, paths)
    outcome.add({"system.llc.size": "1 MiB"}, dict.fromkeys(paths, 1.5e-6), feasible=True, error="")
    outcome.mark_pareto()
    for width, shown in ((80, 1), (240, 5)):
        console = Console(file=io.StringIO(), width=width)
        print_outcome(console, outcome, Path("runs/x"))
        _, head, row, *_ = console.file.getvalue().splitlines()
        assert head.split()[:3] == ["point", "llc.size", "detect.latency_s"]
        assert row.split() == ["0", "1", "MiB", *["1.5", "us"] * shown]


def test_the_bar_counts_the_points_that_meet_the_conditions_and_shows_the_best_feasible_one():
    space = space_of(
        {"system.llc.ways": [4, 8, 16], "system.llc.mshrs": [2, 4]}, conditions=["system.llc.ways > system.llc.mshrs"],
    )  # fmt: skip
    screen = io.StringIO()
    with Bar(Console(file=screen, force_terminal=True, width=80), space) as bar:
        assert bar.bar.tasks[0].total == 5
        for latency_s, feasible in ((3e-5, True), (1e-5, False), (2e-5, True)):
            bar.advance({"workloads.detect.latency_s": latency_s}, feasible, "")
        bar.bar.refresh()
    assert bar.best_value == 2e-5
    said = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    assert re.search(r"3/5 .* 0 failed, .*/s \S*:..:.. best 20 us detect.latency_s", said)


def hypervolume(points, corner):
    """Return the area between two-objective ``points`` and ``corner``, by a sweep from the left."""
    area, height = 0.0, corner[1]
    for x, y in sorted(points):
        if y < height and x < corner[0]:
            area += (corner[0] - x) * (height - y)
            height = y
    return area


def search(kind, points, seed, **keys):
    """Return the points that a sampler finds on a grid of 1000, on a function with a bent front."""
    axes = {name: list(range(10)) for name in ("a", "b", "c")}
    sampler = {"kind": kind, "points": points, "seed": seed, **keys}
    sweep = Sweep.model_validate({"base": {}, "axes": axes, "sampler": sampler,
                                  "objectives": {"x.y": "minimize", "x.z": "minimize"}})  # fmt: skip
    sampler, told, found = batches(sweep, Space(sweep, document_of({}, ()))), None, []
    while True:
        try:
            batch = next(sampler) if told is None else sampler.send(told)
        except StopIteration:
            return found
        values = [cost(point) for point in batch]
        found += values
        told = [(list(value), []) for value in values]


def cost(point):
    a, b, c = (point[name] / 9 for name in ("a", "b", "c"))
    return (
        a**2 + 0.3 * (b - 0.5) ** 2 + 0.1 * c,
        (1 - a) ** 2 + 0.3 * (b - 0.4) ** 2 + 0.1 * (1 - c) ** 2 + 0.2 * c,
    )


def test_search_finds_the_front_of_a_grid():
    corner = (1.5, 1.5)
    grid = [cost({"a": a, "b": b, "c": c}) for a in range(10) for b in range(10) for c in range(10)]
    best = hypervolume(grid, corner)
    found = search("optuna", 150, 1)
    assert len(set(found)) <= 150 == len(found)
    assert hypervolume(found, corner) >= 0.98 * best
