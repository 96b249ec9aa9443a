"""Requests to a language model: arrivals, lengths, and what their prompts have in common."""

import csv
import json
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from hw_models.errors import ConfigError
from hw_models.unpacked import text_of


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
    for line, row in enumerate(reader, 2):
        try:
            if "TIMESTAMP" in row:
                at = datetime.fromisoformat(row["TIMESTAMP"][:26]).timestamp()
                yield _request(at, row["ContextTokens"], row["GeneratedTokens"])
            else:
                found = _request(float(row["arrival_s"]), row["prompt"], row["output"])
                yield replace(found, priority=int(row.get("priority") or 0))
        except (KeyError, ValueError) as error:
            raise _Fault(line, f"{error} is missing or no number") from None


def _jsonl(file: TextIO) -> Iterator[Request]:
    for line, text in enumerate(file, 1):
        try:
            row = json.loads(text)
            yield _of_json(row)
        except (KeyError, TypeError, ValueError) as error:
            raise _Fault(line, f"{error} is missing or no number") from None


def _of_json(row: dict[str, Any]) -> Request:
    if "hash_ids" in row:
        keys = tuple(row["hash_ids"])
        return _request(row["timestamp"] / 1e3, row["input_length"], row["output_length"], keys, 512)
    at = row["arrival_time_ns"] / 1e9 if "arrival_time_ns" in row else row["arrival_time"]
    return _request(at, row["input_toks"], row["output_toks"], tuple(row.get("prefix_blocks_16", ())), 16)


def _request(
    at: float, prompt: Any, output: Any, keys: tuple[Hashable, ...] = (), tokens: int = 0
) -> Request:
    lengths = int(prompt), int(output)
    if min(lengths) < 1:
        raise ValueError(f"{lengths[0]} tokens in and {lengths[1]} out")
    return Request(float(at), *lengths, keys, tokens)
