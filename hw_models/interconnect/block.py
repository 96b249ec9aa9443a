"""The interconnect: masters' requests to memory ports, answers back, in order by master and id.

    accept(state, request, source, now) -> bool     a source offers a request that is visible from cycle `now`
    advance(state, now, wires, down, up) -> next
    respond(state, row, time, wires, up) -> next    a row from a memory port, visible from cycle `time`

``wires`` is one WIRING record: memory port p reads ``wires["fifo"][down + p]``, master m
``wires["fifo"][up + m]``. `accept`, and with one memory port `respond`, may be called ahead of time, as
soon as the row exists (the outcome is the same). `respond` always succeeds: every answer has a place kept
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

from hw_models.blame import Cause, most_of
from hw_models.interconnect.answers import beats_of, count_out, deliver, deliver_held, note
from hw_models.interconnect.arbiter import fits_slot, granted, next_turn, pick
from hw_models.interconnect.foresight import recall
from hw_models.interconnect.hub import hub_wait, is_release, track
from hw_models.interconnect.hub_channels import is_turn, let_go, stage, take_turns
from hw_models.interconnect.lanes import (
    aim,
    count_in,
    has_requests,
    leave,
    pass_down,
    take_slot,
    waits_alone,
)
from hw_models.interconnect.names import LANE_ROWS
from hw_models.interconnect.regulator import held_until
from hw_models.interconnect.routes import address_below, bus_of, has_one_bus, port_of_piece
from hw_models.interconnect.state import BIT_SHIFT, GRANTS, LANES
from hw_models.interconnect.waits import claim, wait_for
from hw_models.jit import aside, inlined, njit
from hw_models.port import NEVER, copy_request, front, is_full

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
def at_limit(state, i, name):
    """Tell whether lane ``i`` has as many pieces in flight as it may, or as the id may."""
    source = i >> 1
    return (
        state["lane_flight"][i] >= state["limit"][source]
        or state["id_flight"][i, name] >= state["id_limit"][source]
        or state["free_slot"] < 0
    )


@inlined
def is_port_full(state, write, port):
    """Tell whether as many pieces are in flight at a memory port as it takes."""
    limited = state["port_limited"] == 1
    return limited and state["port_flight"][write, port] >= state["port_limit"][write]


@inlined
def stands_from(state, i):
    """Return from when on lane ``i`` may stand first in its source's channel: its bus is free, too."""
    lane = state["lanes"][i]
    return max(lane["time"], state["bus_free"][bus_of(state, lane)], state["fifo_since"][i >> 1])


@inlined
def is_first(state, i, now):
    """Tell whether lane ``i`` stands first in the one channel of its source's reads and writes.

    Whoever could stand there first does; where both were there by then, they take turns.
    """
    source = i >> 1
    if state["fifo_head"][source] < 0:
        since, own = stands_from(state, i), i & 1
        if since > now:
            return False
        lane, other = state["lanes"][i], state["lanes"][i ^ 1]
        state["fifo_head"][source] = own
        if other["count"] > 0 and not is_release(state, source, 1 - own):
            since = min(since, stands_from(state, i ^ 1))
            if other["time"] <= since:
                state["fifo_head"][source] = state["write_turn"][source] if lane["time"] <= since else 1 - own
    return state["fifo_head"][source] == i & 1


@inlined
def waits_for_id(state, i, time, now):
    """Tell whether lane ``i``'s piece will wait at ``time`` for its id's last transaction, if it is first."""
    lane = state["lanes"][i]
    until = state["fifo_until"][i >> 1, lane["name"]]
    if until <= time:
        return False
    state["serialised"] |= until == NEVER
    wait_for(state, i, QUEUE_FULL, lane["master"], until, now)
    return True


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
            if state["foresees"]:
                recall(state)
            state["turns_due"] = min(state["turns_due"], now)
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
def keeps_order(state, i, now):
    """Tell whether lane ``i``'s piece waits for its turn in the channel or for its id's last transaction."""
    if is_first(state, i, now):
        return waits_for_id(state, i, now, now)
    wait_for(state, i, QUEUE_FULL, state["lanes"][i]["master"], NEVER, now)
    return True


@inlined
def stay_busy(state, i, now):
    """Note what holds lane ``i``'s piece up while its bus is busy, and then, as far as that is sure."""
    lane = state["lanes"][i]
    claim(state, i, now)
    lane["retry"] = lane["busy_until"]
    if state["trackers"] > 0 and hub_wait(state, i, port_of_piece(state, lane), lane["address"], now):
        return  # no need to look before the hub has room either
    if state["fifo"][i >> 1]:
        if state["fifo_head"][i >> 1] >= 0:
            keeps_order(state, i, now)  # nor before its turn
        elif waits_alone(state, i):
            waits_for_id(state, i, lane["busy_until"], now)  # whoever comes until then is looked at


@inlined
def stays(state, i, now):
    """Tell whether lane ``i``'s next piece cannot take its bus now, whatever there is room for; note why."""
    lane = state["lanes"][i]
    if lane["time"] > now:
        wait_for(state, i, QUEUE_FULL, lane["master"], lane["time"], now)
    elif is_release(state, i >> 1, i & 1):  # `take_turns` sends it
        wait_for(state, i, ARBITRATION, max(0, state["onward_owner"]), NEVER, now)
    elif state["bus_free"][bus_of(state, lane)] > now:
        stay_busy(state, i, now)
    else:
        return False
    return True


@inlined
def examine(state, i, now, wires, down):
    """Return 1 if lane ``i``'s next piece could take its bus now; 0 with the reason noted if it cannot."""
    if stays(state, i, now):
        return np.int64(0)
    lane = state["lanes"][i]
    source, write, port, size = i >> 1, i & 1, port_of_piece(state, lane), lane["size"]
    master, name, address = lane["master"], lane["name"], lane["address"]
    if state["fifo"][source] and keeps_order(state, i, now):
        return np.int64(0)
    if at_limit(state, i, name):
        count_out(state, now)  # only now: most of the time there is room without
        if at_limit(state, i, name):
            state["limited"] = 1
            return wait_for(state, i, QUEUE_FULL, master, NEVER, now)
    if is_port_full(state, write, port):
        count_out(state, now)
    if is_port_full(state, write, port):
        state["limited"] = 1
        culprit = most_of(state["port_share"][write, port], state["masters"], master)
        return wait_for(state, i, QUEUE_FULL, culprit, NEVER, now)
    if state["trackers"] > 0 and hub_wait(state, i, port, address, now):
        return np.int64(0)
    if is_full(wires["fifo"][down + port]):
        state["full"] = 1
        return wait_for(state, i, QUEUE_FULL, front(wires["fifo"][down + port])["master"], NEVER, now)
    until = held_until(state["regulation"], source, write, size, now)
    if until > now:
        return wait_for(state, i, REGULATION, master, until, now)
    # what holds if the arbiter passes it over: its TDM slot is still to come
    arbiter = state["arbiters"][bus_of(state, lane)]
    wait_for(state, i, ARBITRATION, master, next_turn(arbiter, source, now), now)
    return np.int64(fits_slot(arbiter, beats_of(state, source, size) if write else 1, now))


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
        stage(state, source, tracker, index, address, now)
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
    i = 0
    while waiting >> (i >> BIT_SHIFT):
        if has_requests(state, waiting, i):
            if has_one_bus(state):
                stays(state, i, now)
                due = min(due, state["lanes"][i]["retry"])
            elif i == winner or state["lanes"][i]["bus"] == bus:
                if examine_again(state, i, now, wires, down):
                    wait_for(state, i, ARBITRATION, master, now + 1, now)  # a port sends one piece a cycle
        i += 1
    state["lanes_due"] = due
    if state["fifo"][source] and not has_one_bus(state):
        for i in (winner, winner ^ 1):
            if state["lanes"][i]["bus"] != bus:  # it may stand first next
                state["lanes"][i]["retry"] = min(state["lanes"][i]["retry"], now + 1)
    return True


@aside
def ask_again(state, bus, now, wires, down):
    """Look again who could take a bus: another bus has had places, trackers or budget in this very cycle."""
    wants = np.int64(0)
    waiting = state["waiting"]
    i = 0
    while waiting >> (i >> BIT_SHIFT):
        lane = state["lanes"][i]
        if has_requests(state, waiting, i) and bus_of(state, lane) == bus and lane["ready"]:
            lane["ready"] = examine_again(state, i, now, wires, down)
            wants |= lane["ready"] << (i >> 1)
        i += 1
    state["wants"][bus] = wants


@njit
def advance(state, now, wires, down, up):
    """Grant every bus that is free to one of the pieces that may go. Returns when to come again."""
    turns = state["caches"] > 0 and is_turn(state, now)
    if state["lanes_due"] <= now or state["full"] or state["held"] > 0:
        if state["held"] > 0:
            deliver_held(state, now, wires, up)
        serve_lanes(state, now, wires, down)
    if turns or state["probing"] > 0:
        state["turns_due"] = take_turns(state, now, wires, down)
    state["due"] = min(state["lanes_due"], state["turns_due"])
    if state["room"]:
        state["room"] = 0
        return min(state["due"], now + 1)
    return state["due"]


@inlined
def serve_lanes(state, now, wires, down):
    """Look at every lane, grant every bus, and note when to look again."""
    state["limited"] = state["awaited"] = state["full"] = state["serialised"] = 0
    for bus in range(state["ports"] * state["channels"]):
        state["wants"][bus] = 0
    first = state["served"] < now  # in this cycle
    state["served"] = now
    due = NEVER
    waiting = state["waiting"]
    i = 0
    while waiting >> (i >> BIT_SHIFT):
        if has_requests(state, waiting, i):
            lane = state["lanes"][i]
            if lane["refused"] and first:
                blame_refusal(lane, now)
            lane["ready"] = examine(state, i, now, wires, down)
            if lane["ready"]:
                state["wants"][bus_of(state, lane)] |= np.int64(1) << (i >> 1)
            due = min(due, lane["retry"])
        i += 1
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
    i = 0
    while waiting >> (i >> BIT_SHIFT):
        if has_requests(state, waiting, i):
            due = min(due, state["lanes"][i]["retry"])
        i += 1
    return due


@inlined
def is_due(state, now):
    """Tell whether `advance` may have something to do; at other times only refused requests may go on."""
    return state["due"] <= now or state["full"] or state["held"] > 0


@inlined
def next_has(state, source, name):
    """Tell whether a source whose ids have one transaction each has ``name`` on what it sends next."""
    reads, writes = state["lanes"][2 * source], state["lanes"][2 * source + 1]
    return state["fifo"][source] == 1 and (
        (reads["count"] > 0 and reads["name"] == name) or (writes["count"] > 0 and writes["name"] == name)
    )


@inlined
def only_has(state, source, name):
    """Tell whether `next_has`, and nobody else has requests, nor is to blame for that one's wait."""
    i = 2 * source + (state["lanes"][2 * source]["count"] == 0)
    lane = state["lanes"][i]
    own = lane["cause"] == QUEUE_FULL and lane["culprit"] == lane["master"]
    return state["fifo"][source] == 1 and waits_alone(state, i) and lane["name"] == name and own


@aside
def note_grant(state, cache, time):
    """Note that a cache is granted a line at ``time``: it takes no probes for a while."""
    if state["foreseen"]:
        recall(state)
    state["granted_from"][cache, state["grants"][cache] % GRANTS] = time
    state["grants"][cache] += 1
    state["kept_until"] = max(state["kept_until"], time + state["grant_blocks"])


@njit
def respond(state, row, time, wires, up):
    """Take an answer from a memory port. Returns when `advance` is due because of it, NEVER if it is not."""
    slot = state["slots"][row["tag"]]
    i, master = slot["lane"], slot["request"]["master"]
    source, write = i >> 1, i & 1
    free = NEVER
    if state["caches"] > 0 and write:
        free = let_go(state, row["tag"], time)
        state["turns_due"] = min(state["turns_due"], free)
        state["due"] = min(state["due"], free)
    port = port_of_piece(state, slot)
    bus = port * state["channels"] + write * (state["channels"] - 1)
    start = max(time, state["back_free"][bus])
    if start > time:
        state["blame"][master, state["back_owner"][bus], BUS_BUSY] += start - time
    beats = np.int64(1) if write else beats_of(state, source, row["bytes"])
    state["back_free"][bus] = start + beats
    state["back_owner"][bus] = master
    state["back_busy_cycles"][bus] += beats
    slot["missing"] -= slot["bytes"] if write else row["bytes"]
    if slot["missing"] > 0:
        return free
    whole = np.int64(1) if write else beats_of(state, source, slot["bytes"])
    begins = start + beats - whole
    slot["arrived"] = begins + state["response_latency"][source]
    if state["port_limited"]:
        note(state["gone"][bus], start + beats, i + LANES * master)
    over = start + beats + state["hub_release"]
    if slot["tracker"] >= 0:  # else a release
        state["tracked_until"][port, slot["tracker"]] = over
        state["fifo_until"][source, slot["id"]] = begins + state["fifo_release"][source]
    if state["caching"][source] and write == 0:
        note_grant(state, source, start + state["response_latency"][source])
    deliver(state, i, slot["id"], np.int64(0), wires, up)
    if state["limited"] or (state["serialised"] and state["awaited"]):
        due = start + beats - (state["response_latency"][source] == 0)  # else seen after it has left
        if state["fifo"][source]:
            due = min(due, state["fifo_until"][source, slot["id"]])
    elif state["serialised"]:
        if slot["tracker"] < 0 or not next_has(state, source, slot["id"]):
            return free
        due = state["fifo_until"][source, slot["id"]]
    elif slot["tracker"] >= 0 and state["awaited"] >> slot["tracker"] & 1:
        first = port * state["channels"]
        due = max(over, min(state["bus_free"][first], state["bus_free"][first + state["channels"] - 1]))
        if only_has(state, source, slot["id"]):
            due = max(due, state["fifo_until"][source, slot["id"]])
    else:
        return free
    state["lanes_due"] = min(state["lanes_due"], due)
    state["due"] = min(state["due"], due)
    return min(due, free)
