"""`dlasim validate dram`: the DRAM controller beside DRAMsim3, Ramulator 1 and 2.1 and DRAMSys.

Without a table, the shipped runs: requests whose times are equal, total cycles under the references' own
policies, those of our defaults against the spread of all references, power against DRAMPower, and speed.
With a table, that one: runs.csv, runs_dramsys.csv, table_*_cycles_*.csv, energy_check.csv, speed.csv, or the
times of single requests, named as ``r2_ddr4_match.ref.seq_read.csv.gz``. Speed is shown and not counted.
"""

import csv
import gzip
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.dram import reference_runs as references
from hw_models.dram.params import Dram
from hw_models.errors import ConfigError
from simulator.validate.figure import Figure

STANDARDS = {"DDR4": ("DDR4-2400R", "8Gb_x8"), "DDR3": ("DDR3-1600K", "4Gb_x8")}
CONFIG_OF: dict[str, dict[str, Any]] = {  # policies under which a reference's run is repeated
    "r2_ddr4_match": {"standard": "DDR4"},
    "r2_ddr3_match": {"standard": "DDR3"},
    "ds3_ddr4_match": {"standard": "DDR4", "scheduler": "bank_round_robin", "reserve_rows": False},
    "ds3_ddr3_match": {"standard": "DDR3", "scheduler": "bank_round_robin", "reserve_rows": False},
}
SAME_RUN = 0.005  # DRAMPower's figures hold for its own run: compared where cycle counts agree this well
SPEED_RUNS = 3


def figures(table: Path | None, *, traces: str | None = None, speed: str = "yes") -> Iterator[Figure]:
    """Yield every compared figure.

    ``traces``: a folder with traces in DRAMsim3's format, in place of the shipped ones; ``speed``: no leaves
    the timing out.
    """
    folder = None if traces is None else Path(traces)
    if folder is not None and not folder.is_dir():
        raise ConfigError("no such folder; write the folder of the traces", file=f"--traces {traces}")
    if table is not None:
        yield from _of_table(table, folder)
        return
    yield from equal_requests()
    yield from totals(references.table("totals.csv"), None)
    yield from spread(_spreads(references.table("totals.csv")), None)
    yield from power(references.table("energy.csv"), None)
    if speed != "no":
        yield from speeds(references.table("speed.csv"), None)


def _of_table(table: Path, folder: Path | None) -> Iterator[Figure]:
    with gzip.open(table, "rt") if table.suffix == ".gz" else table.open() as file:
        rows = list(csv.DictReader(file))
    columns = set(rows[0]) if rows else set()
    if {"config", "refresh", "trace", "cycles"} <= columns:
        yield from totals(rows, folder)
    elif {"trace", "min", "max"} <= columns:
        standard = "DDR3" if "ddr3" in table.name else "DDR4"
        refresh = "noref" if "noref" in table.name else "ref"
        bounds = {(standard, refresh, r["trace"]): (float(r["min"]), float(r["max"])) for r in rows}
        yield from spread(bounds, folder)
    elif "DRAMPower_mW" in columns:
        yield from power(rows, folder)
    elif "req_per_s_cpu_med" in columns:
        yield from speeds(rows, folder)
    elif {"id", "accept", "done"} <= columns and table.name.count(".") >= 3:
        config, refresh, trace = table.name.split(".")[:3]
        times = tuple(np.array([int(row[key]) for row in rows]) for key in ("accept", "done"))
        yield from _equal(config, refresh, trace, times, folder)
    else:
        raise ConfigError(
            "not a table of DRAM runs; write runs.csv, table_*.csv, energy_check.csv or speed.csv", file=table
        )


def memory(standard: str, refresh: str, **policies: Any) -> Dram:
    """Return a matched memory: our defaults and the references' mapping, with ``policies`` laid over them."""
    name, device = STANDARDS[standard]
    keys = {
        "mapping": "linear",
        "standard": name,
        "device": device,
        "refresh": "none" if refresh == "noref" else "all_bank",
    }
    return Dram.model_validate(keys | policies)


def _memory_of(config: str, refresh: str) -> Dram:
    policies = dict(CONFIG_OF[config])
    return memory(str(policies.pop("standard")), refresh, **policies)


@cache
def _requests(name: str, folder: Path | None) -> np.ndarray | None:
    """Return a trace as rows of TRACE, None when it is not there."""
    from hw_models.dram.standalone import TRACE
    from simulator.trace.dram import bursts, read_trace

    if folder is not None:
        path = next((p for p in (folder / f"{name}.gz", folder / name) if p.is_file()), None)
        dram = memory("DDR4", "ref")
        return None if path is None else bursts(read_trace(path, dram).rows, dram)
    if name not in references.trace_names():
        return None
    address, write, cycle = references.trace(name)
    rows = np.zeros(address.size, TRACE)
    rows["address"], rows["write"], rows["cycle"] = address, write, cycle
    return rows


def _run(dram: Dram, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    from simulator.trace.dram import simulate

    accepted, done, _, summary = simulate(dram, rows)
    return accepted, done, summary


def equal_requests() -> Iterator[Figure]:
    """Share of requests that enter, and of reads that are answered, in the reference's very cycle."""
    for config in references.CONFIGS:
        for refresh in ("noref", "ref"):
            for trace in references.request_names():
                yield from _equal(config, refresh, trace, references.requests(trace, config, refresh), None)


def _equal(
    config: str, refresh: str, trace: str, times: tuple[np.ndarray, ...], folder: Path | None
) -> Iterator[Figure]:
    rows = _requests(trace, folder)
    if rows is None or config not in CONFIG_OF:
        return
    rows = rows[: times[0].size]
    accepted, done, _ = _run(_memory_of(config, refresh), rows)
    reads = rows["write"] == 0
    row = {"config": config, "refresh": refresh, "trace": trace}
    yield Figure(row, "equal_entries_percent", 100.0, 100.0 * float((accepted == times[0]).mean()))
    if reads.any():
        same = done[reads] == times[1][reads]
        yield Figure(row, "equal_reads_percent", 100.0, 100.0 * float(same.mean()))


def totals(rows: list[dict[str, str]], folder: Path | None) -> Iterator[Figure]:
    """Total cycles under the reference's policies."""
    for reference in rows:
        requests = _requests(reference["trace"], folder)
        if requests is None or reference["config"] not in CONFIG_OF or requests.size != int(reference["n"]):
            continue
        summary = _run(_memory_of(reference["config"], reference["refresh"]), requests)[2]
        row = {key: reference[key] for key in ("config", "refresh", "trace", "n")}
        yield Figure(row, "cycles", float(reference["cycles"]), summary["cycles"])


Bounds = dict[tuple[str, str, str], tuple[float, float]]


def _spreads(rows: list[dict[str, str]]) -> Bounds:
    """Return (standard, refresh, trace) -> (fewest, most) cycles of all references."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        found.setdefault((row["standard"], row["refresh"], row["trace"]), []).append(float(row["cycles"]))
    return {key: (min(cycles), max(cycles)) for key, cycles in found.items()}


def spread(bounds: Bounds, folder: Path | None) -> Iterator[Figure]:
    """Total cycles of our default policies; the reference is the nearest cycle count within the spread."""
    for (standard, refresh, trace), (low, high) in bounds.items():
        requests = _requests(trace, folder)
        if requests is None:
            continue
        ours = _run(memory(standard, refresh), requests)[2]["cycles"]
        row = {"standard": standard, "refresh": refresh, "trace": trace, "fewest": low, "most": high}
        yield Figure(row, "cycles_within_spread", min(max(ours, low), high), ours)


def power(rows: list[dict[str, str]], folder: Path | None) -> Iterator[Figure]:
    """Mean power against DRAMPower's; counted where both runs take the same cycles."""
    for reference in rows:
        requests = _requests(reference["trace"], folder)
        if requests is None:
            continue
        dram = memory("DDR4", reference["refresh"])
        summary = _run(dram, requests)[2]
        theirs = float(reference["dramsys_time_us"]) * 1000 / 0.833  # their clock: 0.833 ns
        row = {"trace": reference["trace"], "refresh": reference["refresh"], "their_cycles": round(theirs)}
        milliwatts = 1e3 * summary["dram"]["0"]["energy_j"] / summary["seconds"]
        same = abs(summary["cycles"] - theirs) <= SAME_RUN * theirs
        yield Figure(row, "power_mw", float(reference["DRAMPower_mW"]), milliwatts, counted=same)


def speeds(rows: list[dict[str, str]], folder: Path | None) -> Iterator[Figure]:
    """Requests per second of CPU time against the fastest of the references, as measured on its machine."""
    fastest: dict[str, tuple[float, str]] = {}
    for row in rows:
        measured = (float(row["req_per_s_cpu_med"]), row["sim"])
        fastest[row["trace"]] = max(fastest.get(row["trace"], (0.0, "")), measured)
    loop_ms = 1e3 * calibration_s()
    for trace, (rate, name) in fastest.items():
        requests = _requests(trace, folder)
        if requests is None:
            continue
        ours = requests_per_cpu_s(memory("DDR4", "ref"), requests)
        shown = {
            "trace": trace,
            "fastest": name,
            "ratio": round(ours / rate, 1),
            "loop_ms": round(loop_ms, 1),
        }
        yield Figure(shown, "requests_per_cpu_s", rate, ours, counted=False)


def requests_per_cpu_s(dram: Dram, requests: np.ndarray) -> float:
    """Return the best rate of a few runs, compilation excluded."""
    from hw_models.dram.build import build_channels
    from hw_models.dram.standalone import drive

    drive(dram, build_channels(dram), requests[:100])
    best = float("inf")
    for _ in range(SPEED_RUNS):
        states = build_channels(dram)
        start = time.process_time()
        drive(dram, states, requests)
        best = min(best, time.process_time() - start)
    return requests.size / best


def calibration_s() -> float:
    """Return CPU seconds of a fixed piece of Python: 1e6 additions. Tells machines apart."""
    start = time.process_time()
    total = 0
    for k in range(1_000_000):
        total += k
    return time.process_time() - start


def closing_notes(shown: list[Figure]) -> list[str]:
    """Say in words how many requests are equal, and how fast it went."""
    notes = []
    equal = [f.ours for f in shown if f.quantity == "equal_reads_percent"]
    if equal:
        exact = sum(share == 100.0 for share in equal)
        notes.append(
            f"reads answered in the reference's cycle: all of them in {exact} of {len(equal)} runs, "
            f"{min(equal):.3f} % in the worst"
        )
    rows = [f.row for f in shown if f.quantity == "requests_per_cpu_s"]
    if rows:
        ratios = [row["ratio"] for row in rows]
        notes.append(
            f"speed: {min(ratios)} to {max(ratios)} times the fastest reference; "
            f"a million additions in Python take {rows[0]['loop_ms']} ms here"
        )
    return notes
