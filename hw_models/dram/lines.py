"""How requests come to the command queues of DRAMsim3: lines of reads and of writes, and who leaves them.

Each cycle at most one request moves from its line to the command queue of its bank, the oldest that finds
room; writes only while draining.
"""

import numpy as np

from hw_models.dram.bank_queues import limit_choice
from hw_models.dram.candidates import LINE, ask, stop_asking
from hw_models.dram.names import WriteResponse
from hw_models.dram.queues import enqueue, may_be_queued, note_place
from hw_models.dram.state import STALE
from hw_models.dram.waits import note_entry
from hw_models.jit import inlined, njit
from hw_models.port import NEVER

ACCEPTED = WriteResponse.ACCEPTED.code
DRAIN = 8  # more writes than this are drained when the command queues are empty (README of the reference)


@njit
def stand_in_line(state, e):
    """Entry ``e`` waits for room in its bank's command queue."""
    entry = state["entries"][e]
    w = entry["write"]
    b = entry["bank"]
    entry["next"] = -1
    entry["twin"] = -1
    if state["in_line"][w, b] >= 0:
        state["entries"][state["last_in_line"][w, b]]["next"] = e
    else:
        state["in_line"][w, b] = e
        if state["banks"][b]["count"] < state["bank_capacity"]:
            ask(state, w, LINE, b)
    state["last_in_line"][w, b] = e
    state["line_size"][w] += 1


@inlined
def leave_line(state, w, b):
    """The oldest entry in line for bank ``b`` leaves the line."""
    after = state["entries"][state["in_line"][w, b]]["next"]
    state["in_line"][w, b] = after
    state["line_size"][w] -= 1
    if after < 0:
        stop_asking(state, w, LINE, b)


@inlined
def oldest_that_fits(state, w):
    """Return the bank of the oldest entry in line whose command queue has room, -1 when there is none."""
    best, first = NEVER, np.int64(-1)
    for k in range(state["asking"][w, LINE]):
        b = state["asking_banks"][w, LINE, k]
        order = state["entries"][state["in_line"][w, b]]["order"]
        if order < best:
            best, first = order, np.int64(b)
    return first


@njit
def find_queued(state, w, b, address):
    """Return the entry of direction ``w`` for ``address``, in line or in a command queue, or -1."""
    entries = state["entries"]
    k = state["banks"][b]["head"][w]
    while k >= 0 and entries[k]["address"] != address:
        k = entries[k]["next"]
    if k < 0:
        k = state["in_line"][w, b]
        while k >= 0 and entries[k]["address"] != address:
            k = entries[k]["next"]
    return k


@njit
def line_up(state, e):
    """Put entry ``e`` in line, or beside a read of the same burst that is already queued."""
    entry = state["entries"][e]
    if entry["write"] == 0 and state["merge"] == 1:
        same = -1
        if may_be_queued(state, 0, entry["address"]):
            same = find_queued(state, 0, entry["bank"], entry["address"])
        if same >= 0:
            entry["twin"] = state["entries"][same]["twin"]
            state["entries"][same]["twin"] = e
            state["merged"] += 1
            return
    if state["masters"] > 0:
        note_entry(state, e)
    note_place(state, e, 1)
    stand_in_line(state, e)
    state["moving"] = 1
    if state["chosen_time"] != STALE:
        limit_choice(state)


@njit
def in_line_before(state, entry):
    """Return whether a read of the address of write ``entry`` stands in line and is older."""
    k = state["in_line"][0, entry["bank"]]
    while k >= 0 and state["entries"][k]["order"] < entry["order"]:
        if state["entries"][k]["address"] == entry["address"]:
            return True
        k = state["entries"][k]["next"]
    return False


@njit
def make_room(state):
    """A write of several bursts finds too little room in a line that is not full: that is drained."""
    if state["draining"] <= 0 and state["line_size"][1] < state["capacity"][1]:
        state["draining"] = state["line_size"][1]
        state["moving"] = 1
        if state["chosen_time"] != STALE:
            limit_choice(state)


@njit
def starts_to_drain(state):
    """Return whether writes move next: their line is full, or nothing else waits and they are enough.

    They are enough when there are more than DRAIN, or, where somebody waits for their answers, any.
    """
    waiting = state["line_size"][1]
    if waiting >= state["capacity"][1]:
        return True
    if state["size"][0] + state["size"][1] > 0:
        return False
    return waiting > DRAIN or (state["write_answer"] != ACCEPTED and state["line_size"][0] == 0)


@njit
def enter_queue(state, b):
    """The command queue of bank ``b`` has an entry more. Those that are not empty have turns, by number."""
    bank = state["banks"][b]
    bank["count"] += 1
    if bank["count"] == state["bank_capacity"]:
        for w in range(2):
            stop_asking(state, w, LINE, b)
    if bank["count"] == 1:
        busy = state["busy_banks"]
        k = state["busy_count"]
        while k > 0 and busy[k - 1] > b:
            busy[k] = busy[k - 1]
            k -= 1
        busy[k] = b
        state["busy_count"] += 1


@njit
def leave_queue(state, b):
    """The command queue of bank ``b`` has an entry less."""
    bank = state["banks"][b]
    if bank["count"] == state["bank_capacity"]:
        for w in range(2):
            if state["in_line"][w, b] >= 0:
                ask(state, w, LINE, b)
    bank["count"] -= 1
    if bank["count"] == 0:
        busy = state["busy_banks"]
        state["busy_count"] -= 1
        k = state["busy_count"]
        moved = busy[k]
        while moved != b:
            k -= 1
            above = moved
            moved = busy[k]
            busy[k] = above


@njit
def move_one(state):
    """Move the oldest entry that finds room into its bank's command queue."""
    if state["draining"] < 0:
        state["draining"] = 0
    elif state["draining"] == 0 and starts_to_drain(state):
        state["draining"] = state["line_size"][1]
    w = 1 if state["draining"] > 0 else 0
    b = oldest_that_fits(state, w)
    state["moving"] = 0
    if b < 0:
        return
    state["moving"] = 1
    e = state["in_line"][w, b]
    entry = state["entries"][e]
    if w == 1:
        read = may_be_queued(state, 0, entry["address"])
        if read and find_queued(state, 0, b, entry["address"]) >= 0:
            state["draining"] = -1 if in_line_before(state, entry) else 0
            return
        state["draining"] -= 1
    leave_line(state, w, b)
    entry["order"] = state["order"]  # the command queue goes by the order of the moves
    state["order"] += 1
    enqueue(state, e)
    enter_queue(state, b)
