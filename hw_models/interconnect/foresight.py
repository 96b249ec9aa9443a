"""Probes that nothing keeps: when they are answered is known as they go out.

While no cache has a line to release and none keeps probes out, the probes of a transaction reach one cache a
cycle, and their answers come one a cycle. `foresee` notes when the last one does, instead of following each.
When a cache does something that could change that, `recall` (hub_channels) puts those back that are not over.
"""

import numpy as np

from hw_models.interconnect.lanes import release_waits
from hw_models.jit import inlined


@inlined
def probe(state, cache, t, arrives):
    """Send tracker ``t``'s probe to a cache."""
    if state["probing"] == 0:
        state["probes_from"] = arrives
    at = state["probes"][cache]
    state["probe_time"][cache, at] = arrives
    state["probe_of"][cache, at] = t
    state["probes"][cache] = at + 1
    state["probing"] += 1
    state["unanswered"][t] += 1


@inlined
def foresee(state, source, t, arrives):
    """Note when tracker ``t``'s probes, the first at ``arrives``, are answered, if that is sure."""
    answer, apart = state["probe_answer"], arrives - state["foreseen_last"]
    if (
        state["caching"][source]
        or release_waits(state)
        or state["probing"]
        or state["kept_until"] > arrives
        or state["answers_free"] > arrives + answer
        or apart < answer
        or apart < state["caches"]
    ):
        return False
    state["foreseen_over"] |= state["foreseen"] & 1 << t
    state["foreseen"] |= 1 << t
    state["foreseen_from"][t] = state["foreseen_last"] = arrives
    state["answered"][t] = arrives + state["caches"] - 1 + answer
    return True


@inlined
def go_by(state, t):
    """Forget tracker ``t``'s probes, which are over: all caches have answered in turn."""
    state["foreseen"] ^= 1 << t
    state["foreseen_over"] |= 1 << t
    state["answers_free"] = max(state["answers_free"], state["answered"][t] + 1)


@inlined
def earliest(state):
    """Return the tracker whose probes were foreseen first."""
    first = -1
    for t in range(state["trackers"]):
        if state["foreseen"] >> t & 1 and (
            first < 0 or state["foreseen_from"][t] < state["foreseen_from"][first]
        ):
            first = t
    return first


@inlined
def forget_over(state):
    """Forget what was foreseen: none of it is left."""
    if state["foreseen_over"]:
        for cache in range(state["sources"]):
            if state["caching"][cache]:
                state["answers_turn"] = cache  # the last one has answered last
    state["foreseen_over"], state["foreseen_last"] = np.int64(0), np.int64(-1)


@inlined
def put_back(state, t):
    """Let the caches have tracker ``t``'s probes to take."""
    state["foreseen"] ^= 1 << t
    arrives = state["foreseen_from"][t]
    for cache in range(state["sources"]):
        if state["caching"][cache]:
            probe(state, cache, t, arrives)
            arrives += 1
