"""Speed of the language model runs: requests per second, and seconds per token of the naive policy."""

import pytest

import simulator
from simulator.config import load
from simulator.llm import warm_up

OPT = "configs/llm_in_a_flash_opt6.7b.yaml"


@pytest.mark.parametrize(
    ("config", "tokens", "limit_s"), [(OPT, 64, 10), ("configs/llm_in_a_flash_naive.yaml", 8, 40)]
)
def test_run_is_fast_enough(benchmark, config, tokens, limit_s):
    warm_up(load(config))
    result = benchmark.pedantic(simulator.run, args=(config,), rounds=1)
    simulation = result.summary["simulation"]
    benchmark.extra_info["requests_per_s"] = simulation["requests_per_wall_s"]
    assert result.summary["workloads"]["chat"]["tokens"] == tokens
    assert simulation["wall_s"] < limit_s
