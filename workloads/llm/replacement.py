"""What stays in DRAM of data that is asked for unit by unit: neurons, experts, blocks of keys, rows.

A unit is a number; all are of one size. A policy ranks what is there: the least rank leaves first, but never
what is asked for now. A policy more is a function and a line in RANKS.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

Replacement = Literal["none", "pinned", "window", "lru", "lfu", "predicted", "belady"]
REPLACEMENTS: dict[Replacement, str] = {
    "none": "nothing stays",
    "pinned": "what came first stays for good",
    "window": "what the last `window` tokens asked for stays, the least recently used leaves before",
    "lru": "the least recently used leaves",
    "lfu": "the least often used leaves",
    "predicted": "a bit a request says whether the best cache would throw it out before its next use; right "
    "with the chance `accuracy` (arXiv 2210.02775)",
    "belady": "what is needed last leaves, of all that was asked for: a bound, it knows all requests",
}
NEVER_AGAIN = 2**60
COUNT = 2**40  # more than there are requests


class UnitCache:
    """Units in DRAM, of all that will ever be asked for."""

    def __init__(
        self,
        slots: int,
        replace: Replacement,
        asked: Sequence[np.ndarray],
        *,
        window: int = 1,
        accuracy: float = 1.0,
    ):
        """``asked``: the units of each request, each once, in order; `belady` and `predicted` know it all.

        ``accuracy``: the chance that a bit of `predicted` is right.
        """
        self.slots, self.replace, self.window = 0 if replace == "none" else slots, replace, window
        flat = np.concatenate(asked) if len(asked) else np.zeros(0, np.int64)
        self.names, flat = np.unique(flat, return_inverse=True)
        units = self.names.size
        self.resident = np.zeros(units, bool)
        self.rank = np.zeros(units, np.int64)
        self.count = np.zeros(units, np.int64)
        self.last = np.zeros(units, np.int64)  # position of the request for it that was last
        self.token_of = np.zeros(units, np.int64)
        self.held = self.time = self.token = self.hits = self.misses = 0
        self.left = np.zeros(0, np.int64)  # what the last request threw out
        self.next_use = next_uses(flat) if replace == "belady" else flat
        self.leaves = np.zeros(0, bool)
        if replace == "predicted":
            wrong = np.random.Generator(np.random.PCG64([flat.size, 17])).random(flat.size) > accuracy
            self.leaves = _thrown_out(slots, asked) ^ wrong

    def next_token(self) -> None:
        """A token is over; what no token of the window has asked for leaves."""
        self.token += 1
        if self.replace == "window":
            self.resident &= self.token_of > self.token - self.window
            self.held = int(self.resident.sum())

    def ask(self, units: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return those of ``units`` that are not there; they are now, as far as there is room."""
        at = np.searchsorted(self.names, np.asarray(units, np.int64))
        positions = self.time + np.arange(at.size)
        self.time += at.size
        there = self.resident[at]
        missing = at[~there]
        self.hits += at.size - missing.size
        self.misses += missing.size
        out = self._make_room(at, missing.size)
        self.left = self.names[out]
        stays = there.copy()
        stays[np.flatnonzero(~there)[: self.slots - self.held]] = True
        self.held += int(stays.sum()) - int(there.sum())
        at, positions = at[stays], positions[stays]
        self.resident[at] = True
        self.count[at] += 1
        self.last[at], self.token_of[at] = positions, self.token
        self.rank[at] = RANKS[self.replace](self, at, positions)
        return self.names[missing]

    def _make_room(self, needed: np.ndarray, count: int) -> np.ndarray:
        """Throw out the units of least rank, none of them needed, for ``count`` more; return which."""
        over = self.held + count - self.slots
        if over <= 0 or self.replace in ("none", "pinned"):
            return np.zeros(0, np.int64)
        others = self.resident.copy()
        others[needed] = False
        found = np.flatnonzero(others)
        if found.size > over:
            found = found[np.argpartition(self.rank[found], over - 1)[:over]]
        self.resident[found] = False
        self.held -= found.size
        return found


Rank = Callable[[UnitCache, np.ndarray, np.ndarray], np.ndarray]


def _by_time(cache: UnitCache, units: np.ndarray, positions: np.ndarray) -> np.ndarray:
    del cache, units
    return positions


def _by_count(cache: UnitCache, units: np.ndarray, positions: np.ndarray) -> np.ndarray:
    return cache.count[units] * COUNT + positions


def _by_bit(cache: UnitCache, units: np.ndarray, positions: np.ndarray) -> np.ndarray:
    del units
    return np.where(cache.leaves[positions], 0, COUNT) + positions


def _by_next_use(cache: UnitCache, units: np.ndarray, positions: np.ndarray) -> np.ndarray:
    del units
    following = cache.next_use[positions]
    return np.where(following == NEVER_AGAIN, positions - NEVER_AGAIN, -following)


RANKS: dict[Replacement, Rank] = {
    "none": _by_time,
    "pinned": _by_time,
    "window": _by_time,
    "lru": _by_time,
    "lfu": _by_count,
    "predicted": _by_bit,
    "belady": _by_next_use,
}


def next_uses(flat: np.ndarray) -> np.ndarray:
    """Return, for each position, the position at which the same unit is asked for again, int64."""
    order = np.argsort(flat, kind="stable")
    again = flat[order][1:] == flat[order][:-1]
    uses = np.full(flat.size, NEVER_AGAIN, np.int64)
    uses[order[:-1][again]] = order[1:][again]
    return uses


def _thrown_out(slots: int, asked: Sequence[np.ndarray]) -> np.ndarray:
    """Return, for each unit asked for, whether the best cache throws it out before it is asked for again.

    A cache that throws these out first, and else the least recently used, is as good as the best if the bits
    are right (Antoniadis et al., "Paging with succinct predictions", arXiv 2210.02775).
    """
    best = UnitCache(slots, "belady", asked)
    found = np.zeros(sum(len(units) for units in asked), bool)
    for units in asked:
        last = best.last.copy()
        best.ask(units)
        found[last[np.searchsorted(best.names, best.left)]] = True
    return found
