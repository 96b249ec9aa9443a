"""Bytes of keys and values over many contexts at once: what is stored, and what a step reads, in all layers.

Cells that are alike are counted once: the sums are those of `Cells.stored_bytes` and `Cells.read_bytes`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from workloads.llm.cells import ALL, Cells, Kept


class Totals(NamedTuple):
    """int64 arrays, one value a context."""

    stored: np.ndarray  # with states
    read: np.ndarray  # without states


def totals(cells: Cells, contexts: np.ndarray, prompt: int = 0) -> Totals:
    """Return the bytes of all layers at each of ``contexts``, of one sequence."""
    stored = np.full(contexts.shape, int(cells.state.sum()), np.int64)
    for many, kept, (size,) in _kinds(cells.kept, cells.row, at=cells.is_stored):
        stored += many * size * kept.tokens(contexts, prompt)
    read = np.zeros(contexts.shape, np.int64)
    kept_by_owner, row, first = cells.readers
    alike = _kinds(kept_by_owner, row, cells.read, cells.index_bits, at=first)
    for many, kept, (size, most, index_bits) in alike:
        tokens = kept.tokens(contexts, prompt)
        read += many * (np.minimum(tokens, most) * size + -(-tokens * index_bits // 8))
    return Totals(stored, read)


def is_plain(cells: Cells) -> bool:
    """Return whether all tokens stay and are read, and nothing else: bytes are in proportion to tokens."""
    whole = cells.keep_all and bool((cells.kept.window == ALL).all()) and bool((cells.read == ALL).all())
    return whole and not cells.state.any() and not cells.index_bits.any()


def _kinds(kept: Kept, *tables: np.ndarray, at: np.ndarray) -> Iterator[tuple[int, Kept, list[int]]]:
    """Yield how many cells of ``at`` are alike, what they keep, and their values of ``tables``."""
    stacked = np.stack([*kept, *tables])[:, at]
    alike, count = np.unique(stacked, axis=1, return_counts=True)
    for column, many in zip(alike.T.tolist(), count.tolist(), strict=True):
        yield many, Kept(*column[: len(kept)]), column[len(kept) :]
