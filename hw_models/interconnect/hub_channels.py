"""The hub's channels: releases and the probes' answers come in through one, all goes on through another.

rocket-chip's TLBroadcast (50bb13d, tilelink/Broadcast.scala) sends a request on once every data cache has
answered its probe. The answers share one channel with the lines that caches release, whole lines at a time,
the caches in turn (in.c, a round robin in the system bus); releases go before requests on the way out
(out.a, lowestFromSeq) and hold both channels until memory takes their data. A data cache takes no probe
while it releases a line, nor while it is granted one and for a while after (rocket/DCache.scala:563,
block_probe), and takes one at a time.

`take_turns` works the channels off lazily: an answer's turn is found when something depends on it.
"""

import numpy as np

from hw_models.bits import lowest
from hw_models.blame import Cause
from hw_models.interconnect.answers import beats_of, count_out
from hw_models.interconnect.foresight import earliest, foresee, forget_over, go_by, probe, put_back
from hw_models.interconnect.lanes import (
    count_in,
    leave,
    pass_down,
    release_waits,
    take_slot,
)
from hw_models.interconnect.regulator import held_until
from hw_models.interconnect.routes import address_below, bus_of, port_of_piece
from hw_models.interconnect.state import GRANTS
from hw_models.jit import aside, inlined, njit
from hw_models.port import FIFO_ROWS, NEVER, copy_request, is_full

BUS_BUSY = int(Cause.BUS_BUSY)


@inlined
def probe_all(state, source, t, now, fifo):
    """Send out the probes of tracker ``t``'s transaction, granted ``now``: one cache a cycle, not its own.

    Returns whether their answers are foreseen.
    """
    arrives = now + max(0, state["probe"] - state["caches"] + 1)
    if state["foresees"] and foresee(state, source, t, arrives):
        return True
    follow_all(state, source, t, arrives, now, fifo)
    return False


@aside
def follow_all(state, source, t, arrives, now, fifo):
    """Send tracker ``t``'s probes, the first at ``arrives``, to be followed from cache to cache."""
    if state["foresees"]:
        recall(state, now, fifo)
    state["unanswered"][t] = 0
    state["answered"][t] = arrives
    for cache in range(state["sources"]):
        if state["caching"][cache] == 0 or cache == source:
            continue
        probe(state, cache, t, arrives)
        state["answered"][t] = arrives + state["probe_answer"]  # at the earliest
        arrives += 1


@inlined
def stage(state, source, t, index, row, address, now, wires, down):
    """Keep a piece of request ``row`` at tracker ``t`` until its probes are answered; `send_staged` sends it.

    Where it is sure when that will be, it is in the FIFO to memory from now on.
    """
    fifo, there = wires["fifo"][down], now + state["latency"][source, row["write"]]
    foreseen = probe_all(state, source, t, now, fifo)
    soonest = state["answered"][t] + 1
    if state["ahead"] and foreseen and state["staging"] == 0 and state["onward_free"] <= soonest:
        pass_down(fifo, row, index, address, state["slots"][index]["bytes"], there)
        if row["write"]:
            state["onward_before"], state["owner_before"] = state["onward_free"], state["onward_owner"]
            hold(state, index, NEVER)
            state["onward_owner"] = row["master"]
        return
    keep(state, t, index, address, soonest, there)
    state["turns_due"] = min(state["turns_due"], max(soonest, state["onward_free"]))


@inlined
def keep(state, t, index, address, soonest, there):
    """Keep a piece at tracker ``t`` that goes at ``soonest``, and is at the memory port at ``there`` then."""
    state["staged"][t] = index
    state["staging"] |= 1 << t
    state["staged_address"][t] = address
    state["staged_soonest"][t] = soonest
    state["staged_way"][t] = max(0, there - soonest)


@njit
def recall(state, now, fifo):
    """Follow every probe that was foreseen from where it is; those answered before ``now`` are over."""
    while state["foreseen"]:
        t = earliest(state)
        if state["staging"] >> t & 1 == 0 and state["answered"][t] + 1 >= now:
            take_back(state, t, fifo)
        if state["answered"][t] < now:
            go_by(state, t)
        else:
            put_back(state, t)
    forget_over(state)


@inlined
def give_way(state, now, fifo):
    """Recall what was foreseen if a cache has a line to release; turns before ``now`` are over."""
    if release_waits(state) and state["foreseen_last"] >= 0:
        recall(state, now, fifo)


@inlined
def take_back(state, t, fifo):
    """Keep the piece at tracker ``t`` that is in the FIFO to memory ahead of its time."""
    at = fifo["head"] + fifo["count"] - 1
    while state["slots"][fifo["rows"][at % FIFO_ROWS]["tag"]]["tracker"] != t:
        at -= 1
    row, soonest = fifo["rows"][at % FIFO_ROWS], state["answered"][t] + 1
    keep(state, t, row["tag"], row["address"], soonest, row["time"])
    state["turns_due"] = min(state["turns_due"], soonest)
    if row["tag"] == state["onward_slot"]:
        state["onward_slot"] = -1
        state["onward_free"], state["onward_owner"] = state["onward_before"], state["owner_before"]
    fifo["count"] -= 1
    while at < fifo["head"] + fifo["count"]:
        copy_request(fifo["rows"][at % FIFO_ROWS], fifo["rows"][(at + 1) % FIFO_ROWS])
        at += 1


@inlined
def release_time(state, cache, now):
    """Return when the next line that a cache releases is at the hub, NEVER without one."""
    lane = state["lanes"][2 * cache + 1]
    if lane["count"] == 0:
        return NEVER
    time = lane["time"] + state["latency"][cache, 1] - 1
    return max(time, held_until(state["regulation"], cache, 1, lane["size"], now))


@inlined
def may_take(state, cache, at):
    """Return the first cycle from ``at`` on in which a cache can take a probe, NEVER if a line must go."""
    lane = state["lanes"][2 * cache + 1]
    waiting = lane["time"] if lane["count"] > 0 else NEVER
    before = np.int64(-1)
    while before != at:
        if waiting <= at:
            return NEVER
        before = at
        at = max(at, state["released"][cache])
        latest = state["granted_from"][cache, (state["grants"][cache] - 1) % GRANTS]
        if at < latest + state["grant_blocks"]:
            for n in range(GRANTS):
                begins = state["granted_from"][cache, n]
                if begins <= at < begins + state["grant_blocks"]:
                    at = begins + state["grant_blocks"]
    return at


@njit
def take_probes(state, cache, now):
    """Let a cache take its probes of cycles before ``now``: nothing that is to come keeps it from that."""
    n = state["taken"][cache]
    while n < state["probes"][cache]:
        at = may_take(state, cache, max(state["probe_time"][cache, n], state["probe_next"][cache]))
        if at >= now:
            if at < NEVER:  # whatever comes, not before: grants that kept it out until then may be forgotten
                state["probe_next"][cache] = at
                state["kept_until"] = max(state["kept_until"], at)
            break
        state["probe_next"][cache] = state["probe_time"][cache, n] = at + state["probe_answer"]
        state["kept_until"] = max(state["kept_until"], at + state["probe_answer"])
        n += 1
    state["taken"][cache] = n


@inlined
def answer_time(state, cache):
    """Return when a cache's next answer to a probe is at the hub, NEVER while that depends on a release."""
    if state["probes"][cache] == 0:
        return NEVER
    if state["taken"][cache] > 0:
        return state["probe_time"][cache, 0]
    at = may_take(state, cache, max(state["probe_time"][cache, 0], state["probe_next"][cache]))
    return NEVER if at >= NEVER else at + state["probe_answer"]


@inlined
def take_answer(state, cache, now):
    """Let a cache's oldest answer through in cycle ``now``."""
    t = state["probe_of"][cache, 0]
    count = state["probes"][cache] - 1
    for n in range(count):
        state["probe_time"][cache, n] = state["probe_time"][cache, n + 1]
        state["probe_of"][cache, n] = state["probe_of"][cache, n + 1]
    state["probes"][cache] = count
    state["taken"][cache] -= 1
    state["probing"] -= 1
    state["unanswered"][t] -= 1
    state["answered"][t] = now
    state["answers_free"] = now + 1


@inlined
def send_release(state, cache, at, now, wires, down):
    """Pass a released line on from cycle ``at``: both channels are its own until memory takes it."""
    i = 2 * cache + 1
    lane = state["lanes"][i]
    row = lane["rows"][lane["head"]]
    size, master, address, port = lane["size"], lane["master"], lane["address"], port_of_piece(state, lane)
    index = take_slot(state, i, lane, row)
    state["slots"][index]["tracker"] = -1
    if state["route_count"] > 0:
        address = address_below(state["routes"], address)
    pass_down(wires["fifo"][down + port], row, index, address, size, max(now, at + 1))
    count_in(state, cache, 1, port, master, size)
    beats = beats_of(state, cache, size)
    state["busy_cycles"][bus_of(state, lane)] += beats
    hold(state, index, at + beats)
    state["answers_free"] = state["onward_free"]
    state["onward_owner"] = master
    state["released"][cache] = state["onward_free"]
    state["kept_until"] = max(state["kept_until"], at + beats)
    leave(state, i, lane, row, now)


@inlined
def hold(state, index, until):
    """Keep the channel to memory for a write: until memory has taken its data, where that is known."""
    state["onward_free"] = until
    if state["write_lead"] >= 0:
        state["onward_free"] = NEVER
        state["onward_slot"] = index


@inlined
def let_go(state, index, time):
    """Memory acknowledges a write at ``time``.

    Returns when its channels are free, NEVER if it had none or nothing waits for them.
    """
    if index != state["onward_slot"]:
        return NEVER
    free = time - state["write_lead"]
    state["onward_slot"] = -1
    state["onward_free"] = free
    if state["answers_free"] == NEVER:
        state["answers_free"] = free
        cache = state["slots"][index]["lane"] >> 1
        state["released"][cache] = free
        state["kept_until"] = max(state["kept_until"], free)
    return free if state["staging"] or follows(state) else NEVER


@inlined
def send_staged(state, t, now, wires, down):
    """Send on what tracker ``t`` keeps."""
    index = state["staged"][t]
    slot = state["slots"][index]
    request = slot["request"]
    source, write = slot["lane"] >> 1, slot["lane"] & 1
    fifo, time = wires["fifo"][down + port_of_piece(state, slot)], now + state["staged_way"][t]
    pass_down(fifo, request, index, state["staged_address"][t], slot["bytes"], time)
    state["staged"][t] = -1
    state["staging"] ^= 1 << t
    if state["foreseen"] >> t & 1:
        go_by(state, t)
    if now > state["staged_soonest"][t]:
        culprit = max(0, state["onward_owner"])
        state["blame"][request["master"], culprit, BUS_BUSY] += now - state["staged_soonest"][t]
    if write:
        hold(state, index, now + beats_of(state, source, slot["bytes"]))
        state["onward_owner"] = request["master"]
    else:
        state["onward_free"] = now + 1


@inlined
def look_at(state, cache, now):
    """Find when a cache has something for the channel to the hub."""
    state["turn_from"][cache] = min(release_time(state, cache, now), answer_time(state, cache))


@inlined
def look_at_all(state, now):
    """As `look_at`, of every source; one without a cache never has."""
    for cache in range(state["sources"]):
        state["turn_from"][cache] = NEVER
        if state["caching"][cache]:
            look_at(state, cache, now)


@aside
def work_off(state, now, wires, down):
    """Give the channel to the hub to releases and answers, the caches in turn, up to ``now``.

    Returns when there is more to do, NEVER if only others can tell.
    """
    if state["probing"] > 0:
        for cache in range(state["sources"]):
            if state["taken"][cache] < state["probes"][cache]:
                take_probes(state, cache, now)
    look_at_all(state, now)
    while True:
        soonest = NEVER
        for cache in range(state["sources"]):
            soonest = min(soonest, state["turn_from"][cache])
        at = max(soonest, state["answers_free"])
        if at > now:
            return at
        winner = state["answers_turn"]
        while True:
            winner = winner + 1 if winner + 1 < state["sources"] else 0
            if state["turn_from"][winner] <= at:
                break
        answered = answer_time(state, winner)
        if answered == state["turn_from"][winner]:
            take_answer(state, winner, at)
            look_at(state, winner, now)
        else:
            at = max(at, state["onward_free"])
            if at > now:
                return at
            lane = state["lanes"][2 * winner + 1]
            if state["free_slot"] < 0:
                count_out(state, now)
            if state["free_slot"] < 0 or is_full(wires["fifo"][down + port_of_piece(state, lane)]):
                state["full"] = 1
                return now + 1
            send_release(state, winner, at, now, wires, down)
            look_at_all(state, now)
        state["answers_turn"] = winner


@inlined
def follows(state):
    """Tell whether probes are followed one by one, or a cache has a line to release."""
    return state["probing"] > 0 or release_waits(state)


@inlined
def is_turn(state, now):
    """Tell whether `take_turns` may have something to do."""
    return state["turns_due"] <= now or state["full"] or follows(state)


@njit
def take_turns(state, now, wires, down):
    """Do what is due in both channels. Returns when to come again, NEVER if only others can tell."""
    due = more = ready = NEVER
    if release_waits(state) or (state["probing"] > 0 and state["probes_from"] <= now):
        more = work_off(state, now, wires, down)
        due = more if release_waits(state) else NEVER  # a release must go at its very time
    left = state["staging"]
    while left:
        t = lowest(left)
        left &= left - 1
        if state["unanswered"][t] > 0:
            # the last answer is not there before `answered`, and what is staged goes a cycle later
            due = min(due, state["answered"][t] + 1 if state["answered"][t] > now else more)
        elif state["answered"][t] >= now or state["onward_free"] > now:
            ready = min(ready, state["answered"][t] + 1)
        elif is_full(wires["fifo"][down + port_of_piece(state, state["slots"][state["staged"][t]])]):
            state["full"] = 1
        else:
            send_staged(state, t, now, wires, down)
    if ready < NEVER:
        due = min(due, max(ready, state["onward_free"]))
    return due
