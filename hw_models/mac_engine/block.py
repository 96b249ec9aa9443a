"""The matrix-vector engine as one block, the twin of rtl/mac_engine.sv: the same cycle of every request.

Products are rows of an OP array that the caller owns. An address that goes out in cycle t is the RTL's
ARVALID (AWVALID with WVALID) in cycle t; an answer taken in cycle t frees its place in t + 1.
"""

from hw_models.jit import inlined, njit
from hw_models.mac_engine.names import BEAT_BYTES, MOST_PLACES
from hw_models.mac_engine.state import RECORDS
from hw_models.port import FIFO_ROWS, NEVER, is_full

SUM_CYCLES = 2  # from a row's last beat to its sum at the head of an empty queue: sum, then queue
READ, WRITE = 0, 1


@njit
def start(state, ops, index, now):
    """Take ``ops[index]``: it is busy from ``now`` on. False while another one is under way."""
    if state["started"] > state["finished"] or state["started"] - state["taken"] == RECORDS:
        return False
    record = state["records"][state["started"] % RECORDS]
    record["op"] = index
    record["start"] = now
    record["end"] = -1
    record["read_bytes"] = record["write_bytes"] = record["place_stall"] = 0
    state["asked"] = state["here"] = state["read"] = state["written"] = state["answered"] = 0
    state["places"] = state["place_limit"]
    state["next_read"] = state["next_write"] = now
    state["blocked_since"] = -1
    state["started"] += 1
    return True


@inlined
def send(state, out, now, address, size, write):
    """Put a burst on the way out, which has room."""
    row = out["rows"][(out["head"] + out["count"]) % FIFO_ROWS]
    row["time"] = row["issued"] = now
    row["address"] = address
    row["bytes"] = row["tag"] = size
    row["write"] = row["stream"] = write
    row["master"] = state["master"]
    out["count"] += 1


@njit
def ask(state, op, now, reads):
    """Let the next read out if there is a place for it; return when to look again."""
    while state["asked"] <= op["rows"]:
        if state["places"] == 0:
            if state["blocked_since"] < 0:
                state["blocked_since"] = max(now, state["next_read"])
            return NEVER
        if state["next_read"] > now:
            return state["next_read"]
        if is_full(reads):
            return NEVER
        size = op["row_beats"] * BEAT_BYTES
        address = op["vector"] if state["asked"] == 0 else op["source"] + (state["asked"] - 1) * size
        send(state, reads, now, address, size, READ)
        record = state["records"][state["finished"] % RECORDS]
        record["read_bytes"] += size
        state["places"] -= 1
        state["asked"] += 1
        state["next_read"] = now + 1
    return NEVER


@njit
def store(state, op, now, writes):
    """Let the next sum out if there is one; return when to look again."""
    while state["written"] < state["read"] - 1:
        due = max(state["next_write"], state["ready"][state["written"] % MOST_PLACES])
        if due > now:
            return due
        if is_full(writes):
            return NEVER
        send(state, writes, now, op["target"] + state["written"] * BEAT_BYTES, BEAT_BYTES, WRITE)
        state["records"][state["finished"] % RECORDS]["write_bytes"] += BEAT_BYTES
        state["written"] += 1
        state["next_write"] = now + 1
    return NEVER


@njit
def advance(state, ops, now, reads, writes):
    """Do all that is due at ``now``; return the next cycle to be called at, NEVER when only input helps."""
    if state["started"] == state["finished"]:
        return NEVER
    record = state["records"][state["finished"] % RECORDS]
    op = ops[record["op"]]
    size = op["row_beats"] * BEAT_BYTES
    while state["here"] >= size:  # bursts come one behind the other
        state["here"] -= size
        if state["read"] == 0:
            free_place(state, now)
        else:
            state["ready"][(state["read"] - 1) % MOST_PLACES] = now + SUM_CYCLES
        state["read"] += 1
    next_read = ask(state, op, now, reads)
    next_write = store(state, op, now, writes)
    if state["answered"] < op["rows"]:
        return min(next_read, next_write)
    record["end"] = state["ended_at"]
    state["finished"] += 1
    return NEVER


@inlined
def free_place(state, now):
    """A place is free from the cycle after ``now``."""
    if state["places"] == 0:
        state["next_read"] = max(state["next_read"], now + 1)
        if state["blocked_since"] >= 0:
            record = state["records"][state["finished"] % RECORDS]
            record["place_stall"] += state["next_read"] - state["blocked_since"]
            state["blocked_since"] = -1
    state["places"] += 1


@njit
def respond(state, response, now):
    """An answer arrives: beats of a read, or the response to a write."""
    if response["write"]:
        state["answered"] += 1
        state["ended_at"] = now
        free_place(state, now)
        return
    state["here"] += response["bytes"]


@njit
def take_done(state):
    """Return (row of the product, row of its record, cycle) of the oldest one done; row -1: none."""
    if state["taken"] == state["finished"]:
        return -1, 0, NEVER
    slot = state["taken"] % RECORDS
    state["taken"] += 1
    return state["records"][slot]["op"], slot, state["records"][slot]["end"]
