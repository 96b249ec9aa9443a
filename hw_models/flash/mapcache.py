"""Cache of the map in the device's memory: the least recently used entry goes, one entry a logical page."""

from hw_models.flash.ftl import map_at
from hw_models.flash.state import (
    NONE,
    SLOT_DIRTY,
    SLOT_FILLED,
    SLOT_LPN,
    SLOT_NEXT,
    SLOT_PREV,
    SLOT_WORDS,
)
from hw_models.jit import njit


@njit
def slot_at(state, slot):
    return state["at_slot"] + SLOT_WORDS * slot


@njit
def slot_of(state, memory, lpn):
    """Return the slot of logical page ``lpn``, NONE if it is not in the cache."""
    return memory[map_at(state, memory, lpn) + 1] - 1


@njit
def detach(state, memory, slot):
    at = slot_at(state, slot)
    before, after = memory[at + SLOT_PREV], memory[at + SLOT_NEXT]
    if before == NONE:
        state["slot_first"] = after
    else:
        memory[slot_at(state, before) + SLOT_NEXT] = after
    if after == NONE:
        state["slot_last"] = before
    else:
        memory[slot_at(state, after) + SLOT_PREV] = before


@njit
def attach_first(state, memory, slot):
    at = slot_at(state, slot)
    memory[at + SLOT_PREV] = NONE
    memory[at + SLOT_NEXT] = state["slot_first"]
    if state["slot_first"] == NONE:
        state["slot_last"] = slot
    else:
        memory[slot_at(state, state["slot_first"]) + SLOT_PREV] = slot
    state["slot_first"] = slot


@njit
def touch(state, memory, slot):
    """Make ``slot`` the most recently used."""
    if state["slot_first"] != slot:
        detach(state, memory, slot)
        attach_first(state, memory, slot)


@njit
def reserve(state, memory, lpn):
    """Give ``lpn`` a slot, still to be filled. Return the logical page of a dirty entry lost, else NONE.

    Where entries that are awaited hold all slots, it gets none: its entry is used once.
    """
    evicted = NONE
    if state["slots_used"] < state["map_slots"]:
        slot = state["slots_used"]
        state["slots_used"] += 1
    else:
        slot = state["slot_last"]
        while slot != NONE and memory[slot_at(state, slot) + SLOT_FILLED] == 0:
            slot = memory[slot_at(state, slot) + SLOT_PREV]
        if slot == NONE:
            return evicted
        at = slot_at(state, slot)
        old = memory[at + SLOT_LPN]
        memory[map_at(state, memory, old) + 1] = 0
        if memory[at + SLOT_DIRTY] == 1:
            evicted = old
        detach(state, memory, slot)
    at = slot_at(state, slot)
    memory[at + SLOT_LPN] = lpn
    memory[at + SLOT_FILLED] = 0
    memory[at + SLOT_DIRTY] = 0
    memory[map_at(state, memory, lpn) + 1] = slot + 1
    attach_first(state, memory, slot)
    return evicted


@njit
def mark_dirty(state, memory, lpn):
    """The entry of ``lpn`` has changed, if it is in the cache."""
    slot = slot_of(state, memory, lpn)
    if slot != NONE:
        memory[slot_at(state, slot) + SLOT_DIRTY] = 1
