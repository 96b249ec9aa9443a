"""Commands that no request asks for: refresh, power-down, closing of unused rows."""

import numpy as np

from hw_models.dram.candidates import OPENER
from hw_models.dram.names import Command, Refresh
from hw_models.dram.state import BANKS
from hw_models.jit import njit
from hw_models.port import NEVER

PRECHARGE = int(Command.PRECHARGE)
PRECHARGE_ALL = int(Command.PRECHARGE_ALL)
REFRESH = int(Command.REFRESH)
REFRESH_BANK = int(Command.REFRESH_BANK)
ENTER_POWER_DOWN = int(Command.ENTER_POWER_DOWN)
EXIT_POWER_DOWN = int(Command.EXIT_POWER_DOWN)
ENTER_SELF_REFRESH = int(Command.ENTER_SELF_REFRESH)
EXIT_SELF_REFRESH = int(Command.EXIT_SELF_REFRESH)
PER_BANK = Refresh.PER_BANK.code
MAINTENANCE = -(2**59)  # keys (see schedule.py): after openers of rows, before requests
LAST = 2**58  # after everything else


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


@njit
def reserved(state, r):
    """Return whether some row of rank ``r`` belongs to its opener."""
    for w in range(2):
        for k in range(state["asking"][w, OPENER]):
            if state["banks"][state["asking_banks"][w, OPENER, k]]["rank"] == r:
                return True
    return False


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
