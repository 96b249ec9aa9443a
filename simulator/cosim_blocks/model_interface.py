"""The model's own memory interface between a memory and a twin's units.

What it asks of the units, and gives them, is what the twin gets. So the model goes first: what the twin is to
show is known when its inputs are.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from hw_models.cache.standalone import build_wiring
from hw_models.nvdla.block import advance, respond, start
from hw_models.nvdla.build import build
from hw_models.nvdla.mcif_state import WRITES
from hw_models.nvdla.op import OP
from hw_models.nvdla.values.execute import Executor
from hw_models.nvdla.values.memory import Memory
from hw_models.port import REQUEST, front, pop
from simulator.cosim_blocks import bench

OPS = 64  # rows, used in turn
BEATS = 16  # bits of a request's beats where several readers show theirs side by side
Burst = tuple[int, int]  # address, beats


class Bench(bench.Bench):
    """A bench of units that read as `readers` and write as `writers`; who does nothing is at rest."""

    preset: dict[str, int]
    readers: Sequence[int]
    writers: Sequence[int]

    def reset(self) -> None:
        """Build model and memory anew."""
        self.state: Any = build(self.preset)[0]
        mcif = self.state["mcif"][0]
        self.reading = [mcif["readers"][int(client)] for client in self.readers]
        self.writing = [mcif["writers"][int(client)] for client in self.writers]
        self.reads, self.writes = (build_wiring(4)[0]["fifo"][n] for n in range(2))
        self.reads["limit"] = self.writes["limit"] = 1
        self.ops = np.zeros(OPS, OP)
        self.launches = 0
        self.memory = Memory()
        self.executor = Executor(self.preset, self.memory)
        self.beats: deque[tuple[int, Any, int]] = deque()  # cycle, burst, content
        self.answers: deque[tuple[int, Any]] = deque()
        self.asked: list[Burst | None] = [None] * len(self.reading)  # in front
        self.slots: dict[int, int] = {}  # records of launches whose done cycle is not known: bit of `done`
        self.dones: dict[int, int] = {}  # bits of `done` by cycle

    def delay(self, beats: int, write: bool) -> int:
        """Return the cycles from a burst to its first beat, or to its acknowledgement."""
        raise NotImplementedError

    def flip(self, who: str) -> bool:
        """Tell whether the memory does something in this cycle that it could do."""
        return True

    def enable(self, op: Any, done: int, cycle: int) -> int:
        """Let the model begin a launch that ends with a bit of ``done``. Returns its record."""
        row, self.launches = self.launches % OPS, self.launches + 1
        self.ops[row] = op
        slot = int(self.state["launched"]) % len(self.state["records"])
        self.slots[slot] = done
        assert start(self.state, self.ops, row, cycle)
        return slot

    def answer(self, cycle: int) -> dict[str, int]:
        """Give the model what memory answers in this cycle. Returns that as the twin's inputs."""
        inputs = {}
        if self.answers and self.answers[0][0] <= cycle and self.flip("memory"):
            _, row = self.answers.popleft()
            respond(self.state, row, cycle)
            inputs["acknowledge"] = 1 << self.writers.index(int(row["stream"]))
        if self.beats and self.beats[0][0] <= cycle and self.flip("beats"):
            _, answer, content = self.beats.popleft()
            respond(self.state, answer, cycle)
            place = self.readers.index(int(answer["stream"]))
            data = content << 8 * self.preset["dbb_bytes"] * place
            inputs |= {"beat_valid": 1 << place, "beat_data": data}
        return inputs

    def advance(self, cycle: int) -> tuple[dict[str, int], dict[str, int]]:
        """Step the model. Returns what the twin must be told of, and what it is to show."""
        self._note_requests(cycle)
        readers = [int(reader["head"]) for reader in self.reading]
        writers = [(int(writer["head"]), self._burst(writer, cycle)) for writer in self.writing]
        advance(self.state, self.ops, cycle, self.reads, self.writes)
        gone = [int(reader["head"]) != head for reader, head in zip(self.reading, readers)]
        left = [int(writer["head"]) != head for writer, (head, _) in zip(self.writing, writers)]
        self._ask(cycle)
        shown = self._shown(gone)
        self.asked = [None if went else asked for went, asked in zip(gone, self.asked)]
        bursts = [
            burst if went else self._burst(writer, cycle)
            for writer, went, (_, burst) in zip(self.writing, left, writers)
        ]
        shown |= self._written(bursts)
        self._answer_later(cycle)
        records = self.state["records"]
        for slot in [slot for slot in self.slots if records[slot]["done"] >= 0]:
            at = int(records[slot]["done"])
            self.dones[at] = self.dones.get(at, 0) | self.slots.pop(slot)
        shown["done"] = self.dones.get(cycle, 0)
        return {"read_ready": bench.packed(gone, 1), "write_ready": bench.packed(left, 1)}, shown

    def _note_requests(self, cycle: int) -> None:
        """Note the requests in front: the model cuts them down as their bursts leave."""
        for place, reader in enumerate(self.reading):
            head = int(reader["head"])
            if self.asked[place] is None and reader["count"] and reader["time"][head] <= cycle:
                self.asked[place] = int(reader["address"][head]), int(reader["beats"][head])

    def _shown(self, gone: list[bool]) -> dict[str, int]:
        """Return the requests that the twin is to show; one reader's only when it is taken."""
        if not any(gone) and len(gone) == 1:
            return {}
        asked = [each or (0, 0) for each in self.asked]
        return {
            "read_valid": bench.packed([each is not None for each in self.asked], 1),
            "read_address": bench.packed([address for address, _ in asked], 32),
            "read_beats": bench.packed([beats for _, beats in asked], BEATS),
        }

    def address_of(self, address: int) -> int:
        """Return where in memory lies what is asked for at an address."""
        return address

    def _ask(self, cycle: int) -> None:
        """Memory takes the burst that leaves in this cycle, and will answer."""
        if not self.reads["count"] or not self.flip("bus"):
            return
        row, dbb = front(self.reads), self.preset["dbb_bytes"]
        first, count = self.address_of(int(row["address"])), int(row["bytes"]) // self.preset["dbb_bytes"]
        earliest = cycle + self.delay(count, write=False)
        for beat in range(count):
            answer = np.zeros(1, REQUEST)[0]
            for name in ("stream", "tag"):
                answer[name] = row[name]
            answer["bytes"] = dbb
            stored = self.memory.read(first + beat * dbb, dbb)
            earliest = max(earliest, self.beats[-1][0] + 1 if self.beats else 0)
            self.beats.append((earliest, answer, int.from_bytes(stored.tobytes(), "little")))
        pop(self.reads)

    def _burst(self, writer: Any, cycle: int) -> Burst | None:
        """Return the burst that a writer shows in this cycle."""
        head = int(writer["head"]) % WRITES
        if not writer["count"] or writer["time"][head] > cycle:
            return None
        return int(writer["address"][head]), int(writer["beats"][head])

    def _written(self, bursts: list[Burst | None]) -> dict[str, int]:
        """Return the bursts that the twin is to show, with their data."""
        shown = {"write_valid": bench.packed([burst is not None for burst in bursts], 1)}
        if not any(bursts):
            return shown
        atom = self.preset["atom_bytes"]
        found = [burst or (0, 0) for burst in bursts]
        stored = [self.memory.read(address, beats * atom).tobytes() for address, beats in found]
        return shown | {
            "write_address": bench.packed([address for address, _ in found], 32),
            "write_atoms": bench.packed([beats for _, beats in found], 4),
            "write_data": bench.packed(
                [int.from_bytes(data, "little") for data in stored], 8 * atom * self.preset["burst_beats"]
            ),
        }

    def _answer_later(self, cycle: int) -> None:
        """Memory takes the burst of writes that leaves in this cycle, and will acknowledge it."""
        if not self.writes["count"] or not self.flip("writes"):
            return
        row = bench.copied(front(self.writes))
        pop(self.writes)
        earliest = cycle + self.delay(int(row["bytes"]) // self.preset["dbb_bytes"], write=True)
        self.answers.append((max(earliest, self.answers[-1][0] if self.answers else 0), row))
