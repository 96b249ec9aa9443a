"""The block as the SoC kernel sees it: `accept` a request, `advance` to a time, responses into a FIFO.

Cycles are picoseconds (`state["period_fs"]`). A request gets one response row, a read for all its bytes.
The functions take the flat table `memory` that `build` returns with the state as an argument of its own.
"""

from hw_models.flash.device import next_event, step
from hw_models.flash.requests import free_request, pop_done, room, submit
from hw_models.jit import njit
from hw_models.port import is_full, push


@njit
def accept(state, memory, request, now):
    """Take ``request`` at ``now`` (its doorbell), unless queue depth or rows are used up."""
    if state["in_flight"] >= state["queue_depth"]:
        return False
    if not room(state, request["address"], request["bytes"]):
        return False
    submit(
        state,
        now,
        request["address"],
        request["bytes"],
        request["write"],
        request["master"],
        request["stream"],
        request["tag"],
        request["issued"],
    )
    state["in_flight"] += 1
    return True


@njit
def respond(state, request, out, row):
    """Push the response of ``request`` (a row of the device) into ``out``; ``row`` is scratch."""
    row["address"] = request["address"]
    row["bytes"] = request["bytes"]
    row["write"] = request["write"]
    row["master"] = request["master"]
    row["stream"] = request["stream"]
    row["tag"] = request["tag"]
    row["issued"] = request["issued"]
    push(out, row, request["done"])


@njit
def advance(state, memory, now, out):
    """Do all that is due up to ``now``; responses go to ``out`` with the time at which the host has them.

    Return the time of the next event inside, NEVER if only a request (or room in ``out``) can wake it.
    """
    while True:
        while state["done_count"] > 0 and not is_full(out):
            r = pop_done(state)
            respond(state, state["request"][r], out, state["response"])
            state["in_flight"] -= 1
            free_request(state, r)
        time = next_event(state)
        if time > now:
            return time
        step(state, memory, time)


@njit
def run_until(state, memory, until):
    """Do all that is due inside the device up to ``until`` [ps], but stop when a request is done."""
    while state["done_count"] == 0:
        time = next_event(state)
        if time > until:
            return
        step(state, memory, time)


@njit
def take_done(state):
    """Take the oldest request that is done off the device. Returns (its tag, when the host has it [ps])."""
    r = pop_done(state)
    request = state["request"][r]
    tag, done = request["tag"], request["done"]
    free_request(state, r)
    return tag, done
