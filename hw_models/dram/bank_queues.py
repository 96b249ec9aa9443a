"""Command queues per bank, served in turn: the controller of DRAMsim3.

A request first stands in line, reads and writes apart. Each cycle at most one moves from its line to the
command queue of its bank, the oldest that finds room; writes only while draining. Commands come from the
command queues in turn: from each, the first entry whose next command may be sent.
"""

from hw_models.dram.candidates import ACT, COLUMN, OPENER, PRE, earliest, request_of
from hw_models.dram.names import Command, WriteResponse
from hw_models.dram.queues import enqueue, may_be_queued
from hw_models.jit import inlined, njit
from hw_models.port import NEVER

READ = int(Command.READ)
ACTIVATE = int(Command.ACTIVATE)
PRECHARGE = int(Command.PRECHARGE)
REFRESH = int(Command.REFRESH)
WAKE = int(Command.WAKE)
ACCEPTED = WriteResponse.ACCEPTED.code
FIRST = -(2**61)
MAINTENANCE = -(2**59)
ORDER = 2**40
HITS = 4  # accesses to a row after which it may be closed in spite of further hits (command_queue.cc)
DRAIN = 8  # more writes than this are drained when the command queues are empty (README of the reference)


@njit
def stand_in_line(state, e):
    """Entry ``e`` waits for room in its bank's command queue."""
    entry = state["entries"][e]
    w = entry["write"]
    tail = state["line_tail"][w]
    entry["next"] = -1
    entry["previous"] = tail
    entry["twin"] = -1
    if tail >= 0:
        state["entries"][tail]["next"] = e
    else:
        state["line_head"][w] = e
    state["line_tail"][w] = e
    state["line_size"][w] += 1


@njit
def leave_line(state, e):
    entry = state["entries"][e]
    w = entry["write"]
    if entry["previous"] >= 0:
        state["entries"][entry["previous"]]["next"] = entry["next"]
    else:
        state["line_head"][w] = entry["next"]
    if entry["next"] >= 0:
        state["entries"][entry["next"]]["previous"] = entry["previous"]
    else:
        state["line_tail"][w] = entry["previous"]
    state["line_size"][w] -= 1


@njit
def find_queued(state, w, b, address):
    """Return the entry of direction ``w`` for ``address``, in line or in a command queue, or -1."""
    entries = state["entries"]
    k = state["banks"][b]["head"][w]
    while k >= 0 and entries[k]["address"] != address:
        k = entries[k]["next"]
    if k < 0:
        k = state["line_head"][w]
        while k >= 0 and entries[k]["address"] != address:
            k = entries[k]["next"]
    return k


@njit
def in_line_before(state, entry):
    """Return whether a read of the address of write ``entry`` stands in line and is older."""
    k = state["line_head"][0]
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
        if state["stale"] == 0:
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
def move_one(state):
    """Move the oldest entry that finds room into its bank's command queue."""
    if state["draining"] < 0:
        state["draining"] = 0
    elif state["draining"] == 0 and starts_to_drain(state):
        state["draining"] = state["line_size"][1]
    w = 1 if state["draining"] > 0 else 0
    e = state["line_head"][w]
    state["moving"] = 0
    while e >= 0:
        entry = state["entries"][e]
        bank = state["banks"][entry["bank"]]
        if bank["count"] < state["bank_capacity"]:
            state["moving"] = 1
            if w == 1:
                read = may_be_queued(state, 0, entry["address"])
                if read and find_queued(state, 0, entry["bank"], entry["address"]) >= 0:
                    state["draining"] = -1 if in_line_before(state, entry) else 0
                    return
                state["draining"] -= 1
            leave_line(state, e)
            entry["order"] = state["order"]  # the command queue goes by the order of the moves
            state["order"] += 1
            enqueue(state, e)
            bank["count"] += 1
            return
        e = entry["next"]


@inlined
def propose(state, time, key, command, e, b):
    if time < state["next"]:
        time = state["next"]
    if time < state["chosen_time"] or (time == state["chosen_time"] and key < state["chosen_key"]):
        state["chosen_time"] = time
        state["chosen_key"] = key
        state["chosen"] = command
        state["chosen_entry"] = e
        state["chosen_bank"] = b


@inlined
def distance(state, b):
    """Return how many banks have their turn before bank ``b``."""
    ahead = b - state["turn"] - 1
    return ahead if ahead >= 0 else ahead + state["bank_count"]


@inlined
def propose_bank(state, b, w, kind, time):
    """Compare the command of ``kind`` that bank ``b`` may send from ``time`` on with the choice so far."""
    entries = state["entries"]
    bank = state["banks"][b]
    turn = distance(state, b) * ORDER
    first = bank["head"][0]
    if first < 0 or (bank["head"][1] >= 0 and entries[bank["head"][1]]["order"] < entries[first]["order"]):
        first = bank["head"][1]
    if kind == COLUMN:
        e = bank["hit"][w]
        propose(state, time, turn + 1 + entries[e]["order"] - entries[first]["order"], READ + w, e, b)
    elif request_of(bank, w, kind) != first:
        return  # the other direction's turn, or a hit's
    elif kind == ACT:
        propose(state, time, turn, ACTIVATE, first, b)
    elif (bank["hit"][0] < 0 and bank["hit"][1] < 0) or bank["hits"] >= HITS:
        propose(state, time, turn, PRECHARGE, first, b)


@inlined
def propose_kind(state, w, kind):
    """Look at all banks that ask for a command of ``kind``, if one may send it by the time chosen so far.

    Remembers the bank whose time comes first: until another begins to ask, none is earlier.
    """
    if state["asking"][w, kind] == 0:
        return
    if state["first"][w, kind] >= 0 and state["first_time"][w, kind] > state["chosen_time"]:
        return
    soonest = NEVER
    found = 0
    for k in range(state["asking"][w, kind]):
        b = state["asking_banks"][w, kind, k]
        bank = state["banks"][b]
        time = bank["pre"] if kind == PRE else earliest(state, bank, w, kind)
        if time < soonest:
            soonest = time
            found = b
        if time > state["chosen_time"] or bank["active"] >= 0:
            continue
        if state["owed"] == 0 or state["rank"][bank["rank"]]["owed"] == 0:
            propose_bank(state, b, w, kind, time)
    state["first"][w, kind] = found
    state["first_time"][w, kind] = soonest


@njit
def propose_opener(state, b):
    """The entry that opened the row of bank ``b`` is served before its queue goes on (`reserve_rows`)."""
    bank = state["banks"][b]
    w = state["entries"][bank["active"]]["write"]
    time = max(bank["column"][w], state["group"][bank["group"]]["column"][w])
    propose(state, time, distance(state, b) * ORDER, READ + w, bank["active"], b)


@njit
def propose_refresh(state, r):
    """Rank ``r`` owes a refresh: its open banks are closed one by one, each as soon as it may be."""
    rank = state["rank"][r]
    first = r * state["banks_per_rank"]
    if rank["open_banks"] == 0:
        propose(state, rank["refresh"], MAINTENANCE, REFRESH, -1, r)
        return
    for b in range(first, first + state["banks_per_rank"]):
        if state["banks"][b]["open"] >= 0 and state["banks"][b]["active"] < 0:
            propose(state, state["banks"][b]["pre"], MAINTENANCE + b, PRECHARGE, -1, b)


@njit
def choose_in_turn(state):
    """Find the next command or move, from cycle ``state["next"]`` on."""
    state["stale"] = 0
    state["chosen_time"] = NEVER
    state["chosen_key"] = NEVER
    state["chosen"] = WAKE
    if state["due"] <= state["next"]:
        state["chosen_time"] = state["next"]
        return
    if state["moving"] == 1 and state["moved_at"] < state["next"]:
        state["chosen_time"] = state["next"]
        return
    for r in range(state["ranks"]):
        if state["rank"][r]["owed"] > 0:
            propose_refresh(state, r)
    for w in range(2):
        for k in range(state["asking"][w, OPENER]):
            propose_opener(state, state["asking_banks"][w, OPENER, k])
        propose_kind(state, w, ACT)
        propose_kind(state, w, COLUMN)
        propose_kind(state, w, PRE)
    limit_choice(state)


@njit
def limit_choice(state):
    """A move or a refresh that falls due comes before a later command."""
    limit = state["due"]
    if state["moving"] == 1:
        limit = min(limit, state["next"] if state["moved_at"] < state["next"] else state["next"] + 1)
    if limit < state["chosen_time"] or (limit == state["chosen_time"] and state["moved_at"] < limit):
        state["chosen_time"] = limit
        state["chosen_key"] = FIRST
        state["chosen"] = WAKE
