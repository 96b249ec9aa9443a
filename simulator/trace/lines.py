"""Traces as text, one reader for all blocks: a request a line, plain or `.gz`, in order of time.

A block says how its lines look (`Format`) and which requests it can take (a function of the request that
raises ValueError); blank lines and `# remarks` are skipped, and a mistake is told with its line.
"""

import gzip
import zlib
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hw_models.errors import ConfigError

Row = tuple[int, ...]  # the time first


class Format(NamedTuple):
    shape: str  # what a line holds, in words: ADDRESS READ|WRITE CYCLE
    example: str
    read: Callable[[Sequence[str]], Row]  # the words of a line to a row; ValueError, KeyError: not a request
    time: str  # what the time is called: cycle
    unit: str  # and what follows the number: " ns"
    latest: int  # time


def memory_request(words: Sequence[str]) -> Row:
    """Return (cycle, address, 1 if a write) of ``ADDRESS READ|WRITE CYCLE``; hexadecimal has its 0x."""
    address, kind, cycle = words
    return int(cycle), int(address, 16 if address[:2].lower() == "0x" else 10), KINDS[kind]


KINDS = {"READ": 0, "WRITE": 1}
LAST_CYCLE = 10**12  # refreshes go on in idle time
MEMORY = Format("ADDRESS READ|WRITE CYCLE", "0x1000 READ 0", memory_request, "cycle", "", LAST_CYCLE)


def read_lines(path: Path, form: Format, check: Callable[[Sequence[str], Row], None]) -> np.ndarray:
    """Return the rows of a trace, int64, shape (requests, fields).

    ``check`` gets the words of a line and its row, and raises ValueError saying what is wrong with the
    request. Raises ConfigError with the line of the first mistake.
    """
    numbers, fields = array("q"), 0
    latest = 0
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            for number, text in enumerate(file, 1):
                words = text.split()
                if not words or words[0].startswith("#"):
                    continue
                try:
                    row = _row(words, form, latest)
                    check(words, row)
                except ValueError as error:
                    raise ConfigError(str(error), file=path, line=number) from None
                numbers.extend(row)
                latest, fields = row[0], len(row)
    except (EOFError, UnicodeDecodeError, gzip.BadGzipFile, zlib.error) as error:
        what = f"not a readable trace ({error}); write lines such as: {form.example}"
        raise ConfigError(what, file=path) from None
    if not numbers:
        raise ConfigError(f"no requests; write lines such as: {form.example}", file=path)
    return np.frombuffer(numbers, np.int64).reshape(-1, fields)


def _row(words: list[str], form: Format, latest: int) -> Row:
    """Return the row of one line that follows one of time ``latest``. Raises ValueError in words."""
    try:
        row = form.read(words)
    except (ValueError, KeyError):
        row = (-1,)
    if row[0] < 0:
        raise ValueError(f"{' '.join(words)!r} is not a request; write {form.shape}, such as {form.example}")
    moment = f"{form.time} {row[0]}{form.unit}"
    if row[0] > form.latest:
        raise ValueError(f"{moment} is too late; write {form.time}s up to {form.latest}{form.unit}")
    if row[0] < latest:
        before = f"{form.time} {latest}{form.unit}"
        raise ValueError(f"{moment} comes after {before}; write {form.time}s in order")
    return row
