"""Which command comes next, and when: the whole policy of the controller.

A controller that ticks would ask at every cycle "which command is ready now?". Instead `choose` asks
"which command is ready first?" over the same candidates: the answer (cycle, command) stays right until
something changes. Candidates are compared by cycle, then by key: the policy's class, then age.
"""

from hw_models.dram.candidates import (
    ACT,
    COLUMN,
    IN_TURN,
    OPENER,
    PRE,
    earliest,
    opener_of,
    request_of,
    soonest_of,
)
from hw_models.dram.maintenance import choose_power, choose_refresh, choose_timeouts, held_back
from hw_models.dram.names import Command, Page, Protect, Scheduler
from hw_models.dram.state import STALE, TO_ACT, TO_READ
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
    if bank["hits"] < state["hit_cap"] or opener_of(state, bank) >= 0:
        return False
    for w in range(2):
        miss = bank["miss"][w]
        if miss >= 0 and state["scanned"] >> w & 1 and state["entries"][miss]["order"] < order:
            return True
    return False


@njit
def may_precharge(state, bank, order):
    """Return whether the entry of age ``order`` may close the row of ``bank``."""
    if opener_of(state, bank) >= 0:
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
        time = max(bank["act"], state["group"][bank["group"]]["earliest"][TO_ACT])
        command = ACTIVATE
    elif bank["open"] == entry["row"]:
        if state["hit_cap"] > 0 and capped(state, bank, entry["order"]):
            return
        time = max(bank["column"][w], state["group"][bank["group"]]["earliest"][TO_READ + w])
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
    for kind in range(ACT, PRE + 1 if state["simple"] == 1 else COLUMN):
        for k in range(state["asking"][w, kind]):
            b = state["asking_banks"][w, kind, k]
            bank = state["banks"][b]
            if (state["owed"] > 0 or state["down"] > 0) and held_back(state, b):
                continue
            if state["simple"] == 1 or bank["open"] < 0:
                consider(state, request_of(bank, w, kind))
                continue
            if bank["hit"][w] >= 0:
                consider(state, bank["hit"][w])
            if bank["miss"][w] >= 0 and opener_of(state, bank) < 0:
                consider(state, bank["miss"][w])


@inlined
def goes_before(state, w, kind, time, key):
    """Return whether the first command of ``kind`` is before one of cycle ``time`` and ``key``."""
    first = soonest_of(state, w, kind)
    return first < time or (first == time and state["first_order"][w, kind] < key)


@inlined
def choose_simply(state):
    """Do as `choose_by_rules` for plain FR-FCFS with no refresh owed: any PRE may be sent, no cap."""
    orders = state["first_order"]
    w, kind = 0, OPENER
    time = soonest_of(state, 0, OPENER)
    if goes_before(state, 1, OPENER, time, orders[0, OPENER]):
        w, time = 1, state["first_time"][1, OPENER]
    key = RESERVED + orders[w, OPENER]
    if time > state["next"]:
        show_queues(state)
        for v in range(2):
            if state["scanned"] >> v & 1 and state["size"][v] > 0:
                if goes_before(state, v, ACT, time, key):
                    w, kind, time, key = v, ACT, state["first_time"][v, ACT], orders[v, ACT]
                if goes_before(state, v, COLUMN, time, key):
                    w, kind, time, key = v, COLUMN, state["first_time"][v, COLUMN], orders[v, COLUMN]
                if goes_before(state, v, PRE, time, key):
                    w, kind, time, key = v, PRE, state["first_time"][v, PRE], orders[v, PRE]
    if time < NEVER:
        b = state["first"][w, kind]
        state["chosen_time"] = time
        state["chosen_key"] = key
        state["chosen"] = ACTIVATE if kind == ACT else PRECHARGE if kind == PRE else READ + w
        state["chosen_entry"] = request_of(state["banks"][b], w, kind)
        state["chosen_bank"] = b


@inlined
def show_nothing(state):
    """No request has been looked at."""
    state["scanned"] = 0
    if state["unified"] == 0:
        state["writing_next"] = state["writing"]


@inlined
def show_queues(state):
    """Let requests of the current mode be looked at: reads or writes, or both where they share a queue."""
    if state["unified"] == 1:
        state["scanned"] = 3
    else:
        state["writing_next"] = next_mode(state, state["writing"])
        state["scanned"] = 1 << state["writing_next"]


@inlined
def offer_opener(state, w):
    """Compare the first RD or WR of an opener of a row with the choice so far: before everything else."""
    asked = state["asking"][w, OPENER] > 0
    if asked and goes_before(state, w, OPENER, state["chosen_time"], state["chosen_key"] - RESERVED):
        b = state["first"][w, OPENER]
        state["chosen_time"] = state["first_time"][w, OPENER]
        state["chosen_key"] = RESERVED + state["first_order"][w, OPENER]
        state["chosen"] = READ + w
        state["chosen_entry"] = state["banks"][b]["active"]
        state["chosen_bank"] = b


@njit
def choose_request(state):
    """Look at the requests of the current mode, at each bank's oldest hit and miss or at every entry."""
    show_queues(state)
    if state["scheduler"] == BLISS and state["next"] >= state["clear_at"]:
        state["blacklist"] = 0
        state["clear_at"] += state["bliss_clear"] * (
            (state["next"] - state["clear_at"]) // state["bliss_clear"] + 1
        )
    if state["plain"] == 1:
        choose_by_age(state)
        return
    for w in range(2):
        if state["scanned"] >> w & 1 and state["size"][w] > 0:
            choose_oldest(state, w)


@njit
def choose_by_rules(state):
    """Look for the next command whatever the policy, and whatever the state of the ranks."""
    if state["reserve"] == 1:
        for w in range(2):
            offer_opener(state, w)
    if state["owed"] > 0:
        choose_refresh(state)
    if state["down_after"] > 0:
        choose_power(state)
    if state["chosen_time"] > state["next"] and (state["owed"] == 0 or state["refresh_stops_all"] == 0):
        choose_request(state)
    clears = state["scheduler"] == BLISS and state["blacklist"] != 0 and state["clear_at"] > state["next"]
    if clears and state["clear_at"] < state["chosen_time"]:
        state["chosen_time"] = state["clear_at"]
        state["chosen_key"] = FIRST
        state["chosen"] = WAKE


@inlined
def is_calm(state):
    """Return whether no refresh is owed, and no state of a rank or a master changes by itself."""
    return state["owed"] == 0 and state["down_after"] == 0 and state["scheduler"] != BLISS


@inlined
def is_only(state):
    """Return whether one entry is left, and nothing but a refresh can come before its next command."""
    plans = state["plain"] == 0 and state["scheduler"] != IN_TURN
    return state["pending"] == 1 and plans and is_calm(state)


@inlined
def time_of_only(state, e, b, kind):
    """Look at the queues for the only entry, ``e`` of bank ``b``. Returns the cycle of its next command."""
    bank = state["banks"][b]
    time = max(earliest(state, bank, state["entries"][e]["write"], kind), state["next"])
    show_nothing(state)
    if opener_of(state, bank) != e or time > state["next"]:
        show_queues(state)
    return time


@inlined
def keep_choice(state, e, b, command, time):
    """Entry ``e`` of bank ``b``, the only one, sends ``command`` next."""
    entry = state["entries"][e]
    of_class = rank_of(state, entry, command) * CLASS
    opens = opener_of(state, state["banks"][b]) == e
    state["chosen_time"] = time
    state["chosen_key"] = entry["order"] + (RESERVED if opens else of_class)
    state["chosen"] = command
    state["chosen_entry"] = e
    state["chosen_bank"] = b
    heed_time(state)


@inlined
def choose_only(state, e):
    """Do as `choose` for entry ``e``, the only one: no other keeps it from its next command."""
    entry = state["entries"][e]
    b = entry["bank"]
    row = state["banks"][b]["open"]
    kind, command = PRE, PRECHARGE
    if row < 0:
        kind, command = ACT, ACTIVATE
    elif row == entry["row"]:
        kind, command = COLUMN, READ + entry["write"]
    keep_choice(state, e, b, command, time_of_only(state, e, b, kind))


@inlined
def goes_on(state, e, b, kind, command, until):
    """Return when entry ``e``, the only one, sends its next command. After ``until`` that is the choice."""
    time = time_of_only(state, e, b, kind)
    if time > until or time >= state["due"]:
        keep_choice(state, e, b, command, time)
        return NEVER
    return time


@inlined
def choose_nothing(state):
    """Do as `choose` where no entry is left, in calm times."""
    state["chosen_time"] = NEVER
    state["chosen_key"] = NEVER
    state["chosen"] = NONE
    show_queues(state)
    heed_time(state)


@inlined
def heed_time(state):
    """Compare what the choice is without with rows unused for long and with what falls due."""
    if state["page"] > CLOSED_PAGE and state["scanned"] > 0:
        choose_timeouts(state)
    if state["due"] <= state["chosen_time"]:
        state["chosen_time"] = max(state["due"], state["next"])
        state["chosen_key"] = FIRST
        state["chosen"] = WAKE


@njit
def choose(state):
    """Find the next command, from cycle ``state["next"]`` on."""
    if state["pending"] == 0 and is_calm(state):
        choose_nothing(state)
        return
    state["chosen_time"] = NEVER
    state["chosen_key"] = NEVER
    state["chosen"] = NONE
    show_nothing(state)
    if state["simple"] == 1 and state["owed"] == 0:
        choose_simply(state)
    else:
        choose_by_rules(state)
    heed_time(state)


@njit
def choose_again(state, e):
    """Entry ``e`` has just been queued: correct the choice, or mark it stale."""
    if is_only(state):
        choose_only(state, e)
        return
    if state["down_after"] > 0:
        state["chosen_time"] = STALE
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
            state["chosen_time"] = STALE
            return
    if state["page"] > CLOSED_PAGE:  # whichever queue it is in, a row that it hits is not closed for idling
        state["chosen_time"] = STALE
        return
    if state["scanned"] >> w & 1 == 0:
        return
    if state["plain"] == 1 or state["owed"] > 0:
        state["chosen_time"] = STALE
        return
    bank = state["banks"][entry["bank"]]
    if bank["open"] < 0:
        if bank["head"][w] == e:
            consider(state, e)
    elif bank["hit"][w] == e or bank["miss"][w] == e:
        closes = state["chosen"] == PRECHARGE and state["chosen_bank"] == entry["bank"]
        if state["hit_cap"] > 0 or (state["guard"] != NO_GUARD and closes):
            state["chosen_time"] = STALE
        else:
            consider(state, e)
