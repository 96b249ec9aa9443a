"""What runs beside the event loop: backends with a memory of their own, and events to come, in order.

A piece of a backend's work takes what the roofline says; pieces of several jobs take turns, first come, first
served. The event loop runs up to the next thing that happens here, or until it asks: a step has begun here.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Any

import numpy as np

from hw_models.port import NEVER
from simulator.kernel import driver
from simulator.kernel.soc_state import ASKS_STORAGE
from simulator.soc.machine import Machine
from workloads.program import Batch, On

Event = Callable[..., None]
LATER_FS = int(NEVER) - 1  # stands for all times after the end of any run


class Backends:
    """Times are femtoseconds."""

    def __init__(self, batches: list[Batch], machine: Machine):
        self.batches, self.machine = batches, machine
        self.dma = -1
        self.events: list[tuple[int, int, Event, tuple[Any, ...]]] = []  # time, order, what, arguments
        self.order = 0
        self.free_fs: dict[str, int] = {}  # backend -> when it has done all that it was given

    def next_fs(self) -> int:
        """Return when something happens here next, NEVER if only the loop can tell."""
        return min(self.events[0][0], LATER_FS) if self.events else int(NEVER)

    def serve(self) -> None:
        """Take the steps that began."""
        system = self.machine.system[0]
        now_fs = int(system["now_fs"])
        for step in system["started_step"][: system["started"]]:
            self._begin(int(step), now_fs)
        system["started"] = 0
        system["asks"] &= ~ASKS_STORAGE
        self.advance(now_fs)

    def advance(self, until_fs: int) -> None:
        """Do all that happens up to ``until_fs``, in order of time."""
        while self.events and self.events[0][0] <= until_fs:
            self._next_event()

    def waits(self) -> list[str]:
        """Say what is under way, for a run that cannot go on."""
        return []

    def summary(self) -> dict[str, Any]:
        return {}

    def blames(self) -> Iterator[tuple[np.ndarray, int, list[str]]]:
        """Yield tables of waits: (victim, culprit, cause), what they count [fs], names of the causes."""
        yield from ()

    def load_kernels(self) -> None:
        """Compile, or load, what is called from here, on copies."""
        driver.complete(self.machine.jobs.copy()[0], self.machine.records.copy(), 0, 0)

    def _begin(self, step: int, now_fs: int) -> None:
        """A step begins on a backend."""
        machine = self.machine
        assert machine.steps[step]["on"] == On.BACKEND
        plan = machine.plan_of(step)
        start_fs = max(now_fs, self.free_fs.get(plan.backend, 0))
        end_fs = start_fs + machine.spans_fs[machine.steps[step]["index"]]
        self.free_fs[plan.backend] = end_fs
        self._at(end_fs, self._end, step, plan.index)

    def _at(self, time_fs: int, event: Event, *what: Any) -> None:
        heappush(self.events, (time_fs, self.order, event, what))
        self.order += 1

    def _next_event(self) -> None:
        time_fs, _, event, what = heappop(self.events)
        event(*what, time_fs)

    def _end(self, step: int, job: int, now_fs: int) -> None:
        """All of a step is over: tell its job."""
        machine = self.machine
        driver.complete(machine.jobs[job], machine.records, step, now_fs)
        self._wake(int(machine.system[0]["job_unit"]) + job, now_fs)

    def _wake(self, unit: int, time_fs: int) -> None:
        """Wake a master or a job."""
        system = self.machine.system[0]
        system["wake_fs"][unit] = min(int(system["wake_fs"][unit]), time_fs)
        system["masters_fs"] = min(int(system["masters_fs"]), time_fs)
