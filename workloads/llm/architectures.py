"""Architectures by their `model_type`: from the values of a config.json to a shape.

Sources: the model definitions of Hugging Face transformers (class names in the comments), read for the names,
shapes and biases of their parameters.
"""

from collections.abc import Callable, Mapping
from typing import Any

from workloads.llm.shape import Experts, Latent, Scan, Shape

Values = Mapping[str, Any]


def _common(values: Values, *, tied: bool = False) -> dict[str, Any]:
    width, heads = int(values["hidden_size"]), int(values["num_attention_heads"])
    if heads <= 0:
        raise ValueError(f"num_attention_heads {heads}; write a positive whole number")
    if values.get("head_dim") is None and width % heads:
        raise ValueError(f"hidden_size {width} does not divide into num_attention_heads {heads}")
    return {
        "layers": int(values["num_hidden_layers"]),
        "width": width,
        "heads": heads,
        "kv_heads": int(values.get("num_key_value_heads") or heads),
        "head_width": int(values.get("head_dim") or width // heads),
        "vocabulary": int(values["vocab_size"]),
        "positions": int(values.get("max_position_embeddings") or 2048),
        "tied": bool(values.get("tie_word_embeddings", tied)),
    }


def windows_of(values: Values, default: Callable[[int], bool] = lambda layer: True) -> tuple[int | None, ...]:
    """Return each layer's attention window; ``default`` tells which layers have one without `layer_types`."""
    layers, window = int(values["num_hidden_layers"]), values.get("sliding_window")
    kinds = values.get("layer_types")
    if window is None:
        return (None,) * layers
    if kinds is not None:
        return tuple(int(window) if "sliding" in kind else None for kind in kinds)
    return tuple(int(window) if default(layer) else None for layer in range(layers))


def opt(values: Values) -> Shape:  # OPTForCausalLM
    bias = bool(values.get("enable_bias", True))
    positions = int(values.get("max_position_embeddings", 2048))
    return Shape(
        **_common(values, tied=True),
        ffn=int(values["ffn_dim"]),
        learned_positions=positions + 2,  # two rows before the first position
        embedding_width=int(values.get("word_embed_proj_dim") or values["hidden_size"]),
        qkv_bias=bias,
        attention_out_bias=bias,
        ffn_bias=bias,
        norm_bias=True,
        final_norm=bool(values.get("do_layer_norm_before", True)),
    )


def llama(values: Values) -> Shape:  # LlamaForCausalLM, MistralForCausalLM
    bias = bool(values.get("attention_bias", False))
    return Shape(
        **_common(values),
        ffn=int(values["intermediate_size"]),
        gated=True,
        qkv_bias=bias,
        attention_out_bias=bias,
        ffn_bias=bool(values.get("mlp_bias", False)),
        windows=windows_of(values),
    )


def mixtral(values: Values) -> Shape:  # MixtralForCausalLM
    experts = Experts(
        int(values["num_local_experts"]),
        int(values["num_experts_per_tok"]),
        int(values["intermediate_size"]),
    )
    return Shape(**_common(values), ffn=0, gated=True, experts=experts, windows=windows_of(values))


def llama4(values: Values) -> Shape:  # Llama4ForCausalLM
    layers, period = int(values["num_hidden_layers"]), int(values.get("interleave_moe_layer_step", 1))
    listed = values.get("moe_layers")
    neurons = int(values["intermediate_size"])
    return Shape(
        **_common(values),
        ffn=int(values["intermediate_size_mlp"]),
        gated=True,
        experts=Experts(
            int(values["num_local_experts"]), int(values.get("num_experts_per_tok", 1)), neurons, neurons
        ),
        expert_layers=tuple(
            layer in listed if listed else (layer + 1) % period == 0 for layer in range(layers)
        ),
    )


def qwen2(values: Values) -> Shape:  # Qwen2ForCausalLM
    return Shape(
        **_common(values),
        ffn=int(values["intermediate_size"]),
        gated=True,
        qkv_bias=True,
        windows=_qwen_windows(values),
    )


def _qwen_windows(values: Values) -> tuple[int | None, ...]:
    """The first `max_window_layers` layers see all of the past, as in Qwen2Config."""
    full = int(values.get("max_window_layers", 28))
    used = values if values.get("use_sliding_window") else {**values, "sliding_window": None}
    return windows_of(used, lambda layer: layer >= full)


def _sparse_layers(values: Values) -> tuple[bool, ...]:
    period, dense = int(values.get("decoder_sparse_step", 1)), values.get("mlp_only_layers") or []
    return tuple(
        layer not in dense and (layer + 1) % period == 0 for layer in range(int(values["num_hidden_layers"]))
    )


def qwen2_moe(values: Values) -> Shape:  # Qwen2MoeForCausalLM
    return Shape(
        **_common(values),
        ffn=int(values["intermediate_size"]),
        gated=True,
        qkv_bias=True,
        windows=_qwen_windows(values),
        experts=Experts(
            int(values["num_experts"]),
            int(values["num_experts_per_tok"]),
            int(values["moe_intermediate_size"]),
            int(values["shared_expert_intermediate_size"]),
            shared_gate=True,
        ),
        expert_layers=_sparse_layers(values),
    )


def qwen3(values: Values) -> Shape:  # Qwen3ForCausalLM
    bias = bool(values.get("attention_bias", False))
    return Shape(
        **_common(values),
        ffn=int(values["intermediate_size"]),
        gated=True,
        qk_norms=1,
        qkv_bias=bias,
        attention_out_bias=bias,
        windows=_qwen_windows(values),
    )


def qwen3_moe(values: Values) -> Shape:  # Qwen3MoeForCausalLM
    return Shape(
        **_common(values),
        ffn=int(values["intermediate_size"]),
        gated=True,
        qk_norms=1,
        windows=_qwen_windows(values),
        experts=Experts(
            int(values["num_experts"]),
            int(values["num_experts_per_tok"]),
            int(values["moe_intermediate_size"]),
        ),
        expert_layers=_sparse_layers(values),
    )


def gemma(values: Values) -> Shape:  # GemmaForCausalLM
    return Shape(**_common(values, tied=True), ffn=int(values["intermediate_size"]), gated=True)


def gemma2(values: Values) -> Shape:  # Gemma2ForCausalLM: every other layer has a window, the first one too
    windows = windows_of({"sliding_window": 4096, **values}, lambda layer: layer % 2 == 0)
    return Shape(
        **_common(values, tied=True),
        ffn=int(values["intermediate_size"]),
        gated=True,
        norms=4,
        windows=windows,
    )


def gemma3(values: Values) -> Shape:  # Gemma3ForCausalLM: every sixth layer sees all of the past
    period = int(values.get("sliding_window_pattern", 6))
    filled = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262208}
    filled |= {"max_position_embeddings": 131072, "sliding_window": 4096, **values}
    return Shape(
        **_common(filled, tied=True),
        ffn=int(values["intermediate_size"]),
        gated=True,
        norms=4,
        qk_norms=1,
        windows=windows_of(filled, lambda layer: (layer + 1) % period != 0),
    )


def falcon(values: Values) -> Shape:  # FalconForCausalLM
    common = _common(values, tied=True)
    grouped = bool(values.get("new_decoder_architecture", False))
    if grouped:
        common["kv_heads"] = int(values.get("num_kv_heads") or common["heads"])
    elif values.get("multi_query", True):
        common["kv_heads"] = 1
    bias = bool(values.get("bias", False))
    norms = 2
    if values.get("parallel_attn", True):
        norms = int(values.get("num_ln_in_parallel_attn") or 1 + grouped)
    return Shape(
        **common,
        ffn=int(values.get("ffn_hidden_size") or 4 * common["width"]),
        qkv_bias=bias,
        attention_out_bias=bias,
        ffn_bias=bias,
        norms=norms,
        norm_bias=True,
    )


def phi(values: Values) -> Shape:  # PhiForCausalLM
    return Shape(
        **_common(values),
        ffn=int(values["intermediate_size"]),
        qkv_bias=True,
        attention_out_bias=True,
        ffn_bias=True,
        head_bias=True,
        norms=1,
        norm_bias=True,
        qk_norms=int(bool(values.get("qk_layernorm", False))),
    )


def phi3(values: Values) -> Shape:  # Phi3ForCausalLM, Phi 4 too
    return Shape(
        **_common(values), ffn=int(values["intermediate_size"]), gated=True, windows=windows_of(values)
    )


def phimoe(values: Values) -> Shape:  # PhimoeForCausalLM
    bias = bool(values.get("attention_bias", False))
    experts = Experts(
        int(values["num_local_experts"]), int(values["num_experts_per_tok"]), int(values["intermediate_size"])
    )
    return Shape(
        **_common(values),
        ffn=0,
        gated=True,
        qkv_bias=bias,
        attention_out_bias=bias,
        head_bias=bool(values.get("lm_head_bias", False)),
        norm_bias=True,
        experts=experts,
        windows=windows_of(values),
    )


def persimmon(values: Values) -> Shape:  # PersimmonForCausalLM
    return Shape(
        **_common(values),
        ffn=int(values["intermediate_size"]),
        qkv_bias=True,
        attention_out_bias=True,
        ffn_bias=True,
        norm_bias=True,
        qk_norms=int(bool(values.get("qk_layernorm", True))),
    )


def gpt2(values: Values) -> Shape:  # GPT2LMHeadModel
    width, heads = int(values["n_embd"]), int(values["n_head"])
    positions = int(values.get("n_positions", 1024))
    return Shape(
        layers=int(values["n_layer"]),
        width=width,
        heads=heads,
        kv_heads=heads,
        head_width=width // heads,
        ffn=int(values.get("n_inner") or 4 * width),
        vocabulary=int(values["vocab_size"]),
        positions=positions,
        learned_positions=positions,
        qkv_bias=True,
        attention_out_bias=True,
        ffn_bias=True,
        norm_bias=True,
    )


def gpt_neox(values: Values) -> Shape:  # GPTNeoXForCausalLM
    bias = bool(values.get("attention_bias", True))
    return Shape(
        **_common(values),
        ffn=int(values["intermediate_size"]),
        qkv_bias=bias,
        attention_out_bias=bias,
        ffn_bias=True,
        norm_bias=True,
    )


def bloom(values: Values) -> Shape:  # BloomForCausalLM
    width = int(values.get("hidden_size") or values["n_embed"])
    heads = int(values.get("n_head") or values["num_attention_heads"])
    return Shape(
        layers=int(values.get("n_layer") or values["num_hidden_layers"]),
        width=width,
        heads=heads,
        kv_heads=heads,
        head_width=width // heads,
        ffn=4 * width,
        vocabulary=int(values["vocab_size"]),
        positions=int(values.get("seq_length") or 2048),
        embedding_norm=True,
        qkv_bias=True,
        attention_out_bias=True,
        ffn_bias=True,
        norm_bias=True,
    )


def mpt(values: Values) -> Shape:  # MptForCausalLM
    width, heads = int(values["d_model"]), int(values["n_heads"])
    attention = values.get("attn_config") or {}
    return Shape(
        layers=int(values["n_layers"]),
        width=width,
        heads=heads,
        kv_heads=int(attention.get("kv_n_heads") or heads),
        head_width=width // heads,
        ffn=int(values.get("expansion_ratio", 4)) * width,
        vocabulary=int(values["vocab_size"]),
        positions=int(values.get("max_seq_len", 2048)),
    )


def olmo(values: Values) -> Shape:  # OlmoForCausalLM: norms without parameters
    return Shape(
        **_common(values), ffn=int(values["intermediate_size"]), gated=True, norms=0, final_norm=False
    )


def olmo2(values: Values) -> Shape:  # Olmo2ForCausalLM
    return Shape(**_common(values), ffn=int(values["intermediate_size"]), gated=True, qk_norms=2)


def olmoe(values: Values) -> Shape:  # OlmoeForCausalLM
    experts = Experts(
        int(values["num_experts"]), int(values["num_experts_per_tok"]), int(values["intermediate_size"])
    )
    return Shape(**_common(values), ffn=0, gated=True, qk_norms=2, experts=experts)


def stablelm(values: Values) -> Shape:  # StableLmForCausalLM
    return Shape(
        **_common(values),
        ffn=int(values["intermediate_size"]),
        gated=True,
        qkv_bias=bool(values.get("use_qkv_bias", False)),
        norms=1 if values.get("use_parallel_residual", False) else 2,
        norm_bias=True,
        qk_norms=2 * bool(values.get("qk_layernorm", False)),  # one for each head
        qk_norm_bias=False,
    )


def deepseek(values: Values) -> Shape:  # DeepseekV2ForCausalLM, DeepseekV3ForCausalLM (without its MTP layer)
    common = _common({"head_dim": 1, **values})
    layers, neurons = common["layers"], int(values.get("moe_intermediate_size") or 0)
    count = int(values.get("n_routed_experts") or 0)
    first, period = int(values.get("first_k_dense_replace", 0)), int(values.get("moe_layer_freq", 1))
    experts = None
    if count:
        experts = Experts(
            count,
            int(values.get("num_experts_per_tok") or 0),
            neurons,
            int(values.get("n_shared_experts") or 0) * neurons,
            router_values=count if values.get("topk_method") == "noaux_tc" else 0,
        )
    return Shape(
        **common,
        ffn=int(values["intermediate_size"]),
        gated=True,
        latent=Latent(
            int(values.get("q_lora_rank") or 0),
            int(values["kv_lora_rank"]),
            int(values["qk_rope_head_dim"]),
            int(values["qk_nope_head_dim"]),
            int(values["v_head_dim"]),
        ),
        experts=experts,
        expert_layers=tuple(count > 0 and layer >= first and layer % period == 0 for layer in range(layers)),
    )


def hymba(
    values: Values,
) -> Shape:  # HymbaForCausalLM: attention and a scan in each layer
    common = _common(values, tied=True)
    layers, width = common["layers"], common["width"]
    inner, rank = int(values.get("mamba_expand", 2)) * width, values.get("mamba_dt_rank", "auto")
    owners = list(range(layers))
    for group in values.get("kv_reuse_group") or []:
        for layer in group[1:]:
            owners[layer] = group[0]
    everywhere = values.get("global_attn_idx") or []
    return Shape(
        **common,
        ffn=int(values["intermediate_size"]),
        gated=True,
        windows=windows_of(values, lambda layer: layer not in everywhere),
        scan=Scan(
            inner,
            int(values.get("mamba_d_state", 16)),
            int(values.get("mamba_d_conv", 4)),
            -(-width // 16) if rank == "auto" else int(rank),
            norms=True,
        ),
        parallel_scan=True,
        value_width=int(values.get("v_head_dim") or inner // common["heads"]),
        kv_owners=tuple(owners),
    )


def gpt_oss(values: Values) -> Shape:  # GptOssForCausalLM: every other layer has a window
    experts = Experts(
        int(values["num_local_experts"]),
        int(values.get("num_experts_per_tok") or values["experts_per_token"]),
        int(values["intermediate_size"]),
        bias=True,
    )
    return Shape(
        **_common(values),
        ffn=0,
        gated=True,
        qkv_bias=True,
        attention_out_bias=True,
        sinks=True,
        experts=experts,
        windows=windows_of(values, lambda layer: layer % 2 == 0),
    )


def mamba(values: Values) -> Shape:  # MambaForCausalLM
    width, layers = int(values["hidden_size"]), int(values["num_hidden_layers"])
    rank = values.get("time_step_rank", "auto")
    return Shape(
        layers=layers,
        width=width,
        heads=1,
        kv_heads=1,
        head_width=width,
        ffn=0,
        vocabulary=int(values["vocab_size"]),
        positions=2**20,
        norms=1,
        scan=Scan(
            int(values.get("intermediate_size") or int(values.get("expand", 2)) * width),
            int(values.get("state_size", 16)),
            int(values.get("conv_kernel", 4)),
            -(-width // 16) if rank == "auto" else int(rank),
        ),
        scan_layers=(True,) * layers,
    )


def jamba(values: Values) -> Shape:  # JambaForCausalLM: attention, scans and experts in turn
    common = _common(values)
    layers, width, rank = common["layers"], common["width"], values.get("mamba_dt_rank", "auto")

    def every(kind: str, layer: int) -> bool:
        return bool(layer % int(values[f"{kind}_layer_period"]) == int(values[f"{kind}_layer_offset"]))

    return Shape(
        **common,
        ffn=int(values["intermediate_size"]),
        gated=True,
        experts=Experts(
            int(values["num_experts"]), int(values["num_experts_per_tok"]), int(values["intermediate_size"])
        ),
        expert_layers=tuple(every("expert", layer) for layer in range(layers)),
        scan=Scan(
            int(values.get("mamba_expand", 2)) * width,
            int(values.get("mamba_d_state", 16)),
            int(values.get("mamba_d_conv", 4)),
            -(-width // 16) if rank == "auto" else int(rank),
            norms=True,
        ),
        scan_layers=tuple(not every("attn", layer) for layer in range(layers)),
    )


ARCHITECTURES: dict[str, Callable[[Values], Shape]] = {
    "opt": opt,
    "llama": llama,
    "llama4": llama4,
    "llama4_text": llama4,
    "mistral": llama,
    "mixtral": mixtral,
    "qwen2": qwen2,
    "qwen2_vl": qwen2,
    "qwen2_5_vl": qwen2,
    "qwen2_vl_text": qwen2,
    "qwen2_5_vl_text": qwen2,
    "qwen2_moe": qwen2_moe,
    "qwen3": qwen3,
    "qwen3_moe": qwen3_moe,
    "gemma": gemma,
    "gemma2": gemma2,
    "gemma3_text": gemma3,
    "falcon": falcon,
    "phi": phi,
    "phi3": phi3,
    "phimoe": phimoe,
    "persimmon": persimmon,
    "gpt2": gpt2,
    "gpt_neox": gpt_neox,
    "bloom": bloom,
    "mpt": mpt,
    "olmo": olmo,
    "olmo2": olmo2,
    "olmoe": olmoe,
    "stablelm": stablelm,
    "deepseek_v2": deepseek,
    "deepseek_v3": deepseek,
    "kimi_k2": deepseek,
    "hymba": hymba,
    "gpt_oss": gpt_oss,
    "mamba": mamba,
    "jamba": jamba,
}
