"""How long the quick commands take to answer, against an empty Python in the same run. Aim: half a second.

pytest tests/benchmarks/test_cli_startup.py --benchmark-only
"""

import subprocess
import sys
import time

import pytest

CONFIG = "configs/nv_small_tiny.yaml"
COMMANDS = {
    "help": ["--help"],
    "check": ["check", CONFIG],
    "list presets": ["list", "presets"],
    "list policies": ["list", "policies"],
    "schema": ["schema"],
}


def run(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


@pytest.mark.parametrize("name", COMMANDS)
def test_startup(benchmark, name):
    command = ["-m", "simulator.cli.main", *COMMANDS[name]]
    run(*command)
    empty_s = min(run("-c", "pass") for _ in range(5))
    benchmark.pedantic(run, args=command, rounds=5)
    benchmark.extra_info["times an empty Python"] = round(benchmark.stats.stats.min / empty_s, 1)
