"""Experts from flash: which a router picks, and a cache of them in DRAM. One expert of one layer is a unit.

A router keeps each expert of the token before with chance `repeat`, and draws the others by popularity: of
rank r with weight 1 / (r + 1)^skew, ranks in an order of each layer's own. The defaults are calibrated on the
hit rates of GLM-5.2 with caches of 30 and 60 GB (docs/llm.md).
"""

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Literal

import numpy as np
from pydantic import Field

from hw_models.units import Block

Replacement = Literal["lru", "lfu", "predicted", "belady"]
NEVER_AGAIN = 2**60


class Router(Block):
    """Which experts tokens are sent to."""

    skew: float = Field(0.85, ge=0, le=4, description="0: all alike; larger: a few do most of the work")
    repeat: float = Field(0.22, ge=0, lt=1, description="chance that an expert serves the next token too")


class RouterTrace:
    """Picks of successive tokens, layer by layer."""

    def __init__(self, router: Router, layers: int, experts: int, per_token: int, seed: int):
        self.router, self.experts, self.per_token = router, experts, per_token
        self.random = np.random.Generator(np.random.PCG64([seed, 11]))
        ranks = np.stack([self.random.permutation(experts) for _ in range(layers)])
        self.log_weight = -router.skew * np.log(ranks + 1.0)
        self.last: list[np.ndarray] = [np.zeros(0, np.int64)] * layers

    def step(self, layer: int) -> np.ndarray:
        """Return the experts of the next token, ascending, int64, shape (per_token,)."""
        last = self.last[layer]
        kept = last[self.random.random(last.size) < self.router.repeat]
        score = self.log_weight[layer] + self.random.gumbel(size=self.experts)  # draws without replacement
        score[kept] = -np.inf
        fresh = np.argsort(-score, kind="stable")[: self.per_token - kept.size]
        self.last[layer] = np.sort(np.concatenate([kept, fresh]))
        return self.last[layer]


class ExpertCache:
    """Units in DRAM. What the present layer needs is never thrown out for it."""

    def __init__(
        self,
        slots: int,
        replacement: Replacement,
        asked: Sequence[Sequence[int]] = (),
        *,
        accuracy: float = 1.0,
    ):
        """``asked``: all that will be asked for, in order, which `belady` knows; `predicted` has a bit of it.

        ``accuracy``: the chance that a bit is right.
        """
        self.slots, self.replacement = slots, replacement
        self.priority: dict[int, tuple[int, int]] = {}  # of what is resident; the least leaves first
        self.heap: list[tuple[tuple[int, int], int]] = []  # priorities, outdated ones too
        self.count: dict[int, int] = {}
        self.time = self.hits = self.misses = 0
        self.next_use = _next_uses([u for us in asked for u in us]) if replacement == "belady" else []
        self.leaves = _leaves(slots, asked) if replacement == "predicted" else np.zeros(0, bool)
        if accuracy < 1:
            random = np.random.Generator(np.random.PCG64([self.leaves.size, 17]))
            self.leaves = self.leaves ^ (random.random(self.leaves.size) > accuracy)
        self.evicted: list[int] = []  # when each that was thrown out had last been asked for

    def ask(self, units: Sequence[int]) -> list[int]:
        """Return those of ``units`` that are not there; they are now, as far as there is room."""
        missing = [unit for unit in units if unit not in self.priority]
        self.hits += len(units) - len(missing)
        self.misses += len(missing)
        needed = set(units)
        for unit in units:
            if unit not in self.priority and len(self.priority) >= self.slots and not self._evict(needed):
                self.time += 1
                continue
            self._touch(unit)
        return missing

    def _touch(self, unit: int) -> None:
        self.count[unit] = self.count.get(unit, 0) + 1
        first = {
            "lru": self.time,
            "lfu": self.count[unit],
            "predicted": 0 if self.leaves.size and self.leaves[self.time] else 1,
            "belady": -self.next_use[self.time] if self.next_use else 0,
        }[self.replacement]
        self.priority[unit] = (first, self.time)
        heappush(self.heap, (self.priority[unit], unit))
        self.time += 1

    def _evict(self, needed: set[int]) -> bool:
        """Throw out the unit of least priority that is not needed now; return whether there was one."""
        spared = []
        found = False
        while self.heap and not found:
            priority, unit = heappop(self.heap)
            if self.priority.get(unit) != priority:
                continue
            if unit in needed:
                spared.append((priority, unit))
                continue
            del self.priority[unit]
            self.evicted.append(priority[1])
            found = True
        for entry in spared:
            heappush(self.heap, entry)
        return found


def _leaves(slots: int, asked: Sequence[Sequence[int]]) -> np.ndarray:
    """Return, for each unit asked for, whether the best cache throws it out before it is asked for again.

    A cache that throws these out first, and else the least recently used, is as good as the best if the bits
    are right (Antoniadis et al., "Paging with succinct predictions", arXiv 2210.02775).
    """
    best = ExpertCache(slots, "belady", asked)
    for units in asked:
        best.ask(units)
    found = np.zeros(best.time, bool)
    found[best.evicted] = True
    return found


def _next_uses(future: Sequence[int]) -> list[int]:
    """Return, for each position, the position at which the same unit is asked for again."""
    following: dict[int, int] = {}
    uses = [NEVER_AGAIN] * len(future)
    for position in range(len(future) - 1, -1, -1):
        uses[position] = following.get(future[position], NEVER_AGAIN)
        following[future[position]] = position
    return uses


def hit_rate(
    router: Router, layers: int, experts: int, per_token: int, slots: int, tokens: int, *,
    replacement: Replacement = "lru", accuracy: float = 1.0, warm: int = 0,
) -> float:  # fmt: skip
    """Return the share of experts that are there when asked for, over ``tokens`` tokens behind ``warm``."""
    trace = RouterTrace(router, layers, experts, per_token, seed=1)
    asked = [
        [layer * experts + int(e) for e in trace.step(layer)]
        for _ in range(warm + tokens)
        for layer in range(layers)
    ]
    cache = ExpertCache(slots, replacement, asked, accuracy=accuracy)
    for position, units in enumerate(asked):
        if position == warm * layers:
            cache.hits = cache.misses = 0
        cache.ask(units)
    return cache.hits / (cache.hits + cache.misses)
