"""The event loop's own state: the units of an SoC, when each is to wake, and which FIFO is whose.

Units are numbered densely in the order memory channels, LLC, bus, masters, jobs.
"""

import numpy as np

from hw_models.blame import BLAME_SHAPE
from hw_models.pages import FRAMES
from hw_models.port import MASTERS

OWNER = np.dtype([("job", np.int64), ("step", np.int64)])  # of an accelerator's operation
CHANNELS = 8
JOBS = 8
UNITS = CHANNELS + 2 + MASTERS + JOBS
STARTED = 64  # most steps begun on flash between two looks of the storage

SYSTEM = np.dtype(
    [
        ("channels", np.int64),
        ("ideal", np.int64),  # 1: the memory is ideal, 0: DRAM
        ("has_llc", np.int64),
        ("has_bus", np.int64),
        ("masters", np.int64),
        ("accelerators", np.int64),  # masters [0, accelerators) are accelerators, the rest cores
        ("jobs", np.int64),
        ("jobs_left", np.int64),
        # first unit of each kind
        ("llc_unit", np.int64),
        ("bus_unit", np.int64),
        ("master_unit", np.int64),
        ("job_unit", np.int64),
        ("units", np.int64),
        ("unoffered", np.int64),  # FIFOs with requests that the bus has not taken yet, a bit each
        ("offered", np.int64),  # bus cycle of the latest offer: a place is free in the next
        ("one_clock", np.int64),  # 1: all hardware units have the same clock, so every time is an edge of all
        ("period_fs", np.int64, (UNITS,)),
        ("wake_fs", np.int64, (UNITS,)),
        ("now_fs", np.int64),
        ("events", np.int64),
        ("bin_fs", np.int64),
        ("core_step", np.int64, (MASTERS,)),  # step that a core works on, -1: none
        ("core_seen", np.int64, (MASTERS,)),  # its tasks known to be finished
        ("done_seen", np.int64, (MASTERS,)),  # an accelerator's completions known
        # `simulator.soc.storage` runs beside this loop: what it is to look at
        ("dma", np.int64),  # core that moves its data, -1: none
        ("asks", np.int64),  # 1: return to it at once
        ("started", np.int64),  # steps begun on flash
        ("started_step", np.int64, (STARTED,)),
        ("blame", np.int64, BLAME_SHAPE),  # waits in front of full blocks [fs]
        ("frames", FRAMES),  # where pages lie, if the banks are partitioned
    ]
)


# Where each kind of FIFO begins in WIRING
REQUESTS = 0  # two a master: reads, writes; a core uses the first for both
ANSWERS = REQUESTS + 2 * MASTERS  # one a master
BUS_DOWN = ANSWERS + MASTERS  # one a port of the bus
LLC_DOWN = BUS_DOWN + CHANNELS  # one a channel
LLC_UP = LLC_DOWN + CHANNELS
MEMORY_UP = LLC_UP + 1  # one a channel
