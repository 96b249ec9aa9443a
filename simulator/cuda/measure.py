"""How fast a GPU is beside one core of its machine: `python -m simulator.cuda.measure`.

Points are DDR4 memories with an FR-FCFS controller: address mapping, ranks, queues, watermarks and timings
drawn at random, each driven by a part of a shipped trace (docs/dram.md). The times of every request and all
counters are compared with those of the CPU's kernel.
"""

import argparse
import hashlib
import multiprocessing
import os
import random
import time
from collections.abc import Sequence

import numpy as np

from hw_models.dram import reference_runs as references
from hw_models.dram.build import build_channels
from hw_models.dram.params import Dram
from hw_models.dram.standalone import TRACE, drive
from simulator.cuda import measure_soc
from simulator.cuda.dram import REGISTERS, WIDTH, Ended, Memories, Memory, Running, bytes_of, prepare
from simulator.cuda.dram_layout import INSIDE
from simulator.cuda.driver import Gpu
from simulator.cuda.soc import WIDTH as SYSTEMS_WIDTH

TRACES = 16
DESIGNS = 1024  # memories; more points have other parts of the traces
TIMED = 1024  # points that the core is timed on
RUNS = 3


def points_of(count: int, requests: int) -> list[Memory]:
    """Return ``count`` memories with their traces, no two alike."""
    draw = random.Random(1)
    designs = [_design(draw) for _ in range(min(count, DESIGNS))]
    needed = -(-count // len(designs))
    traces = [_part(name, part, requests) for part in range(-(-needed // TRACES)) for name in _names()]
    return [
        Memory(designs[k % len(designs)], traces[(k // len(designs) + k) % len(traces)]) for k in range(count)
    ]


def _names() -> list[str]:
    return references.trace_names()[:TRACES]


def _design(draw: random.Random) -> Dram:
    keys = {
        "standard": "DDR4-2400R",
        "device": "8Gb_x8",
        "mapping": draw.choice(["linear", "interleaved"]),
        "ranks": draw.choice([1, 2]),
        "read_queue": draw.choice([8, 16, 32, 64]),
        "write_queue": draw.choice([8, 16, 32, 64]),
        "write_high": draw.choice([0.6, 0.8, 0.9]),
        "write_low": draw.choice([0.1, 0.2, 0.4]),
        "timing": {
            "CL": draw.randint(14, 20),
            "tRCD": draw.randint(14, 20),
            "tRP": draw.randint(14, 20),
            "tRAS": draw.randint(36, 44),
        },
    }
    return Dram.model_validate(keys)


def _part(name: str, part: int, requests: int) -> np.ndarray:
    address, write, cycle = references.trace(name)
    start = part * requests % max(1, address.size - requests + 1)
    rows = np.zeros(min(requests, address.size), TRACE)
    span = slice(start, start + rows.size)
    rows["address"], rows["write"], rows["cycle"] = address[span], write[span], cycle[span] - cycle[start]
    return rows


def digest(ended: Ended) -> str:
    """Return what is different when a time of any request is, or a counter."""
    found = hashlib.sha256(ended.accepted.tobytes() + ended.done.tobytes())
    for name in ended.states.dtype.names or ():
        if name not in INSIDE:
            found.update(ended.states[name].tobytes())
    return found.hexdigest()


def on_core(memory: Memory) -> str:
    """Return the digest of a memory that this core has driven."""
    states = build_channels(memory.dram)
    accepted, done, _ = drive(memory.dram, states, memory.requests)
    return digest(Ended(accepted, done, states))


def core_s(memories: Sequence[Memory]) -> float:
    """Return CPU seconds that one core takes for a point, the best of a few runs."""
    chosen = random.Random(2).sample(memories, min(TIMED, len(memories)))
    best = float("inf")
    for _ in range(RUNS):
        ready = [(memory, build_channels(memory.dram)) for memory in chosen]
        start = time.process_time()
        for memory, states in ready:
            drive(memory.dram, states, memory.requests)
        best = min(best, (time.process_time() - start) / len(ready))
    return best


def main() -> None:
    """Print a line for each number of points, and whether all is as on the CPU."""
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--soc", action="store_true", help="whole systems")
    parse.add_argument(
        "--corunner", action="store_true", help="of whole systems: with one beside the network"
    )
    parse.add_argument("--points", default="1,16,256,1024,4096,16384,65536")
    parse.add_argument("--requests", type=int, default=4096)
    parse.add_argument("--width", default="", help="threads of a warp at work, of whole systems: at most")
    parse.add_argument("--registers", default="", help="of a thread; 0: as many as it likes")
    parse.add_argument("--check", type=int, default=16384, help="points of a row, at most, that are compared")
    given = parse.parse_args()
    given.width = given.width or str(SYSTEMS_WIDTH if given.soc else WIDTH)
    given.registers = given.registers or str(0 if given.soc else REGISTERS)
    if given.soc:
        measure_soc.main(given)
        return
    counts = [int(word) for word in given.points.split(",")]
    memories = {count: points_of(count, given.requests) for count in counts}
    on_core(memories[counts[0]][0])  # compiles
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        right = {n: pool.map(on_core, memories[n], 16) for n in counts if n <= given.check}
    one_s = core_s(memories[max(counts)])
    print(
        f"one core: {1e3 * one_s:.3f} ms a point, {given.requests / one_s / 1e6:.2f} M requests/s", flush=True
    )
    gpu = Gpu()
    print(f"{gpu.name}, {bytes_of(memories[counts[0]][0])} B a point")
    print("threads,registers,points,waves,gpu_s,requests_per_s,times_one_core,different")
    for registers in map(int, given.registers.split(",")):
        for width in map(int, given.width.split(",")):
            device = Memories(gpu, width, registers)
            for count in counts:
                run_s, waves, different = 0.0, 0, 0
                for numbers in device.waves(memories[count]):
                    wave = Running(device, prepare([memories[count][k] for k in numbers]))
                    start = time.perf_counter()
                    wave.simulate()
                    run_s += time.perf_counter() - start
                    waves += 1
                    found = wave.collect()
                    if count in right:
                        different += sum(digest(end) != right[count][k] for k, end in zip(numbers, found))
                    else:
                        gpu.free()
                compared = different if count in right else "-"
                rate, times = count * given.requests / run_s, count * one_s / run_s
                row = f"{width},{registers},{count},{waves},{run_s:.4f},{rate:.4g},{times:.1f},{compared}"
                print(row, flush=True)


if __name__ == "__main__":
    main()
