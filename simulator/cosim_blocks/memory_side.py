"""The memory interface as the benches of SDP, PDP and CDP play it: reads, credits, bursts of writes."""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from hw_models.nvdla.mcif_state import CREDIT_RING, REQUESTS, WRITES
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.bench import packed


class Reads:
    """Takes the requests of the model's ``reader``; beats are under way as its credits allow, in order."""

    def __init__(self, reader: Any, credits: int):
        self.reader = reader
        self.credits = credits
        self.cube: deque[int] = deque()  # atoms that memory will be asked for
        self.asked = 0  # beats that are not under way
        self.beats: deque[int] = deque()  # cycles from which those under way may be back

    def back(self, cycle: int) -> bool:
        """Return whether a beat comes back in ``cycle``: the first of `cube`."""
        return bool(self.beats) and self.beats[0] <= cycle

    def take(self) -> None:
        self.beats.popleft()
        self.cube.popleft()

    def request(self, cycle: int) -> dict[str, int]:
        """Return the request that the twin must show in ``cycle``."""
        reader, head = self.reader, int(self.reader["head"])
        if not reader["count"] or reader["time"][head] > cycle:
            return {"read_valid": 0}
        beats = int(reader["beats"][head])
        return {"read_valid": 1, "read_address": int(reader["address"][head]), "read_beats": beats}

    def accept(self) -> None:
        """Take the request in front."""
        reader, head = self.reader, int(self.reader["head"])
        self.asked += int(reader["beats"][head])
        reader["head"] = (head + 1) % REQUESTS
        reader["count"] -= 1

    def credit(self, cycle: int) -> bool:
        """Take the credit that comes back in ``cycle``. Returns whether there is one."""
        reader, first = self.reader, int(self.reader["credit_head"])
        if not reader["credit_count"] or reader["credit_time"][first] != cycle:
            return False
        reader["credit_head"] = (first + 1) % CREDIT_RING
        reader["credit_count"] -= 1
        self.credits += 1
        return True

    def fetch(self, cycle: int, chance: float, latency: int, random: Random) -> None:
        """Let a beat be under way, perhaps, if there is room for it."""
        if self.asked and self.credits and random.random() < chance:
            self.asked -= 1
            self.credits -= 1
            earliest = cycle + random.randint(1, latency)
            self.beats.append(max(earliest, self.beats[-1] + 1 if self.beats else 0))


class Writes:
    """Takes the bursts of the model's ``writer``; memory acknowledges them some time later."""

    def __init__(self, writer: Any, atom_bytes: int):
        self.writer, self.atom_bytes = writer, atom_bytes
        self.atoms: deque[int] = deque()  # that are to be written, in order
        self.open = 0  # bursts that have left and are not acknowledged

    def request(self, cycle: int) -> dict[str, int]:
        """Return the burst that the twin must show in ``cycle``."""
        writer, head = self.writer, int(self.writer["head"])
        if not writer["count"] or writer["time"][head] > cycle:
            return {"write_valid": 0}
        count = int(writer["beats"][head])
        return {
            "write_valid": 1,
            "write_address": int(writer["address"][head]),
            "write_atoms": count,
            "write_data": packed([self.atoms[i] for i in range(count)], 8 * self.atom_bytes),
        }

    def accept(self) -> int:
        """Take the burst in front. Returns its beats."""
        writer, head = self.writer, int(self.writer["head"])
        count = int(writer["beats"][head])
        writer["head"] = (head + 1) % WRITES
        writer["count"] -= 1
        self.open += 1
        for _ in range(count):
            self.atoms.popleft()
        return count


class Bench(bench.Bench):
    """A bench of a unit that writes to memory, and perhaps reads it."""

    reads: Reads
    writes: Writes
    read_ready: bool
    write_ready: bool
    chances: dict[str, float]
    latency: int

    def step_reads(self, cycle: int, step: Callable[[], object]) -> dict[str, int]:
        """Play the read side; ``step`` lets the model go on behind a request. Returns what must be shown."""
        reads = self.reads
        found = reads.request(cycle)
        if found["read_valid"] and self.read_ready:
            reads.accept()
            step()
        found["credit"] = int(reads.credit(cycle))
        self.reach("the latency FIFO is full", reads.asked and not reads.credits)
        reads.fetch(cycle, self.chances["reads"], self.latency, self.random)
        return found

    def step_writes(self, cycle: int, written: Callable[[int], object]) -> dict[str, int]:
        """Play the write side; ``written`` is told a burst's beats. Returns what must be shown."""
        found = self.writes.request(cycle)
        if found["write_valid"]:
            self.reach("writes wait for the bus", not self.write_ready)
            self.reach("the longest burst", found["write_atoms"] == self.parameters["BURST"])
            if self.write_ready:
                written(self.writes.accept())
        return found
