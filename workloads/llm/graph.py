"""A transformer's pass over some tokens as a network for the accelerator.

Tokens lie side by side in a row: a linear layer is a 1x1 convolution over it, a residual an addition, a
gate a product of two tensors. Normalisation, attention and the embedding are a core's work.
"""

from hw_models.errors import ConfigError
from workloads.graph import CoreWork, Network, NetworkBuilder, Shape, Window
from workloads.llm.model import Transformer
from workloads.llm.shape import Shape as ModelShape

LINEAR = Window()


def transformer_network(model: Transformer, tokens: int) -> Network:
    """Return the network of one pass over ``tokens`` new tokens, the output projection of all of them last.

    Raises ValueError if the model cannot take as many, ConfigError if it is of a kind that is not lowered.
    """
    shape = model.shape
    if shape.experts is not None or shape.latent is not None or shape.scan is not None:
        message = f"{model.name} has experts, latent attention or scans, which no accelerator is given"
        raise ConfigError(f"{message}; write a model without", key="network")
    if not 0 < tokens <= shape.positions:
        raise ValueError(f"{tokens} tokens; {model.name} takes 1 to {shape.positions}")
    builder = NetworkBuilder(model.name)
    stream = builder.input("embeddings", shape.embedding_width, 1, tokens)
    if shape.embedding_width != shape.width:
        stream = builder.conv("project_in", stream, shape.width, LINEAR, bias=False)
    for layer in range(shape.layers):
        stream = _layer(builder, shape, f"layers.{layer}", stream, tokens)
    last = builder.cpu("final_norm", "norm", [stream], Shape(shape.width, 1, tokens))
    if shape.embedding_width != shape.width:
        last = builder.conv("project_out", last, shape.embedding_width, LINEAR, bias=False)
    builder.conv("lm_head", last, shape.vocabulary, LINEAR, bias=shape.head_bias)
    return builder.finish()


def _layer(builder: NetworkBuilder, shape: ModelShape, name: str, stream: str, tokens: int) -> str:
    width, heads = shape.head_width * shape.heads, shape.head_width * shape.kv_heads
    normed = builder.cpu(f"{name}.norm1", "norm", [stream], Shape(shape.width, 1, tokens))
    parts = [
        builder.conv(f"{name}.{part}_proj", normed, size, LINEAR, bias=shape.qkv_bias)
        for part, size in (("q", width), ("k", heads), ("v", heads))
    ]
    pairs = tokens * (tokens + 1) // 2  # of a token and one that it sees: scores, then values
    work = CoreWork(macs=2 * width * pairs)
    mixed = builder.cpu(f"{name}.attention", "attention", parts, Shape(width, 1, tokens), work=work)
    out = builder.conv(f"{name}.o_proj", mixed, shape.width, LINEAR, bias=shape.attention_out_bias)
    if shape.norms == 1:  # attention and FFN side by side, both on the normalised stream
        both = builder.eltwise(f"{name}.add_ffn", [out, _ffn(builder, shape, name, normed)])
        return builder.eltwise(f"{name}.add", [both, stream])
    stream = builder.eltwise(f"{name}.add1", [out, stream])
    normed = builder.cpu(f"{name}.norm2", "norm", [stream], Shape(shape.width, 1, tokens))
    return builder.eltwise(f"{name}.add2", [_ffn(builder, shape, name, normed), stream])


def _ffn(builder: NetworkBuilder, shape: ModelShape, name: str, source: str) -> str:
    up = builder.conv(f"{name}.up_proj", source, shape.ffn, LINEAR, bias=shape.ffn_bias)
    if shape.gated:
        gate = builder.conv(f"{name}.gate_proj", source, shape.ffn, LINEAR, bias=shape.ffn_bias)
        gate = builder.same_shape(f"{name}.gate", "activation", gate, "sigmoid")
        up = builder.eltwise(f"{name}.gated", [up, gate], "mul")
    else:
        up = builder.same_shape(f"{name}.relu", "activation", up, "relu")
    return builder.conv(f"{name}.down_proj", up, shape.width, LINEAR, bias=shape.ffn_bias)
