"""The way back through the interconnect: answers in order by id, beat by beat, and places given back."""

import numpy as np

from hw_models.interconnect.state import LANES, NOTES
from hw_models.jit import inlined, njit
from hw_models.port import FIFO_ROWS, NEVER, copy_request, is_full


@inlined
def note(ring, time, what):
    """Remember ``what`` for ``time``; never earlier than what was noted before."""
    at = (ring["head"] + ring["count"]) % NOTES
    ring["time"][at] = time
    ring["what"][at] = what
    ring["count"] += 1


@inlined
def due(ring, now):
    """Return the oldest note and forget it, -1 if it is not due yet."""
    if ring["count"] == 0 or ring["time"][ring["head"]] > now:
        return np.int64(-1)
    what = ring["what"][ring["head"]]
    ring["count"] -= 1
    ring["head"] = (ring["head"] + 1) % NOTES if ring["count"] > 0 else 0
    return what


@inlined
def forget(ring, now):
    """Forget all notes that are due."""
    head, count = ring["head"], ring["count"]
    while count > 0 and ring["time"][head] <= now:
        head = (head + 1) % NOTES
        count -= 1
    ring["head"] = head if count > 0 else 0
    ring["count"] = count


@njit
def count_out(state, now):
    """Give back the places of pieces that are done, and note when the next one will be."""
    wake = NEVER
    for bus in range(state["ports"] * state["channels"]):
        ring = state["gone"][bus]
        port = bus // state["channels"]
        i = due(ring, now) if state["port_limited"] else np.int64(-1)
        while i >= 0:
            state["port_flight"][i & 1, port] -= 1
            state["port_share"][i & 1, port, i // LANES] -= 1
            i = due(ring, now)
        if not state["port_limited"]:
            forget(ring, now)
        if ring["count"] > 0:
            wake = min(wake, ring["time"][ring["head"]])
    for link in range(0, 2 * state["sources"], 3 - state["channels"]):
        ring = state["seen"][link]
        index = due(ring, now)
        while index >= 0:
            slot = state["slots"][index]
            state["lane_flight"][slot["lane"]] -= 1
            state["id_flight"][slot["lane"], slot["id"]] -= 1
            slot["next"] = state["free_slot"]
            state["free_slot"] = index
            index = due(ring, now)
        if ring["count"] > 0:
            wake = min(wake, ring["time"][ring["head"]])
    state["next_release"] = wake


@inlined
def beats_of(state, source, size):
    """Return the cycles that ``size`` bytes hold a bus: the narrower of bus and source's port decides."""
    shift = min(state["width_shift"], state["port_shift"][source])
    return (size + (1 << shift) - 1) >> shift


@inlined
def push_in_order(fifo, request, time, size):
    """Append an answer of ``size`` bytes, before rows of a later time: read and write channels overtake."""
    at = fifo["head"] + fifo["count"]
    while at > fifo["head"] and fifo["rows"][(at - 1) % FIFO_ROWS]["time"] > time:
        copy_request(fifo["rows"][at % FIFO_ROWS], fifo["rows"][(at - 1) % FIFO_ROWS])
        at -= 1
    row = fifo["rows"][at % FIFO_ROWS]
    copy_request(row, request)
    row["time"] = time
    row["bytes"] = size
    fifo["count"] += 1


@njit
def deliver(state, i, name, earliest, now, wires, up):
    """Hand the source what has been answered of one id, in order, as far as its FIFO has room.

    A piece that came in parts is there ``now``, with its last: beats that came before are not seen before.
    """
    source, write = i >> 1, i & 1
    link = i if state["channels"] == 2 else 2 * source
    shift = state["port_shift"][source]
    fifo = wires["fifo"][up + source]
    index = state["oldest"][i, name]
    while index >= 0 and state["slots"][index]["arrived"] != NEVER:
        slot = state["slots"][index]
        seen = max(state["link_free"][link], earliest, slot["arrived"])
        rows = slot["last"] if write else (slot["bytes"] + (1 << shift) - 1) >> shift
        while slot["given"] < rows:
            if is_full(fifo):
                state["held"] += 1 - slot["held"]
                slot["held"] = 1
                return
            begin = slot["given"] << shift
            end = min(begin + (1 << shift), slot["bytes"])
            if not write:
                through = (end - 1) >> state["width_shift"]
                seen = max(state["link_free"][link], earliest, slot["arrived"] + through)
            size = slot["request"]["bytes"] if write else end - begin
            push_in_order(fifo, slot["request"], max(seen, now), size)
            state["link_free"][link] = seen + 1
            slot["given"] += 1
        if slot["held"]:
            state["held"] -= 1
            slot["held"] = 0
        state["link_free"][link] = max(state["link_free"][link], seen)
        note(state["seen"][link], seen, index)
        index = slot["next"]
        state["oldest"][i, name] = index


@njit
def deliver_held(state, now, wires, up):
    """Try again what found a source's FIFO full."""
    for i in range(2 * state["sources"]):
        for name in range(state["ids"][i >> 1]):
            index = state["oldest"][i, name]
            if index >= 0 and state["slots"][index]["held"]:
                deliver(state, i, name, now, now, wires, up)
