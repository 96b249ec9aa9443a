"""The matrix products of a decoder's layers as a graphics card runs them: one kernel for each input."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from workloads.llm.dtypes import bits_of
from workloads.llm.model import Transformer
from workloads.llm.shape import Shape

VALUE_BYTES = 2  # of activations


class Product(NamedTuple):
    """A product of rows of ``inputs`` values with a matrix, or each of them with some of many (experts)."""

    inputs: int
    outputs: int
    bits: float  # of a weight
    experts: int = 1
    per_token: int = 1  # of the experts that a token takes

    def moved_bytes(self, tokens: int) -> float:
        """Return the bytes of inputs, outputs, and of the weights that one of ``tokens`` tokens takes."""
        used: float = self.experts
        if self.experts > 1:  # all experts alike: each is left out by one token with the same chance
            used = self.experts * (1 - (1 - self.per_token / self.experts) ** tokens)
        rows = tokens * self.per_token
        return used * self.inputs * self.outputs * self.bits / 8 + VALUE_BYTES * rows * (
            self.inputs + self.outputs
        )

    def flop(self, tokens: int) -> int:
        return 2 * tokens * self.per_token * self.inputs * self.outputs


class LayerKind(NamedTuple):
    """A layer but for its attention over tokens."""

    products: tuple[Product, ...]
    pointwise: tuple[int, ...]  # values that a token's norms, rotation and activations read and write


def layer_kinds(model: Transformer) -> list[tuple[int, LayerKind]]:
    """Return how many layers there are of each kind."""
    found = Counter(
        LayerKind(tuple(_products(model, layer)), tuple(_pointwise(model.shape, layer)))
        for layer in range(model.shape.layers)
    )
    return [(many, kind) for kind, many in found.items()]


def _products(model: Transformer, layer: int) -> Iterator[Product]:
    shape = model.shape
    bits = {role: float(bits_of(model.dtypes.get(role, "bf16"))) for role in ("attention", "ffn", "expert")}
    for inputs, outputs in _mixing(shape, layer):
        yield Product(inputs, outputs, bits["attention"])
    ups, experts = 2 if shape.gated else 1, shape.experts
    if not shape.expert_layers[layer]:
        if shape.ffn:
            yield Product(shape.width, ups * shape.ffn, bits["ffn"])
            yield Product(shape.ffn, shape.width, bits["ffn"])
        return
    assert experts is not None
    yield Product(shape.width, experts.count, 16)
    for inputs, outputs in ((shape.width, ups * experts.ffn), (experts.ffn, shape.width)):
        yield Product(inputs, outputs, bits["expert"], experts.count, experts.per_token)
    if experts.shared_ffn:
        yield Product(shape.width, ups * experts.shared_ffn, bits["ffn"])
        yield Product(experts.shared_ffn, shape.width, bits["ffn"])


def _mixing(shape: Shape, layer: int) -> Iterator[tuple[int, int]]:
    """Yield (inputs, outputs) of what mixes tokens: attention, latent attention, a scan, or two of them."""
    scan = shape.scan
    if scan is not None and (shape.scan_layers[layer] or shape.parallel_scan):
        yield shape.width, 2 * scan.inner
        yield scan.inner, scan.step_rank + 2 * scan.state
        yield scan.step_rank, scan.inner
        if shape.scan_layers[layer]:
            yield scan.inner, shape.width
            return
    if shape.latent is not None:
        yield from _latent(shape)
        return
    queries, keys = shape.heads * shape.head_width, shape.kv_heads * (shape.head_width + shape.value_width)
    yield shape.width, queries + (keys if shape.kv_owners[layer] == layer else 0)
    yield shape.heads * shape.value_width, shape.width


def _latent(shape: Shape) -> Iterator[tuple[int, int]]:
    """Yield the products of latent attention; its up-projection is the same work on either side of scores."""
    latent = shape.latent
    assert latent is not None
    queries = shape.heads * (latent.nope_width + latent.rope_width)
    compressed = latent.rank + latent.rope_width
    if latent.query_rank:
        yield shape.width, latent.query_rank + compressed
        yield latent.query_rank, queries
    else:
        yield shape.width, queries + compressed
    yield latent.rank, shape.heads * (latent.nope_width + latent.value_width)
    yield shape.heads * latent.value_width, shape.width


def _pointwise(shape: Shape, layer: int) -> Iterator[int]:
    yield from [3 * shape.width] * shape.norms
    if shape.kv_heads and not shape.scan_layers[layer]:
        yield 2 * (shape.heads * shape.head_width + shape.kv_heads * (shape.head_width + shape.value_width))
    if shape.scan is not None and (shape.scan_layers[layer] or shape.parallel_scan):
        yield 4 * shape.scan.inner  # convolution and scan: input, gate, step, output
    ups, experts = 2 if shape.gated else 1, shape.experts
    if not shape.expert_layers[layer]:
        yield (ups + 1) * shape.ffn
    elif experts is not None:
        yield (ups + 1) * (experts.per_token * experts.ffn + experts.shared_ffn)
