"""Axes of a sweep: a list of values, or a range of numbers or quantities."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Literal

from pydantic import Field, model_validator

from hw_models.units import (
    CLOCK_UNITS,
    CYCLE_UNITS,
    RATE_UNITS,
    SIZE_UNITS,
    TIME_UNITS,
    Block,
    format_quantity,
    parse_quantity,
)

KINDS = (SIZE_UNITS, CLOCK_UNITS, TIME_UNITS, RATE_UNITS, CYCLE_UNITS)
SI_BASES = {id(TIME_UNITS): TIME_UNITS["s"]}  # base units in one SI unit, where they differ
MOST_VALUES = 100_000
_QUANTITY = re.compile(r"[0-9].*[A-Za-z%]\s*")


class Range(Block):
    """From one value to another, both included where the steps meet them."""

    start: int | float | str = Field(alias="from", description="a number or a quantity")
    stop: int | float | str = Field(alias="to", description="a number or a quantity")
    step: int | float | str | None = Field(None, description="added from value to value")
    factor: float | None = Field(None, gt=1, description="multiplied from value to value")
    points: int | None = Field(None, ge=2, le=MOST_VALUES, description="how many values")
    scale: Literal["linear", "log"] = Field("linear", description="of `points`, or of a continuous range")

    @model_validator(mode="after")
    def is_a_range(self) -> "Range":
        start, stop = (exact(value)[0] for value in (self.start, self.stop))
        if exact(self.start)[1] is not exact(self.stop)[1]:
            raise ValueError(f"from {self.start!r} and to {self.stop!r} are not of one kind")
        if start >= stop:
            raise ValueError(f"from {self.start!r} is not below to {self.stop!r}")
        if sum(value is not None for value in (self.step, self.factor, self.points)) > 1:
            raise ValueError("write one of step, factor and points")
        if self.step is not None and exact(self.step)[0] <= 0:
            raise ValueError(f"step {self.step!r} is not above 0")
        if self.step is not None and exact(self.step)[1] is not exact(self.start)[1]:
            raise ValueError(f"step {self.step!r} and from {self.start!r} are not of one kind")
        if self.step is not None and (exact(self.stop)[0] - start) / exact(self.step)[0] >= MOST_VALUES:
            raise ValueError(f"step {self.step!r} makes more than {MOST_VALUES} values; write a larger one")
        if start <= 0 and (self.factor is not None or self.scale == "log"):
            raise ValueError(f"from {self.start!r} is not above 0, which factor and log need")
        return self

    @property
    def is_continuous(self) -> bool:
        return self.step is None and self.factor is None and self.points is None

    def values(self) -> list[Any]:
        """Return all values. A continuous range has none."""
        return list(dict.fromkeys(self.value(number) for number in self._numbers()))

    def _numbers(self) -> Iterator[Fraction]:
        start, stop = exact(self.start)[0], exact(self.stop)[0]
        if self.points is not None:
            for i in range(self.points):
                yield self._between(Fraction(i, self.points - 1))
        elif not self.is_continuous:
            number, count = start, 0
            while number <= stop and count < MOST_VALUES:
                yield number
                number = (
                    number + exact(self.step)[0]
                    if self.step is not None
                    else number * Fraction(self.factor or 2)
                )
                count += 1

    def _between(self, share: Fraction) -> Fraction:
        start, stop = exact(self.start)[0], exact(self.stop)[0]
        if self.scale == "linear" or share in (0, 1):
            return start + (stop - start) * share
        return start * Fraction(float(stop / start) ** float(share))

    def at(self, share: float) -> Any:
        """Return the value at ``share`` (0 to 1) of a continuous range."""
        return self.value(self._between(Fraction(share)))

    def value(self, number: Fraction) -> Any:
        """Return ``number`` as it would be written: whole base units, or whole numbers if both ends are."""
        units = exact(self.start)[1]
        if units is not None:
            return format_quantity(round(number), units)
        if isinstance(self.start, int) and isinstance(self.stop, int) and not isinstance(self.step, float):
            return round(number)
        return float(number)


def axis_values(axis: list[Any] | Range) -> list[Any]:
    return axis if isinstance(axis, list) else axis.values()


def exact(value: Any) -> tuple[Fraction, dict[str, int] | None]:
    """Return the number, in base units, and the table of its units. Raises ValueError."""
    if isinstance(value, str) and _QUANTITY.fullmatch(value.strip()):
        for units in KINDS:
            try:
                return Fraction(parse_quantity(value, "quantity", units)), units
            except ValueError:
                continue
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is neither a number nor a quantity")
    return Fraction(str(value)), None  # as written: 0.1 is a tenth


def si(value: Any) -> float:
    """Return a limit in SI units, as summary.json has them: "200 ms" is 0.2. Raises ValueError."""
    number, units = exact(value)
    return float(number / SI_BASES.get(id(units), 1))
