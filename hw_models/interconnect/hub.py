"""The coherence hub: a tracker for each transaction in flight, one transaction a line."""

import numpy as np

from hw_models.bits import lowest
from hw_models.blame import Cause
from hw_models.interconnect.waits import wait_for
from hw_models.jit import aside, inlined
from hw_models.port import NEVER

QUEUE_FULL = int(Cause.QUEUE_FULL)


@inlined
def hub_wait(state, i, port, address, now):
    """Return whether the coherence hub keeps lane ``i``'s piece out, having noted for whom it waits.

    One transaction a line, because its probes must be back before the next one's go out, and a tracker each.
    """
    line = address >> state["tracker_shift"]
    lines, untils = state["tracked"][port], state["tracked_until"][port]
    left = state["tracking"][port]
    while left:
        t = lowest(left)
        left &= left - 1
        if untils[t] <= now:
            state["tracking"][port] ^= 1 << t
        elif lines[t] == line:
            state["awaited"] |= 1 << t
            wait_for(state, i, QUEUE_FULL, state["tracked_by"][port, t], untils[t], now)
            return True
    if state["tracking"][port] + 1 < 1 << state["trackers"]:
        return False
    wait_for_any(state, i, port, now)
    return True


@aside
def wait_for_any(state, i, port, now):
    """Note that lane ``i``'s piece waits for the first tracker that is free again: all are taken."""
    until, culprit, victim = NEVER, state["lanes"][i]["master"], state["lanes"][i]["master"]
    for t in range(state["trackers"]):
        until = min(until, state["tracked_until"][port, t])
        if culprit == victim:
            culprit = state["tracked_by"][port, t]
    state["awaited"] = -1
    wait_for(state, i, QUEUE_FULL, culprit, until, now)


@inlined
def is_release(state, source, write):
    """Tell whether a piece is a line that a cache gives back: those pass the hub without probes."""
    return write == 1 and state["caching"][source] == 1


@inlined
def track(state, port, address, master):
    """Take a tracker of the hub: `hub_wait` has found one free. Returns its number, 0 without a hub."""
    if state["trackers"] == 0:
        return np.int64(0)
    t = lowest(~state["tracking"][port])
    state["tracking"][port] |= 1 << t
    state["tracked"][port, t] = address >> state["tracker_shift"]
    state["tracked_until"][port, t] = NEVER
    state["tracked_by"][port, t] = master
    return t
