"""A register-level program's launches of SDP, PDP or CDP, from memory to memory, on the unit's twin.

The memory interface is the model's: what it asks of the unit, and gives it, is what the twin gets. So the
model goes first: what the twin is to show is known when its inputs are.
"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from hw_models.cache.standalone import build_wiring
from hw_models.nvdla.block import advance, respond, start
from hw_models.nvdla.build import build
from hw_models.nvdla.decode import op_of
from hw_models.nvdla.launch import Launch
from hw_models.nvdla.names import Block, Client
from hw_models.nvdla.op import OP
from hw_models.nvdla.post_state import SDP_CLIENTS
from hw_models.nvdla.post_timing import DONE_TO_INTERRUPT
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.values.execute import Executor
from hw_models.nvdla.values.memory import Memory
from hw_models.port import REQUEST, front, pop
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.unit_launches import TASKS, Told
from workloads.traces.program import apply, script_of

LONGEST_CYCLES = 10**7
OPS = 64  # rows, used in turn
GROUPS = {Client.SDP: int(Block.SDP), Client.PDP: int(Block.PDP), Client.CDP: int(Block.CDP)}
IDLE = ("enable", "read_ready", "beat_valid", "acknowledge")
OWN = {  # further inputs of each, at rest
    Client.SDP: ("table_write", "cacc_valid"),
    Client.PDP: ("sdp_valid",),
    Client.CDP: ("table_write",),
}
BEATS = 16  # bits of a request's beats where several readers show theirs side by side


class Bench(bench.Bench):
    """An episode is a program, and a transaction; launches are enabled as soon as there is room."""

    goals = ()
    episode_cycles = LONGEST_CYCLES

    def __init__(
        self,
        parameters: dict[str, int],
        random: Random,
        programs: list[str],
        preset: str,
        client: int,
        latency: tuple[int, int],
    ):
        super().__init__(parameters, random)
        self.preset, self.programs = dict(PRESETS[preset]), programs
        self.client, self.latency = Client(client), latency
        self.clients = SDP_CLIENTS if client == Client.SDP else (client,)

    def begin(self, episode: int) -> dict[str, int]:
        self.state: Any = build(self.preset)[0]
        self.readers = [self.state["mcif"][0]["readers"][int(client)] for client in self.clients]
        self.reads, self.writes = (build_wiring(4)[0]["fifo"][n] for n in range(2))
        self.reads["limit"] = self.writes["limit"] = 1
        self.ops = np.zeros(OPS, OP)
        self.over = False
        self.script = script_of(Path(self.programs[episode]))
        self.memory = Memory()
        self.executor = Executor(self.preset, self.memory)
        self.played = self._launches()
        self.next_launch = next(self.played, None)
        self.beats: deque[tuple[int, Any, int]] = deque()  # cycle, burst, content
        self.answers: deque[tuple[int, Any]] = deque()
        self.enabled: list[int] = []  # cycle of each launch's enable
        self.done = 0  # launches
        self.asked: list[tuple[int, int] | None] = [None] * len(self.readers)  # address and beats in front
        self.again: list[int] = []  # of each launch, columns read before a line's first
        self.slots: list[int] = []
        self.dones: set[int] = set()
        self.idle = dict.fromkeys((*IDLE, *OWN[self.client]), 0)
        return self.idle | {"write_ready": 1}

    def _launches(self) -> Iterator[tuple[Any, Told]]:
        """Yield the launches, memory being as the program has it by then, and what they leave in it."""
        following = 0
        for number, command in enumerate(self.script.commands):
            apply(command, self.memory, missing_is_error=False)
            while following < len(self.script.launches) and self.script.at[following] == number:
                launch: Launch = self.script.launches[following]
                self.executor.run(launch)
                told = TASKS[launch.unit](launch, self.preset)
                yield op_of(launch, self.preset["atom_bytes"])[0], told
                following += 1

    def drive(self, cycle: int) -> dict[str, int]:
        """Step the model; return what it did that the twin must be told of."""
        self.expected: dict[str, int] = {}
        if self.next_launch is not None and self.next_launch[1].tables and not self.slots:
            return self.next_launch[1].inputs | self.next_launch[1].tables.popleft()
        inputs = dict(self.idle)
        if self.answers and self.answers[0][0] <= cycle:
            respond(self.state, self.answers.popleft()[1], cycle)
            inputs["acknowledge"] = 1
        if self.beats and self.beats[0][0] <= cycle:
            _, answer, content = self.beats.popleft()
            respond(self.state, answer, cycle)
            place = self.clients.index(int(answer["stream"]))
            data = content << 8 * self.preset["dbb_bytes"] * place
            inputs |= {"beat_valid": 1 << place, "beat_data": data}
        if self.next_launch is not None and self._room(self.next_launch[1]):
            inputs |= {"enable": 1, **self._enable(*self.next_launch, cycle)}
        self._note_requests(cycle)
        heads = [int(reader["head"]) for reader in self.readers]
        advance(self.state, self.ops, cycle, self.reads, self.writes)
        self._ask(cycle)
        gone = [int(reader["head"]) != head for reader, head in zip(self.readers, heads)]
        inputs["read_ready"] = bench.packed(gone, 1)
        if any(gone) or len(gone) > 1:
            self._show_requests()
        self.asked = [None if left else asked for left, asked in zip(gone, self.asked)]
        self._write(cycle)
        self._note_dones()
        self.expected["done"] = int(cycle in self.dones)
        return inputs

    def _room(self, told: Told) -> bool:
        """Tell whether a launch may begin; one that reads columns again has the unit for itself."""
        if told.tables or (self.slots and (told.again or self.again[-1])):
            return False
        return bool(self.state["groups"][GROUPS[self.client]]["count"] < 2)

    def _enable(self, op: Any, told: Told, cycle: int) -> dict[str, int]:
        """Enable a launch. Returns its registers, as inputs."""
        row = len(self.enabled) % OPS
        self.enabled.append(cycle)
        self.ops[row] = op
        self.again.append(told.again)
        self.slots.append(int(self.state["launched"]) % len(self.state["records"]))
        assert start(self.state, self.ops, row, cycle)
        self.next_launch = next(self.played, None)
        return told.inputs

    def _note_requests(self, cycle: int) -> None:
        """Note the requests in front: the model cuts them down as their bursts leave."""
        for place, reader in enumerate(self.readers):
            head = int(reader["head"])
            if self.asked[place] is None and reader["count"] and reader["time"][head] <= cycle:
                self.asked[place] = int(reader["address"][head]), int(reader["beats"][head])

    def _show_requests(self) -> None:
        """Note the requests that the twin is to show in this cycle."""
        asked = [each or (0, 0) for each in self.asked]
        self.expected |= {
            "read_valid": bench.packed([each is not None for each in self.asked], 1),
            "read_address": bench.packed([address for address, _ in asked], 32),
            "read_beats": bench.packed([beats for _, beats in asked], BEATS),
        }

    def _ask(self, cycle: int) -> None:
        """Memory takes the burst that leaves in this cycle, and will answer."""
        if not self.reads["count"]:
            return
        row, dbb = front(self.reads), self.preset["dbb_bytes"]
        first = int(row["address"]) - self.again[-1] * self.preset["atom_bytes"]
        for beat in range(int(row["bytes"]) // dbb):
            answer = np.zeros(1, REQUEST)[0]
            for name in ("stream", "tag"):
                answer[name] = row[name]
            answer["bytes"] = dbb
            stored = self.memory.read(first + beat * dbb, dbb)
            earliest = max(cycle + self.latency[0], self.beats[-1][0] + 1 if self.beats else 0)
            self.beats.append((earliest, answer, int.from_bytes(stored.tobytes(), "little")))
        pop(self.reads)

    def _write(self, cycle: int) -> None:
        self.expected["write_valid"] = int(self.writes["count"])
        if not self.writes["count"]:
            return
        row, atom = bench.copied(front(self.writes)), self.preset["atom_bytes"]
        pop(self.writes)
        count = int(row["bytes"]) // atom
        self.answers.append((cycle + self.latency[1] + count - 1, row))
        stored = self.memory.read(int(row["address"]), int(row["bytes"]))
        self.expected |= {
            "write_address": int(row["address"]),
            "write_atoms": count,
            "write_data": int.from_bytes(stored.tobytes(), "little"),
        }

    def _note_dones(self) -> None:
        """Note when launches are to be done, as soon as it is known."""
        records = self.state["records"]
        self.dones |= {int(records[slot]["done"]) for slot in self.slots}
        self.slots = [slot for slot in self.slots if records[slot]["done"] < 0]

    def check(self, cycle: int) -> dict[str, int]:
        if self.expected.get("done"):
            self.done += 1
            self.over = self.done == len(self.script.launches)
        if self.over:
            self.told.append(cycle + DONE_TO_INTERRUPT - self.enabled[-1])
            self.transactions += 1
        return self.expected
