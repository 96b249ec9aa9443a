"""Blocks of the KV cache in the host's memory: those that the card gave up, and those of swapped sequences.

Blocks of swapped sequences stay until they are called back; the others are forgotten, least recently used
first, when room is needed. Both cross a link, one way at a time each.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence


class Host:
    def __init__(self, blocks: int):
        self.count = blocks
        self.cached: OrderedDict[Hashable, None] = OrderedDict()
        self.swapped = 0  # blocks of swapped sequences
        self.blocks_in = self.blocks_out = 0  # that came from the card, that went back, so far

    @property
    def used(self) -> int:
        return len(self.cached) + self.swapped

    def keep(self, key: Hashable) -> None:
        """The card forgets a block: keep it, if there is room beside swapped sequences."""
        if key in self.cached:
            self.cached.move_to_end(key)
        elif self.swapped < self.count:
            self._make_room(1)
            self.cached[key] = None
            self.blocks_in += 1

    def known(self, keys: Sequence[Hashable]) -> int:
        """Return how many of ``keys`` are here, from the first on."""
        for number, key in enumerate(keys):
            if key not in self.cached:
                return number
        return len(keys)

    def read(self, keys: Sequence[Hashable]) -> None:
        """The card takes a copy of blocks that are here."""
        for key in keys:
            self.cached.move_to_end(key)
        self.blocks_out += len(keys)

    def swap_out(self, blocks: int) -> bool:
        """Take the blocks of a sequence; False if there is no room even without cached ones."""
        if self.swapped + blocks > self.count:
            return False
        self._make_room(blocks)
        self.swapped += blocks
        self.blocks_in += blocks
        return True

    def swap_in(self, blocks: int) -> None:
        """Give back the blocks of a sequence."""
        self.swapped -= blocks
        self.blocks_out += blocks

    def _make_room(self, blocks: int) -> None:
        while self.used + blocks > self.count:
            self.cached.popitem(last=False)
