"""What lies between interconnects and memory: one step of a cache, a memory channel, an ideal memory.

A step takes what has arrived in the unit's FIFOs, calls its `advance`, and passes on what it pushed.
"""

import numpy as np

from hw_models.cache import block as cache
from hw_models.dram import block as controller
from hw_models.dram.candidates import until_column
from hw_models.dram.names import Scheduler, WriteResponse
from hw_models.ideal import block as ideal
from hw_models.jit import apart, aside, inlined, njit
from hw_models.port import front, pop
from simulator.kernel.buses import hand_up
from simulator.kernel.wakes import (
    admit,
    announce,
    looked_up_fs,
    period_of,
    seen_fs,
    set_wake,
    take,
    visible,
    wake_reader,
    wake_taker,
    wake_unit,
)

IN_TURN, WRITTEN = Scheduler.BANK_ROUND_ROBIN.code, WriteResponse.WRITTEN.code
UNSEEN = 1024  # cycles that commands may be late that nobody waits for


@inlined
def is_there(system, fifo):
    """Tell whether the reader may see the oldest row now, or wake it for when it may."""
    if fifo["count"] == 0:
        return False
    time = seen_fs(system, fifo)
    if time <= system["now_fs"]:
        return True
    wake_unit(system, fifo["reader"], time)
    return False


@inlined
def take_requests(system, asked, state, tags, now):
    """Let a cache take the requests that are there, each in the cycle in which it could.

    One that it was not called for (`close_door`) has found it as it is: nothing has happened since.
    """
    since = now if state["turned_away"] else np.int64(0)
    while visible(system, asked):
        request = front(asked)
        since = max(since, request["time"]) if state["late"] else now
        if cache.is_too_soon(state, request, since):
            return
        if not cache.accept(state, tags, request, since):
            if state["unseen"]:
                cache.note_stalls(state, now)
            asked["blocker"] = cache.queue_of(state, request)["culprit"]
            state["turned_away"] = 1
            return
        state["turned_away"] = 0
        if since < now:
            cache.found_busy(state, request, since)
            if since + state["entry_latency"] < now:
                state["unseen"] = 1
            pop(asked)
        else:
            admit(system, asked, False)


@inlined
def close_door(system, wires, asked, down, state, unit):
    """Let a cache be called for new requests when they can be looked up, not when they are there.

    Not while a row waits below, or one that it has refused: with each call these are offered again. One row
    below that is not behind another is charged for nothing then.
    """
    period = period_of(system, unit)
    waiting = state["outside"] + state["turned_away"]
    for k in range(state["channels"]):
        below = wires["fifo"][down + k]
        if below["count"] > 1 or (below["count"] == 1 and seen_fs(system, below) < below["freed_fs"]):
            waiting += 1
    asked["late_fs"] = state["entry_latency"] * period if waiting == 0 else 0
    asked["closed_fs"] = state["bank"][0]["free"] * period
    asked["shut"] = state["shut"] if cache.shuts(state) else -1


@aside
def note_unseen(system, asked, state, tags, now):
    """Note what a cache would have found before ``now`` if it had been called for all that it looks up."""
    if asked["late_fs"] and visible(system, asked) and looked_up_fs(system, asked, 0) <= system["now_fs"]:
        take_requests(system, asked, state, tags, now)
    if state["unseen"]:
        cache.note_stalls(state, now)


@apart("none")
def step_cache(system, wires, buses, state, tags, unit, now):
    """Let a cache do what is due; given as ``~unit`` it notes what it would have before ``now``."""
    if unit < 0:
        note_unseen(system, wires["fifo"][system["node"][~unit]["requests"][0]], state, tags, now)
        return
    node = system["node"][unit]
    for k in range(state["channels"]):
        back = wires["fifo"][node["answers"][k]]
        while is_there(system, back):
            cache.respond(state, tags, front(back), now)
            take(system, back)
    first, down, up, door = node["requests"][0], node["down"], node["up"], cache.NO_DOOR
    if cache.goes_in(state, wires["fifo"][first], now):
        door = first
    else:
        for k in range(state["askers"]):
            take_requests(system, wires["fifo"][node["requests"][k] if k else first], state, tags, now)
        if state["unseen"]:
            cache.note_stalls(state, now)
    set_wake(system, unit, cache.advance_with(state, tags, now, wires, down, up, door))
    if door >= 0:
        pop(wires["fifo"][door])
    for k in range(state["askers"]):
        asked = wires["fifo"][node["requests"][k] if k else first]
        if state["late"]:
            close_door(system, wires, asked, down, state, unit)
        if asked["count"] > 0 and not visible(system, asked):
            wake_taker(system, asked)
    for k in range(state["channels"]):
        announce(system, wires["fifo"][down + k])
    for k in range(state["ports"]):
        hand_up(system, wires, buses, wires["fifo"][up + k])


@njit
def settle_cache(system, wires, buses, state, tags, unit, now):
    """Let a cache note what it has found by cycle ``now``."""
    step_cache(system, wires, buses, state, tags, ~unit, now + 1)


@inlined
def seen_from(state, due, early):
    """Return when somebody may see something of a channel whose next command is ``due``.

    Until its answer a command shows to nobody while no request stands in front: the channel may send it late,
    as it does all that is due before it looks at anything. Where answers go up ``early``, it matters in what
    order they are known.
    """
    if due != state["chosen_time"] or state["log_on"] or state["scheduler"] == IN_TURN:
        return due
    t, shown = state["t"], due + UNSEEN
    if state["waiting"][0] > 0:
        shown = due + (0 if early else until_column(state, 0)) + t["data"][0] + state["backend"][0]
    if state["waiting"][1] > 0:
        after = t["data"][1] if state["write_answer"] == WRITTEN else np.int64(1)
        shown = min(shown, due + (0 if early else until_column(state, 1)) + after + state["backend"][1])
    if state["done_count"] > 0 and state["hold"] == 1:
        shown = min(shown, state["done"][state["done_head"]]["time"])
    return max(due, shown)


@inlined
def see_late(asked, state, now):
    """Do what a channel would have done when it could first see the oldest request, if that is past."""
    since = max(front(asked)["time"], state["entered"])
    if state["entering"] < 0 and since < now:
        controller.catch_up(state, since - 1)
        asked["blocker"] = state["holder"]
        controller.let_in(state, front(asked), since)


@inlined
def serve_door(system, asked, state, now):
    """Let a channel take the requests that are there. Returns whether one waits."""
    if not visible(system, asked):
        if asked["count"] > 0:
            wake_taker(system, asked)
        return False
    if asked["delay"]:
        see_late(asked, state, now)
    if state["chosen_time"] < now:
        controller.catch_up(state, now - 1)
    while controller.accept(state, front(asked), now):
        admit(system, asked, True)
        if not visible(system, asked):
            if asked["count"] > 0:
                wake_taker(system, asked)
            return False
    asked["blocker"] = state["holder"]
    return True


@apart("none")
def step_dram(system, wires, buses, state, unit, now):
    """Let a channel do what is due; without a unit (-1), only what nobody outside has to do with."""
    if unit < 0:
        controller.catch_up(state, now)
        return
    node = system["node"][unit]
    waits = False
    for k in range(state["askers"]):
        waits |= serve_door(system, wires["fifo"][node["requests"][k]], state, now)
    up = wires["fifo"][node["up"]]
    due = controller.advance(state, now, up)
    set_wake(system, unit, due if waits else seen_from(state, due, up["early"]))
    hand_up(system, wires, buses, up)


@njit
def settle_dram(system, wires, buses, state, now):
    """Let a channel send what it has left for later, up to cycle ``now``; refreshes are among it."""
    step_dram(system, wires, buses, state, -1, now)


@apart("none")
def step_ideal(system, wires, buses, state, unit, now):
    node = system["node"][unit]
    for k in range(node["request_count"]):
        asked = wires["fifo"][node["requests"][k]]
        while visible(system, asked) and ideal.accept(state, front(asked), now):
            master = front(asked)["master"]
            admit(system, asked, False)
            asked["blocker"] = master  # whose turn it is
        if visible(system, asked):
            set_wake(system, unit, max(now + 1, ideal.free_at(state)))
        else:
            wake_reader(system, asked)
    up = wires["fifo"][node["up"]]
    set_wake(system, unit, ideal.advance(state, now, up))
    hand_up(system, wires, buses, up)
