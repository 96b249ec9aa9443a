"""Requests a second, and memory, of SoCs of growing size: masters, DRAM channels, last-level cache.

    python tests/benchmarks/scale.py --plot docs/images/scale.png

simulates every SoC of `SERIES` in a process of its own, in turn with the smallest one (`BASE`), and prints a table:
simulated requests a CPU second, their ratio to `BASE`'s in the same process, what the arrays of a run take, and the
most memory that the process took. Masters are cores that read and write more than the cache holds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from memory import most_memory

MIB = 2**20
ROUNDS = 3
UNTIL = "1 ms"


@dataclass(frozen=True)
class Size:
    """How large an SoC is."""

    masters: int = 1
    channels: int = 1
    llc_kib: int = 256


BASE = Size()
SERIES = {
    "masters": [Size(masters=2**i) for i in range(7)],
    "DRAM channels": [Size(masters=8, channels=2**i) for i in range(5)],
    "LLC [KiB]": [Size(masters=8, llc_kib=2**i) for i in range(8, 16)],
}


def config(size: Size, until: str = UNTIL) -> dict[str, Any]:
    """Return the config of an SoC whose cores write or read, in turn, four times the largest cache between them."""
    names = [f"core{i:02}" for i in range(size.masters)]
    kinds = ("bandwidth_write", "bandwidth_read")
    share = f"{max(1, 128 // size.masters)} MiB"
    return {
        "system": {
            "cores": {name: {"clock": "2 GHz"} for name in names},
            "interconnect": {"clock": "1 GHz", "width": "32 B", "latency": "8 cycles"},
            "llc": {"clock": "1 GHz", "size": f"{size.llc_kib} KiB", "ways": 8, "mshrs": 32, "banks": 8},
            "dram": {"standard": "DDR4-2400", "channels": size.channels},
        },
        "corunners": [{"on": name, "kind": kinds[i % 2], "footprint": share} for i, name in enumerate(names)],
        "simulation": {"until": until},
    }


def arrays(thing: Any, seen: set[int]) -> Iterator[np.ndarray]:
    """Yield the arrays that a machine holds, each once."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        owner = thing if thing.base is None else thing.base
        if owner is thing or id(owner) not in seen:
            seen.add(id(owner))
            yield thing
    elif isinstance(thing, dict | list | tuple):
        for each in thing.values() if isinstance(thing, dict) else thing:
            yield from arrays(each, seen)
    elif type(thing).__module__.startswith("simulator.") and hasattr(thing, "__dict__"):
        yield from arrays(vars(thing), seen)


def run(size: Size, until: str = UNTIL) -> tuple[int, float, int]:
    """Simulate an SoC. Returns its requests, the kernel's CPU seconds and the bytes of its arrays."""
    from simulator.config.model import load
    from simulator.soc.build import build_machine
    from simulator.soc.run import requests_of, run_machine

    machine = build_machine(load(config(size, until)))
    held = sum(each.nbytes for each in arrays(machine, set()))
    started = time.process_time()
    run_machine(machine)
    return requests_of(machine), time.process_time() - started, held


def measured(size: Size, rounds: int = ROUNDS, until: str = UNTIL) -> dict[str, Any]:
    """Return what the table says of one SoC, run in turn with `BASE` in this process."""
    from simulator.config.model import load

    load(config(size, until))  # which kernels it needs, before there are any
    run(BASE, "1 us")  # compiles
    ratios, speeds, held = [], [], 0
    for _ in range(rounds):
        base_requests, spent, _ = run(BASE, until)
        base = base_requests / spent
        requests, spent, held = run(size, until)
        speeds.append(requests / spent)
        ratios.append(speeds[-1] / base)
    return {
        "requests_per_s": statistics.median(speeds),
        "to_base": statistics.median(ratios),
        "requests": requests,
        "base_requests": base_requests,
        "arrays_mib": held / MIB,
        "peak_mib": most_memory() / MIB,
    }


def apart(size: Size, rounds: int, until: str) -> dict[str, Any]:
    """Return `measured`, from a process of its own."""
    command = [sys.executable, __file__, "--one", json.dumps(asdict(size)), "--until", until]
    variables = {name: value for name, value in os.environ.items() if name != "DLASIM_MASTERS"}
    told = subprocess.run(
        [*command, "--rounds", str(rounds)], check=True, capture_output=True, text=True, env=variables
    )
    return json.loads(told.stdout.splitlines()[-1])


def plot(found: dict[str, list[tuple[Size, dict]]], path: Path) -> None:
    """Draw requests a second, as a ratio to `BASE`'s, over the size of what grows, one series beside the other."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, places = pyplot.subplots(1, len(found), figsize=(10, 3), sharey=True, layout="constrained")
    for place, (name, rows) in zip(places, found.items(), strict=True):
        sizes = [grown(name, size) for size, _ in rows]
        place.plot(sizes, [row["to_base"] for _, row in rows], marker="o")
        place.set_xscale("log", base=2)
        place.set_xticks(sizes, [str(size) for size in sizes], fontsize=8)
        place.set_xlabel(name)
        place.grid(alpha=0.3)
    places[0].set_ylabel("requests/s, smallest SoC = 1")
    places[0].set_ylim(bottom=0)
    figure.savefig(path, dpi=110)


def grown(name: str, size: Size) -> int:
    """Return the number that grows in a series."""
    return {"masters": size.masters, "DRAM channels": size.channels, "LLC [KiB]": size.llc_kib}[name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--until", default=UNTIL)
    parser.add_argument("--one", type=json.loads, help="a size: measure it alone, print it as JSON")
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measured(Size(**asked.one), asked.rounds, asked.until)))
        return
    found: dict[str, list[tuple[Size, dict]]] = {}
    for name, sizes in SERIES.items():
        print(
            f"\n| {name} | requests/s | to the smallest | requests | arrays | most memory |\n"
            + "| --- " * 6
            + "|"
        )
        for size in sizes:
            row = apart(size, asked.rounds, asked.until)
            found.setdefault(name, []).append((size, row))
            print(
                f"| {grown(name, size)} | {row['requests_per_s']:,.0f} | {row['to_base']:.2f} | "
                f"{row['requests']} | {row['arrays_mib']:.0f} MiB | {row['peak_mib']:.0f} MiB |",
                flush=True,
            )
    if asked.plot:
        plot(found, asked.plot)


if __name__ == "__main__":
    main()
