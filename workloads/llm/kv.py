"""Where keys and values of past tokens lie: the newest in DRAM, older ones in blocks on flash or at the host.

A block is written once, when the tokens of its layer no longer fit DRAM, and read at every step that looks
back so far. Token t of a layer lies at t rows behind the layer's address.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workloads.llm.model import Transformer
from workloads.llm.plan import ALIGN_BYTES, Plan

GOLDEN_RATIO = (5**0.5 - 1) / 2


class Span(NamedTuple):
    """Blocks of a layer from ``first`` up to ``end``."""

    first: int
    end: int


@dataclass(frozen=True)
class KvPlan:
    """The cache of a job, all sequences together."""

    model: Transformer
    token_bytes: np.ndarray  # (layers,) that one token adds, in all sequences
    dram_tokens: int | None  # tokens of a layer that DRAM holds; None: all
    block_tokens: int
    read_tokens: np.ndarray  # (layers,) that a step reads at most
    first_at: np.ndarray  # (layers,) flash address of the first block
    end_at: int  # first flash address behind them

    def on_flash(self, layer: int, context: int) -> Span:
        """Return the blocks of a layer on flash that a step looks back at: the oldest of its window."""
        seen = self.model.seen(layer, context)
        if self.dram_tokens is None or seen <= self.dram_tokens:
            return Span(0, 0)
        end = -(-(context - self.dram_tokens) // self.block_tokens)
        return Span((context - seen) // self.block_tokens, end)

    def read_from(self, layer: int, context: int) -> np.ndarray:
        """Return the blocks of a layer that a step reads from there, int64: all, or those that it retrieves.

        What lies in DRAM counts first; the rest are blocks spread over all of them, others at each step.
        """
        blocks = self.on_flash(layer, context)
        count = blocks.end - blocks.first
        near = context - blocks.end * self.block_tokens
        wanted = -(-max(int(self.read_tokens[layer]) - near, 0) // self.block_tokens)
        if wanted >= count:
            return np.arange(blocks.first, blocks.end, dtype=np.int64)
        offset = context * GOLDEN_RATIO % 1
        return blocks.first + np.floor((np.arange(wanted) + offset) * count / max(wanted, 1)).astype(np.int64)

    def retrieved(self, layer: int, context: int) -> np.ndarray | None:
        """Return (first token, tokens) of what a step reads of a layer that DRAM holds; None: all of it.

        The newest tokens, and whole blocks spread over the others, elsewhere at each step.
        """
        seen, block = self.model.seen(layer, context), self.block_tokens
        wanted = min(int(self.read_tokens[layer]), seen)
        if self.dram_tokens is not None or wanted == seen:
            return None
        first = -(-(context - seen) // block)  # whole block of the window
        count = max(wanted - context % block, 0) // block
        while count and count > (context - wanted + count * block) // block - first:
            count -= 1  # the window begins within a block
        near = wanted - count * block
        others = (context - near) // block - first  # whole blocks before the newest tokens
        offset = context * GOLDEN_RATIO % 1
        chosen = first + np.floor((np.arange(count) + offset) * others / max(count, 1)).astype(np.int64)
        spans = np.stack([chosen * block, np.full(count, block)], axis=1)
        return np.concatenate([spans, [[context - near, near]]]) if near else spans

    def spilled_bytes(self, context: int) -> int:
        """Return the bytes of blocks on flash that a step looks back at, all layers."""
        return sum(
            self.place(layer, self.on_flash(layer, context))[1] for layer in range(self.token_bytes.size)
        )

    def place(self, layer: int, blocks: Span) -> tuple[int, int]:
        """Return flash address and bytes of ``blocks``."""
        block = self.block_tokens * int(self.token_bytes[layer])
        return int(self.first_at[layer]) + blocks.first * block, (blocks.end - blocks.first) * block

    def held_bytes(self, layer: int, context: int) -> int:
        """Return the bytes of a layer's tokens in DRAM; a window's blocks may reach behind it."""
        blocks = self.on_flash(layer, context)
        behind = max(context - self.model.seen(layer, context), blocks.end * self.block_tokens)
        return (context - behind) * int(self.token_bytes[layer])


def kv_plan(plan: Plan) -> KvPlan:
    """Return where the cache lies, after the model on flash."""
    job, model = plan.job, plan.model
    token_bytes = job.batch * plan.cells.row_bytes
    room = job.kv_cache.dram_bytes
    held = None if room is None else _tokens_that_fit(model, token_bytes, job.context, room)
    blocks = -(-job.context // job.kv_cache.block_tokens)
    regions = -(-blocks * job.kv_cache.block_tokens * token_bytes // ALIGN_BYTES) * ALIGN_BYTES
    first_at = plan.end_at + np.cumsum(regions) - regions
    end_at = plan.end_at + (int(regions.sum()) if held is not None else 0)
    read = plan.cells.read[0, :, 0]
    return KvPlan(model, token_bytes, held, job.kv_cache.block_tokens, read, first_at, end_at)


def _tokens_that_fit(model: Transformer, token_bytes: np.ndarray, context: int, room: int) -> int:
    """Return the most tokens that every layer may hold, if its window asks for as many, within ``room``."""
    held, most = 0, context
    while held < most:
        half = (held + most + 1) // 2
        needed = sum(min(half, model.seen(i, context)) * int(size) for i, size in enumerate(token_bytes))
        held, most = (half, most) if needed <= room else (held, half - 1)
    return held


def kv_bytes(plan: Plan) -> int:
    """Return the most bytes of keys, values and states in DRAM, all layers and sequences."""
    job, cells = plan.job, plan.cells
    whole = job.batch * int(cells.stored_bytes(job.context, job.prompt).sum())
    room = job.kv_cache.dram_bytes
    return whole if room is None else min(whole, room + job.batch * int(cells.state.sum()))


def flash_end(plan: Plan) -> int:
    """Return the first flash address behind the model and its cache."""
    return kv_plan(plan).end_at
