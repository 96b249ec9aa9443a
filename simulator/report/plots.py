"""The plots of a run, as matplotlib figures. Importing this module imports matplotlib."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from simulator.report.frames import frame_times
from simulator.report.layers import Layer, interference_matrix, interference_pairs, layers_of, slowest
from simulator.report.masters import folded, shown_masters
from simulator.report.run_data import rooflines
from simulator.report.style import (
    COLORS,
    INK,
    POINTS,
    UNKNOWN,
    WORKING,
    colors_of,
    dash,
    hatch,
    label_axis,
    legend_below,
    legend_beside,
    new_axes,
)
from simulator.results.numbers import count_text, rate_text, time_text
from simulator.results.result import Result, told

SHOWN_LAYERS = 14  # bars of "where the cycles went"
APART = 0.1  # of a decade: closer points of a roofline share a name


def run_plots(result: Result) -> dict[str, Figure]:
    """Return file stem -> figure; a plot that the run has no data for is left out."""
    makers: dict[str, Callable[[Result, list[Layer]], Figure | None]] = {
        "layer_latency": layer_latency,
        "cycles": where_the_cycles_went,
        "bandwidth": bandwidth_over_time,
        "roofline": roofline,
        "interference": interference,
        "frame_times": lambda result, layers: frame_times(result.summary["workloads"].items()),
    }
    layers = layers_of(result.ops, result.summary["workloads"])
    figures = {name: maker(result, layers) for name, maker in makers.items()}
    return {name: figure for name, figure in figures.items() if figure is not None}


def layer_latency(result: Result, layers: list[Layer]) -> Figure | None:
    """Time of every layer, in the order of the network; the slowest are named."""
    if not layers:
        return None
    figure, axes = new_axes("Time by layer")
    units = sorted({"+".join(sorted(layer.units)) for layer in layers})
    color = colors_of(units)
    seconds = [layer.seconds for layer in layers]
    axes.bar(
        range(len(layers)), seconds, width=0.85, color=[color["+".join(sorted(x.units))] for x in layers]
    )
    named = {layer.name for layer in slowest(layers, 5)}
    for i, layer in enumerate(layers):
        if layer.name in named:
            at = {"ha": "center", "va": "bottom", "rotation": 90, "fontsize": POINTS - 2, "color": INK}
            axes.annotate(layer.name, (i, layer.seconds), (0, 2), textcoords="offset points", **at)
    for unit in units:
        axes.bar(0, 0, color=color[unit], label=unit)
    axes.set_xlim(-0.7, len(layers) - 0.3)
    axes.margins(y=0.4)
    label_axis(axes.xaxis, "layer, in order")
    label_axis(axes.yaxis, "time", "s")
    legend_below(axes, len(units))
    return figure


def where_the_cycles_went(result: Result, layers: list[Layer]) -> Figure | None:
    """The slowest layers' cycles, split into working and waiting for each cause."""
    rows = [layer for layer in slowest(layers, SHOWN_LAYERS) if layer.cycles]
    if not rows:
        return None
    totals: dict[str, float] = {}
    for layer in layers:
        for cause, cycles in layer.stalls.items():
            totals[cause] = totals.get(cause, 0) + cycles
    causes = [
        cause for _, cause in sorted((-cycles, cause) for cause, cycles in totals.items() if cycles > 0)
    ]
    figure, axes = new_axes("Where the cycles went, slowest layers", height=0.9 + 0.16 * len(rows))
    per_cycle = np.array([layer.seconds / layer.cycles for layer in rows])
    stalled = np.array([[layer.stalls.get(cause, 0) for cause in causes] for layer in rows], dtype=float)
    stalled = stalled.reshape(len(rows), len(causes))
    working = np.maximum(np.array([layer.cycles for layer in rows]) - stalled.sum(axis=1), 0) * per_cycle
    names = [layer.name for layer in rows]
    known = np.array([layer.measured or any(layer.stalls.values()) for layer in rows])
    axes.barh(names, working * known, color=WORKING, label="working", height=0.75)
    if not known.all():
        axes.barh(names, working * ~known, color=UNKNOWN, label="not measured", height=0.75)
    left = working.copy()
    for i, cause in enumerate(causes):
        part = stalled[:, i] * per_cycle
        axes.barh(
            names,
            part,
            left=left,
            color=COLORS[1 + i % (len(COLORS) - 1)],
            label=f"waiting: {cause}",
            hatch=hatch(i + 1),
            edgecolor="white",
            linewidth=0,
            height=0.75,
        )
        left += part
    axes.invert_yaxis()
    label_axis(axes.xaxis, "time", "s")
    legend_beside(axes)
    return figure


def bandwidth_over_time(result: Result, layers: list[Layer]) -> Figure | None:
    """Bytes a second of every master."""
    time = np.asarray(result.bandwidth.get("time_s", ()), dtype=float)
    rates_of = folded(told(result.bandwidth), shown_masters(result.summary))
    if not len(time) or not rates_of:
        return None
    figure, axes = new_axes("Memory traffic over time")
    for i, (name, color) in enumerate(colors_of(list(rates_of)).items()):
        rates = np.asarray(rates_of[name], dtype=float)
        axes.step(time, rates, where="mid", color=color, linestyle=dash(i), linewidth=0.9, label=name)
    axes.margins(x=0)
    axes.set_ylim(bottom=0)
    label_axis(axes.xaxis, "time", "s")
    label_axis(axes.yaxis, "bandwidth", "B/s")
    legend_below(axes, len(rates_of))
    return figure


def roofline(result: Result, layers: list[Layer]) -> Figure | None:
    """MACs a second against MACs a byte of every layer, for each level of memory under its own roof."""
    levels = rooflines(result.summary, layers)
    if not levels:
        return None
    figure, axes = new_axes("Roofline", height=2.8)
    points = [np.array([point[:3] for point in level["points"]]) for level in levels]
    x = np.geomspace(min(p[:, 0].min() for p in points) / 3, max(p[:, 0].max() for p in points) * 3, 200)
    slowest_s = max(p[:, 2].max() for p in points)
    if peak := levels[0]["macs_per_s"]:
        axes.axhline(peak, color=INK, linewidth=1, linestyle="--")
        axes.annotate(f"{count_text(peak)}MAC/s", (x[0], peak), va="bottom", fontsize=POINTS - 1, color=INK)
    for i, (level, at) in enumerate(zip(levels, points)):
        color, said = COLORS[i % len(COLORS)], level["level"]
        if level["bytes_per_s"]:
            roof = np.minimum(x * level["bytes_per_s"], peak or np.inf)
            said += f" {rate_text(level['bytes_per_s'])}"
            axes.plot(x, roof, color=color, linewidth=1.2, linestyle=dash(i))
        sizes = 12 + 160 * at[:, 2] / slowest_s
        axes.scatter(at[:, 0], at[:, 1], s=sizes, color=color, alpha=0.6, linewidth=0, label=said)
    for layer in apart(
        slowest([layer for layer in layers if layer.macs and layer.seconds and layer.total_bytes], 5)
    ):
        at_point = (layer.macs / layer.total_bytes, layer.macs / layer.seconds)
        style = {"fontsize": POINTS - 2, "color": INK}
        axes.annotate(layer.name, at_point, (5, -8), textcoords="offset points", **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    label_axis(axes.xaxis, "MAC per byte of memory traffic")
    label_axis(axes.yaxis, "speed", "MAC/s")
    legend_below(axes, len(levels))
    return figure


def apart(layers: list[Layer]) -> list[Layer]:
    """Return the layers whose points in the roofline lie apart, so that their names do."""
    kept: list[Layer] = []
    for layer in layers:
        where = np.log10([layer.macs / layer.total_bytes, layer.macs / layer.seconds])
        others = [np.log10([each.macs / each.total_bytes, each.macs / each.seconds]) for each in kept]
        if all(np.abs(where - other).max() > APART for other in others):
            kept.append(layer)
    return kept


def interference(result: Result, layers: list[Layer]) -> Figure | None:
    """Heat map: delay of every victim charged to every culprit."""
    if not interference_pairs(result.summary):
        return None
    victims, culprits, rows = interference_matrix(result.summary)
    values = np.array(rows)
    size = (0.8 + 0.28 * len(victims), min(7.0, 1.6 + 0.8 * len(culprits)))
    figure, axes = new_axes("Waits of all requests, charged to", height=size[0], width=size[1])
    shared = set(shown_masters(result.summary).values()) - set(result.summary.get("masters", {}))
    alone = [[name not in shared for name in names] for names in (victims, culprits)]
    most = values[np.ix_(*alone)].max(initial=0) or values.max()  # of those that are one master's
    axes.imshow(values, cmap="OrRd", aspect="auto", vmin=0, vmax=most)
    axes.set_xticks(range(len(culprits)), culprits)
    axes.set_yticks(range(len(victims)), victims)
    axes.grid(visible=False)
    label_axis(axes.xaxis, "delayed by")
    label_axis(axes.yaxis, "who waited")
    middle = most / 2
    for (row, column), value in np.ndenumerate(values):
        shade = "white" if value > middle else INK
        axes.text(
            column, row, time_text(float(value)), ha="center", va="center", fontsize=POINTS - 1, color=shade
        )
    return figure
