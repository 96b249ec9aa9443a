"""The cache alone in front of a memory of fixed latency and no limit of bandwidth, driven by a trace.

Requests enter in the trace's order, at their cycle or when the cache has room for them.
"""

import numpy as np

from hw_models.cache.block import accept, advance, respond
from hw_models.jit import njit
from hw_models.port import NEVER, WIRING, front, pop

UP = 32  # first FIFO of the answers; those to memory start at 0


def build_wiring(limit: int = 64) -> np.ndarray:
    """Return empty FIFOs of ``limit`` rows, shape (1,) WIRING."""
    wiring = np.zeros(1, WIRING)
    wiring["fifo"]["limit"] = limit
    return wiring


@njit
def run(state, tags, wires, requests, latency, accepted, done):
    """Run ``requests`` (REQUEST rows by rising time, tag = row number). Returns the cycle of the last answer.

    Cycles of entry and of the answer go to ``accepted`` and ``done``.
    """
    now, entered, answered, end = np.int64(0), 0, 0, np.int64(0)
    while answered < requests.size:
        wake = advance(state, tags, now, wires, 0, UP)
        while entered < requests.size and requests[entered]["time"] <= now:
            if not accept(state, tags, requests[entered], now):
                break
            accepted[entered] = now
            entered += 1
            wake = min(wake, now)
        for channel in range(state["channels"]):
            down = wires["fifo"][channel]
            while down["count"] > 0:
                time = front(down)["time"] + latency
                wake = min(wake, respond(state, tags, front(down), time))
                pop(down)
        for port in range(state["ports"]):
            up = wires["fifo"][UP + port]
            while up["count"] > 0:
                done[front(up)["tag"]] = front(up)["time"]
                end = max(end, front(up)["time"])
                answered += 1
                pop(up)
        if entered < requests.size and requests[entered]["time"] > now:
            wake = min(wake, requests[entered]["time"])
        if wake == NEVER and answered < requests.size:
            return np.int64(-1)
        now = wake
    return end
