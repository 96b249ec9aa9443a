"""What a step reads of experts, blocks and rows: what `hold` does not keep, directly or through pages."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hw_models.roofline.params import Roofline
from workloads.llm.experts import Router, RouterTrace
from workloads.llm.kv import KvPlan, kv_bytes
from workloads.llm.page_cache import PageCache
from workloads.llm.plan import Plan
from workloads.llm.reads import chunked
from workloads.llm.replacement import UnitCache
from workloads.llm.table import Lookups

LARGEST_READ = 1 << 20  # of an expert, unless `chunk` says otherwise: it is split, and its parts read at once


class ExpertStep(NamedTuple):
    """What a layer asks for and moves."""

    asked: int
    hits: int
    early: np.ndarray  # experts read a layer before
    wasted: int  # and how many besides, in vain
    late: np.ndarray  # experts read now
    copied: int  # experts copied into the cache from pages of a file
    swapped: int  # experts that leave DRAM or come back by the hand of the operating system


class ExpertReads:
    """What each layer of the prompt, then of each token, reads of its experts."""

    def __init__(self, plan: Plan, machine: Roofline, seed: int):
        experts, hold = plan.model.shape.experts, plan.job.held("experts")
        assert experts is not None
        assert hold is not None
        self.plan, self.hold, self.count = plan, hold, experts.count
        self.chunk = min(hold.chunk_bytes or LARGEST_READ, plan.flash.expert)
        shape = plan.model.shape
        self.layers = [layer for layer, has in enumerate(shape.expert_layers) if has]
        trace = RouterTrace(hold.router, shape.layers, self.count, experts.per_token, seed)
        prompt = [[trace.step(layer) for layer in self.layers] for _ in range(plan.job.prompt)]
        asked = [np.unique(np.concatenate([token[i] for token in prompt])) for i in range(len(self.layers))]
        asked += [trace.step(layer) for _ in range(plan.job.tokens) for layer in self.layers]
        units = [self.layers[i % len(self.layers)] * self.count + picks for i, picks in enumerate(asked)]
        self.cache = hold.cache(plan.expert_slots, units)
        self.pages = None
        if hold.via == "page_cache":
            self.pages = PageCache(page_room(plan, machine) // max(plan.dram.expert, 1))
        self.steps = self._steps(units)
        self.ahead = next(self.steps, None)

    def _steps(self, asked: list[np.ndarray]) -> Iterator[ExpertStep]:
        owed = 0.0  # units that have not been found ahead, or wasted, as shares add up
        wasted = 0.0
        for position, units in enumerate(asked):
            if position % len(self.layers) == 0:
                self.cache.next_token()
            missing = self.cache.ask(units)
            read, copied, swapped = missing, 0, 0
            if self.pages is not None:
                kept, left = self.cache.slots > 0, self.cache.left.tolist()
                moved = self.pages.ask(units.tolist(), missing.tolist(), left, kept=kept)
                read, copied, swapped = np.array(moved.read, np.int64), moved.copied, moved.swapped
            early, in_vain = 0, 0
            if self.hold.ahead is not None and position % len(self.layers):
                owed += float(self.hold.ahead.found) * read.size
                early = min(int(owed), read.size)
                owed -= early
                wasted += self.hold.ahead.waste * early
                in_vain = int(wasted)
                wasted -= in_vain
            hits = units.size - missing.size
            yield ExpertStep(units.size, hits, read[:early], in_vain, read[early:], copied, swapped)

    def next(self) -> ExpertStep:
        """Return what the next layer that has experts moves."""
        now = self.ahead
        assert now is not None
        self.ahead = next(self.steps, None)
        return now

    def places(self, layer: int, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return addresses and sizes of the reads that bring experts of ``layer``."""
        starts = int(self.plan.ffn_at[layer]) + self.plan.flash.expert * (units - layer * self.count)
        return chunked(starts, self.plan.flash.expert, self.chunk)


def page_room(plan: Plan, machine: Roofline) -> int:
    """Return the bytes of DRAM that are left to files' pages and the cache of experts together."""
    other = plan.resident + plan.table_held_bytes + kv_bytes(plan) + machine.reserved_bytes
    return (machine.capacity_bytes or 0) - other


class BlockReads:
    """Which blocks of keys and values a layer retrieves, and which of these a cache in DRAM lacks."""

    def __init__(self, plan: Plan, kv: KvPlan, seed: int):
        hold, job = plan.job.held("kv"), plan.job
        assert hold is not None
        self.kv, self.block = kv, kv.block_tokens
        layers, self.count = plan.model.shape.layers, -(-job.context // kv.block_tokens)
        self.random = np.random.Generator(np.random.PCG64([seed, 19]))
        self.router: Router = hold.router
        ranks = np.stack([self.random.permutation(self.count) for _ in range(layers)])
        self.log_weight = -hold.router.skew * np.log(ranks + 1.0)
        self.last: list[np.ndarray] = [np.zeros(0, np.int64)] * layers
        contexts = range(job.prompt + 1, job.context + 1)
        self.picks = {
            (layer, context): self._pick(layer, context) for context in contexts for layer in range(layers)
        }
        size = max(int((kv.block_tokens * kv.token_bytes).max()), 1)
        room = hold.dram.bytes_of(kv.spilled_bytes(job.context)) if hold.dram is not None else 2**60
        asked = [layer * self.count + picks for (layer, _), picks in self.picks.items()]
        self.cache = hold.cache(min(room // size, layers * self.count), asked)

    def _pick(self, layer: int, context: int) -> np.ndarray:
        """Draw blocks by popularity; some of those of the step before again."""
        wanted = self.kv.read_from(layer, context).size
        blocks = self.kv.on_flash(layer, context)
        last = self.last[layer]
        again = last[self.random.random(last.size) < self.router.repeat][:wanted]
        score = self.log_weight[layer] + self.random.gumbel(size=self.count)
        score[: blocks.first] = score[blocks.end :] = score[again] = -np.inf
        fresh = np.argsort(-score, kind="stable")[: wanted - again.size]
        self.last[layer] = np.sort(np.concatenate([again, fresh]))
        return self.last[layer]

    def next(self, layer: int, context: int) -> np.ndarray:
        """Return the blocks of ``layer`` that a step at ``context`` brings to DRAM."""
        if layer == 0:
            self.cache.next_token()
        picks = self.picks.get((layer, context))
        if picks is None:
            return self.kv.read_from(layer, context)
        return self.cache.ask(layer * self.count + picks) - layer * self.count


class RowReads:
    """The rows of a table that layers look up, and which of these a cache in DRAM lacks."""

    def __init__(self, plan: Plan, seed: int):
        table, job = plan.job.table, plan.job
        assert table is not None
        drafts = job.speculative.draft_tokens if job.speculative is not None else 0
        passes = [job.prompt] + [drafts + 1] * job.tokens
        lookups, layers = Lookups(table, seed), len(table.at(plan.model.shape.layers))
        self.asked = (lookups.rows(job.batch * tokens) for tokens in passes for _ in range(layers))
        self.cache: UnitCache | None = None
        self.direct = table.home == "dram"
        hold = job.held("table")
        if hold is not None:
            rows, slots = list(self.asked), plan.table_held_bytes // max(plan.table_row, 1)
            self.asked = iter(rows)  # type: ignore[assignment]
            self.cache = hold.cache(slots, rows)

    def next(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the different rows that a layer looks up, and those of them that are read from elsewhere."""
        rows = next(self.asked)
        if self.direct:
            return rows, rows[:0]
        return rows, rows if self.cache is None else self.cache.ask(rows)
