"""The first run after an install, and a unit that is compiled beside the same unit as numba compiles it.

`pytest tests/benchmarks/test_cold_start.py --benchmark-only -o addopts= -s` prints the wall and CPU seconds of a first
run on all cores, and the CPU seconds of both ways for an interconnect. The whole program in numba's way takes minutes.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from beside import compare
from cold_start_against import against

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "nv_small_tiny.yaml"
PATIENCE_S = 600
RUN = "import sys; from simulator.cli.main import main; sys.argv[0] = 'dlasim'; main()"
UNIT = "from simulator.kernel import warm; warm.compile_memory_side({warm.Kind.BUS})"
BY_NUMBA = "from hw_models import jit; jit.LINKED = False\n" + UNIT


def first(code: str, cache: Path, *words: str) -> tuple[float, float]:
    """Run Python once with nothing compiled. Returns the wall and the CPU seconds."""
    environment = {**os.environ, "DLASIM_CACHE_DIR": str(cache)}
    before, started = os.times(), time.perf_counter()
    command = [sys.executable, "-c", code, *words]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE_S)
    wall, after = time.perf_counter() - started, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])  # of children


@pytest.mark.benchmark(group="cold start")
def test_first_run(benchmark, tmp_path):
    words = "run", str(CONFIG), "--no-plots", "--out", str(tmp_path / "run")
    wall, spent = benchmark.pedantic(first, (RUN, tmp_path / "cache", *words), rounds=1)
    _, linked = first(UNIT, tmp_path / "linked")
    _, by_numba = first(BY_NUMBA, tmp_path / "numba")
    print(
        f"\nfirst run {wall:.1f} s, {spent:.1f} s of CPU; an interconnect {linked:.1f} s of CPU, "
        f"as numba compiles it {by_numba:.1f} s: {by_numba / linked:.2f} times"
    )
    assert linked < by_numba


@pytest.mark.benchmark(group="cold start")
def test_first_run_against_the_baseline(benchmark):
    """In turn with a first run of the commit `beside.BASELINE`, bytecode warm: two minutes or three."""
    compare(benchmark, against)
