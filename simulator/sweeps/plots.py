"""The plots of a sweep, as matplotlib figures. Importing this module imports matplotlib."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from simulator.report.labels import label_of, unit_of
from simulator.report.style import COLORS, INK, POINTS, WORKING, label_axis, new_axes
from simulator.sweeps.outcome import SweepOutcome

MOST_TICKS = 24


def sweep_plots(outcome: SweepOutcome) -> dict[str, Figure]:
    good = [row for row in outcome.rows if row["feasible"]]
    if not good:
        return {}
    figures: dict[str, Figure] = {}
    objectives = list(outcome.objectives)
    for i, first in enumerate(objectives):
        for second in objectives[i + 1 :]:
            figures[f"pareto_{len(figures)}"] = _pareto(good, first, second)
    for i, axis in enumerate(outcome.axes):
        figures[f"axis_{i}"] = _effect(good, axis, objectives[0])
    return figures


def _pareto(rows: list[dict[str, Any]], first: str, second: str) -> Figure:
    figure, axes = new_axes("Pareto front", height=2.8)
    rest, front = ([row for row in rows if row["pareto"] == mark] for mark in (0, 1))
    front.sort(key=lambda row: (row[first], row[second]))
    axes.scatter([r[first] for r in rest], [r[second] for r in rest], s=18, color="#b9bec7", label="feasible")
    axes.plot(
        [r[first] for r in front],
        [r[second] for r in front],
        "o-",
        color=COLORS[1],
        ms=5,
        lw=1,
        label="front",
    )
    for row in front[:12]:
        where = (row[first], row[second])
        axes.annotate(
            str(row["point"]),
            where,
            textcoords="offset points",
            xytext=(4, 4),
            fontsize=POINTS - 2,
            color=INK,
        )
    label_axis(axes.xaxis, label_of(first), unit_of(first))
    label_axis(axes.yaxis, label_of(second), unit_of(second))
    axes.legend(fontsize=POINTS - 1, frameon=False)
    return figure


def _effect(rows: list[dict[str, Any]], axis: str, objective: str) -> Figure:
    """Every point's objective over one axis, and their median at each value."""
    figure, axes = new_axes(f"{label_of(objective)} over {label_of(axis)}")
    values = list(dict.fromkeys(row[axis] for row in rows))
    numeric = all(isinstance(value, int | float) for value in values)
    place = {value: value if numeric else i for i, value in enumerate(values)}
    axes.scatter([place[r[axis]] for r in rows], [r[objective] for r in rows], s=16, color=WORKING, alpha=0.5)
    if len(values) <= MOST_TICKS:
        ordered = sorted(values, key=lambda value: place[value])
        medians = [np.median([r[objective] for r in rows if r[axis] == value]) for value in ordered]
        axes.plot([place[value] for value in ordered], medians, color=COLORS[1], lw=1)
        axes.set_xticks([place[value] for value in ordered], [str(value) for value in ordered])
    elif not numeric:
        axes.set_xticks([])
    label_axis(axes.xaxis, label_of(axis))
    label_axis(axes.yaxis, label_of(objective), unit_of(objective))
    return figure
