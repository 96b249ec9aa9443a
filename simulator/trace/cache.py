"""`dlasim trace cache`: the LLC of a config alone, in front of a memory of fixed latency.

A trace line is ``ADDRESS READ|WRITE CYCLE`` (cycles of the LLC's clock), plain or `.gz`; the address may be
decimal or 0x hexadecimal. Every request is of `bytes`, a line if absent, and must lie within a line.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.units import CYCLE_UNITS, SIZE_UNITS, parse_quantity
from simulator.config.model import load

MASTER = "trace"
LARGEST = 2**48  # of an address or a cycle
HEADER = ("id", "arrival_cycle", "accept_cycle", "done_cycle")


def trace(
    config: Path, trace: Path, out: Path, *, latency: str = "100 cycles", bytes: str | None = None
) -> dict[str, Any]:
    """Run ``trace`` and write requests.csv and summary.json into ``out``. Returns the summary.

    ``latency``: of the memory; ``bytes``: of a request. Raises ConfigError.
    """
    from hw_models.cache.build import build_cache
    from hw_models.cache.standalone import build_wiring, run

    whole = load(config)
    params = whole.system.llc
    if params is None:
        raise ConfigError("absent; write llc: {size: 2 MiB, ...}", file=config, key="system.llc")
    params = params.model_copy(update={"partition": {}, "bypass": {}, "discard": {}})
    cycles = _option(latency, "--latency", "number of cycles", CYCLE_UNITS)
    size = params.line_bytes if bytes is None else _option(bytes, "--bytes", "size", SIZE_UNITS)
    requests = read_requests(trace, size, params.line_bytes)
    state, tags = build_cache(params, [MASTER], whole.simulation.seed)
    accepted, done = np.zeros(requests.size, np.int64), np.zeros(requests.size, np.int64)
    end = int(run(state[0], tags, build_wiring()[0], requests, cycles, accepted, done))
    with (out / "requests.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(zip(range(requests.size), requests["time"], accepted, done))
    summary = summarize(state[0], requests, done, end)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    return summary


def summarize(state: np.void, requests: np.ndarray, done: np.ndarray, end: int) -> dict[str, Any]:
    """Return what the summary file says: counts, and latencies in cycles from arrival to answer."""
    counts = ["hits", "misses", "merges", "writebacks", "fills", "fill_bytes", "writeback_bytes"]
    counts += ["evictions", "prefetches", "prefetch_hits"]
    summary: dict[str, Any] = {"requests": int(requests.size), "cycles": end}
    summary |= {name: int(state[name].sum()) for name in counts}
    summary["hit_rate"] = summary["hits"] / max(1, requests.size)
    waits = done - requests["time"]
    reads = waits[requests["write"] == 0]
    if reads.size:
        percentiles = {f"p{p}": float(np.percentile(reads, p)) for p in (50, 95, 99)}
        summary["read_latency_cycles"] = {
            "mean": float(reads.mean()),
            **percentiles,
            "max": int(reads.max()),
        }
    return summary


def read_requests(path: Path, size: int, line_bytes: int) -> np.ndarray:
    """Return the trace as REQUEST rows, tag = number. Raises ConfigError with the line of a mistake."""
    from hw_models.port import REQUEST

    try:
        rows = list(_parse(path, size, line_bytes))
    except (EOFError, UnicodeDecodeError, gzip.BadGzipFile, zlib.error) as error:
        raise ConfigError(
            f"not a readable trace ({error}); write lines such as: 0x1000 READ 0", file=path
        ) from None
    if not rows:
        raise ConfigError("no requests; write lines such as: 0x1000 READ 0", file=path)
    requests = np.zeros(len(rows), REQUEST)
    requests["address"], requests["write"], requests["time"] = np.array(rows, np.int64).T
    requests["bytes"], requests["tag"] = size, np.arange(len(rows))
    return requests


def _parse(path: Path, size: int, line_bytes: int) -> Iterator[tuple[int, int, int]]:
    latest = 0
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for number, text in enumerate(file, 1):
            words = text.split()
            if not words:
                continue
            try:
                address, kind, cycle = int(words[0], 0), words[1], int(words[2])
            except (ValueError, IndexError):
                kind = ""
            if kind not in ("READ", "WRITE") or len(words) != 3 or address < 0:
                advice = "write ADDRESS READ|WRITE CYCLE, such as 0x1000 READ 0"
                raise ConfigError(f"{text.strip()!r} is not a request; {advice}", file=path, line=number)
            if cycle > LARGEST or address > LARGEST:
                raise ConfigError(
                    f"{text.strip()!r} is out of range; write numbers up to {LARGEST}", file=path, line=number
                )
            if cycle < latest:
                raise ConfigError(
                    f"cycle {cycle} comes after {latest}; sort the trace", file=path, line=number
                )
            if address % line_bytes + size > line_bytes:
                what = f"{size} B at {words[0]} cross a line of {line_bytes} B; align them or give --bytes"
                raise ConfigError(what, file=path, line=number)
            latest = cycle
            yield address, int(kind == "WRITE"), cycle


def _option(text: str, name: str, what: str, units: dict[str, int]) -> int:
    try:
        return parse_quantity(text, what, units)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None
