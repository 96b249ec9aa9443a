"""Ends a test that would go on for ever: what an agent cannot serve, buses on which nothing moves, limits."""

import re
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from cocotb.triggers import Timer

from simulator.cosim.clock import Clock
from simulator.cosim.errors import CosimError
from simulator.cosim.limits import QUIET_CYCLES, Limits
from simulator.cosim.toggling import toggled

LOOK_CYCLES = 5000  # between two looks


class Guarded(Protocol):
    """What is looked at: `simulator.cosim.system.System`."""

    clocks: list[Clock]
    task: Any  # the test

    @property
    def rows(self) -> list[np.void]: ...  # AGENT
    def check(self) -> None: ...


async def guard(system: Guarded, limits: Limits) -> None:
    """Look now and then. Raises CosimError when the test is to end."""
    moved, since, last, still = -1, 0, -1, 0
    most_quiet = QUIET_CYCLES if limits.quiet_cycles is None else limits.quiet_cycles
    while True:
        await _pause(system)
        system.check()
        cycle = max((clock.cycle for clock in system.clocks), default=0)
        count = sum(_moved(row) for row in system.rows)
        moved, since = count, since if count == moved else cycle
        last, still = cycle, still + 1 if cycle == last else 0
        if limits.until_s is not None and time.time() > limits.until_s:
            raise CosimError(f"--timeout has passed: cycle {cycle}: {waits_for(system.task)}")
        if limits.cycles is not None and cycle > limits.cycles:
            raise CosimError(f"--cycles {limits.cycles}: cycle {cycle}: {waits_for(system.task)}")
        if most_quiet and still * LOOK_CYCLES > most_quiet:
            raise CosimError(f"no clock of a bus runs: cycle {cycle}: {waits_for(system.task)}")
        if most_quiet and cycle - since > most_quiet:
            raise CosimError(
                f"no bus has asked for anything in {most_quiet} cycles: cycle {cycle}: "
                f"{waits_for(system.task)}; write a larger --quiet, or 0 for no limit, if that is right"
            )


async def _pause(system: Guarded) -> None:
    periods = [it.period for clock in system.clocks if (it := toggled(clock.handle)) is not None]
    await (Timer(LOOK_CYCLES * min(periods), "step") if periods else Timer(1, "us"))


def _moved(row: np.void) -> int:
    """Return a number that grows with all that moves on a bus."""
    return sum(int(side["accepted"]) + int(side["beats"]) for side in (row["read"], row["write"]))


def waits_for(task: Any) -> str:
    """Say what a test waits for, and where."""
    trigger = re.sub(r" at 0x\w+", "", str(getattr(task, "_trigger", None)))
    place = ""
    coroutine: Any = getattr(task, "_coro", None)
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        name = Path(frame.f_code.co_filename)
        if "cocotb" not in name.parts:
            place = f" ({name.name}:{frame.f_lineno})"
        coroutine = coroutine.cr_await
    return f"the test waits for {trigger}{place}"
