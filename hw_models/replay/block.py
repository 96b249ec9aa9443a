"""A recorded bus trace as a master: `start`, `advance`, `respond`, `take_done`.

A trace is a head row of an OP array that the caller owns, with transactions behind it; `op` says when
each goes out. Their times of this run are written into these rows, in cycles of the recorded block's clock.
"""

from hw_models.jit import inlined, njit
from hw_models.port import FIFO_ROWS, NEVER, is_full
from hw_models.replay.names import PREDECESSORS
from hw_models.replay.state import RECORDS, Stall

PORT, LIMIT = int(Stall.PORT), int(Stall.LIMIT)
READ, WRITE = 0, 1


@njit
def start(state, ops, index, now):
    """Take the trace whose head is ``ops[index]`` at ``now``; False while another one is at work."""
    if state["started"] > state["finished"] or state["started"] - state["taken"] == RECORDS:
        return False
    record = state["records"][state["started"] % RECORDS]
    record["op"] = index
    record["enabled"] = record["start"] = now
    record["end"] = -1
    record["read_bytes"] = record["write_bytes"] = 0
    record["stall"][:] = 0
    head = ops[index]
    state["head"] = index
    first = index + head["first"]
    state["next"][READ] = first
    state["end"][READ] = state["next"][WRITE] = first + head["count"][READ]
    state["end"][WRITE] = state["end"][READ] + head["count"][WRITE]
    state["left"] = head["count"][READ] + head["count"][WRITE]
    state["issued_at"][:] = state["room_at"][:] = now
    state["refused"][:] = 0
    for row in range(first, state["end"][WRITE]):
        ops[row]["issued"] = ops[row]["done"] = -1
    state["started"] += 1
    return True


@njit
def settle(state, ops):
    """Note when transactions ended whose last answers have come, and give their places up."""
    head = ops[state["head"]]
    for i in range(state["answered_count"]):
        index = state["answered"][i]
        slot = state["slots"][index]
        write = slot["write"]
        ops[slot["row"]]["done"] = slot["done"]
        if state["in_flight"][write] == head["limit"][write]:
            state["room_at"][write] = slot["done"] + head["turnaround"][write]
        state["in_flight"][write] -= 1
        state["left"] -= 1
        state["free"][state["free_count"]] = index
        state["free_count"] += 1
    state["answered_count"] = 0


@inlined
def ready_at(state, ops, row, write):
    """Return when a channel's next transaction may go out, NEVER while one that it waits for is under way."""
    ready = max(state["issued_at"][write] + row["gap"], state["room_at"][write])
    for k in range(PREDECESSORS):
        if row["after"][k] == 0:
            break
        done = ops[state["head"] + row["after"][k]]["done"]
        if done < 0:
            return NEVER
        ready = max(ready, done + row["delay"][k])
    return ready


@inlined
def refuse(state, write, why, now):
    """Note why a channel's next transaction, which is ready, stays; only input helps."""
    if state["refused"][write] == 0:
        state["refused_at"][write] = now
    state["refused"][write] = 1 + why
    return NEVER


@njit
def issue(state, ops, now, out, write):
    """Let those of a channel's transactions out that may go; return when to look again."""
    while state["next"][write] < state["end"][write]:
        row = ops[state["next"][write]]
        ready = ready_at(state, ops, row, write)
        if ready > now:
            return ready
        if state["in_flight"][write] == ops[state["head"]]["limit"][write]:
            return refuse(state, write, LIMIT, now)
        if is_full(out):
            return refuse(state, write, PORT, now)
        record = state["records"][state["finished"] % RECORDS]
        if state["refused"][write]:
            record["stall"][state["refused"][write] - 1] += now - state["refused_at"][write]
            state["refused"][write] = 0
        if write:
            record["write_bytes"] += row["bytes"]
        else:
            record["read_bytes"] += row["bytes"]
        send(state, row, now, out, write)
        row["issued"] = state["issued_at"][write] = now
        state["next"][write] += 1
    return NEVER


@inlined
def send(state, row, now, out, write):
    """Put a transaction on the way out, which has room."""
    state["free_count"] -= 1
    index = state["free"][state["free_count"]]
    slot = state["slots"][index]
    slot["row"], slot["write"], slot["missing"] = state["next"][write], write, row["bytes"]
    state["in_flight"][write] += 1
    request = out["rows"][(out["head"] + out["count"]) % FIFO_ROWS]
    request["time"] = request["issued"] = now
    request["address"] = row["address"]
    request["bytes"] = row["bytes"]
    request["write"] = write
    request["master"] = state["master"]
    request["stream"] = row["stream"]
    request["tag"] = index
    out["count"] += 1


@njit
def advance(state, ops, now, reads, writes):
    """Do all that is due at ``now``; return the next cycle to be called at, NEVER when only input helps."""
    if state["started"] == state["finished"]:
        return NEVER
    settle(state, ops)
    next_read = issue(state, ops, now, reads, READ)
    next_write = issue(state, ops, now, writes, WRITE)
    if state["left"] > 0:
        return min(next_read, next_write)
    state["records"][state["finished"] % RECORDS]["end"] = now
    state["finished"] += 1
    return NEVER


@njit
def respond(state, response, now):
    """A response arrives: read data, any part of a transaction at a time, or a write's acknowledgement."""
    slot = state["slots"][response["tag"]]
    slot["missing"] = 0 if response["write"] else slot["missing"] - response["bytes"]
    if slot["missing"] == 0:
        slot["done"] = now
        state["answered"][state["answered_count"]] = response["tag"]
        state["answered_count"] += 1


@njit
def take_done(state):
    """Return (row of the trace's head, row of its record, cycle) of the oldest one done; row -1: none."""
    if state["taken"] == state["finished"]:
        return -1, 0, NEVER
    slot = state["taken"] % RECORDS
    state["taken"] += 1
    return state["records"][slot]["op"], slot, state["records"][slot]["end"]
