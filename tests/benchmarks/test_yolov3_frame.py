"""The whole YOLOv3 frame on the FireSim SoC, every memory request simulated, beside a calibration loop.

`pytest tests/benchmarks/test_yolov3_frame.py --benchmark-only -s` prints requests per second and the ratio
to the loop, which tells how fast the machine is today.
"""

import time
from pathlib import Path

import numpy as np
import pytest
from beside import compare
from frame_against import against

from hw_models.jit import njit

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "firesim_yolov3.yaml"
LOOP = 20_000_000


@njit
def calibration(table, rounds):
    """A chain of dependent loads and adds: about what an event costs a core."""
    index = 0
    for _ in range(rounds):
        index = (table[index] + 1) & 1023
    return index


def seconds_of_calibration() -> float:
    table = np.random.default_rng(0).integers(0, 1024, 1024)
    calibration(table, 10)
    started = time.process_time()
    calibration(table, LOOP)
    return time.process_time() - started


@pytest.mark.benchmark(group="frame", timer=time.process_time)
def test_yolov3_frame(benchmark):
    from simulator.config.model import load
    from simulator.soc.build import build_machine
    from simulator.soc.run import run_machine

    config = load(CONFIG)
    run_machine(build_machine(load(CONFIG, settings=["simulation.until=1 us"])))  # compiles

    def set_up():
        return (build_machine(config),), {}

    done = []
    benchmark.pedantic(lambda machine: done.append((machine, run_machine(machine))), setup=set_up, rounds=2)
    machine, _ = done[-1]
    requests = int(machine.measures["reads"].sum() + machine.measures["writes"].sum())
    seconds = benchmark.stats.stats.min
    loop = seconds_of_calibration()
    print(
        f"\n{requests} requests in {seconds:.2f} s: {requests / seconds / 1e6:.2f} M requests/s, "
        f"{seconds / requests / (loop / LOOP):.0f} calibration steps a request"
    )
    assert machine.jobs[0]["frame"] == 1


@pytest.mark.benchmark(group="frame")
def test_yolov3_frame_against_the_baseline(benchmark):
    """In turn with the frame of the commit `beside.BASELINE`, which compiles its own kernels: a minute or two."""
    compare(benchmark, against)
