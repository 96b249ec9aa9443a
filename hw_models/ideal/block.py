"""Memory of a fixed latency and bandwidth, in order: the one the RTL was measured with.

A read's first beat comes ``read_latency`` after its address, beats are ``read_interval`` apart. A write's
beats are taken ``write_interval`` apart and answered ``write_latency`` after the last. Reads and writes do
not disturb each other unless they share the bus (``shared_interval``): then a write waits while a read's
beat is on it, and beats of a kind are at least that far apart.
"""

from hw_models.ideal.state import ROWS
from hw_models.jit import njit
from hw_models.port import FIFO_ROWS, NEVER, copy_request


@njit
def free_at(state):
    """Return the cycle from which a write may be accepted."""
    if state["shared_interval"]:
        return max(state["next_write_beat"], state["last_read_beat"] + 1)
    return state["next_write_beat"]


@njit
def accept(state, request, now):
    """Take ``request`` at ``now`` if it can be: False is back-pressure."""
    if request["write"]:
        if now < free_at(state) or state["write_count"] == ROWS:
            return False
        beats = (request["bytes"] + state["beat_bytes"] - 1) // state["beat_bytes"]
        interval = max(state["write_interval"], state["shared_interval"])
        state["next_write_beat"] = now + beats * interval
        row = state["write_rows"][(state["write_head"] + state["write_count"]) % ROWS]
        copy_request(row, request)
        row["time"] = now + (beats - 1) * interval + state["write_latency"]
        state["write_count"] += 1
        state["writes"] += 1
        state["write_bytes"] += request["bytes"]
        return True
    if state["read_count"] == ROWS:
        return False
    row = state["read_rows"][(state["read_head"] + state["read_count"]) % ROWS]
    copy_request(row, request)
    row["time"] = now + state["read_latency"]
    state["read_count"] += 1
    state["reads"] += 1
    state["read_bytes"] += request["bytes"]
    return True


@njit
def _next_read(state):
    if state["read_count"] == 0:
        return NEVER
    return max(state["read_rows"][state["read_head"]]["time"], state["next_read_beat"])


@njit
def advance(state, now, out):
    """Push the responses due at ``now``, one row a read beat; return when the next is due."""
    beat_bytes = state["beat_bytes"]
    while True:
        read_time = _next_read(state)
        write_time = NEVER
        if state["write_count"]:
            write_time = state["write_rows"][state["write_head"]]["time"]
        time = min(read_time, write_time)
        if time > now:
            return time
        if out["count"] >= out["limit"]:
            return now + 1
        row = out["rows"][(out["head"] + out["count"]) % FIFO_ROWS]
        if write_time <= read_time:
            copy_request(row, state["write_rows"][state["write_head"]])
            state["write_head"] = (state["write_head"] + 1) % ROWS
            state["write_count"] -= 1
        else:
            head = state["read_rows"][state["read_head"]]
            copy_request(row, head)
            row["time"] = read_time
            left = head["bytes"] - state["read_done"]
            row["bytes"] = min(beat_bytes, left)
            state["next_read_beat"] = read_time + max(state["read_interval"], state["shared_interval"])
            state["last_read_beat"] = read_time
            if left <= beat_bytes:
                state["read_done"] = 0
                state["read_head"] = (state["read_head"] + 1) % ROWS
                state["read_count"] -= 1
            else:
                state["read_done"] += beat_bytes
        out["count"] += 1
