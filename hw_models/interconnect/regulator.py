"""Bandwidth regulators: a budget of bytes in a period, refilled when the period ends, never exceeded.

Per master, like MemGuard (Yun et al., RTAS 2013), with reclaim: what a master did not use in its last
period goes into a pool for this one, from which masters that have used up their share draw. Per group,
like BRU (Farshchi et al., RTAS 2020): masters share a budget, reads and write-backs apart, at periods
down to a microsecond. Refills are lazy: nothing happens in a period in which nobody asks.
"""

import numpy as np

from hw_models.jit import inlined, njit
from hw_models.known import parameters
from hw_models.port import MASTERS

REGULATORS = 3 * MASTERS

REGULATOR = np.dtype(
    [
        ("period", np.int64),  # cycles
        ("budget", np.int64),  # bytes a period
        ("epoch", np.int64),  # period that `used` speaks of
        ("used", np.int64),
        ("reclaim", np.int64),
        ("share", np.int64),  # of the budget, what is kept for itself in this period; all without reclaim
    ]
)
REGULATION = np.dtype(
    [
        ("count", np.int64),
        ("pool", np.int64),  # bytes that others gave up in this period
        ("own", np.int64, (MASTERS,)),  # row of a master's own regulator, -1: none
        ("group", np.int64, (2, MASTERS)),  # row of its group's, for reads and for writes
        ("rows", REGULATOR, (REGULATORS,)),
    ]
)
parameters("REGULATION", REGULATION, ["count"])


@njit
def roll(regulation, index, now):
    """Begin a new period if the old one is over; masters with reclaim do so together."""
    row = regulation["rows"][index]
    epoch = now // row["period"]
    if epoch == row["epoch"]:
        return
    if row["reclaim"] == 0:
        row["epoch"] = epoch
        row["used"] = 0
        return
    regulation["pool"] = 0
    for i in range(regulation["count"]):
        other = regulation["rows"][i]
        if other["reclaim"]:
            expected = other["used"] if other["epoch"] == epoch - 1 else 0
            other["share"] = min(other["budget"], expected)
            regulation["pool"] += other["budget"] - other["share"]
            other["used"] = 0
            other["epoch"] = epoch


@njit
def may_pass(regulation, index, size, now):
    """Tell whether ``size`` bytes are within what is left of the period."""
    roll(regulation, index, now)
    row = regulation["rows"][index]
    if row["reclaim"]:
        beyond = row["used"] + size - row["share"]
        return beyond <= 0 or min(beyond, size) <= regulation["pool"]
    return row["used"] + size <= row["budget"]


@njit
def charge(regulation, index, size):
    """Take ``size`` bytes from the budget; the caller has asked `may_pass` in the same cycle."""
    row = regulation["rows"][index]
    if row["reclaim"]:
        beyond = row["used"] + size - row["share"]
        if beyond > 0:
            regulation["pool"] -= min(beyond, size)
    row["used"] += size


@inlined
def held_until(regulation, master, write, size, now):
    """Return ``now`` if the master may move ``size`` bytes, else the cycle to ask again."""
    if regulation["count"] == 0:
        return now
    own, group = regulation["own"][master], regulation["group"][write][master]
    if own >= 0 and not may_pass(regulation, own, size, now):
        period = regulation["rows"][own]["period"]
        return (now // period + 1) * period
    if group >= 0 and not may_pass(regulation, group, size, now):
        period = regulation["rows"][group]["period"]
        return (now // period + 1) * period
    return now


@inlined
def charge_all(regulation, master, write, size):
    """Take ``size`` bytes from every budget that covers the master."""
    if regulation["count"] == 0:
        return
    own, group = regulation["own"][master], regulation["group"][write][master]
    if own >= 0:
        charge(regulation, own, size)
    if group >= 0:
        charge(regulation, group, size)
