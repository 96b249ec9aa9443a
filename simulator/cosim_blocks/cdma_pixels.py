"""When CDMA writes the entries of an image's lines: one a cycle, as the atoms that it needs are there."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from simulator.cosim_blocks.cdma_registers import line_atoms


@dataclass
class Shape:
    """A line in memory and in CBUF."""

    atoms: int
    entries: int
    needed: list[bool]  # of each step: whether it waits for an atom
    primes: bool  # the first step only takes an atom


def shape_of(op: Any, entries: int, atom: int) -> Shape:
    """Return the shape of the lines of an image, of so many ``entries`` each."""
    begin = int(op["src"]) % atom - int(op["pad_left"] * op["channels"])  # of the first entry, in atoms read
    atoms = line_atoms(op, atom)
    primes = begin > 0
    last = [
        (begin + (entry + 1) * atom - 1) // atom for entry in range(entries)
    ]  # atom of an entry's last byte
    needed = [0 <= number < atoms for number in last]
    return Shape(atoms, entries, [True, *needed] if primes else needed, primes)


class Lines:
    """Steps beside the RTL: `take` an atom in a cycle, then `step` once a cycle."""

    def __init__(self) -> None:
        self.coming: deque[tuple[int, Shape, int]] = (
            deque()
        )  # (cycle in which it is taken, shape, place in line)
        self.held = 0
        self.place = 0  # of the next step in its line
        self.shapes: deque[Shape] = deque()  # of lines whose first atom has come

    def take(self, cycle: int, shape: Shape, first: bool) -> None:
        self.coming.append((cycle, shape, int(first)))

    def step(self, cycle: int) -> bool:
        """Return whether an entry is complete in ``cycle``."""
        while self.coming and self.coming[0][0] < cycle:
            _, shape, first = self.coming.popleft()
            self.held += 1
            if first:
                self.shapes.append(shape)
        if not self.shapes:
            return False
        shape = self.shapes[0]
        needs = shape.needed[self.place]
        if not self.held and (needs or self.place == 0):
            return False
        self.held -= needs
        complete = not (shape.primes and self.place == 0)
        self.place += 1
        if self.place == len(shape.needed):
            self.place = 0
            self.shapes.popleft()
        return complete
