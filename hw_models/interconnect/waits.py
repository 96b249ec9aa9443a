"""Whom each queued request waits for: the waits in a lane, charged to one master and cause at a time.

A lane is a source's reads or its writes. All requests in it wait for what its oldest waits for: for the bus
that it needs while that is busy, else for the culprit noted last.
"""

import numpy as np

from hw_models.blame import Cause
from hw_models.interconnect.names import LANE_ROWS
from hw_models.interconnect.routes import bus_of
from hw_models.jit import aside, inlined, njit

ARBITRATION = int(Cause.ARBITRATION)


@aside
def charge_each(state, i, begin, end, culprit, cause):
    """Charge the waits in lane ``i`` from ``begin`` to ``end``, each request's to its own master."""
    lane = state["lanes"][i]
    for n in range(lane["count"]):
        row = lane["rows"][(lane["head"] + n) % LANE_ROWS]
        waited = end - max(begin, row["time"])
        if waited > 0:
            state["blame"][row["master"], culprit, cause] += waited


@njit
def charge(state, i, begin, middle, end):
    """Charge the waits in lane ``i`` to the bus's owner from ``begin`` to ``middle``, then to the culprit."""
    lane = state["lanes"][i]
    owner, culprit, cause, victim = lane["owner"], lane["culprit"], lane["cause"], state["alone"][i >> 1]
    if victim < 0:
        charge_each(state, i, begin, middle, owner, ARBITRATION)
        charge_each(state, i, middle, end, culprit, cause)
        return
    for_bus, for_other = lane["count"] * (middle - begin), lane["count"] * (end - middle)
    late = lane["count"] - 1  # rows are in order of time: the last ones may have come after `begin`
    while late >= 0:
        time = min(lane["rows"][(lane["head"] + late) % LANE_ROWS]["time"], end)
        if time <= begin:
            break
        for_bus -= min(time, middle) - begin
        for_other -= max(time, middle) - middle
        late -= 1
    state["blame"][victim, owner, ARBITRATION] += for_bus
    state["blame"][victim, culprit, cause] += for_other


@inlined
def settle(state, i, now):
    """Charge the waits in lane ``i`` since the last look; due before its cause or its rows change."""
    lane = state["lanes"][i]
    since = lane["since"]
    if now > since:
        lane["since"] = now
        charge(state, i, since, max(since, min(lane["busy_until"], now)), now)


@inlined
def claim(state, i, now):
    """While the bus that lane ``i`` needs is busy, that is why it waits, whatever else may hold it up."""
    lane = state["lanes"][i]
    bus = bus_of(state, lane)
    free = state["bus_free"][bus]
    if free > lane["busy_until"] and free > now:
        settle(state, i, now)
        lane["busy_until"] = free
        lane["owner"] = state["bus_owner"][bus]


@inlined
def wait_for(state, i, cause, culprit, retry, now):
    """Note why the oldest piece of lane ``i`` stays, and return that it cannot go."""
    lane = state["lanes"][i]
    lane["retry"] = max(retry, lane["busy_until"])
    if lane["cause"] != cause or lane["culprit"] != culprit:
        settle(state, i, now)
        lane["cause"] = cause
        lane["culprit"] = culprit
    return np.int64(0)
