"""The runs that `validate firesim` makes, one for every point of the paper's two figures."""

import csv
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "reference" / "firesim"
FOOTPRINTS = {"L1": "8 KiB", "LLC": "256 KiB", "DRAM": "16 MiB"}  # four of the second fit half of the LLC
FRAMES = "1 GiB"  # Linux gives an array page frames of a pool that earlier programs have shuffled
JITTER_CYCLES = 8  # of a co-runner's line: cores that run the same loop do not run in step
LENGTH = {"L1": 0, "LLC": 3, "DRAM": 4}  # what a co-runner adds to the length of a run, roughly
# The short list: the ends of each line and where it bends, the worst crowd and the least; a few minutes
SHORT_SIZES_KIB = {32: (0.25, 1024), 64: (0.5, 64), 128: (1, 64, 4096)}
SHORT_COUNTS = {"L1": (4,), "LLC": (1, 4), "DRAM": (1,)}


class Case(NamedTuple):
    """One run of the SoC: what it is compared as, what it changes in the config, what the paper has."""

    kind: str
    name: str
    settings: tuple[str, ...] = ()
    corunners: int = 0
    size: str = ""  # of FOOTPRINTS
    reference: float = 1.0
    seed: int = 1
    crowd: tuple[tuple[str, str | None], ...] = ()  # keys of each co-runner that are not as usual


class Outcome(NamedTuple):
    """What comes of a run; of one with co-runners the accelerator's time alone, nan and nothing else."""

    accelerator_s: float
    latency_s: float
    cpu_s: float
    traffic_bytes: dict[str, int]
    stall_cycles: dict[str, int]


FRAME = Case("frame", "2048 KiB / 64 B", reference=1.22)  # the config as it is, and a point of figure 5
# FASED's DRAM takes the data of 16 writes at once (TimingModel.scala), its LLC those of the one it looks up
BARE = Case("llc", "no LLC", ("system.llc=null", "system.interconnect.hub.write_lead=null"))


def cases(every: bool, seeds: int = 1) -> list[Case]:
    """Return the frame, no LLC, figure 5, and figure 6 with ``seeds`` runs a point; or a part of them."""
    return [FRAME, BARE, *_grid(every), *_crowd(every, seeds)]


def _grid(every: bool) -> list[Case]:
    found = []
    for row in _rows("llc_speedup.csv"):
        size, line = float(row["llc_kib"]), int(row["line_bytes"])
        name = f"{size:g} KiB / {line} B"
        if name != FRAME.name and (every or size in SHORT_SIZES_KIB[line]):
            settings = (f"system.llc.size={round(size * 1024)} B", f"system.llc.line={line} B")
            found.append(Case("llc", name, settings, reference=float(row["speedup_over_no_llc"])))
    return found


def _crowd(every: bool, seeds: int) -> list[Case]:
    return [
        Case("corunners", f"{count} x {size}", (), count, size, float(row["normalized_time"]), seed)
        for row in _rows("corunners.csv")
        for size, count in [(row["working_set"], int(row["corunners"]))]
        for seed in range(1, seeds + 1)
        if every or count in SHORT_COUNTS[size]
    ]


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
