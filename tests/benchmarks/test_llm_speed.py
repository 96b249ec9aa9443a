"""Speed of the language model runs: requests per second, and seconds per token of the naive policy."""

from pathlib import Path

import pytest

import simulator
from simulator.config.model import load
from simulator.simulate import compile_kernels

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize(
    ("config", "tokens", "limit_s"), [("llm_in_a_flash_opt6.7b", 64, 10), ("llm_in_a_flash_naive", 8, 40)]
)
def test_run_is_fast_enough(benchmark, config, tokens, limit_s):
    path = CONFIGS / f"{config}.yaml"
    compile_kernels(load(path))
    result = benchmark.pedantic(simulator.run, args=(path,), rounds=1)
    simulation = result.summary["simulation"]
    benchmark.extra_info["requests_per_s"] = simulation["requests_per_wall_s"]
    assert result.summary["workloads"]["chat"]["tokens"] == tokens
    assert simulation["wall_s"] < limit_s
