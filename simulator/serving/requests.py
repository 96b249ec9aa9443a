"""Requests to a language model: arrivals, lengths, and what their prompts have in common."""

import csv
import json
import math
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from hw_models.errors import ConfigError
from hw_models.unpacked import text_of

MOST_TOKENS = 10**9


@dataclass(frozen=True)
class Request:
    arrival_s: float
    prompt: int  # tokens
    output: int  # tokens
    keys: tuple[Hashable, ...] = ()  # of the prompt's blocks, from its beginning on
    key_tokens: int = 0  # tokens that a key stands for
    priority: int = 0  # larger goes first, where the engine asks
    conversation: int = -1  # whose tokens so far its prompt begins with
    after: int = -1  # number of the request whose answer it waits for
    tenant: int = 0  # whose adapter it needs
    think_s: float = 0.0  # how long after that it comes


def read_trace(path: Path) -> list[Request]:
    """Return the requests of a trace, by arrival. Raises ConfigError with the first fault's line.

    Known are Azure's csv (TIMESTAMP, ContextTokens, GeneratedTokens), Mooncake's jsonl (timestamp [ms],
    input_length, output_length, hash_ids of 512 tokens), logs of a vLLM client (input_toks, output_toks, and
    arrival_time [s] or arrival_time_ns, prefix_blocks_16), and csv of arrival_s, prompt, output, priority.
    """
    try:
        with text_of(path, newline="") as file:
            found = list(_csv(file) if ".csv" in path.suffixes else _jsonl(file))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise ConfigError(f"cannot be read ({reason}); write a trace of requests", file=path) from None
    except _Fault as fault:
        raise ConfigError(
            f"{fault.what}; write a trace as in docs/llm_serving.md", file=path, line=fault.line
        ) from None
    if not found:
        raise ConfigError("holds no requests; write at least one", file=path)
    first = min(request.arrival_s for request in found)
    shifted = [replace(request, arrival_s=request.arrival_s - first) for request in found]
    return sorted(shifted, key=lambda request: request.arrival_s)


class _Fault(Exception):
    def __init__(self, line: int, what: str):
        super().__init__(what)
        self.line, self.what = line, what


def _csv(file: TextIO) -> Iterator[Request]:
    reader = csv.DictReader(file)
    reader.fieldnames = [name.lstrip("\ufeff").strip() for name in reader.fieldnames or ()]
    azure = "TIMESTAMP" in reader.fieldnames
    for line, row in enumerate(reader, 2):
        try:
            if azure:
                yield Request(_moment(row), _tokens(row, "ContextTokens"), _tokens(row, "GeneratedTokens"))
            else:
                lengths = _tokens(row, "prompt"), _tokens(row, "output")
                priority = int(_number(row, "priority")) if row.get("priority") else 0
                yield Request(_number(row, "arrival_s"), *lengths, priority=priority)
        except ValueError as error:
            raise _Fault(line, str(error)) from None


def _jsonl(file: TextIO) -> Iterator[Request]:
    for line, text in enumerate(file, 1):
        if text.isspace():
            continue
        try:
            row = json.loads(text)
        except ValueError:
            raise _Fault(line, f"{text.strip()[:40]!r} is not JSON") from None
        try:
            if not isinstance(row, dict):
                raise ValueError(f"{text.strip()[:40]!r} is not a mapping")
            yield _of_json(row)
        except ValueError as error:
            raise _Fault(line, str(error)) from None


def _of_json(row: dict[str, Any]) -> Request:
    if "hash_ids" in row:
        lengths = _tokens(row, "input_length"), _tokens(row, "output_length")
        return Request(_number(row, "timestamp") / 1e3, *lengths, _keys(row, "hash_ids"), 512)
    nanoseconds = "arrival_time_ns" in row
    at = _number(row, "arrival_time_ns") / 1e9 if nanoseconds else _number(row, "arrival_time")
    lengths = _tokens(row, "input_toks"), _tokens(row, "output_toks")
    return Request(at, *lengths, _keys(row, "prefix_blocks_16"), 16)


def _number(row: Mapping[str, Any], key: str) -> float:
    """Return a finite number. Raises ValueError."""
    value = row.get(key)
    if value is None or value == "":
        raise ValueError(f"{key} is missing")
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{key} {value!r} is no number")
    return number


def _tokens(row: Mapping[str, Any], key: str) -> int:
    number = _number(row, key)
    if number % 1 or not 1 <= number <= MOST_TOKENS:
        raise ValueError(f"{key} {row[key]!r} is no whole number of tokens from 1 to {MOST_TOKENS:,}")
    return int(number)


def _moment(row: Mapping[str, Any]) -> float:
    """Return the time of Azure's TIMESTAMP [s]; seven digits of a second are cut to six."""
    text = str(row.get("TIMESTAMP") or "")
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"TIMESTAMP {text!r} is no date and time") from None


def _keys(row: Mapping[str, Any], name: str) -> tuple[Hashable, ...]:
    """Return what stands for a prompt's blocks."""
    found = row.get(name, [])
    if not isinstance(found, list) or not all(isinstance(key, int | str) for key in found):
        raise ValueError(f"{name} is no list of numbers")
    return tuple(found)
