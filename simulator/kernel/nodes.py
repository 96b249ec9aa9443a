"""What lies between masters and memory: one step of a memory channel, a cache, an interconnect.

A step takes what has arrived in the unit's FIFOs, calls its `advance`, and passes on what it pushed.
"""

import numpy as np

from hw_models.bits import lowest
from hw_models.cache import block as cache
from hw_models.dram import block as controller
from hw_models.dram.candidates import until_column
from hw_models.dram.names import Scheduler, WriteResponse
from hw_models.ideal import block as ideal
from hw_models.interconnect import block as bus
from hw_models.interconnect.state import BIT_SHIFT
from hw_models.jit import apart, aside, inlined, njit
from hw_models.port import FIFO_ROWS, NEVER, front, pop
from simulator.kernel.wakes import (
    admit,
    period_of,
    seen_fs,
    set_wake,
    take,
    to_cycles,
    visible,
    wake_at_edge,
    wake_reader,
    wake_unit,
)

IN_TURN, WRITTEN = Scheduler.BANK_ROUND_ROBIN.code, WriteResponse.WRITTEN.code
UNSEEN = 1024  # cycles that commands may be late that nobody waits for


@apart("int64")
def bus_respond(state, row, time, wires, up):
    """`bus.respond`, for all that answer a bus."""
    return bus.respond(state, row, time, wires, up)


@inlined
def hand_up(system, wires, buses, fifo):
    """Let the reader of a FIFO of answers have what is new in it."""
    if fifo["count"] == 0:
        return
    if fifo["early"]:
        answer_bus(system, wires, buses, fifo)
    else:
        wake_reader(system, fifo)


@inlined
def announce(system, fifo):
    """Wake the reader of a FIFO of requests that are still on their way to it."""
    if fifo["count"] > 0:
        if fifo["bit"]:
            system["unoffered"][fifo["reader"]] |= fifo["bit"]
        wake_taker(system, fifo)


@inlined
def wake_taker(system, fifo):
    """Wake the reader of a FIFO of requests when it may take the oldest, or when it has to do with it."""
    if fifo["late_fs"] and 0 < fifo["count"] < fifo["limit"]:
        time = max(seen_fs(system, fifo) + fifo["late_fs"], fifo["closed_fs"])
        wake_at_edge(system, fifo["reader"], max(system["now_fs"], time))
        return
    if fifo["delay"] and fifo["count"] > 0 and front(fifo)["write"] == 0:
        time = seen_fs(system, fifo)
        if time >= system["now_fs"]:
            wake_at_edge(system, fifo["reader"], time + system["period_fs"][fifo["reader"]])
            return
    wake_reader(system, fifo)


@inlined
def pass_on(system, buses, fifo):
    """Let the reader have a master's new requests: a bus queues them at once if it has a clock edge now.

    While it has no place for the oldest, others are of no interest.
    """
    if fifo["bit"]:
        reader = fifo["reader"]
        period = system["period_fs"][reader]
        if system["one_clock"] or system["now_fs"] % period == 0:
            state, now = buses["bus"][system["row"][reader]], system["now_fs"] // period
            if system["refused"][reader] & fifo["bit"]:
                bus.refuses(state, front(fifo), fifo["source"], now)
                return
            bus_offer(system, fifo, state, now)
            set_wake(system, reader, state["due"])
            if fifo["count"] > 0:
                system["unoffered"][reader] |= fifo["bit"]
            return
        system["unoffered"][reader] |= fifo["bit"]
    wake_taker(system, fifo)


@inlined
def answer_bus(system, wires, buses, fifo):
    """Hand the bus the answers of its only port as soon as they are known: only their own times count."""
    unit, writer = fifo["reader"], fifo["writer"]
    state, up = buses["bus"][system["row"][unit]], system["node"][unit]["up"]
    period = system["period_fs"][unit]
    while fifo["count"] > 0:
        row = front(fifo)
        cycle = row["time"]
        if not system["one_clock"]:
            cycle = to_cycles(cycle * system["period_fs"][writer], period)
        source = state["slots"][row["tag"]]["lane"] >> 1
        set_wake(system, unit, bus_respond(state, row, cycle, wires, up))
        wake_reader(system, wires["fifo"][up + source])
        take(system, fifo)


@aside
def collect(system, wires, node, state, unit, now):
    """Take what several memory ports have answered, each at its time: they share the way back."""
    for k in range(node["answer_count"]):
        back = wires["fifo"][node["answers"][k]]
        while visible(system, back):
            source = state["slots"][front(back)["tag"]]["lane"] >> 1
            set_wake(system, unit, bus_respond(state, front(back), now, wires, node["up"]))
            wake_reader(system, wires["fifo"][node["up"] + source])
            take(system, back)
        wake_reader(system, back)


@inlined
def offer(system, fifo, state, now):
    """Let the bus queue the requests that are there."""
    while visible(system, fifo):
        request, source = front(fifo), fifo["source"]
        if bus.refuses(state, request, source, now):
            if BIT_SHIFT == 0:
                system["refused"][fifo["reader"]] |= fifo["bit"]
            return
        blocker = bus.take_blocker(state, request, source)
        if blocker >= 0:
            fifo["blocker"] = blocker
        bus.enqueue(state, request, source, now)
        admit(system, fifo, False)
    wake_reader(system, fifo)


@apart("none")
def bus_offer(system, fifo, state, now):
    """`offer`, for all that ask a bus."""
    offer(system, fifo, state, now)


@inlined
def is_last_of_bit(wires, node, i):
    """Tell whether no FIFO that shares a bit of `unoffered` with a bus's ``i``th has requests."""
    if BIT_SHIFT > 0:
        first = i >> BIT_SHIFT << BIT_SHIFT
        for k in range(first, min(first + (1 << BIT_SHIFT), node["request_count"])):
            if wires["fifo"][node["requests"][k]]["count"] > 0:
                return False
    return True


@aside
def offer_later(system, wires, node, unit, now):
    """Leave requests for later: the bus was asked in this cycle. Returns when it is to be if it is empty."""
    unoffered = system["unoffered"][unit] & ~system["refused"][unit]
    again = NEVER
    for i in range(node["request_count"]):
        fifo = wires["fifo"][node["requests"][i]]
        fifo["asks_fs"] = 0
        if unoffered >> (i >> BIT_SHIFT) & 1:
            if visible(system, fifo):
                again = now + 1
            else:
                wake_reader(system, fifo)
    return again


@inlined
def leaves_asking(system, wires, node, state, unit):
    """Leave it to a master to ask the bus for a place in the next cycle, if only it waits and is called then.

    It is, as its full FIFO has a place in that cycle, which it does not know of before.
    """
    left, writer, called = system["unoffered"][unit], np.int64(-1), False
    while left and BIT_SHIFT == 0:
        fifo = wires["fifo"][node["requests"][lowest(left)]]
        lane = state["lanes"][2 * fifo["source"] + front(fifo)["write"]]
        if fifo["asks"] == 0 or (writer >= 0 and writer != fifo["writer"]):
            return False
        if lane["count"] < state["queue"]:
            if lane["count"] == 0 or fifo["count"] < fifo["limit"] or fifo["following"]:
                return False
            called = True
        writer = fifo["writer"]
        left &= left - 1
    if called:
        time = system["now_fs"] + period_of(system, unit)
        wires["fifo"][system["node"][writer]["down"]]["asks_fs"] = time
        wake_at_edge(system, writer, time)
    return called


@aside
def ask_bus(system, buses, reads, writes, now):
    """Have a bus queue what a master has for it, as it would if it was called now (`leaves_asking`)."""
    bus_unit = reads["reader"]
    state = buses["bus"][system["row"][bus_unit]]
    reads["asks_fs"] = 0
    if system["offered"][bus_unit] == now:
        return
    system["offered"][bus_unit] = now
    system["followed"][bus_unit] = 0
    for fifo in (reads, writes):
        if system["unoffered"][bus_unit] & ~system["refused"][bus_unit] & fifo["bit"]:
            bus_offer(system, fifo, state, now)
            if fifo["count"] == 0:
                system["unoffered"][bus_unit] &= ~fifo["bit"]
    system["wake_fs"][reads["writer"]] = NEVER  # it is being called


@inlined
def wake_bus(system, state, unit, due, again):
    """Wake a bus when it is ``due``, and an empty one at ``again``."""
    set_wake(system, unit, min(due, again) if again < NEVER and state["waiting"] == 0 else due)


@aside
def offer_followers(system, wires, node, state, unit, now):
    """Let the bus queue what has followed in this cycle, as `pass_on` would after its writer."""
    for i in range(node["request_count"]):
        fifo = wires["fifo"][node["requests"][i]]
        newest = fifo["rows"][(fifo["head"] + fifo["count"] - 1) % FIFO_ROWS]
        if system["followed"][unit] & fifo["bit"] and fifo["followed"] and newest["time"] == now:
            bus_offer(system, fifo, state, now)
            set_wake(system, unit, state["due"])


@apart("none")
def step_bus(system, wires, state, unit, now):
    node = system["node"][unit]
    if state["collects"]:
        collect(system, wires, node, state, unit, now)
    again = NEVER
    if system["offered"][unit] < now:
        system["offered"][unit] = now
        system["followed"][unit] = 0
        unoffered = system["unoffered"][unit] & ~system["refused"][unit]
        i = 0
        while unoffered >> (i >> BIT_SHIFT) and (BIT_SHIFT == 0 or i < node["request_count"]):
            if unoffered >> (i >> BIT_SHIFT) & 1:
                fifo = wires["fifo"][node["requests"][i]]
                offer(system, fifo, state, now)
                if fifo["count"] == 0 and is_last_of_bit(wires, node, i):
                    system["unoffered"][unit] &= ~fifo["bit"]
            i += 1
    else:
        again = offer_later(system, wires, node, unit, now)
    if not bus.is_due(state, now):
        wake_bus(system, state, unit, state["due"], again)
        return
    held = state["held"]
    due = bus.advance(state, now, wires, node["down"], node["up"])
    if due <= now + 1:
        system["refused"][unit] = 0
        if not bus.is_due(state, now + 1) and leaves_asking(system, wires, node, state, unit):
            due = state["due"]
    wake_bus(system, state, unit, due, again)
    for port in range(state["ports"]):
        fifo = wires["fifo"][node["down"] + port]
        if fifo["count"] > 0:
            announce(system, fifo)
    if held > 0:
        for source in range(state["sources"]):
            wake_reader(system, wires["fifo"][node["up"] + source])
    if system["followed"][unit]:
        offer_followers(system, wires, node, state, unit, now)


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
        if not cache.accept(state, tags, request, since):
            asked["blocker"] = state["culprit"]
            state["turned_away"] = 1
            return
        state["turned_away"] = 0
        if since < now:
            cache.found_busy(state, since)
            pop(asked)
        else:
            admit(system, asked, False)


@inlined
def close_door(system, wires, asked, node, state, unit):
    """Let a cache be called for new requests when they can be looked up, not when they are there.

    Not while a row waits below, or one that it has refused: with each call these are offered again. One row
    below that is not behind another is charged for nothing then.
    """
    period = period_of(system, unit)
    waiting = state["outside"] + state["turned_away"]
    for k in range(state["channels"]):
        below = wires["fifo"][node["down"] + k]
        if below["count"] > 1 or (below["count"] == 1 and seen_fs(system, below) < below["freed_fs"]):
            waiting += 1
    asked["late_fs"] = state["entry_latency"] * period if waiting == 0 else 0
    asked["closed_fs"] = state["bank"][0]["free"] * period


@apart("none")
def step_cache(system, wires, buses, state, tags, unit, now):
    """Let a cache do what is due; without a unit (-1), note what it would have before ``now``."""
    if state["unseen"]:
        cache.note_stalls(state, now)
    if unit < 0:
        return
    node = system["node"][unit]
    for k in range(state["channels"]):
        back = wires["fifo"][node["answers"][k]]
        while is_there(system, back):
            cache.respond(state, tags, front(back), now)
            take(system, back)
    for k in range(state["askers"]):
        take_requests(system, wires["fifo"][node["requests"][k]], state, tags, now)
    set_wake(system, unit, cache.advance(state, tags, now, wires, node["down"], node["up"]))
    for k in range(state["askers"]):
        asked = wires["fifo"][node["requests"][k]]
        if state["late"]:
            close_door(system, wires, asked, node, state, unit)
        if asked["count"] > 0 and not visible(system, asked):
            wake_taker(system, asked)
    for k in range(state["channels"]):
        announce(system, wires["fifo"][node["down"] + k])
    for k in range(state["ports"]):
        hand_up(system, wires, buses, wires["fifo"][node["up"] + k])


@njit
def settle_cache(system, wires, buses, state, tags, now):
    """Let a cache note what it has found by cycle ``now``."""
    step_cache(system, wires, buses, state, tags, -1, now + 1)


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
    for k in range(node["request_count"]):
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
