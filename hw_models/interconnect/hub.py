"""The coherence hub: a tracker for each transaction in flight, one transaction a line."""

from hw_models.blame import Cause
from hw_models.interconnect.waits import wait_for
from hw_models.jit import inlined
from hw_models.port import NEVER

QUEUE_FULL = int(Cause.QUEUE_FULL)


@inlined
def hub_wait(state, i, port, address, now):
    """Return whether the coherence hub keeps lane ``i``'s piece out, having noted for whom it waits.

    One transaction a line, because its probes must be back before the next one's go out, and a tracker each.
    """
    line, victim = address >> state["tracker_shift"], state["lanes"][i]["master"]
    lines, untils = state["tracked"][port], state["tracked_until"][port]
    until, culprit = NEVER, victim
    tracking, t = state["tracking"][port], 0
    while tracking >> t:
        if tracking >> t & 1:
            if untils[t] <= now:
                state["tracking"][port] ^= 1 << t
            elif lines[t] == line:
                state["awaited"] |= 1 << t
                wait_for(state, i, QUEUE_FULL, state["tracked_by"][port, t], untils[t], now)
                return True
            else:
                until = min(until, untils[t])
                if culprit == victim:
                    culprit = state["tracked_by"][port, t]
        t += 1
    if state["tracking"][port] + 1 < 1 << state["trackers"]:
        return False
    state["awaited"] = -1  # whichever is free first
    wait_for(state, i, QUEUE_FULL, culprit, until, now)
    return True


@inlined
def is_release(state, source, write):
    """Tell whether a piece is a line that a cache gives back: those pass the hub without probes."""
    return write == 1 and state["caching"][source] == 1


@inlined
def track(state, port, address, master, now):
    """Take a free tracker of the hub. Returns its number."""
    t = 0
    while t < state["trackers"]:
        if state["tracked_until"][port, t] <= now:
            state["tracking"][port] |= 1 << t
            state["tracked"][port, t] = address >> state["tracker_shift"]
            state["tracked_until"][port, t] = NEVER
            state["tracked_by"][port, t] = master
            return t
        t += 1
    return 0
