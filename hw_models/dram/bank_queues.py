"""Command queues per bank, served in turn: the controller of DRAMsim3.

A request first stands in line, reads and writes apart, until there is room in its bank's queue (`lines.py`).
Commands come from the command queues in turn: from each, the first entry whose next command may be sent.
"""

import numpy as np

from hw_models.dram.candidates import OPENER
from hw_models.dram.names import Command
from hw_models.dram.state import BANKS, GATES, GROUPS, TO_ACT, TO_ANY, TO_READ
from hw_models.jit import inlined, njit
from hw_models.port import NEVER

READ = int(Command.READ)
ACTIVATE = int(Command.ACTIVATE)
PRECHARGE = int(Command.PRECHARGE)
REFRESH = int(Command.REFRESH)
WAKE = int(Command.WAKE)
FIRST = -(2**61)
MAINTENANCE = -(2**59)
ORDER = 2**40
LATE = 2**53  # a queue that sends nothing before it changes
PLACES = GROUPS * GATES  # of a group and of the kind that all first commands of a queue are
HITS = 4  # accesses to a row after which it may be closed in spite of further hits (command_queue.cc)


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
def propose_bank(state, b, turn):
    """Compare the first possible command of bank ``b``'s queue with the choice so far; ``turn``: its key."""
    entries = state["entries"]
    bank = state["banks"][b]
    if bank["active"] >= 0 or (state["owed"] > 0 and state["rank"][bank["rank"]]["owed"] > 0):
        state["soonest"][b] = LATE * PLACES
        return
    first = bank["head"][0]
    if first < 0 or (bank["head"][1] >= 0 and entries[bank["head"][1]]["order"] < entries[first]["order"]):
        first = bank["head"][1]
    soonest, gate = np.int64(LATE), TO_ANY
    if first >= 0 and bank["open"] < 0:
        soonest, gate = max(bank["act"], state["group"][bank["group"]]["earliest"][TO_ACT]), TO_ACT
        propose(state, soonest, turn, ACTIVATE, first, b)
    elif first >= 0:
        for w in range(2):
            e = bank["hit"][w]
            if e >= 0:
                time = max(bank["column"][w], state["group"][bank["group"]]["earliest"][TO_READ + w])
                gate = TO_READ + w if soonest == LATE else TO_ANY
                soonest = min(soonest, time)
                after = entries[e]["order"] - entries[first]["order"]
                propose(state, time, turn + 1 + after, READ + w, e, b)
        if entries[first]["row"] != bank["open"]:
            if (bank["hit"][0] < 0 and bank["hit"][1] < 0) or bank["hits"] >= HITS:
                soonest, gate = min(soonest, bank["pre"]), TO_ANY
                propose(state, bank["pre"], turn, PRECHARGE, first, b)
    state["soonest"][b] = soonest * PLACES + bank["group"] * GATES + gate


@inlined
def soonest_queue(state):
    """Return a bank that no command queue can send before, and from when on: cycle * BANKS + turns to it.

    It is looked for among what was found last, for times only grow, but for a bank whose queue or row has
    changed (`queues.py`), and among those of its group if its commands are all of one kind.
    """
    turn = state["turn"] + 1
    start = state["next"]
    best = LATE * BANKS
    for k in range(state["busy_count"]):
        b = np.int64(state["busy_banks"][k])
        soonest = state["soonest"][b]
        place = soonest & PLACES - 1
        gate = state["group"][place // GATES]["earliest"][place & GATES - 1]
        time = max(max(soonest // PLACES, start), gate)
        best = min(best, time * BANKS + (b - turn & BANKS - 1))
    return best


@inlined
def propose_queues(state):
    """Look at command queues, the soonest first, until no other can be before the choice."""
    if state["busy_count"] == 1:
        propose_bank(state, state["busy_banks"][0], 0)
        return
    last = state["turn"]
    if state["soonest"][last] == 0 and state["banks"][last]["count"] > 0:
        propose_bank(state, last, distance(state, last) * ORDER)
    found = state["busy_count"] == 0
    while not found:
        best = soonest_queue(state)
        time = best // BANKS
        if time > state["chosen_time"]:
            return
        b = best + state["turn"] + 1 & BANKS - 1
        key = distance(state, b) * ORDER
        if time == state["chosen_time"] and key > state["chosen_key"]:
            return
        propose_bank(state, b, key)
        found = state["soonest"][b] // PLACES <= time


@njit
def propose_opener(state, b):
    """The entry that opened the row of bank ``b`` is served before its queue goes on (`reserve_rows`)."""
    bank = state["banks"][b]
    w = state["entries"][bank["active"]]["write"]
    time = max(bank["column"][w], state["group"][bank["group"]]["earliest"][TO_READ + w])
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
    state["chosen_time"] = limit_of(state) + 1  # what comes later need not be looked at
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
    propose_queues(state)
    limit_choice(state)


@inlined
def limit_of(state):
    """Return the cycle of the next move or of the next refresh that falls due."""
    limit = state["due"]
    if state["moving"] == 1:
        limit = min(limit, state["next"] if state["moved_at"] < state["next"] else state["next"] + 1)
    return limit


@njit
def limit_choice(state):
    """A move or a refresh that falls due comes before a later command."""
    limit = limit_of(state)
    if limit < state["chosen_time"] or (limit == state["chosen_time"] and state["moved_at"] < limit):
        state["chosen_time"] = limit
        state["chosen_key"] = FIRST
        state["chosen"] = WAKE
