"""An answer from a memory port: where it goes, and who may go because of it."""

import numpy as np

from hw_models.blame import Cause
from hw_models.interconnect.answers import beats_of, deliver, note
from hw_models.interconnect.hub_channels import let_go, recall
from hw_models.interconnect.lanes import waits_alone
from hw_models.interconnect.routes import port_of_piece
from hw_models.interconnect.state import GRANTS, LANES
from hw_models.jit import aside, inlined, njit
from hw_models.port import NEVER

BUS_BUSY, QUEUE_FULL = int(Cause.BUS_BUSY), int(Cause.QUEUE_FULL)


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
def note_grant(state, cache, time, now, fifo):
    """Note that a cache is granted a line at ``time``: it takes no probes for a while.

    Returns when those that were foreseen are over, NEVER if there are none.
    """
    due = NEVER
    if state["foreseen"]:
        recall(state, now, fifo)
        due = state["turns_due"]
    state["granted_from"][cache, state["grants"][cache] % GRANTS] = time
    state["grants"][cache] += 1
    state["kept_until"] = max(state["kept_until"], time + state["grant_blocks"])
    state["due"] = min(state["due"], due)
    return due


@njit
def respond(state, row, time, now, wires, down, up):
    """Take an answer from a memory port, there at ``time``, which is known ``now``.

    Returns when `advance` is due because of it, NEVER if it is not.
    """
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
    note(state["gone"][bus], start + beats, i + LANES * master)
    over = start + beats + state["hub_release"]
    if slot["tracker"] >= 0:  # else a release
        state["tracked_until"][port, slot["tracker"]] = over
        state["fifo_until"][source, slot["id"]] = begins + state["fifo_release"][source]
    if state["caching"][source] and write == 0:
        seen = start + state["response_latency"][source]
        free = note_grant(state, source, seen, now, wires["fifo"][down])
    deliver(state, i, slot["id"], np.int64(0), now, wires, up)
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
