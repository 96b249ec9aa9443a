"""Which banks ask for which command, and which of them may send it first.

A bank with queued requests of direction ``w`` asks for ACT while it is closed, for RD or WR while one of them
hits its row, for PRE while one misses it and no opener keeps it; for an opener's own RD or WR while there is
one. Each such kind has a list of its banks and remembers which bank was found first: the earliest, of equally
early ones the one with the oldest request. It stays first while its own time and request stay what they
were, for the times of the others only grow; a bank that begins to ask is compared with it.
"""

from hw_models.jit import inlined
from hw_models.port import NEVER

OPENER, ACT, COLUMN, PRE = range(4)  # kinds


@inlined
def ask(state, w, kind, b):
    """Bank ``b`` asks for a command of ``kind`` for its requests of direction ``w``."""
    bank = state["banks"][b]
    if bank["asks"][w, kind] < 0:
        count = state["asking"][w, kind]
        state["asking_banks"][w, kind, count] = b
        bank["asks"][w, kind] = count
        state["asking"][w, kind] = count + 1
        if state["newcomer"][w, kind] >= 0:
            state["first"][w, kind] = -1
        state["newcomer"][w, kind] = b


@inlined
def stop_asking(state, w, kind, b):
    bank = state["banks"][b]
    at = bank["asks"][w, kind]
    if at >= 0:
        last = state["asking"][w, kind] - 1
        moved = state["asking_banks"][w, kind, last]
        state["asking_banks"][w, kind, at] = moved
        state["banks"][moved]["asks"][w, kind] = at
        bank["asks"][w, kind] = -1
        state["asking"][w, kind] = last
        if state["first"][w, kind] == b:
            state["first"][w, kind] = -1
        if state["newcomer"][w, kind] == b:
            state["newcomer"][w, kind] = -1


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
        return max(bank["act"], group["act"])
    if kind == PRE:
        return max(bank["pre"], group["pre"])
    return max(bank["column"][w], group["column"][w])


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
    state["newcomer"][w, kind] = -1


@inlined
def compare_newcomer(state, w, kind):
    """The bank that began to ask last may be before the one found first."""
    b = state["newcomer"][w, kind]
    bank = state["banks"][b]
    time = max(earliest(state, bank, w, kind), state["next"])
    order = state["entries"][request_of(bank, w, kind)]["order"]
    first_time = state["first_time"][w, kind]
    if time < first_time or (time == first_time and order < state["first_order"][w, kind]):
        state["first"][w, kind] = b
        state["first_time"][w, kind] = time
        state["first_order"][w, kind] = order
    state["newcomer"][w, kind] = -1


@inlined
def still_first(state, w, kind):
    """Return whether the bank found first last is so from cycle ``next`` on."""
    b = state["first"][w, kind]
    if b < 0:
        return False
    bank = state["banks"][b]
    time = max(earliest(state, bank, w, kind), state["next"])
    order = state["entries"][request_of(bank, w, kind)]["order"]
    return time == state["first_time"][w, kind] and order == state["first_order"][w, kind]


@inlined
def update_first(state, w, kind):
    """Let ``first`` of a list that is not empty be the bank that may send first from cycle ``next`` on."""
    if not still_first(state, w, kind):
        find_first(state, w, kind)
    elif state["newcomer"][w, kind] >= 0:
        compare_newcomer(state, w, kind)
