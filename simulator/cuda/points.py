"""Points of a sweep on GPUs: the answers that workers would give, many at a time."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

import numba

from hw_models.errors import ConfigError
from hw_models.jit import LINKED
from simulator.cuda.driver import KEY, Gpu, count_gpus
from simulator.sweeps.alone import Alone, answer_of, error_of
from simulator.sweeps.workers import Answer, Run, Task

ASKED = 65_536  # memories that are prepared at a time
SYSTEMS_ASKED = 16_384
_telling = threading.Lock()


class Devices:
    """The GPUs of this machine; ``told`` says in a line what ran on them."""

    def __init__(self, devices: Sequence[Callable[[], Any]]):
        self._devices = devices
        self.points = self.waves = self.bytes = 0
        self.names: set[str] = set()
        self.left: Counter[str] = Counter()  # why the CPU ran points

    @property
    def told(self) -> str:
        names = ", ".join(sorted(self.names))
        each = f"{self.bytes} B a point at most, {self.waves} wave{'s' * (self.waves != 1)}"
        told = [f"{self.points} points on {len(self._devices)} x {names}: {each}"] if self.points else []
        return "; ".join(told + [f"{count} on the CPU: {why}" for why, count in self.left.items()])

    def run(self, alone: Alone, tasks: Iterable[Task]) -> Iterator[tuple[str, Answer]]:
        """Yield an answer for each task."""
        coming = iter(tasks)
        while chunk := list(islice(coming, ASKED)):
            yield from self._answers(alone, chunk)

    def _answers(self, alone: Alone, tasks: list[Task]) -> Iterator[tuple[str, Answer]]:
        from simulator.cuda.dram import Memory
        from simulator.trace.dram import summary_of

        keys, memories = [], []
        for key, config in tasks:
            try:
                memories.append(Memory(*alone.memory(config)))
                keys.append(key)
            except ConfigError as error:
                yield key, error_of(error)
        count = len(self._devices)
        shares = [range(k, len(memories), count) for k in range(count)]
        with ThreadPoolExecutor(count) as threads:
            for share, ended in zip(
                shares, threads.map(self._on_one, self._devices, [memories] * count, shares)
            ):
                for number, end in ended:
                    memory = memories[share[number]]
                    yield keys[share[number]], answer_of(summary_of(*memory, *end))

    def run_systems(self, tasks: Iterable[Task]) -> Iterator[tuple[str, Answer]]:
        """Yield an answer for each task, a whole system."""
        from simulator.cuda.soc_points import Ready, prepare

        coming, count = iter(tasks), len(self._devices)
        while chunk := list(islice(coming, SYSTEMS_ASKED)):
            ready = []
            for each in prepare(chunk):
                if isinstance(each, Ready):
                    ready.append(each)
                    continue
                key, answer, why = each
                if why:
                    self.left[why] += 1
                yield key, answer
            shares = [ready[k::count] for k in range(count)]
            with ThreadPoolExecutor(count) as threads:
                for answers in threads.map(self._systems_on_one, self._devices, shares):
                    yield from answers

    def _systems_on_one(self, device: Callable[[], Any], ready: list[Any]) -> list[tuple[str, Answer]]:
        """Return the answers for systems, on one device, which the thread makes its own."""
        from simulator.cuda.soc import Systems
        from simulator.cuda.soc_points import answers

        if not ready:
            return []
        with _telling:
            systems = Systems(device())
            waves = sum(1 for _ in systems.waves([each.point for each in ready]))
            self._note(systems.device.name, len(ready), waves, max(each.point.bytes for each in ready))
        return list(answers(systems, ready))

    def _note(self, name: str, points: int, waves: int, size: int) -> None:
        self.points, self.waves = self.points + points, self.waves + waves
        self.bytes = max(self.bytes, size)
        self.names.add(name)

    def _on_one(self, device: Callable[[], Any], memories: list[Any], share: range) -> list[tuple[int, Any]]:
        """Return how the memories of a share ended, on one device, which the thread makes its own."""
        from simulator.cuda.dram import Memories, bytes_of

        mine = [memories[k] for k in share]
        if not mine:
            return []
        with _telling:
            runner = Memories(device())
            waves = list(runner.waves(mine))
            self._note(runner.device.name, len(mine), len(waves), max(map(bytes_of, mine)))
        return list(runner.run(mine))


@contextmanager
def on_gpus(alone: Alone | None) -> Iterator[tuple[Run, Devices]]:
    """Yield what runs points on all GPUs of this machine, and what tells of it. Raises ConfigError.

    ``alone``: what the points are, None for whole systems.
    """
    if not LINKED or numba.config.DISABLE_JIT:
        raise ConfigError(f"needs numba 0.68 and its compiler; found {numba.__version__}", key=KEY)
    devices = Devices([partial(Gpu, number) for number in range(count_gpus())])
    yield (lambda tasks: devices.run_systems(tasks) if alone is None else devices.run(alone, tasks)), devices
