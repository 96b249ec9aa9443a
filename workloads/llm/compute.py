"""How long a backend computes on the parts of a token: attention, predictor, FFN, output projection."""

from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from hw_models.roofline.kernels import ATTENTION_LAUNCH_S, POINTWISE_LAUNCH_S
from hw_models.roofline.params import Roofline, work_fs
from hw_models.units import FS_PER_S
from workloads.llm.cells import ALL
from workloads.llm.dtypes import bits_of, bytes_of
from workloads.llm.model import load_model
from workloads.llm.phases import Work
from workloads.llm.plan import Plan

UNPACKED_BITS = 8  # and more: units compute with such numbers as they are
MOVES = 6  # copies by `attention: split`, keys and values each: to append, and the recent out and back


class Attention(NamedTuple):
    """What a step's attention does with keys and values, by layer."""

    read_bytes: np.ndarray  # (layers, owning layers)
    macs: np.ndarray  # (layers,)


class Compute:
    """Pieces of a pass over ``tokens`` new tokens that ends at a context of ``context`` tokens."""

    def __init__(self, plan: Plan, machine: Roofline):
        self.plan, self.machine = plan, machine
        self.dtype = plan.job.precision
        self.batch = plan.job.batch
        self.attention_at = lru_cache(8)(self._attention_at)
        self.attention_values = plan.model.layer_values("attention")
        experts = np.rint(plan.model.active_share * plan.model.layer_values("expert")).astype(np.int64)
        self.ffn_values = plan.model.layer_values("ffn", "router") + experts  # that one token uses

    def attention(self, layer: int, tokens: int, context: int) -> list[tuple[int, Work]]:
        """Return projections and scores of one layer: with its own data, -1, then with those of others.

        A layer that reads the keys and values of others has a piece for each of them: (layer, work).
        """
        cells, parts = self.plan.cells, self.attention_at(tokens, context)
        weight_bytes = int(self.plan.dram.dense[layer])
        macs = self.batch * tokens * int(self.attention_values[layer])
        blocks = 2 if self.plan.model.shape.parallel_scan else 1
        packed = self._packed("attention", weight_bytes)
        fs = max(self._fs("gemv", weight_bytes, macs, packed), blocks * self.machine.block_floor_fs)
        fs += blocks * self.machine.block_overhead_fs
        state = self.batch * int(cells.state_used[layer])
        read = self.batch * parts.read_bytes[layer]
        total, score_macs = int(read.sum()), self.batch * int(parts.macs[layer])
        copies = self._copies(layer, context, total)
        spent = self._fs("attention", total + 2 * (state + copies), score_macs)
        spent += self._launches_fs(layer)
        own = int(read[layer])
        owners = [int(owner) for owner in np.flatnonzero(read) if owner != layer]
        others = [
            (
                owner,
                Work(
                    int(read[owner]) * spent // total,
                    int(read[owner]) * score_macs // total,
                    int(read[owner]),
                ),
            )
            for owner in owners
        ]
        fs += spent - sum(work.fs for _, work in others)
        macs += score_macs - sum(work.macs for _, work in others)
        written = self.batch * tokens * int(cells.row_bytes[layer]) + state + copies
        return [(-1, Work(fs, macs, weight_bytes + own + state + copies, written)), *others]

    def _copies(self, layer: int, context: int, read: int) -> int:
        """Return the bytes of keys and values that software reads and writes before attention.

        eager: all that the layer stores, to append to it; for each query head of a group, what attention
        reads. split: of heads that keep only some tokens, these, to append, and twice the recent ones.
        """
        if self.machine.attention == "fused":
            return 0
        shape, cells = self.plan.model.shape, self.plan.cells
        if self.machine.attention == "split":
            some, kept = self.some_stay[:, layer], cells.kept
            tokens = kept.tokens(context, self.plan.job.prompt)[:, layer]
            moved = tokens + 2 * np.minimum(tokens, kept.recent[:, layer])
            return self.batch * int((moved * cells.row[:, layer])[some].sum())
        stored = int(cells.stored_bytes(context, self.plan.job.prompt)[layer] - cells.state[layer])
        group = shape.heads // shape.kv_heads
        return self.batch * stored + (group * read if group > 1 else 0)

    @cached_property
    def some_stay(self) -> np.ndarray:
        """Return which stored cells keep only some of what their layer sees: (2, layers, heads)."""
        cells = self.plan.cells
        return cells.is_stored & ((cells.kept.between < cells.kept.over) | (cells.kept.most < ALL))

    def _launches_fs(self, layer: int) -> int:
        """Return the time of the launches that `attention: split` adds: copies, a second attention, its join.

        As in mit-han-lab/duo-attention at fe93c31 (patch/llama.py, patch/static_kv_cache.py).
        """
        some = self.some_stay[:, layer]
        if self.machine.attention != "split" or not some.any():
            return 0
        both = not some[self.plan.cells.is_stored[:, layer]].all()
        copies_s = (MOVES + both) * POINTWISE_LAUNCH_S
        return round(FS_PER_S * (copies_s + both * ATTENTION_LAUNCH_S))

    def _attention_at(self, tokens: int, context: int) -> Attention:
        """Return what ``tokens`` tokens that end at ``context`` do; they read the cache once."""
        cells, prompt = self.plan.cells, self.plan.job.prompt
        macs = sum(cells.score_macs(context - k, prompt) for k in range(tokens))
        return Attention(cells.read_bytes(context, prompt), np.asarray(macs))

    def predictor(self, layer: int, tokens: int) -> Work:
        """The low-rank predictor of one layer; nothing where the layer has none."""
        rank, shape = int(self.plan.ranks[layer]), self.plan.model.shape
        if rank == 0:
            return Work(0, 0)
        size, macs = int(self.plan.predictor[layer]), self.batch * tokens * rank * (shape.width + shape.ffn)
        return Work(max(self._fs("gemv", size, macs), self.machine.block_floor_fs), macs, size)

    def ffn(self, layer: int, tokens: int, rows: int | None) -> Work:
        """The FFN of one layer over ``rows`` resident neurons, or over all of them (None)."""
        shape, vectors = self.plan.model.shape, self.plan.model.neuron_vectors
        kind = "gemv" if rows is None else "sparse_ffn"
        size = self._ffn_bytes(layer, tokens) if rows is None else rows * self.plan.dram.neuron
        macs = self.batch * tokens * (shape.ffn if rows is None else rows) * vectors * shape.width
        if rows is None and shape.expert_layers[layer]:
            macs = self.batch * tokens * int(self.ffn_values[layer])
        packed = self._packed("expert" if shape.expert_layers[layer] else "ffn", size)
        fs = max(self._fs(kind, size, macs, packed), self.machine.block_floor_fs)
        return Work(fs + self.machine.block_overhead_fs, macs, size)

    def _ffn_bytes(self, layer: int, tokens: int) -> int:
        """Return the bytes of an FFN that ``tokens`` tokens of each sequence read, an expert once.

        Of several tokens each takes its experts by chance, all alike: those that one leaves idle are read
        with the chance that another takes them.
        """
        idle, others = int(self.plan.dram.idle[layer]), self.batch * tokens - 1
        return int(self.plan.dram.ffn[layer]) + round(
            idle * (1 - (1 - self.plan.model.active_share) ** others)
        )

    def lookup(self, tokens: int, rows: int) -> Work:
        """Keys and ``rows`` different rows of a memory layer's table, for so many tokens a sequence."""
        table, plan = self.plan.job.table, self.plan
        assert table is not None
        keys = table.key_values
        size = bytes_of(keys, plan.job.dtype("embedding")) + rows * plan.table_row
        values = keys + table.heads * table.picks * table.row_values(plan.model.shape.width)
        macs = self.batch * tokens * values
        return Work(max(self._fs("attention", size, macs), self.machine.block_floor_fs), macs, size)

    def head(self, tokens: int) -> Work:
        """The output projection, and those between embedding and layers."""
        size = self.plan.dram.head + self.plan.dram.projection
        macs = self.batch * tokens * (self.plan.model.head_values + self.plan.model.values("projection"))
        return Work(self._fs("gemv", size, macs, self._packed("head", size)), macs, size)

    def _packed(self, role: str, size: int) -> int:
        """Return how many weights of a role ``size`` bytes are, if they have to be unpacked."""
        bits = bits_of(self.plan.job.dtype(role, self.plan.model.dtypes))
        return round(8 * size / bits) if bits < UNPACKED_BITS else 0

    def _fs(self, kind: str, size: int, macs: int, packed: int = 0) -> int:
        return work_fs(self.machine, kind, size, macs, self.dtype, packed)


def draft_work(plan: Plan, machine: Roofline, context: int) -> Work:
    """One token of the draft model, which lies in DRAM as a whole."""
    assert plan.job.speculative is not None
    model = load_model(plan.job.speculative.draft)
    shape, dtype = model.shape, plan.job.precision
    layer = bytes_of(model.values("attention", "ffn") // shape.layers, dtype)
    cache = bytes_of(shape.kv_values * min(context, shape.positions), dtype)
    head = bytes_of(model.head_values, dtype)
    per_layer = work_fs(machine, "gemv", layer, 0, dtype) + work_fs(machine, "attention", cache, 0, dtype)
    fs = shape.layers * max(per_layer, 2 * machine.block_floor_fs) + work_fs(machine, "gemv", head, 0, dtype)
    read = shape.layers * (layer + cache) + head
    return Work(fs, model.decode_macs(min(context, shape.positions)), read)
