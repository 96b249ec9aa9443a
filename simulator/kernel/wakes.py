"""Waking units, and taking rows off the FIFOs between them. A FIFO knows its writer and its reader."""

import numpy as np

from hw_models.jit import inlined, njit
from hw_models.port import FIFO_ROWS, NEVER, REFRESH, copy_request, front, pop


@inlined
def wake(system, unit, time):
    """Wake ``unit`` at the first edge of its clock at or after ``time`` [fs]."""
    wake_at_edge(system, unit, edge_from(system, unit, time))


@inlined
def edge_from(system, unit, time):
    """Return the first edge of the clock of ``unit`` at or after ``time`` [fs]."""
    return to_cycles(time, system["period_fs"][unit]) * system["period_fs"][unit]


@inlined
def period_of(system, unit):
    """Return the period [fs] of a hardware unit's clock."""
    return system["one_period_fs"] if system["one_clock"] else system["period_fs"][unit]


@inlined
def whole_cycles(time, period):
    """Return how many cycles of a clock have passed by ``time``, which is not negative."""
    return np.int64(np.uint64(time) // np.uint64(period))


@inlined
def to_cycles(time, period):
    """Return the first cycle of a clock at or after ``time`` [fs]."""
    return whole_cycles(time + period - 1, period)


@inlined
def wake_at_edge(system, unit, time):
    """Wake a unit at ``time``, an edge of its clock."""
    if time < system["wake_fs"][unit]:
        system["wake_fs"][unit] = time
        if unit >= system["master_unit"]:
            system["masters_fs"] = min(system["masters_fs"], time)


@inlined
def wake_unit(system, unit, time):
    """Wake a hardware unit at the first edge of its clock at or after ``time``, an edge of another's."""
    wake_at_edge(system, unit, time if system["one_clock"] else edge_from(system, unit, time))


@inlined
def wake_node(system, unit, time):
    """As `wake_at_edge`, for a unit that lies between masters and memory."""
    if time < system["wake_fs"][unit]:
        system["wake_fs"][unit] = time


@inlined
def seen_fs(system, fifo):
    """Return the time [fs] from which the oldest row may be seen."""
    return front(fifo)["time"] * period_of(system, fifo["writer"])


@inlined
def wake_reader(system, fifo):
    """Wake the reader of a FIFO for the oldest row that it does not leave for later."""
    if fifo["count"] > fifo["quiet"]:
        row = fifo["rows"][(fifo["head"] + fifo["quiet"]) % FIFO_ROWS]
        time = row["time"] * period_of(system, fifo["writer"])
        wake_unit(system, fifo["reader"], max(system["now_fs"], time))


@inlined
def announce(system, fifo):
    """Wake the reader of a FIFO of requests that are still on their way to it."""
    if fifo["count"] > 0:
        if fifo["bit"]:
            system["unoffered"][fifo["reader"]] |= fifo["bit"]
        wake_taker(system, fifo)


@inlined
def wake_taker(system, fifo):
    """Wake the reader of a FIFO of requests when it may take the oldest, or when it has to do with it."""
    if fifo["late_fs"] and 0 < fifo["count"] < fifo["limit"]:
        shut = front(fifo)["address"] & fifo["shut_mask"] == fifo["shut"]
        if fifo["count"] > shut:
            wake_node(system, fifo["reader"], max(system["now_fs"], looked_up_fs(system, fifo, shut)))
        return
    if fifo["delay"] and fifo["count"] > 0 and front(fifo)["write"] == 0:
        time = seen_fs(system, fifo)
        if time >= system["now_fs"]:
            wake_node(system, fifo["reader"], time + system["period_fs"][fifo["reader"]])
            return
    wake_reader(system, fifo)


@inlined
def looked_up_fs(system, fifo, place):
    """Return the time [fs] at which a cache looks up the row at a place if it is called for it late."""
    row = fifo["rows"][(fifo["head"] + place) % FIFO_ROWS]
    return max(row["time"] * period_of(system, fifo["writer"]) + fifo["late_fs"], fifo["closed_fs"])


@inlined
def visible(system, fifo):
    """May the reader see the oldest row now?"""
    return fifo["count"] > 0 and seen_fs(system, fifo) <= system["now_fs"]


@inlined
def admit(system, fifo, charged):
    """Take the oldest request, which the reader has accepted, and charge what it has waited for that.

    The wait goes to whom the oldest row waited for when it was last refused; ``charged``: the reader's own
    table has the wait of the oldest row already.
    """
    since = seen_fs(system, fifo)
    if since < system["now_fs"]:
        if not system["one_clock"]:
            period = period_of(system, fifo["reader"])
            since = to_cycles(since, period) * period
        until = fifo["freed_fs"] if charged else system["now_fs"]
        if since < until:
            unit, victim, culprit = fifo["reader"], front(fifo)["master"], fifo["blocker"]
            cycles = whole_cycles(until - since, period_of(system, unit))
            system["doors"][unit, victim, culprit, 1 if culprit == REFRESH else 0] += cycles
    fifo["freed_fs"] = system["now_fs"]
    if fifo["following"] and follow(system, fifo):
        pop(fifo)
    else:
        take(system, fifo)


@njit
def follow(system, fifo):
    """Put the request that follows the newest into a full FIFO, a row of which is about to be taken.

    Returns False if that is its writer's: it has something else to do now, or is too early for it.
    """
    cycle = whole_cycles(system["now_fs"], period_of(system, fifo["writer"]))
    end = fifo["head"] + fifo["count"]
    newest, row = fifo["rows"][(end - 1) % FIFO_ROWS], fifo["rows"][end % FIFO_ROWS]
    if newest["time"] >= cycle or system["wake_fs"][fifo["writer"]] <= system["now_fs"]:
        return False
    if fifo["followed"] == 0:
        fifo["followed_from"] = end % FIFO_ROWS
    copy_request(row, newest)
    row["address"] += row["bytes"]
    row["time"] = cycle
    row["issued"] = system["now_fs"]
    fifo["count"] += 1
    fifo["following"] -= 1
    fifo["followed"] += 1
    system["followed"][fifo["reader"]] |= fifo["bit"]
    return True


@inlined
def take(system, fifo):
    """Drop the oldest row; a writer that found the FIFO full may go on."""
    if fifo["count"] >= fifo["limit"]:
        wake_unit(system, fifo["writer"], system["now_fs"])
    pop(fifo)


@inlined
def set_wake(system, unit, next_cycle):
    """Wake a unit between masters and memory in a cycle of another's clock that may be past."""
    if next_cycle < NEVER:
        time = max(system["now_fs"], next_cycle * period_of(system, unit))
        wake_node(system, unit, time if system["one_clock"] else edge_from(system, unit, time))


@inlined
def wake_master(system, unit, next_cycle):
    """As `set_wake`, for a master."""
    if next_cycle < NEVER:
        wake_unit(system, unit, max(system["now_fs"], next_cycle * period_of(system, unit)))
