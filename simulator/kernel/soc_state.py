"""The event loop's own state: the units of an SoC, when each is to wake, and which FIFOs it reads and writes.

Units are numbered densely: memory channels, then caches and interconnects from memory upwards, masters, jobs.
On a tie the lowest number goes first. `simulator.soc.wires` fills the wiring in; the loop knows no topology.
"""

from enum import IntEnum

import numpy as np

from hw_models.interconnect.state import INTERCONNECT, PORTS, SOURCES
from hw_models.known import parameters
from hw_models.pages import FRAMES
from hw_models.port import MASTERS


class Kind(IntEnum):
    """What a unit between masters and memory is: which array has its row."""

    DRAM = 0
    IDEAL = 1
    CACHE = 2
    BUS = 3


OWNER = np.dtype([("job", np.int64), ("step", np.int64)])  # of an accelerator's operation
UNITS = MASTERS + 112  # with jobs and what lies below masters: `simulator.config`
MASTER_PORTS = 2  # most memory ports of a master
MOST_BUSES = 8
DOOR_CAUSES = 2  # full, or refresh: what a request waits for in front of a block
ASKS_STORAGE, ASKS_CLERK = 1, 2  # whom the loop asks: flash and backends; who books frames and waits
STARTED = 64  # most steps begun on flash between two looks of the storage
INPUTS = max(2 * SOURCES, PORTS)

# All interconnects in one record: a bare pointer to numba, where an array would be reference-counted
BUSES = np.dtype([("bus", INTERCONNECT, (MOST_BUSES,))])

NODE = (
    np.dtype(  # FIFOs by their index in WIRING: a unit reads those that are listed, and writes whole ranges
        [
            ("requests", np.int64, (INPUTS,)),  # that it reads
            ("request_count", np.int64),
            ("answers", np.int64, (INPUTS,)),  # that it reads; a master: one a port
            ("answer_count", np.int64),
            (
                "down",
                np.int64,
            ),  # first FIFO of requests that it writes; a master has reads and writes of each port
            ("down_count", np.int64),
            ("up", np.int64),  # first FIFO of answers that it writes
            ("up_count", np.int64),
        ]
    )
)

INVERSE_BITS = 48
NEAR = 1024  # cycles, at most, that `inverse` is used for: multiplied and shifted it is exact
CLOCK = np.dtype(  # of a unit
    [
        ("edge_fs", np.int64),  # its last one at which it was called
        ("cycle", np.int64),  # the same
        ("inverse", np.int64),  # of its period, 2**INVERSE_BITS times, rounded up
        ("near_fs", np.int64),
    ]
)


def clock_of(period_fs: int) -> tuple[int, int, int, int]:
    """Return the CLOCK row of a unit that has not been called; one with a very long period divides."""
    exact = period_fs < 1 << INVERSE_BITS - 10
    return 0, 0, (1 << INVERSE_BITS) // period_fs + 1, NEAR * period_fs if exact else 0


SYSTEM = np.dtype(
    [
        ("masters", np.int64),
        ("jobs", np.int64),
        ("jobs_left", np.int64),
        ("master_unit", np.int64),  # first unit of its kind
        ("job_unit", np.int64),
        ("units", np.int64),
        ("kind", np.int64, (UNITS,)),  # of a unit: `Kind`; of a master: `simulator.kernel.masters.Kind`
        ("row", np.int64, (UNITS,)),  # its row in the array of its kind
        ("node", NODE, (UNITS,)),
        # FIFOs with requests that a bus has not taken yet: bits as of its lanes
        ("unoffered", np.int64, (UNITS,)),
        ("refused", np.int64, (UNITS,)),  # those of them that are not to be offered before one has left
        ("followed", np.int64, (UNITS,)),  # those in which a request has followed in the bus's latest cycle
        ("offered", np.int64, (UNITS,)),  # a bus's cycle of its latest offer: a place is free in the next
        ("one_clock", np.int64),  # 1: all hardware units have the same clock, so every time is an edge of all
        ("one_period_fs", np.int64),  # of that clock
        ("period_fs", np.int64, (UNITS,)),
        ("clock", CLOCK, (UNITS,)),
        ("wake_fs", np.int64, (UNITS,)),
        ("masters_fs", np.int64),  # no master and no job wakes before
        ("now_fs", np.int64),
        ("events", np.int64),
        ("bin_fs", np.int64),
        ("bin", np.int64),  # of the latest response
        ("bin_end_fs", np.int64),  # its end; 0: not known
        ("step_at_hand", np.int64, (MASTERS,)),  # of a master that has one at a time, -1: none
        # `simulator.soc.storage` runs beside this loop: what it is to look at
        ("dma", np.int64),  # master that moves its data, -1: none
        ("asks", np.int64),  # ASKS_STORAGE, ASKS_CLERK: return to them at once
        ("started", np.int64),  # steps begun on flash
        ("started_step", np.int64, (STARTED,)),
        # waits in front of full blocks [its cycles]: by unit that is full, victim, culprit, cause
        ("doors", np.int64, (UNITS, MASTERS, MASTERS + 1, DOOR_CAUSES)),
        ("frames", FRAMES),  # where pages lie, if the banks are partitioned
    ]
)
parameters("SYSTEM", SYSTEM, ["masters", "master_unit", "job_unit", "units", "one_clock", "one_period_fs"])
