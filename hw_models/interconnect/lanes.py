"""Lanes and slots: a source's reads or writes that wait, and the pieces of them that are under way."""

import numpy as np

from hw_models.bits import lowest
from hw_models.interconnect.names import LANE_ROWS
from hw_models.interconnect.regulator import charge_all
from hw_models.interconnect.routes import port_of
from hw_models.interconnect.state import BIT_SHIFT, LANES
from hw_models.interconnect.waits import settle
from hw_models.jit import inlined
from hw_models.port import FIFO_ROWS, NEVER, copy_request


@inlined
def next_lane(state, waiting, i):
    """Return the first lane from ``i`` on that has requests, LANES without one; ``waiting``: the state's."""
    if BIT_SHIFT == 0:
        rest = waiting >> i
        return i + lowest(rest) if rest else np.int64(LANES)
    while i < LANES and (waiting >> (i >> BIT_SHIFT) & 1 == 0 or state["lanes"][i]["count"] == 0):
        i += 1
    return i


@inlined
def is_last_of_bit(state, i):
    """Tell whether no lane that shares a bit of `waiting` with lane ``i`` has requests."""
    if BIT_SHIFT > 0:
        first = i >> BIT_SHIFT << BIT_SHIFT
        for k in range(first, min(first + (1 << BIT_SHIFT), 2 * state["sources"])):
            if state["lanes"][k]["count"] > 0:
                return False
    return True


@inlined
def waits_alone(state, i):
    """Tell whether no other lane than ``i`` has requests; where lanes share bits, that is not known."""
    return BIT_SHIFT == 0 and state["waiting"] == 1 << i


@inlined
def waits_as_pair(state, source):
    """Tell whether both lanes of a source have requests, and no others; as `waits_alone`."""
    return BIT_SHIFT == 0 and state["waiting"] == 3 << 2 * source


@inlined
def release_waits(state):
    """Tell whether a cache has a line to release."""
    some = state["waiting"] & state["release_lanes"] != 0
    if BIT_SHIFT > 0 and some:
        for source in range(state["sources"]):
            if state["caching"][source] and state["lanes"][2 * source + 1]["count"] > 0:
                return True
        return False
    return some


@inlined
def id_of(state, source, row):
    """Return the transaction id of a request: its stream, or what it shares one with."""
    stream = row["stream"]
    if state["alone"][source] < 0:  # streams of different masters are different streams
        stream = stream * state["masters"] + row["master"]
    mask = state["id_mask"][source]
    return stream & mask if mask >= 0 else stream % state["ids"][source]


@inlined
def aim(state, i):
    """Find which piece of lane ``i`` is next, whose it is and where it goes."""
    lane = state["lanes"][i]
    row = lane["rows"][lane["head"]]
    address = row["address"] + lane["sent"]
    lane["time"], lane["address"], lane["master"] = row["time"], address, row["master"]
    lane["name"] = id_of(state, i >> 1, row)
    if state["route_count"] > 0:
        port = port_of(state["routes"], address)
    else:
        port = (address >> state["interleave_shift"]) % state["ports"] if state["ports"] > 1 else np.int64(0)
    lane["size"] = min(row["bytes"] - lane["sent"], state["burst"] - (address & (state["burst"] - 1)))
    lane["port"] = port
    lane["bus"] = port * state["channels"] + (i & 1) * (state["channels"] - 1)


@inlined
def take_slot(state, i, lane, row):
    """Give the piece that lane ``i`` sends a slot, behind the others with its id. Returns its index."""
    name, index = lane["name"], state["free_slot"]
    slot = state["slots"][index]
    state["free_slot"] = slot["next"]
    slot["next"] = -1
    slot["arrived"] = NEVER
    slot["last"] = lane["sent"] + lane["size"] == row["bytes"]
    slot["bytes"] = lane["size"]
    slot["missing"] = lane["size"]
    slot["given"] = 0
    slot["lane"] = i
    slot["id"] = name
    if state["ports"] > 1:
        slot["port"] = lane["port"]
    copy_request(slot["request"], row)
    if state["oldest"][i, name] < 0:
        state["oldest"][i, name] = index
    else:
        state["slots"][state["newest"][i, name]]["next"] = index
    state["newest"][i, name] = index
    state["lane_flight"][i] += 1
    state["id_flight"][i, name] += 1
    return index


@inlined
def place(fifo, time):
    """Return the new row of a FIFO for what arrives at ``time``, behind all that arrives no later."""
    at = fifo["head"] + fifo["count"]
    while at > fifo["head"] and fifo["rows"][(at - 1) % FIFO_ROWS]["time"] > time:
        copy_request(fifo["rows"][at % FIFO_ROWS], fifo["rows"][(at - 1) % FIFO_ROWS])
        at -= 1
    fifo["count"] += 1
    return fifo["rows"][at % FIFO_ROWS]


@inlined
def pass_down(fifo, row, index, address, size, time):
    """Put the piece in slot ``index``, of request ``row``, on its way to a memory port, there at ``time``."""
    sent = place(fifo, time)
    copy_request(sent, row)
    sent["time"] = time
    sent["address"] = address
    sent["bytes"] = size
    sent["tag"] = index


@inlined
def count_in(state, source, write, port, master, size):
    """Count a piece among those in flight at its port, and in its source's budgets."""
    charge_all(state["regulation"], source, write, size)
    if state["port_limited"]:
        state["port_flight"][write, port] += 1
        state["port_share"][write, port, master] += 1


@inlined
def leave(state, i, lane, row, now):
    """Take the piece that has just been sent out of lane ``i``, and its request with the last one."""
    lane["ready"] = 0
    lane["sent"] += lane["size"]
    if lane["sent"] == row["bytes"]:
        settle(state, i, now)
        state["waited"][lane["master"]] += now - lane["time"]
        lane["sent"] = 0
        lane["head"] = (lane["head"] + 1) % LANE_ROWS
        lane["count"] -= 1
        state["room"] |= lane["refused"]
        lane["refused"] = 0
    if lane["count"] > 0:
        aim(state, i)
    elif is_last_of_bit(state, i):
        state["waiting"] &= ~(1 << (i >> BIT_SHIFT))
