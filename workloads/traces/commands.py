"""Commands of a register-level program, whatever the text they were read from."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Write:
    """Write a register."""

    unit: str
    register: str
    value: int
    line: int


@dataclass(frozen=True)
class Poll:
    """Wait until the masked register has a value."""

    unit: str
    register: str
    mask: int
    value: int
    line: int


PATTERNS = {  # of memory, by name: a byte; ADDR: each byte's own address; None: whatever it holds
    "ALL_ZERO": 0x00, "ONES": 0xFF, "AFIVE": 0xA5, "FIVEA": 0x5A, "ADDR": None, "RANDOM": None, "X": None,
}  # fmt: skip


@dataclass(frozen=True)
class Fill:
    """Set a range of memory to a pattern: ALL_ZERO, RANDOM, ..."""

    address: int
    size: int
    pattern: str
    line: int


@dataclass(frozen=True)
class Load:
    """Put a file into memory; ``size`` 0: all of it."""

    address: int
    file: Path
    size: int
    line: int


@dataclass(frozen=True)
class Store:
    """Write bytes into memory, those whose bit in ``mask`` is set."""

    address: int
    data: bytes
    mask: int
    line: int


@dataclass(frozen=True)
class Notify:
    """Wait for a unit's interrupt (UNIT_GROUP, any if empty), then pass ``sync`` on."""

    source: str
    sync: str
    line: int


@dataclass(frozen=True)
class Sync:
    """Pass ``sync`` on at once."""

    sync: str
    line: int


@dataclass(frozen=True)
class Wait:
    """Go on when ``sync`` has come."""

    sync: str
    line: int


@dataclass(frozen=True)
class Check:
    """When ``sync`` has come, compare memory: with a CRC, with a file, or with nothing."""

    sync: str
    address: int
    size: int
    crc: int | None
    file: Path | None
    line: int


Command = Write | Poll | Fill | Load | Store | Notify | Sync | Wait | Check
