"""The first run after `pip install` of a wheel with kernels and of one without, in turn, nothing compiled.

    python tests/benchmarks/first_run_installed.py --rounds 3

builds both wheels, installs each in a virtual environment of its own, and lets each run `dlasim run
configs/nv_small_tiny.yaml --no-plots` with an empty cache. It prints the sizes, what building and installing took,
the median wall and CPU seconds (of all processes) of a first run, and how many kernels it had to compile.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from beside import ROOT, outside

RUN = "run", "configs/nv_small_tiny.yaml", "--no-plots", "--out", "run"
PIP = "-m", "pip", "--quiet", "--disable-pip-version-check"


def timed(*command: str | Path, **more) -> tuple[float, float]:
    """Run a command. Returns its wall and its CPU seconds."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **more)
    wall, after = time.perf_counter() - started, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])  # of children


def installed(level: str, folder: Path) -> Path:
    """Build a wheel, with kernels for ``level`` unless that is empty, and install it. Returns its `dlasim`."""
    environment = outside() | ({"DLASIM_KERNELS": level} if level else {})
    wheel = *PIP, "wheel", "--no-deps", "--wheel-dir", folder, ROOT
    built_s, _ = timed(sys.executable, *wheel, env=environment)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    installed_s, _ = timed(python, *PIP, "install", wheel)
    print(
        f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, built in {built_s:.0f} s, "
        f"installed in {installed_s:.0f} s",
        flush=True,
    )
    return python.with_name("dlasim")


def first(command: Path, work: Path) -> tuple[float, float, int]:
    """Run once with an empty cache. Returns the wall and the CPU seconds, and how many kernels were compiled."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    environment = outside() | {"DLASIM_CACHE_DIR": str(work / "cache")}
    wall, spent = timed(command, *RUN, cwd=work, env=environment)
    return wall, spent, len(set(work.rglob("*.nbc")) - set(work.rglob("part.*")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--level", default="x86-64-v3")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        commands = {}
        for name, level in (("without", ""), ("with", asked.level)):
            (Path(scratch) / name).mkdir()
            commands[name] = installed(level, Path(scratch) / name)
        runs: dict[str, list] = {name: [] for name in commands}
        for _ in range(asked.rounds):
            for name, command in commands.items():
                runs[name].append(first(command, Path(scratch) / "work"))
    for name, each in runs.items():
        wall, spent, compiled = (statistics.median(column) for column in zip(*each, strict=True))
        print(f"{name} kernels: {wall:.1f} s, {spent:.1f} s of CPU, {compiled} kernels compiled")


if __name__ == "__main__":
    main()
