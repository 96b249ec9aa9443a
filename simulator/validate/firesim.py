"""`dlasim validate firesim`: the FireSim paper's SoC, frame, LLC grid and co-runners, one set of parameters.

Reference: "Integrating NVDLA with RISC-V SoC on FireSim" (EMC2 2019), figures 5 and 6, and its artifact
(`reference/firesim/README.md`, docs/firesim.md).
"""

from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

from hw_models.errors import ConfigError
from simulator.validate.figure import Figure
from simulator.validate.firesim_cases import BARE, FRAME, Case, Outcome, cases
from simulator.validate.firesim_choices import chosen, write_sensitivity
from simulator.validate.firesim_runs import outcomes

NONE = float("nan")


def figures(
    table: Path | None = None,
    *,
    all: bool = False,
    seeds: int = 1,
    plots: str | None = None,
    sensitivity: str | None = None,
    choices: str = "all",
) -> Iterator[Figure]:
    """Yield the paper's figures beside ours. ``table`` is not used: the figures are two.

    ``all``: every point of the figures. ``seeds``: runs a point with co-runners; their mean is compared,
    their spread shown. ``plots``: a folder for both figures as pictures. ``sensitivity``: a file for the
    table of what each open choice moves, instead of the comparison; ``choices``: which of them, by name.
    """
    if not str(seeds).isdigit() or int(seeds) < 1:
        raise ConfigError(f"--seeds: {seeds} is not a number of runs; write 1 or more")
    if sensitivity is not None:
        write_sensitivity(Path(sensitivity), chosen(choices), outcomes)
        return
    if choices != "all":
        raise ConfigError("--choices: goes with --sensitivity FILE; write both, or neither")
    results = outcomes(cases(all, int(seeds)))
    yield from frame_figures(results[FRAME])
    yield from llc_figures(results)
    yield from corunner_figures(results)
    if plots is not None:
        from simulator.validate.firesim_plots import write_plots

        write_plots(Path(plots), results)


def row(part: str, case: str, certainty: str) -> dict[str, Any]:
    return {"part": part, "case": case, "certainty": certainty}


def frame_figures(base: Outcome) -> Iterator[Figure]:
    yield Figure(row("frame", "whole", "stated"), "frames_per_s", 7.5, 1 / base.latency_s)
    yield Figure(row("frame", "NVDLA", "stated"), "latency_ms", 67.0, base.accelerator_s * 1e3)
    yield Figure(row("frame", "CPU", "stated"), "latency_ms", 66.0, base.cpu_s * 1e3)
    loadable = {
        "weights": 80_288_000,
        "features": 41_310_000,
        "operands and inputs": 32_862_000,
        "outputs": 57_564_000,
    }
    ours = dict(base.traffic_bytes)
    ours["operands and inputs"] = ours["operands"] + ours["inputs"]
    for kind, reference in loadable.items():
        yield Figure(row("traffic", kind, "derived"), "megabytes", reference / 1e6, ours[kind] / 1e6)
    for cause, cycles in base.stall_cycles.items():
        yield Figure(row("stalls", cause, "-"), "mega_cycles", NONE, cycles / 1e6, counted=False)


def llc_figures(results: dict[Case, Outcome]) -> Iterator[Figure]:
    """Yield the speed-ups of figure 5."""
    bare = results[BARE].accelerator_s
    yield Figure(row("LLC", "no LLC", "derived"), "latency_ms", NONE, bare * 1e3, counted=False)
    for case in sorted((c for c in results if c.kind in ("llc", "frame") and c != BARE), key=_by_line):
        speedup = bare / results[case].accelerator_s
        yield Figure(row("LLC", case.name, "figure 5"), "speedup_over_no_llc", case.reference, speedup)


def _by_line(case: Case) -> tuple[float, float]:
    size, line = (float(word.split()[0]) for word in case.name.split("/"))
    return line, size


def corunner_figures(results: dict[Case, Outcome]) -> Iterator[Figure]:
    """Yield the slowdowns of figure 6, the mean over seeds, and their spread."""
    base = results[FRAME].accelerator_s
    points: dict[str, list[Case]] = {}
    for case in results:
        if case.kind == "corunners":
            points.setdefault(case.name, []).append(case)
    for name, runs in sorted(points.items(), key=lambda item: (item[1][0].size, item[0])):
        slowdowns = [results[case].accelerator_s / base for case in runs]
        where = row("co-runners", name, "figure 6")
        yield Figure(where, "slowdown", runs[0].reference, mean(slowdowns))
        if len(runs) > 1:
            for quantity, value in (("slowdown_least", min(slowdowns)), ("slowdown_most", max(slowdowns))):
                yield Figure(where, quantity, NONE, value, counted=False)
