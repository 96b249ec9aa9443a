"""Runs of the FireSim SoC: a case's config, and what comes of it."""

import os
from concurrent.futures import ProcessPoolExecutor
from math import nan
from multiprocessing import get_context
from typing import Any

import numpy as np

from hw_models.units import FS
from simulator.config.model import load, resolved
from simulator.config.shipped import CONFIGS
from simulator.sweeps.workers import serve
from simulator.validate.firesim_cases import FOOTPRINTS, FRAMES, JITTER_CYCLES, LENGTH, Case, Outcome
from workloads.program import On

CONFIG = CONFIGS / "firesim_yolov3.yaml"


def config_of(case: Case) -> dict[str, Any]:
    """Return the config of a case, as data."""
    config = resolved(load(CONFIG, settings=case.settings, seed=case.seed))
    config["corunners"] = [
        {
            "on": f"core{i}",
            "kind": "bandwidth_write",
            "footprint": FOOTPRINTS[case.size],
            "jitter": f"{JITTER_CYCLES} cycles",
            "frames": FRAMES,
            **dict(case.crowd),
        }
        for i in range(case.corunners)
    ]
    return config


def run_case(case: Case) -> Outcome:
    """Run one case; in a process of its own."""
    from simulator.single import run_one

    if case.corunners:
        return Outcome(accelerator_seconds(config_of(case)), nan, nan, {}, {})
    job = run_one(config_of(case)).summary["workloads"]["detect"]
    phases = job["phases"]
    return Outcome(
        phases["accelerator_s"], job["latency_s"], phases["cpu_s"], job["traffic_bytes"], job["stall_cycles"]
    )


class Enough(Exception):
    """The run has come as far as anyone wants to know."""


def accelerator_seconds(config: dict[str, Any]) -> float:
    """Return what the one frame of a config's one job takes without its layers on a core.

    What the core does after the accelerator's last operation is not run: a third of a frame's time.
    """
    from simulator.results.summary import phases
    from simulator.soc.build import build_machine
    from simulator.soc.phases import phases_fs
    from simulator.soc.run import run_machine

    machine = build_machine(load(config))
    (plan,) = machine.plans
    after = int(np.flatnonzero(machine.steps["on"] == On.ACCELERATOR)[-1]) + 1
    records = machine.records

    def look(*_: float) -> None:
        if after < plan.step_count and records[after]["start_fs"] > 0:
            raise Enough

    try:
        run_machine(machine, look)
    except Enough:
        seen = records[: after + 1].copy()
        seen[after]["end_fs"] = seen[after]["start_fs"]
        return phases_fs(machine.steps[: after + 1], seen, 0)["accelerator"] * FS
    return phases(machine, plan, plan.last_begin_fs(machine))["accelerator_s"]


def outcomes(chosen: list[Case], workers: int | None = None) -> dict[Case, Outcome]:
    """Run cases side by side. The longest go first; the results do not depend on the order."""
    from simulator.simulate import compile_kernels

    compile_kernels(load(CONFIG))
    order = sorted(chosen, key=lambda case: -case.corunners * LENGTH.get(case.size, 0))
    count = workers or len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=serve) as pool:
        return dict(zip(order, pool.map(run_case, order)))
