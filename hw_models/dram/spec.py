"""The vocabulary of the standards' tables, and how a table becomes cycles.

A standard is a module of plain tables. Every row of TIMINGS has one value for each speed of SPEEDS: a
number of clock cycles, or `ns(...)`, or the larger of both. A source stands beside every row.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple


class ns(NamedTuple):
    """At least this many nanoseconds, and at least this many clock cycles."""

    time: float
    cycles: int = 0


class Device(NamedTuple):
    """One kind of memory chip, or of stack."""

    width: int  # data pins
    bank_groups: int
    banks_per_group: int
    rows: int
    row_bytes: int  # of one chip
    refresh_ns: float  # tRFC, all banks
    refresh_bank_ns: float = 0.0  # tRFCpb, one bank (0: not in the standard)


class Currents(NamedTuple):
    """Supply currents of one chip [mA] at its voltage [V], named as in data sheets."""

    vdd: float
    idd0: float
    idd2n: float
    idd2p: float
    idd3n: float
    idd3p: float
    idd4r: float
    idd4w: float
    idd5: float
    idd6: float


Cycles = int | ns


def to_cycles(value: Cycles, clock_fs: int) -> int:
    """Return ``value`` in clock cycles. Times are rounded up, less 2.6 % of a cycle (JESD79-4 rounding)."""
    if isinstance(value, ns):
        exact_milli = round(value.time * 1e6) * 1000 // clock_fs
        return max(value.cycles, (exact_milli + 974) // 1000)
    return value


def burst_bytes(standard: ModuleType) -> int:
    """Return the bytes that one burst moves."""
    return standard.CHANNEL_WIDTH // standard.PSEUDO_CHANNELS * standard.BURST_LENGTH // 8


def checked(standard: ModuleType) -> ModuleType:
    """Return a standard's module. Raises ValueError for a table that the address mapping cannot serve."""
    burst = burst_bytes(standard)
    if burst & (burst - 1):
        raise ValueError(
            f"{standard.NAME}: bursts of {standard.BURST_LENGTH} transfers are {burst} B, "
            "not a power of two; an address has no whole bits for what lies within one"
        )
    for name, device in standard.DEVICES.items():
        for what in ("bank_groups", "banks_per_group", "rows", "row_bytes"):
            size = getattr(device, what)
            if size <= 0 or size & (size - 1):
                raise ValueError(f"{standard.NAME}: {what} of {name} is {size}, not a power of two")
    return standard


def timings(standard: ModuleType, speed: str, device: Device, overrides: Mapping[str, int]) -> dict[str, int]:
    """Return every timing of one speed in cycles, with ``overrides`` laid over them."""
    column = standard.SPEEDS.index(speed)
    clock_fs = standard.CLOCK_FS[column]
    values = {name: to_cycles(row[column], clock_fs) for name, row in standard.TIMINGS.items()}
    values["tRFC"] = to_cycles(ns(device.refresh_ns), clock_fs)
    values["tRFCpb"] = to_cycles(ns(device.refresh_bank_ns), clock_fs)
    values.update(overrides)
    return values
