"""Who waits for whom in a device that several masters share.

A page waits for its die and, when that is free, for the bus of its channel; what was read waits for the bus
once more. Dies and buses keep clocks, one per master: how long the bus was held, how long the die or, the
die being free, the bus kept the die's queue waiting. A page notes the clocks when it begins to wait. What
they have moved by the time it goes on is whom it waited for, and sums to its wait exactly.

`state["masters"]` says how many masters there are; with 0 nothing is charged. All pages that a device can
have under way wait 2**63 ps together in ten minutes: sums carry (`charged`).
"""

import numpy as np

from hw_models.flash.state import BUS_IDLE, IDLE, NONE, Wait
from hw_models.jit import inlined, njit
from hw_models.port import REFRESH
from hw_models.units import LARGEST

BANK_BUSY, BUS_BUSY = int(Wait.BANK_BUSY), int(Wait.BUS_BUSY)


@inlined
def add_wait(state, victim, k, cause, time):
    """Add ``time`` to what ``victim`` has waited for ``k``."""
    waited = state["blame"][victim, k, cause] + time
    if waited >= LARGEST:
        waited -= LARGEST
        state["carries"][victim, k, cause] += 1
    state["blame"][victim, k, cause] = waited


def charged(state: np.void) -> np.ndarray:
    """Return who has waited for whom [ps], of any length: victim x culprit x `Wait`."""
    whole: np.ndarray = state["blame"] + state["carries"].astype(object) * LARGEST
    return whole


@inlined
def culprits(state):
    """Return how many can be waited for: the masters and the own work; 0 where nothing is charged."""
    return state["masters"] + 1 if state["masters"] > 0 else 0


@inlined
def culprit(state, k):
    """Return the ``k``-th that can be waited for: the masters, then the device's own work."""
    return k if k < state["masters"] else REFRESH


@njit
def settle_bus(state, c, now):
    """Bring the clocks of the bus of channel ``c`` up to ``now``. To be called before it changes hands."""
    if state["masters"] == 0:
        return
    channel = state["channel"][c]
    end = min(now, channel["until"])
    if channel["bus"] != BUS_IDLE and end > channel["since"]:
        channel["held"][channel["master"]] += end - channel["since"]
    channel["since"] = now


@inlined
def chip_of(state, d):
    """Return the first die of the chip that die ``d`` is on, and how many it has."""
    return d - d % state["chip_dies"], state["chip_dies"]


@njit
def holder(state, d):
    """Return whose command keeps the queue of die ``d`` waiting, NONE if only the bus does."""
    if state["independent_dies"] == 1:
        die = state["die"][d]
        full = die["out"] > 0 and (state["cache_read"] == 0 or die["queued_reads"] == 0)
        return die["master"] if die["doing"] != IDLE or full else NONE
    first, count = chip_of(state, d)
    for other in range(first, first + count):
        die = state["die"][other]
        if die["doing"] != IDLE or die["out"] > 0:
            return die["master"]
    return NONE


@njit
def settle_one(state, d, now):
    die = state["die"][d]
    channel = state["channel"][die["channel"]]
    who = holder(state, d)
    if who != NONE:
        die["lost"][BANK_BUSY, who] += now - die["since"]
    for k in range(culprits(state)):
        m = culprit(state, k)
        if who == NONE:
            die["lost"][BUS_BUSY, m] += channel["held"][m] - die["seen"][m]
        die["seen"][m] = channel["held"][m]
    die["since"] = now


@njit
def settle(state, d, now):
    """Bring the clocks of die ``d`` up to ``now``. To be called before its queue or what it does changes."""
    if state["masters"] == 0:
        return
    settle_bus(state, state["die"][d]["channel"], now)
    first, count = (d, 1) if state["independent_dies"] == 1 else chip_of(state, d)
    for other in range(first, first + count):
        settle_one(state, other, now)


@inlined
def wait_for_die(state, i):
    """Transaction ``i`` begins to wait in the queue of its die, which is settled."""
    row = state["transaction"][i]
    die = state["die"][row["die"]]
    for k in range(culprits(state)):
        m = culprit(state, k)
        row["noted"][BANK_BUSY, m] = die["lost"][BANK_BUSY, m]
        row["noted"][BUS_BUSY, m] = die["lost"][BUS_BUSY, m]


@inlined
def charge_die(state, i):
    """Transaction ``i`` goes on from the queue of its die, which is settled."""
    row = state["transaction"][i]
    if row["request"] == NONE:
        return
    die = state["die"][row["die"]]
    for k in range(culprits(state)):
        m = culprit(state, k)
        for cause in range(BUS_BUSY + 1):
            add_wait(state, row["master"], m, cause, die["lost"][cause, m] - row["noted"][cause, m])


@inlined
def wait_for_bus(state, c, i, now):
    """The data of transaction ``i`` begins to wait for the bus of channel ``c``."""
    settle_bus(state, c, now)
    row = state["transaction"][i]
    for k in range(culprits(state)):
        m = culprit(state, k)
        row["noted"][BUS_BUSY, m] = state["channel"][c]["held"][m]


@inlined
def charge_bus(state, c, i):
    """The data of transaction ``i`` gets the bus of channel ``c``, which is settled."""
    row = state["transaction"][i]
    if row["request"] == NONE:
        return
    for k in range(culprits(state)):
        m = culprit(state, k)
        waited = state["channel"][c]["held"][m] - row["noted"][BUS_BUSY, m]
        add_wait(state, row["master"], m, BUS_BUSY, waited)


@inlined
def charge_collection(state, i, now):
    """Transaction ``i`` gets a page, for which it waited since `since` until blocks were collected."""
    row = state["transaction"][i]
    if state["masters"] > 0 and row["request"] != NONE:
        add_wait(state, row["master"], REFRESH, BANK_BUSY, now - row["since"])
