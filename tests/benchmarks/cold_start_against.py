"""The first run here against the first run of another commit, in turn on the same machine, nothing compiled.

    python tests/benchmarks/cold_start_against.py c9a8fbb --rounds 3

checks that commit out beside this one and lets each run `dlasim run configs/nv_small_tiny.yaml --no-plots` once with
warm bytecode, then in turn with an empty cache of kernels each time. It prints the median wall and CPU seconds (of all
processes of the run) of both, and the median of the ratios of CPU time.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from beside import ROOT, checked_out

UNSET = ("PYTHONDONTWRITEBYTECODE", "DLASIM_")  # settings of tests
RUN = """
import sys
try:
    from simulator.cli.main import main
except ImportError:  # before it had a folder
    from simulator.cli import main
sys.argv[0] = "dlasim"
main()
"""


def first(tree: Path, cache: Path, bytecode: Path) -> tuple[float, float]:
    """Run once in a checkout with an empty cache. Returns the wall and the CPU seconds."""
    shutil.rmtree(cache, ignore_errors=True)
    words = ["run", "configs/nv_small_tiny.yaml", "--no-plots", "--out", str(cache / "run")]
    environment = {name: text for name, text in os.environ.items() if not name.startswith(UNSET)}
    environment |= {
        "PYTHONPATH": str(tree),
        "DLASIM_CACHE_DIR": str(cache),
        "PYTHONPYCACHEPREFIX": str(bytecode),
    }
    before, started = os.times(), time.perf_counter()
    command = [sys.executable, "-c", RUN, *words]
    subprocess.run(command, cwd=tree, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])  # of children


def against(commit: str, rounds: int) -> tuple[list[str], float]:
    """Return what to say of a first run there and here, and how many times the CPU time it took there."""
    runs: dict[str, list[tuple[float, float]]] = {commit: [], "here": []}
    with checked_out(commit) as (folder, other):
        trees = {commit: other, "here": ROOT}
        for turn in range(rounds + 1):
            for name, tree in trees.items():
                found = first(tree, folder / "kernels", folder / f"{name}.bytecode")
                if turn:
                    runs[name].append(found)
    lines = []
    for name, each in runs.items():
        wall, spent = (statistics.median(column) for column in zip(*each, strict=True))
        lines.append(f"{name}: {wall:.1f} s, {spent:.1f} s of CPU")
    ratio = statistics.median(then[1] / now[1] for then, now in zip(runs[commit], runs["here"], strict=True))
    return [*lines, f"a first run here takes 1/{ratio:.2f} of the CPU time"], ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("commit")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(*against(asked.commit, asked.rounds)[0], sep="\n")


if __name__ == "__main__":
    main()
