"""`dlasim trace cache`: the LLC of a config alone, in front of a memory of fixed latency.

The trace is in one of the formats of `memory_formats.py`, cycles are those of the LLC's clock. A request of
which the trace does not say the size is of `bytes`, a line if absent; it must lie within a line.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.units import CYCLE_UNITS, SIZE_UNITS, parse_quantity
from simulator.config.model import load
from simulator.trace.lines import Row, Trace, read_lines
from simulator.trace.memory_formats import CYCLES, MEMORY
from simulator.trace.output import quantiles, write_csv

MASTER = "trace"
LARGEST_ADDRESS = 2**48
HEADER = "id,arrival_cycle,accept_cycle,done_cycle"


def trace(
    config: Path,
    trace: Path,
    out: Path,
    *,
    latency: str = "100 cycles",
    bytes: str | None = None,
    format: str | None = None,
) -> dict[str, Any]:
    """Run ``trace`` and write requests.csv and summary.json into ``out``. Returns the summary.

    ``latency``: of the memory; ``bytes``: of a request; ``format``: of the trace. Raises ConfigError.
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
    read = read_trace(trace, size, params.line_bytes, format)
    requests = to_requests(read.rows, size)
    state, tags = build_cache(params, [MASTER], whole.simulation.seed)
    accepted, done = np.zeros(requests.size, np.int64), np.zeros(requests.size, np.int64)
    end = int(run(state[0], tags, build_wiring()[0], requests, cycles, accepted, done))
    columns = (np.arange(requests.size), requests["time"], accepted, done)
    write_csv(out / "requests.csv", HEADER, columns)
    summary = {"trace_format": read.format} | summarize(state[0], requests, done, end)
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
        summary["read_latency_cycles"] = quantiles(reads)
    return summary


def read_trace(path: Path, size: int, line_bytes: int, format: str | None = None) -> Trace:
    """Return the trace with rows (cycle, address, 1 if a write, bytes). Raises ConfigError with the line."""

    def fits(words: Sequence[str], row: Row) -> None:
        wanted = row[3] or size
        if row[1] > LARGEST_ADDRESS:
            raise ValueError(f"address {row[1]:#x} is out of range; write 0x0 to {LARGEST_ADDRESS:#x}")
        if row[1] % line_bytes + wanted > line_bytes:
            what = f"{wanted} B at {row[1]:#x} cross a line of {line_bytes} B"
            raise ValueError(f"{what}; align them or give --bytes")

    return read_lines(path, MEMORY, CYCLES, fits, name=format)


def to_requests(rows: np.ndarray, size: int) -> np.ndarray:
    """Return REQUEST rows, tag = number, of ``size`` bytes where the trace does not say."""
    from hw_models.port import REQUEST

    requests = np.zeros(len(rows), REQUEST)
    requests["time"], requests["address"], requests["write"], requests["bytes"] = rows.T
    requests["bytes"][rows[:, 3] == 0] = size
    requests["tag"] = np.arange(len(rows))
    return requests


def _option(text: str, name: str, what: str, units: dict[str, int]) -> int:
    try:
        return parse_quantity(text, what, units)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None
