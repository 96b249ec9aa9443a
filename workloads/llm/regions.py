"""Where a language model's data lie in the DRAM that it shares: regions by layer and kind."""

from functools import lru_cache

from workloads.llm.dtypes import bytes_of
from workloads.llm.kv import kv_plan
from workloads.llm.plan import Plan

PAGE_BYTES = 4096


class Regions:
    """Regions of DRAM from ``base`` on, set aside when they are first asked for."""

    def __init__(self, plan: Plan, base: int):
        self.plan, self.kv = plan, kv_plan(plan)
        self.end = base  # first address behind all regions
        self.addresses: dict[tuple[str, int], int] = {}
        self.kv_bytes = lru_cache(None)(self._kv_bytes)

    def address(self, op: str, layer: int) -> int:
        """Return where the data of ``op`` lie. Rows and neurons are the FFN's; the prompt has one buffer."""
        key = (
            {"rows": "ffn", "neurons": "ffn", "pages": "experts", "blocks": "ffn"}.get(op, op),
            -1 if op in ("prefill", "experts", "pages", "table") else layer,
        )
        if key not in self.addresses:
            self.addresses[key] = self.end
            self.end += -(-self._largest(*key) // PAGE_BYTES) * PAGE_BYTES
        return self.addresses[key]

    def kv_offset(self, layer: int) -> int:
        """Return where keys and values begin in the region of a layer's attention: behind its weights."""
        return self.plan.dram.own(0, layer)

    def kv_address(self, layer: int, token: int, size: int) -> int:
        """Return where ``size`` bytes of a layer's keys and values from ``token`` on are written."""
        first = self.address("attention", layer) + self.kv_offset(layer)
        behind = max(token, 0) * int(self.kv.token_bytes[layer])
        return first + max(0, min(behind, self.kv_bytes(layer) - size))

    def table_offset(self) -> int:
        """Return where the rows begin in the region of a table: behind all product keys."""
        job, table = self.plan.job, self.plan.job.table
        assert table is not None
        return bytes_of(table.key_values, job.dtype("embedding"))

    def _kv_bytes(self, layer: int) -> int:
        """Return the bytes set aside for a layer's keys, values, states and what is read to choose."""
        job, cells = self.plan.job, self.plan.cells
        read = job.batch * int(cells.read_bytes(job.context, job.prompt)[:, layer].max(initial=0))
        whole = job.context * int(self.kv.token_bytes[layer])
        return max(whole, read) + job.batch * int(cells.state[layer])

    def _largest(self, op: str, layer: int) -> int:
        plan = self.plan
        if op == "ffn":
            return int(plan.dram.own(1, layer) + (0 if plan.caches_experts else plan.dram.idle[layer]))
        if op in ("attention", "kv"):
            return self.kv_offset(layer) + self.kv_bytes(layer)
        if op == "table":  # all of it, or what is read at once; the keys in front
            job, table = plan.job, plan.job.table
            assert table is not None
            picks = job.batch * max(job.prompt, 8) * table.heads * table.picks * plan.table_row
            return self.table_offset() + (
                plan.table_bytes if table.home == "dram" else min(picks, plan.table_bytes)
            )
        if op == "prefill":
            share = -(-plan.dram.per_token // plan.model.shape.layers)
            ends = plan.flash.head + plan.flash.ends
            return max(share, int((plan.flash.dense + plan.flash.ffn).max()), ends)
        if op == "experts":  # what is read at once, or all that is kept
            experts = plan.model.shape.experts
            return max(plan.expert_slots, experts.count if experts is not None else 0) * plan.dram.expert
        if op == "predictor":
            return int(plan.predictor[layer])
        if op == "head":
            return plan.dram.head + plan.dram.ends
        return int(plan.dram.dense[layer] + plan.dram.ffn[layer]) if layer >= 0 else plan.dram.model
