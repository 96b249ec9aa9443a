"""Which banks ask for which command, and which of them may send it first.

A bank with queued requests of direction ``w`` asks for ACT while it is closed, for RD or WR while one of them
hits its row, for PRE while one misses it and no opener keeps it; for an opener's own RD or WR while there is
one. Under plain FR-FCFS (``simple``) each such kind has a list of its banks; under other policies openers
have one, and in that of ACT stand all banks with requests. With DRAMsim3's command queues banks ask for LINE
while theirs has room for a request that stands in line. Openers and plain FR-FCFS remember which bank was
found first: the earliest, of equally early ones the one with the oldest request. A bank that
begins to ask is compared with it. It is looked for anew once its time is past, for then others may be as
early, or when a command has made times of its kind later (`forget`).
"""

import numpy as np

from hw_models.dram.names import Scheduler
from hw_models.dram.state import KINDS, TO_ACT, TO_READ
from hw_models.jit import inlined
from hw_models.port import NEVER

OPENER, ACT, COLUMN, PRE, LINE = range(KINDS)
IN_TURN = Scheduler.BANK_ROUND_ROBIN.code  # which looks at the queues of banks itself, but for openers
UNKNOWN = -1  # time of a first one that is to be looked for


@inlined
def lists(state, kind):
    """Return whether there is a list of banks for commands of ``kind``."""
    if kind == OPENER:
        return state["reserve"] == 1
    if kind == LINE:
        return True
    return state["simple"] == 1 or (kind == ACT and state["scheduler"] != IN_TURN)


@inlined
def remembers(state, kind):
    """Return whether the bank found first is kept for commands of ``kind``."""
    return state["reserve"] == 1 if kind == OPENER else state["simple"] == 1


@inlined
def ask(state, w, kind, b):
    """Bank ``b`` asks for a command of ``kind`` for its requests of direction ``w``: its times are known."""
    bank = state["banks"][b]
    if lists(state, kind) and bank["asks"][w, kind] < 0:
        count = state["asking"][w, kind]
        state["asking_banks"][w, kind, count] = b
        bank["asks"][w, kind] = count
        state["asking"][w, kind] = count + 1
        if remembers(state, kind):
            compare(state, w, kind, b)


@inlined
def compare(state, w, kind, b):
    """Bank ``b`` begins to ask: it may be before the one found first."""
    bank = state["banks"][b]
    time = max(earliest(state, bank, w, kind), state["next"])
    first_time = state["first_time"][w, kind]
    if time <= first_time:
        order = state["entries"][request_of(bank, w, kind)]["order"]
        if time < first_time or order < state["first_order"][w, kind]:
            state["first"][w, kind] = b
            state["first_time"][w, kind] = time
            state["first_order"][w, kind] = order


@inlined
def stop_asking(state, w, kind, b):
    bank = state["banks"][b]
    at = bank["asks"][w, kind]
    if lists(state, kind) and at >= 0:
        last = state["asking"][w, kind] - 1
        moved = state["asking_banks"][w, kind, last]
        state["asking_banks"][w, kind, at] = moved
        state["banks"][moved]["asks"][w, kind] = at
        bank["asks"][w, kind] = -1
        state["asking"][w, kind] = last
        if remembers(state, kind):
            if last == 0:
                state["first_time"][w, kind] = NEVER
            elif state["first"][w, kind] == b:
                state["first_time"][w, kind] = UNKNOWN


@inlined
def forget(state, kind):
    """Times of ``kind`` have become later: its first banks are to be looked for."""
    if not remembers(state, kind):
        return
    for w in range(2):
        state["first_time"][w, kind] = UNKNOWN if state["asking"][w, kind] > 0 else NEVER


@inlined
def until_column_of(state, e, w):
    """Return the cycles from the next command of entry ``e``, the only one, to its RD or WR at the least."""
    entry = state["entries"][e]
    row = state["banks"][entry["bank"]]["open"]
    if row == entry["row"]:
        return np.int64(0)
    return state["t"]["rcd"][w] + (state["t"]["rp"] if row >= 0 else 0)


@inlined
def until_column(state, w):
    """Return the cycles from the channel's next command to the first RD (``w`` 0) or WR at the least."""
    asking = state["asking"]
    least = state["t"]["rcd"][w] + state["t"]["rp"]
    if state["parks"] == 1 and state["parked"] >= 0:
        return until_column_of(state, state["parked"], w)
    if state["reserve"] == 1 and asking[w, OPENER] > 0:
        return np.int64(0)
    if state["simple"] == 1:
        if asking[w, COLUMN] > 0:
            return np.int64(0)
        return least if asking[w, ACT] == 0 else state["t"]["rcd"][w]
    for k in range(asking[w, ACT]):
        bank = state["banks"][state["asking_banks"][w, ACT, k]]
        if bank["hit"][w] >= 0:
            return np.int64(0)
        if bank["open"] < 0:
            least = state["t"]["rcd"][w]
    return least


@inlined
def opener_of(state, bank):
    """Return the entry that the open row of ``bank`` belongs to, -1 where there is none."""
    return np.int64(bank["active"]) if state["reserve"] == 1 else np.int64(-1)


@inlined
def request_of(bank, w, kind):
    """Return the oldest entry of ``bank`` that asks for a command of ``kind``. There is one."""
    if kind == OPENER:
        return bank["active"]
    if kind == ACT:
        return bank["head"][w]
    return bank["hit"][w] if kind == COLUMN else bank["miss"][w]


@inlined
def earliest(state, bank, w, kind):
    """Return from when on ``bank`` may send a command of ``kind``."""
    group = state["group"][bank["group"]]
    if kind == ACT:
        return max(bank["act"], group["earliest"][TO_ACT])
    if kind == PRE:
        return max(bank["pre"], group["pre"])
    return max(bank["column"][w], group["earliest"][TO_READ + w])


@inlined
def find_first(state, w, kind):
    """Look for the bank that may send its command of ``kind`` first, from cycle ``next`` on."""
    banks = state["banks"]
    entries = state["entries"]
    start = state["next"]
    best_time = NEVER
    best_order = NEVER
    best = -1
    for k in range(state["asking"][w, kind]):
        b = state["asking_banks"][w, kind, k]
        bank = banks[b]
        time = max(earliest(state, bank, w, kind), start)
        order = entries[request_of(bank, w, kind)]["order"]
        if (time < best_time) | ((time == best_time) & (order < best_order)):
            best_time = time
            best_order = order
            best = b
    state["first"][w, kind] = best
    state["first_time"][w, kind] = best_time
    state["first_order"][w, kind] = best_order


@inlined
def soonest_of(state, w, kind):
    """Return from which cycle on, ``next`` at the least, the first bank may send its command of ``kind``."""
    if state["first_time"][w, kind] < state["next"]:
        find_first(state, w, kind)
    return state["first_time"][w, kind]
