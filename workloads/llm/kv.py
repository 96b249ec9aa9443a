"""Keys and values of past tokens: the newest in DRAM, older ones in blocks on flash, all read every time."""

from dataclasses import dataclass

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


def kv_plan(plan: Plan, token_bytes: int) -> KvPlan:
    """Return where the cache lies, after the model on flash."""
    job, layers = plan.job, plan.model.shape.layers
    room = job.kv_cache.dram_bytes
    context = job.prompt + job.tokens
    dram_tokens = None if room is None else room // (layers * token_bytes)
    region = -(-context * token_bytes // ALIGN_BYTES) * ALIGN_BYTES
    return KvPlan(token_bytes, dram_tokens, job.kv_cache.block_tokens, plan.end_at, region)
