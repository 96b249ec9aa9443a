"""What travels between blocks: requests and responses in bounded FIFOs.

One dtype serves both directions: a response is the request's row on its way back. Times are integer
cycles of the block that owns the FIFO; the kernel converts between clock domains.
"""

import numpy as np

from hw_models.jit import inlined
from hw_models.width import MASTERS, WIRES

NEVER = np.int64(2**62)  # "wake me only when something arrives"

REFRESH = MASTERS  # row of a blame table: nobody's fault
FIFO_ROWS = 256  # physical rows of every FIFO; `limit` says how many of them a design really has

REQUEST = np.dtype(
    [
        ("time", np.int64),  # cycle from which the reader may see this row
        ("address", np.int64),  # byte address
        ("bytes", np.int64),
        ("write", np.int64),  # 1 write, 0 read
        ("master", np.int64),  # who asked: index in the system's list of masters
        ("stream", np.int64),  # which of the master's streams (AXI id); responses are in order per stream
        ("tag", np.int64),  # the master's own, returned untouched
        ("issued", np.int64),  # femtoseconds at which the master issued it
    ]
)

FIFO = np.dtype(
    [
        ("head", np.int64),
        ("count", np.int64),
        ("limit", np.int64),  # capacity in rows, at most FIFO_ROWS
        ("writer", np.int64),  # unit that pushes: a pop wakes it if the FIFO was full
        ("reader", np.int64),  # unit that pops: a push wakes it
        ("source", np.int64),  # which of the units above its reader the writer is
        ("bit", np.int64),  # its reader is an interconnect: its bit among the requests offered; else 0
        ("early", np.int64),  # 1: answers that its reader takes as soon as they exist
        ("delay", np.int64),  # 1: its reader takes a read a cycle after it may see it at the earliest
        ("late_fs", np.int64),  # after it may see a row: until then its reader would only put it into a queue
        ("closed_fs", np.int64),  # its reader does nothing with what is in its queues before
        # an oldest row with these bits of its address waits for what its reader is called for anyway
        ("shut", np.int64),
        ("shut_mask", np.int64),
        ("quiet", np.int64),  # oldest rows that its reader leaves for later: nothing waits for them
        # requests that follow the newest row at the next addresses, each as soon as there is room for it
        ("following", np.int64),
        ("followed", np.int64),  # that did since its writer was called last
        ("followed_from", np.int64),  # place of the first of these among the rows
        ("asks", np.int64),  # 1: its writer may ask its reader to take the oldest row
        ("asks_fs", np.int64),  # when it is to do so
        ("blocker", np.int64),  # for whom the oldest row waited when it was last refused
        ("freed_fs", np.int64),  # when a row was last taken
        ("rows", REQUEST, (FIFO_ROWS,)),
    ]
)

# All of a system's FIFOs in one record: blocks with several FIFOs take it with the index of their first
# one. A record is passed as a bare pointer; an array would be reference-counted in every function.
WIRING = np.dtype([("fifo", FIFO, (WIRES,))])


@inlined
def copy_request(target, source):
    """Copy the fields of a REQUEST row into another: read before any is written, they move in a few words."""
    time, address, size, write = source["time"], source["address"], source["bytes"], source["write"]
    master, stream, tag, issued = source["master"], source["stream"], source["tag"], source["issued"]
    target["time"] = time
    target["address"] = address
    target["bytes"] = size
    target["write"] = write
    target["master"] = master
    target["stream"] = stream
    target["tag"] = tag
    target["issued"] = issued


@inlined
def is_full(fifo):
    return fifo["count"] >= fifo["limit"]


@inlined
def append(fifo):
    """Return a new row behind all others, to be filled in. The caller has checked `is_full`."""
    row = fifo["rows"][(fifo["head"] + fifo["count"]) % FIFO_ROWS]
    fifo["count"] += 1
    return row


@inlined
def push(fifo, request, time):
    """Append a copy of ``request``, visible from cycle ``time``. The caller has checked `is_full`."""
    row = append(fifo)
    copy_request(row, request)
    row["time"] = time


@inlined
def front(fifo):
    """Return the oldest row. The caller has checked ``fifo["count"]``."""
    return fifo["rows"][fifo["head"]]


@inlined
def pop(fifo):
    """Drop the oldest row. An empty FIFO begins at its first row again: the host still has that at hand."""
    fifo["count"] -= 1
    fifo["head"] = (fifo["head"] + 1) % FIFO_ROWS if fifo["count"] > 0 else 0
