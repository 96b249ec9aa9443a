"""How much of a design space the search finds with few points, on a stand-in for the simulator.

pytest tests/benchmarks/test_sweep_hypervolume.py --benchmark-only -s

The stand-in: latency by a roofline, energy and area as `system.energy` reckons them, over MACs, buffer, LLC, clock
and memory rate: 1152 designs. Aim for latency and energy, and with area as a third objective: with 150 of them at
least 99 % of the hypervolume of all (mean of 8 seeds), with 32 more than random points find.
"""

from statistics import fmean

import numpy as np
import pytest

from hw_models.energy import model
from simulator.config.yaml_lines import Document
from simulator.sweeps.file import Sweep
from simulator.sweeps.outcome import on_front
from simulator.sweeps.samplers import batches
from simulator.sweeps.space import Space

MIB = 2**20
SEEDS = range(8)
AXES = {
    "a.macs": [64, 128, 256, 512, 1024, 2048],
    "a.buffer": [64, 128, 256, 512],  # KiB
    "a.llc": [0.25, 0.5, 1, 2, 4, 8],  # MiB
    "a.clock": [0.5, 1.0],  # GHz
    "a.memory": [3.2, 6.4, 12.8, 25.6],  # GB/s
}
OBJECTIVES = ("latency", "energy", "area")
WORK, WEIGHTS, FEATURES = 4e9, 25e6, 40e6  # MACs and bytes of a frame, about a ResNet-50


def design(point):
    """Return latency [s], energy [J] and area [mm2]."""
    macs, buffer, llc, clock, rate = (point[name] for name in AXES)
    use = 0.9 - 0.1 * np.log2(macs / 64) / 5 - 0.2 * (buffer < macs / 4)
    refetch = 1 + 3 * np.exp(-buffer / 150)
    missed = np.exp(-llc / 2.5)
    dram_bytes = WEIGHTS * refetch * (0.3 + 0.7 * missed) + FEATURES * missed
    latency = max(WORK / (macs * clock * 1e9 * use), dram_bytes / (rate * 1e9)) + 2e-4
    asked = WEIGHTS * refetch + FEATURES
    joules = WORK * model.mac_pj(16) * 1e-12 * (1 + 0.4 * (clock - 0.5))
    joules += (
        asked * model.sram_pj_per_byte(16, int(llc * MIB)) * 1e-12
        + dram_bytes * (20 + 2 * rate / 3.2) * 1e-12 * 8
    )
    area = (
        sum(model.nvdla_mm2(16, macs, buffer * 1024).values())
        + model.sram_mm2(16, int(llc * MIB))
        + 0.3 * rate / 3.2
    )
    joules += latency * (
        model.sram_leakage_w(int(llc * MIB)) + model.logic_leakage_w(area) + 0.05 * rate / 3.2
    )
    return latency, joules, area


def scaled(points):
    """Return costs between 0 and 1 on logarithmic axes of the whole grid."""
    return (np.log(points) - LOW) / (HIGH - LOW)


def hypervolume(costs):
    """Return the volume of the unit cube that the front of ``costs``, shape (n, 2 or 3), dominates."""
    if costs.shape[1] == 2:
        return area(costs)
    front = costs[on_front(costs)]
    front = front[np.argsort(front[:, 2])]
    depths = np.diff([*front[:, 2], 1.0])
    return sum(depth * area(front[: i + 1, :2]) for i, depth in enumerate(depths) if depth > 0)


def area(points):
    total, reached = 0.0, 1.0
    for x, y in sorted(map(tuple, points)):
        if y < reached:
            total += (1.0 - x) * (reached - y)
            reached = y
    return total


def found(kind, points, seed, objectives):
    """Return the share of the grid's hypervolume that a search finds."""
    sweep = Sweep.model_validate(
        {
            "name": "stand-in", "base": {}, "axes": AXES,
            "objectives": {f"a.{name}": "minimize" for name in OBJECTIVES[:objectives]},
            "sampler": {"kind": kind, "points": points, "seed": seed},
        }
    )  # fmt: skip
    search, told, costs = batches(sweep, Space(sweep, Document({}))), None, []
    while True:
        try:
            asked = next(search) if told is None else search.send(told)
        except StopIteration:
            whole = hypervolume(scaled(GRID)[:, :objectives])
            return hypervolume(scaled(np.array(costs))[:, :objectives]) / whole
        answers = [design(point) for point in asked]
        costs += answers
        told = [([float(cost) for cost in answer[:objectives]], []) for answer in answers]


GRID = np.array([design(dict(zip(AXES, values))) for values in np.stack(
    np.meshgrid(*AXES.values(), indexing="ij"), -1).reshape(-1, len(AXES))])  # fmt: skip
LOW, HIGH = np.log(GRID).min(axis=0), np.log(GRID).max(axis=0)


def test_150_points_find_99_percent_and_32_more_than_random_ones(benchmark):
    pytest.importorskip("optuna")
    cases = [
        (kind, points, objectives)
        for objectives in (2, 3)
        for kind, points in (("optuna", 150), ("optuna", 32), ("random", 32))
    ]

    def shares():
        return {case: fmean(found(*case[:2], seed, case[2]) for seed in SEEDS) for case in cases}

    share = benchmark.pedantic(shares, rounds=1)
    benchmark.extra_info |= {f"{k} {n}, {m} objectives": round(s, 4) for (k, n, m), s in share.items()}
    print(f"\n{len(GRID)} designs: {benchmark.extra_info}")
    for objectives in (2, 3):
        assert share["optuna", 150, objectives] >= 0.99
        assert share["optuna", 32, objectives] > share["random", 32, objectives]
