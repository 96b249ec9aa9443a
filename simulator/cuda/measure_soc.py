"""How fast a GPU is at whole systems, beside one core of its machine: `simulator.cuda.measure --soc`.

Points are a small network on the smallest NVDLA with a cache and a DRAM whose settings are drawn at random,
and a co-runner beside it if asked for. All state of each is compared with what the CPU's kernel makes of it.
"""

import argparse
import faulthandler
import hashlib
import multiprocessing
import os
import random
import time
from functools import partial
from typing import Any

import numpy as np

from simulator.config.model import Config, load
from simulator.cuda.driver import Gpu
from simulator.cuda.soc import EVENTS, Systems, Wave
from simulator.cuda.soc_layout import shape_of
from simulator.cuda.soc_rows import Point, point_of, rows_of
from simulator.kernel import soc
from simulator.soc.build import build_machine
from simulator.soc.run import compiled, limit_of, run_machine, run_slice

DESIGNS = 4096  # more points are these again, in another order
TIMED = 256  # points that the core is timed on
RUNS = 3
PATIENCE_S = 60  # for a launch
BASE: dict[str, Any] = {
    "system": {
        "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "500 MHz"}},
        "cores": {"core0": {"clock": "1 GHz"}},
        "interconnect": {"clock": "500 MHz", "width": "8 B"},
    },
    "workloads": {
        "classify": {"network": "lenet5", "precision": "int8", "on": "nvdla0", "fallback": "core0"}
    },
}
CORUNNER = {"on": "core1", "kind": "bandwidth_write", "footprint": "1 MiB"}


def design(number: int, corunner: bool) -> Config:
    """Return a design point, the same for a number always."""
    draw = random.Random(number)
    system = BASE["system"] | {
        "llc": {
            "clock": "500 MHz",
            "size": draw.choice(["128 KiB", "256 KiB", "512 KiB"]),
            "ways": draw.choice([4, 8]),
            "line": "64 B",
            "mshrs": draw.choice([2, 4, 8]),
            "replacement": draw.choice(["lru", "plru", "random", "srrip"]),
        },
        "dram": {
            "standard": "DDR3-1600",
            "read_queue": draw.choice([8, 16, 32]),
            "write_queue": draw.choice([8, 16, 32]),
            "ranks": draw.choice([1, 2]),
            "timing": {"CL": draw.randint(9, 13), "tRCD": draw.randint(9, 13), "tRP": draw.randint(9, 13)},
        },
    }
    system["interconnect"] = system["interconnect"] | {"latency": f"{draw.randint(4, 12)} cycles"}
    config = BASE | {"system": system, "simulation": {"seed": number}}
    if corunner:
        system["cores"] = system["cores"] | {"core1": {"clock": "1 GHz"}}
        config["corunners"] = [CORUNNER]
    return load(config)


def digest(rows: dict[str, np.ndarray]) -> str:
    """Return what is different when anything of a point's state is."""
    found = hashlib.sha256()
    for name in sorted(rows):
        found.update(rows[name].view(np.uint8).data)
    return found.hexdigest()


def on_core(number: int, corunner: bool) -> tuple[Point, str]:
    """Return a point before it runs, and the digest of what a core makes of it."""
    machine = build_machine(design(number, corunner))
    point = point_of(machine)
    run_machine(machine)
    return point, digest(rows_of(machine, point.shape))


def core_s(corunner: bool) -> float:
    """Return CPU seconds that one core's event loop takes for a point, the best of a few runs."""
    best = float("inf")
    for _ in range(RUNS):
        machines = [build_machine(design(number, corunner)) for number in range(TIMED)]
        ready = [(machine, compiled(machine), limit_of(machine)[0]) for machine in machines]
        start = time.process_time()
        for machine, arguments, limit_fs in ready:
            while run_slice(machine, arguments, limit_fs, EVENTS) == soc.RUNNING:
                pass
        best = min(best, (time.process_time() - start) / TIMED)
    return best


def differences(rows: dict[str, np.ndarray], number: int, corunner: bool) -> list[str]:
    """Return the names of what differs from what a core makes of a design."""
    machine = build_machine(design(number, corunner))
    run_machine(machine)
    right = rows_of(machine, shape_of(machine))
    names = [name for name in rows if rows[name].tobytes() != right[name].tobytes()]
    point = rows["point"]
    fields = [f for f in point.dtype.names or () if point[f].tobytes() != right["point"][f].tobytes()]
    return names + fields


def order(count: int) -> list[int]:
    """Return the designs of so many points."""
    numbers = [k % DESIGNS for k in range(count)]
    random.Random(count).shuffle(numbers)
    return numbers


def main(given: argparse.Namespace) -> None:
    """Print a line for each number of points, and whether all is as on the CPU."""
    counts, corunner = [int(word) for word in given.points.split(",")], bool(given.corunner)
    began = time.perf_counter()

    def told(what: str) -> None:
        print(f"# {time.perf_counter() - began:.1f} s: {what}", flush=True)

    compiled(build_machine(design(0, corunner)))
    told("the core's kernels are there")
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        ready = pool.map(partial(on_core, corunner=corunner), range(min(max(counts), DESIGNS)), 16)
    told(f"{len(ready)} designs, {len({point.shape for point, _ in ready})} shape(s), have run on cores")
    one_s = core_s(corunner)
    print(f"one core: {1e3 * one_s:.3f} ms a point")
    gpu = Gpu()
    print(f"{gpu.name}, {ready[0][0].bytes} B a point", flush=True)
    print("width,registers,points,waves,put_s,gpu_s,points_per_s,times_one_core,different,compared")
    for registers in map(int, given.registers.split(",")):
        systems = Systems(gpu, registers=registers)
        for width in map(int, given.width.split(",")):
            for count in counts:
                row = measured(systems, ready, count, width, one_s, given)
                print(f"{width},{registers},{row}", flush=True)
    told("done")


def measured(
    systems: Systems,
    ready: list[tuple[Point, str]],
    count: int,
    width: int,
    one_s: float,
    given: argparse.Namespace,
) -> str:
    """Run ``count`` points. Return a row of the table."""
    numbers = order(count)
    points = [ready[k][0] for k in numbers]
    run_s = put_s = 0.0
    waves = different = compared = 0
    step = -(-count // given.check)  # of which points one is compared
    for chosen in systems.waves(points):
        start = time.perf_counter()
        wave = Wave(systems.device, [points[k] for k in chosen])
        put_s += time.perf_counter() - start
        kernel = systems.kernel(wave)
        while (wave.runs["status"] == soc.RUNNING).any():
            faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
            start = time.perf_counter()
            wave.launch(kernel, width, EVENTS)
            run_s += time.perf_counter() - start
            faulthandler.cancel_dump_traceback_later()
        waves += 1
        for place, k in enumerate(chosen):
            if k % step:
                continue
            compared += 1
            rows = wave.get(place)
            if digest(rows) != ready[numbers[k]][1]:
                if not different:
                    status, now = wave.runs[place][["status", "now_fs"]].tolist()
                    what = ", ".join(differences(rows, numbers[k], bool(given.corunner)))
                    print(
                        f"# design {numbers[k]}: status {status} at {now} fs; not the same: {what}",
                        flush=True,
                    )
                different += 1
        systems.device.free()
    rate, times = count / run_s, count * one_s / run_s
    return f"{count},{waves},{put_s:.2f},{run_s:.4f},{rate:.5g},{times:.1f},{different},{compared}"
