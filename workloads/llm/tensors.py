"""Every parameter tensor of a decoder, from its shape, in the order of a checkpoint."""

from collections.abc import Iterator

from workloads.llm.shape import Experts, Latent, Scan, Shape, Tensor


def tensors_of(shape: Shape) -> Iterator[Tensor]:
    """Yield the tensors of the whole model."""
    yield Tensor("embed_tokens", -1, "embedding", (shape.vocabulary, shape.embedding_width))
    if shape.learned_positions:
        yield Tensor("embed_positions", -1, "position", (shape.learned_positions, shape.width))
    if shape.embedding_norm:
        yield from _norm("embed_norm", -1, shape.width, shape.norm_bias)
    if shape.embedding_width != shape.width:
        yield Tensor("project_in", -1, "projection", (shape.width, shape.embedding_width))
        yield Tensor("project_out", -1, "projection", (shape.embedding_width, shape.width))
    for layer in range(shape.layers):
        yield from _layer(shape, layer)
    if shape.final_norm:
        yield from _norm("final_norm", -1, shape.width, shape.norm_bias)
    if not shape.tied:
        yield Tensor("lm_head", -1, "head", (shape.vocabulary, shape.embedding_width))
    if shape.head_bias:
        yield Tensor("lm_head.bias", -1, "bias", (shape.vocabulary,))


def _layer(shape: Shape, layer: int) -> Iterator[Tensor]:
    name = f"layers.{layer}"
    if shape.scan_layers[layer]:
        assert shape.scan is not None
        yield from _scan(name, layer, shape.width, shape.scan)
    elif shape.latent is not None:
        yield from _latent(name, layer, shape, shape.latent)
    else:
        yield from _attention(name, layer, shape)
        if shape.parallel_scan:
            assert shape.scan is not None
            yield from _scan(name, layer, shape.width, shape.scan, output=False)
    if shape.expert_layers[layer]:
        assert shape.experts is not None
        yield from _experts(name, layer, shape, shape.experts)
    elif shape.ffn:
        yield from _ffn(name, layer, shape, shape.ffn, "ffn")
    for i in range(shape.norms):
        yield from _norm(f"{name}.norm{i + 1}", layer, shape.width, shape.norm_bias)


def _attention(name: str, layer: int, shape: Shape) -> Iterator[Tensor]:
    queries, keys = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    parts, values = [("q_proj", queries)], shape.kv_heads * shape.value_width
    if shape.kv_owners[layer] == layer:
        parts += [("k_proj", keys), ("v_proj", values)]
    for part, outputs in parts:
        yield from _linear(f"{name}.{part}", layer, "attention", outputs, shape.width, shape.qkv_bias)
    heads = shape.heads * shape.value_width
    yield from _linear(f"{name}.o_proj", layer, "attention", shape.width, heads, shape.attention_out_bias)
    if shape.qk_norms:
        wide = shape.qk_norms == 2
        bias = shape.norm_bias if shape.qk_norm_bias is None else shape.qk_norm_bias
        yield from _norm(f"{name}.q_norm", layer, queries if wide else shape.head_width, bias)
        yield from _norm(f"{name}.k_norm", layer, keys if wide else shape.head_width, bias)
    if shape.sinks:
        yield Tensor(f"{name}.sinks", layer, "bias", (shape.heads,))


def _latent(name: str, layer: int, shape: Shape, latent: Latent) -> Iterator[Tensor]:
    """DeepseekV2Attention, DeepseekV3Attention."""
    queries = shape.heads * (latent.nope_width + latent.rope_width)
    if latent.query_rank:
        yield from _linear(f"{name}.q_a_proj", layer, "attention", latent.query_rank, shape.width, False)
        yield from _norm(f"{name}.q_a_norm", layer, latent.query_rank, False)
        yield from _linear(f"{name}.q_b_proj", layer, "attention", queries, latent.query_rank, False)
    else:
        yield from _linear(f"{name}.q_proj", layer, "attention", queries, shape.width, False)
    compressed = latent.rank + latent.rope_width
    yield from _linear(f"{name}.kv_a_proj", layer, "attention", compressed, shape.width, False)
    yield from _norm(f"{name}.kv_a_norm", layer, latent.rank, False)
    heads = shape.heads * (latent.nope_width + latent.value_width)
    yield from _linear(f"{name}.kv_b_proj", layer, "attention", heads, latent.rank, False)
    values = shape.heads * latent.value_width
    yield from _linear(f"{name}.o_proj", layer, "attention", shape.width, values, False)


def _scan(name: str, layer: int, width: int, scan: Scan, *, output: bool = True) -> Iterator[Tensor]:
    """MambaMixer, JambaMambaMixer; without an ``output`` its own it has the attention's."""
    yield Tensor(f"{name}.in_proj", layer, "attention", (2 * scan.inner, width))
    yield Tensor(f"{name}.conv1d", layer, "attention", (scan.inner, scan.kernel))
    yield Tensor(f"{name}.conv1d.bias", layer, "bias", (scan.inner,))
    yield Tensor(f"{name}.x_proj", layer, "attention", (scan.step_rank + 2 * scan.state, scan.inner))
    yield from _linear(f"{name}.dt_proj", layer, "attention", scan.inner, scan.step_rank, True)
    yield Tensor(f"{name}.A_log", layer, "attention", (scan.inner, scan.state))
    yield Tensor(f"{name}.D", layer, "bias", (scan.inner,))
    if output:
        yield Tensor(f"{name}.out_proj", layer, "attention", (width, scan.inner))
    if scan.norms:
        for part, size in (("dt", scan.step_rank), ("b", scan.state), ("c", scan.state)):
            yield from _norm(f"{name}.{part}_norm", layer, size, False)


def _ffn(name: str, layer: int, shape: Shape, neurons: int, role: str) -> Iterator[Tensor]:
    for part in ("up_proj", "gate_proj") if shape.gated else ("up_proj",):
        yield from _linear(f"{name}.{part}", layer, role, neurons, shape.width, shape.ffn_bias)
    yield from _linear(f"{name}.down_proj", layer, role, shape.width, neurons, shape.ffn_bias)


def _experts(name: str, layer: int, shape: Shape, experts: Experts) -> Iterator[Tensor]:
    """All experts of a part together, as one tensor: (experts, outputs, inputs)."""
    yield Tensor(f"{name}.router", layer, "router", (experts.count, shape.width))
    for part in ("up_proj", "gate_proj") if shape.gated else ("up_proj",):
        yield Tensor(f"{name}.experts.{part}", layer, "expert", (experts.count, experts.ffn, shape.width))
        if experts.bias:
            yield Tensor(f"{name}.experts.{part}.bias", layer, "expert", (experts.count, experts.ffn))
    yield Tensor(f"{name}.experts.down_proj", layer, "expert", (experts.count, shape.width, experts.ffn))
    if experts.bias:
        yield Tensor(f"{name}.experts.down_proj.bias", layer, "expert", (experts.count, shape.width))
        yield Tensor(f"{name}.router.bias", layer, "bias", (experts.count,))
    if experts.router_values:
        yield Tensor(f"{name}.router.correction", layer, "bias", (experts.router_values,))
    if experts.shared_ffn:
        yield from _ffn(f"{name}.shared_expert", layer, shape, experts.shared_ffn, "ffn")
    if experts.shared_gate:
        yield Tensor(f"{name}.shared_expert_gate", layer, "router", (1, shape.width))


def _linear(name: str, layer: int, role: str, outputs: int, inputs: int, bias: bool) -> Iterator[Tensor]:
    yield Tensor(name, layer, role, (outputs, inputs))
    if bias:
        yield Tensor(f"{name}.bias", layer, "bias", (outputs,))


def _norm(name: str, layer: int, width: int, bias: bool) -> Iterator[Tensor]:
    yield Tensor(name, layer, "norm", (width,))
    if bias:
        yield Tensor(f"{name}.bias", layer, "bias", (width,))
