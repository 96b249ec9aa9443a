"""CDMA as the convolution core sees it: fills CBUF's rings, hands lines and kernel groups over."""

import random
from collections import deque
from dataclasses import dataclass, field

from simulator.cosim_blocks.conv_launches import Task


@dataclass
class Ring:
    """Banks of CBUF: where the next entry goes, and how many are in use."""

    first: int = 0
    capacity: int = 0
    position: int = 0
    used: int = 0
    wraps: int = 0  # how often the end was reached

    def reset(self, first: int, capacity: int) -> None:
        self.first, self.capacity, self.position, self.used = first, capacity, 0, 0

    def take(self) -> int:
        entry = self.first + self.position
        self.position = (self.position + 1) % self.capacity
        self.wraps += self.position == 0
        self.used += 1
        return entry

    def free_entry(self, rng: random.Random) -> int:
        """Return any entry that is not in use."""
        return self.first + (self.position + rng.randrange(self.capacity - self.used)) % self.capacity


@dataclass
class Stream:
    """Lines or kernel groups of launches, in order: [entries still to be written, ...] of each."""

    ring: Ring = field(default_factory=Ring)
    parts: deque[deque[int]] = field(default_factory=deque)
    written: int = 0  # parts that are there as a whole and not handed over
    fresh: int = 0  # of these, those completed in this cycle

    def write(self) -> tuple[int, int] | None:
        """Return (entry, data) of the next write, None when there is nothing or no room."""
        if not self.parts or self.ring.used == self.ring.capacity:
            return None
        data = self.parts[0].popleft()
        if not self.parts[0]:
            self.parts.popleft()
            self.fresh += 1
        return self.ring.take(), data

    def tick(self) -> None:
        self.written, self.fresh = self.written + self.fresh, 0


class Cdma:
    """Works off launches one after the other; a launch with a new split waits until CSC agrees to it."""

    def __init__(self, rng: random.Random, depth: int):
        self.rng, self.depth = rng, depth
        self.data, self.weights = Stream(), Stream()
        self.queue: deque[tuple[Task, int]] = deque()
        self.split = (0, 0)
        self.eager = 1.0  # chance that something that can be done is done in a cycle
        self.pending: tuple[int, bool] | None = None  # (record, whether data wait too), while it waits
        self.waiting: Task | None = None

    def begin(self) -> tuple[int, bool] | None:
        """Start the next launch if the one before is in; return what `Model.pend` is to be told."""
        for stream in (self.data, self.weights):
            if stream.parts or stream.written or stream.fresh:
                return None
        if self.pending or not self.queue:
            return None
        task, slot = self.queue.popleft()
        split = int(task.op["data_banks"]), int(task.op["weight_banks"])
        old, self.split = self.split, split
        if split == old:
            self._fetch(task, True, True)
            return None
        self.pending, self.waiting = (slot, split[0] != old[0]), task
        if split[0] == old[0]:
            self._fetch(task, True, False)
        return self.pending

    def _fetch(self, task: Task, data: bool, weights: bool) -> None:
        if data:
            self.data.parts.extend(deque(line) for line in task.lines)
        if weights:
            self.weights.parts.extend(deque(group) for group in task.groups)

    def agree(self) -> None:
        """CSC has agreed to the new split: what is left in the banks is dropped."""
        assert self.pending
        assert self.waiting
        if self.pending[1]:
            self.data.ring.reset(0, self.split[0] * self.depth)
        self.weights.ring.reset(self.split[0] * self.depth, self.split[1] * self.depth)
        self._fetch(self.waiting, self.pending[1], True)
        self.pending = self.waiting = None

    def write(self, bits: int) -> list[tuple[int, int] | None]:
        """Return (entry, data) written of data and of weights in this cycle; noise where nobody may read."""
        return [self._write(stream, bits) for stream in (self.data, self.weights)]

    def _write(self, stream: Stream, bits: int) -> tuple[int, int] | None:
        found = stream.write() if self.rng.random() < self.eager else None
        ring = stream.ring
        if found is None and ring.used < ring.capacity:
            return ring.free_entry(self.rng), self.rng.getrandbits(bits)
        return found

    def hand_over(self) -> tuple[int, bool]:
        """Return (lines, whether a kernel group) handed over in this cycle."""
        lines = 0
        if self.data.written and self.rng.random() < self.eager:
            lines = self.rng.randint(1, self.data.written)
            self.data.written -= lines
        group = bool(self.weights.written) and self.rng.random() < self.eager
        self.weights.written -= group
        self.data.tick()
        self.weights.tick()
        return lines, group
