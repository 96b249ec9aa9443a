"""`dlasim trace flash`: the flash device of a config alone, driven by a trace in MQSim's format.

A trace line is ``ARRIVAL DEVICE LBA SECTORS TYPE``, plain or `.gz`: arrival in ns, device number (one device
is simulated, the number is not used), first 512-byte sector, number of sectors, 0 write or 1 read. The
arrival rings the doorbell: what the host itself spends on a request comes before it and is not in here.
"""

import gzip
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.flash.params import Flash

SECTOR_BYTES = 512
PS_PER_NS = 1000
FOREVER = 2**62  # ps
LAST_NS = 10**15
EXAMPLE = "0 0 1024 16 1"


def trace(config: Path, trace: Path, out: Path) -> dict[str, Any]:
    """Write requests.csv and summary.json of ``trace`` into ``out``; return the summary."""
    from simulator.config.model import load

    flash = load(config).system.flash
    if flash is None:
        raise ConfigError("absent; write flash: {preset: mqsim_default}", file=config, key="system.flash")
    requests = read_trace(trace, flash)
    accepted, done, summary = simulate(flash, requests)
    arrivals = requests[:, 0] * PS_PER_NS
    with (out / "requests.csv").open("w") as file:
        file.write("id,arrival_ns,accept_ns,done_ns\n")
        for k, times in enumerate(zip(arrivals.tolist(), accepted.tolist(), done.tolist())):
            file.write(f"{k}," + ",".join(_ns(time) for time in times) + "\n")
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
    seconds = float((done.max() - columns[0].min()) * 1e-12)
    summary: dict[str, Any] = {
        "requests": len(requests),
        "reads": int(reads.sum()),
        "writes": int((~reads).sum()),
        "seconds": seconds,
        "throughput_bytes_per_s": float(requests[:, 2].sum() / seconds),
    }
    for name, chosen in (("read_latency_ns", reads), ("write_latency_ns", ~reads)):
        summary[name] = _quantiles((done - columns[0])[chosen] / PS_PER_NS)
    summary["flash"] = {name: int(states[0][name]) for name in COUNTERS}
    return accepted, done, summary


def _quantiles(times: np.ndarray) -> dict[str, float]:
    if not times.size:
        return {}
    points = {f"p{p}": float(np.percentile(times, p)) for p in (50, 95, 99)}
    return {"mean": float(times.mean()), **points, "max": float(times.max())}


def _ns(time_ps: int) -> str:
    whole, rest = divmod(time_ps, PS_PER_NS)
    return f"{whole}.{rest:03d}" if rest else str(whole)


def read_trace(path: Path, flash: Flash) -> np.ndarray:
    """Return rows (arrival ns, address, bytes, write). Raises ConfigError with the line."""
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            rows = _parse(path, file, flash)
    except (EOFError, UnicodeDecodeError, gzip.BadGzipFile, zlib.error) as error:
        raise ConfigError(
            f"not a readable trace ({error}); write lines such as: {EXAMPLE}", file=path
        ) from None
    if not rows:
        raise ConfigError(f"no requests; write lines such as: {EXAMPLE}", file=path)
    return np.array(rows, np.int64)


def _parse(path: Path, lines: Iterable[str], flash: Flash) -> list[tuple[int, int, int, int]]:
    rows: list[tuple[int, int, int, int]] = []
    latest = 0
    most = flash.most_bytes // SECTOR_BYTES
    for number, text in enumerate(lines, 1):
        words = text.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            arrival, _, sector, sectors, kind = (int(word) for word in words)
        except ValueError:
            kind = -1
        if kind not in (0, 1) or arrival < 0:
            raise ConfigError(
                f"{text.strip()!r} is not a request; "
                "write ARRIVAL_NS DEVICE LBA SECTORS TYPE (0 write, 1 read)",
                file=path,
                line=number,
            )
        if arrival > LAST_NS:
            raise ConfigError(
                f"time {arrival} ns is too late; write times up to {LAST_NS} ns", file=path, line=number
            )
        if arrival < latest:
            raise ConfigError(
                f"time {arrival} ns comes after {latest} ns; write arrival times in order",
                file=path,
                line=number,
            )
        _check_place(path, number, sector, sectors, flash.capacity_bytes // SECTOR_BYTES, most)
        latest = arrival
        rows.append((arrival, sector * SECTOR_BYTES, sectors * SECTOR_BYTES, 1 - kind))
    return rows


def _check_place(path: Path, number: int, sector: int, sectors: int, capacity: int, most: int) -> None:
    if not 0 < sectors <= most:
        raise ConfigError(f"{sectors} sectors in one request; write 1 to {most}", file=path, line=number)
    if sector < 0 or sector + sectors > capacity:
        raise ConfigError(
            f"sectors {sector} to {sector + sectors - 1} lie outside the device of {capacity} sectors; "
            f"write LBAs below {capacity}",
            file=path,
            line=number,
        )
