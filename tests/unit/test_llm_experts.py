"""Experts from flash: the router's shares, and what a token reads."""

import json

import numpy as np
import pytest

from hw_models.roofline.params import Roofline
from workloads.llm.experts import Router, RouterTrace, hit_rate
from workloads.llm.params import LlmJob
from workloads.llm.plan import make_plan
from workloads.llm.tokens import LlmRun

TINY = {"model_type": "mixtral", "hidden_size": 64, "intermediate_size": 128, "vocab_size": 1000}
TINY |= {"num_hidden_layers": 3, "num_attention_heads": 4, "num_local_experts": 8, "num_experts_per_tok": 2}
EXPERT = 2 * 3 * 64 * 128  # bytes of one, 16-bit


def test_bits_that_are_often_wrong_lie_between_knowing_all_and_less_than_nothing():
    rates = [
        hit_rate(Router(), 6, 64, 8, 150, 30, replacement="predicted", accuracy=accuracy, warm=5)
        for accuracy in (1.0, 0.9, 0.5)
    ]
    lru, best = (hit_rate(Router(), 6, 64, 8, 150, 30, replacement=p, warm=5) for p in ("lru", "belady"))
    assert rates[0] == best > rates[1] > lru
    assert rates[1] > rates[2]


@pytest.mark.parametrize("slots", [150, 300, 600])
def test_no_policy_beats_the_bound(slots):
    rates = {
        policy: hit_rate(Router(), 6, 64, 8, slots, 30, replacement=policy, warm=5)
        for policy in ("lru", "lfu", "predicted", "belady")
    }
    assert max(rates.values()) == rates["belady"]
    assert rates["lru"] > 0


def test_cache_smaller_than_one_tokens_experts_never_hits():
    assert hit_rate(Router(), 10, 64, 4, 30, 20, warm=3) == 0 < hit_rate(Router(), 10, 64, 4, 80, 20, warm=3)


def test_router_repeats_and_prefers_as_it_says():
    trace = RouterTrace(Router(skew=1.0, repeat=0.5), 1, 64, 8, seed=3)
    picks = [trace.step(0) for _ in range(400)]
    assert all(len(set(p.tolist())) == 8 for p in picks)
    # a quarter of 8 from the token before, an eighth from the one before that, and some drawn anew
    again, older = (
        np.mean([len(set(a.tolist()) & set(b.tolist())) for a, b in zip(picks, picks[age:])])
        for age in (1, 40)
    )
    assert 1.0 < again - older < 2.2
    counts = np.bincount(np.concatenate(picks), minlength=64)
    assert np.sort(counts)[-8:].sum() > 3 * np.sort(counts)[:8].sum()


def run_of(tmp_path, **offload):
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    job = {"model": str(tmp_path), "on": "cpu0", "prompt": 3, "tokens": 12}
    plan = make_plan(LlmJob.model_validate(job | {"offload": {"policy": "experts", **offload}}))
    return plan, LlmRun(plan, Roofline.model_validate({"preset": "m1_max_cpu"}), 1).passes()


def test_token_reads_the_experts_that_the_cache_lacks(tmp_path):
    plan, passes = run_of(tmp_path, dram="1 MB")
    assert plan.flash.expert == EXPERT
    assert 6 < plan.expert_slots < 24
    for each in passes:
        assert each.flash_bytes == (each.experts - each.expert_hits) * EXPERT
    assert [each.experts for each in passes[1:]] == [6] * 12
    assert 0 < sum(each.expert_hits for each in passes) < sum(each.experts for each in passes)


def test_each_expert_is_read_once_where_all_have_room(tmp_path):
    plan, passes = run_of(tmp_path)
    assert plan.expert_slots == 24
    assert sum(each.flash_bytes for each in passes) <= 24 * EXPERT
    addresses = [a for each in passes for p in each.phases if p.flash for a in p.flash.addresses.tolist()]
    assert len(set(addresses)) == len(addresses)
