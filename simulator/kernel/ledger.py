"""What each step has been charged: the blame tables, cut where a master turns to another step.

A master's waits go to the oldest step that it has under way, or to its last one until the next begins (what
is left of its writes). An account is closed when that step changes: what the tables have more than when it
was last closed is entered. Entries of a victim therefore add up to the tables, whatever they are cut into.
"""

from typing import NamedTuple

import numpy as np

from hw_models.blame import CAUSES, Cause
from hw_models.jit import njit
from hw_models.port import MASTERS, REFRESH
from simulator.kernel.nodes import settle_cache, settle_dram
from simulator.kernel.soc_state import ASKS_CLERK, DOOR_CAUSES, Kind

BUS, CACHE, DRAM = int(Kind.BUS), int(Kind.CACHE), int(Kind.DRAM)
STEPS = 64  # most steps that a master has under way
ENTRIES = 1 << 16
DOORS = (Cause.QUEUE_FULL, Cause.REFRESH)  # of SYSTEM's `doors`, in its order

ACCOUNT = np.dtype(
    [
        ("step", np.int64),  # whose waits are entered, -1: no job's
        ("frame", np.int64),
        ("under_way", np.int64),  # steps, the oldest first
        ("steps", np.int64, (STEPS,)),
        ("frames", np.int64, (STEPS,)),
    ]
)

ENTRY = np.dtype(
    [
        ("victim", np.int64),
        ("step", np.int64),
        ("frame", np.int64),
        # a node's unit for its own table, behind them in the same order the doors; -1 - unit: of a cache the
        # lines that it fetched (cause 0) and wrote back (1)
        ("table", np.int64),
        ("culprit", np.int64),
        ("cause", np.int64),  # column of that table
        ("cycles", np.int64),  # of the node
    ]
)


class Ledger(NamedTuple):
    accounts: np.ndarray  # (masters,) ACCOUNT
    known: np.ndarray  # (2 * nodes, masters, MASTERS + 1, CAUSES): the tables when they were last looked at
    lines: np.ndarray  # (nodes, masters, 2): lines fetched and written back, likewise
    entries: np.ndarray  # ENTRY
    used: np.ndarray  # (2,) how many entries there are, and with how many the clerk is asked for


def new_ledger(nodes: int, masters: int) -> Ledger:
    """Return the ledger of ``masters`` before anything happens."""
    most = 2 * nodes * (masters + 1) * CAUSES + 2 * nodes  # entries of a closing
    ledger = Ledger(
        np.zeros(masters, ACCOUNT),
        np.zeros((2 * nodes, masters, MASTERS + 1, CAUSES), np.int64),
        np.zeros((nodes, masters, 2), np.int64),
        np.zeros(ENTRIES + most, ENTRY),
        np.array([0, ENTRIES]),
    )
    ledger.accounts["step"] = -1
    return ledger


@njit
def enter_one(ledger, victim, table, culprit, cause, known, now):
    """Enter a count that is ``now`` more than ``known`` if it is; return it."""
    if now != known:
        account, entry = ledger.accounts[victim], ledger.entries[ledger.used[0]]
        entry["victim"], entry["table"] = victim, table
        entry["step"], entry["frame"] = account["step"], account["frame"]
        entry["culprit"], entry["cause"], entry["cycles"] = culprit, cause, now - known
        ledger.used[0] += 1
    return now


@njit
def enter(ledger, victim, table, charged, masters):
    """Enter what is new in a victim's part of a table, shape (MASTERS + 1, causes)."""
    known = ledger.known[table, victim]
    for m in range(masters + 1):
        c = m if m < masters else REFRESH
        for cause in range(charged.shape[1]):
            known[c, cause] = enter_one(ledger, victim, table, c, cause, known[c, cause], charged[c, cause])


@njit
def close(system, nodes, ledger, victim):
    """Enter all that a master was charged since its account was last closed."""
    masters, units = system["masters"], system["master_unit"]
    for unit in range(units):
        kind, row = system["kind"][unit], system["row"][unit]
        now = system["now_fs"] // system["period_fs"][unit]
        if kind == DRAM:
            channel = nodes.channels[row]
            settle_dram(system, nodes.wires, nodes.buses, channel, now)
            enter(ledger, victim, unit, channel["blame"][victim], masters)
        elif kind == CACHE:
            cache, lines = nodes.caches[row], ledger.lines[unit, victim]
            settle_cache(system, nodes.wires, nodes.buses, cache, nodes.tags, unit, now)
            enter(ledger, victim, unit, cache["blame"][victim], masters)
            lines[0] = enter_one(ledger, victim, -1 - unit, victim, 0, lines[0], cache["misses"][victim])
            lines[1] = enter_one(ledger, victim, -1 - unit, victim, 1, lines[1], cache["writebacks"][victim])
        elif kind == BUS:
            enter(ledger, victim, unit, nodes.buses["bus"][row]["blame"][victim], masters)
        enter(ledger, victim, units + unit, system["doors"][unit, victim], masters)
    if ledger.used[0] >= ledger.used[1]:
        system["asks"] |= ASKS_CLERK


@njit
def turn(system, nodes, ledger, victim, step, frame):
    """From now on a master waits for ``step``."""
    close(system, nodes, ledger, victim)
    ledger.accounts[victim]["step"], ledger.accounts[victim]["frame"] = step, frame


@njit
def begin(system, nodes, ledger, victim, step, frame):
    """A master has begun ``step``: it is the oldest if there is no other."""
    account = ledger.accounts[victim]
    if account["under_way"] == STEPS:
        return
    if account["under_way"] == 0:
        turn(system, nodes, ledger, victim, step, frame)
    account["steps"][account["under_way"]], account["frames"][account["under_way"]] = step, frame
    account["under_way"] += 1


@njit
def end(system, nodes, ledger, victim, step):
    """A master is through with ``step``; if that was the oldest, the next is."""
    account = ledger.accounts[victim]
    steps, frames = account["steps"], account["frames"]
    place = 0
    while place < account["under_way"] and steps[place] != step:
        place += 1
    if place == account["under_way"]:
        return
    account["under_way"] -= 1
    for i in range(place, account["under_way"]):
        steps[i], frames[i] = steps[i + 1], frames[i + 1]
    if place == 0 and account["under_way"] > 0:
        turn(system, nodes, ledger, victim, steps[0], frames[0])


assert len(DOORS) == DOOR_CAUSES
