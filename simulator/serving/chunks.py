"""Room for keys and values set aside as a whole when a request begins, as engines did before paging.

Chunks of contiguous tokens come from a buddy allocator: their sizes are powers of two, each aligned to its
size (Orca as the vLLM paper, arXiv 2309.06180, section 6.1, rebuilds it).
"""

from typing import Literal

Reserve = Literal["max", "pow2", "oracle"]


def reserved_tokens(how: Reserve, prompt: int, output: int, longest: int) -> int:
    """Return the tokens set aside: the longest there can be, a power of two for the answer, or just it."""
    if how == "oracle":
        return prompt + output
    return longest if how == "max" else min(prompt + (1 << (output - 1).bit_length()), longest)


class Chunks:
    def __init__(self, tokens: int):
        self.count = tokens
        self.free: dict[int, set[int]] = {}  # size -> addresses
        address = 0
        while address < tokens:
            size = 1 << ((tokens - address).bit_length() - 1)
            self.free.setdefault(size, set()).add(address)
            address += size
        self.taken: dict[int, int] = {}  # address -> size

    @property
    def used(self) -> int:
        """Return the tokens in chunks that are taken."""
        return sum(self.taken.values())

    @property
    def largest(self) -> int:
        """Return the largest chunk that an empty memory has."""
        return 1 << (self.count.bit_length() - 1)

    def take(self, tokens: int) -> int | None:
        """Return the address of a chunk of at least ``tokens``; None if none is free."""
        size = 1 << max(tokens - 1, 0).bit_length()
        fits = [free for free, addresses in self.free.items() if free >= size and addresses]
        if not fits:
            return None
        found = min(fits)
        address = min(self.free[found])
        self.free[found].discard(address)
        while found > size:
            found //= 2
            self.free.setdefault(found, set()).add(address + found)
        self.taken[address] = size
        return address

    def give_back(self, address: int) -> None:
        """Free a chunk, and join it with its buddy as often as that is free."""
        size = self.taken.pop(address)
        while address ^ size in self.free.get(size, ()):
            self.free[size].discard(address ^ size)
            address = min(address, address ^ size)
            size *= 2
        self.free.setdefault(size, set()).add(address)
