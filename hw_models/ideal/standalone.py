"""The ideal memory alone, driven by a trace: requests enter in order, at their cycle or when they can."""

import numpy as np

from hw_models.ideal.block import accept, advance, free_at
from hw_models.jit import njit
from hw_models.port import NEVER, front, pop


@njit
def run(state, up, requests, accepted, done):
    """Run ``requests`` (REQUEST rows by rising time, tag = row number). Returns the cycle of the last answer.

    ``up``: an empty FIFO. Cycles of entry and of the last row of the answer go to ``accepted`` and ``done``.
    """
    now, entered, wake = np.int64(0), 0, np.int64(0)
    while entered < requests.size or wake < NEVER:
        while entered < requests.size and requests[entered]["time"] <= now:
            if not accept(state, requests[entered], now):
                break
            accepted[entered] = now
            entered += 1
        wake = advance(state, now, up)
        while up["count"] > 0:
            done[front(up)["tag"]] = front(up)["time"]
            pop(up)
        following = wake
        if entered < requests.size:
            following = min(wake, max(now + 1, max(requests[entered]["time"], free_at(state))))
        now = max(now + 1, following) if following < NEVER else now
    return now
