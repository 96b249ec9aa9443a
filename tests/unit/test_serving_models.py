"""Serving models of any kind: experts, latent attention, scans, windows, and rules of keys and values."""

import pytest
from llm_helpers import TINY

import simulator
from hw_models.errors import ConfigError
from hw_models.roofline.gpus import GPUS
from hw_models.roofline.kernels import Heads, attention_s
from simulator.config.model import Config
from simulator.serving.layers import Product, layer_kinds
from simulator.serving.run import server_of
from simulator.serving.step import Batch, StepTime
from workloads.llm.cells import cells_of
from workloads.llm.kv_rules import KvRule
from workloads.llm.model import load_model, transformer

A100 = GPUS["a100_80gb"]
DUO = [{"heads": "50 %", "keep": {"sinks": 16, "recent": 48}}]


def config(model, rules=(), **engine):
    serve = {
        "model": model, "on": "gpu0", "engine": engine, "kv_cache": {"rules": list(rules)},
        "requests": {"count": 24, "rate": "100 /s", "prompt": 400, "output": 60},
    }  # fmt: skip
    return {"system": {"backends": {"gpu0": {"preset": "a100_80gb.vllm"}}}, "workloads": {"serve": serve}}


def served(model, rules=(), **engine):
    checked = Config.model_validate(config(model, rules, **engine))
    server = server_of("serve", checked.workloads["serve"], checked)
    server.run()
    return server


@pytest.mark.parametrize(
    "model", ["qwen3-30b-a3b", "deepseek-v2-lite", "gpt-oss-20b", "hymba-1.5b", "llama-3.1-8b"]
)
def test_every_kind_of_model_is_served(model):
    server = served(model)
    assert all(sequence.done_s > sequence.arrival_s for sequence in server.sequences)
    assert server.blocks.used == 0


@pytest.mark.parametrize("model", ["llama-3.1-8b", "qwen3-30b-a3b", "deepseek-v2-lite", "gpt-oss-20b"])
def test_products_read_every_weight_once_and_work_for_the_active_ones(model):
    """Weights of all layers' products are the model's; MACs of a token are those of its active weights."""
    found = load_model(model)
    kinds = layer_kinds(found)
    matrices = sum(many * p.inputs * p.outputs * p.experts for many, kind in kinds for p in kind.products)
    wanted = sum(
        t.values for t in found.tensors if t.layer >= 0 and t.role in ("attention", "ffn", "expert", "router")
        and len(t.shape) > 1 and not t.name.endswith("bias")
    )  # fmt: skip
    assert matrices == wanted
    flop = sum(many * p.flop(1) for many, kind in kinds for p in kind.products)
    assert flop == pytest.approx(2 * found._weights_per_token, rel=1e-3)  # but for biases of experts


def test_experts_of_many_tokens_are_read_once_each():
    product = Product(100, 50, 16, experts=64, per_token=4)
    one, many = product.moved_bytes(1), product.moved_bytes(1000)
    weights = 100 * 50 * 2
    assert one == pytest.approx(4 * weights + 2 * 4 * 150)
    assert many == pytest.approx(64 * weights + 2 * 4000 * 150, rel=1e-6)


def test_step_of_a_plain_model_is_that_of_its_kernels():
    """A layer's attention over what all sequences read, and nothing of it depends on who reads how much."""
    model = load_model("llama-3.1-8b")
    step, alone = StepTime(model, A100, 0.0), StepTime(model, A100, 0.0)
    batch = Batch(decode_context=5000, decoding=4, prompts=((100, 300),), sampled=4)
    rest = step.dense_s(104) + step.head_s(4)
    kernel = attention_s(A100, Heads(32, 8, 128, 4096), (4, 1250), [(100, 300)])
    assert step.seconds(batch) - rest == pytest.approx(32 * kernel)
    assert alone.room.plain


def test_streaming_heads_take_less_room_and_time():
    rules = [KvRule.model_validate(rule) for rule in DUO]
    model = load_model("llama-3.1-8b")
    plain, duo = (StepTime(model, A100, 0.0, cells_of(model, "bf16", r)) for r in ((), rules))
    at = ((4096, 100),)
    assert duo.room.rows(4096, 100) == (4096 + 64) // 2
    long = Batch(4096, 1, (), 1, decoding_at=at)
    saved = (4096 - 64) // 2 * plain.row_read_bytes / (A100.bandwidth_bytes_per_s * 0.85)
    assert plain.seconds(long) - duo.seconds(long) == pytest.approx(saved)
    prompt = Batch(0, 0, ((2048, 8192),), 0)
    assert duo.seconds(prompt) < plain.seconds(prompt)


def test_more_sequences_with_a_budget_run_at_once():
    limits = {"kv_tokens": 4096, "prefix_cache": False}
    plain, duo = served("llama-3.1-8b", **limits), served("llama-3.1-8b", DUO, **limits)
    assert max(m.running for m in duo.moments) > max(m.running for m in plain.moments)
    assert max(m.used_blocks for m in duo.moments) <= 4096 // 16


def test_sequence_of_scans_takes_one_state_whatever_its_length():
    mamba = {"model_type": "mamba", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 50,
             "state_size": 16, "intermediate_size": 128, "time_step_rank": 4}  # fmt: skip
    step = StepTime(transformer("m", mamba), A100, 0.0)
    assert step.room.rows(1, 1) == step.room.rows(10**6, 1) == 1
    one, two = (step.seconds(Batch(n * 100, n, (), n, decoding_at=((100, 1),) * n)) for n in (1, 2))
    assert two > one


def test_latent_scores_of_many_heads_are_bound_by_arithmetic():
    """576 values of a token serve all heads: with 128 of them, the card computes longer than it reads."""
    keys = TINY | {"model_type": "deepseek_v2", "kv_lora_rank": 512, "qk_rope_head_dim": 64,
                   "qk_nope_head_dim": 128, "v_head_dim": 128, "q_lora_rank": None, "n_routed_experts": None,
                   "first_k_dense_replace": 3}  # fmt: skip
    times = {}
    for heads in (8, 128):
        model = transformer("m", keys | {"num_attention_heads": heads, "num_key_value_heads": heads})
        step = StepTime(model, A100, 0.0)
        times[heads] = [step._attention_s(Batch(n, 1, (), 1)) for n in (10**5, 2 * 10**5)]
    read = 3 * 10**5 * 576 * 2 / (A100.bandwidth_bytes_per_s * 0.85)
    assert times[8][1] - times[8][0] == pytest.approx(read)
    assert times[128][1] - times[128][0] > 1.5 * read


def test_what_an_engine_cannot_do_with_budgets_is_said():
    with pytest.raises(ConfigError, match=r"prefix_once, and llama-3.1-8b does not keep or read all tokens"):
        served("llama-3.1-8b", DUO, prefix_once=True)
    with pytest.raises(ConfigError, match=r"reserve: max, and gpt-oss-20b"):
        served("gpt-oss-20b", reserve="max")
    with pytest.raises(ConfigError, match=r"kv_cache.rules.0: number 99 of 32"):
        served("llama-3.1-8b", [{"layers": "99", "bits": 4}])


def test_config_of_a_served_model_with_rules_runs():
    summary = simulator.run(config("llama-3.1-8b", DUO)).summary
    assert summary["workloads"]["serve"]["requests"] == 24


def test_prompts_alone_do_not_share_a_step_with_those_that_decode():
    for alone in (False, True):
        server = served("llama-3.1-8b", prompts="alone" if alone else "chunked", token_budget=4096)
        mixed = [bool(b.decoding and b.prompts) for b in batches(server)]
        assert any(mixed) != alone


def batches(server):
    """Serve the same requests again; return what each step works on."""
    found = []
    again = type(server)(server.engine, server.step_time, [s.request for s in server.sequences], server.room)
    seconds = again.step_time.seconds
    again.step_time.seconds = lambda batch: (found.append(batch), seconds(batch))[1]
    again.run()
    return found


def test_requests_beyond_a_models_positions_are_told(tmp_path):
    (tmp_path / "trace.csv").write_text("arrival_s,prompt,output\n0,100,5\n0,4000,5\n")
    serve = {"model": "tinyllama-1.1b", "on": "gpu0", "requests": {"trace": str(tmp_path / "trace.csv")}}
    config = {"system": {"backends": {"gpu0": {"preset": "rtx_4090.vllm"}}}, "workloads": {"serve": serve}}
    (told,) = simulator.run(config).warnings
    assert told.startswith(
        "serve: 1 of 2 requests are longer than the 2048 positions of its model, up to 4005"
    )
    (tmp_path / "trace.csv").write_text("arrival_s,prompt,output\n0,2000,48\n")
    assert simulator.run(config).warnings == []
