"""Reader of NVDLA's older traces (`input.txn`): register and memory commands with addresses instead of names.

Format: NVDLA integration guide, "Test Format". Register addresses are word addresses in the low 16 bits; the
units lie where nv_full has them.
"""

from pathlib import Path

from hw_models.errors import ConfigError
from hw_models.nvdla.registers import by_address
from workloads.traces.commands import Check, Command, Load, Notify, Poll, Store, Write

LAYOUT = "full"
WORD_BYTES = 4


def _number(text: str, path: Path, line: int) -> int:
    try:
        return int(text, 16)
    except ValueError:
        message = f"{text!r} is not a number; write it in hexadecimal, 0x12"
        raise ConfigError(message, file=path, line=line) from None


def _arguments(words: list[str], count: int, path: Path, line: int) -> list[str]:
    if len(words) - 1 != count:
        message = f"{len(words) - 1} arguments; {words[0]} takes {count}"
        raise ConfigError(message, file=path, line=line)
    return words[1:]


def _register(text: str, path: Path, line: int) -> tuple[str, str] | None:
    """Return (unit, register) of an address, None where the table has none (reserved, or not NVDLA's)."""
    found = by_address(LAYOUT).get((_number(text, path, line) & 0xFFFF) * WORD_BYTES)
    return (found.unit, found.name) if found else None


def _command(words: list[str], path: Path, line: int) -> list[Command]:
    name = words[0]
    if name == "write_reg":
        address, value = _arguments(words, 2, path, line)
        register = _register(address, path, line)
        return [Write(*register, _number(value, path, line), line)] if register else []
    if name == "read_reg":
        address, mask, value = _arguments(words, 3, path, line)
        register = _register(address, path, line)
        found = _number(mask, path, line), _number(value, path, line)
        return [Poll(*register, *found, line)] if register else []
    if name in ("load_mem", "dump_mem"):
        address, size, file = _arguments(words, 3, path, line)
        at, count = _number(address, path, line), _number(size, path, line)
        target = path.parent / file.strip('"')
        if name == "load_mem":
            return [Load(at, target, count, line)]
        return [Check("", at, count, None, target, line)]
    if name == "write_mem":
        address, mask, value = _arguments(words, 3, path, line)
        data = _number(value, path, line).to_bytes(16, "little")
        return [Store(_number(address, path, line), data, _number(mask, path, line), line)]
    if name == "read_mem":
        address, mask, value = _arguments(words, 3, path, line)
        return []
    if name == "wait":
        return [Notify("", "", line)]
    known = "write_reg, read_reg, load_mem, dump_mem, write_mem, read_mem, wait"
    raise ConfigError(f"unknown command {name!r}; write one of {known}", file=path, line=line)


def read_txn(path: Path) -> list[Command]:
    """Return the commands of a trace. Raises ConfigError with the line of the first fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError("no such file; write the path of a register program", file=path) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError("cannot be read as text; write the path of a register program", file=path) from None
    commands: list[Command] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].partition("//")[0].split()
        if words:
            commands += _command(words, path, number)
    return commands
