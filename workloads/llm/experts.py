"""Experts from flash: which a router picks. One expert of one layer is a unit.

With chance `repeat` a router takes an expert that has served a token lately: the last, or with half of the
chance each time the one before. It draws the others by popularity: of rank r with weight 1 / (r + 1)^skew,
ranks in an order of each layer's own. The defaults are calibrated on the hit rates of GLM-5.2 with caches of
30 and 60 GB (docs/llm.md).
"""

from collections import deque

import numpy as np
from pydantic import Field

from hw_models.units import Block
from workloads.llm.replacement import Replacement, UnitCache


class Router(Block):
    """Which experts tokens are sent to."""

    skew: float = Field(0.85, ge=0, le=4, description="0: all alike; larger: a few do most of the work")
    repeat: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="chance that an expert is taken again that one of the last tokens had; of blocks that a "
        "step retrieves: the last step",
    )


OLDER = 0.5  # chance that it is not this token but one before
OLDEST = 16  # tokens


class RouterTrace:
    """Picks of successive tokens, layer by layer."""

    def __init__(self, router: Router, layers: int, experts: int, per_token: int, seed: int):
        self.router, self.experts, self.per_token = router, experts, per_token
        self.random = np.random.Generator(np.random.PCG64([seed, 11]))
        ranks = np.stack([self.random.permutation(experts) for _ in range(layers)])
        self.log_weight = -router.skew * np.log(ranks + 1.0)
        self.past: list[deque[np.ndarray]] = [deque(maxlen=OLDEST) for _ in range(layers)]

    def step(self, layer: int) -> np.ndarray:
        """Return the experts of the next token, ascending, int64, shape (per_token,)."""
        past, random = self.past[layer], self.random
        again = int((random.random(self.per_token) < self.router.repeat).sum()) if past else 0
        ages = np.minimum(random.geometric(1 - OLDER, again), len(past))
        kept = np.unique([past[-age][random.integers(self.per_token)] for age in ages]).astype(np.int64)
        score = self.log_weight[layer] + random.gumbel(size=self.experts)  # draws without replacement
        score[kept] = -np.inf
        fresh = np.argsort(-score, kind="stable")[: self.per_token - kept.size]
        past.append(np.sort(np.concatenate([kept, fresh])))
        return past[-1]

    def units(self, tokens: int) -> list[np.ndarray]:
        """Return what successive tokens ask for, layer by layer: layer * experts + expert."""
        layers = range(len(self.past))
        return [layer * self.experts + self.step(layer) for _ in range(tokens) for layer in layers]


def hit_rate(
    router: Router, layers: int, experts: int, per_token: int, slots: int, tokens: int, *,
    replacement: Replacement = "lru", accuracy: float = 1.0, warm: int = 0,
) -> float:  # fmt: skip
    """Return the share of experts that are there when asked for, over ``tokens`` tokens behind ``warm``."""
    asked = RouterTrace(router, layers, experts, per_token, seed=1).units(warm + tokens)
    cache = UnitCache(slots, replacement, asked, accuracy=accuracy)
    for position, units in enumerate(asked):
        if position == warm * layers:
            cache.hits = cache.misses = 0
        cache.ask(units)
    return cache.hits / (cache.hits + cache.misses)
