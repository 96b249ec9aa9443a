"""The device alone, driven by requests with given arrival times, in order, as queue depth permits."""

import numpy as np

from hw_models.flash.device import next_event, step
from hw_models.flash.requests import free_request, pop_done, room, submit
from hw_models.flash.state import ZERO
from hw_models.jit import njit
from hw_models.port import NEVER


@njit
def replay(state, memory, arrival, address, size, write, until, accepted, done, version):
    """Run all requests, or up to and including time ``until``. Arrays: shape (requests,), int64, ps.

    ``accepted``: doorbell, ``done``: completion in host memory, ``version``: of a write, the sequence number
    of its last page; what has not happened by then stays as it was. Requests enter in order, as soon as
    they have arrived and fewer than ``queue_depth`` are in flight; the device fetches the command of one as
    soon as it works on fewer than ``queue_fetch``.
    """
    count, depth = arrival.size, state["queue_depth"]
    completion = np.zeros(count, np.int64)
    entered, finished = ZERO, ZERO
    while finished < count:
        event = next_event(state)
        if entered < count and entered - finished < min(depth, state["queue_fetch"]):
            doorbell = arrival[entered]
            if entered >= depth:
                doorbell = max(doorbell, completion[entered - depth])
            time = max(doorbell, state["now"])  # before then it found no place
            if time > until and event > until:
                return
            if time < event and room(state, address[entered], size[entered]):
                submit(
                    state, time, address[entered], size[entered], write[entered], ZERO, ZERO, entered, ZERO
                )
                accepted[entered] = doorbell
                entered += 1
                continue
        if event > until:
            return
        if event == NEVER:
            raise RuntimeError("flash: requests are left, but nothing is in flight")
        step(state, memory, event)
        while state["done_count"] > 0:
            r = pop_done(state)
            request = state["request"][r]
            done[request["tag"]] = request["done"]
            version[request["tag"]] = request["version"]
            completion[finished] = request["done"]
            finished += 1
            free_request(state, r)
