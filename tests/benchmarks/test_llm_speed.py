"""Speed of the language model runs: requests a second, beside the calibration loop of the flash benchmark.

`pytest tests/benchmarks/test_llm_speed.py --benchmark-only -o addopts= -s` prints CPU time a token in runs of that loop.
"""

import time
from pathlib import Path
from typing import Any

import pytest

import simulator
from simulator.config.model import load
from simulator.simulate import compile_kernels
from simulator.validate.dram import calibration_s

CONFIGS = Path(__file__).parents[2] / "configs"


def run(path: Path) -> tuple[Any, float]:
    """Return what a config's run told, and its CPU seconds."""
    started = time.process_time()
    return simulator.run(path), time.process_time() - started


@pytest.mark.parametrize(("config", "tokens"), [("llm_in_a_flash_opt6.7b", 64), ("llm_in_a_flash_naive", 8)])
def test_tokens(benchmark, config, tokens):
    path = CONFIGS / f"{config}.yaml"
    compile_kernels(load(path))
    result, spent = benchmark.pedantic(run, args=(path,), rounds=1)
    loop = min(calibration_s() for _ in range(3))
    benchmark.extra_info["requests_per_s"] = result.summary["simulation"]["requests_per_wall_s"]
    benchmark.extra_info["calibration_loops_a_token"] = round(spent / tokens / loop, 1)
    print(f"\n{config}: {spent:.1f} s of CPU, {spent / tokens / loop:.1f} calibration loops a token")
    assert result.summary["workloads"]["chat"]["tokens"] == tokens
