"""A transformer's pass over some tokens as a network for the accelerator.

Tokens lie side by side in a row: a linear layer is a 1x1 convolution over it, a residual an addition, a
gate a product of two tensors. Normalisation, attention and the embedding are a core's work.

Behind a context, attention is the accelerator's too: two 1x1 convolutions whose kernels are the keys, then
the values, of all tokens, a group of channels for each key-value head. The query heads that share one lie
side by side like tokens. A core turns queries, takes the softmax between, and puts heads back in order.
"""

from hw_models.errors import ConfigError
from workloads.graph import MOST, CoreWork, Network, NetworkBuilder, Shape, Window
from workloads.llm.model import Transformer
from workloads.llm.shape import Shape as ModelShape

LINEAR = Window()


def transformer_network(model: Transformer, tokens: int, context: int | None = None) -> Network:
    """Return the network of one pass over ``tokens`` new tokens, the output projection of all of them last.

    ``context``: tokens before them; None: none, and attention is a core's. Raises ValueError if the model
    cannot take as many, ConfigError if it is of a kind that is not lowered.
    """
    shape = model.shape
    if shape.experts is not None or shape.latent is not None or shape.scan is not None:
        message = f"{model.name} has experts, latent attention or scans, which no accelerator is given"
        raise ConfigError(f"{message}; write a model without", key="network")
    if not 0 < tokens <= shape.positions:
        raise ValueError(f"{tokens} tokens; {model.name} takes 1 to {shape.positions}")
    if context is not None and context + tokens > shape.positions:
        raise ValueError(f"{tokens} tokens behind {context}; {model.name} takes {shape.positions} together")
    builder = NetworkBuilder(model.name)
    stream = builder.input("embeddings", shape.embedding_width, 1, tokens)
    if shape.embedding_width != shape.width:
        stream = builder.conv("project_in", stream, shape.width, LINEAR, bias=False)
    for layer in range(shape.layers):
        seen = None if context is None else min(context + tokens, shape.windows[layer] or MOST)
        stream = _layer(builder, shape, layer, stream, tokens, seen)
    last = builder.cpu("final_norm", "norm", [stream], Shape(shape.width, 1, tokens))
    if shape.embedding_width != shape.width:
        last = builder.conv("project_out", last, shape.embedding_width, LINEAR, bias=False)
    builder.conv("lm_head", last, shape.vocabulary, LINEAR, bias=shape.head_bias)
    return builder.finish()


def _layer(
    builder: NetworkBuilder, shape: ModelShape, layer: int, stream: str, tokens: int, seen: int | None
) -> str:
    name = f"layers.{layer}"
    width, heads = shape.head_width * shape.heads, shape.head_width * shape.kv_heads
    normed = builder.cpu(f"{name}.norm1", "norm", [stream], Shape(shape.width, 1, tokens))
    parts = [
        builder.conv(f"{name}.{part}_proj", normed, size, LINEAR, bias=shape.qkv_bias)
        for part, size in (("q", width), ("k", heads), ("v", heads))
    ]
    if seen is None:
        pairs = tokens * (tokens + 1) // 2  # of a token and one that it sees: scores, then values
        work = CoreWork(macs=2 * width * pairs)
        mixed = builder.cpu(f"{name}.attention", "attention", parts, Shape(width, 1, tokens), work=work)
    else:
        mixed = _attention(builder, shape, name, parts, tokens, seen)
    out = builder.conv(f"{name}.o_proj", mixed, shape.width, LINEAR, bias=shape.attention_out_bias)
    if shape.norms == 1:  # attention and FFN side by side, both on the normalised stream
        both = builder.eltwise(f"{name}.add_ffn", [out, _ffn(builder, shape, name, normed)])
        return builder.eltwise(f"{name}.add", [both, stream])
    stream = builder.eltwise(f"{name}.add1", [out, stream])
    normed = builder.cpu(f"{name}.norm2", "norm", [stream], Shape(shape.width, 1, tokens))
    return builder.eltwise(f"{name}.add2", [_ffn(builder, shape, name, normed), stream])


def _attention(
    builder: NetworkBuilder, shape: ModelShape, name: str, parts: list[str], tokens: int, seen: int
) -> str:
    """Return the attention of ``tokens`` tokens to the keys and values of ``seen``."""
    kept, columns = shape.kv_heads * shape.head_width, tokens * shape.heads // shape.kv_heads
    queries = builder.cpu(f"{name}.turned", "transpose", parts, Shape(kept, 1, columns))
    kernels, groups = shape.kv_heads * seen, shape.kv_heads
    scores = builder.conv(f"{name}.scores", queries, kernels, LINEAR, groups, bias=False)
    weighed = builder.same_shape(f"{name}.softmax", "softmax", scores)
    mixed = builder.conv(f"{name}.values", weighed, kept, LINEAR, groups, bias=False)
    return builder.cpu(
        f"{name}.heads", "transpose", [mixed], Shape(shape.head_width * shape.heads, 1, tokens)
    )


def _ffn(builder: NetworkBuilder, shape: ModelShape, name: str, source: str) -> str:
    up = builder.conv(f"{name}.up_proj", source, shape.ffn, LINEAR, bias=shape.ffn_bias)
    if shape.gated:
        gate = builder.conv(f"{name}.gate_proj", source, shape.ffn, LINEAR, bias=shape.ffn_bias)
        gate = builder.same_shape(f"{name}.gate", "activation", gate, "sigmoid")
        up = builder.eltwise(f"{name}.gated", [up, gate], "mul")
    else:
        up = builder.same_shape(f"{name}.relu", "activation", up, "relu")
    return builder.conv(f"{name}.down_proj", up, shape.width, LINEAR, bias=shape.ffn_bias)
