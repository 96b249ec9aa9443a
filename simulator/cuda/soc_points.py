"""Whole systems of a sweep on one device, and those that only the CPU runs."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from hw_models.errors import ConfigError
from simulator.config.model import Config, load
from simulator.cuda.soc import Systems
from simulator.cuda.soc_rows import Point, point_of, why_not
from simulator.kernel.warm import compile_memory_side, kinds_of
from simulator.report.run import Run
from simulator.simulate import in_one_run, result_of
from simulator.single import check_runnable
from simulator.soc.build import build_machine
from simulator.sweeps.alone import error_of
from simulator.sweeps.workers import Answer, Task, simulate_point


class Ready(NamedTuple):
    """A system that waits for a device."""

    key: str
    config: Config
    point: Point


def prepare(tasks: Iterable[Task]) -> Iterator[Ready | tuple[str, Answer, str]]:
    """Yield systems that a device runs, or answers and, if the CPU gave them, why it had to."""
    for key, given in tasks:
        try:
            config = load(given)
            check_runnable(config)
            why = "" if in_one_run(config) else "runs of many parts"
            if not why:
                machine = build_machine(config)
                why = why_not(machine)
            if not why:
                compile_memory_side(kinds_of(machine.system)[0])  # for the end of its books
                yield Ready(key, config, point_of(machine))
                continue
        except ConfigError as error:
            yield key, error_of(error), ""
            continue
        yield key, simulate_point(given), why


def answers(systems: Systems, ready: list[Ready]) -> Iterator[tuple[str, Answer]]:
    """Yield what a sweep keeps of each system."""
    since = time.perf_counter()
    ended = systems.run([each.point for each in ready], lambda number: build_machine(ready[number].config))
    for number, machine, error in ended:
        key, config, _ = ready[number]
        if error is not None:
            located: Any = config.locate(error) if isinstance(error, ConfigError) else error
            yield key, error_of(located)
        else:
            wall_s = (time.perf_counter() - since) / len(ready)
            yield key, {"summary": Run.of(result_of(machine, wall_s)).summary}
