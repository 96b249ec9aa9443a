"""How long a backend computes on the parts of a token: attention, predictor, FFN, output projection."""

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
        self.kv_values = 2 * shape.kv_heads * shape.head_width  # per token and layer
        self.kv_bytes = bytes_of(self.kv_values, plan.job.dtype("kv"))

    def attention(self, layer: int, tokens: int, context: int) -> Work:
        """Projections and scores of one layer."""
        shape = self.plan.model.shape
        weights = self.plan.model.attention_values_per_layer
        weight_bytes = int(self.plan.dram.dense[layer])
        cache_bytes = self.kv_bytes * self.plan.model.context_seen(context)
        macs = tokens * weights
        seen = sum(self.plan.model.context_seen(context - k) for k in range(tokens))
        score_macs = 2 * shape.heads * shape.head_width * seen
        fs = self._fs("gemv", weight_bytes, macs) + self._fs("attention", cache_bytes, score_macs)
        return Work(
            max(fs, self.machine.block_floor_fs),
            macs + score_macs,
            weight_bytes + cache_bytes,
            tokens * self.kv_bytes,
        )

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
        return Work(max(self._fs(kind, size, macs), self.machine.block_floor_fs), macs, size)

    def head(self, tokens: int) -> Work:
        """The output projection."""
        size, macs = self.plan.dram.head, tokens * self.plan.model.head_values
        return Work(self._fs("gemv", size, macs), macs, size)

    def _fs(self, kind: str, size: int, macs: int) -> int:
        return work_fs(self.machine, kind, size, macs, self.dtype)


def draft_work(plan: Plan, machine: Roofline, context: int) -> Work:
    """One token of the draft model, which lies in DRAM as a whole."""
    assert plan.job.speculative is not None
    model = load_model(plan.job.speculative.draft)
    shape, dtype = model.shape, plan.job.precision
    layer = bytes_of(model.values("attention", "ffn") // shape.layers, dtype)
    cache = bytes_of(2 * shape.kv_heads * shape.head_width * min(context, shape.positions), dtype)
    head = bytes_of(model.head_values, dtype)
    per_layer = work_fs(machine, "gemv", layer, 0, dtype) + work_fs(machine, "attention", cache, 0, dtype)
    fs = shape.layers * max(per_layer, 2 * machine.block_floor_fs) + work_fs(machine, "gemv", head, 0, dtype)
    read = shape.layers * (layer + cache) + head
    return Work(fs, model.decode_macs(min(context, shape.positions)), read)
