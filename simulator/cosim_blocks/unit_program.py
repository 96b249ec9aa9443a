"""A register-level program's launches of SDP, PDP or CDP, from memory to memory, on the unit's twin."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.launch import Launch
from hw_models.nvdla.post import post_room
from hw_models.nvdla.post_timing import DONE_TO_INTERRUPT
from hw_models.nvdla.presets import PRESETS
from simulator.cosim_blocks import model_interface
from simulator.cosim_blocks.unit_launches import Told, told_of
from workloads.traces.program import apply, script_of

LONGEST_CYCLES = 10**7
IDLE = ("enable", "read_ready", "write_ready", "beat_valid", "acknowledge")


class Bench(model_interface.Bench):
    """An episode is a program, and a transaction; launches are enabled as soon as there is room."""

    goals = ()
    episode_cycles = LONGEST_CYCLES

    def __init__(
        self,
        parameters: dict[str, int],
        random: Random,
        programs: list[str],
        preset: str,
        readers: list[int],
        writers: list[int],
        rests: list[str],
        latency: tuple[int, int],
    ):
        """``rests``: further inputs of the twin, at rest."""
        super().__init__(parameters, random)
        self.preset, self.programs = dict(PRESETS[preset]), programs
        self.readers, self.writers, self.rests = readers, writers, rests
        self.latency = latency

    def begin(self, episode: int) -> dict[str, int]:
        self.reset()
        self.over = False
        self.script = script_of(Path(self.programs[episode]))
        self.played = self._launches()
        self.next_launch = next(self.played, None)
        self.enabled: list[int] = []  # cycle of each launch's enable
        self.done = 0  # launches
        self.again: list[int] = []  # of each launch, columns read before a line's first
        self.idle = dict.fromkeys((*IDLE, *self.rests), 0)
        return self.idle

    def _launches(self) -> Iterator[tuple[Any, Told]]:
        """Yield the launches, memory being as the program has it by then, and what they leave in it."""
        following = 0
        for number, command in enumerate(self.script.commands):
            apply(command, self.memory, missing_is_error=False)
            while following < len(self.script.launches) and self.script.at[following] == number:
                launch: Launch = self.script.launches[following]
                self.executor.run(launch)
                yield op_of(launch, self.preset["atom_bytes"])[0], told_of(launch, self.preset)
                following += 1

    def delay(self, beats: int, write: bool) -> int:
        return self.latency[1] + beats - 1 if write else self.latency[0]

    def address_of(self, address: int) -> int:
        return address - self.again[-1] * self.preset["atom_bytes"]

    def drive(self, cycle: int) -> dict[str, int]:
        """Step the model; return what it did that the twin must be told of."""
        self.expected: dict[str, int] = {}
        if self.next_launch is not None and self.next_launch[1].tables and not self.slots:
            return self.next_launch[1].inputs | self.next_launch[1].tables.popleft()
        inputs = self.idle | self.answer(cycle)
        if self.next_launch is not None and self._room(*self.next_launch):
            op, told = self.next_launch
            self.enabled.append(cycle)
            self.again.append(told.again)
            self.enable(op, told.done, cycle)
            inputs |= {"enable": told.units, **told.inputs}
            self.next_launch = next(self.played, None)
        did, self.expected = self.advance(cycle)
        return inputs | did

    def _room(self, op: Any, told: Told) -> bool:
        """Tell whether a launch may begin; one that reads columns again has the unit for itself."""
        if told.tables or (self.slots and (told.again or self.again[-1])):
            return False
        return bool(post_room(self.state, op))

    def check(self, cycle: int) -> dict[str, int]:
        if self.expected.get("done"):
            self.done += 1
            self.over = self.done == len(self.script.launches)
        if self.over:
            self.told.append(cycle + DONE_TO_INTERRUPT - self.enabled[-1])
            self.transactions += 1
        return self.expected
