"""Which command comes next, and when: the whole policy of the controller.

A controller that ticks would ask at every cycle "which command is ready now?". Instead `choose` asks
"which command is ready first?" over the same candidates: the answer (cycle, command) stays right until
something changes. Candidates are compared by cycle, then by key: the policy's class, then age.
"""

from hw_models.dram.candidates import ACT, COLUMN, OPENER, PRE, request_of, update_first
from hw_models.dram.maintenance import choose_power, choose_refresh, choose_timeouts, held_back
from hw_models.dram.names import Command, Page, Protect, Scheduler
from hw_models.jit import inlined, njit
from hw_models.port import NEVER

NONE = int(Command.NONE)
READ = int(Command.READ)
ACTIVATE = int(Command.ACTIVATE)
PRECHARGE = int(Command.PRECHARGE)
WAKE = int(Command.WAKE)
FCFS = Scheduler.FCFS.code
COLUMN_FIRST = Scheduler.COLUMN_FIRST.code
PRIORITY = Scheduler.PRIORITY.code
BLISS = Scheduler.BLISS.code
CLOSED_PAGE = Page.CLOSED.code
NO_GUARD, ALL_HITS = Protect.NONE.code, Protect.ALL_HITS.code

FIRST = -(2**61)  # keys: what falls due,
RESERVED = -(2**60)  # then openers of rows,
CLASS = 2**40  # then classes of the policy, by age within each,


@njit
def next_mode(state, writing):
    """Return whether the controller drains writes, one evaluation after mode ``writing``."""
    if writing == 0:
        return 1 if state["size"][1] > state["high"] or state["size"][0] == 0 else 0
    return 0 if state["size"][1] < state["low"] and state["size"][0] != 0 else 1


@njit
def capped(state, bank, order):
    """Return whether a hit of age ``order`` must let an older miss pass: the row has had its share."""
    if bank["hits"] < state["hit_cap"] or bank["active"] >= 0:
        return False
    for w in range(2):
        miss = bank["miss"][w]
        if miss >= 0 and state["scanned"] >> w & 1 and state["entries"][miss]["order"] < order:
            return True
    return False


@njit
def may_precharge(state, bank, order):
    """Return whether the entry of age ``order`` may close the row of ``bank``."""
    if bank["active"] >= 0:
        return False
    if state["guard"] == NO_GUARD:
        return True
    spent = state["hit_cap"] > 0 and bank["hits"] >= state["hit_cap"]
    for w in range(2):
        hit = bank["hit"][w]
        if hit >= 0 and state["scanned"] >> w & 1:
            if state["entries"][hit]["order"] < order or (state["guard"] == ALL_HITS and not spent):
                return False
    return True


@njit
def rank_of(state, entry, command):
    """Return the policy's class of an entry: smaller is served first."""
    kind = state["scheduler"]
    if kind == COLUMN_FIRST:
        return 0 if command <= READ + 1 else 1
    if kind == PRIORITY:
        return state["priority"][entry["master"]]
    if kind == BLISS:
        return state["blacklist"] >> entry["master"] & 1
    return 0


@njit
def consider(state, e):
    """Compare the next command of queued entry ``e`` with the choice so far."""
    entry = state["entries"][e]
    b = entry["bank"]
    bank = state["banks"][b]
    w = entry["write"]
    if bank["open"] < 0:
        time = max(bank["act"], state["group"][bank["group"]]["act"])
        command = ACTIVATE
    elif bank["open"] == entry["row"]:
        if state["hit_cap"] > 0 and capped(state, bank, entry["order"]):
            return
        time = max(bank["column"][w], state["group"][bank["group"]]["column"][w])
        command = READ + w
    else:
        if not may_precharge(state, bank, entry["order"]):
            return
        time = max(bank["pre"], state["group"][bank["group"]]["pre"])
        command = PRECHARGE
    if time < state["next"]:
        time = state["next"]
    if time > state["chosen_time"]:
        return
    key = entry["order"] + rank_of(state, entry, command) * CLASS
    if time < state["chosen_time"] or key < state["chosen_key"]:
        state["chosen_time"] = time
        state["chosen_key"] = key
        state["chosen"] = command
        state["chosen_entry"] = e
        state["chosen_bank"] = b


@inlined
def choose_by_age(state):
    """Look at every entry that the window shows, oldest first."""
    left = 1 if state["scheduler"] == FCFS else state["window"]
    e = state["oldest"]
    while e >= 0 and left > 0:
        entry = state["entries"][e]
        if state["scanned"] >> entry["write"] & 1:
            left -= 1
            if (state["owed"] == 0 and state["down"] == 0) or not held_back(state, entry["bank"]):
                consider(state, e)
        e = entry["younger"]


@njit
def choose_oldest(state, w):
    """Look at the oldest hit and miss of each bank: no younger entry of a bank can win over them."""
    for kind in range(ACT, PRE + 1):
        for k in range(state["asking"][w, kind]):
            b = state["asking_banks"][w, kind, k]
            if (state["owed"] == 0 and state["down"] == 0) or not held_back(state, b):
                consider(state, request_of(state["banks"][b], w, kind))


@inlined
def offer_first(state, w, kind, key, command):
    """Compare the first command of ``kind`` with the choice so far; ``key``: of its class."""
    if state["asking"][w, kind] == 0:
        return
    update_first(state, w, kind)
    time = state["first_time"][w, kind]
    if time > state["chosen_time"]:
        return
    key += state["first_order"][w, kind]
    if time < state["chosen_time"] or key < state["chosen_key"]:
        b = state["first"][w, kind]
        state["chosen_time"] = time
        state["chosen_key"] = key
        state["chosen"] = command
        state["chosen_entry"] = request_of(state["banks"][b], w, kind)
        state["chosen_bank"] = b


@njit
def choose_simply(state, w):
    """Do as `choose_oldest` for plain FR-FCFS: any PRE may be sent, no cap, no refresh owed."""
    offer_first(state, w, ACT, 0, ACTIVATE)
    offer_first(state, w, COLUMN, 0, READ + w)
    offer_first(state, w, PRE, 0, PRECHARGE)


@njit
def choose_request(state):
    """Look at the requests of the current mode: reads or writes, or both where they share a queue."""
    if state["unified"] == 1:
        state["scanned"] = 3
    else:
        state["writing_next"] = next_mode(state, state["writing"])
        state["scanned"] = 1 << state["writing_next"]
    if state["scheduler"] == BLISS and state["next"] >= state["clear_at"]:
        state["blacklist"] = 0
        state["clear_at"] += state["bliss_clear"] * (
            (state["next"] - state["clear_at"]) // state["bliss_clear"] + 1
        )
    if state["plain"] == 1:
        choose_by_age(state)
        return
    simple = state["simple"] == 1 and state["owed"] == 0
    for w in range(2):
        if state["scanned"] >> w & 1 and state["size"][w] > 0:
            if simple:
                choose_simply(state, w)
            else:
                choose_oldest(state, w)


@njit
def choose(state):
    """Find the next command, from cycle ``state["next"]`` on."""
    state["stale"] = 0
    state["chosen_time"] = NEVER
    state["chosen_key"] = NEVER
    state["chosen"] = NONE
    state["writing_next"] = state["writing"]
    state["scanned"] = 0
    for w in range(2):
        offer_first(state, w, OPENER, RESERVED, READ + w)  # before everything else
    if state["owed"] > 0:
        choose_refresh(state)
    if state["down_after"] > 0:
        choose_power(state)
    if state["chosen_time"] > state["next"] and (state["owed"] == 0 or state["refresh_stops_all"] == 0):
        choose_request(state)
        if state["page"] > CLOSED_PAGE:
            choose_timeouts(state)
    if state["due"] <= state["chosen_time"]:
        state["chosen_time"] = max(state["due"], state["next"])
        state["chosen_key"] = FIRST
        state["chosen"] = WAKE
    clears = state["scheduler"] == BLISS and state["blacklist"] != 0 and state["clear_at"] > state["next"]
    if clears and state["clear_at"] < state["chosen_time"]:
        state["chosen_time"] = state["clear_at"]
        state["chosen_key"] = FIRST
        state["chosen"] = WAKE


@njit
def choose_again(state, e):
    """Entry ``e`` has just been queued: correct the choice, or mark it stale."""
    if state["down_after"] > 0:
        state["stale"] = 1
        return
    if state["owed"] > 0 and state["refresh_stops_all"] == 1:
        return
    if state["scanned"] == 0:
        return  # an opener goes first in the next cycle; the mode is not looked at
    entry = state["entries"][e]
    w = entry["write"]
    if state["unified"] == 0:
        mode = next_mode(state, state["writing"])
        if mode != state["writing_next"]:
            state["stale"] = 1
            return
    if state["page"] > CLOSED_PAGE:  # whichever queue it is in, a row that it hits is not closed for idling
        state["stale"] = 1
        return
    if state["scanned"] >> w & 1 == 0:
        return
    if state["plain"] == 1 or state["owed"] > 0:
        state["stale"] = 1
        return
    bank = state["banks"][entry["bank"]]
    if bank["open"] < 0:
        if bank["head"][w] == e:
            consider(state, e)
    elif bank["hit"][w] == e or bank["miss"][w] == e:
        if state["guard"] != NO_GUARD or state["hit_cap"] > 0:
            state["stale"] = 1
        else:
            consider(state, e)
