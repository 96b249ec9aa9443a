"""Decoders of many families: parameters of the published checkpoints, to the last one; windows; caches; states."""

import pytest

from hw_models.errors import ConfigError
from workloads.llm.dtypes import bytes_of
from workloads.llm.model import transformer


def sizes(width, ffn, layers, heads, kv_heads, vocabulary, **other):
    names = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    found = dict(zip(names, (width, ffn, layers, heads), strict=True))
    return found | {"num_key_value_heads": kv_heads, "vocab_size": vocabulary} | other


def experts(count, per_token, **other):
    return {"num_experts": count, "num_local_experts": count, "num_experts_per_tok": per_token} | other


LATENT = {"qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128, "kv_lora_rank": 512}
DEEPSEEK = LATENT | {"first_k_dense_replace": 1, "n_shared_experts": 2, "num_experts_per_tok": 6}
JAMBA = {"attn_layer_period": 8, "attn_layer_offset": 4, "expert_layer_period": 2, "expert_layer_offset": 1}

PUBLISHED = {  # name: (model_type, values of its config.json, parameters of its safetensors on Hugging Face)
    "llama-3.1-8b": ("llama", sizes(4096, 14336, 32, 32, 8, 128256), 8_030_261_248),
    "llama-4-scout, text": (
        "llama4_text",
        sizes(5120, 8192, 48, 40, 8, 202048, head_dim=128, intermediate_size_mlp=16384, **experts(16, 1)),
        107_769_861_120,
    ),
    "mixtral-8x7b": ("mixtral", sizes(4096, 14336, 32, 32, 8, 32000, **experts(8, 2)), 46_702_792_704),
    "qwen2.5-7b": ("qwen2", sizes(3584, 18944, 28, 28, 4, 152064), 7_615_616_512),
    "qwen1.5-moe-a2.7b": (
        "qwen2_moe",
        sizes(2048, 5632, 24, 16, 16, 151936, **experts(60, 4))
        | {"moe_intermediate_size": 1408, "shared_expert_intermediate_size": 5632},
        14_315_784_192,
    ),
    "qwen3-30b-a3b": (
        "qwen3_moe",
        sizes(2048, 6144, 48, 32, 4, 151936, head_dim=128, moe_intermediate_size=768, **experts(128, 8)),
        30_532_122_624,
    ),
    "gemma-2b": ("gemma", sizes(2048, 16384, 18, 8, 1, 256000, head_dim=256), 2_506_172_416),
    "gemma-7b": ("gemma", sizes(3072, 24576, 28, 16, 16, 256000, head_dim=256), 8_537_680_896),
    "gemma-2-2b": ("gemma2", sizes(2304, 9216, 26, 8, 4, 256000, head_dim=256), 2_614_341_888),
    "gemma-2-9b": ("gemma2", sizes(3584, 14336, 42, 16, 8, 256000, head_dim=256), 9_241_705_984),
    "gemma-3-1b": ("gemma3_text", sizes(1152, 6912, 26, 4, 1, 262144, head_dim=256), 999_885_952),
    "phi-3-mini": ("phi3", sizes(3072, 8192, 32, 32, 32, 32064), 3_821_079_552),
    "phi-4": ("phi3", sizes(5120, 17920, 40, 40, 10, 100352), 14_659_507_200),
    "phi-3.5-moe": (
        "phimoe",
        sizes(4096, 6400, 32, 32, 8, 32064, attention_bias=True, lm_head_bias=True, **experts(16, 2)),
        41_873_153_344,
    ),
    "gpt2": ("gpt2", {"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}, 124_439_808),
    "gpt2-xl": ("gpt2", {"n_embd": 1600, "n_layer": 48, "n_head": 25, "vocab_size": 50257}, 1_557_611_200),
    "pythia-160m": ("gpt_neox", sizes(768, 3072, 12, 12, 12, 50304), 162_322_944),
    "pythia-6.9b": ("gpt_neox", sizes(4096, 16384, 32, 32, 32, 50432), 6_857_302_016),
    "gpt-neox-20b": ("gpt_neox", sizes(6144, 24576, 44, 64, 64, 50432), 20_554_567_680),
    "bloom-560m": (
        "bloom", {"hidden_size": 1024, "n_head": 16, "n_layer": 24, "vocab_size": 250880}, 559_214_592
    ),
    "bloom": (
        "bloom", {"hidden_size": 14336, "n_head": 112, "n_layer": 70, "vocab_size": 250880}, 176_247_271_424
    ),
    "mpt-7b": (
        "mpt", {"d_model": 4096, "n_heads": 32, "n_layers": 32, "vocab_size": 50432}, 6_649_286_656
    ),
    "olmo-7b": ("olmo", sizes(4096, 11008, 32, 32, 32, 50304), 6_888_095_744),
    "olmo-1b": ("olmo", sizes(2048, 8192, 16, 16, 16, 50304, tie_word_embeddings=True), 1_176_764_416),
    "olmo-2-7b": ("olmo2", sizes(4096, 11008, 32, 32, 32, 100352), 7_298_617_344),
    "olmoe-1b-7b": ("olmoe", sizes(2048, 1024, 16, 16, 16, 50304, **experts(64, 8)), 6_919_161_856),
    "stablelm-3b-4e1t": ("stablelm", sizes(2560, 6912, 32, 32, 32, 50304), 2_795_443_200),
    "stablelm-2-1.6b": ("stablelm", sizes(2048, 5632, 24, 32, 32, 100352, use_qkv_bias=True), 1_644_515_328),
    "stablelm-2-12b": (
        "stablelm",
        sizes(5120, 13824, 40, 32, 8, 100352, qk_layernorm=True, use_parallel_residual=True),
        12_143_185_920,
    ),
    "falcon-11b": (
        "falcon",
        {"hidden_size": 4096, "num_hidden_layers": 60, "num_attention_heads": 32, "num_kv_heads": 8}
        | {"vocab_size": 65024, "new_decoder_architecture": True, "num_ln_in_parallel_attn": 1}
        | {"ffn_hidden_size": 16384, "tie_word_embeddings": False},
        11_102_822_400,
    ),
    "deepseek-v2-lite": (
        "deepseek_v2",
        sizes(2048, 10944, 27, 16, 16, 102400, moe_intermediate_size=1408, n_routed_experts=64, **DEEPSEEK),
        15_706_484_224,
    ),
    "deepseek-v2": (
        "deepseek_v2",
        sizes(5120, 12288, 60, 128, 128, 102400, moe_intermediate_size=1536, n_routed_experts=160, **DEEPSEEK)
        | {"q_lora_rank": 1536},
        235_741_434_880,
    ),
    "deepseek-v3, without MTP": (
        "deepseek_v3",
        sizes(7168, 18432, 61, 128, 128, 129280, moe_intermediate_size=2048, n_routed_experts=256, **DEEPSEEK)
        | {"q_lora_rank": 1536, "topk_method": "noaux_tc", "first_k_dense_replace": 3, "n_shared_experts": 1},
        671_026_419_200,
    ),
    "gpt-oss-20b": (
        "gpt_oss", sizes(2880, 2880, 24, 64, 8, 201088, head_dim=64, **experts(32, 4)), 20_914_757_184
    ),
    "gpt-oss-120b": (
        "gpt_oss", sizes(2880, 2880, 36, 64, 8, 201088, head_dim=64, **experts(128, 4)), 116_829_156_672
    ),
    "mamba-130m": (
        "mamba", {"hidden_size": 768, "num_hidden_layers": 24, "vocab_size": 50280}, 129_135_360
    ),
    "jamba-v0.1": ("jamba", sizes(4096, 14336, 32, 32, 8, 65536, **experts(16, 2), **JAMBA), 51_570_323_328),
}  # fmt: skip


def model_of(name, **other):
    kind, values, _ = PUBLISHED[name]
    return transformer(name, {"model_type": kind, **values, **other})


@pytest.mark.parametrize("name", PUBLISHED)
def test_model_has_the_published_number_of_parameters(name):
    assert model_of(name).parameters == PUBLISHED[name][2]


@pytest.mark.parametrize(
    ("name", "billions"), [("mixtral-8x7b", 12.9), ("qwen3-30b-a3b", 3.3), ("gpt-oss-120b", 5.1)]
)
def test_active_parameters_are_those_of_the_model_card(name, billions):
    model = model_of(name)
    embedding = 0 if name != "gpt-oss-120b" else 201088 * 2880  # that card leaves the embedding out
    assert round((model.active_parameters - embedding) / 1e9, 1) == pytest.approx(billions, abs=0.11)


def test_nested_text_config_is_the_text_model_of_a_larger_one():
    kind, values, parameters = PUBLISHED["gemma-3-1b"]
    nested = {"model_type": "gemma3", "text_config": {"model_type": kind, **values}, "vision_config": {}}
    assert transformer("gemma", nested).parameters == parameters


def test_windows_are_each_layers_own():
    gemma2 = model_of("gemma-2-2b").shape.windows
    assert gemma2[:2] == (4096, None)
    assert model_of("gemma-3-1b", sliding_window=512).shape.windows[4:7] == (512, None, 512)
    assert model_of("gpt-oss-20b", sliding_window=128).shape.windows[:2] == (128, None)
    listed = ["full_attention", "sliding_attention"] * 12
    assert model_of("gpt-oss-20b", sliding_window=128, layer_types=listed).shape.windows[:2] == (None, 128)
    qwen = model_of("qwen2.5-7b", use_sliding_window=True, sliding_window=4096, max_window_layers=20)
    assert qwen.shape.windows[19:21] == (None, 4096)


@pytest.mark.parametrize(("prompt", "window"), [(10, 4), (3, 4), (4, 4)])
def test_prefill_sees_what_each_token_sees(prompt, window):
    model = model_of("gemma-2-2b", sliding_window=window)
    seen = sum(model.seen_in_all(context) for context in range(1, prompt + 1))
    one_by_one = sum(model.decode_macs(context) for context in range(1, prompt + 1))
    assert model.prefill_macs(prompt) == one_by_one - (prompt - 1) * model.head_values
    assert seen < sum(26 * context for context in range(1, prompt + 1)) or prompt <= window


def test_latent_attention_keeps_one_compressed_vector_of_all_heads():
    model = model_of("deepseek-v3, without MTP")
    assert model.kv_values_per_token() == 61 * (512 + 64)
    assert bytes_of(model.kv_values_per_token(), "bf16") == 70_272  # 70 KB a token (DeepSeek-V3 report)


def test_scan_keeps_a_state_of_one_size_and_jamba_keys_in_every_eighth_layer():
    mamba = model_of("mamba-130m")
    assert mamba.kept_values(1) == mamba.kept_values(10**5) == 24 * 1536 * (16 + 3)
    jamba = model_of("jamba-v0.1")
    assert bytes_of(jamba.kv_values_per_token(), "fp16") * 2**18 == 4 * 2**30  # 4 GB at 256K (Jamba paper)


def test_more_key_value_heads_than_heads_are_refused():
    with pytest.raises(ConfigError, match="64 key-value heads do not divide 32 heads"):
        model_of("llama-3.1-8b", num_key_value_heads=64)


def compressed(**weights):
    groups = {"group_0": {"weights": weights, "targets": ["Linear"]}}
    return {"quant_method": "compressed-tensors", "config_groups": groups, "ignore": ["lm_head"]}


@pytest.mark.parametrize(
    ("quantization", "role", "bits"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, "ffn", 4 + 20 / 128),
        ({"quant_method": "gptq", "bits": 8, "group_size": 64}, "attention", 8 + 24 / 64),
        ({"quant_method": "fp8"}, "ffn", 8),
        ({"quant_method": "mxfp4"}, "expert", 4.25),
        ({"quant_method": "gptq", "bits": 3, "group_size": 128}, "ffn", 3 + 19 / 128),
        ({"quant_method": "gptq", "bits": 4, "group_size": -1}, "ffn", 4),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "attention", 4.5),
        ({"load_in_4bit": True, "bnb_4bit_use_double_quant": True}, "ffn", 4 + 8 / 64 + 32 / 16384),
        ({"load_in_8bit": True}, "ffn", 8),
        (compressed(num_bits=8, type="float", strategy="channel"), "attention", 8),
        (compressed(num_bits=4, type="float", group_size=16), "ffn", 4.5),
        (compressed(num_bits=4, type="int", group_size=128), "ffn", 4 + 16 / 128),
        (compressed(num_bits=4, type="int", group_size=128, symmetric=False), "ffn", 4 + 20 / 128),
        (compressed(num_bits=8, type="int", group_size=None), "ffn", 8),
    ],
)
def test_quantized_checkpoint_has_the_bits_of_its_method(quantization, role, bits):
    model = model_of("llama-3.1-8b", quantization_config=quantization)
    assert 8 * bytes_of(128 * 128, model.dtypes[role]) == bits * 128 * 128


def test_layers_that_a_compressed_checkpoint_leaves_alone_keep_their_type():
    whole = compressed(num_bits=8, type="float") | {"ignore": ["re:.*self_attn.*", "lm_head"]}
    assert set(model_of("llama-3.1-8b", quantization_config=whole).dtypes) == {"ffn", "expert"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"quantization_config": "fp8"}, "quantization_config 'fp8'; write a mapping"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 5}}, "gptq of 5 bits in groups of 128"),
        ({"quantization_config": {"quant_method": "compressed-tensors"}}, "without config_groups"),
        ({"quantization_config": compressed(num_bits=6, type="float")}, "6-bit floats"),
        ({"num_attention_heads": 0}, "num_attention_heads 0; write a positive whole number"),
        ({"hidden_size": 4096.5}, "hidden_size: 4096.5; write a whole number"),
        ({"hidden_size": "big"}, "hidden_size: 'big'; write a whole number"),
        ({"num_hidden_layers": True}, "num_hidden_layers: True; write a whole number"),
        ({"model_type": ["llama"]}, "unknown architecture"),
    ],
)
def test_values_that_no_model_has_are_told_in_a_line(values, told):
    with pytest.raises(ConfigError, match=told) as error:
        model_of("llama-3.1-8b", **values)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("count", "per_token"), [(4, 9), (0, 0), (8, 0)])
def test_more_experts_than_there_are_are_refused(count, per_token):
    values = {"num_local_experts": count, "num_experts_per_tok": per_token}
    with pytest.raises(ConfigError, match=f"a token takes {per_token} of {count} experts"):
        model_of("mixtral-8x7b", **values)


def test_names_of_text_parts_and_of_descendants_are_known():
    qwen = sizes(3584, 18944, 28, 28, 4, 152064)
    for kind in ("qwen2", "qwen2_vl", "qwen2_5_vl"):
        assert transformer("x", qwen | {"model_type": kind}).parameters == 7_615_616_512
    sparse = {
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "num_hidden_layers": 34,
        "sliding_window": 1024,
    }
    text = {"model_type": "gemma3_text", **sparse}  # the other sizes are defaults of the class
    assert (
        transformer("gemma-3-4b", {"model_type": "gemma3", "text_config": text}).parameters == 3_880_263_168
    )
    assert model_of("deepseek-v3, without MTP", model_type="kimi_k2").shape.latent.rank == 512


def test_quantization_that_is_not_known_is_refused():
    with pytest.raises(ConfigError, match="quantization 'hqq' is not known; known: awq, gptq, fp8, mxfp4"):
        model_of("llama-3.1-8b", quantization_config={"quant_method": "hqq"})


@pytest.mark.parametrize(("dtype", "bits"), [("q4_k", 4.5), ("q6_k", 6.5625), ("q8_0", 8.5), ("mxfp4", 4.25)])
def test_block_formats_have_the_bits_of_their_blocks(dtype, bits):
    assert 8 * bytes_of(256, dtype) == bits * 256
