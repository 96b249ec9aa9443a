"""cocotb's own clocks (`cocotb.clock.Clock`): counted, and toggled by the main program where it is ours.

Importing this is what does so, for clocks that start afterwards. Period and phase are those of cocotb's.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.utils import get_sim_time, get_time_from_sim_steps

DEPOSIT = 0  # how cocotb is asked to set a signal; other ways are left to it
CLOCKS: list["Toggled"] = []


class Toggled:
    """What cocotb asks to toggle a clock: `start`, `stop`; and how many rising edges it has had."""

    def __init__(self, handle: Any, create: Callable[[Any], Any]):
        self.handle, self.create = handle, create
        self.theirs: Any = None
        self.number = -1
        self.is_running = False
        self.first_rise = self.period = self.before = 0

    def start(self, period: int, high: int, start_high: bool, set_action: int) -> None:
        """Begin to toggle; ``period`` and ``high`` are steps of the simulator."""
        now, self.period = int(get_sim_time("step")), period
        self.first_rise = now if start_high else now + period - high
        self.is_running = True
        program = main_program()
        if program is not None and set_action == DEPOSIT and _is_of_top(self.handle):
            name = self.handle.get_name_string().encode()
            self.number = program.dlasim_drive(name, high, period - high, int(start_high))
        if self.number < 0:
            self.theirs = self.create(self.handle)
            self.theirs.start(period, high, start_high, set_action)

    @property
    def period_ns(self) -> float:
        return float(get_time_from_sim_steps(self.period, "ns"))

    def stop(self) -> None:
        self.before += self._since_start()
        self.is_running = False
        if self.theirs is not None:
            self.theirs.stop()
        else:
            main_program().dlasim_stop(self.number)

    def _since_start(self) -> int:
        passed = int(get_sim_time("step")) - self.first_rise
        return passed // self.period + 1 if self.is_running and passed >= 0 else 0

    def rises(self) -> tuple[int, bool]:
        """Return how many rising edges there have been up to now, and whether one is of this moment."""
        is_now = self.is_running and int(get_sim_time("step")) % self.period == self.first_rise % self.period
        return self.before + self._since_start(), is_now


def main_program() -> Any:
    """Return the main program that `dlasim cosim` builds Verilated designs with, None in another process."""
    program = ctypes.CDLL(None)
    if not hasattr(program, "dlasim_serve"):
        return None
    numbers = ctypes.c_int64
    program.dlasim_serve.argtypes = [ctypes.c_char_p, numbers, numbers, numbers]
    program.dlasim_drive.argtypes = [ctypes.c_char_p, numbers, numbers, ctypes.c_int]
    return program


def toggled(handle: Any) -> Toggled | None:
    """Return the clock of cocotb's that toggles a signal now."""
    return next((it for it in CLOCKS if it.is_running and it.handle == handle._handle), None)


def rises_of(handle: Any) -> tuple[int, bool]:
    """Return how many rising edges cocotb has made of a signal, and whether one is of this moment."""
    counts = [it.rises() for it in CLOCKS if it.handle == handle._handle]
    return sum(count for count, _ in counts), any(is_now for _, is_now in counts)


def _is_of_top(handle: Any) -> bool:
    named = getattr(cocotb.top, handle.get_name_string(), None)
    return named is not None and named._handle == handle


def _install() -> None:
    simulator: Any = cocotb.simulator
    create = simulator.clock_create

    def ours(handle: Any) -> Toggled:
        clock = Toggled(handle, create)
        CLOCKS.append(clock)
        return clock

    simulator.clock_create = ours


_install()
