"""How all figures look: as wide as a paper's text or column, 8 pt, units at the axes, fonts that stay text.

Importing this module imports matplotlib.
"""

from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any

import matplotlib
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

# told apart with any colour vision (Okabe and Ito, 2008), dark enough for paper
COLORS = (
    "#0072b2",
    "#d55e00",
    "#00815c",
    "#b3568f",
    "#7a6a00",
    "#3d8fc4",
    "#8a4b2a",
    "#5c5c9e",
    "#6b6f76",
    "#a8860b",
)
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "---", "|||", "+++", "ooo", "**")  # beside the colours
DASHES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)))
INK, FAINT, WORKING, UNKNOWN = "#202429", "#d9dce1", "#0072b2", "#b4b9c2"
TEXT, COLUMN = 7.0, 3.4  # widths of a page's text and of one of its two columns [inch]
POINTS = 8  # of all text
PREFIXES = (
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "\u00b5"),
    (1e-9, "n"),
)
STYLE: dict[Any, Any] = {
    "font.size": POINTS,
    "axes.labelsize": POINTS,
    "axes.titlesize": POINTS,
    "xtick.labelsize": POINTS - 1,
    "ytick.labelsize": POINTS - 1,
    "legend.fontsize": POINTS - 1,
    "legend.frameon": False,
    "hatch.linewidth": 0.5,
    "lines.linewidth": 1.0,
    "pdf.fonttype": 42,  # TrueType: text stays text, and publishers take it
    "svg.fonttype": "none",
}


def paper() -> AbstractContextManager[None]:
    """Return the context in which figures are made and saved."""
    return matplotlib.rc_context(STYLE)


def new_axes(title: str, height: float = 2.4, width: float = TEXT) -> tuple[Figure, Any]:
    """Return a figure and its axes; sizes in inches."""
    with paper():
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=POINTS, color=INK, fontweight="bold")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)
        axes.spines[side].set_linewidth(0.6)
    axes.tick_params(colors=INK, labelsize=POINTS - 1, width=0.6)
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    return figure, axes


def label_axis(axis: Axis, name: str, unit: str = "") -> None:
    """Write "name [ms]" at an axis and its numbers in that unit; its limits are known: all is drawn."""
    if not unit:
        axis.set_label_text(name, fontsize=POINTS, color=INK)
        return
    largest = max(map(abs, axis.get_view_interval()))
    factor, prefix = next((each for each in PREFIXES if largest >= each[0]), PREFIXES[-1])
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / factor:.6g}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_label_text(f"{name} [{prefix}{unit}]", fontsize=POINTS, color=INK)


def colors_of(names: list[str]) -> dict[str, str]:
    return {name: COLORS[i % len(COLORS)] for i, name in enumerate(names)}


def hatch(i: int) -> str:
    return HATCHES[i % len(HATCHES)]


def dash(i: int) -> Any:
    return DASHES[i % len(DASHES)]


def legend_below(axes: Any, count: int) -> None:
    axes.legend(
        fontsize=POINTS - 1,
        ncols=min(max(count, 1), 6),
        loc="upper left",
        bbox_to_anchor=(0, -0.2),
        frameon=False,
    )


def legend_beside(axes: Any) -> None:
    axes.legend(fontsize=POINTS - 1, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def bytes_of(figure: Figure, kind: str) -> bytes:
    """Return a figure as the bytes of a "png" or a "pdf", the same for the same figure."""
    buffer = BytesIO()
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # it has settled: not once more for each kind
    quiet = {"png": {"Software": None}, "pdf": {"CreationDate": None, "Producer": None}}
    with paper():
        figure.savefig(buffer, format=kind, dpi=200, metadata=quiet[kind])
    return buffer.getvalue()
