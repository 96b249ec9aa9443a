"""What a miss takes: an MSHR, a way, rows to memory for the fill and for the victim's write-back."""

import numpy as np

from hw_models.bits import lowest
from hw_models.blame import Cause, most_of
from hw_models.cache.names import Placement
from hw_models.cache.replacement import evict, use
from hw_models.cache.state import SPREAD, VICTIMS, WRITEBACK
from hw_models.jit import inlined, njit
from hw_models.port import append, front

MSHR_FULL, QUEUE_FULL = int(Cause.MSHR_FULL), int(Cause.QUEUE_FULL)
INCLUSIVE = Placement.INCLUSIVE.code
CLEAR = -1  # nothing stands in the way
FILL, KEEP, PASS = 1, 2, 4  # reasons to keep an MSHR: a fill, a write-back, a bypassed request


@inlined
def beats(state, size):
    return (size + (1 << state["width_shift"]) - 1) >> state["width_shift"]


@inlined
def channel_of(state, address):
    return (address >> state["channel_shift"]) % state["channels"] if state["channels"] > 1 else np.int64(0)


@inlined
def group_of(state, line):
    """Return the group of sets in which a line's misses under way are counted."""
    return line & state["set_mask"] & SPREAD - 1


@inlined
def set_bits(state, line):
    """Return the bits of a line's addresses that tell its set."""
    return (line & state["set_mask"]) << state["line_shift"]


@njit
def in_the_way(state, set_row, way, line, fill, spare, master, wires, down):
    """Return why a miss cannot take ``way`` now (a Cause; the culprit is noted in the state), or CLEAR."""
    if set_row["busy"][way]:
        state["culprit"] = state["mshrs"][set_row["busy"][way] - 1]["master"]
        return MSHR_FULL
    dirty = set_row["line"][way] >= 0 and set_row["line"][way] != line and set_row["dirty"][way] != 0
    keeps = dirty and state["writeback_limit"] == 0
    if (fill or keeps) and state["mshrs_used"] + spare >= state["mshr_count"]:
        state["culprit"] = most_of(state["mshr_share"], state["masters"], master)
        return MSHR_FULL
    if dirty and not keeps and state["writebacks_used"] >= state["writeback_limit"]:
        state["culprit"] = most_of(state["writeback_share"], state["masters"], master)
        return QUEUE_FULL
    above = channel_of(state, line << state["line_shift"])
    below = channel_of(state, set_row["line"][way] << state["line_shift"]) if dirty else above
    needed = int(fill) + int(dirty and above == below)
    if crowded(state, wires["fifo"][down + above], needed, master):
        return QUEUE_FULL
    if above != below and crowded(state, wires["fifo"][down + below], 1, master):
        return QUEUE_FULL
    return CLEAR


@inlined
def crowded(state, down, needed, master):
    """Tell whether ``needed`` more rows do not fit, and note whose request is at the head, or ``master``."""
    if needed == 0 or down["count"] + needed <= down["limit"]:
        return False
    state["culprit"] = front(down)["master"] if down["count"] > 0 else master
    return True


@inlined
def take_mshr(state, reason, line, way, size, master, now):
    """Return the index of a free MSHR, now taken; the caller knows that there is one."""
    index = lowest(~state["mshrs_taken"])
    state["mshrs_taken"] |= 1 << index
    state["under_way"][group_of(state, line)] += 1
    state["shut"] = set_bits(state, line)
    mshr = state["mshrs"][index]
    mshr["used"] = reason
    mshr["line"] = line
    mshr["way"] = way
    mshr["master"] = master
    mshr["missing"] = size
    mshr["asked"] = now
    mshr["evictor"] = -1
    mshr["targets"] = 0
    mshr["served"] = 0
    state["mshrs_used"] += 1
    state["mshr_share"][master] += 1
    return index


@inlined
def ask_memory(state, wires, down, address, size, write, master, tag, time):
    """Send a request of our own down; stream and issue time are the state's."""
    row = append(wires["fifo"][down + channel_of(state, address)])
    row["time"] = time
    row["address"] = address
    row["bytes"] = size
    row["write"] = write
    row["master"] = master
    row["stream"] = state["stream"]
    row["tag"] = tag
    row["issued"] = state["issued"]


@inlined
def write_back(state, set_row, way, mshr, time, wires, down):
    """Send a dirty line down: from its first to its last granule that memory has not seen."""
    owner, mask = set_row["owner"][way], set_row["dirty"][way]
    first = 0
    while mask >> first & 1 == 0:
        first += 1
    count = 0
    while mask >> (first + count):
        count += 1
    tag = np.int64(WRITEBACK)
    if state["writeback_limit"] == 0:
        tag += mshr
    else:
        state["writebacks_used"] += 1
        state["writeback_share"][owner] += 1
    size = count * state["granule"]
    address = (set_row["line"][way] << state["line_shift"]) + first * state["granule"]
    ask_memory(state, wires, down, address, size, 1, owner, tag, time)
    state["writebacks"][owner] += 1
    state["writeback_bytes"][owner] += size


@njit
def allocate(state, set_row, way, line, master, fill, discard, now, wires, down):
    """Give ``way`` to ``line``, evicting and fetching as needed; nothing is in the way.

    Returns (MSHR of the fill or -1, cycles that the bank spends on the victim).
    """
    allowed = state["allowed"][master]
    old, busy = set_row["line"][way], np.int64(0)
    dirty = old >= 0 and old != line and set_row["dirty"][way] != 0
    mshr = np.int64(-1)
    time = now + state["miss_latency"]
    if fill or (dirty and state["writeback_limit"] == 0):
        mshr = take_mshr(state, FILL * int(fill), line, way, state["line_bytes"], master, now)
    if fill:
        at = line % VICTIMS
        if state["victim_line"][at] == line and old != line and state["victim_by"][at] != master:
            state["mshrs"][mshr]["evictor"] = state["victim_by"][at]
        address = line << state["line_shift"]
        ask_memory(state, wires, down, address, state["line_bytes"], 0, master, mshr, time)
        state["fills"][master] += 1
        state["fill_bytes"][master] += state["line_bytes"]
    if old >= 0 and old != line:
        state["victim_line"][old % VICTIMS] = old
        state["victim_by"][old % VICTIMS] = master
        state["evictions"][set_row["owner"][way]] += 1
        evict(state["policy"], set_row, way, allowed)
        if state["placement"] == INCLUSIVE:
            state["recalls"][set_row["owner"][way]] += 1
            busy += state["probe"]
        if dirty:
            if state["writeback_limit"] == 0:
                state["mshrs"][mshr]["used"] |= KEEP
            write_back(state, set_row, way, mshr, time, wires, down)
            busy += beats(state, state["line_bytes"])
    if old != line:
        set_row["dirty"][way] = 0
    set_row["line"][way] = line
    set_row["valid"][way] = state["whole"] if fill else 0
    set_row["owner"][way] = master
    set_row["busy"][way] = mshr + 1 if fill else 0
    set_row["prefetched"][way] = 0
    use(state["policy"], set_row, way, int(old != line), discard)
    return (mshr if fill else np.int64(-1)), busy


@inlined
def free_mshr(state, index, reasons):
    """Drop reasons to keep an MSHR; without any it is free."""
    mshr = state["mshrs"][index]
    mshr["used"] &= ~reasons
    if mshr["used"] == 0:
        state["mshrs_taken"] &= ~(1 << index)
        state["under_way"][group_of(state, mshr["line"])] -= 1
        if state["shut"] == set_bits(state, mshr["line"]):
            state["shut"] = -1
        state["mshrs_used"] -= 1
        state["mshr_share"][mshr["master"]] -= 1
