"""Reader of NVDLA's text traces (`NAME.cfg`): one command a line, `name(argument, ...);`.

Format: NVDLA verification guide, "Trace test format"; commands as its tests use them.
"""

import re
from collections.abc import Callable
from pathlib import Path

from hw_models.errors import ConfigError
from hw_models.nvdla.registers import Field, registers
from workloads.traces.commands import PATTERNS, Check, Command, Fill, Load, Notify, Poll, Sync, Wait, Write

_CALL = re.compile(r"\s*(\w+)\s*\((.*)\)\s*;?\s*$")
_COMMENT = re.compile(r"//.*$|^\s*#.*$")
MEMORIES = ("pri_mem", "sec_mem")
INTERRUPTS = [
    f"{unit}_{group}"
    for unit in ("SDP", "PDP", "CDP", "BDMA", "RUBIK", "RBK", "CACC", "CDMA_DAT", "CDMA_WT")
    for group in (0, 1)
]

_BLOCK = re.compile(r"/\*.*?\*/", re.DOTALL)


class _Arguments:
    """The arguments of one command, with errors that say where."""

    def __init__(self, path: Path, line: int, name: str, texts: list[str]):
        self.path, self.line, self.name, self.texts = path, line, name, texts

    def error(self, message: str) -> ConfigError:
        return ConfigError(message, file=self.path, line=self.line, key=self.name)

    def count(self, *allowed: int) -> None:
        if len(self.texts) not in allowed:
            wanted = " or ".join(map(str, allowed))
            raise self.error(f"{len(self.texts)} arguments; it takes {wanted}")

    def number(self, index: int) -> int:
        text = self.texts[index]
        try:
            value = int(text, 0)
        except ValueError:
            raise self.error(f"{text!r} is not a number; write 0x12 or 18") from None
        if not 0 <= value < 1 << 64:
            raise self.error(f"{text} is out of range; write an unsigned number of 64 bits at most")
        return value

    def register(self, index: int) -> tuple[str, str]:
        """Return (unit, register) of `NVDLA_UNIT.REGISTER_0`."""
        text = self.texts[index]
        unit, _, register = text.removeprefix("NVDLA_").partition(".")
        found = unit, register.removesuffix("_0")
        if found not in registers():
            raise self.error(f"{text!r} is not a register; write NVDLA_UNIT.REGISTER_0")
        return found

    def field(self, index: int, register: tuple[str, str]) -> Field:
        """Return a field of ``register``."""
        fields = {part.name: part for part in registers()[register].fields}
        text = self.texts[index]
        if text not in fields:
            raise self.error(f"{text!r} is not a field of {register[1]}; write one of {', '.join(fields)}")
        return fields[text]

    def memory(self) -> None:
        """Check the name of a memory, the first argument: one address space here."""
        if self.texts[0] not in MEMORIES:
            raise self.error(f"{self.texts[0]!r} is not a memory; write {' or '.join(MEMORIES)}")

    def file(self, index: int) -> Path:
        return self.path.parent / self.texts[index].strip('"')


def _poll(arguments: _Arguments) -> list[Command]:
    arguments.count(2, 3)
    at = len(arguments.texts) - 2  # the target resource may stand in front
    value = arguments.number(at + 1)
    return [Poll(*arguments.register(at), 0xFFFFFFFF, value, arguments.line)]


def _poll_field(arguments: _Arguments) -> list[Command]:
    arguments.count(3, 4)
    at = len(arguments.texts) - 3
    register = arguments.register(at)
    part, value = arguments.field(at + 1, register), arguments.number(at + 2)
    return [Poll(*register, part.mask << part.low_bit, value << part.low_bit, arguments.line)]


def _read(arguments: _Arguments) -> list[Command]:
    arguments.count(2)
    arguments.register(0)
    return []


def _write(arguments: _Arguments) -> list[Command]:
    arguments.count(2)
    value = arguments.number(1)
    if value >> 32:
        raise arguments.error(f"{arguments.texts[1]} does not fit a register of 32 bits")
    return [Write(*arguments.register(0), value, arguments.line)]


def _fill(arguments: _Arguments) -> list[Command]:
    arguments.count(4)
    arguments.memory()
    pattern = arguments.texts[3]
    if pattern not in PATTERNS:
        raise arguments.error(f"{pattern!r} is not a pattern; write one of {', '.join(PATTERNS)}")
    return [Fill(arguments.number(1), arguments.number(2), pattern, arguments.line)]


def _load(arguments: _Arguments) -> list[Command]:
    arguments.count(3)
    arguments.memory()
    return [Load(arguments.number(1), arguments.file(2), 0, arguments.line)]


def _notify(arguments: _Arguments) -> list[Command]:
    arguments.count(1, 2)
    source = arguments.texts[0].upper() if len(arguments.texts) == 2 else ""
    if source and source not in INTERRUPTS:
        raise arguments.error(f"{source!r} is not an interrupt; write one of {', '.join(INTERRUPTS)}")
    return [Notify(source, arguments.texts[-1], arguments.line)]


def _wait(arguments: _Arguments) -> list[Command]:
    arguments.count(1, 2)
    return [Wait(arguments.texts[-1], arguments.line)]


def _sync(arguments: _Arguments) -> list[Command]:
    arguments.count(1, 2)
    return [Sync(arguments.texts[-1], arguments.line)]


def _check_crc(arguments: _Arguments) -> list[Command]:
    arguments.count(5)
    address, size, crc = (arguments.number(i) for i in (2, 3, 4))
    return [Check(arguments.texts[0], address, size, crc, None, arguments.line)]


def _check_file(arguments: _Arguments) -> list[Command]:
    arguments.count(5)
    file = arguments.file(4)
    return [Check(arguments.texts[0], arguments.number(2), arguments.number(3), None, file, arguments.line)]


def _check_nothing(arguments: _Arguments) -> list[Command]:
    arguments.count(1)
    return [Check(arguments.texts[0], 0, 0, None, None, arguments.line)]


COMMANDS: dict[str, Callable[[_Arguments], list[Command]]] = {
    "reg_write": _write,
    "reg_read": _read,
    "reg_read_check": _poll,
    "reg_read_expected": _poll,
    "poll_reg_equal": _poll,
    "poll_field_equal": _poll_field,
    "mem_init": _fill,
    "mem_load": _load,
    "intr_notify": _notify,
    "sync_wait": _wait,
    "sync_notify": _sync,  # of a unit's own sequence: commands are executed in order here
    "check_crc": _check_crc,
    "check_file": _check_file,
    "check_nothing": _check_nothing,
}


def read_cfg(path: Path) -> list[Command]:
    """Return the commands of a trace. Raises ConfigError with the line of the first fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError("no such file; write the path of a register program", file=path) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError("cannot be read as text; write the path of a register program", file=path) from None
    text = _BLOCK.sub(lambda match: "\n" * match[0].count("\n"), text)
    commands: list[Command] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub("", line).strip()
        if not line:
            continue
        match = _CALL.match(line)
        if match is None:
            message = f"{line[:60]!r} is not a command; write NAME(ARGUMENT, ...);"
            raise ConfigError(message, file=path, line=number)
        name, inside = match.groups()
        if name not in COMMANDS:
            known = ", ".join(COMMANDS)
            raise ConfigError(f"unknown command {name!r}; write one of {known}", file=path, line=number)
        texts = [part.strip() for part in inside.split(",")]
        commands += COMMANDS[name](_Arguments(path, number, name, texts))
    return commands
