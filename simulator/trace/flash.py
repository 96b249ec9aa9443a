"""`dlasim trace flash`: the flash device of a config alone, driven by a trace.

The trace is in one of the formats of `io_formats.py`. One device is simulated: requests of all the trace's
volumes go to it, at the addresses that they say, or those of `--volume` alone. The arrival rings the
doorbell: what the host itself spends on a request comes before it and is not in here.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.flash.params import Flash
from hw_models.units import PS, PS_PER_NS
from simulator.trace.io_formats import IO, NANOSECONDS, SECTOR_BYTES
from simulator.trace.lines import Row, Trace, read_lines
from simulator.trace.output import quantiles, write_csv

HEADER = "id,arrival_ns,accept_ns,done_ns"
FOREVER = 2**62  # ps


def trace(
    config: Path, trace: Path, out: Path, *, format: str | None = None, volume: str | None = None
) -> dict[str, Any]:
    """Write requests.csv and summary.json of ``trace`` into ``out``; return the summary.

    ``format``: of the trace; ``volume``: whose requests are taken, all if absent. Raises ConfigError.
    """
    from simulator.config.model import load

    flash = load(config).system.flash
    if flash is None:
        raise ConfigError("absent; write flash: {preset: mqsim_default}", file=config, key="system.flash")
    read = read_trace(trace, flash, format, volume)
    requests = read.rows
    accepted, done, summary = simulate(flash, requests)
    columns = (np.arange(len(requests)), requests[:, 0], ns(accepted), ns(done))
    write_csv(out / "requests.csv", HEADER, columns)
    summary = {"trace_format": read.format} | summary
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    return summary


def simulate(flash: Flash, requests: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Return (doorbells ps, completions ps, summary) of rows arrival ns, address, bytes, write."""
    from hw_models.flash.build import build
    from hw_models.flash.limits import within_limits
    from hw_models.flash.standalone import replay
    from hw_models.flash.state import COUNTERS

    if requests[:, 3].any() and not flash.writable:
        flash = Flash.model_validate({**flash.model_dump(mode="json", by_alias=True), "writable": True})
    states, memory = build(flash)
    columns = [np.ascontiguousarray(requests[:, k]) for k in range(4)]
    columns[0] = columns[0] * PS_PER_NS
    accepted, done, version = (np.zeros(len(requests), np.int64) for _ in range(3))
    with within_limits():
        replay(states[0], memory, *columns, FOREVER, accepted, done, version)
    reads = requests[:, 3] == 0
    seconds = float((done.max() - columns[0].min()) * PS)
    summary: dict[str, Any] = {
        "requests": len(requests),
        "reads": int(reads.sum()),
        "writes": int((~reads).sum()),
        "seconds": seconds,
        "throughput_bytes_per_s": float(requests[:, 2].sum() / seconds),
    }
    for name, chosen in (("read_latency_ns", reads), ("write_latency_ns", ~reads)):
        summary[name] = quantiles((done - columns[0])[chosen] / PS_PER_NS)
    summary["flash"] = {name: int(states[0][name]) for name in COUNTERS}
    return accepted, done, summary


def ns(times_ps: np.ndarray) -> np.ndarray:
    """Return the exact text of times in ns: whole, or with three digits."""
    pairs = (divmod(time, PS_PER_NS) for time in times_ps.tolist())
    return np.array([f"{whole}.{rest:03d}" if rest else str(whole) for whole, rest in pairs], object)


def read_trace(path: Path, flash: Flash, format: str | None = None, volume: str | None = None) -> Trace:
    """Return the trace with rows (arrival ns, address, bytes, 1 if a write). Raises ConfigError."""
    capacity, most = flash.capacity_bytes // SECTOR_BYTES, flash.most_bytes // SECTOR_BYTES

    def fits(words: Sequence[str], row: Row) -> None:
        _, address, size, _ = row
        if address % SECTOR_BYTES or size % SECTOR_BYTES:
            raise ValueError(f"{size} B at {address} B are not whole sectors of {SECTOR_BYTES} B; align them")
        sector, sectors = address // SECTOR_BYTES, size // SECTOR_BYTES
        if not 0 < sectors <= most:
            raise ValueError(f"{sectors} sectors in one request; write 1 to {most}")
        if sector + sectors > capacity:
            what = f"sectors {sector} to {sector + sectors - 1} lie outside the device of {capacity} sectors"
            raise ValueError(f"{what}; write LBAs below {capacity}")

    return read_lines(path, IO, NANOSECONDS, fits, name=format, volume=volume)
