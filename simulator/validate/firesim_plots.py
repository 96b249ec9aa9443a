"""The two pictures of `dlasim validate firesim`: LLC speed-up surface, slowdown by co-runners."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

if TYPE_CHECKING:
    from simulator.validate.firesim_cases import Case, Outcome


def write_plots(folder: Path, results: "dict[Case, Outcome]", bare: "Outcome", base: "Outcome") -> None:
    """Write llc_speedup.png and corunners.png into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    _llc(results, bare).savefig(folder / "llc_speedup.png", dpi=120)
    _corunners(results, base).savefig(folder / "corunners.png", dpi=120)
    plt.close("all")


def _llc(results: "dict[Case, Outcome]", bare: "Outcome") -> plt.Figure:
    points = {
        tuple(int(word.split()[0]) for word in case.name.split("/")): bare.accelerator_s
        / outcome.accelerator_s
        for case, outcome in results.items()
        if case.kind == "llc" and "/" in case.name
    }
    sizes, lines = (sorted({key[i] for key in points}) for i in (0, 1))
    grid = np.array([[points.get((size, line), np.nan) for size in sizes] for line in lines])
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    image = axes.imshow(grid, cmap="viridis", aspect="auto", origin="lower")
    for (y, x), value in np.ndenumerate(grid):
        if np.isfinite(value):
            axes.text(x, y, f"{value:.2f}", ha="center", va="center", color="white")
    axes.set_xticks(range(len(sizes)), [f"{size} KiB" for size in sizes])
    axes.set_yticks(range(len(lines)), [f"{line} B" for line in lines])
    axes.set(xlabel="LLC size", ylabel="line", title="NVDLA's speed-up over no LLC (paper: up to 1.56)")
    figure.colorbar(image)
    return figure


def _corunners(results: "dict[Case, Outcome]", base: "Outcome") -> plt.Figure:
    series: dict[str, dict[int, float]] = {}
    for case, outcome in results.items():
        if case.kind == "corunners":
            name = case.name.split(" x ")[1]
            series.setdefault(name, {0: 1.0})[case.corunners] = outcome.accelerator_s / base.accelerator_s
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for name, values in sorted(series.items()):
        counts = sorted(values)
        axes.plot(counts, [values[count] for count in counts], marker="o", label=f"fits {name}")
    axes.set(
        xlabel="bandwidth-write co-runners", ylabel="slowdown of NVDLA", title="YOLOv3 beside co-runners"
    )
    axes.set_xticks(range(5))
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
