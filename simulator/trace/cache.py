"""`dlasim trace cache`: the LLC of a config alone, in front of a memory of fixed latency.

A trace line is ``ADDRESS READ|WRITE CYCLE`` (cycles of the LLC's clock),
as `lines.py` reads it. Every request is of `bytes`, a line if absent, and must lie within a line.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.units import CYCLE_UNITS, SIZE_UNITS, parse_quantity
from simulator.config.model import load
from simulator.trace.lines import MEMORY, Row, read_lines
from simulator.trace.output import quantiles, write_csv

MASTER = "trace"
LARGEST_ADDRESS = 2**48
HEADER = "id,arrival_cycle,accept_cycle,done_cycle"


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
    columns = (np.arange(requests.size), requests["time"], accepted, done)
    write_csv(out / "requests.csv", HEADER, columns)
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
        summary["read_latency_cycles"] = quantiles(reads)
    return summary


def read_requests(path: Path, size: int, line_bytes: int) -> np.ndarray:
    """Return the trace as REQUEST rows, tag = number. Raises ConfigError with the line of a mistake."""
    from hw_models.port import REQUEST

    def fits(words: Sequence[str], row: Row) -> None:
        if not 0 <= row[1] <= LARGEST_ADDRESS:
            raise ValueError(f"address {words[0]} is out of range; write 0x0 to {LARGEST_ADDRESS:#x}")
        if row[1] % line_bytes + size > line_bytes:
            what = f"{size} B at {words[0]} cross a line of {line_bytes} B"
            raise ValueError(f"{what}; align them or give --bytes")

    rows = read_lines(path, MEMORY, fits)
    requests = np.zeros(len(rows), REQUEST)
    requests["time"], requests["address"], requests["write"] = rows.T
    requests["bytes"], requests["tag"] = size, np.arange(len(rows))
    return requests


def _option(text: str, name: str, what: str, units: dict[str, int]) -> int:
    try:
        return parse_quantity(text, what, units)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None
