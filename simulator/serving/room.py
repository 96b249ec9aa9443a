"""How much of the cache a sequence takes, and how much of it a step reads, by its tokens.

Where all tokens stay both are in proportion. Under windows, budgets and states they are not: they are told
in rows, the bytes that a token adds to all layers, so that an engine counts blocks of rows.
"""

from functools import lru_cache

import numpy as np

from workloads.llm.cell_totals import Totals, is_plain, totals
from workloads.llm.cells import Cells

TABLE_TOKENS = 1 << 12  # of which totals are computed at once


class Room:
    def __init__(self, cells: Cells):
        self.cells, self.plain = cells, is_plain(cells)
        rows, states = int(cells.row_bytes.sum()), int(cells.state.sum())
        self.row_bytes = rows or max(states, 1)  # a model of scans alone: its states are one row
        self.answers = bool(cells.kept.answer.any())  # what stays depends on where the prompt ends
        self._table = lru_cache(1024)(self._of_tokens)

    def rows(self, tokens: int, prompt: int) -> int:
        """Return how many rows a sequence of ``tokens`` behind a prompt of ``prompt`` takes."""
        if self.plain:
            return tokens
        return -(-int(self._at(tokens, prompt).stored) // self.row_bytes)

    def read_bytes(self, tokens: int, prompt: int) -> int:
        """Return the bytes of keys and values that a step of such a sequence reads, all layers."""
        return int(self._at(tokens, prompt).read)

    def _at(self, tokens: int, prompt: int) -> Totals:
        table = self._table(tokens // TABLE_TOKENS, prompt if self.answers else 0)
        place = tokens % TABLE_TOKENS
        return Totals(table.stored[place], table.read[place])

    def _of_tokens(self, part: int, prompt: int) -> Totals:
        contexts = np.arange(part * TABLE_TOKENS, (part + 1) * TABLE_TOKENS, dtype=np.int64)
        return totals(self.cells, contexts, prompt)
