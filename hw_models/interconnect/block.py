"""The interconnect: masters' requests to memory ports, answers back, in order by master and id.

    accept(state, request, source, now) -> bool     a source offers a request that is visible from cycle `now`
    advance(state, now, wires, down, up) -> next
    respond(state, row, time, now, wires, down, up) -> next
                                                    a row from a memory port, visible from cycle `time`

`respond` is in `responses`. ``wires`` is one WIRING record: memory port p reads ``wires["fifo"][down + p]``,
master m ``wires["fifo"][up + m]``. `accept`, and with one memory port `respond`, may be called ahead of time,
as soon as the row exists (the outcome is the same). `respond` always succeeds: every answer has a place kept
for it. Call `advance` at the cycle it returned last, at ``state["due"]``, which `accept` and `respond` move
forward, and after a pop from one of our FIFOs that was full; at other times it does nothing (`is_due`).
Offer a refused request again in the cycle after a place was given up: `advance` returns that cycle. Rows
that go down carry the piece's slot in `tag`: bring it back untouched. Read answers go up one row for each
beat of the master's port, write answers one row for a request.

A request is cut at multiples of `burst`. A piece takes the request bus of its port for a cycle, a write
for a cycle per `width` bytes, is at the port `latency` later (a write with its last beat); the answer
takes the response bus for a cycle per `width` bytes, then the master's own link.
"""

import numpy as np

from hw_models.blame import Cause
from hw_models.interconnect.answers import beats_of, deliver_held
from hw_models.interconnect.arbiter import granted, pick
from hw_models.interconnect.hub import is_release, track
from hw_models.interconnect.hub_channels import give_way, is_turn, stage, take_turns
from hw_models.interconnect.lanes import (
    aim,
    count_in,
    leave,
    next_lane,
    pass_down,
    take_slot,
    waits_alone,
)
from hw_models.interconnect.looks import examine, stays, take_turn_ahead, waits_for_id
from hw_models.interconnect.names import LANE_ROWS
from hw_models.interconnect.responses import respond as respond
from hw_models.interconnect.routes import address_below, bus_of, has_one_bus, port_of_piece
from hw_models.interconnect.state import BIT_SHIFT, LANES
from hw_models.interconnect.waits import claim, wait_for
from hw_models.jit import aside, inlined, njit
from hw_models.port import NEVER, copy_request

ARBITRATION, QUEUE_FULL = int(Cause.ARBITRATION), int(Cause.QUEUE_FULL)
REGULATION, BUS_BUSY = int(Cause.REGULATION), int(Cause.BUS_BUSY)


@inlined
def refuses(state, request, source, now):
    """Tell whether a source's port has no place for ``request``; if so, note for whom that waits."""
    lane = state["lanes"][2 * source + request["write"]]
    if lane["count"] < state["queue"]:
        return False
    lane["refused"] = 1
    blame_refusal(lane, now)
    return True


@inlined
def blame_refusal(lane, now):
    """Note for whom a request waits that finds no place in ``lane``."""
    lane["blocker"] = lane["owner"] if lane["busy_until"] > now else lane["culprit"]


@inlined
def take_blocker(state, request, source):
    """Return for whom a request that is to be accepted has waited, -1 if it was not refused; forget it."""
    lane = state["lanes"][2 * source + request["write"]]
    blocker = lane["blocker"]
    lane["blocker"] = -1
    return blocker


@inlined
def accept(state, request, source, now):
    """Queue a copy of ``request`` at its source's port, unless that is full."""
    if refuses(state, request, source, now):
        return False
    enqueue(state, request, source, now)
    return True


@inlined
def enqueue(state, request, source, now):
    """Queue a copy of ``request`` at its source's port, which has a place for it."""
    write = request["write"]
    i = 2 * source + write
    lane = state["lanes"][i]
    row = lane["rows"][(lane["head"] + lane["count"]) % LANE_ROWS]
    now += state["entry"][source]
    copy_request(row, request)
    row["time"] = now
    lane["count"] += 1
    if lane["count"] == 1:
        state["waiting"] |= 1 << (i >> BIT_SHIFT)
        aim(state, i)
        if is_release(state, source, write):
            state["turns_due"] = min(state["turns_due"], now)
            if 0 < state["spared"] >= now - state["entry"][source]:
                look_anyway(state)
        else:
            claim(state, i, now)
            lane["retry"] = max(now, lane["busy_until"])
            if state["fifo"][source] and waits_alone(state, i):
                waits_for_id(state, i, lane["retry"], now)
            state["lanes_due"] = min(state["lanes_due"], lane["retry"])
        state["due"] = min(state["lanes_due"], state["turns_due"])
    if write:
        state["writes"][row["master"]] += 1
        state["write_bytes"][row["master"]] += row["bytes"]
    else:
        state["reads"][row["master"]] += 1
        state["read_bytes"][row["master"]] += row["bytes"]


@inlined
def spare_for_good(state, now):
    """Forget the look at the lanes that was to be spared, if it would have been by ``now``."""
    if state["spared"] <= now:
        state["spared"] = 0


@inlined
def look_anyway(state):
    """Have the look at the lanes that was to be spared: a release has come by then."""
    state["lanes_due"] = min(state["lanes_due"], state["spared"])
    state["due"] = min(state["due"], state["lanes_due"])


@inlined
def send(state, i, bus, now, wires, down):
    """Put the next piece of lane ``i`` on the bus."""
    lane = state["lanes"][i]
    source, write = i >> 1, i & 1
    row = lane["rows"][lane["head"]]
    master, size, address, port = lane["master"], lane["size"], lane["address"], port_of_piece(state, lane)
    index = take_slot(state, i, lane, row)
    beats = beats_of(state, source, size) if write else np.int64(1)
    time = now + state["latency"][source, write] + (0 if state["cut_through"] else beats - 1)
    interval = max(beats, state["accept_interval"])
    tracker = track(state, port, address, master)
    state["slots"][index]["tracker"] = tracker
    if state["route_count"] > 0:
        address = address_below(state["routes"], address)
    if state["caches"] > 0:
        stage(state, source, tracker, index, row, address, now, wires, down)
        interval = max(beats, interval - state["caching"][source])  # its own cache is not probed
    else:
        pass_down(wires["fifo"][down + port], row, index, address, size, time)
    state["fifo_head"][source] = -1
    state["fifo_since"][source] = now + 1
    state["fifo_until"][source, lane["name"]] = NEVER
    count_in(state, source, write, port, master, size)
    state["bus_free"][bus] = now + interval
    state["bus_owner"][bus] = master
    state["busy_cycles"][bus] += beats
    leave(state, i, lane, row, now)


@aside
def examine_again(state, i, now, wires, down):
    """Do what `examine` does, where there are several buses."""
    return examine(state, i, now, wires, down)


@inlined
def grant(state, bus, now, wires, down):
    """Let the bus's arbiter choose among the lanes that could take it; the others wait for the winner.

    Returns whether a piece was sent.
    """
    source = pick(state["arbiters"][bus], state["wants"][bus], now)
    if source < 0:
        return False
    granted(state["arbiters"][bus], source)
    winner = 2 * source + state["write_turn"][source]
    lane = state["lanes"][winner]
    if lane["count"] == 0 or bus_of(state, lane) != bus or lane["ready"] == 0:
        winner ^= 1
    state["write_turn"][source] = 1 - (winner & 1)
    master = state["lanes"][winner]["master"]
    send(state, winner, bus, now, wires, down)
    due = NEVER
    waiting = state["waiting"]
    i = next_lane(state, waiting, 0)
    while i < LANES:
        if has_one_bus(state):
            stays(state, i, now)
            due = min(due, state["lanes"][i]["retry"])
        elif i == winner or state["lanes"][i]["bus"] == bus:
            if examine_again(state, i, now, wires, down):
                wait_for(state, i, ARBITRATION, master, now + 1, now)  # a port sends one piece a cycle
        i = next_lane(state, waiting, i + 1)
    state["lanes_due"] = due
    if state["fifo"][source] and has_one_bus(state):
        take_turn_ahead(state, source, now)
    elif state["fifo"][source]:
        for i in (winner, winner ^ 1):
            if state["lanes"][i]["bus"] != bus:  # it may stand first next
                state["lanes"][i]["retry"] = min(state["lanes"][i]["retry"], now + 1)
    return True


@aside
def ask_again(state, bus, now, wires, down):
    """Look again who could take a bus: another bus has had places, trackers or budget in this very cycle."""
    wants = np.int64(0)
    waiting = state["waiting"]
    i = next_lane(state, waiting, 0)
    while i < LANES:
        lane = state["lanes"][i]
        if bus_of(state, lane) == bus and lane["ready"]:
            lane["ready"] = examine_again(state, i, now, wires, down)
            wants |= lane["ready"] << (i >> 1)
        i = next_lane(state, waiting, i + 1)
    state["wants"][bus] = wants


@njit
def advance(state, now, wires, down, up):
    """Grant every bus that is free to one of the pieces that may go. Returns when to come again."""
    turns = state["caches"] > 0 and is_turn(state, now)
    if turns:
        give_way(state, now, wires["fifo"][down])
    if state["lanes_due"] <= now or state["full"] or state["held"] > 0:
        if state["held"] > 0:
            deliver_held(state, now, wires, up)
        serve_lanes(state, now, wires, down)
    if turns or state["probing"] > 0 or state["turns_due"] <= now:
        state["turns_due"] = take_turns(state, now, wires, down)
    state["due"] = min(state["lanes_due"], state["turns_due"])
    if state["room"]:
        state["room"] = 0
        return min(state["due"], now + 1)
    return state["due"]


@inlined
def serve_lanes(state, now, wires, down):
    """Look at every lane, grant every bus, and note when to look again."""
    state["limited"] = state["awaited"] = state["full"] = state["serialised"] = state["spared"] = 0
    for bus in range(state["ports"] * state["channels"]):
        state["wants"][bus] = 0
    first = state["served"] < now  # in this cycle
    state["served"] = now
    due = NEVER
    waiting = state["waiting"]
    i = next_lane(state, waiting, 0)
    while i < LANES:
        lane = state["lanes"][i]
        if lane["refused"] and first:
            blame_refusal(lane, now)
        lane["ready"] = examine(state, i, now, wires, down)
        if lane["ready"]:
            state["wants"][bus_of(state, lane)] |= np.int64(1) << (i >> 1)
        due = min(due, lane["retry"])
        i = next_lane(state, waiting, i + 1)
    state["lanes_due"] = due
    sent = False
    for bus in range(state["ports"] * state["channels"]):
        if sent and state["wants"][bus]:
            ask_again(state, bus, now, wires, down)
        if state["wants"][bus]:
            sent |= grant(state, bus, now, wires, down)
    if not has_one_bus(state):
        state["lanes_due"] = next_look(state)
    if state["limited"]:
        state["lanes_due"] = min(state["lanes_due"], state["next_release"])


@aside
def next_look(state):
    """Return when a lane may go that could not now, NEVER if only others can tell."""
    due = NEVER
    waiting = state["waiting"]
    i = next_lane(state, waiting, 0)
    while i < LANES:
        due = min(due, state["lanes"][i]["retry"])
        i = next_lane(state, waiting, i + 1)
    return due


@inlined
def is_due(state, now):
    """Tell whether `advance` may have something to do; at other times only refused requests may go on."""
    return state["due"] <= now or state["full"] or state["held"] > 0
