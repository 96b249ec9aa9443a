"""Layers that read the weights of others, and tenants' adapters: what is stored, what is read, and where."""

import json

import pytest
from llm_helpers import TINY

import simulator
from hw_models.errors import ConfigError
from simulator.config.model import Config, load
from simulator.serving.adapters import Adapters, factor_bytes
from simulator.serving.run import server_of
from workloads.llm.model import load_model, transformer

SYSTEM = {
    "backends": {"gpu0": {"preset": "m1_max_metal"}},
    "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "10 cycles"},
    "dram": {"standard": "LPDDR4-3200", "channels": 2},
}
LLC = {"size": "8 MiB", "ways": 16, "line": "64 B", "mshrs": 32}
BLOCK = 2 * (4 * 256 * 256 + 3 * 256 * 512 + 2 * 256)  # bytes of a layer: attention, FFN, norms


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("small")
    values = TINY | {"num_hidden_layers": 4, "intermediate_size": 512, "vocab_size": 64}
    (path / "config.json").write_text(json.dumps(values))
    return str(path)


def run(folder, rules, llc=None, tokens=2):
    chat = {"model": folder, "on": "gpu0", "prompt": 1, "tokens": tokens, "share_weights": rules}
    result = simulator.run({"system": SYSTEM | ({"llc": llc} if llc else {}), "workloads": {"chat": chat}})
    read = 64 * sum(channel["reads"] for channel in result.summary["dram"].values())
    return result.summary["workloads"]["chat"], read


def test_shared_blocks_are_stored_once_and_read_by_each_unless_a_cache_lies_between(folder):
    rules = [{"share": 4}]
    plain, folded = run(folder, []), run(folder, rules)
    assert plain[0]["dram_bytes"]["weights"] - folded[0]["dram_bytes"]["weights"] == 3 * BLOCK
    assert folded[1] == pytest.approx(plain[1], rel=1e-3)
    cached = run(folder, [], LLC)[1] - run(folder, rules, LLC)[1]
    assert cached >= 0.95 * 3 * BLOCK  # what three layers read, once


def test_factors_of_low_rank_are_each_readers_own(folder):
    rule = {"layers": "2-3", "owners": [0, 1]}
    bare, ranked = (run(folder, [rule | {"rank": rank}])[0]["dram_bytes"]["weights"] for rank in (0, 8))
    assert ranked - bare == 2 * 2 * 8 * (4 * 512 + 3 * 768)


def test_part_of_a_layer_is_shared_alone(folder):
    attention = run(folder, [{"part": "attention", "share": 4}])[0]["dram_bytes"]["weights"]
    assert run(folder, [])[0]["dram_bytes"]["weights"] - attention == 3 * 2 * (4 * 256 * 256 + 2 * 256)


def test_some_heads_of_a_layer_read_anothers_matrices_and_the_rest_are_its_own(folder):
    rule = {"part": "attention", "share": 2, "heads": "25 %"}
    plain, shared = run(folder, []), run(folder, [rule])
    saved = 2 * 2 * 256 * 256 * 4 // 4  # two readers of 16 bits, four matrices, a quarter of the heads
    assert plain[0]["dram_bytes"]["weights"] - shared[0]["dram_bytes"]["weights"] == saved
    assert shared[1] == pytest.approx(plain[1], rel=1e-3)  # read as much


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (
            {"share_weights": [{"layers": "1-2", "owner": 9}]},
            r"owners \[9, 9\] for 2 layers; write one for each",
        ),
        (
            {"share_weights": [{"layers": "1", "owner": 2}, {"layers": "2", "owner": 0}]},
            "none of its own; write",
        ),
        ({"share_weights": [{"share": 2, "owner": 0}]}, "found share and owner of share, owner and owners"),
        ({"share_weights": [{"share": 2, "heads": "50 %"}]}, "heads, and part absent; write part: attention"),
        (
            {"share_weights": [{"share": 2}], "offload": {"policy": "naive"}},
            "share_weights, and weights that",
        ),
    ],
)
def test_what_cannot_be_shared_is_told(folder, job, told):
    chat = {"model": folder, "on": "gpu0", "prompt": 1, "tokens": 1, **job}
    with pytest.raises(ConfigError, match=told):
        simulator.run({"system": SYSTEM, "workloads": {"chat": chat}})


def test_experts_are_not_shared_but_the_attention_beside_them_may_be():
    chat = {"model": "qwen3-30b-a3b", "on": "gpu0", "prompt": 1, "tokens": 1, "share_weights": [{"share": 2}]}
    told = "ffn of layer 1 and of layer 0 are experts; write layers with the same matrices"
    with pytest.raises(ConfigError, match=told):
        load({"system": SYSTEM, "workloads": {"chat": chat}})
    load(
        {
            "system": SYSTEM,
            "workloads": {"chat": chat | {"share_weights": [{"part": "attention", "share": 2}]}},
        }
    )


def test_adapter_is_its_factors():
    assert factor_bytes(transformer("m", TINY), 8) == 3 * 2 * 8 * (4 * 512 + 3 * 1280)


def test_adapters_come_over_the_link_when_they_are_not_on_the_card():
    adapters = Adapters(read_bytes=100, stored_bytes=10, slots=2)
    assert adapters.step([1, 1, 2]) == (200, 20)
    assert adapters.step([2]) == (100, 0)
    assert adapters.step([3]) == (100, 10)  # 1 goes
    assert adapters.step([1, 2]) == (200, 10)  # and now 2 stays, 3 goes
    assert (adapters.hits, adapters.misses) == (2, 4)


def served(**adapters):
    serve = {"model": "llama-2-7b", "on": "gpu0", "adapters": adapters,
             "requests": {"count": 30, "rate": "50 /s", "prompt": 50, "output": 20}}  # fmt: skip
    system = {"backends": {"gpu0": {"preset": "a100_80gb.vllm"}}}
    config = Config.model_validate({"system": system, "workloads": {"serve": serve}})
    server = server_of("serve", config.workloads["serve"], config)
    server.run()
    return server


def test_tenants_that_share_take_less_of_the_card_and_swapped_ones_take_time():
    lora, shards = served(tenants=200, rank=16), served(tenants=200, rank=16, stored="12.5 %")
    one = factor_bytes(load_model("llama-2-7b"), 16)
    room = (shards.engine.kv_tokens - lora.engine.kv_tokens) * lora.step_time.token_bytes
    assert room == pytest.approx(200 * one * 7 / 8, rel=1e-3)
    assert lora.now_s == pytest.approx(shards.now_s, rel=0.02)  # as many factors are read
    few = served(tenants=200, rank=16, dram="400 MB")
    assert len(few.adapters.held) == 400 * 10**6 // one
    assert few.now_s > lora.now_s
