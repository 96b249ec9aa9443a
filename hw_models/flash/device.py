"""The device's firmware: from requests to transactions, the map, writes, collection; and the event loop."""

from hw_models.flash.engine import (
    next_use,
    release_register,
    schedule,
    serve_touched,
)
from hw_models.flash.pages import arrive, data_arrived, erased, programmed
from hw_models.flash.state import (
    BUS_IDLE,
    IDLE,
    NONE,
    PROGRAMMING,
    READING,
)
from hw_models.flash.waits import settle
from hw_models.jit import inlined, njit
from hw_models.port import NEVER


@inlined
def array_done(state, memory, c, d, now):
    """The array of die ``d`` is ready."""
    die = state["die"][d]
    if die["doing"] == READING:
        if die["out"] > 0:  # cache read: the register still holds the previous pages
            die["held"] = 1
            state["ready"][d] = NEVER
        else:
            release_register(state, c, d, now)
        return
    settle(state, d, now)
    doing, count = die["doing"], die["actives"]
    die["doing"] = IDLE
    state["ready"][d] = NEVER
    die["actives"] = 0
    for k in range(count):
        i = die["active"][k]
        if doing == PROGRAMMING:
            programmed(state, memory, i, now)
        else:
            erased(state, memory, i, now)


@inlined
def bus_done(state, memory, c, now):
    """The bus of channel ``c`` has finished a command or a transfer."""
    channel = state["channel"][c]
    i = channel["moving"]
    channel["moving"] = NONE
    if i != NONE:
        d = state["transaction"][i]["die"]
        data_arrived(state, memory, i, now)
        settle(state, d, now)
        die = state["die"][d]
        die["out"] -= 1
        if die["out"] == 0 and die["held"] == 1:
            release_register(state, c, d, now)
    next_use(state, c, now)


@njit
def next_event(state):
    """Return the time of the next event inside the device, NEVER if only a request can wake it."""
    time = NEVER
    if state["arrived_count"] > 0:
        time = state["request"][state["arrived"][state["arrived_head"]]]["arrival"]
    for c in range(state["channels"]):
        time = min(time, state["next"][c])
    return time


@njit
def step(state, memory, now):
    """Do everything that is due at ``now``, the time of the next event."""
    state["now"] = now
    while (
        state["arrived_count"] > 0
        and state["request"][state["arrived"][state["arrived_head"]]]["arrival"] <= now
    ):
        arrive(state, memory, now)
    if state["touched"]:
        serve_touched(state, now)
    for c in range(state["channels"]):
        channel = state["channel"][c]
        if state["next"][c] > now:
            continue
        first = c * state["dies_per_channel"]
        for d in range(first, first + state["dies_per_channel"]):
            if state["ready"][d] <= now:
                array_done(state, memory, c, d, now)
        if channel["until"] <= now:
            bus_done(state, memory, c, now)
        elif channel["bus"] == BUS_IDLE:
            next_use(state, c, now)
        schedule(state, c)
        if state["touched"]:
            serve_touched(state, now)
