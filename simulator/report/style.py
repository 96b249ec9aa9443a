"""How all plots look. Importing this module imports matplotlib."""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from simulator.results.numbers import rate_text, time_text

COLORS = (
    "#3b6fb6",
    "#e07b39",
    "#4f9d69",
    "#b8567b",
    "#8a6fc0",
    "#c2a83e",
    "#4aa6b5",
    "#8c8c8c",
    "#a0522d",
    "#6b8e23",
)
INK, FAINT, WORKING = "#30343b", "#d9dce1", "#3b6fb6"
SECONDS = FuncFormatter(lambda value, _: time_text(value))
RATES = FuncFormatter(lambda value, _: rate_text(value))


def new_axes(title: str, height: float = 3.4, width: float = 9.0) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=11, color=INK, fontweight="bold")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=8, color=FAINT)
    return figure, axes


def colors_of(names: list[str]) -> dict[str, str]:
    return {name: COLORS[i % len(COLORS)] for i, name in enumerate(names)}


def legend(axes: Any, count: int) -> None:
    axes.legend(
        fontsize=8, frameon=False, ncols=min(max(count, 1), 6), loc="upper left", bbox_to_anchor=(0, -0.12)
    )
