"""The last-level cache: requests from the interconnect, fills and write-backs to memory.

    accept(state, tags, request, now) -> bool        a request that is visible from cycle `now`
    advance(state, tags, now, wires, down, up) -> next
    respond(state, tags, row, time) -> next          an answer from memory, visible from cycle `time`

``wires`` is one WIRING record: memory channel c reads ``wires["fifo"][down + c]``, interconnect port p
``wires["fifo"][up + p]``. `accept` and `respond` may be called ahead of time, as soon as the row exists
(the outcome is the same). `respond` always succeeds. After `accept` call `advance`; after `respond` only
if what it returns is not NEVER, at that cycle. After a pop from one of our FIFOs that was full call
`advance`; a FIFO to memory holds at least two rows. Offer a refused request again before the next
`advance`, which is due in the cycle after there is room. A request must not cross a line. Rows that go
down carry our number in `tag`: bring it back untouched; a fill's answer may come in parts. Read answers
go up as one row, visible with their first data.

A bank does one thing at a time, in this order: the oldest fill that has come back, the oldest read, the
oldest write. A request that cannot go on stalls those behind it.
"""

from hw_models.blame import Cause
from hw_models.cache.access import (
    FRESH,
    MSHR_FULL,
    SERVED,
    STALL_SET,
    WAITS,
    conflict_with,
    leave,
    look_up,
    push_up,
    stall,
)
from hw_models.cache.miss import FILL, KEEP, PASS, beats, free_mshr
from hw_models.cache.names import QUEUE
from hw_models.cache.prefetch import NONE, prefetch
from hw_models.cache.state import ACKS, MSHRS, WRITEBACK
from hw_models.jit import aside, inlined, njit
from hw_models.port import MASTERS, NEVER, copy_request, front, is_full

FILLS, READS, WRITES, NOTHING = range(4)  # what a bank looks at, in this order
NO_DOOR = -1
DOOR = 4  # or, with nothing else there, at a request that comes in just now
BANK_BUSY, EVICTION = int(Cause.BANK_BUSY), int(Cause.EVICTION)


@inlined
def is_too_soon(state, request, now):
    """Tell whether a refused request's place was given up in this very cycle: it is there in the next."""
    return state["room"] > now and queue_of(state, request)["room"] > now


@njit
def accept(state, tags, request, now):
    """Queue a copy of ``request`` at its bank, unless that is full."""
    ring = queue_of(state, request)
    if ring["count"] >= state["queue"]:
        ring["refused"] = 1
        return False
    enqueue(state, ring, request, now)
    return True


@inlined
def queue_of(state, request):
    """Return the queue to which a request goes."""
    bank = state["bank"][(request["address"] >> state["line_shift"]) & (state["banks"] - 1)]
    return bank["rings"][request["write"] * state["split"]]


@inlined
def enqueue(state, ring, request, now):
    """Put a copy of ``request`` behind the others of a queue, which has room."""
    row = ring["rows"][(ring["head"] + ring["count"]) % QUEUE]
    copy_request(row, request)
    row["time"] = now + state["entry_latency"]
    ring["count"] += 1
    state["waiting"] += 1
    count(state, request)


@inlined
def count(state, request):
    """Count a request that has come in."""
    state["accesses"][request["master"]] += 1
    state["access_bytes"][request["master"]] += request["bytes"]


@njit
def respond(state, tags, row, time):
    """Take an answer from memory. Returns when `advance` is due because of it, NEVER if it is not."""
    tag = row["tag"]
    if tag >= WRITEBACK:
        acks = state["acks"]
        at = (acks["head"] + acks["count"]) % ACKS
        acks["time"][at] = time
        acks["what"][at] = (tag - WRITEBACK) * MASTERS + row["master"]
        acks["count"] += 1
        return time if state["waiting"] > 0 else NEVER
    mshr = state["mshrs"][tag]
    mshr["missing"] -= mshr["missing"] if row["write"] else row["bytes"]
    if mshr["missing"] > 0:
        return NEVER
    bank = state["bank"][mshr["line"] & (state["banks"] - 1)]
    at = (bank["fill_head"] + bank["fill_count"]) % MSHRS
    bank["fill_mshr"][at] = tag
    bank["fill_time"][at] = time
    bank["fill_count"] += 1
    return time


@inlined
def take_acks(state, now):
    """Free what write-backs held that memory has acknowledged by now."""
    acks = state["acks"]
    while acks["count"] > 0 and acks["time"][acks["head"]] <= now:
        what = acks["what"][acks["head"]]
        acks["head"] = (acks["head"] + 1) % ACKS
        acks["count"] -= 1
        if state["writeback_limit"] == 0:
            free_mshr(state, what // MASTERS, KEEP)
        else:
            state["writebacks_used"] -= 1
            state["writeback_share"][what % MASTERS] -= 1


@inlined
def take_fill(state, set_row, bank, now, out, port):
    """Put the oldest fill into the array and answer who waits for it; WAITS while the way up is full."""
    index = bank["fill_mshr"][bank["fill_head"]]
    mshr = state["mshrs"][index]
    while mshr["served"] < mshr["targets"]:
        if is_full(out):
            state["outside"] = 1
            return WAITS
        push_up(state, out, port, mshr["target"][mshr["served"]], now + state["fill_latency"])
        mshr["served"] += 1
    took = bank["fill_time"][bank["fill_head"]] - mshr["asked"]
    if mshr["used"] & FILL and took < state["fastest_fill"]:
        state["fastest_fill"] = took
    if mshr["evictor"] >= 0 and mshr["targets"] > 0:
        state["blame"][mshr["master"], mshr["evictor"], EVICTION] += state["fastest_fill"]
    if mshr["way"] >= 0:
        set_row["busy"][mshr["way"]] = 0
        bank["free"] = now + beats(state, state["line_bytes"])
        bank["owner"] = mshr["master"]
    free_mshr(state, index, FILL | PASS)
    bank["fill_head"] = (bank["fill_head"] + 1) % MSHRS
    bank["fill_count"] -= 1
    return SERVED


@inlined
def due(bank, first, now):
    """Return what a free bank may try now, from ``first`` on: FILLS, READS, WRITES or NOTHING."""
    if first == FILLS and bank["fill_count"] > 0 and bank["fill_time"][bank["fill_head"]] <= now:
        return FILLS
    reads, writes = bank["rings"][0], bank["rings"][1]
    if first <= READS and reads["count"] > 0 and front(reads)["time"] <= now:
        return READS
    if first <= WRITES and writes["count"] > 0 and front(writes)["time"] <= now:
        return WRITES
    return NOTHING


@inlined
def line_astray(state, bank, line, now):
    """Return the line at which the oldest read is looked up: that of a write that could go now, if any.

    FASED takes set and tag from the write whenever one is ready, though reads go first (midas ec399e5,
    models/dram/LastLevelCache.scala: set_addr, tag_addr): the read is answered as the write's line would be.
    """
    writes = bank["rings"][1]
    row = front(writes)
    if writes["count"] == 0 or row["time"] > now or state["mshrs_used"] >= state["mshr_count"]:
        return line
    other = row["address"] >> state["line_shift"]
    if conflict_with(state, line) >= 0 or conflict_with(state, other) >= 0:
        return line
    front(bank["rings"][0])["address"] = other << state["line_shift"]
    return other


@inlined
def wait_for_bank(state, bank, now):
    """Note that the bank is what its requests wait for."""
    first, second = bank["rings"][0], bank["rings"][1]
    if first["count"] > 0:
        stall(state, first, BANK_BUSY, bank["owner"], now)
    if second["count"] > 0:
        stall(state, second, BANK_BUSY, bank["owner"], now)


@inlined
def found_busy(state, request, since):
    """Note for a request that the only bank has taken late, for ``since``, what it has found there."""
    bank, ring = state["bank"][0], queue_of(state, request)
    if bank["free"] > since and ring["count"] == 1:
        stall(state, ring, BANK_BUSY, bank["owner"], since)


@inlined
def oldest_line(state, ring):
    return front(ring)["address"] >> state["line_shift"]


@njit
def all_stall(state, bank, wires, down):
    """Tell whether all that a bank may look up stalls until an answer comes, and nobody sees it look.

    Who waits below would see it, or who was refused: with each call they are offered again.
    """
    if state["conflict"] != STALL_SET or bank["fill_count"] + state["outside"] + state["turned_away"] > 0:
        return False
    for k in range(state["channels"]):
        if wires["fifo"][down + k]["count"] > 0:
            return False
    for w in range(2):
        ring = bank["rings"][w]
        if ring["count"] > 0 and conflict_with(state, oldest_line(state, ring)) < 0:
            return False
    return True


@njit
def note_stalls(state, now):
    """Note what the only bank would have found before ``now`` if it had been called."""
    bank = state["bank"][0]
    for w in range(2):
        ring = bank["rings"][w]
        if ring["count"] > 0:
            time = max(bank["free"], front(ring)["time"])
            culprit = conflict_with(state, oldest_line(state, ring))
            if time < now and culprit >= 0:
                stall(state, ring, MSHR_FULL, culprit, time)


@inlined
def goes_in(state, asked, now):
    """Tell whether the only bank, free and with nothing else to do, may look up what is at the door now."""
    bank = state["bank"][0]
    if state["late"] * state["entry_latency"] == 0 or asked["count"] != 1:
        return False
    if state["waiting"] + state["turned_away"] + bank["fill_count"] > 0:
        return False
    return bank["free"] <= front(asked)["time"] == now - state["entry_latency"]


@inlined
def shuts(state):
    """Tell whether a request to the set of the latest miss only waits, and there is a place for it."""
    return state["conflict"] == STALL_SET and state["waiting"] < state["queue"]


@inlined
def bank_wake(state, bank, now, wires, down):
    """Return when a bank can do more, NEVER if only others can tell."""
    first, second = bank["rings"][0], bank["rings"][1]
    state["unseen"] = 0
    if (
        bank["fill_count"] + (state["waiting"] if state["banks"] == 1 else first["count"] + second["count"])
        == 0
    ):
        return NEVER
    wake = next_look(state, bank, now)
    if state["late"] and wake < NEVER and all_stall(state, bank, wires, down):
        state["unseen"] = 1
        return NEVER
    return wake


@inlined
def next_look(state, bank, now):
    """Return when a bank that has something to do looks at it again, NEVER if only others can tell."""
    first, second = bank["rings"][0], bank["rings"][1]
    if bank["free"] > now:
        wait_for_bank(state, bank, now)
        return bank["free"]
    wake = NEVER
    if bank["fill_count"] > 0 and bank["fill_time"][bank["fill_head"]] > now:
        wake = bank["fill_time"][bank["fill_head"]]
    if first["count"] > 0 and front(first)["time"] > now:
        wake = min(wake, front(first)["time"])
    if second["count"] > 0 and front(second)["time"] > now:
        wake = min(wake, front(second)["time"])
    return wake


@inlined
def set_of(state, tags, line):
    return tags[state["first_set"] + (line & state["set_mask"])]


@inlined
def serve(state, tags, b, what, now, wires, down, up, door):
    """Let a free bank take its oldest fill, or look up its oldest read or write or the one at the door.

    Returns as `look_up`.
    """
    bank, port = state["bank"][b], b & (state["ports"] - 1)
    out = wires["fifo"][up + port]
    if what == FILLS:
        line = state["mshrs"][bank["fill_mshr"][bank["fill_head"]]]["line"]
        return take_fill(state, set_of(state, tags, line), bank, now, out, port)
    ring = bank["rings"][what - READS if what != DOOR else 0]
    row = front(wires["fifo"][door]) if what == DOOR else front(ring)
    line = row["address"] >> state["line_shift"]
    if what == READS and state["reads_astray"]:
        line = line_astray(state, bank, line, now)
    done = look_up(state, set_of(state, tags, line), bank, row, now, wires, down, out, port)
    if done == WAITS:
        wait(state, bank, what, row, now)
        return WAITS
    if what == DOOR:
        count(state, row)
    else:
        leave(state, ring, row, now)
    if state["prefetch"] != NONE:
        prefetch(state, tags, row, done == FRESH, now, wires, down)
    return done


@aside
def wait(state, bank, what, row, now):
    """Note why the oldest request of a queue waits, or the one that goes from the door to its queue."""
    if what == DOOR:
        ring = queue_of(state, row)
        enqueue(state, ring, row, row["time"])
    else:
        ring = bank["rings"][what - READS]
    stall(state, ring, state["cause"], state["culprit"], now)


@njit
def advance_bank(state, tags, b, now, wires, down, up, door):
    """Do all that is due in a bank. Returns when to come again, and whether it has taken a fill."""
    bank, filled = state["bank"][b], False
    if bank["free"] <= now:
        what = due(bank, FILLS, now) if door < 0 else DOOR
        if what != NOTHING:
            done = serve(state, tags, b, what, now, wires, down, up, door)
            filled = what == FILLS and done == SERVED
            if done == WAITS or bank["free"] <= now:
                filled |= serve_more(state, tags, b, what, done, now, wires, down, up)
    return bank_wake(state, bank, now, wires, down), filled


@aside
def serve_more(state, tags, b, what, done, now, wires, down, up):
    """Do what else is due in a bank that has done ``what``. Returns whether it has taken a fill."""
    bank, filled = state["bank"][b], False
    while what != NOTHING:
        what = due(bank, what + 1 if done == WAITS else FILLS, now) if bank["free"] <= now else NOTHING
        if what != NOTHING:
            done = serve(state, tags, b, what, now, wires, down, up, NO_DOOR)
            filled |= what == FILLS and done == SERVED
    return filled


@njit
def advance_banks(state, tags, now, wires, down, up):
    """Do all that is due in several banks: an MSHR that one gives back may be what another waits for."""
    again, wake = True, NEVER
    while again:
        again, wake = False, NEVER
        for b in range(state["banks"]):
            due_at, filled = advance_bank(state, tags, b, now, wires, down, up, NO_DOOR)
            again |= filled and b > 0
            wake = min(wake, due_at)
    return wake


@njit
def advance(state, tags, now, wires, down, up):
    """Do all that is due in every bank. Returns when to come again."""
    return advance_with(state, tags, now, wires, down, up, NO_DOOR)


@inlined
def advance_with(state, tags, now, wires, down, up, door):
    """As `advance`; ``door``: of the FIFO whose oldest request the only bank is to look up, see `goes_in`."""
    take_acks(state, now)
    state["outside"] = 0
    if state["banks"] == 1:
        wake, _ = advance_bank(state, tags, 0, now, wires, down, up, door)
    else:
        wake = advance_banks(state, tags, now, wires, down, up)
    return min(wake, other_wakes(state, now))


@inlined
def other_wakes(state, now):
    """Return when there is something to do that concerns no bank in particular."""
    wake = NEVER
    if state["room"] > now:
        wake = state["room"]
    if state["acks"]["count"] > 0 and state["waiting"] > 0:
        wake = min(wake, state["acks"]["time"][state["acks"]["head"]])
    return wake
