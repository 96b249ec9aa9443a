"""NVDLA's registers by name: the table `registers.csv`, and a register file that a driver writes.

Every unit has two groups of `D_` registers: `S_POINTER.PRODUCER` says which one the driver writes, and an
op-enable hands the group to the unit. `S_` registers and look-up tables exist once.

Sources of the table: names, places and reset values from NVDLA's register manual (nvdla/hw, spec/manual,
branch master). Addresses and strides are in bytes; a field of one that starts above bit 0 leaves out zeros.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

TABLE = Path(__file__).resolve().parent / "registers.csv"
LE_ENTRIES, LO_ENTRIES = 65, 257  # of the look-up tables, hardware manual

# Byte addresses of the units behind the register bus: drivers of nv_small and nv_large (nvdla/sw,
# opendla_small.h), and of nv_full (opendla_initial.h)
BASES: dict[str, dict[str, int]] = {
    "small": {
        "GLB": 0x1000,
        "MCIF": 0x2000,
        "CDMA": 0x3000,
        "CSC": 0x4000,
        "CMAC_A": 0x5000,
        "CMAC_B": 0x6000,
        "CACC": 0x7000,
        "SDP_RDMA": 0x8000,
        "SDP": 0x9000,
        "PDP_RDMA": 0xA000,
        "PDP": 0xB000,
        "CDP_RDMA": 0xC000,
        "CDP": 0xD000,
        "CVIF": 0xF000,
        "BDMA": 0x10000,
        "RBK": 0x11000,
    },
    "full": {
        "GLB": 0x0000,
        "MCIF": 0x2000,
        "CVIF": 0x3000,
        "BDMA": 0x4000,
        "CDMA": 0x5000,
        "CSC": 0x6000,
        "CMAC_A": 0x7000,
        "CMAC_B": 0x8000,
        "CACC": 0x9000,
        "SDP_RDMA": 0xA000,
        "SDP": 0xB000,
        "PDP_RDMA": 0xC000,
        "PDP": 0xD000,
        "CDP_RDMA": 0xE000,
        "CDP": 0xF000,
        "RBK": 0x10000,
    },
}


class Field(NamedTuple):
    name: str
    low_bit: int
    bits: int
    access: str  # both, read, write, constant
    reset: int

    @property
    def mask(self) -> int:
        return (1 << self.bits) - 1


class Register(NamedTuple):
    unit: str
    name: str
    offset: int  # bytes
    fields: tuple[Field, ...]

    @property
    def reset(self) -> int:
        return sum(part.reset << part.low_bit for part in self.fields)

    @property
    def written(self) -> int:
        """Return the bits that a driver can write."""
        return sum(part.mask << part.low_bit for part in self.fields if part.access in ("both", "write"))


@cache
def registers() -> Mapping[tuple[str, str], Register]:
    """Return every register by (unit, name)."""
    found: dict[tuple[str, str], Register] = {}
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            key = row["block"], row["register"]
            part = Field(
                row["field"], int(row["low_bit"]), int(row["bits"]), row["access"], int(row["reset"], 0)
            )
            before = found[key].fields if key in found else ()
            found[key] = Register(*key, int(row["offset"], 0), (*before, part))
    return MappingProxyType(found)


@cache
def fields(unit: str) -> Mapping[str, tuple[str, Field]]:
    """Return the fields of a unit that one register only has: name -> (register, field)."""
    found: dict[str, tuple[str, Field]] = {}
    twice = set()
    for (owner, name), register in registers().items():
        if owner == unit:
            for part in register.fields:
                twice |= {part.name} & set(found)
                found[part.name] = name, part
    return MappingProxyType({name: where for name, where in found.items() if name not in twice})


@cache
def by_address(layout: str) -> Mapping[int, Register]:
    """Return every register by its byte address; ``layout`` names one of BASES."""
    return MappingProxyType({BASES[layout][r.unit] + r.offset: r for r in registers().values()})


@dataclass(frozen=True)
class Settings:
    """What a unit sees of its registers when it is enabled."""

    unit: str
    values: dict[str, int]  # by register; at reset value where absent
    tables: tuple[np.ndarray, np.ndarray] | None = None  # LE (65,) and LO (257,) of SDP or CDP, int64

    def raw(self, name: str) -> int:
        found = self.values.get(name)
        return registers()[self.unit, name].reset if found is None else found

    def __getitem__(self, name: str) -> int:
        """Return a field, unsigned."""
        register, part = fields(self.unit)[name]
        return (self.raw(register) >> part.low_bit) & part.mask

    def signed(self, name: str) -> int:
        """Return a field as a number in two's complement."""
        value, bits = self[name], fields(self.unit)[name][1].bits
        return value - (1 << bits) if value >> (bits - 1) else value

    def address(self, low: str, high: str) -> int:
        """Return what two registers hold together."""
        return self.raw(high) << 32 | self.raw(low)


@dataclass
class RegisterFile:
    """All registers as a driver has written them: shared ones, and two groups of the others."""

    shared: dict[tuple[str, str], int] = field(default_factory=dict)
    groups: tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]] = field(
        default_factory=lambda: ({}, {})
    )
    tables: dict[str, tuple[np.ndarray, np.ndarray]] = field(
        default_factory=lambda: {
            unit: (np.zeros(LE_ENTRIES, np.int64), np.zeros(LO_ENTRIES, np.int64)) for unit in ("SDP", "CDP")
        }
    )

    def producer(self, unit: str) -> int:
        return self.shared.get((unit, "S_POINTER"), 0) & 1

    def write(self, unit: str, name: str, value: int) -> None:
        """Write a register. KeyError when there is none of this name."""
        register = registers()[unit, name]
        value = value & register.written | register.reset & ~register.written
        if name.startswith("D_"):
            self.groups[self.producer(unit)][unit, name] = value
        else:
            self.shared[unit, name] = value
        if name == "S_LUT_ACCESS_DATA":
            self._write_table(unit, value)

    def _write_table(self, unit: str, value: int) -> None:
        """Store an entry at the table's address, which moves on by itself."""
        access = self.shared.get((unit, "S_LUT_ACCESS_CFG"), 0)
        address, table, writes = access & 0x3FF, access >> 16 & 1, access >> 17 & 1
        if writes and address < len(self.tables[unit][table]):
            self.tables[unit][table][address] = value - (1 << 16) if value >> 15 else value
            self.shared[unit, "S_LUT_ACCESS_CFG"] = access & ~0x3FF | (address + 1) & 0x3FF

    def settings(self, unit: str, group: int | None = None) -> Settings:
        """Return a copy of what ``unit`` sees in a group, the producer's if not given."""
        chosen = self.groups[self.producer(unit) if group is None else group]
        values = {name: value for (owner, name), value in self.shared.items() if owner == unit}
        values |= {name: value for (owner, name), value in chosen.items() if owner == unit}
        tables = self.tables.get(unit)
        return Settings(unit, values, (tables[0].copy(), tables[1].copy()) if tables else None)
