"""The distribution of a job's frame times: what a real-time engineer looks at."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from simulator.report.style import COLORS, INK, POINTS, dash, label_axis, new_axes


def frame_times(jobs: Iterable[tuple[str, Mapping[str, Any]]]) -> Figure | None:
    """Return the share of frames done within each time, a line for every (label, job of the summary)."""
    several = [(label, job) for label, job in jobs if len(job.get("frame_latency_s", ())) > 1]
    if not several:
        return None
    figure, axes = new_axes("Frames done within")
    for i, (label, job) in enumerate(several):
        times = np.sort(np.asarray(job["frame_latency_s"], dtype=float))
        share = np.arange(1, len(times) + 1) / len(times)
        said = f"{label}: {len(times)} frames"
        at, up = np.r_[times[0], times], np.r_[0.0, 100 * share]
        axes.step(at, up, where="post", color=COLORS[i % len(COLORS)], linestyle=dash(i), label=said)
    for deadline in sorted({job["deadline"]["limit_s"] for _, job in several if job.get("deadline")}):
        axes.axvline(deadline, color=INK, linewidth=1, linestyle="--")
        axes.annotate("deadline", (deadline, 2), ha="right", rotation=90, fontsize=POINTS - 1, color=INK)
    axes.set_ylim(0, 102)
    label_axis(axes.xaxis, "latency", "s")
    label_axis(axes.yaxis, "frames [%]")
    axes.legend(fontsize=POINTS - 1, frameon=False, loc="lower right")
    return figure
