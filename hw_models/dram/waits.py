"""Whom each request waits for: every cycle from entry to its RD or WR is charged to one master and cause.

The channel always has a holder: the master of the last RD or WR, or refresh while one is owed or under way.
Time passes on the holder's account, kept by direction and by bank. Until a request's first own command it
waits for the holders; the share of its own bank is BANK_BUSY, the other direction's TURNAROUND, the rest
BUS_BUSY. From its PRE or ACT on it pays for the row: to the master whose row was open (ROW_CONFLICT), to
refresh if that closed it, else to itself; what takes longer than tRP and tRCD goes to the holder again.
"""

import numpy as np

from hw_models.blame import Cause
from hw_models.dram.names import Command
from hw_models.jit import inlined, njit
from hw_models.port import REFRESH

PRECHARGE = int(Command.PRECHARGE)
ACTIVATE = int(Command.ACTIVATE)
QUEUE_FULL = int(Cause.QUEUE_FULL)
BANK_BUSY = int(Cause.BANK_BUSY)
ROW_CONFLICT = int(Cause.ROW_CONFLICT)
BUS_BUSY = int(Cause.BUS_BUSY)
TURNAROUND = int(Cause.TURNAROUND)
REFRESH_CAUSE = int(Cause.REFRESH)


@njit
def charge(state, victim, culprit, cause, cycles):
    state["blame"][victim, culprit, cause] += cycles


@njit
def pass_time(state, time):
    """Put the time up to ``time`` on the holder's account."""
    cycles = time - state["held_since"]
    if cycles > 0:
        holder = state["holder"]
        state["held"][state["holder_write"], holder] += cycles
        if state["holder_bank"] >= 0:
            state["bank_held"][state["holder_bank"], holder] += cycles
        state["held_since"] = time


@inlined
def note_entry(state, e):
    """Entry ``e`` comes in: it has waited for nobody but the present holder, until there is another."""
    entry = state["entries"][e]
    if state["pending"] == 1:
        state["held_since"] = max(state["held_since"], entry["arrived"] + 1)  # nobody waited before
    at = state["fresh_count"]
    entry["fresh"] = at
    state["fresh"][at] = e
    state["fresh_count"] = at + 1


@inlined
def drop_fresh(state, at):
    """Take the entry at place ``at`` off those that came in under the present holder."""
    count = state["fresh_count"] - 1
    last = state["fresh"][count]
    state["fresh"][at] = last
    state["fresh_count"] = count
    state["entries"][last]["fresh"] = at


@njit
def keep_accounts(state, e):
    """Keep the accounts as they stood when entry ``e`` came in, under the present holder."""
    entry = state["entries"][e]
    b = entry["bank"]
    kept = state["snapshot"][e]
    for k in range(state["masters"] + 1):
        m = k if k < state["masters"] else REFRESH
        kept[0, m] = state["held"][0, m]
        kept[1, m] = state["held"][1, m]
        kept[2, m] = state["bank_held"][b, m]
    since = state["held_since"] - entry["arrived"] - 1
    kept[state["holder_write"], state["holder"]] -= since
    if state["holder_bank"] == b:
        kept[2, state["holder"]] -= since
    entry["fresh"] = -1


@inlined
def hand_over(state, holder, w, b, time, waiting):
    """From ``time`` on the channel is held by another. Of ``waiting`` entries each has its accounts kept."""
    if waiting > 0:
        pass_time(state, time)
        for k in range(state["fresh_count"]):
            keep_accounts(state, state["fresh"][k])
        state["fresh_count"] = 0
    else:
        state["held_since"] = max(state["held_since"], time)
    state["holder"] = holder
    state["holder_write"] = w
    state["holder_bank"] = b


@inlined
def charge_holder(state, entry, cycles, turned):
    """Charge the holder for ``cycles`` of ``entry``; ``turned``: the cause in one bank, turned round."""
    cause = REFRESH_CAUSE
    if state["holder"] != REFRESH:
        same = state["holder_write"] == entry["write"]
        if state["holder_bank"] == entry["bank"]:
            cause = BANK_BUSY if same else turned
        else:
            cause = BUS_BUSY if same else TURNAROUND
    charge(state, entry["master"], state["holder"], cause, cycles)


@njit
def charge_holders(state, e):
    """Charge the time that entry ``e`` has been in the queue to those who held the channel meanwhile."""
    entry = state["entries"][e]
    b = entry["bank"]
    w = entry["write"]
    victim = entry["master"]
    for k in range(state["masters"] + 1):
        m = k if k < state["masters"] else REFRESH
        same = state["held"][w, m] - state["snapshot"][e, w, m]
        other = state["held"][1 - w, m] - state["snapshot"][e, 1 - w, m]
        if same + other == 0:
            continue
        if m == REFRESH:
            charge(state, victim, REFRESH, REFRESH_CAUSE, same + other)
            continue
        bank = state["bank_held"][b, m] - state["snapshot"][e, 2, m]
        charge(state, victim, m, BANK_BUSY, bank)
        rest = same + other - bank
        turn = min(other, rest)
        charge(state, victim, m, TURNAROUND, turn)
        charge(state, victim, m, BUS_BUSY, rest - turn)


@inlined
def note_first_command(state, e, command, time):
    """Entry ``e`` sends its first command: charge the time in the queue."""
    entry = state["entries"][e]
    b = entry["bank"]
    w = entry["write"]
    victim = entry["master"]
    waited = time - entry["arrived"] - 1  # it may be served from the cycle after it came
    if entry["fresh"] >= 0:
        drop_fresh(state, entry["fresh"])
        if waited > 0:
            charge_holder(state, entry, waited, BANK_BUSY)
    else:
        pass_time(state, time)
        charge_holders(state, e)
    state["waited"] += waited
    entry["charged"] = time
    entry["culprit"] = victim
    opener = state["banks"][b]["opener"]
    if command == PRECHARGE or (command == ACTIVATE and opener == REFRESH):
        entry["culprit"] = opener
    entry["row_cycles"] = 0
    if command == PRECHARGE:
        entry["row_cycles"] = state["t"]["rp"] + state["t"]["rcd"][w]
    elif command == ACTIVATE:
        entry["row_cycles"] = state["t"]["rcd"][w]


@inlined
def note_service(state, e, time):
    """The RD or WR of entry ``e``: charge what came after its first command, and hand it the channel."""
    entry = state["entries"][e]
    b = entry["bank"]
    w = entry["write"]
    victim = entry["master"]
    wait = time - entry["charged"]
    state["waited"] += wait
    row = min(wait, entry["row_cycles"])
    culprit = entry["culprit"]
    if row > 0:
        cause = ROW_CONFLICT
        if culprit == REFRESH:
            cause = REFRESH_CAUSE
        elif culprit == victim:
            cause = BANK_BUSY
        charge(state, victim, culprit, cause, row)
    if wait > row:
        charge_holder(state, entry, wait - row, TURNAROUND)
    hand_over(state, victim, w, b, time, state["pending"] - 1)


@njit
def note_refresh(state, time):
    """A refresh falls due: from now on the channel is held by it."""
    hand_over(state, np.int64(REFRESH), np.int64(0), np.int64(-1), time, state["pending"])


@njit
def note_refusal(state, now):
    if state["refused"] == 0:
        state["refused_at"] = now
    state["refused"] = 1


@njit
def note_admission(state, master, now):
    """A request that was refused before has got in: the holder made it wait."""
    if state["refused"] == 1 and state["masters"] > 0:
        cause = REFRESH_CAUSE if state["holder"] == REFRESH else QUEUE_FULL
        charge(state, master, state["holder"], cause, now - state["refused_at"])
        state["waited"] += now - state["refused_at"]
    state["refused"] = 0
