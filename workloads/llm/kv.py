"""Keys and values of past tokens: the newest in DRAM, older ones in blocks on flash, all read every time."""

from dataclasses import dataclass

from workloads.llm.dtypes import bytes_of
from workloads.llm.plan import ALIGN_BYTES, Plan


@dataclass(frozen=True)
class KvPlan:
    """The cache of a job. Bytes are of one layer unless the name says otherwise."""

    token_bytes: int  # one token, one layer
    dram_tokens: int | None  # tokens that DRAM holds; None: all
    block_tokens: int
    first_at: int  # flash address of layer 0's blocks
    layer_bytes: int  # flash set aside per layer

    def spilled(self, context: int) -> int:
        """Return how many of ``context`` tokens are on flash: whole blocks, the oldest first."""
        if self.dram_tokens is None or context <= self.dram_tokens:
            return 0
        over = context - self.dram_tokens
        return -(-over // self.block_tokens) * self.block_tokens

    def address(self, layer: int) -> int:
        return self.first_at + layer * self.layer_bytes


def kv_plan(plan: Plan) -> KvPlan:
    """Return where the cache lies, after the model on flash."""
    job, shape = plan.job, plan.model.shape
    token_bytes = bytes_of(2 * shape.kv_heads * shape.head_width, job.dtype("kv"))
    room = job.kv_cache.dram_bytes
    dram_tokens = None if room is None else room // (shape.layers * token_bytes)
    region = -(-job.context * token_bytes // ALIGN_BYTES) * ALIGN_BYTES
    return KvPlan(token_bytes, dram_tokens, job.kv_cache.block_tokens, plan.end_at, region)


def flash_end(plan: Plan) -> int:
    """Return the first flash address behind the model and its cache."""
    kv = kv_plan(plan)
    return kv.first_at + (plan.model.shape.layers * kv.layer_bytes if kv.dram_tokens is not None else 0)
