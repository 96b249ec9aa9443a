"""Keys and values of past tokens: the newest in DRAM, older ones in blocks on flash, all read every time."""

from dataclasses import dataclass

from workloads.llm.dtypes import bytes_of
from workloads.llm.model import Transformer
from workloads.llm.plan import ALIGN_BYTES, Plan


@dataclass(frozen=True)
class KvPlan:
    """The cache of a job. Bytes are of one layer unless the name says otherwise."""

    model: Transformer
    token_bytes: int  # one token, one layer
    dram_tokens: int | None  # tokens of a layer that DRAM holds; None: all
    block_tokens: int
    first_at: int  # flash address of layer 0's blocks
    layer_bytes: int  # flash set aside per layer

    def spilled(self, layer: int, context: int) -> int:
        """Return how many tokens of a layer are read from flash: whole blocks, the oldest of its window."""
        seen = self.model.seen(layer, context)
        if self.dram_tokens is None or seen <= self.dram_tokens:
            return 0
        over = seen - self.dram_tokens
        return -(-over // self.block_tokens) * self.block_tokens

    def spilled_in_all(self, context: int) -> int:
        """Return the tokens read from flash, added up over the layers."""
        return sum(self.spilled(layer, context) for layer in range(self.model.shape.layers))

    def address(self, layer: int) -> int:
        return self.first_at + layer * self.layer_bytes


def kv_plan(plan: Plan) -> KvPlan:
    """Return where the cache lies, after the model on flash."""
    job, model = plan.job, plan.model
    token_bytes = bytes_of(model.shape.kv_values, job.dtype("kv"))
    room = job.kv_cache.dram_bytes
    held = None if room is None else _tokens_that_fit(model, job.context, room // max(token_bytes, 1))
    region = -(-job.context * token_bytes // ALIGN_BYTES) * ALIGN_BYTES
    return KvPlan(model, token_bytes, held, job.kv_cache.block_tokens, plan.end_at, region)


def _tokens_that_fit(model: Transformer, context: int, room: int) -> int:
    """Return the most tokens that every layer may hold, if its window asks for as many: ``room`` in all."""
    held, most = 0, context
    while held < most:
        half = (held + most + 1) // 2
        needed = sum(min(half, model.seen(layer, context)) for layer in range(model.shape.layers))
        held, most = (half, most) if needed <= room else (held, half - 1)
    return held


def kv_bytes(plan: Plan) -> int:
    """Return the bytes of keys, values and states in DRAM at the job's full context, all layers."""
    whole = bytes_of(plan.model.kept_values(plan.job.context), plan.job.dtype("kv"))
    room = plan.job.kv_cache.dram_bytes
    return whole if room is None else min(whole, room)


def flash_end(plan: Plan) -> int:
    """Return the first flash address behind the model and its cache."""
    kv = kv_plan(plan)
    return kv.first_at + (plan.model.shape.layers * kv.layer_bytes if kv.dram_tokens is not None else 0)
