"""Stacks of residual blocks: bytes of a block, budgets to a block, what a change reads."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_helpers import BACKEND, FLASH, TINY

from hw_models.errors import ConfigError
from hw_models.roofline.params import Roofline
from simulator.config.model import load
from workloads.llm.params import LlmJob
from workloads.llm.plan import make_plan
from workloads.llm.shape import Tensor
from workloads.llm.stack import Stack, block_bits, stacked_bytes
from workloads.llm.tokens import LlmRun


def test_a_block_of_a_large_matrix_is_about_a_bit_a_weight():
    bits = block_bits(Tensor("q_proj", 0, "attention", (4096, 4096)), 16)
    assert bits / 4096**2 == 1.125


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=6), st.integers(0, 9999)
)
def test_blocks_are_brought_in_turn_until_the_budget_is_spent(shapes, budget):
    tensors = [Tensor(str(i), 0, "ffn", shape) for i, shape in enumerate(shapes)]
    stack = Stack.model_validate({"rank": 2, "blocks": 5, "dram": "1 GB"})
    held, left, full = [0] * len(shapes), budget, False
    for _ in range(stack.blocks):  # the slow twin: block by block
        for i, tensor in enumerate(tensors):
            size = -(-block_bits(tensor, 2) // 8)
            full = full or size > left
            if not full:
                held[i] += size
                left -= size
    assert stacked_bytes(tensors, stack, budget) == held
    assert sum(held) <= budget


def job_of(tmp_path, **stack):
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    return {"model": str(tmp_path), "on": "cpu0", "prompt": 4, "tokens": 12, "stack": {"blocks": 8} | stack}


def plan_of(tmp_path, **stack):
    return make_plan(LlmJob.model_validate(job_of(tmp_path, **stack)))


def test_a_smaller_budget_reads_nothing_and_a_larger_one_what_was_dropped(tmp_path):
    changes = [{"at": 4, "dram": "1 MB"}, {"at": 8, "dram": "2 MB"}]
    plan = plan_of(tmp_path, dram="3 MB", changes=changes)
    prompt, *tokens = LlmRun(plan, Roofline.model_validate(BACKEND), 1).passes()
    small, large = (plan_of(tmp_path, dram=dram).dram.held for dram in ("1 MB", "2 MB"))
    assert 0.9e6 < large - small <= 1.1e6
    assert [each.flash_bytes for each in tokens] == [0] * 8 + [large - small] + [0] * 3
    read = [each.dram_read_bytes for each in tokens]
    assert read[3] > read[8] > read[4]  # bytes of weights that a token reads: 3, 2, 1 MB
    assert prompt.flash_bytes == 0


def test_weights_of_a_stack_never_take_more_than_its_budget(tmp_path):
    plans = [plan_of(tmp_path, dram=dram) for dram in ("1 MB", "2 MB", "90 MB")]
    other = 2 * TINY["hidden_size"] * 2 * TINY["num_hidden_layers"]  # norms
    for plan, budget in zip(plans, (1_000_000, 2_000_000), strict=False):
        assert int((plan.dram.dense + plan.dram.ffn).sum()) <= budget + other
    assert plans[2].dram.held == plans[2].flash.held  # all blocks


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ({"dram": "1 kB"}, "stack: dram 0.00 GB; one block of each matrix takes 0.00 GB"),
        ({"dram": "1 MB", "changes": [{"at": 3, "dram": "2 MB"}]}, "write the largest budget as dram"),
        (
            {"dram": "2 MB", "changes": [{"at": 3, "dram": "1 MB"}, {"at": 3, "dram": "2 MB"}]},
            "write them in order, each place once",
        ),
    ],
)
def test_stack_that_cannot_be_is_refused(tmp_path, stack, message):
    job = job_of(tmp_path, **stack)
    with pytest.raises(ConfigError) as error:
        load({"system": {"backends": {"cpu0": BACKEND}, "flash": FLASH}, "workloads": {"chat": job}})
    assert message in str(error.value)
