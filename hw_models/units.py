"""Quantities with units, parsed exactly into integers at the edge of a config.

`Fraction` keeps "312.5 ps" at 312500 fs and "0.3 GHz" at 300000000 Hz; a result that is not a whole
number of the base unit is refused rather than rounded.
"""

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

_NUMBER = re.compile(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)\s*([A-Za-z/%µ]+)\s*")

SIZE_UNITS = {
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
CLOCK_UNITS = {"Hz": 1, "kHz": 10**3, "MHz": 10**6, "GHz": 10**9}
TIME_UNITS = {"fs": 1, "ps": 10**3, "ns": 10**6, "us": 10**9, "µs": 10**9, "ms": 10**12, "s": 10**15}
RATE_UNITS = {f"{unit}/s": factor for unit, factor in SIZE_UNITS.items()}
CYCLE_UNITS = {"cycle": 1, "cycles": 1}
RATE_PER_CYCLE_UNITS = {"B/cycle": 1}
FS_PER_PS, FS_PER_US, FS_PER_MS, FS_PER_S = 10**3, 10**9, 10**12, 10**15
PS_PER_NS = 10**3
FS, PS = 1e-15, 1e-12  # seconds
LONGEST = 100  # characters of a quantity
LARGEST = 2**62  # of any quantity, in its base unit: kernels add up to two of them in int64
LONGEST_FS = 1000 * FS_PER_S  # of one time in a config
END_FS = 3600 * FS_PER_S  # of any run: what begins before it ends before 2**62, which is never


class TooLarge(ValueError):
    """A quantity beyond all that can be counted."""


def parse_quantity(value: Any, what: str, units: dict[str, int], most: int = LARGEST) -> int:
    """Return ``value`` in base units. Raises ValueError saying what would be right.

    Examples:
        >>> parse_quantity("4 MiB", "size", SIZE_UNITS), parse_quantity("312.5 ps", "time", TIME_UNITS)
        (4194304, 312500)
        >>> parse_quantity("4096", "size", {"B": 1, "KiB": 1024})
        Traceback (most recent call last):
        ValueError: '4096' is not a size; write a number and one of B, KiB
    """
    advice = f"write a number and one of {', '.join(units)}"
    if isinstance(value, str) and len(value) > LONGEST:
        raise ValueError(f"{value[:LONGEST]!r}... is not a {what}; {advice}")
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2] not in units:
        raise ValueError(f"{value!r} is not a {what}; {advice}")
    exact = Fraction(match[1].replace("_", "")) * units[match[2]]
    if exact.denominator != 1:
        raise ValueError(f"{value!r} is not a whole number of {next(iter(units))}; {advice}")
    if exact > LARGEST:
        at_most = f"{LARGEST} {next(iter(units))}" if most == LARGEST else format_quantity(most, units)
        raise TooLarge(f"{value!r} is too large a {what}; write at most {at_most}")
    return int(exact)


def format_quantity(value: int, units: dict[str, int]) -> str:
    """Return the shortest exact text for ``value``, in the largest unit that divides it.

    Examples:
        >>> format_quantity(4194304, SIZE_UNITS), format_quantity(1536, SIZE_UNITS)
        ('4 MiB', '1536 B')
    """
    best = max(
        (unit for unit in units if value % units[unit] == 0 and value), key=lambda u: units[u], default=""
    )
    unit = best or next(iter(units))
    return f"{value // units[unit]} {unit}"


def in_units_of(text: str, value: int) -> str:
    """Return ``value`` in units of the kind that ``text`` is written in, as it is if that is no quantity.

    Examples:
        >>> in_units_of("1 Hz", 10**6), in_units_of("4000 s", END_FS), in_units_of("17", 16)
        ('1 MHz', '3600 s', '16')
    """
    written = _NUMBER.fullmatch(text)
    for units in (SIZE_UNITS, CLOCK_UNITS, TIME_UNITS, RATE_UNITS, RATE_PER_CYCLE_UNITS):
        if value and written is not None and written[2] in units:
            return format_quantity(value, units)
    return str(value)


def quantity(what: str, units: dict[str, int], bounds: Any = None) -> Any:
    """Return an annotated int type that reads text with one of ``units`` and writes it back."""
    most = next((each.le for each in getattr(bounds, "metadata", ()) if hasattr(each, "le")), LARGEST)
    return Annotated[
        int,
        BeforeValidator(lambda value: parse_quantity(value, what, units, most), json_schema_input_type=str),
        PlainSerializer(lambda value: format_quantity(value, units), return_type=str),
        bounds,
    ]


Bytes = quantity("size", SIZE_UNITS)
Hertz = quantity("clock frequency", CLOCK_UNITS, Field(ge=10**6, le=10**12))
Femtoseconds = quantity("time", TIME_UNITS, Field(le=LONGEST_FS))
SimulatedTime = quantity("time", TIME_UNITS, Field(le=END_FS))
BytesPerSecond = quantity("data rate", RATE_UNITS)
BytesPerCycle = quantity("data rate", RATE_PER_CYCLE_UNITS)
Cycles = quantity("number of cycles", CYCLE_UNITS, Field(le=10**8))


def one_of(words: Iterable[str]) -> Any:
    """Return a type of text that is one of ``words``, such as the names of a table."""
    return Literal[tuple(words)]


class Block(BaseModel):
    """Base of every part of a config: frozen, unknown keys refused, aliases are the YAML's keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_alias=True, validate_by_name=True, validate_default=False
    )


def period_fs(clock_hz: int) -> int:
    return FS_PER_S // clock_hz
