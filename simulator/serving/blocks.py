"""The blocks of a paged KV cache: who has them, and which are kept for prompts with the same beginning.

A block that is full may be named by a key that stands for all tokens up to its end. Blocks that nobody uses
wait in one line; the one that waits longest is taken first and loses its name (vLLM's prefix cache).
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence


class Blocks:
    def __init__(self, count: int, forgotten: Callable[[Hashable], None] | None = None):
        """``forgotten``: told the key of each known block that is taken for something else."""
        self.count = count
        self.forgotten = forgotten
        self.free: OrderedDict[int, None] = OrderedDict()  # given back; behind those that nobody has had
        self.users: list[int] = []  # of each block that somebody has had: the first ones
        self.key_of: list[Hashable | None] = []
        self.block_of: dict[Hashable, int] = {}

    @property
    def available(self) -> int:
        return self.count - len(self.users) + len(self.free)

    @property
    def used(self) -> int:
        return self.count - self.available

    def known(self, keys: Sequence[Hashable]) -> list[int]:
        """Return the blocks of the longest known beginning of ``keys``."""
        found = []
        for key in keys:
            block = self.block_of.get(key)
            if block is None:
                break
            found.append(block)
        return found

    def room_beside(self, shared: Sequence[int]) -> int:
        """Return how many blocks can be taken if ``shared`` are used too."""
        return self.available - sum(self.users[block] == 0 for block in shared)

    def share(self, blocks: Sequence[int]) -> None:
        """Use known blocks once more."""
        for block in blocks:
            if self.users[block] == 0:
                del self.free[block]
            self.users[block] += 1

    def take(self, count: int) -> list[int]:
        """Return ``count`` blocks of which nobody knows; the caller has checked that they are there."""
        first = len(self.users)
        taken = list(range(first, min(first + count, self.count)))
        self.users += [1] * len(taken)
        self.key_of += [None] * len(taken)
        for _ in range(count - len(taken)):
            block, _ = self.free.popitem(last=False)
            key = self.key_of[block]
            if key is not None:
                del self.block_of[key]
                if self.forgotten is not None:
                    self.forgotten(key)
                self.key_of[block] = None
            self.users[block] = 1
            taken.append(block)
        return taken

    def name(self, block: int, key: Hashable) -> None:
        """A block is full: prompts that begin like ``key`` may use it, unless another is named so."""
        if self.key_of[block] is None and key not in self.block_of:
            self.key_of[block] = key
            self.block_of[key] = block

    def give_back(self, blocks: Sequence[int]) -> None:
        """Use blocks once less; the last of a sequence is the first to be taken."""
        for block in reversed(blocks):
            self.users[block] -= 1
            if self.users[block] == 0:
                self.free[block] = None
