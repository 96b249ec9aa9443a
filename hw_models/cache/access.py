"""One access to the cache: hit, merge, miss, bypass or stall, and what each costs its bank."""

import numpy as np

from hw_models.blame import Cause, most_of
from hw_models.cache.miss import (
    CLEAR,
    PASS,
    allocate,
    ask_memory,
    beats,
    channel_of,
    crowded,
    group_of,
    in_the_way,
    take_mshr,
)
from hw_models.cache.names import QUEUE, STREAMS, Conflict, Placement, Prefetch
from hw_models.cache.replacement import choose, find, use
from hw_models.jit import aside, inlined, njit
from hw_models.port import append, copy_request, front, is_full

MSHR_FULL, QUEUE_FULL = int(Cause.MSHR_FULL), int(Cause.QUEUE_FULL)
STALL_LINE, STALL_SET = Conflict.STALL_LINE.code, Conflict.STALL_SET.code
EXCLUSIVE = Placement.EXCLUSIVE.code
NONE = Prefetch.NONE.code
STALLED = -1
WAITS, SERVED, FRESH = 0, 1, 2  # what `look_up` says


@inlined
def push_up(state, out, port, request, time):
    """Answer ``request``, not before what was answered earlier."""
    state["last_up"][port] = max(state["last_up"][port], time)
    row = append(out)
    copy_answer(state, row, request)
    row["time"] = state["last_up"][port]


@inlined
def copy_answer(state, target, request):
    """Copy what of a request its answer is to carry."""
    if state["brief"]:
        target["bytes"], target["tag"] = request["bytes"], request["tag"]
        target["master"] = request["master"]
    else:
        copy_request(target, request)


@inlined
def granules(state, row):
    """Return the mask of the granules that a request covers wholly, 0 if it covers one in part."""
    size = state["granule"]
    if size == state["line_bytes"]:
        return np.int64(1)
    offset = row["address"] & (state["line_bytes"] - 1)
    if offset % size or row["bytes"] % size:
        return np.int64(0)
    return ((1 << row["bytes"] // size) - 1) << offset // size


@inlined
def charge(state, ring, row, since, now):
    """Charge the wait of one of a queue's requests from ``since`` on."""
    waited = now - max(since, row["time"])
    if waited > 0:
        state["blame"][row["master"], ring["culprit"], ring["cause"]] += waited


@aside
def charge_others(state, ring, since, now):
    """Charge the waits of all requests of a queue but the oldest."""
    for i in range(1, ring["count"]):
        charge(state, ring, ring["rows"][(ring["head"] + i) % QUEUE], since, now)


@inlined
def settle(state, ring, now):
    """Charge the waits in a queue, not empty, since the last look; before its cause or its rows change."""
    since = ring["since"]
    if now > since:
        ring["since"] = now
        charge(state, ring, front(ring), since, now)
        if ring["count"] > 1:
            charge_others(state, ring, since, now)


@njit
def stall(state, ring, cause, culprit, now):
    """Note why the oldest request of a queue waits."""
    if cause == QUEUE_FULL:
        state["outside"] = 1
    if ring["cause"] != cause or ring["culprit"] != culprit:
        settle(state, ring, now)
        ring["cause"] = cause
        ring["culprit"] = culprit


@inlined
def stalled(state, cause, culprit):
    """Note why a request cannot be served."""
    state["cause"] = cause
    state["culprit"] = culprit
    return STALLED


@njit
def conflict_with(state, line):
    """Return the master of a miss under way in the same set, -1 if there is none."""
    if state["under_way"][group_of(state, line)] == 0:
        return np.int64(-1)
    for index in range(state["mshr_count"]):
        mshr = state["mshrs"][index]
        if mshr["used"] and (mshr["line"] ^ line) & state["set_mask"] == 0:
            return mshr["master"]
    return np.int64(-1)


@njit
def overwrite(state, set_row, way, row, need):
    """Mark what a write has changed; ``need`` as from `granules`."""
    mask = need if need else state["whole"]
    set_row["dirty"][way] |= mask
    set_row["valid"][way] |= mask
    set_row["owner"][way] = row["master"]


@inlined
def wait_for_fill(state, mshr, row):
    """Let ``row`` be answered when the fill comes; there is room."""
    copy_answer(state, mshr["target"][mshr["targets"]], row)
    mshr["targets"] += 1


@inlined
def hit(state, set_row, way, row, need, merges, now, out, port):
    """Serve a request whose line is there, or a write whose line is on its way (``merges`` 1).

    Returns the bank's cycles.
    """
    master, cycles = row["master"], beats(state, row["bytes"])
    state["hits"][master] += 1 - merges
    state["merges"][master] += merges
    use(state["policy"], set_row, way, 0, state["discard"][master, row["stream"] % STREAMS])
    if row["write"]:
        overwrite(state, set_row, way, row, need)
        push_up(state, out, port, row, now + state["hit_latency"] + cycles - 1)
    else:
        push_up(state, out, port, row, now + state["hit_latency"])
        if state["placement"] == EXCLUSIVE:  # the line moves up, dirty or not
            set_row["line"][way] = -1
    return cycles


@njit
def merge(state, set_row, way, row, need, now, out, port):
    """Serve a request whose line is on its way. Returns the bank's cycles, or STALLED."""
    mshr = state["mshrs"][set_row["busy"][way] - 1]
    if state["conflict"] == STALL_LINE:
        return stalled(state, MSHR_FULL, mshr["master"])
    if row["write"]:
        return hit(state, set_row, way, row, need, 1, now, out, port)
    if mshr["targets"] >= state["target_limit"]:
        return stalled(state, MSHR_FULL, mshr["master"])
    wait_for_fill(state, mshr, row)
    state["merges"][row["master"]] += 1
    use(state["policy"], set_row, way, 0, state["discard"][row["master"], row["stream"] % STREAMS])
    return 1


@njit
def pass_by(state, row, line, now, wires, down):
    """Send a request on to memory as it is. Returns the bank's cycles, or STALLED."""
    master = row["master"]
    if state["mshrs_used"] >= state["mshr_count"]:
        return stalled(state, MSHR_FULL, most_of(state["mshr_share"], state["masters"], master))
    if crowded(state, wires["fifo"][down + channel_of(state, row["address"])], 1, master):
        return stalled(state, QUEUE_FULL, state["culprit"])
    index = take_mshr(state, PASS, line, -1, row["bytes"], master, now)
    wait_for_fill(state, state["mshrs"][index], row)
    time = now + state["miss_latency"]
    ask_memory(state, wires, down, row["address"], row["bytes"], row["write"], master, index, time)
    state["misses"][master] += 1
    state["bypasses"][master] += 1
    state["bypass_bytes"][master] += row["bytes"]
    return beats(state, row["bytes"]) if row["write"] else 1


@inlined
def miss(state, set_row, way, row, need, now, wires, down, out, port):
    """Fetch or make room for a line; ``way``: where a part of it is, or -1. As `merge` otherwise."""
    master, write = row["master"], row["write"]
    line = row["address"] >> state["line_shift"]
    stream = row["stream"] % STREAMS
    state["stream"], state["issued"] = row["stream"], row["issued"]
    if way < 0:
        if state["bypass"][master, stream] or (state["placement"] == EXCLUSIVE and write == 0):
            return pass_by(state, row, line, now, wires, down)
        way = choose(state["policy"], set_row, state["allowed"][master])
    if state["mask_writes"]:
        fill = write == 0 or need == 0
    else:
        fill = write == 0 or row["bytes"] < state["line_bytes"]
    why = in_the_way(state, set_row, way, line, fill, 0, master, wires, down)
    if why != CLEAR:
        return stalled(state, why, state["culprit"])
    discard = state["discard"][master, stream]
    index, busy = allocate(state, set_row, way, line, master, fill, discard, now, wires, down)
    state["misses"][master] += 1
    if write == 0:
        wait_for_fill(state, state["mshrs"][index], row)
        return 1 + busy
    overwrite(state, set_row, way, row, need)
    cycles = beats(state, row["bytes"]) + (1 + busy if busy else 0)
    push_up(state, out, port, row, now + state["hit_latency"] + cycles - 1)
    return cycles


@inlined
def look_up(state, set_row, bank, row, now, wires, down, out, port):
    """Serve request ``row`` of the set ``set_row``.

    Returns WAITS with the reason noted in the state, SERVED, or FRESH: it missed, or was the first use of a
    prefetched line.
    """
    master = row["master"]
    line = row["address"] >> state["line_shift"]
    if state["conflict"] == STALL_SET and state["mshrs_used"] > 0:
        culprit = conflict_with(state, line)
        if culprit >= 0:
            stalled(state, MSHR_FULL, culprit)
            return WAITS
    if state["hit_when_full"] == 0 and state["mshrs_used"] >= state["mshr_count"]:
        stalled(state, MSHR_FULL, most_of(state["mshr_share"], state["masters"], master))
        return WAITS
    if is_full(out):
        stalled(state, QUEUE_FULL, front(out)["master"])
        return WAITS
    way, need = find(state["policy"], set_row, line), granules(state, row)
    if way >= 0 and set_row["busy"][way]:
        took = merge(state, set_row, way, row, need, now, out, port)
    elif way >= 0 and is_present(state, set_row["valid"][way], row["write"], need):
        took = hit(state, set_row, way, row, need, 0, now, out, port)
    else:
        took = miss(state, set_row, way, row, need, now, wires, down, out, port)
    if took == STALLED:
        return WAITS
    bank["free"] = now + state["overhead"] + took
    bank["owner"] = master
    if state["prefetch"] != NONE and way >= 0 and set_row["prefetched"][way]:
        set_row["prefetched"][way] = 0
        state["prefetch_hits"][master] += 1
        return FRESH
    return FRESH if way < 0 else SERVED


@inlined
def leave(state, ring, row, now):
    """Take the oldest request of a queue, which has been served, out of it."""
    settle(state, ring, now)
    state["waited"][row["master"]] += now - row["time"]
    ring["head"] = (ring["head"] + 1) % QUEUE
    ring["count"] -= 1
    state["waiting"] -= 1
    if ring["refused"]:
        state["room"] = ring["room"] = now + 1
        ring["refused"] = 0


@inlined
def is_present(state, valid, write, need):
    """Tell whether a line with granules ``valid`` can serve a request that needs ``need`` of them."""
    return valid == state["whole"] or (need != 0 and (write == 1 or need & ~valid == 0))
