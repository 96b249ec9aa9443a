"""DRAM for data of a kind, as a user writes it: a share of them, or a size."""

import re
from fractions import Fraction
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, PlainSerializer

from hw_models.units import SIZE_UNITS, format_quantity, parse_quantity


class Budget(NamedTuple):
    """DRAM for weights: a share of the model, or bytes."""

    share: Fraction | None = None
    size_bytes: int | None = None

    def __str__(self) -> str:
        if self.share is None:
            return format_quantity(self.size_bytes or 0, SIZE_UNITS)
        return f"{float(100 * self.share):g} %"

    def bytes_of(self, whole_bytes: int) -> int:
        return int(self.share * whole_bytes) if self.share is not None else self.size_bytes or 0


def _budget(value: Any) -> Budget:
    if isinstance(value, Budget):
        return value
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*", value) if isinstance(value, str) else None
    if match is not None and 0 < Fraction(match[1]) <= 100:
        return Budget(share=Fraction(match[1]) / 100)
    try:
        return Budget(size_bytes=parse_quantity(value, "size", SIZE_UNITS))
    except ValueError:
        message = (
            f"{value!r} is no DRAM budget; write a share of the model such as 50 %, or a size such as 4 GiB"
        )
        raise ValueError(message) from None


DramBudget = Annotated[
    Budget,
    BeforeValidator(_budget, json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]
