"""`dlasim trace dram`: the memory of a config alone, driven by a trace.

The trace is in one of the formats of `memory_formats.py`, cycles are those of the command clock; each
request is one burst. A request of cycle c may enter from cycle c + 1 on, one a cycle and channel, in order.
`--commands` writes the command log too, `--check` says whether it obeys the standard.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hw_models.dram.names import MNEMONICS, Command
from hw_models.dram.params import Dram
from hw_models.errors import ConfigError
from hw_models.units import FS
from simulator.trace.dram_check import check_log
from simulator.trace.lines import Row, Trace, read_lines
from simulator.trace.memory_formats import CYCLES, MEMORY
from simulator.trace.output import quantiles, write_csv

HEADER = "id,arrival_cycle,accept_cycle,done_cycle"


class Sizes(NamedTuple):
    """What a trace must fit of a memory."""

    capacity_bytes: int
    burst_bytes: int


def trace(
    config: Path,
    trace: Path,
    out: Path,
    *,
    commands: bool = False,
    check: bool = False,
    format: str | None = None,
) -> dict[str, Any]:
    """Run ``trace`` and write requests.csv and summary.json into ``out``. Returns the summary.

    ``commands``: write commands.csv, a line per command, too. ``check``: hold the commands against the
    standard's rules, and write rules.csv. ``format``: of the trace. Raises ConfigError.
    """
    from simulator.config.model import load

    dram = load(config).system.dram
    if dram is None:
        raise ConfigError("absent; write dram: {standard: DDR4-2400}", file=config, key="system.dram")
    read = read_trace(trace, dram, format)
    requests = bursts(read.rows, dram)
    accepted, done, log, summary = simulate(dram, requests, commands=bool(commands or check))
    columns = (np.arange(requests.size), requests["cycle"], accepted, done)
    write_csv(out / "requests.csv", HEADER, columns)
    if commands:
        write_commands(out / "commands.csv", log)
    if check:
        summary["protocol"] = check_log(dram, log, out / "rules.csv")
    summary = {"trace_format": read.format} | summary
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    return summary


def simulate(
    dram: Dram, requests: np.ndarray, *, commands: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
    """Return (cycles of entry, cycles of answers, command log, summary)."""
    from hw_models.dram.build import build_channels
    from hw_models.dram.standalone import drive

    drive(dram, build_channels(dram), requests[:1])  # compiles
    states = build_channels(dram)
    start, start_cpu = time.perf_counter(), time.process_time()
    accepted, done, log = drive(dram, states, requests, commands=commands)
    wall_s, cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
    summary = summary_of(dram, requests, accepted, done, states)
    channels = summary.pop("dram")
    summary["simulation"] = {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "requests_per_wall_s": requests.size / wall_s,
        "requests_per_cpu_s": requests.size / max(cpu_s, 1e-9),
    }
    return accepted, done, log, summary | {"dram": channels}


def summary_of(
    dram: Dram, requests: np.ndarray, accepted: np.ndarray, done: np.ndarray, states: np.ndarray
) -> dict[str, Any]:
    """Return the figures of a run: cycles of entry and of answers, and the channels' states at its end."""
    from hw_models.dram.statistics import channel_summary

    reads = requests["write"] == 0
    cycles = int(max(accepted.max(), done[reads].max(initial=0)))
    moved_cycles = max(cycles, int(states["data_end"].max()))
    moved_bytes = int((states["reads"] + states["writes"]).sum()) * dram.burst_bytes
    summary: dict[str, Any] = {
        "requests": int(requests.size),
        "reads": int(reads.sum()),
        "writes": int(requests.size - reads.sum()),
        "cycles": cycles,
        "seconds": cycles * dram.clock_fs * FS,
        "moved_cycles": moved_cycles,
        "moved_bytes": moved_bytes,
        "bandwidth_bytes_per_s": moved_bytes / (moved_cycles * dram.clock_fs * FS),
    }
    for name, since in (("read_latency_cycles", accepted), ("read_time_cycles", requests["cycle"] + 1)):
        summary[name] = quantiles((done - since)[reads])
    summary["dram"] = {
        str(k): channel_summary(row, dram, cycles, moved_cycles) for k, row in enumerate(states)
    }
    return summary


def read_trace(path: Path, dram: Dram | Sizes, format: str | None = None) -> Trace:
    """Return the trace with rows (cycle, address, 1 if a write, bytes). Raises ConfigError with the line."""
    capacity, burst = dram.capacity_bytes, dram.burst_bytes

    def fits(words: Sequence[str], row: Row) -> None:
        if row[1] >= capacity:
            what = f"address {row[1]:#x} lies outside the memory of {capacity} B"
            raise ValueError(f"{what}; write 0x0 to {capacity - 1:#x}")
        if row[1] % burst + row[3] > burst:
            raise ValueError(f"{row[3]} B at {row[1]:#x} are more than a burst of {burst} B; write one each")

    return read_lines(path, MEMORY, CYCLES, fits, name=format)


def bursts(rows: np.ndarray, dram: Dram | Sizes) -> np.ndarray:
    """Return rows of TRACE for those of `read_trace`: addresses of whole bursts."""
    from hw_models.dram.standalone import TRACE

    result = np.zeros(len(rows), TRACE)
    result["cycle"], result["write"] = rows[:, 0], rows[:, 2]
    result["address"] = rows[:, 1] // dram.burst_bytes * dram.burst_bytes
    return result


def write_commands(path: Path, log: np.ndarray) -> None:
    """Write the command log by cycle, then channel."""
    rows = log[np.lexsort((log["channel"], log["cycle"]))]
    names = np.array([MNEMONICS[Command(code)] for code in rows["command"]], object)
    columns = [
        rows["cycle"],
        names,
        *(rows[k] for k in ("rank", "group", "bank", "row", "column", "channel")),
    ]
    write_csv(path, "cycle,cmd,rank,bankgroup,bank,row,col,channel", columns)
