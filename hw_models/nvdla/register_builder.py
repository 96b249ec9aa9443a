"""The registers of one unit, put together field by field."""

from collections.abc import Mapping

import numpy as np

from hw_models.nvdla.registers import Settings, fields, registers


class Builder:
    """Collects the registers of one unit field by field."""

    def __init__(self, unit: str):
        self.unit = unit
        self.values: dict[str, int] = {}

    def field(self, name: str, value: int) -> None:
        """Set a field, in two's complement if negative. ValueError when it does not fit."""
        register, part = fields(self.unit)[name]
        if not -(1 << (part.bits - 1)) <= value <= part.mask:
            raise ValueError(f"{self.unit}.{register}.{name} has {part.bits} bits; {value} does not fit")
        old = self.values.get(register, registers()[self.unit, register].reset)
        cleared = old & ~(part.mask << part.low_bit)
        self.values[register] = cleared | (value & part.mask) << part.low_bit

    def fields(self, values: Mapping[str, int]) -> None:
        for name, value in values.items():
            self.field(name, value)

    def address(self, low: str, high: str, value: int) -> None:
        self.values[low], self.values[high] = value & 0xFFFFFFFF, value >> 32

    def settings(self, tables: tuple[np.ndarray, np.ndarray] | None = None) -> Settings:
        return Settings(self.unit, self.values, tables)
