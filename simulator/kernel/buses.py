"""One step of an interconnect, and how it is handed requests from above and answers from below."""

import numpy as np

from hw_models.bits import lowest
from hw_models.interconnect import block as bus
from hw_models.interconnect.hub_channels import give_way
from hw_models.interconnect.responses import respond
from hw_models.interconnect.state import BIT_SHIFT
from hw_models.jit import apart, aside, inlined
from hw_models.port import FIFO_ROWS, NEVER, front
from simulator.kernel.wakes import (
    admit,
    announce,
    period_of,
    set_wake,
    take,
    to_cycles,
    visible,
    wake_at_edge,
    wake_reader,
    wake_taker,
    whole_cycles,
)


@apart("int64")
def bus_respond(state, row, time, now, wires, node):
    """`respond`, for all that answer a bus."""
    return respond(state, row, time, now, wires, node["down"], node["up"])


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
def pass_on(system, buses, fifo):
    """Let the reader have a master's new requests: a bus queues them at once if it has a clock edge now.

    While it has no place for the oldest, others are of no interest.
    """
    if fifo["bit"]:
        reader = fifo["reader"]
        period = period_of(system, reader)
        now = whole_cycles(system["now_fs"], period)
        if system["one_clock"] or now * period == system["now_fs"]:
            state = buses["bus"][system["row"][reader]]
            if system["refused"][reader] & fifo["bit"]:
                bus.refuses(state, front(fifo), fifo["source"], now)
                return
            bus.spare_for_good(state, now)
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
    state, node = buses["bus"][system["row"][unit]], system["node"][unit]
    period = period_of(system, unit)
    now = to_cycles(system["now_fs"], period)
    while fifo["count"] > 0:
        row = front(fifo)
        cycle = row["time"]
        if not system["one_clock"]:
            cycle = to_cycles(cycle * system["period_fs"][writer], period)
        source = state["slots"][row["tag"]]["lane"] >> 1
        set_wake(system, unit, bus_respond(state, row, cycle, now, wires, node))
        wake_reader(system, wires["fifo"][node["up"] + source])
        take(system, fifo)


@aside
def collect(system, wires, node, state, unit, now):
    """Take what several memory ports have answered, each at its time: they share the way back."""
    for k in range(node["answer_count"]):
        back = wires["fifo"][node["answers"][k]]
        while visible(system, back):
            source = state["slots"][front(back)["tag"]]["lane"] >> 1
            set_wake(system, unit, bus_respond(state, front(back), now, now, wires, node))
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


@inlined
def offer_all(system, wires, node, state, unit, now):
    """Let the bus queue the requests that it has not been offered yet, or may take again."""
    unoffered = system["unoffered"][unit] & ~system["refused"][unit]
    i = 0
    while unoffered >> (i >> BIT_SHIFT) and (BIT_SHIFT == 0 or i < node["request_count"]):
        if unoffered >> (i >> BIT_SHIFT) & 1:
            fifo = wires["fifo"][node["requests"][i]]
            offer(system, fifo, state, now)
            if fifo["count"] == 0 and is_last_of_bit(wires, node, i):
                system["unoffered"][unit] &= ~fifo["bit"]
        i += 1


@apart("none")
def step_bus(system, wires, state, unit, now):
    node = system["node"][unit]
    if state["collects"]:
        collect(system, wires, node, state, unit, now)
    if state["caches"] > 0:  # what came after the latest call has come after the turns of that cycle
        give_way(state, now + 1, wires["fifo"][node["down"]])
    again = NEVER
    if system["offered"][unit] < now:
        system["offered"][unit] = now
        system["followed"][unit] = 0
        offer_all(system, wires, node, state, unit, now)
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
