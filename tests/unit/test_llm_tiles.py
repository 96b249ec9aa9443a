"""Attention of prompts in tiles: list scheduling, what decodes beside a prompt, what a cache saves."""

import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_models.roofline.gpus import GPUS
from hw_models.roofline.kernels import (
    PREFILL_LAUNCH_S,
    Heads,
    attention_s,
    decode_attention_s,
    reads_of_a_key,
    tile_keys,
)
from hw_models.roofline.tiles import makespan
from simulator.validate.llm_kernels import figures

CARD = GPUS["rtx_4090"]  # 128 processors
LLAMA = Heads(32, 8, 128, 4096)


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=40), st.integers(1, 6), st.integers(1, 20)
)  # fmt: skip
def test_tiles_go_to_the_processor_that_is_free_first(work, repeats, processors):
    free, last = [0] * processors, 0
    for amount in work * repeats:
        ends = heapq.heappop(free) + amount
        heapq.heappush(free, ends)
        last = max(last, ends)
    ours = makespan(np.array(work, float), repeats, processors)
    assert ours == last
    assert max(sum(work) * repeats / processors, max(work)) <= ours
    assert ours <= sum(work) * repeats / processors + max(work)


def test_tile_of_a_prompt_sees_all_up_to_its_last_query():
    assert tile_keys(130, 1000).tolist() == [1064, 1128, 1130]
    assert tile_keys(64, 0).tolist() == [64]


def test_one_head_more_than_processors_takes_a_second_round():
    """64 queries of 128 and of 129 heads on 128 processors: one round of tiles, two."""
    one, two = (attention_s(CARD, Heads(n, n, 128, 4096), (0, 0), [(64, 4096)]) for n in (128, 129))
    assert two - PREFILL_LAUNCH_S == pytest.approx(2 * (one - PREFILL_LAUNCH_S))


def test_who_decodes_beside_a_prompt_takes_whole_tiles():
    """32 sequences of 4096 tokens: 1024 tiles of 64 queries on 128 processors, of one query each."""
    alone = decode_attention_s(CARD, 32 * 4096 * 4096)
    prompt = attention_s(CARD, LLAMA, (0, 0), [(64, 0)])
    both = attention_s(CARD, LLAMA, (32, 4096), [(64, 0)])
    tile_s = 4 * 64 * (4096 + 128) * 128 * 128 / (CARD.peak_flop_per_s * 0.82)
    assert both >= 8 * tile_s
    assert both > 1.5 * (alone + prompt)
    longer = attention_s(CARD, LLAMA, (32, 4096), [(2048, 0)])
    twice = 2 * 32 * 32 / 2 * 31 * 0.4e-6 / 128  # 31 tiles of each sequence and head have nothing to do
    assert longer > both + twice / 2


@pytest.mark.parametrize(("sequences", "reads"), [(16, 1), (32, 1), (64, 2), (128, 4), (256, 4)])
def test_heads_that_run_at_once_share_what_a_full_cache_lost(sequences, reads):
    """Of four heads that read the same keys so many run at once as fit 128 processors."""
    assert reads_of_a_key(CARD, LLAMA, sequences, 10**6) == reads
    assert reads_of_a_key(CARD, LLAMA, sequences, 100) == 1
    assert reads_of_a_key(CARD, Heads(32, 32, 128, 16384), sequences, 10**6) == 1


def test_prompts_beside_decoding_are_within_seven_percent():
    found = {(f.row["gpu"], f.row["kernel"]): f.ours - 100 for f in figures() if "rtx" in f.row["gpu"]}
    for card in ("rtx_4090", "rtx_pro_6000"):
        assert found[card, "prefill attention"] < 3.5
        assert found[card, "prefill and decode in one kernel"] < 7
