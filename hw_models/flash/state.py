"""State of one flash device: a STATE record and one flat table of int64, `memory`.

Time is integer picoseconds (the clock period is in the record: 1000 fs). The record holds everything of
fixed size (channels, dies, transactions, requests, parameters); `memory` holds what grows with the
capacity (mapping, out-of-band data, block records, mapping cache), at the offsets named `at_*`.
"""

from enum import IntEnum

import numpy as np

from hw_models.flash.names import CHANNELS, DIES, PLANES, REQUESTS, TRANSACTIONS
from hw_models.port import MASTERS, REQUEST
from hw_models.units import FS_PER_PS

PERIOD_FS = FS_PER_PS  # one cycle of this block is one picosecond
LINK_ROWS = 1024  # reservations of alternating masters that a link can tell apart

# Constants that are passed to functions are np.int64: numba compiles a function anew for each Python int.
NONE = np.int64(-1)
ZERO = np.int64(0)
ONE = np.int64(1)

# Classes of transactions, each with a queue per die, in order of priority.
MAP_READ, USER_READ, GC_READ, USER_WRITE, GC_WRITE, ERASE = (np.int64(k) for k in range(6))
CLASSES = 6

# What a channel's bus is doing.
BUS_IDLE, BUS_COMMAND, BUS_DATA = range(3)

# What a die's array is doing.
IDLE, READING, PROGRAMMING, ERASING = (np.int64(k) for k in range(4))


class Wait(IntEnum):
    """What a request waits for in the device, when others have it."""

    BANK_BUSY = 0  # the die; a block, until collection has freed one
    BUS_BUSY = 1  # the channel
    LINK_BUSY = 2  # to the host


CLOCKS = (2, MASTERS + 1)  # time lost to die and bus, by culprit (last: the device's own work)

TRANSACTION = np.dtype(
    [
        ("next", np.int64),  # in whatever list it is
        ("kind", np.int64),  # one of the classes
        ("request", np.int64),  # row of the request that it works for, NONE for the device's own
        ("lpn", np.int64),  # logical page; of a mapping read: the mapping page
        ("ppn", np.int64),  # physical page
        ("die", np.int64),
        ("plane", np.int64),  # in the die
        ("page", np.int64),  # page in the block: planes of a die work together on equal pages only
        ("bytes", np.int64),  # that cross the channel
        ("sectors", np.int64),  # of a host's page: mask of those that it reads or writes
        ("since", np.int64),  # time from which it waits for a block to be collected
        ("noted", np.int64, CLOCKS),  # what the clocks that it waits by showed when it began to
        ("order", np.int64),  # how many entered any queue before it
        ("master", np.int64),
        ("version", np.int64),  # of a program: write sequence number, kept in the page's out-of-band bytes
        ("then", np.int64),  # transaction that waits for this one (read-modify-write), NONE
        ("wait_head", np.int64),  # of a mapping read: transactions that wait for the entry
        ("wait_tail", np.int64),
    ]
)
DIE = np.dtype(
    [
        ("channel", np.int64),
        ("doing", np.int64),
        ("active", np.int64, (PLANES,)),
        ("actives", np.int64),
        ("held", np.int64),  # 1: array done, but the page register still holds the previous pages
        ("out", np.int64),  # pages in the register that wait for the bus
        ("master", np.int64),  # whose command ran last
        ("lost", np.int64, CLOCKS),  # time that its queue was kept waiting; see `waits`
        ("since", np.int64),  # time up to which `lost` is settled
        ("seen", np.int64, (MASTERS + 1,)),  # what `held` of its channel showed then
        ("stopped", np.int64, (PLANES,)),  # transactions of a suspended program or erase
        ("stoppeds", np.int64),
        ("remaining", np.int64),  # array time that the suspended command still needs
        ("stopped_doing", np.int64),
        ("suspensions", np.int64),  # of the command in progress
        ("queued", np.int64),
        ("queued_reads", np.int64),
        ("head", np.int64, (CLASSES,)),
        ("tail", np.int64, (CLASSES,)),
    ]
)
CHANNEL = np.dtype(
    [
        ("bus", np.int64),
        ("until", np.int64),  # time at which the bus is free, NEVER when idle
        ("moving", np.int64),  # transaction whose data is on the bus
        ("turn", np.int64),  # chip that is asked first
        ("waiting", np.int64),  # those, read data that waits for the bus, and suspended commands
        ("master", np.int64),  # whose transfer is, or was last, on the bus
        ("held", np.int64, (MASTERS + 1,)),  # time that the bus was held, by master
        ("since", np.int64),  # time up to which `held` is settled
        ("head", np.int64, (3,)),  # read data that waits for the bus: of mapping, host, collection
        ("tail", np.int64, (3,)),
    ]
)
LINK = np.dtype(
    [
        ("free", np.int64),  # time up to which it is reserved
        ("head", np.int64),  # of the reservations noted, oldest first
        ("count", np.int64),
        ("end", np.int64, (LINK_ROWS,)),  # each lasts from the end of the one before
        ("master", np.int64, (LINK_ROWS,)),
    ]
)
REQUEST_ROW = np.dtype(
    [
        ("next", np.int64),
        ("address", np.int64),
        ("bytes", np.int64),
        ("write", np.int64),
        ("master", np.int64),
        ("stream", np.int64),
        ("tag", np.int64),
        ("issued", np.int64),
        ("submit", np.int64),  # doorbell
        ("arrival", np.int64),  # the device has the command (and the data, for a write)
        ("done", np.int64),  # the host has data and completion
        ("left", np.int64),  # transactions to go
        ("version", np.int64),  # write sequence number of its last page
    ]
)

# Rows of `memory`
# Per logical page: physical page + 1, slot in the mapping cache + 1, mask of the sectors that hold data
# (maintained where partial writes go by sectors).
MAP_WORDS = 3
GROUP_BITS = 5  # map entries lie in groups of 32
GROUP_MASK = 31
PAGE_WORDS = 2  # per physical page, out of band: logical page + 1 (negative: being programmed), version
BLOCK_WORDS = 6
USED, VALID, ERASES, WRITTEN, STATUS, INFLIGHT = range(BLOCK_WORDS)
FREE, OPEN, FULL, BEING_ERASED = range(4)
PLANE_WORDS = 8
# GC_LEFT: pages of the victim on their way elsewhere; GC_NEXT: first page of it not looked at yet
USER_BLOCK, GC_BLOCK, FREE_BLOCKS, VICTIM, GC_LEFT, GC_NEXT, WAIT_HEAD, WAIT_TAIL = range(PLANE_WORDS)
SLOT_WORDS = 5
SLOT_PREV, SLOT_NEXT, SLOT_LPN, SLOT_FILLED, SLOT_DIRTY = range(SLOT_WORDS)

COUNTERS = [
    "page_reads",  # pages read for the host
    "map_reads",
    "map_writes",
    "gc_reads",
    "page_programs",
    "gc_programs",
    "erases",
    "read_commands",
    "multiplane_reads",
    "suspends",
    "map_hits",
    "map_misses",
    "buffer_reads",  # served from data still being programmed
    "zero_reads",  # of pages that nobody wrote
    "requests",
    "read_bytes",
    "write_bytes",
    "bus_busy_ps",  # data on the channels, summed
    "link_busy_ps",  # data to the host
    "violations",  # broken laws of NAND: must stay 0
]
PARAMETERS = [
    "period_fs",
    "channels",
    "chips",  # per channel
    "chip_dies",
    "planes",
    "dies_per_channel",
    "dies_total",
    "planes_total",
    "blocks",  # per plane
    "pages",  # per block
    "page_bytes",
    "page_bits",
    "logical_pages",
    "physical_pages",
    "preload_pages",  # logical pages that hold data from the start, laid out in order
    "read_ps",
    "program_ps",
    "erase_ps",
    "suspend_ps",
    "suspend_worth_ps",  # a command with less than this to go is not suspended
    "max_suspensions",
    "independent_dies",
    "cache_read",
    "multiplane",
    "read_command_ps",
    "read_command_plane_ps",  # for each further plane
    "program_command_ps",
    "program_command_plane_ps",
    "erase_command_ps",
    "data_setup_ps",
    "bus_fs_per_byte",
    "unwritten",
    "map_resident",  # 1: the whole map in DRAM
    "map_entries_per_page",
    "map_read_bytes",
    "map_slots",
    "gc_policy",
    "gc_threshold",  # free blocks in a plane at which collection starts
    "wear_threshold",
    "link_fs_per_byte",
    "link_payload",
    "link_overhead",
    "doorbell_ps",  # of these messages on the link
    "command_ps",
    "fetch_ps",
    "completion_ps",
    "forward_pages",  # 1: data goes to the host page by page, 0: when the request is complete
    "controller_ps",  # from command to first transaction
    "by_sectors",  # 1: partial writes read and send sectors, 0: whole pages
    "sector_bits",
    "buffer_writes",  # 1: a write is done when its data is in the device's protected buffer
    "queue_depth",  # requests whose doorbell has been rung
    "queue_fetch",  # of these, commands that the device has fetched and not completed
    "at_directory",
    "at_map",
    "at_page",
    "at_block",
    "at_plane",
    "at_slot",
    "at_map_read",
    "at_end",
]
STATE = np.dtype(
    [(name, np.int64) for name in PARAMETERS]
    + [(name, np.int64) for name in COUNTERS]
    + [
        ("now", np.int64),
        ("up", LINK),  # to the host
        ("down", LINK),
        ("order", np.int64),
        ("version", np.int64),
        ("groups", np.int64),  # of map entries in use
        ("slots_used", np.int64),
        ("slot_first", np.int64),
        ("slot_last", np.int64),
        ("free_transaction", np.int64),
        ("free_transactions", np.int64),
        ("free_request", np.int64),
        ("free_requests", np.int64),
        ("touched", np.int64),  # bit per channel: something was queued
        ("arrived_head", np.int64),
        ("arrived_count", np.int64),
        ("arrived", np.int64, (REQUESTS,)),  # requests on their way to the device, in order of arrival
        ("done_head", np.int64),
        ("done_count", np.int64),
        ("done", np.int64, (REQUESTS,)),  # requests whose completion time is known, in that order
        ("plane_of_lane", np.int64, (DIES * PLANES,)),
        ("lane_of_plane", np.int64, (DIES * PLANES,)),
        ("die_of_plane", np.int64, (DIES * PLANES,)),
        ("next", np.int64, (CHANNELS,)),  # earliest time at which anything happens on a channel
        ("ready", np.int64, (DIES,)),  # time at which a die's array is done, NEVER when idle or held
        ("channel", CHANNEL, (CHANNELS,)),
        ("die", DIE, (DIES,)),
        ("transaction", TRANSACTION, (TRANSACTIONS,)),
        ("request", REQUEST_ROW, (REQUESTS,)),
        ("in_flight", np.int64),  # requests that `accept` took and `advance` has not answered
        ("response", REQUEST),  # scratch
        ("masters", np.int64),  # that share the device; 0: nobody is charged
        ("blame", np.int64, (MASTERS, MASTERS + 1, len(Wait))),  # victim, culprit, wait: see `waits.charged`
        ("carries", np.int64, (MASTERS, MASTERS + 1, len(Wait))),
    ]
)
