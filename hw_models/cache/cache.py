"""The last-level cache: requests from the interconnect, fills and write-backs to memory.

    accept(state, tags, request, now) -> bool        a request that is visible from cycle `now`
    advance(state, tags, now, downs, ups) -> next    downs: FIFO (channels,), ups: FIFO (ports,)
    respond(state, tags, row, time) -> next          an answer from memory, visible from cycle `time`

`accept` and `respond` may be called ahead of time, as soon as the row exists (the answer would be the
same). `respond` always succeeds. After `accept` call `advance`; after `respond` only if what it returns
is not NEVER, at that cycle. After a pop from a full `downs` or `ups` FIFO call `advance`. A request must
not cross a line. Rows that go down carry our number in `tag`: bring it back untouched; a fill's answer
may come in parts. Read answers go up as one row, visible with their first data.

A bank does one thing at a time, in this order: the oldest fill that has come back, the oldest read, the
oldest write. A request that cannot go on stalls those behind it.
"""

from hw_models.blame import Cause
from hw_models.cache.access import look_up, push_up
from hw_models.cache.miss import FILL, KEEP, PASS, free_mshr
from hw_models.cache.params import QUEUE
from hw_models.cache.replacement import BUSY
from hw_models.cache.state import ACKS, MSHRS, WRITEBACK
from hw_models.jit import njit
from hw_models.port import MASTERS, NEVER, copy_request, is_full

BANK_BUSY, EVICTION = int(Cause.BANK_BUSY), int(Cause.EVICTION)


@njit
def accept(state, tags, request, now):
    """Queue a copy of ``request`` at its bank, unless that is full."""
    bank = state["banks_"][request["address"] // state["line_bytes"] % state["banks"]]
    ring = bank["rings"][request["write"] * state["split"]]
    if ring["count"] >= state["queue"]:
        return False
    row = ring["rows"][(ring["head"] + ring["count"]) % QUEUE]
    copy_request(row, request)
    row["time"] = now
    ring["count"] += 1
    state["waiting"] += 1
    return True


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
    bank = state["banks_"][mshr["line"] % state["banks"]]
    at = (bank["fill_head"] + bank["fill_count"]) % MSHRS
    bank["fill_mshr"][at] = tag
    bank["fill_time"][at] = time
    bank["fill_count"] += 1
    return time


@njit
def settle(state, now):
    """Charge the cycles since the last look to whoever held up the oldest request of each queue."""
    since = state["settled"]
    if now <= since:
        return
    state["settled"] = now
    if state["waiting"] == 0:
        return
    for b in range(state["banks"]):
        for k in range(1 + state["split"]):
            ring = state["banks_"][b]["rings"][k]
            for n in range(ring["count"]):
                row = ring["rows"][(ring["head"] + n) % QUEUE]
                waited = now - max(since, row["time"])
                if waited > 0:
                    if ring["cause"] >= 0:
                        state["blame"][row["master"], ring["culprit"], ring["cause"]] += waited
                    else:
                        state["blame"][row["master"], row["master"], BANK_BUSY] += waited


@njit
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


@njit
def take_fill(state, tags, bank, now, ups):
    """Put the oldest fill into the array and answer who waits for it. Returns False while `ups` is full."""
    index = bank["fill_mshr"][bank["fill_head"]]
    mshr = state["mshrs"][index]
    port = mshr["line"] % state["banks"] % state["ports"]
    while mshr["served"] < mshr["targets"]:
        if is_full(ups[port]):
            return False
        push_up(state, ups, port, mshr["target"][mshr["served"]], now + state["fill_latency"])
        mshr["served"] += 1
    took = bank["fill_time"][bank["fill_head"]] - mshr["asked"]
    if mshr["used"] & FILL and took < state["fastest_fill"]:
        state["fastest_fill"] = took
    if mshr["evictor"] >= 0 and mshr["targets"] > 0:
        state["blame"][mshr["master"], mshr["evictor"], EVICTION] += state["fastest_fill"]
    if mshr["way"] >= 0:
        tags[mshr["line"] & state["set_mask"], BUSY, mshr["way"]] = 0
        bank["free"] = now + (state["line_bytes"] + state["data_width"] - 1) // state["data_width"]
        bank["owner"] = mshr["master"]
    free_mshr(state, index, FILL | PASS)
    bank["fill_head"] = (bank["fill_head"] + 1) % MSHRS
    bank["fill_count"] -= 1
    return True


@njit
def advance_bank(state, tags, b, now, downs, ups):
    """Do what bank ``b`` can do now. Returns when it can do more, NEVER if only others can tell."""
    bank = state["banks_"][b]
    rings = 1 + state["split"]
    going = True
    while going:
        if bank["free"] > now:
            for k in range(rings):
                bank["rings"][k]["cause"] = BANK_BUSY
                bank["rings"][k]["culprit"] = bank["owner"]
            idle = (
                bank["fill_count"] == 0 and bank["rings"][0]["count"] == 0 and bank["rings"][1]["count"] == 0
            )
            return NEVER if idle else bank["free"]
        going = bank["fill_count"] > 0 and bank["fill_time"][bank["fill_head"]] <= now
        going = going and take_fill(state, tags, bank, now, ups)
        for k in range(rings):
            ring = bank["rings"][k]
            if not going and ring["count"] > 0 and ring["rows"][ring["head"]]["time"] <= now:
                going = look_up(state, tags, bank, ring, now, downs, ups)
    wake = NEVER
    if bank["fill_count"] > 0 and bank["fill_time"][bank["fill_head"]] > now:
        wake = bank["fill_time"][bank["fill_head"]]
    for k in range(rings):
        ring = bank["rings"][k]
        if ring["count"] > 0 and ring["rows"][ring["head"]]["time"] > now:
            wake = min(wake, ring["rows"][ring["head"]]["time"])
    return wake


@njit
def advance(state, tags, now, downs, ups):
    """Do all that is due in every bank. Returns when to come again."""
    settle(state, now)
    take_acks(state, now)
    wake = NEVER
    for b in range(state["banks"]):
        wake = min(wake, advance_bank(state, tags, b, now, downs, ups))
    if state["waiting"] > 0 and state["acks"]["count"] > 0:
        wake = min(wake, state["acks"]["time"][state["acks"]["head"]])
    return wake
