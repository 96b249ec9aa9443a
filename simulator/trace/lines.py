"""Traces as text, one reader for all blocks: a request a line, plain or `.gz`, in order of time.

A file's format is the one that `--format` names, or its extension, or the one that its first line fits.
Blank lines and `# remarks` are skipped, a mistake is told with its line. A number with 0x is hexadecimal;
one without is read as the format says, whatever the block.
"""

import gzip
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hw_models.errors import ConfigError
from hw_models.unpacked import text_of
from simulator.config.errors import not_one_of

Row = tuple[int, ...]  # the time first
Line = Row | str | None  # a request; what is left out, and counted under this name; nothing of its own
Reader = Callable[[Sequence[str]], Line]  # words of a line; ValueError, KeyError, IndexError: not a request
Words = Callable[[str], list[str]]
UNREADABLE = (EOFError, UnicodeDecodeError, gzip.BadGzipFile, zlib.error)
DIGITS = 20  # of a number: more than any has
HEXADECIMAL = "hexadecimal, with or without 0x"
DECIMAL = "decimal, hexadecimal only with 0x"
SHOWN = 80  # characters of a line in a message


class Format(NamedTuple):
    shape: str  # what a line holds, in words: ADDRESS READ|WRITE CYCLE
    example: str
    addresses: str  # HEXADECIMAL or DECIMAL: how one without 0x is read
    begin: Callable[[], Reader]  # a reader for one file: some remember what came before
    words: Words = str.split
    extensions: tuple[str, ...] = ()
    volume: Callable[[Sequence[str]], str] | None = None  # of a line: the device that it is for
    header: str = ""  # names of the columns in small letters: a line that a file may begin with


class Clock(NamedTuple):
    """How a block counts time: ``name`` 5 ``unit``, up to ``latest``."""

    name: str
    unit: str
    latest: int


class Trace(NamedTuple):
    rows: np.ndarray  # int64, shape (requests, fields)
    format: dict[str, Any]  # for the summary: name, how addresses are read, volumes, what was left out


def commas(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")] if text.strip() else []


def integer(word: str, radix: int = 10) -> int:
    """Return a number, hexadecimal with 0x, else of ``radix``. Raises ValueError, on signs too."""
    digits = word[2:] if word[:2].lower() == "0x" else word
    if not digits.isalnum() or not digits.isascii() or len(digits.lstrip("0")) > DIGITS:
        raise ValueError(word)
    return int(digits, radix if digits is word else 16)


def read_lines(
    path: Path,
    formats: Mapping[str, Format],
    clock: Clock,
    check: Callable[[Sequence[str], Row], None],
    *,
    name: str | None = None,
    volume: str | None = None,
) -> Trace:
    """Return the requests of a trace in format ``name``, or its own; of ``volume`` only, if given.

    ``formats``: those of the block, its usual one first. ``check`` gets the words of a line and its row, and
    raises ValueError saying what is wrong with the request. Raises ConfigError with the first mistake's line.
    """
    name = _chosen(path, formats, name)
    form = formats[name]
    read = form.begin()
    if volume is not None and form.volume is None:
        raise ConfigError(f"--volume: {name} traces are of one memory; leave the option out")
    numbers, fields, latest = array("q"), 1, 0
    volumes: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    try:
        for number, words in _lines(path, form.words):
            if number == 1 and _is_header(words, form):
                continue
            try:
                row = _request(words, form, read, clock, latest)
                if isinstance(row, str):
                    skipped[row] += 1
                if not isinstance(row, tuple):
                    continue
                latest = row[0]
                if form.volume is not None:
                    volumes[form.volume(words)] += 1
                    if volume is not None and form.volume(words) != volume:
                        continue
                check(words, row)
            except ValueError as error:
                raise ConfigError(str(error), file=path, line=number) from None
            numbers.extend(row)
            fields = len(row)
    except UNREADABLE as error:
        what = f"not a readable trace ({error}); write lines such as: {form.example}"
        raise ConfigError(what, file=path) from None
    if not numbers:
        raise ConfigError(_empty(name, form, volume, volumes), file=path)
    said: dict[str, Any] = {"name": name, "addresses": form.addresses}
    if volumes:
        said["volumes"] = len(volumes) if volume is None else volume
    if skipped:
        said["left_out"] = dict(sorted(skipped.items()))
    return Trace(np.frombuffer(numbers, np.int64).reshape(-1, fields), said)


def _empty(name: str, form: Format, volume: str | None, volumes: Counter[str]) -> str:
    if volumes:
        known = ", ".join(sorted(volumes)[:8])
        return f"no requests of volume {volume!r}; --volume takes one of {known}"
    return f"no requests; write lines such as: {form.example}"


def _lines(path: Path, split: Words) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, words) of the lines that are neither blank nor remarks."""
    code = "utf-8-sig"  # a byte order mark is no part of the first word
    with text_of(path, code) as file:
        for number, text in enumerate(file, 1):
            words = split(text)
            if words and not words[0].startswith("#"):
                yield number, words


def _chosen(path: Path, formats: Mapping[str, Format], name: str | None) -> str:
    """Return the name of the format of the file at ``path``."""
    if name is not None:
        if name not in formats:
            raise ConfigError(not_one_of(name, list(formats)), key="--format")
        return name
    extension = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    for known, form in formats.items():
        if extension.lower() in (f".{known}", *form.extensions):
            return known
    fitting = [known for known, form in formats.items() if _fits(path, form)]
    return fitting[0] if fitting else next(iter(formats))


def _fits(path: Path, form: Format) -> bool:
    """Tell whether the first line of a file is one of ``form``."""
    try:
        for _, words in _lines(path, form.words):
            if not _is_header(words, form):
                form.begin()(words)
            return True
    except (*UNREADABLE, ValueError, KeyError, IndexError):
        pass
    return False


def _is_header(words: Sequence[str], form: Format) -> bool:
    return form.header != "" and ",".join(words).lower() == form.header


def _request(words: list[str], form: Format, read: Reader, clock: Clock, latest: int) -> Line:
    """Return what a line says that follows one of time ``latest``. Raises ValueError in words."""
    try:
        row = read(words)
    except (ValueError, KeyError, IndexError):
        shown = " ".join(words)
        shown = shown if len(shown) <= SHOWN else shown[:SHOWN] + "..."
        what = f"{shown!r} is not a request; write {form.shape}, such as {form.example}"
        raise ValueError(f"{what} (addresses: {form.addresses})") from None
    if not isinstance(row, tuple):
        return row
    moment = f"{clock.name} {row[0]}{clock.unit}"
    if row[0] > clock.latest:
        raise ValueError(f"{moment} is too late; write {clock.name}s up to {clock.latest}{clock.unit}")
    if row[0] < latest:
        before = f"{clock.name} {latest}{clock.unit}"
        raise ValueError(f"{moment} comes after {before}; write {clock.name}s in order")
    return row
