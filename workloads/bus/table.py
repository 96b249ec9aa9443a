"""Bus traces as csv: a transaction a line, the columns of `COLUMNS`, in any order, those that are known."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from hw_models.errors import ConfigError
from hw_models.replay.names import PREDECESSORS
from hw_models.replay.params import LONGEST_BYTES
from hw_models.unpacked import text_of
from workloads.bus.recording import UNKNOWN, Recording, empty

TIMES = ("issue", "accept", "first", "last", "done")
COLUMNS = ("transaction", "write", "id", "address", "bytes", *TIMES, "gap", "after")
NEEDED = ("write", "address", "bytes")
LARGEST = 2**63 - 1  # cycles and addresses
EXAMPLE = "12,1,0,0x80001000,64,310,310,303,310,342,1,11+4 9+0"


def read_table(path: Path) -> Recording:
    """Return the recording at ``path``, plain or .gz. Raises ConfigError with the first mistake's line."""
    try:
        with text_of(path, newline="") as file:
            return _read(path, file)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"not a readable bus trace ({reason}); write csv", file=path) from None


def _read(path: Path, file: IO[str]) -> Recording:
    lines = _lines(file)
    line, header = next(lines, (1, []))
    names = [word.strip().lower() for word in header]
    _check_header(path, line, names)
    rows: list[dict[str, int | list[tuple[int, int]]]] = []
    numbers: list[int] = []
    for line, words in lines:
        try:
            rows.append(_row(names, words, len(rows)))
        except ValueError as error:
            raise ConfigError(str(error), file=path, line=line) from None
        numbers.append(line)
    if not rows:
        raise ConfigError(f"no transactions; write lines such as {EXAMPLE}", file=path)
    recording = _packed(rows, "after" in names)
    if not recording.has_dependencies and not recording.has_times:
        timed = (recording.transactions["issue"] != UNKNOWN) & (recording.transactions["done"] != UNKNOWN)
        raise ConfigError(
            "no times and no column after; write issue and done of every transaction, or after",
            file=path, line=numbers[int(np.argmin(timed))],
        )  # fmt: skip
    return recording


def _lines(file: IO[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, words) of what is neither blank nor a remark."""
    for number, text in enumerate(file, 1):
        if text.strip() and not text.startswith("#"):
            yield number, text.strip().split(",")


def _check_header(path: Path, line: int, names: list[str]) -> None:
    for name in names:
        if name not in COLUMNS:
            known = ", ".join(COLUMNS)
            raise ConfigError(
                f"{name!r} is no column of a bus trace; there are {known}", file=path, line=line
            )
    if len(set(names)) < len(names):
        raise ConfigError("a column is written twice; write each once", file=path, line=line)
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise ConfigError(
            f"column {missing[0]} is missing; write {', '.join(NEEDED)} and what else is known",
            file=path, line=line,
        )  # fmt: skip


def _row(names: list[str], words: list[str], number: int) -> dict[str, int | list[tuple[int, int]]]:
    """Return the values of a line. Raises ValueError in words."""
    if len(words) != len(names):
        raise ValueError(f"{len(words)} values under {len(names)} columns; write one each")
    row: dict[str, int | list[tuple[int, int]]] = {}
    for name, word in zip(names, map(str.strip, words)):
        if name == "after":
            row[name] = _after(word, number)
        elif word:
            row[name] = _number(name, word)
    for name in NEEDED:
        if name not in row:
            raise ValueError(f"{name} is empty; write a number")
    if row.get("transaction", number) != number:
        raise ValueError(f"transaction {row['transaction']} is the {number}th line; number them from 0")
    if row["write"] not in (0, 1):
        raise ValueError(f"write is {row['write']}; write 1 for a write, 0 for a read")
    size, address = row["bytes"], row["address"]
    assert isinstance(size, int)
    assert isinstance(address, int)
    if not 0 < size <= LONGEST_BYTES or address // LONGEST_BYTES != (address + size - 1) // LONGEST_BYTES:
        raise ValueError(f"{size} B at {address:#x} cross {LONGEST_BYTES} B; write bursts that AXI allows")
    issue, accept, done = row.get("issue", 0), row.get("accept", LARGEST), row.get("done", LARGEST)
    if issue > accept:  # type: ignore[operator]
        raise ValueError(f"accepted at {accept} before it is issued at {issue}; write cycles in order")
    if issue > done:  # type: ignore[operator]
        raise ValueError(f"done at {done} before it is issued at {issue}; write cycles in order")
    return row


def _number(name: str, word: str) -> int:
    try:
        value = int(word, 0)
    except ValueError:
        value = -1
    if not 0 <= value <= LARGEST:
        raise ValueError(f"{name} {word!r} is not a number; write 0 or more, hexadecimal with 0x")
    return value


def _after(word: str, number: int) -> list[tuple[int, int]]:
    """Return (transaction, delay) of each predecessor in a cell such as "11+4 9"."""
    found = []
    for part in word.split():
        other, _, delay = part.partition("+")
        found.append((_number("after", other), _number("after", delay or "0")))
    if len(found) > PREDECESSORS:
        raise ValueError(f"after names {len(found)} transactions; write at most {PREDECESSORS}")
    return found


def _packed(rows: list[dict[str, int | list[tuple[int, int]]]], has_dependencies: bool) -> Recording:
    packed = empty(len(rows))
    for name in ("write", "id", "address", "bytes", *TIMES, "gap"):
        default = 0 if name == "id" else UNKNOWN
        packed[name] = [row.get(name, default) for row in rows]
    unsaid = packed["accept"] == UNKNOWN
    packed["accept"][unsaid] = packed["issue"][unsaid]
    for number, row in enumerate(rows):
        for k, (other, delay) in enumerate(row.get("after", ())):  # type: ignore[arg-type]
            packed["after"][number, k], packed["delay"][number, k] = other, delay
    return Recording(packed, has_dependencies)


def write_table(path: Path, recording: Recording) -> None:
    """Write what is known of a recording, as `read_table` reads it."""
    rows = recording.transactions
    names = ["transaction", "write", "id", "address", "bytes"]
    names += [name for name in (*TIMES, "gap") if (rows[name] != UNKNOWN).any()]
    names += ["after"] if recording.has_dependencies else []
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        file.write(",".join(names) + "\n")
        for number, row in enumerate(rows):
            file.write(",".join(_cell(name, row, number) for name in names) + "\n")


def _cell(name: str, row: np.void, number: int) -> str:
    if name == "transaction":
        return str(number)
    if name == "address":
        return hex(row[name])
    if name == "after":
        pairs = zip(row["after"].tolist(), row["delay"].tolist())
        return " ".join(f"{other}+{delay}" for other, delay in pairs if other != UNKNOWN)
    return "" if row[name] == UNKNOWN else str(row[name])
