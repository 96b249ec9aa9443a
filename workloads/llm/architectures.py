"""Architectures by their `model_type`: from config values to a shape, and from a shape to tensors.

Sources: the model definitions of Hugging Face transformers (class names in the comments), read for the
names, shapes and biases of their parameters.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Tensor(NamedTuple):
    name: str
    layer: int  # -1: not of a layer
    role: str  # embedding, position, projection, head, attention, ffn, norm, bias
    shape: tuple[int, ...]

    @property
    def values(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclass(frozen=True)
class Shape:
    """What an architecture leaves open. Widths in values."""

    layers: int
    width: int  # d_model
    heads: int
    kv_heads: int
    head_width: int
    ffn: int  # neurons of one layer's FFN
    vocabulary: int
    positions: int  # longest context
    gated: bool = False
    tied: bool = True  # output projection is the embedding
    learned_positions: int = 0  # rows of the position table; 0: rotary or none
    embedding_width: int = 0  # 0 becomes width
    qkv_bias: bool = False
    attention_out_bias: bool = False
    ffn_bias: bool = False
    head_bias: bool = False
    norms: int = 2  # per layer
    norm_bias: bool = False
    qk_norms: int = 0  # 1: over a head's width, for queries and for keys
    final_norm: bool = True
    attention_window: int | None = None

    def __post_init__(self) -> None:
        if self.embedding_width == 0:
            object.__setattr__(self, "embedding_width", self.width)


def _common(values: Mapping[str, Any]) -> dict[str, Any]:
    width, heads = int(values["hidden_size"]), int(values["num_attention_heads"])
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
        "tied": bool(values.get("tie_word_embeddings", True)),
    }


def opt(values: Mapping[str, Any]) -> Shape:  # OPTForCausalLM
    bias = bool(values.get("enable_bias", True))
    positions = int(values.get("max_position_embeddings", 2048))
    return Shape(
        **_common(values),
        ffn=int(values["ffn_dim"]),
        learned_positions=positions + 2,  # two rows before the first position
        embedding_width=int(values.get("word_embed_proj_dim") or values["hidden_size"]),
        qkv_bias=bias,
        attention_out_bias=bias,
        ffn_bias=bias,
        norm_bias=True,
        final_norm=bool(values.get("do_layer_norm_before", True)),
    )


def llama(values: Mapping[str, Any]) -> Shape:  # LlamaForCausalLM, MistralForCausalLM
    bias = bool(values.get("attention_bias", False))
    return Shape(
        **{**_common(values), "tied": bool(values.get("tie_word_embeddings", False))},
        ffn=int(values["intermediate_size"]),
        gated=True,
        qkv_bias=bias,
        attention_out_bias=bias,
        ffn_bias=bool(values.get("mlp_bias", False)),
        attention_window=values.get("sliding_window"),
    )


def qwen2(values: Mapping[str, Any]) -> Shape:  # Qwen2ForCausalLM
    return Shape(
        **{**_common(values), "tied": bool(values.get("tie_word_embeddings", False))},
        ffn=int(values["intermediate_size"]),
        gated=True,
        qkv_bias=True,
        attention_window=values.get("sliding_window") if values.get("use_sliding_window") else None,
    )


def qwen3(values: Mapping[str, Any]) -> Shape:  # Qwen3ForCausalLM
    return Shape(
        **{**_common(values), "tied": bool(values.get("tie_word_embeddings", False))},
        ffn=int(values["intermediate_size"]),
        gated=True,
        qk_norms=1,
    )


def falcon(values: Mapping[str, Any]) -> Shape:  # FalconForCausalLM
    common = _common(values)
    grouped = bool(values.get("new_decoder_architecture", False))
    if grouped:
        common["kv_heads"] = int(values.get("num_kv_heads") or common["heads"])
    elif values.get("multi_query", True):
        common["kv_heads"] = 1
    bias = bool(values.get("bias", False))
    return Shape(
        **common,
        ffn=int(values.get("ffn_hidden_size") or 4 * common["width"]),
        qkv_bias=bias,
        attention_out_bias=bias,
        ffn_bias=bias,
        norms=1 if values.get("parallel_attn", True) and not grouped else 2,
        norm_bias=True,
    )


def phi(values: Mapping[str, Any]) -> Shape:  # PhiForCausalLM
    return Shape(
        **{**_common(values), "tied": bool(values.get("tie_word_embeddings", False))},
        ffn=int(values["intermediate_size"]),
        qkv_bias=True,
        attention_out_bias=True,
        ffn_bias=True,
        head_bias=True,
        norms=1,
        norm_bias=True,
        qk_norms=int(bool(values.get("qk_layernorm", False))),
    )


def persimmon(values: Mapping[str, Any]) -> Shape:  # PersimmonForCausalLM
    return Shape(
        **{**_common(values), "tied": bool(values.get("tie_word_embeddings", False))},
        ffn=int(values["intermediate_size"]),
        qkv_bias=True,
        attention_out_bias=True,
        ffn_bias=True,
        norm_bias=True,
        qk_norms=int(bool(values.get("qk_layernorm", True))),
    )


ARCHITECTURES: dict[str, Callable[[Mapping[str, Any]], Shape]] = {
    "opt": opt,
    "llama": llama,
    "mistral": llama,
    "qwen2": qwen2,
    "qwen3": qwen3,
    "falcon": falcon,
    "phi": phi,
    "persimmon": persimmon,
}


def tensors_of(shape: Shape) -> Iterator[Tensor]:
    """Yield every parameter tensor of the model, in the order of a checkpoint."""
    yield Tensor("embed_tokens", -1, "embedding", (shape.vocabulary, shape.embedding_width))
    if shape.learned_positions:
        yield Tensor("embed_positions", -1, "position", (shape.learned_positions, shape.width))
    if shape.embedding_width != shape.width:
        yield Tensor("project_in", -1, "projection", (shape.width, shape.embedding_width))
        yield Tensor("project_out", -1, "projection", (shape.embedding_width, shape.width))
    for layer in range(shape.layers):
        yield from _layer_tensors(shape, layer)
    if shape.final_norm:
        yield from _norm("final_norm", -1, shape.width, shape.norm_bias)
    if not shape.tied:
        yield Tensor("lm_head", -1, "head", (shape.vocabulary, shape.embedding_width))
    if shape.head_bias:
        yield Tensor("lm_head.bias", -1, "bias", (shape.vocabulary,))


def _layer_tensors(shape: Shape, layer: int) -> Iterator[Tensor]:
    queries, keys = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    for name, outputs in (("q_proj", queries), ("k_proj", keys), ("v_proj", keys)):
        yield from _linear(f"layers.{layer}.{name}", layer, "attention", outputs, shape.width, shape.qkv_bias)
    name = f"layers.{layer}.o_proj"
    yield from _linear(name, layer, "attention", shape.width, queries, shape.attention_out_bias)
    for i in range(2 * shape.qk_norms):
        yield from _norm(f"layers.{layer}.{'qk'[i]}_norm", layer, shape.head_width, shape.norm_bias)
    for name in ("up_proj", "gate_proj") if shape.gated else ("up_proj",):
        yield from _linear(f"layers.{layer}.{name}", layer, "ffn", shape.ffn, shape.width, shape.ffn_bias)
    name = f"layers.{layer}.down_proj"
    yield from _linear(name, layer, "ffn", shape.width, shape.ffn, shape.ffn_bias)
    for i in range(shape.norms):
        yield from _norm(f"layers.{layer}.norm{i + 1}", layer, shape.width, shape.norm_bias)


def _linear(name: str, layer: int, role: str, outputs: int, inputs: int, bias: bool) -> Iterator[Tensor]:
    yield Tensor(name, layer, role, (outputs, inputs))
    if bias:
        yield Tensor(f"{name}.bias", layer, "bias", (outputs,))


def _norm(name: str, layer: int, width: int, bias: bool) -> Iterator[Tensor]:
    yield Tensor(name, layer, "norm", (width,))
    if bias:
        yield Tensor(f"{name}.bias", layer, "bias", (width,))
