"""Serving with more than the card's memory: the host's, priorities, conversations, prefixes, reservations."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulator
from hw_models.errors import ConfigError
from simulator.serving.chunks import Chunks, reserved_tokens
from simulator.serving.engine import Server
from simulator.serving.limits import Engine
from simulator.serving.report import request_table, serving_summary
from simulator.serving.requests import Request, read_trace
from simulator.serving.run import conversations
from simulator.serving.step import Batch


class Clock:
    """A step takes a second for each token, a block of four tokens a second on the link."""

    token_bytes = 1

    def __init__(self):
        self.batches = []

    def seconds(self, batch: Batch) -> float:
        self.batches.append(batch)
        return float(batch.tokens)


def serve(requests, **engine):
    limits = {"kv_tokens": 1024, "block_tokens": 4, "link_bytes_per_s": 4.0, **engine}
    server = Server(Engine(**limits), Clock(), requests)
    server.run()
    return server


TIGHT = [Request(0.0, 8, 8), Request(0.0, 8, 8)]


def test_swapped_sequence_computes_nothing_anew():
    again = serve(TIGHT, kv_tokens=24, prefix_cache=False)
    swapped = serve(TIGHT, kv_tokens=24, prefix_cache=False, swap=True, host_tokens=64)
    computed = [
        sum(new for batch in s.step_time.batches for new, _ in batch.prompts) for s in (again, swapped)
    ]
    assert computed[0] > computed[1] == 16
    assert (again.swaps, swapped.swaps) == (0, 1)
    assert swapped.host.used == 0


def test_sequence_that_the_host_has_no_room_for_is_computed_anew():
    server = serve(TIGHT, kv_tokens=24, prefix_cache=False, swap=True, host_tokens=4)
    assert (server.swaps, server.preemptions) == (0, 1)


def test_block_that_the_card_forgot_comes_back_over_the_link():
    keys = (1, 2, 3, 4, 5)
    first, other = Request(0.0, 21, 1, keys, 4), Request(100.0, 24, 1)
    server = serve([first, other, Request(200.0, 21, 1, keys, 4)], kv_tokens=32, host_tokens=64)
    last = server.sequences[2]
    assert last.hit_tokens + last.host_hit_tokens == 20
    assert last.host_hit_tokens > 0
    assert (
        last.first_token_s == 200 + 4
    )  # three blocks come while four go, a second each; one token is computed
    without = serve([first, other, Request(200.0, 21, 1, keys, 4)], kv_tokens=32)
    assert without.sequences[2].hit_tokens == last.hit_tokens
    assert without.sequences[2].host_hit_tokens == 0
    summary = serving_summary(server)
    assert summary["host_hit_share"] == last.host_hit_tokens / 66


def test_urgent_requests_go_first_and_keep_their_blocks():
    requests = [Request(0.0, 8, 1), *(Request(1.0 + i, 8, 1, priority=i) for i in range(3))]
    server = serve(requests, max_sequences=1, order="priority")
    ends = [s.done_s for s in server.sequences]
    assert ends[0] < ends[3] < ends[2] < ends[1]
    tight = [Request(0.0, 8, 8, priority=1), Request(0.0, 8, 8, priority=2)]
    server = serve(tight, kv_tokens=24, prefix_cache=False, order="priority")
    assert [s.preemptions for s in server.sequences] == [1, 0]


def test_prompts_that_begin_alike_stand_behind_each_other():
    kinds = [(1, 7), (2, 7), (1, 8), (2, 8)]
    requests = [Request(0.1 * i, 9, 1, keys, 4) for i, keys in enumerate([(0,), *kinds])]
    ends = [s.done_s for s in serve(requests, max_sequences=1, order="prefix").sequences]
    assert ends[1] < ends[3] < ends[2] < ends[4]


def test_next_turn_waits_for_the_answer_and_finds_all_that_was_said():
    turns = [Request(3.0, 8, 5, conversation=0), Request(3.0, 21, 2, conversation=0, after=0, think_s=30.0)]
    server = serve(turns)
    first, second = server.sequences
    assert second.arrival_s == first.done_s + 30
    assert second.hit_tokens == 12  # of 12 tokens with keys and values: prompt, and all of the answer but one
    rows = request_table(server.sequences)
    assert rows["arrival_s"] == [3.0, first.done_s + 30]
    assert rows["queue_s"] == [0, 0]


def test_drawn_conversations_grow_by_what_was_said():
    config = {
        "system": {"backends": {"gpu0": {"preset": "rtx_4090.vllm"}}},
        "workloads": {
            "serve": {
                "model": "llama-3.1-8b",
                "on": "gpu0",
                "requests": {"count": 12, "rate": "2 /s", "turns": 4, "think": "5 s"},
                "engine": {"host": "8 GiB", "kv_tokens": 8192, "preempt": "swap"},
            }
        },
    }
    result = simulator.run(config)
    rows = result.requests
    for row in range(12):
        if row % 4:
            said = rows["prompt"][row - 1] + rows["output"][row - 1]
            assert rows["prompt"][row] > said
            assert rows["hit_tokens"][row] + rows["host_hit_tokens"][row] > said - 32
            assert rows["arrival_s"][row] > rows["arrival_s"][row - 1] + rows["latency_s"][row - 1]
    assert rows["conversation"] == [0] * 4 + [1] * 4 + [2] * 4
    told = result.summary["workloads"]["serve"]
    assert told["prefix_hit_share"] + told["host_hit_share"] > 0.5


def test_shared_blocks_are_read_once_if_the_engine_can():
    keys = tuple(range(8))
    requests = [Request(0.0, 33, 4, keys, 4) for _ in range(3)]
    for once, shared in ((True, 32), (False, 0)):
        server = serve([Request(0.0, 33, 1, keys, 4), *requests], prefix_once=once, token_budget=33)
        batch = server.step_time.batches[-1]
        assert batch.decoding == 3
        assert batch.prefix_context == shared
        assert batch.decode_context + (3 * shared if once else 0) == 3 * 36


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=60), st.integers(1, 100))
def test_chunks_are_apart_aligned_and_as_many_as_buddies_allow(steps, count):
    chunks, held = Chunks(count), []
    for take, size in steps:
        if take:
            at = chunks.take(size)
            if at is not None:
                held.append((at, 1 << (size - 1).bit_length()))
            else:  # no aligned run of free tokens that lies in one block of the empty memory
                span = 1 << (size - 1).bit_length()
                used = {t for a, n in held for t in range(a, a + n)}
                runs = [set(range(a, a + span)) for a in range(0, count - span + 1, span)]
                assert all(run & used for run in runs)
        elif held:
            at, _ = held.pop(size % len(held))
            chunks.give_back(at)
        spans = sorted(held)
        assert all(a + n <= b for (a, n), (b, _) in itertools.pairwise(spans))
        assert all(a % n == 0 and a + n <= count for a, n in spans)
        assert chunks.used == sum(n for _, n in held)
    for at, _ in held:
        chunks.give_back(at)
    assert sum(size * len(addresses) for size, addresses in chunks.free.items()) == count
    assert {size for size, addresses in chunks.free.items() if addresses} == {
        1 << bit for bit in range(8) if count >> bit & 1
    }


def test_room_that_is_set_aside_is_of_the_longest_a_power_of_two_or_the_answer():
    assert [reserved_tokens(how, 10, 25, 2048) for how in ("max", "pow2", "oracle")] == [2048, 42, 35]
    assert reserved_tokens("pow2", 10, 32, 2048) == 42
    requests = [Request(0.0, 10, 30) for _ in range(8)]
    most = {}
    for how in (None, "max", "pow2", "oracle"):
        server = serve(requests, kv_tokens=512, reserve=how, longest=128)
        most[how] = max(moment.running for moment in server.moments)
    assert most == {None: 8, "max": 4, "pow2": 8, "oracle": 8}
    with pytest.raises(ValueError, match="a request of 1024 tokens does not fit a cache of 512"):
        serve(requests, kv_tokens=512, reserve="max", longest=1024)


request = st.builds(
    Request, st.floats(0, 50, allow_nan=False), st.integers(1, 30), st.integers(1, 12),
    st.lists(st.integers(0, 2), max_size=7).map(tuple), st.just(4), st.integers(0, 2),
)  # fmt: skip
orders = st.sampled_from(["first_come", "priority", "prefix"])


@settings(max_examples=80)
@given(st.lists(request, min_size=1, max_size=10), st.integers(12, 40), st.integers(1, 16), st.booleans(),
       st.booleans(), st.integers(0, 60), orders, st.integers(1, 3))  # fmt: skip
def test_all_are_served_and_no_tier_is_ever_exceeded(
    requests, blocks, budget, cached, swap, host, order, turns
):
    short = [r for r in requests if turns == 1] or conversations(
        [Request(r.arrival_s, min(r.prompt, 8), min(r.output, 4), (), 0, r.priority) for r in requests],
        turns, 5.0, np.random.default_rng(1),
    )  # fmt: skip
    server = serve(
        short, kv_tokens=4 * blocks, token_budget=budget, prefix_cache=cached, max_sequences=5, swap=swap,
        host_tokens=host, order=order,
    )  # fmt: skip
    assert all(s.generated == s.request.output for s in server.sequences)
    assert all(s.arrival_s <= s.scheduled_s <= s.first_token_s <= s.done_s for s in server.sequences)
    assert server.blocks.used == server.host.swapped == 0
    assert max(moment.used_blocks for moment in server.moments) <= blocks
    assert max(moment.host_blocks for moment in server.moments) <= host // 4
    assert all(s.hit_tokens + s.host_hit_tokens < s.request.prompt for s in server.sequences)


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        ({"preempt": "swap"}, "preempt: swap needs memory of the host; write host: 64 GiB"),
        (
            {"reserve": "max", "prefix_once": True},
            "reserve: max has no blocks to share or move; write blocks",
        ),
    ],
)
def test_limits_that_do_not_go_together_are_refused(engine, told):
    serve_job = {"model": "llama-3.1-8b", "on": "gpu0", "requests": {"count": 2, "rate": "1 /s"}}
    system = {"backends": {"gpu0": {"preset": "rtx_4090.vllm"}}}
    with pytest.raises(ConfigError) as error:
        simulator.run({"system": system, "workloads": {"serve": serve_job | {"engine": engine}}})
    assert told in str(error.value)


def test_trace_of_ones_own_may_have_priorities(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("arrival_s,prompt,output,priority\n7,3,4,2\n8,5,6,\n")
    assert [r.priority for r in read_trace(path)] == [2, 0]
