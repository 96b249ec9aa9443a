"""Where the beats of a burst lie, and what the system is asked for them (AMBA AXI, IHI 0022, A3.4.1)."""

import numpy as np

from hw_models.axi.state import PENDING, Burst, Fault
from hw_models.jit import inlined, njit

FIXED, INCR, WRAP = int(Burst.FIXED), int(Burst.INCR), int(Burst.WRAP)
NONE = int(Fault.NONE)
BAD_BURST, BAD_SIZE, BAD_WRAP, BAD_BOUNDARY = (
    int(Fault.BURST), int(Fault.SIZE), int(Fault.WRAP), int(Fault.BOUNDARY),
)  # fmt: skip
BLOCK = 4096  # bytes: no burst crosses a block of that size


@inlined
def fault_of(address, beats, size, kind, width):
    """Return what is wrong with a burst, NONE if nothing is."""
    if kind > WRAP or (kind == FIXED and beats > 16):
        return BAD_BURST
    if (1 << size) > width:
        return BAD_SIZE
    if kind == WRAP:
        legal = beats == 2 or beats == 4 or beats == 8 or beats == 16
        return NONE if legal and address & ((1 << size) - 1) == 0 else BAD_WRAP
    aligned = address & -(1 << size)
    if kind == INCR and (aligned & BLOCK - 1) + (beats << size) > BLOCK:
        return BAD_BOUNDARY
    return NONE


@inlined
def beat_address(burst, beat):
    """Return the address of a beat: of the first byte that it moves."""
    size, address = burst["size"], burst["address"]
    if burst["kind"] == FIXED or beat == 0:
        return address
    step = (address & -(np.int64(1) << size)) + (beat << size)
    if burst["kind"] == WRAP:
        whole = burst["beats"] << size
        return (address & -whole) | (step & (whole - 1))
    return step


@inlined
def beat_lanes(burst, beat, width):
    """Return (first, end) of the byte lanes of a beat."""
    address = beat_address(burst, beat)
    first = address & (width - 1)
    return first, (first & -(1 << burst["size"])) + (1 << burst["size"])


@inlined
def bytes_through(burst, beat):
    """Return how many bytes of the burst have moved with the beat."""
    offset = burst["address"] & ((1 << burst["size"]) - 1)
    if burst["kind"] == FIXED:
        return (beat + 1) * ((1 << burst["size"]) - offset)
    return ((beat + 1) << burst["size"]) - offset


@inlined
def add_request(side, address, size, write, tag, stream, master):
    row = side["pending"][(side["pending_head"] + side["pending_count"] + side["fresh"]) % PENDING]
    row["address"], row["bytes"], row["write"] = address, size, write
    row["tag"], row["stream"], row["master"] = tag, stream, master
    side["fresh"] += 1


@njit
def ask(side, index, address, write, stream, master):
    """Queue what the system is asked for a burst; ``address``: of its first byte, in the system."""
    burst = side["bursts"][index]
    size, whole = burst["size"], burst["beats"] << burst["size"]
    if burst["kind"] == FIXED:
        each = (1 << size) - (address & ((1 << size) - 1))
        for _ in range(burst["beats"]):
            add_request(side, address, each, write, index, stream, master)
        burst["rows"] = burst["beats"]
        return
    burst["rows"] = 1
    if burst["kind"] == WRAP and address & (whole - 1):
        before = address & (whole - 1)
        add_request(side, address, whole - before, write, index, stream, master)
        add_request(side, address - before, before, write, index, stream, master)
        burst["rows"] = 2
        return
    add_request(side, address, whole - (address & ((1 << size) - 1)), write, index, stream, master)
