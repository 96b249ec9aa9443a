"""The two pictures of `dlasim validate firesim`: figures 5 and 6 of the paper."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from simulator.validate.firesim_cases import Case, Outcome


def write_plots(folder: Path, results: "dict[Case, Outcome]") -> None:
    """Write llc_speedup.png and corunners.png into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    _llc(results).savefig(folder / "llc_speedup.png", dpi=120)
    _corunners(results).savefig(folder / "corunners.png", dpi=120)
    plt.close("all")


def _llc(results: "dict[Case, Outcome]") -> plt.Figure:
    bare = next(outcome for case, outcome in results.items() if case.name == "no LLC").accelerator_s
    series: dict[float, list[tuple[float, float, float]]] = {}
    for case, outcome in results.items():
        if "/" in case.name:
            size, line = (float(word.split()[0]) for word in case.name.split("/"))
            series.setdefault(line, []).append((size, case.reference, bare / outcome.accelerator_s))
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for line, points in sorted(series.items()):
        sizes, paper, ours = zip(*sorted(points))
        (drawn,) = axes.plot(sizes, ours, marker="o", label=f"{line:g} B")
        axes.plot(sizes, paper, linestyle=":", color=drawn.get_color())
    axes.set_xscale("log", base=2)
    axes.set(xlabel="LLC size [KiB]", ylabel="speed-up over no LLC", title="NVDLA (dotted: the paper)")
    axes.grid(alpha=0.3)
    axes.legend(title="line")
    return figure


def _corunners(results: "dict[Case, Outcome]") -> plt.Figure:
    base = next(outcome for case, outcome in results.items() if case.kind == "frame").accelerator_s
    series: dict[str, list[tuple[int, float, float]]] = {}
    for case, outcome in results.items():
        if case.kind == "corunners":
            point = case.corunners, case.reference, outcome.accelerator_s / base
            series.setdefault(case.size, [(0, 1.0, 1.0)]).append(point)
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for name, points in sorted(series.items()):
        counts, paper, ours = zip(*sorted(points))
        drawn = axes.scatter(counts, ours, label=f"fits {name}")
        axes.plot(counts, paper, linestyle=":", color=drawn.get_facecolor()[0])
    axes.set(xlabel="co-runners", ylabel="slowdown of NVDLA", title="YOLOv3 (dotted: the paper)")
    axes.set_xticks(range(5))
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
