"""The runs that `validate firesim` makes, and the table of their parameters."""

from typing import NamedTuple

LLC_SIZES_KIB = (512, 1024, 2048, 4096)
LLC_LINES = (32, 64, 128)
MOST_SETS = 4096  # of FASED's LLC model
FOOTPRINTS = {"L1": "8 KiB", "LLC": "256 KiB", "DRAM": "16 MiB"}  # four of the second fit half of the LLC
LENGTH = {"L1": 0, "LLC": 3, "DRAM": 4}  # what a co-runner adds to the length of a run, roughly
COUNTS = (1, 2, 3, 4)
SLOW_DRAM = (
    "system.dram.clock=1066 MHz"  # DDR3-2133's own clock; the artifact counts DRAM timings in SoC cycles
)


class Case(NamedTuple):
    """One run of the SoC: what it is compared as, and what it changes in the config."""

    kind: str
    name: str
    settings: tuple[str, ...] = ()
    corunners: int = 0
    size: str = ""  # of FOOTPRINTS


class Outcome(NamedTuple):
    latency_s: float
    accelerator_s: float
    cpu_s: float
    traffic_bytes: dict[str, int]
    stall_cycles: dict[str, int]


FRAME = Case("llc", "2048 KiB / 64 B")  # the config as it is: the paper's frame, and a point of the grid
BARE = Case("llc", "no LLC", ("system.llc=null",))


def cases() -> list[Case]:
    """Return every run: no LLC, the LLC grid with the frame in it, the co-runners."""
    grid = [
        Case("llc", f"{size} KiB / {line} B", (f"system.llc.size={size} KiB", f"system.llc.line={line} B"))
        for line in LLC_LINES
        for size in LLC_SIZES_KIB
        if size * 1024 // (8 * line) <= MOST_SETS
    ]
    grid = [FRAME if case.name == FRAME.name else case for case in grid]
    crowd = [
        Case("corunners", f"{count} x {name}", corunners=count, size=name)
        for name in FOOTPRINTS
        for count in COUNTS
    ]
    slow = [
        Case("slow", "no LLC", (SLOW_DRAM, "system.llc=null")),
        Case("slow", "4096 KiB / 128 B", (SLOW_DRAM, "system.llc.size=4 MiB", "system.llc.line=128 B")),
    ]
    return [BARE, *grid, *crowd, *slow]
