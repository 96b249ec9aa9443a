"""How long a backend computes on the parts of a token: attention, predictor, FFN, output projection."""

import numpy as np

from hw_models.roofline.params import Roofline, work_fs
from workloads.llm.dtypes import bytes_of
from workloads.llm.model import load_model
from workloads.llm.phases import Work
from workloads.llm.plan import Plan


class Compute:
    """Pieces of a pass over ``tokens`` new tokens that ends at a context of ``context`` tokens."""

    def __init__(self, plan: Plan, machine: Roofline):
        self.plan, self.machine = plan, machine
        self.dtype = plan.job.precision
        shape = plan.model.shape
        self.kv_bytes = bytes_of(shape.kv_values, plan.job.dtype("kv"))  # per token and layer
        self.attention_values = plan.model.layer_values("attention")
        experts = np.rint(plan.model.active_share * plan.model.layer_values("expert")).astype(np.int64)
        self.ffn_values = plan.model.layer_values("ffn", "router") + experts  # that one token uses

    def attention(self, layer: int, tokens: int, context: int) -> Work:
        """Projections and scores of one layer."""
        model, shape = self.plan.model, self.plan.model.shape
        weight_bytes = int(self.plan.dram.dense[layer])
        macs = tokens * int(self.attention_values[layer])
        fs = max(self._fs("gemv", weight_bytes, macs), self.machine.block_floor_fs)
        if shape.scan_layers[layer]:
            assert shape.scan is not None
            state = bytes_of(shape.scan.state_values, self.plan.job.dtype("kv"))
            return Work(fs + self._fs("attention", 2 * state, 0), macs, weight_bytes + state, state)
        cache_bytes = self.kv_bytes * model.seen(layer, context)
        seen = sum(model.seen(layer, context - k) for k in range(tokens))
        score_macs = shape.heads * shape.score_width * seen
        fs += self._fs("attention", cache_bytes, score_macs)
        return Work(fs, macs + score_macs, weight_bytes + cache_bytes, tokens * self.kv_bytes)

    def predictor(self, layer: int, tokens: int) -> Work:
        """The low-rank predictor of one layer; nothing where the layer has none."""
        rank, shape = int(self.plan.ranks[layer]), self.plan.model.shape
        if rank == 0:
            return Work(0, 0)
        size, macs = int(self.plan.predictor[layer]), tokens * rank * (shape.width + shape.ffn)
        return Work(max(self._fs("gemv", size, macs), self.machine.block_floor_fs), macs, size)

    def ffn(self, layer: int, tokens: int, rows: int | None) -> Work:
        """The FFN of one layer over ``rows`` resident neurons, or over all of them (None)."""
        shape, vectors = self.plan.model.shape, self.plan.model.neuron_vectors
        kind = "gemv" if rows is None else "sparse_ffn"
        size = int(self.plan.dram.ffn[layer]) if rows is None else rows * self.plan.dram.neuron
        macs = tokens * (shape.ffn if rows is None else rows) * vectors * shape.width
        if rows is None and shape.expert_layers[layer]:
            macs = tokens * int(self.ffn_values[layer])
        return Work(max(self._fs(kind, size, macs), self.machine.block_floor_fs), macs, size)

    def head(self, tokens: int) -> Work:
        """The output projection, and those between embedding and layers."""
        size = self.plan.dram.head + self.plan.dram.projection
        macs = tokens * (self.plan.model.head_values + self.plan.model.values("projection"))
        return Work(self._fs("gemv", size, macs), macs, size)

    def _fs(self, kind: str, size: int, macs: int) -> int:
        return work_fs(self.machine, kind, size, macs, self.dtype)


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
