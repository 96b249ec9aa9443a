"""Reader of NVDLA's text traces (`NAME.cfg`): one command a line, `name(argument, ...);`.

Format: NVDLA verification guide, "Trace test format"; commands as its tests use them.
"""

import re
from collections.abc import Callable
from pathlib import Path

from hw_models.errors import ConfigError
from hw_models.nvdla.registers import registers
from workloads.traces.commands import Check, Command, Fill, Load, Notify, Poll, Wait, Write

_CALL = re.compile(r"\s*(\w+)\s*\((.*)\)\s*;?\s*$")
_COMMENT = re.compile(r"//.*$|^\s*#.*$")
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

    def file(self, index: int) -> Path:
        return self.path.parent / self.texts[index].strip('"')


def _poll(arguments: _Arguments) -> list[Command]:
    arguments.count(2, 3)
    at = len(arguments.texts) - 2  # the target resource may stand in front
    value = arguments.number(at + 1)
    return [Poll(*arguments.register(at), 0xFFFFFFFF, value, arguments.line)]


def _write(arguments: _Arguments) -> list[Command]:
    arguments.count(2)
    value = arguments.number(1)
    if value >> 32:
        raise arguments.error(f"{arguments.texts[1]} does not fit a register of 32 bits")
    return [Write(*arguments.register(0), value, arguments.line)]


def _fill(arguments: _Arguments) -> list[Command]:
    arguments.count(4)
    return [Fill(arguments.number(1), arguments.number(2), arguments.texts[3], arguments.line)]


def _load(arguments: _Arguments) -> list[Command]:
    arguments.count(3)
    return [Load(arguments.number(1), arguments.file(2), 0, arguments.line)]


def _notify(arguments: _Arguments) -> list[Command]:
    arguments.count(2)
    return [Notify(arguments.texts[0], arguments.texts[1], arguments.line)]


def _wait(arguments: _Arguments) -> list[Command]:
    arguments.count(1, 2)
    return [Wait(arguments.texts[-1], arguments.line)]


def _nothing(arguments: _Arguments) -> list[Command]:
    return []


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
    "poll_reg_equal": _poll,
    "mem_init": _fill,
    "mem_load": _load,
    "intr_notify": _notify,
    "sync_wait": _wait,
    "sync_notify": _nothing,  # of a unit's own sequence: commands are executed in order here
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
