"""A register-level program's convolutions on `nvdla/rtl/conv_pipe.sv`, behind a memory of fixed latency."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from hw_models.nvdla.post_timing import DONE_TO_INTERRUPT
from simulator.cosim_blocks import conv_pipe
from simulator.cosim_blocks.conv_pipe_launches import Task, task_of
from workloads.traces.program import apply, script_of

ON_THE_WAY = (
    2  # cycles that a read takes through the registers of the twin's port, in and out, of the latency
)
LONGEST_CYCLES = 10**7


class Bench(conv_pipe.Bench):
    """An episode is a program, and a transaction; launches are enabled as soon as there is room."""

    goals = ()
    episode_cycles = LONGEST_CYCLES

    def __init__(
        self,
        parameters: dict[str, int],
        random: Random,
        programs: list[str],
        latency: tuple[int, int],
        preset: str = "nv_small",
    ):
        super().__init__(parameters, random, preset)
        self.programs = programs
        self.latencies = latency[0] - ON_THE_WAY, latency[1]

    def begin(self, episode: int) -> dict[str, int]:
        self.reset(out_limit=1)
        self.over = False
        self.script = script_of(Path(self.programs[episode]))
        self.enabled: list[int] = []  # cycle of each launch's enable
        self.done = 0  # launches
        self.tasks = self._tasks()
        self.next_task = self.new_task()
        return self.idle()

    def _tasks(self) -> Iterator[Task]:
        """Yield the launches, memory being as the program has it by then, and what they leave in it."""
        following = 0
        for number, command in enumerate(self.script.commands):
            apply(command, self.memory, missing_is_error=False)
            while following < len(self.script.launches) and self.script.at[following] == number:
                launch = self.script.launches[following]
                self.executor.run(launch)
                yield task_of(launch, self.preset)
                following += 1

    def new_task(self) -> Task | None:
        return next(self.tasks, None)

    def delays(self, beats: int) -> tuple[int, int]:
        return self.latencies[0], self.latencies[1] + beats - 1

    def flip(self, who: str) -> bool:
        return True

    def drive(self, cycle: int) -> dict[str, int]:
        return self.inputs(cycle)

    def check(self, cycle: int) -> dict[str, int]:
        if self.enable:
            self.enabled.append(cycle)
        expected = self.step(cycle)
        if expected["done"]:
            self.done += 1
            self.over = self.done == len(self.script.launches)
        if self.over:
            self.told.append(cycle + DONE_TO_INTERRUPT - self.enabled[-1])
            self.transactions += 1
        return expected

    def reach(self, goal: str, happened: object = True) -> None:
        """A program has no goals."""
