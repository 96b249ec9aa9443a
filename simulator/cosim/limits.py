"""When a test with a simulated SoC is ended, told to the simulator's process by its environment."""

import os
from typing import NamedTuple

QUIET_CYCLES = 20_000_000  # without a beat on any bus, where nothing else is said


class Limits(NamedTuple):
    """Of each test; None: as nothing said."""

    quiet_cycles: int | None = None  # without a beat on any bus; 0: no limit
    cycles: int | None = None
    until_s: float | None = None  # of the wall clock, as `time.time` has it

    def environment(self) -> dict[str, str]:
        return {_variable(name): str(value) for name, value in self._asdict().items() if value is not None}

    @classmethod
    def of_environment(cls) -> "Limits":
        quiet, cycles, until = (os.environ.get(_variable(name)) for name in cls._fields)
        return cls(
            int(quiet) if quiet else None, int(cycles) if cycles else None, float(until) if until else None
        )


def _variable(name: str) -> str:
    return f"DLASIM_COSIM_{name.upper()}"


NO_LIMITS = Limits()
