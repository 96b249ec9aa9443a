"""How long one step of a serving engine takes on a graphics card: all layers over its tokens."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from hw_models.roofline.gpus import Gpu
from hw_models.roofline.kernels import (
    TILE_QUERIES,
    Heads,
    decode_attention_s,
    linear_s,
    pointwise_s,
    prefix_attention_s,
    tile_keys,
    tiled_attention_s,
)
from simulator.serving.layers import VALUE_BYTES, Product, layer_kinds
from simulator.serving.room import Room
from workloads.llm.cells import Cells, Kept, cells_of
from workloads.llm.model import Transformer

SAMPLER_PASSES = 2.2  # over the logits in FP32; measured kernels
SAMPLER_LAUNCH_S = 23e-6  # of its dozen small kernels; measured


@dataclass(frozen=True)
class Batch:
    """What a step works on."""

    decode_context: int  # tokens behind the sequences that decode, added up over them
    decoding: int  # such sequences
    prompts: tuple[tuple[int, int], ...]  # (new tokens, tokens before) of the others
    sampled: int  # sequences whose next token is drawn
    prefix_context: int = 0  # tokens that those that decode share, read once for all
    decoding_at: tuple[tuple[int, int], ...] = ()  # (context, prompt) of each, where a step does not read all

    adapter_bytes: int = 0  # of all tenants in the step

    @property
    def tokens(self) -> int:
        return self.decoding + sum(new for new, _ in self.prompts)


class Timed(Protocol):
    """Who knows how long a step takes."""

    @property
    def token_bytes(self) -> int:
        """Return the bytes of keys and values that a token leaves."""
        ...

    def seconds(self, batch: Batch) -> float: ...


class StepTime:
    """Times of a model on one card, whatever its layers are and keep."""

    def __init__(
        self,
        model: Transformer,
        gpu: Gpu,
        host_s: float,
        cells: Cells | None = None,
        sequence_s: float = 0.0,
    ):
        """``host_s``, ``sequence_s``: what the engine's software adds to a step, and for each sequence.

        ``cells``: keys and values; None: all.
        """
        self.model, self.gpu, self.host_s, self.sequence_s = model, gpu, host_s, sequence_s
        self.cells = cells if cells is not None else cells_of(model, "bf16")
        self.room = Room(self.cells)
        self.token_bytes = self.room.row_bytes
        self.layers = layer_kinds(model)
        self.attending = int((self.cells.owner >= 0).any(axis=(0, 2)).sum())  # layers with attention
        self.state_layers = int((self.cells.state > 0).sum())
        self.kinds = _kinds_of_attention(self.cells)
        self.row_read_bytes = self.room.read_bytes(1, 1)
        self.dense_s = lru_cache(4096)(self._dense_s)
        self.head_s = lru_cache(4096)(self._head_s)

    def seconds(self, batch: Batch) -> float:
        """Return how long the step takes."""
        attention = self._attention_s(batch) if self.attending else 0.0
        sequences = batch.decoding + len(batch.prompts)
        states = self._states_s(sequences) if self.state_layers else 0.0
        software = self.host_s + sequences * self.sequence_s
        rate = self.gpu.bandwidth_bytes_per_s * self.gpu.bandwidth_share
        beside = states + batch.adapter_bytes / rate + software
        return self.dense_s(batch.tokens) + attention + self.head_s(batch.sampled) + beside

    def _attention_s(self, batch: Batch) -> float:
        """Return the attention of all layers. A prefix that is read once has a kernel of its own."""
        heads, width = self.model.shape.heads, self._head_width
        own, prefix = batch.decode_context * self.row_read_bytes, batch.prefix_context * self.row_read_bytes
        if not self.room.plain:
            own = sum(self.room.read_bytes(*at) for at in batch.decoding_at)
        layer, shared = (
            max(own, self._as_bytes(batch.decode_context)) / self.attending,
            prefix / self.attending,
        )
        if prefix and not batch.prompts:
            return self.attending * prefix_attention_s(self.gpu, heads, width, layer, shared, batch.decoding)
        apart = 0.0
        if batch.prompts and self.model.shape.latent is not None:  # two kernels: of compressed rows, of keys
            apart, layer = self.attending * decode_attention_s(self.gpu, layer + shared), 0.0
        token = self.row_read_bytes / self.attending
        alike = Heads(heads, self.model.shape.kv_heads, width, token)
        decoding = (batch.decoding, (layer + shared) / token / batch.decoding) if layer + shared else (0, 0.0)
        return apart + sum(
            many
            * tiled_attention_s(
                self.gpu, alike, decoding, [_keys(kept, read, new, past) for new, past in batch.prompts]
            )
            for many, kept, read in self.kinds
        )

    @property
    def _head_width(self) -> float:
        """Return half the multiplications of a query head with a token of a prompt."""
        shape = self.model.shape
        if shape.latent is None:
            return (shape.head_width + shape.value_width) / 2
        latent = shape.latent
        return (latent.nope_width + latent.rope_width + latent.value_width) / 2

    def _as_bytes(self, context: int) -> float:
        """Return the bytes that take as long to read as latent attention's scores of all heads to compute."""
        shape, gpu = self.model.shape, self.gpu
        if shape.latent is None:
            return 0.0
        flop = 2 * self.attending * shape.heads * shape.score_width * context
        rate = gpu.peak_flop_per_s * gpu.attention_arithmetic_share
        return flop / rate * gpu.bandwidth_bytes_per_s * gpu.attention_bandwidth_share

    def _states_s(self, sequences: int) -> float:
        """Return the time of reading and writing the states of so many sequences."""
        moved = 2 * sequences * int(self.cells.state_used.sum()) / self.state_layers
        return self.state_layers * pointwise_s(self.gpu, moved)

    def _dense_s(self, tokens: int) -> float:
        """Return all layers' time but for attention: products, norms, rotation, activation."""
        total = 0.0
        for many, kind in self.layers:
            products = sum(self._product_s(product, tokens) for product in kind.products)
            others = sum(pointwise_s(self.gpu, VALUE_BYTES * tokens * values) for values in kind.pointwise)
            total += many * (products + others)
        return total

    def _head_s(self, sequences: int) -> float:
        shape = self.model.shape
        if sequences == 0:
            return 0.0
        logits = 4 * sequences * shape.vocabulary
        sampler = pointwise_s(self.gpu, SAMPLER_PASSES * logits) + SAMPLER_LAUNCH_S
        return self._product_s(Product(shape.embedding_width, shape.vocabulary, 16), sequences) + sampler

    def _product_s(self, product: Product, tokens: int) -> float:
        return linear_s(self.gpu, product.moved_bytes(tokens), product.flop(tokens))


def _kinds_of_attention(cells: Cells) -> list[tuple[float, Kept, int]]:
    """Return what cells keep and how much of it is read, with as many layers as they would fill."""
    kept, _, _ = cells.readers
    table = np.stack([*kept, cells.read])[:, cells.owner >= 0]
    alike, count = np.unique(table, axis=1, return_counts=True)
    used = max(int((cells.owner >= 0).any(axis=(1, 2)).sum()), 1)  # 1: latent attention has keys alone
    whole = used * cells.owner.shape[2]
    return [
        (many / whole, Kept(*column[:-1]), column[-1])
        for column, many in zip(alike.T.tolist(), count.tolist(), strict=True)
    ]


def _keys(kept: Kept, read: int, new: int, past: int) -> np.ndarray:
    """Return the tokens that each tile of a prompt's queries reads: those of any of its queries. (tiles,)."""
    last = tile_keys(new, past)
    tokens = np.minimum(kept.tokens(last, past + new), read)
    return np.minimum(last, tokens + TILE_QUERIES - 1)
