"""The rows of an outside master: its pins, its bursts in flight, and what it has counted."""

from enum import IntEnum, auto

import numpy as np

from hw_models.axi.names import BEATS, BURSTS, WORDS
from hw_models.port import REQUEST


class Pin(IntEnum):
    """What the agent reads of the bus, one number each; write data and strobes are apart, as words."""

    ARVALID = 0
    AWVALID = auto()
    WVALID = auto()
    RREADY = auto()
    BREADY = auto()
    ARID = auto()
    ARADDR = auto()
    ARLEN = auto()
    ARSIZE = auto()
    ARBURST = auto()
    ARLOCK = auto()
    AWID = auto()
    AWADDR = auto()
    AWLEN = auto()
    AWSIZE = auto()
    AWBURST = auto()
    AWLOCK = auto()
    WLAST = auto()
    WID = auto()  # of AXI3, -1: the bus has none


class Drive(IntEnum):
    """What the agent drives, one number each; read data are apart, as words."""

    ARREADY = 0
    AWREADY = auto()
    WREADY = auto()
    RVALID = auto()
    RID = auto()
    RRESP = auto()
    RLAST = auto()
    BVALID = auto()
    BID = auto()
    BRESP = auto()


class Burst(IntEnum):
    """The codes of AxBURST."""

    FIXED = 0
    INCR = 1
    WRAP = 2


class Fault(IntEnum):
    """What the agent cannot serve."""

    NONE = 0
    EXCLUSIVE = auto()
    BURST = auto()
    SIZE = auto()
    WRAP = auto()
    BOUNDARY = auto()
    LAST = auto()
    MEMORY = auto()
    SYSTEM = auto()


SIGNAL = np.dtype([("address", np.int64), ("bytes", np.int64)])  # where a simulator keeps it; 0: absent
PENDING = 512  # requests of accepted bursts that wait for room at the port

BURST = np.dtype(
    [
        ("used", np.int64),
        ("id", np.int64),
        ("address", np.int64),  # of the first byte, 64 bits as they are
        ("beats", np.int64),
        ("size", np.int64),  # log2 of the bytes of a beat
        ("kind", np.int64),  # Burst
        ("given", np.int64),  # beats that have passed: of a read to the master, of a write from it
        ("arrived", np.int64),  # bytes that the system has answered
        ("rows", np.int64),  # requests that it has not answered whole
        ("first", np.int64),  # 1: no older burst of its id is in flight
        ("next", np.int64),  # the next of its id, -1: none
        ("dropped", np.int64),  # 1: its master has been reset since, and nobody wants the answer
        ("ready_cycle", np.int64),  # when the answer began, NEVER: not yet
        ("order", np.int64),  # of acceptance
        ("issue_cycle", np.int64),  # it was offered: of a write address and first beat
        ("begin_cycle", np.int64),  # its address was taken
        ("first_cycle", np.int64),  # its first beat was taken
        ("last_cycle", np.int64),
    ]
)

SIDE = np.dtype(  # reads or writes
    [
        ("bursts", BURST, (BURSTS,)),
        ("in_flight", np.int64),
        ("top", np.int64),  # rows ever used: beyond it all are unused
        ("offered", np.int64),  # the burst whose answer is on the bus, -1: none
        ("since", np.int64),  # cycle from which the address on the bus has been offered, -1: none is
        # requests that go to the system: a ring
        ("pending", REQUEST, (PENDING,)),
        ("pending_head", np.int64),
        ("pending_count", np.int64),
        ("fresh", np.int64),  # behind them: of the cycle that has just ended
        # counters
        ("accepted", np.int64),
        ("beats", np.int64),
        ("bytes", np.int64),  # of writes: strobed
        ("address_waits", np.int64),  # cycles that an address stood unaccepted
        ("answer_waits", np.int64),  # cycles that an answer stood untaken
    ]
)

AGENT = np.dtype(
    [
        # parameters
        ("master", np.int64),
        ("ids", np.int64),
        ("width", np.int64),  # bytes of a beat
        ("limit", np.int64),  # bursts in flight, reads and writes apart
        ("fixed_size", np.int64),  # log2 of the bytes of a beat where the bus has no AxSIZE (lite), else -1
        ("base", np.int64),  # where its first 4 GiB lie in the system
        ("beyond", np.int64),  # added to addresses from there on
        # pins
        ("pin", np.int64, (len(Pin),)),
        ("wdata", np.uint64, (WORDS,)),
        ("wstrb", np.uint64, (WORDS // 8,)),
        ("drive", np.int64, (len(Drive),)),
        ("rdata", np.uint64, (WORDS,)),
        ("pin_signal", SIGNAL, (len(Pin),)),
        ("wdata_signal", SIGNAL),
        ("wstrb_signal", SIGNAL),
        ("drive_signal", SIGNAL, (len(Drive),)),
        ("rdata_signal", SIGNAL),
        ("reset_signal", SIGNAL),
        ("reset_level", np.int64),  # of the reset, at which the bus is idle
        ("reset", np.int64),  # 1: the bus is in reset
        ("news", np.int64),  # 1: the system, or a handshake, may have changed what is to be driven
        ("changed", np.int64),  # 1: what is driven is new
        # bursts
        ("read", SIDE),
        ("write", SIDE),
        ("busy", np.int64),  # 1: more than a new address can make the next edge matter
        # write data: the order of addresses, and what came ahead of them
        ("data_order", np.int64, (BURSTS,)),  # ring of write bursts whose data are not complete
        ("data_head", np.int64),
        ("data_count", np.int64),
        ("ahead_data", np.uint64, (BEATS, WORDS)),
        ("ahead_strb", np.uint64, (BEATS, WORDS // 8)),
        ("ahead_last", np.int64, (BEATS,)),
        ("ahead_id", np.int64, (BEATS,)),
        ("ahead_head", np.int64),
        ("ahead_count", np.int64),
        ("data_since", np.int64),  # as `since`, of write data
        ("ahead_since", np.int64, (BEATS,)),
        ("ahead_cycle", np.int64, (BEATS,)),  # in which each was taken
        ("data_waits", np.int64),  # cycles that write data stood unaccepted
        ("moved_cycle", np.int64),  # of the latest handshake
        ("fault", np.int64),  # Fault
        ("fault_cycle", np.int64),
        ("fault_values", np.int64, (4,)),  # write, address, then what the fault is about
    ]
)

STORE = np.dtype(  # the sparse memory's counters; its tables are arrays beside it
    [
        ("limit", np.int64),  # pages of the pool
        ("pages", np.int64),  # in use
        ("latest", np.int64),  # page number + 1 of the latest lookup, and its place
        ("latest_place", np.int64),
    ]
)

RECORD = np.dtype(  # of a burst that is done; cycles of the master's clock
    [
        ("write", np.int64),
        ("id", np.int64),
        ("address", np.int64),
        ("beats", np.int64),
        ("size", np.int64),
        ("kind", np.int64),
        ("issue_cycle", np.int64),  # it was offered: of a write address and first beat
        ("begin_cycle", np.int64),  # its address was taken
        ("first_cycle", np.int64),  # its first beat was taken
        ("last_cycle", np.int64),  # its last beat was
        ("end_cycle", np.int64),  # of a write: its response was
        ("master", np.int64),
    ]
)
LOG = np.dtype([("count", np.int64)])
