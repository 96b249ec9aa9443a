"""The serving engine: nobody is forgotten, blocks are exact, waits follow from the schedule."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.errors import ConfigError
from simulator.serving.blocks import Blocks
from simulator.serving.engine import Server
from simulator.serving.limits import Engine
from simulator.serving.report import request_table, serving_summary
from simulator.serving.requests import Request, read_trace
from simulator.serving.step import Batch


class Clock:
    """A step takes a second for each token: times can be counted by hand."""

    def __init__(self):
        self.batches = []

    def seconds(self, batch: Batch) -> float:
        self.batches.append(batch)
        return float(batch.tokens)


def serve(requests, **engine):
    server = Server(Engine(**{"kv_tokens": 1024, "block_tokens": 4, **engine}), Clock(), requests)
    server.run()
    return server


def test_lone_request_waits_for_its_prompt_and_then_for_each_token():
    row = {k: v[0] for k, v in request_table(serve([Request(5.0, 10, 4)]).sequences).items()}
    assert row["queue_s"] == 0
    assert row["ttft_s"] == 10
    assert row["tpot_s"] == 1
    assert row["latency_s"] == 13


def test_long_prompt_comes_in_parts_beside_those_that_decode():
    server = serve([Request(0.0, 4, 8), Request(0.5, 20, 1)], token_budget=8)
    tokens = [(batch.decoding, batch.prompts) for batch in server.step_time.batches]
    assert tokens[:4] == [(0, ((4, 0),)), (1, ((7, 0),)), (1, ((7, 7),)), (1, ((6, 14),))]


def test_youngest_loses_its_blocks_and_computes_them_anew():
    server = serve([Request(0.0, 8, 8), Request(0.0, 8, 8)], kv_tokens=24, prefix_cache=False)
    first, second = server.sequences
    assert (first.preemptions, second.preemptions) == (0, 1)
    assert first.done_s < second.done_s
    lost = sum(new for batch in server.step_time.batches for new, _ in batch.prompts) - 16
    assert lost >= 8  # what the second had computed, once more


def test_prompt_that_begins_like_one_before_computes_only_the_rest():
    keys = (11, 12, 13)
    requests = [Request(0.0, 12, 1, keys, 4), Request(100.0, 14, 1, keys, 4)]
    for cached, hit in ((True, 12), (False, 0)):
        server = serve(requests, prefix_cache=cached)
        assert server.sequences[1].hit_tokens == hit
        assert server.sequences[1].first_token_s == 100 + 14 - hit


def test_request_that_can_never_fit_is_refused():
    with pytest.raises(ValueError, match="a request of 30 tokens does not fit a cache of 24"):
        serve([Request(0.0, 20, 10)], kv_tokens=24)


request = st.builds(
    Request,
    st.floats(0, 50, allow_nan=False),
    st.integers(1, 30),
    st.integers(1, 12),
    st.lists(st.integers(0, 2), max_size=7).map(tuple),
    st.just(4),
)


@settings(max_examples=60)
@given(st.lists(request, min_size=1, max_size=12), st.integers(12, 40), st.integers(1, 16), st.booleans())
def test_all_are_served_in_full_and_every_block_comes_back(requests, blocks, budget, cached):
    server = serve(requests, kv_tokens=4 * blocks, token_budget=budget, prefix_cache=cached, max_sequences=5)
    for served in server.sequences:
        assert served.generated == served.request.output
        assert served.request.arrival_s <= served.scheduled_s <= served.first_token_s <= served.done_s
    assert server.blocks.used == 0
    assert sum(server.blocks.users) == 0
    assert max(moment.used_blocks for moment in server.moments) <= blocks
    assert max(moment.tokens for moment in server.moments) <= budget
    summary = serving_summary(server, {"ttft_s": 1e9})
    assert summary["goodput_per_s"] == summary["requests_per_s"]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("take share give"), st.integers(0, 5)), max_size=40))
def test_blocks_are_free_used_or_known_as_in_a_model_with_sets(steps):
    blocks, held, named = Blocks(6), [], {}
    for what, number in steps:
        if what == "t" and number <= blocks.available:
            taken = blocks.take(number)
            named = {key: block for key, block in named.items() if block not in taken}
            for block in taken:
                if len(named) < 6 and f"k{block}" not in named:
                    blocks.name(block, f"k{block}")
                    named[f"k{block}"] = block
            held.append(taken)
        elif what == "s" and blocks.known([f"k{number}"]):
            found = blocks.known([f"k{number}"])
            blocks.share(found)
            held.append(found)
        elif what == "g" and held:
            blocks.give_back(held.pop(number % len(held)))
        users = [sum(part.count(block) for part in held) for block in range(6)]
        had = len(blocks.users)
        assert blocks.users == users[:had]
        assert blocks.available == sum(many == 0 for many in users)
        assert {*blocks.free, *range(had, 6)} == {block for block in range(6) if users[block] == 0}
        assert blocks.block_of == named


def test_blocks_that_nobody_has_had_take_no_memory():
    """A small model on a large card has a thousand million of them."""
    blocks = Blocks(10**12)
    assert blocks.take(3) == [0, 1, 2]
    blocks.give_back([1, 2])
    assert blocks.take(2) == [3, 4]  # those that nobody has had go first
    assert (blocks.used, blocks.available) == (3, 10**12 - 3)


TRACES = {
    "azure.csv": "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n"
    "2023-11-16 18:15:50.9951690,396,109\n",
    "mooncake.jsonl": '{"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 1]}\n'
    '{"timestamp": 3000, "input_length": 700, "output_length": 6, "hash_ids": [0, 2]}\n',
    "vllm.jsonl": '{"input_toks": 3, "output_toks": 4, "arrival_time": 10.0}\n'
    '{"input_toks": 5, "output_toks": 6, "arrival_time": 12.5}\n',
    "own.csv": "arrival_s,prompt,output\n7,3,4\n8,5,6\n",
}


AZURE_HEAD = "TIMESTAMP,ContextTokens,GeneratedTokens"
MOONCAKE = '{"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [1]}\n'


@pytest.mark.parametrize("name", TRACES)
def test_trace_begins_at_zero_whatever_its_kind(tmp_path, name):
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(TRACES[name].encode()))
    first, second = read_trace(path)
    assert first.arrival_s == 0 < second.arrival_s < 5
    assert second.prompt > first.prompt


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "arrival_s,prompt\n1,2\n", ":2: output is missing; write a trace as in"),
        ("a.csv", f"{AZURE_HEAD}\n2023-11-16 18:17:03,48\n", ":2: GeneratedTokens is missing"),
        ("a.csv", f"{AZURE_HEAD}\nyesterday,48,5\n", ":2: TIMESTAMP 'yesterday' is no date and time"),
        ("a.csv", "arrival_s,prompt,output\nnan,2,3\n", ":2: arrival_s 'nan' is no number"),
        ("a.csv", "arrival_s,prompt,output\n1,2,3\ninf,2,3\n", ":3: arrival_s 'inf' is no number"),
        ("a.csv", "arrival_s,prompt,output\n1,0,3\n", ":2: prompt '0' is no whole number of tokens from 1"),
        ("a.csv", "arrival_s,prompt,output\n1,2.5,3\n", ":2: prompt '2.5' is no whole number"),
        ("a.csv", "arrival_s,prompt,output,priority\n1,2,3,high\n", ":2: priority 'high' is no number"),
        ("a.jsonl", '{"input_toks": 1}\n', ":1: arrival_time is missing"),
        ("a.jsonl", "\n[1, 2]\n", ":2: '[1, 2]' is not a mapping"),
        ("a.jsonl", "hello\n", ":1: 'hello' is not JSON"),
        ("a.jsonl", MOONCAKE.replace("0", "NaN", 1), ":1: timestamp nan is no number"),
        ("a.jsonl", MOONCAKE.replace("600", "1e30"), ":1: input_length 1e+30 is no whole number"),
        ("a.jsonl", MOONCAKE.replace("600", "true"), ":1: input_length True is no number"),
        ("a.jsonl", MOONCAKE.replace("[1]", "[[1], 2]"), ":1: hash_ids is no list of numbers"),
        ("a.jsonl", MOONCAKE.replace("[1]", "7"), ":1: hash_ids is no list of numbers"),
        ("a.csv", "", ": holds no requests; write at least one"),
    ],
)
def test_fault_of_a_trace_is_told_with_its_line(tmp_path, name, text, told):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_trace(path)
    assert str(error.value).startswith(f"{path}{told}")


def test_marks_and_blank_lines_of_a_trace_are_passed_over(tmp_path):
    (tmp_path / "a.csv").write_text("\ufeffarrival_s, prompt,output\n1,2,3\n\n")
    (tmp_path / "a.jsonl").write_text(f"{MOONCAKE}\n")
    assert [r.prompt for name in ("a.csv", "a.jsonl") for r in read_trace(tmp_path / name)] == [2, 600]


def test_a_limit_on_simulated_time_leaves_the_rest_unserved():
    engine = Engine(kv_tokens=1024, block_tokens=4)
    server = Server(engine, Clock(), [Request(0.0, 10, 4), Request(100.0, 10, 4)])
    assert server.run(50.0) == 1
    assert server.run() == 0
