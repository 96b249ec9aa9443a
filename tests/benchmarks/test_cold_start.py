"""The first run after an install: every kernel is compiled, beside the same kernels as numba compiles them.

`pytest tests/benchmarks/test_cold_start.py --benchmark-only -o addopts= -s` prints the wall seconds of a first run on
all cores, and the CPU seconds of both ways in one process.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "nv_small_tiny.yaml"
RUN = "import sys; from simulator.cli.main import main; sys.argv[0] = 'dlasim'; main()"
ALONE = "from simulator.kernel import warm; warm.is_cold = lambda: False\n" + RUN
BY_NUMBA = "from hw_models import jit; jit.LINKED = False\n" + ALONE


def first_run(code: str, folder: Path) -> tuple[float, float]:
    """Run once with nothing compiled. Returns the wall and the CPU seconds."""
    environment = {**os.environ, "DLASIM_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-c", code, "run", str(CONFIG), "--no-plots", "--out", str(folder / "run")]
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])  # of children


@pytest.mark.benchmark(group="cold start")
def test_first_run(benchmark, tmp_path):
    wall, _ = benchmark.pedantic(first_run, (RUN, tmp_path / "both"), rounds=1)
    _, alone = first_run(ALONE, tmp_path / "alone")
    _, by_numba = first_run(BY_NUMBA, tmp_path / "numba")
    print(
        f"\nfirst run {wall:.1f} s; one process {alone:.1f} s of CPU, as numba compiles {by_numba:.1f} s: "
        f"{by_numba / alone:.2f} times"
    )
    assert alone < by_numba
