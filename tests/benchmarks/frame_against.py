"""The YOLOv3 frame here against the frame of another commit, in turn on the same machine.

    python tests/benchmarks/frame_against.py f819ccf --rounds 5

checks that commit out beside this one, lets a process of each compile what it needs (a cache of its own), then
runs one frame after the other, each frame once in each process, and prints the median of the ratios of CPU time.
A commit is run with its own config of the frame: as the model of the SoC grew, so did the events of a request.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

from beside import ROOT, checked_out, outside

FRAME = """
import sys, time
try:
    from simulator.config.model import load
    from simulator.soc.build import build_machine
    from simulator.soc.run import run_machine
except ImportError:  # before these had folders
    from simulator.config import load
    from simulator.machine import build_machine
    from simulator.system import run_machine
config = "configs/firesim_yolov3.yaml"
run_machine(build_machine(load(config, settings=["simulation.until=1 us"])))  # compiles
config = load(config)
print(flush=True)
for _ in sys.stdin:
    machine = build_machine(config)
    started = time.process_time()
    run_machine(machine)
    spent, counts = time.process_time() - started, machine.measures
    print(spent, int(counts["reads"].sum() + counts["writes"].sum()), int(machine.system[0]["events"]), flush=True)
"""


def start(tree: Path, cache: Path) -> subprocess.Popen:
    """Return a process of a checkout that runs a frame for each line that it is told."""
    environment = outside() | {"PYTHONPATH": str(tree), "DLASIM_CACHE_DIR": str(cache)}
    command, pipe = [sys.executable, "-c", FRAME], subprocess.PIPE
    worker = subprocess.Popen(command, cwd=tree, env=environment, stdin=pipe, stdout=pipe, text=True)
    worker.stdout.readline()
    return worker


def frame(worker: subprocess.Popen) -> tuple[float, int, int]:
    """Run one frame. Returns its CPU seconds, requests and events."""
    worker.stdin.write("\n")
    worker.stdin.flush()
    spent, requests, events = worker.stdout.readline().split()
    return float(spent), int(requests), int(events)


def against(commit: str, rounds: int) -> tuple[list[str], float]:
    """Return what to say of the frame there and here, and how many times as long it took there."""
    with checked_out(commit) as (folder, other):
        workers = []
        try:
            workers = [start(tree, folder / name) for name, tree in (("then", other), ("now", ROOT))]
            found = [[frame(worker) for worker in workers] for _ in range(rounds)]
        finally:
            for worker in workers:
                worker.stdin.close()
                worker.wait()
    lines = []
    for name, runs in zip((commit, "here"), zip(*found, strict=True), strict=True):
        spent, (_, requests, events) = statistics.median(run[0] for run in runs), runs[0]
        lines.append(f"{name}: {spent:.2f} s, {requests} requests, {events / requests:.1f} events a request")
    ratio = statistics.median(then[0] / now[0] for then, now in found)
    return [*lines, f"a frame here takes 1/{ratio:.2f} of the time"], ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("commit")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print(*against(asked.commit, asked.rounds)[0], sep="\n")


if __name__ == "__main__":
    main()
