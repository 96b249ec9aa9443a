"""`dlasim trace flash`: the flash device of a config alone, driven by a trace in MQSim's format.

A trace line is ``ARRIVAL DEVICE LBA SECTORS TYPE``, as `lines.py` reads it: arrival in ns, device number (one
device is simulated, the number is not used), first 512-byte sector, number of sectors, 0 write or 1 read.
The arrival rings the doorbell: what the host itself spends on a request comes before it and is not in here.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.flash.params import Flash
from hw_models.units import PS, PS_PER_NS
from simulator.trace.lines import Format, Row, read_lines
from simulator.trace.output import quantiles, write_csv

HEADER = "id,arrival_ns,accept_ns,done_ns"
SECTOR_BYTES = 512
FOREVER = 2**62  # ps


def trace(config: Path, trace: Path, out: Path) -> dict[str, Any]:
    """Write requests.csv and summary.json of ``trace`` into ``out``; return the summary."""
    from simulator.config.model import load

    flash = load(config).system.flash
    if flash is None:
        raise ConfigError("absent; write flash: {preset: mqsim_default}", file=config, key="system.flash")
    requests = read_trace(trace, flash)
    accepted, done, summary = simulate(flash, requests)
    columns = (np.arange(len(requests)), requests[:, 0], ns(accepted), ns(done))
    write_csv(out / "requests.csv", HEADER, columns)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    return summary


def simulate(flash: Flash, requests: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Return (doorbells ps, completions ps, summary) of rows arrival ns, address, bytes, write."""
    from hw_models.flash.build import build
    from hw_models.flash.standalone import replay
    from hw_models.flash.state import COUNTERS

    if requests[:, 3].any() and not flash.writable:
        flash = Flash.model_validate({**flash.model_dump(mode="json", by_alias=True), "writable": True})
    states, memory = build(flash)
    columns = [np.ascontiguousarray(requests[:, k]) for k in range(4)]
    columns[0] = columns[0] * PS_PER_NS
    accepted, done, version = (np.zeros(len(requests), np.int64) for _ in range(3))
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


def io_request(words: Sequence[str]) -> Row:
    """Return (arrival ns, first sector, sectors, 1 if a write) of ``ARRIVAL DEVICE LBA SECTORS TYPE``."""
    arrival, _, sector, sectors, kind = (int(word) for word in words)
    return arrival, sector, sectors, IO_KINDS[kind]


IO_KINDS = {0: 1, 1: 0}  # TYPE: 0 write, 1 read
IO_SHAPE = "ARRIVAL_NS DEVICE LBA SECTORS TYPE (0 write, 1 read)"
IO = Format(IO_SHAPE, "0 0 1024 16 1", io_request, "time", " ns", 10**15)


def read_trace(path: Path, flash: Flash) -> np.ndarray:
    """Return rows (arrival ns, address, bytes, write). Raises ConfigError with the line."""
    capacity, most = flash.capacity_bytes // SECTOR_BYTES, flash.most_bytes // SECTOR_BYTES

    def fits(words: Sequence[str], row: Row) -> None:
        _, sector, sectors, _ = row
        if not 0 < sectors <= most:
            raise ValueError(f"{sectors} sectors in one request; write 1 to {most}")
        if sector < 0 or sector + sectors > capacity:
            what = f"sectors {sector} to {sector + sectors - 1} lie outside the device of {capacity} sectors"
            raise ValueError(f"{what}; write LBAs below {capacity}")

    return read_lines(path, IO, fits) * (1, SECTOR_BYTES, SECTOR_BYTES, 1)
