"""The interconnect alone in front of memories of fixed latency and no limit of bandwidth, driven by a trace.

Requests enter in the trace's order, at their cycle or when there is a place.
"""

import numpy as np

from hw_models.interconnect.block import accept, advance
from hw_models.interconnect.responses import respond
from hw_models.jit import njit
from hw_models.port import NEVER, front, pop

UP = 32  # first FIFO of the answers; those to memory start at 0


@njit
def run(state, wires, requests, latency, accepted, done):
    """Run ``requests`` (REQUEST rows by rising time, tag = row number). Returns the cycle of the last answer.

    ``wires``: one WIRING record. Cycles of entry and of the last row of the answer go to ``accepted`` and
    ``done``; -1 if it never ends.
    """
    now, entered, missing, end = np.int64(0), 0, np.int64(0), np.int64(0)
    for request in requests:
        missing += request["bytes"]
    while missing > 0:
        while entered < requests.size and requests[entered]["time"] <= now:
            if not accept(state, requests[entered], requests[entered]["master"], now):
                break
            accepted[entered] = now
            entered += 1
        wake = advance(state, now, wires, 0, UP)
        for port in range(state["ports"]):
            down = wires["fifo"][port]
            while down["count"] > 0:
                wake = min(
                    wake, respond(state, front(down), front(down)["time"] + latency, now, wires, 0, UP)
                )
                pop(down)
        for master in range(state["masters"]):
            up = wires["fifo"][UP + master]
            while up["count"] > 0:
                done[front(up)["tag"]] = front(up)["time"]
                end = max(end, front(up)["time"])
                missing -= front(up)["bytes"]
                pop(up)
        if entered < requests.size:
            wake = min(wake, max(now + 1, requests[entered]["time"]))
        if wake == NEVER and missing > 0:
            return np.int64(-1)
        now = max(now + 1, wake)
    return end
