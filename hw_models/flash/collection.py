"""Programs, and the garbage collection that makes room for them."""

import numpy as np

from hw_models.flash.ftl import allocate, block_at, find, owner, pick_victim, plane_at, point
from hw_models.flash.mapcache import mark_dirty
from hw_models.flash.queues import enqueue, free_transaction, new_transaction, place
from hw_models.flash.state import (
    BEING_ERASED,
    ERASE,
    FREE_BLOCKS,
    GC_LEFT,
    GC_NEXT,
    GC_READ,
    GC_WRITE,
    NONE,
    ONE,
    PAGE_WORDS,
    STATUS,
    TRANSACTIONS,
    VALID,
    VICTIM,
    WAIT_HEAD,
    WAIT_TAIL,
    ZERO,
)
from hw_models.jit import njit
from hw_models.port import REFRESH as NOBODY_INT

NOBODY = np.int64(NOBODY_INT)  # the device's own work is charged to no master


@njit
def page_at(state, ppn):
    return state["at_page"] + PAGE_WORDS * ppn


@njit
def take_page(state, memory, i, ppn):
    """Let transaction ``i`` program ``ppn``; until it is done, reads come from the buffer."""
    place(state, i, ppn)
    row = state["transaction"][i]
    at = page_at(state, ppn)
    if memory[at] != 0 or owner(state, memory, ppn) != NONE:
        state["violations"] += 1
    memory[at] = -(row["lpn"] + 1)
    memory[at + 1] = row["version"]
    point(state, memory, row["lpn"], ppn)
    if state["map_resident"] == 0:
        mark_dirty(state, memory, row["lpn"])


@njit
def wait_in_plane(state, memory, plane, i, now):
    """Let the host's transaction ``i`` wait until collection has freed a block of ``plane``."""
    at = plane_at(state, plane)
    state["transaction"][i]["since"] = now
    state["transaction"][i]["next"] = NONE
    if memory[at + WAIT_HEAD] == NONE:
        memory[at + WAIT_HEAD] = i
    else:
        state["transaction"][memory[at + WAIT_TAIL]]["next"] = i
    memory[at + WAIT_TAIL] = i


@njit
def collect(state, memory, plane, now):
    """Start collecting a block of ``plane`` if it is short of free blocks and not collecting already."""
    at = plane_at(state, plane)
    if memory[at + VICTIM] != NONE or memory[at + FREE_BLOCKS] > state["gc_threshold"]:
        return
    block = pick_victim(state, memory, plane)
    if block == NONE:
        return
    memory[at + VICTIM] = block
    memory[at + GC_LEFT] = 0
    memory[at + GC_NEXT] = block * state["pages"]
    move_on(state, memory, plane, now)


@njit
def move_on(state, memory, plane, now):
    """Read the valid pages of the victim of ``plane``; erase it when all are safe elsewhere.

    All at once, but one at a time while other work takes half of the transactions: many planes may
    collect big blocks at the same time.
    """
    at = plane_at(state, plane)
    end = (memory[at + VICTIM] + 1) * state["pages"]
    ppn = memory[at + GC_NEXT]
    while ppn < end and (memory[at + GC_LEFT] == 0 or state["free_transactions"] > TRANSACTIONS // 2):
        lpn = owner(state, memory, ppn)
        if lpn != NONE and find(state, memory, lpn) == ppn:
            i = new_transaction(state, GC_READ, NONE, NOBODY, lpn, state["page_bytes"])
            state["transaction"][i]["version"] = memory[page_at(state, ppn) + 1]
            place(state, i, ppn)
            enqueue(state, i, now)
            state["gc_reads"] += 1
            memory[at + GC_LEFT] += 1
        ppn += 1
    memory[at + GC_NEXT] = ppn
    if memory[at + GC_LEFT] == 0:
        erase_victim(state, memory, plane, now)


@njit
def moved(state, memory, plane, now):
    """One page of the victim of ``plane`` is safe elsewhere, or was written again meanwhile."""
    memory[plane_at(state, plane) + GC_LEFT] -= 1
    move_on(state, memory, plane, now)


@njit
def erase_victim(state, memory, plane, now):
    block = memory[plane_at(state, plane) + VICTIM]
    i = new_transaction(state, ERASE, NONE, NOBODY, NONE, ZERO)
    place(state, i, block * state["pages"])
    enqueue(state, i, now)


@njit
def wipe(state, memory, block):
    """The erase of ``block`` begins: nothing in it can be read any more."""
    at = block_at(state, block)
    if memory[at + VALID] != 0:
        state["violations"] += 1
    memory[at + STATUS] = BEING_ERASED
    for ppn in range(block * state["pages"], (block + 1) * state["pages"]):
        memory[page_at(state, ppn)] = 0
        memory[page_at(state, ppn) + 1] = 0


@njit
def gc_read_done(state, memory, i, now):
    """A valid page of a victim has been read: program it elsewhere, if it still counts."""
    row = state["transaction"][i]
    plane = row["ppn"] // (state["blocks"] * state["pages"])
    if find(state, memory, row["lpn"]) != row["ppn"]:
        free_transaction(state, i)
        moved(state, memory, plane, now)
        return
    row["kind"] = GC_WRITE
    ppn = allocate(state, memory, plane, ONE)
    if ppn == NONE:
        raise RuntimeError("flash: collection has no page left to move data to")
    take_page(state, memory, i, ppn)
    enqueue(state, i, now)
