"""`dlasim validate firesim`: the FireSim paper's SoC, frame, LLC grid and co-runners, one set of parameters.

Reference: "Integrating NVDLA with RISC-V SoC on FireSim" (EMC2 2019) and its artifact; the figures and how
sure they are stand in docs/firesim.md. Where the paper shows a figure only as an image, the row is written
without a reference and not counted.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from simulator.config.shipped import CONFIGS
from simulator.validate.figure import Figure
from simulator.validate.firesim_cases import BARE, FOOTPRINTS, FRAME, LENGTH, Case, Outcome, cases

CONFIG = CONFIGS / "firesim_yolov3.yaml"
NONE = float("nan")


def run_case(case: Case) -> Outcome:
    """Run one case; in a process of its own."""
    from simulator.config.model import load, resolved
    from simulator.single import run_one

    config = resolved(load(CONFIG, settings=case.settings))
    config["corunners"] = [
        {"on": f"core{i}", "kind": "bandwidth_write", "footprint": FOOTPRINTS[case.size]}
        for i in reversed(range(4 - case.corunners, 4))
    ]
    job = run_one(config).summary["workloads"]["detect"]
    phases = job["phases"]
    return Outcome(
        job["latency_s"],
        phases["accelerator_s"],
        phases["cpu_s"],
        job["traffic_bytes"],
        job["stall_cycles"],
    )


def outcomes(chosen: list[Case], workers: int | None = None) -> dict[Case, Outcome]:
    """Run cases side by side. The longest go first; the results do not depend on the order."""
    from simulator.config.model import load
    from simulator.simulate import compile_kernels

    compile_kernels(load(CONFIG))
    order = sorted(chosen, key=lambda case: -case.corunners * LENGTH.get(case.size, 0))
    count = workers or len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        return dict(zip(order, pool.map(run_case, order)))


def figures(table: Path | None = None, *, plots: str | None = None) -> Iterator[Figure]:
    """Yield the paper's figures beside ours. ``table`` is not used: the paper has none.

    ``plots``: a folder for the LLC surface and the co-runners' slowdown as pictures.
    """
    results = outcomes(cases())
    base, bare = results[FRAME], results[BARE]
    yield from frame_figures(base)
    yield from llc_figures(results, bare)
    yield from slow_figures(results)
    yield from corunner_figures(results, base)
    if plots is not None:
        from simulator.validate.firesim_plots import write_plots

        write_plots(Path(plots), results, bare, base)


def row(part: str, case: str, certainty: str) -> dict[str, Any]:
    return {"part": part, "case": case, "certainty": certainty}


def frame_figures(base: Outcome) -> Iterator[Figure]:
    said, remembered = "stated", "remembered"
    yield Figure(row("frame", "whole", said), "frames_per_s", 7.5, 1 / base.latency_s)
    yield Figure(row("frame", "NVDLA", remembered), "latency_ms", 67.0, base.accelerator_s * 1e3)
    yield Figure(row("frame", "CPU", remembered), "latency_ms", 66.0, base.cpu_s * 1e3)
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


def llc_figures(results: dict[Case, Outcome], bare: Outcome) -> Iterator[Figure]:
    speedups = {
        case.name: bare.accelerator_s / outcome.accelerator_s
        for case, outcome in results.items()
        if case.kind == "llc" and case.name != "no LLC"
    }
    for name, speedup in sorted(speedups.items()):
        yield Figure(row("LLC", name, "-"), "speedup_over_no_llc", NONE, speedup, counted=False)
    yield Figure(row("LLC", "best", "stated"), "speedup_over_no_llc", 1.56, max(speedups.values()))


def slow_figures(results: dict[Case, Outcome]) -> Iterator[Figure]:
    """Tell what the LLC would be worth if DRAM ran at its own clock: why ours is below the paper's."""
    bare, best = (
        next(results[case] for case in results if case.kind == "slow" and case.name == name)
        for name in ("no LLC", "4096 KiB / 128 B")
    )
    speedup = bare.accelerator_s / best.accelerator_s
    yield Figure(
        row("DRAM at 1066 MHz", "best", "what if"), "speedup_over_no_llc", 1.56, speedup, counted=False
    )


def corunner_figures(results: dict[Case, Outcome], base: Outcome) -> Iterator[Figure]:
    references = {"4 x DRAM": (2.5, "remembered"), "4 x L1": (1.0, "remembered")}
    for case, outcome in sorted(results.items(), key=lambda item: item[0].name):
        if case.kind != "corunners":
            continue
        reference, certainty = references.get(case.name, (NONE, "-"))
        slowdown = outcome.accelerator_s / base.accelerator_s
        yield Figure(
            row("co-runners", case.name, certainty),
            "slowdown",
            reference,
            slowdown,
            counted=reference == reference,
        )
