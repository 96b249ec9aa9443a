"""How long one step of a serving engine takes on a graphics card: all layers over its tokens."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from hw_models.roofline.gpus import Gpu
from hw_models.roofline.kernels import attention_s, linear_s, pointwise_s, prefix_attention_s
from workloads.llm.dtypes import bytes_of
from workloads.llm.model import Transformer

VALUE_BYTES = 2  # of activations and 16-bit weights
SAMPLER_PASSES = 2.2  # over the logits in FP32; measured kernels
SAMPLER_LAUNCH_S = 23e-6  # of its dozen small kernels; measured


@dataclass(frozen=True)
class Batch:
    """What a step works on."""

    decode_context: int  # tokens read by the sequences that decode, added up over them
    decoding: int  # such sequences
    prompts: tuple[tuple[int, int], ...]  # (new tokens, tokens before) of the others
    sampled: int  # sequences whose next token is drawn
    prefix_context: int = 0  # tokens that those that decode share, read once for all

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
    """Times of a model without experts or scans on one card, with full attention in every layer."""

    def __init__(self, model: Transformer, gpu: Gpu, host_s: float):
        """``host_s``: what the engine's software adds to a step."""
        self.model, self.gpu, self.host_s = model, gpu, host_s
        shape = model.shape
        queries, keys = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
        ups = 2 if shape.gated else 1
        self.linears = [
            (shape.width, queries + 2 * keys),
            (queries, shape.width),
            (shape.width, ups * shape.ffn),
            (shape.ffn, shape.width),
        ]
        self.kv_bytes = bytes_of(shape.kv_values, "bf16")  # of a token in one layer
        self.token_bytes = shape.layers * self.kv_bytes
        self.dense_s = lru_cache(4096)(self._dense_s)
        self.head_s = lru_cache(4096)(self._head_s)

    def seconds(self, batch: Batch) -> float:
        """Return how long the step takes."""
        shape = self.model.shape
        attention = self._attention_s(batch)
        layers = shape.layers * (self.dense_s(batch.tokens) + attention)
        return layers + self.head_s(batch.sampled) + self.host_s

    def _attention_s(self, batch: Batch) -> float:
        """Return one layer's attention. A prefix that is read once has a kernel of its own."""
        heads, width = self.model.shape.heads, self.model.shape.head_width
        own, prefix = batch.decode_context * self.kv_bytes, batch.prefix_context * self.kv_bytes
        if prefix and not batch.prompts:
            return prefix_attention_s(self.gpu, heads, width, own, prefix, batch.decoding)
        return attention_s(self.gpu, heads, width, own + prefix, list(batch.prompts))

    def _dense_s(self, tokens: int) -> float:
        """Return one layer's time but for attention: products, norms, rotation, activation."""
        shape = self.model.shape
        products = sum(self._linear_s(inputs, outputs, tokens) for inputs, outputs in self.linears)
        norm = pointwise_s(self.gpu, 3 * VALUE_BYTES * tokens * shape.width)
        rotation = pointwise_s(self.gpu, 2 * VALUE_BYTES * tokens * (self.linears[0][1]))
        activation = pointwise_s(self.gpu, VALUE_BYTES * tokens * (self.linears[2][1] + shape.ffn))
        return products + shape.norms * norm + rotation + activation

    def _head_s(self, sequences: int) -> float:
        shape = self.model.shape
        if sequences == 0:
            return 0.0
        logits = 4 * sequences * shape.vocabulary
        sampler = pointwise_s(self.gpu, SAMPLER_PASSES * logits) + SAMPLER_LAUNCH_S
        return self._linear_s(shape.embedding_width, shape.vocabulary, sequences) + sampler

    def _linear_s(self, inputs: int, outputs: int, tokens: int) -> float:
        moved = VALUE_BYTES * (tokens * inputs + inputs * outputs + tokens * outputs)
        return linear_s(self.gpu, moved, 2 * tokens * inputs * outputs)
