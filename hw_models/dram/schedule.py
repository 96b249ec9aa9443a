"""Which command comes next, and when: the whole policy of the controller.

A controller that ticks would ask at every cycle "which command is ready now?". Instead `choose` asks
"which command is ready first?" over the same candidates: the answer (cycle, command) stays right until
something changes. Candidates are compared by cycle, then by key: the policy's class, then age.
"""

import numpy as np

from hw_models.dram.state import BANKS, Command, Field, Page, Refresh, Scheduler
from hw_models.jit import njit
from hw_models.port import NEVER

NONE = int(Command.NONE)
READ = int(Command.READ)
ACTIVATE = int(Command.ACTIVATE)
PRECHARGE = int(Command.PRECHARGE)
PRECHARGE_ALL = int(Command.PRECHARGE_ALL)
REFRESH = int(Command.REFRESH)
REFRESH_BANK = int(Command.REFRESH_BANK)
WAKE = int(Command.WAKE)
ENTER_POWER_DOWN = int(Command.ENTER_POWER_DOWN)
EXIT_POWER_DOWN = int(Command.EXIT_POWER_DOWN)
ENTER_SELF_REFRESH = int(Command.ENTER_SELF_REFRESH)
EXIT_SELF_REFRESH = int(Command.EXIT_SELF_REFRESH)
FCFS = int(Scheduler.FCFS)
COLUMN_FIRST = int(Scheduler.COLUMN_FIRST)
PRIORITY = int(Scheduler.PRIORITY)
BLISS = int(Scheduler.BLISS)
PER_BANK = int(Refresh.PER_BANK)
OPEN_PAGE = int(Page.OPEN)
CLOSED_PAGE = int(Page.CLOSED)
BANK_FIELD = int(Field.BANK)

FIRST = -(2**61)  # keys: what falls due,
RESERVED = -(2**60)  # then openers of rows,
MAINTENANCE = -(2**59)  # then refresh,
CLASS = 2**40  # then classes of the policy, by age within each,
LAST = 2**58  # and page timeouts when nothing else is ready


@njit
def next_mode(state, writing):
    """Return whether the controller drains writes, one evaluation after mode ``writing``."""
    if writing == 0:
        return 1 if state["size"][1] > state["high"] or state["size"][0] == 0 else 0
    return 0 if state["size"][1] < state["low"] and state["size"][0] != 0 else 1


@njit
def held_back(state, b):
    """Return whether bank ``b`` has to wait for a refresh that is owed, or for its rank to wake."""
    r = state["banks"][b]["rank"]
    rank = state["rank"][r]
    if rank["down"] > 0:
        return True
    if rank["owed"] == 0:
        return False
    if state["refresh_mode"] == PER_BANK:
        return b == r * state["banks_per_rank"] + rank["refresh_bank"]
    return True


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
    if state["guard"] == 0:
        return True
    spent = state["hit_cap"] > 0 and bank["hits"] >= state["hit_cap"]
    for w in range(2):
        hit = bank["hit"][w]
        if hit >= 0 and state["scanned"] >> w & 1:
            if state["entries"][hit]["order"] < order or (state["guard"] == 2 and not spent):
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
        state["chosen_active"] = 0


@njit
def choose_reserved(state):
    """The openers of rows come before everything else."""
    best = -1
    best_time = state["chosen_time"]
    best_order = NEVER
    for k in range(state["active_count"]):
        bank = state["banks"][state["active_banks"][k]]
        entry = state["entries"][bank["active"]]
        w = entry["write"]
        time = max(bank["column"][w], state["group"][bank["group"]]["column"][w], state["next"])
        if time < best_time or (time == best_time and entry["order"] < best_order):
            best = state["active_banks"][k]
            best_time = time
            best_order = entry["order"]
    if best >= 0:
        e = state["banks"][best]["active"]
        state["chosen_time"] = best_time
        state["chosen_key"] = best_order + RESERVED
        state["chosen"] = READ + state["entries"][e]["write"]
        state["chosen_entry"] = e
        state["chosen_bank"] = best
        state["chosen_active"] = 1


@njit
def offer(state, time, key, command, b):
    """Compare a command that belongs to no entry with the choice so far."""
    if time < state["next"]:
        time = state["next"]
    if time < state["chosen_time"] or (time == state["chosen_time"] and key < state["chosen_key"]):
        state["chosen_time"] = time
        state["chosen_key"] = key
        state["chosen"] = command
        state["chosen_entry"] = -1
        state["chosen_bank"] = b
        state["chosen_active"] = 0


@njit
def reserved(state, r):
    """Return whether some row of rank ``r`` belongs to its opener."""
    found = False
    for k in range(state["active_count"]):
        found = found or state["banks"][state["active_banks"][k]]["rank"] == r
    return found


@njit
def rows_closable(state, r):
    """Return from when on all open rows of rank ``r`` may be closed."""
    first = r * state["banks_per_rank"]
    ready = state["rank"][r]["closing"]
    for b in range(first, first + state["banks_per_rank"]):
        bank = state["banks"][b]
        if bank["open"] >= 0:
            ready = max(ready, bank["pre"], state["group"][bank["group"]]["pre"])
    return ready


@njit
def choose_refresh(state):
    """Ranks that owe a refresh: close their rows, then refresh. Openers are served before."""
    oldest = np.int64(NEVER)
    for r in range(state["ranks"]):
        rank = state["rank"][r]
        if rank["owed"] > 0 and rank["owed_since"] < oldest:
            oldest = rank["owed_since"]
    done = False
    for r in range(state["ranks"]):
        rank = state["rank"][r]
        if rank["owed"] == 0 or rank["down"] > 0 or done:
            continue
        if state["refresh_stops_all"] == 1:
            if rank["owed_since"] > oldest:
                continue
            done = True
        first = r * state["banks_per_rank"]
        key = MAINTENANCE + rank["owed_since"] * 16 + r
        if state["refresh_mode"] == PER_BANK:
            b = first + rank["refresh_bank"]
            bank = state["banks"][b]
            if bank["open"] < 0:
                offer(state, max(bank["act"], rank["refresh"]), key, REFRESH_BANK, b)
            elif bank["active"] < 0:
                offer(state, max(bank["pre"], state["group"][bank["group"]]["pre"]), key, PRECHARGE, b)
        elif rank["open_banks"] == 0:
            offer(state, rank["refresh"], key, REFRESH, r)
        elif not reserved(state, r):
            offer(state, rows_closable(state, r), key, PRECHARGE_ALL, r)


@njit
def choose_power(state):
    """Idle ranks go down, and ranks that are asked for something come up. Self-refresh needs closed rows."""
    for r in range(state["ranks"]):
        rank = state["rank"][r]
        wanted = rank["queued"] > 0 or rank["owed"] > 0
        awake_at = rank["down_since"] + state["t"]["cke"]
        key = LAST + BANKS + r
        if rank["down"] > 0:
            command = EXIT_POWER_DOWN if rank["down"] == 1 else EXIT_SELF_REFRESH
            if wanted:
                offer(state, awake_at, MAINTENANCE + r, command, r)
            elif rank["down"] == 1 and state["self_refresh_after"] > 0:
                offer(state, max(awake_at, rank["last"] + state["self_refresh_after"]), key, command, r)
        elif wanted:
            rank["sleepy"] = 0
        elif rank["sleepy"] == 0:
            offer(state, max(rank["last"] + state["down_after"], rank["quiet"]), key, ENTER_POWER_DOWN, r)
        elif rank["open_banks"] == 0:
            offer(state, max(rank["refresh"], rank["quiet"]), key, ENTER_SELF_REFRESH, r)
        else:
            offer(state, rows_closable(state, r), key, PRECHARGE_ALL, r)


@njit
def choose_timeouts(state):
    """Rows that were not used for their bank's timeout are closed when nothing else is ready."""
    for b in range(state["bank_count"]):
        bank = state["banks"][b]
        idle = bank["active"] < 0 and bank["hit"][0] < 0 and bank["hit"][1] < 0
        if bank["open"] >= 0 and idle and not held_back(state, b):
            time = max(bank["pre"], state["group"][bank["group"]]["pre"], bank["used"] + bank["timeout"])
            offer(state, time, LAST + b, PRECHARGE, b)


@njit
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
    for k in range(state["busy_count"][w]):
        b = state["busy_banks"][w, k]
        if (state["owed"] > 0 or state["down"] > 0) and held_back(state, b):
            continue
        bank = state["banks"][b]
        e = bank["head"][w]
        if bank["open"] >= 0:
            e = bank["hit"][w] if bank["hit"][w] >= 0 else bank["miss"][w]
        while e >= 0:
            consider(state, e)
            e = -1 if bank["open"] < 0 or e == bank["miss"][w] else bank["miss"][w]


@njit
def choose_simply(state, w):
    """Do as `choose_oldest` for plain FR-FCFS: any PRE may be sent, no cap, no refresh owed.

    A bank is passed over while its floor, the earliest time found last, lies behind the best one: times of
    queued entries only grow, but for a new entry and for a row that its opener gives free (`queues.py`).
    """
    entries = state["entries"]
    banks = state["banks"]
    groups = state["group"]
    floors = state["floor"][w]
    start = state["next"]
    best_time = state["chosen_time"]
    best_key = state["chosen_key"]
    best = np.int64(-1)
    command = 0
    for k in range(state["busy_count"][w]):
        if floors[k] > best_time:
            continue
        bank = banks[state["busy_banks"][w, k]]
        group = groups[bank["group"]]
        e = bank["hit"][w]
        e_command = READ + w
        if bank["open"] < 0:
            e = bank["head"][w]
            e_command = ACTIVATE
            floor = max(bank["act"], group["act"])
        elif e >= 0:
            floor = max(bank["column"][w], group["column"][w])
        else:
            floor = NEVER
        if e >= 0:
            time = max(floor, start)
            if time <= best_time:
                key = entries[e]["order"]
                if time < best_time or key < best_key:
                    best_time = time
                    best_key = key
                    best = e
                    command = e_command
        e = bank["miss"][w]
        if e >= 0 and bank["active"] < 0:
            time = max(bank["pre"], group["pre"])
            floor = min(floor, time)
            time = max(time, start)
            if time <= best_time:
                key = entries[e]["order"]
                if time < best_time or key < best_key:
                    best_time = time
                    best_key = key
                    best = e
                    command = PRECHARGE
        floors[k] = floor
    if best >= 0:
        state["chosen_time"] = best_time
        state["chosen_key"] = best_key
        state["chosen"] = command
        state["chosen_entry"] = best
        state["chosen_bank"] = entries[best]["bank"]
        state["chosen_active"] = 0


@njit
def choose(state):
    """Find the next command, from cycle ``state["next"]`` on."""
    state["stale"] = 0
    state["chosen_time"] = NEVER
    state["chosen_key"] = NEVER
    state["chosen"] = NONE
    state["chosen_active"] = 0
    state["writing_next"] = state["writing"]
    state["scanned"] = 0
    choose_reserved(state)
    if state["owed"] > 0:
        choose_refresh(state)
    if state["down_after"] > 0:
        choose_power(state)
    if state["chosen_time"] > state["next"] and (state["owed"] == 0 or state["refresh_stops_all"] == 0):
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
        else:
            for w in range(2):
                if state["scanned"] >> w & 1 and state["busy_count"][w] > 0:
                    if state["simple"] == 1 and state["owed"] == 0:
                        choose_simply(state, w)
                    else:
                        choose_oldest(state, w)
        if state["page"] > CLOSED_PAGE:
            choose_timeouts(state)
    if state["due"] <= state["chosen_time"]:
        state["chosen_time"] = max(state["due"], state["next"])
        state["chosen_key"] = FIRST
        state["chosen"] = WAKE
    if state["scheduler"] == BLISS and state["blacklist"] != 0 and state["clear_at"] < state["chosen_time"]:
        state["chosen_time"] = max(state["clear_at"], state["next"])
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
    if state["scanned"] >> w & 1 == 0:
        return
    if state["plain"] == 1 or state["page"] > CLOSED_PAGE or state["owed"] > 0:
        state["stale"] = 1
        return
    bank = state["banks"][entry["bank"]]
    if bank["open"] < 0:
        if bank["head"][w] == e:
            consider(state, e)
    elif bank["hit"][w] == e or bank["miss"][w] == e:
        if state["guard"] > 0 or state["hit_cap"] > 0:
            state["stale"] = 1
        else:
            consider(state, e)
