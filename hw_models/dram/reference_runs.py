"""Reads the shipped reference runs (see reference/README.md)."""

import csv
import gzip
from functools import cache
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "reference"
CONFIGS = {  # config file that has a reference run's parameters and policies
    "r2_ddr4_match": "ddr4_2400_ramulator2",
    "r2_ddr3_match": "ddr3_1600_ramulator2",
    "ds3_ddr4_match": "ddr4_2400_dramsim3",
}


def trace_names() -> list[str]:
    return sorted(path.name.removesuffix(".csv.gz") for path in (FOLDER / "traces").glob("*.csv.gz"))


def request_names() -> list[str]:
    """Return the traces of which each request's times are known."""
    return sorted(path.name.removesuffix(".csv.gz") for path in (FOLDER / "requests").glob("*.csv.gz"))


@cache
def trace(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (byte addresses, 1 for writes, cycles) of a whole trace."""
    with gzip.open(FOLDER / "traces" / f"{name}.csv.gz", "rt") as file:
        lines, writes, steps = (np.array(line.split(","), np.int64) for line in file)
    for k in range(4):
        lines[k::4] = np.cumsum(lines[k::4])
    return lines * 64, writes, np.cumsum(steps)


@cache
def requests(name: str, config: str, refresh: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the cycles at which the first 5000 requests entered and were answered."""
    with gzip.open(FOLDER / "requests" / f"{name}.csv.gz", "rt") as file:
        found = {}
        for line in file:
            run, state, kind, values = line.split(",", 3)
            if (run, state) == (config, refresh):
                found[kind] = np.array(values.split(","), np.int64)
    accepted = np.cumsum(found["accept_step"])
    return accepted, np.where(found["latency"] < 0, -1, accepted + found["latency"])


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of totals.csv, speed.csv or energy.csv."""
    with (FOLDER / name).open() as file:
        return list(csv.DictReader(file))


def command_log(run: str) -> list[list[str]]:
    """Return (cycle, cmd, rank, bankgroup, bank, row, col) of each command of a reference run."""
    with gzip.open(FOLDER / "commands" / f"{run}.csv.gz", "rt") as file:
        return list(csv.reader(file))[1:]
