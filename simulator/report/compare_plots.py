"""Pictures of a comparison. Importing this module imports matplotlib."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from simulator.report.frames import frame_times
from simulator.report.layers import interference_pairs, layers_of
from simulator.report.page import image_of
from simulator.report.style import COLORS, INK, SECONDS, new_axes
from simulator.results.result import Result


def comparison_images(names: list[str], runs: list[Result]) -> list[str]:
    """Return the pictures as <img> elements."""
    jobs = [(name, job) for name, run in zip(names, runs) for job in run.summary["workloads"].items()]
    one_job = len({job for _, (job, _) in jobs}) == 1
    frames = frame_times((name if one_job else f"{name} {job}", summary) for name, (job, summary) in jobs)
    figures = [_latency(names, runs), frames, _delays(names, runs), _layers(names, runs)]
    return [image_of(f"comparison {i}", figure) for i, figure in enumerate(figures) if figure is not None]


def _bars(axes: Any, names: list[str], groups: list[str], values: np.ndarray) -> None:
    """Draw a group of bars, one for each run, for every row of ``values`` (groups, runs)."""
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        places = np.arange(len(groups)) + (i - (len(names) - 1) / 2) * width
        axes.bar(places, values[:, i], width * 0.95, color=COLORS[i % len(COLORS)], label=name)
    axes.set_xticks(range(len(groups)), groups)
    axes.yaxis.set_major_formatter(SECONDS)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _latency(names: list[str], runs: list[Result]) -> Figure | None:
    jobs = list(dict.fromkeys(job for run in runs for job in run.summary.get("workloads", {})))
    if not jobs:
        return None
    values = [[run.summary["workloads"].get(job, {}).get("latency_s", 0.0) for run in runs] for job in jobs]
    figure, axes = new_axes("Latency")
    _bars(axes, names, jobs, np.array(values))
    return figure


def _delays(names: list[str], runs: list[Result]) -> Figure | None:
    """Delay of every victim charged to other masters."""
    pairs = [interference_pairs(run.summary) for run in runs]
    victims = list(dict.fromkeys(victim for run in pairs for victim, _, _ in run))
    if not victims:
        return None
    values = [[sum(delay for v, _, delay in run if v == victim) for run in pairs] for victim in victims]
    figure, axes = new_axes("Delay charged to other masters")
    _bars(axes, names, victims, np.array(values))
    return figure


def _layers(names: list[str], runs: list[Result]) -> Figure | None:
    """Time of every layer of each run, if the runs have the same layers."""
    layers = [layers_of(run.ops) for run in runs]
    if not layers[0] or any([x.name for x in one] != [x.name for x in layers[0]] for one in layers):
        return None
    figure, axes = new_axes("Time by layer")
    for i, (name, one) in enumerate(zip(names, layers)):
        seconds = [layer.seconds for layer in one]
        axes.step(range(len(one)), seconds, where="mid", color=COLORS[i % len(COLORS)], label=name, lw=1.2)
    axes.yaxis.set_major_formatter(SECONDS)
    axes.set_xlabel("layer, in order", fontsize=8, color=INK)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
