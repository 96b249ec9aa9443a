"""The memory interface: DMA requests of the units become AXI bursts, beats come back in order per id.

Reads: every client has a short queue of DMA requests. One burst leaves a cycle, round robin over the
clients that have one, while the beats in flight stay below the limit (MCIF_READ_IG_bpt, _arb, _cvt).
Writes: likewise; a burst occupies the write channel for its beats.
"""

from hw_models.jit import inlined, njit
from hw_models.nvdla.mcif_state import CREDIT_RING, REQUESTS, RETURNS, WRITES
from hw_models.nvdla.names import CLIENTS, Mark, Part
from hw_models.nvdla.timing import RETURN_TO_READ
from hw_models.port import FIFO_ROWS, NEVER

_READ = int(Part.READ)
_WRITE = int(Part.WRITE)
_FIRST_WRITE = int(Mark.FIRST_WRITE)
_LAST_WRITE = int(Mark.LAST_WRITE)


@inlined
def wake(state, part, time):
    """See to it that ``part`` acts at ``time`` at the latest."""
    if time < state["wake"][part]:
        state["wake"][part] = time


@inlined
def wake_read(state, time):
    """Let a burst out from ``time`` on; while the way out is full, room there is what wakes."""
    mcif = state["mcif"]
    if mcif["read_full"] == 0:
        wake(state, _READ, max(time, mcif["next_read"]))


@inlined
def wake_write(state, time):
    """As `wake_read`."""
    mcif = state["mcif"]
    if mcif["write_full"] == 0:
        wake(state, _WRITE, max(time, mcif["next_write"]))


@njit
def read_room(state, client):
    reader = state["mcif"]["readers"][client]
    return reader["limit"] - reader["count"]


@njit
def request_read(state, client, address, beats, time, slot):
    """Queue a DMA read of ``beats``; its first burst may be on the bus at ``time``. The caller saw room."""
    mcif = state["mcif"]
    reader = mcif["readers"][client]
    row = (reader["head"] + reader["count"]) % REQUESTS
    reader["address"][row] = address
    reader["beats"][row] = beats
    reader["time"][row] = time
    reader["slot"][row] = slot
    reader["count"] += 1
    if reader["count"] == 1:
        wake_read(state, time)


@inlined
def _see_returns(mcif, now):
    """Take the beats off the outstanding counter whose return it has seen by ``now``."""
    while mcif["return_count"] and mcif["returned"][mcif["return_head"]] <= now - RETURN_TO_READ:
        mcif["return_head"] = (mcif["return_head"] + 1) & (RETURNS - 1)
        mcif["return_count"] -= 1
        mcif["reads_in_flight"] -= 1


@inlined
def _next_beats(state, reader):
    """Return the beats of the burst that the head request of ``reader`` sends next."""
    longest = state["burst_beats"]
    if longest == 1:
        return 1
    offset = (reader["address"][reader["head"]] // state["dbb_bytes"]) % longest
    return min(reader["beats"][reader["head"]], longest - offset)


@inlined
def _credit_at(state, reader, now):
    """Return the cycle from which the latency buffer of ``reader`` holds its next burst, NEVER: unknown."""
    if reader["credit"] < 0:
        return now
    while reader["credit_count"] and reader["credit_time"][reader["credit_head"]] <= now:
        reader["credit"] += 1
        reader["credit_head"] = (reader["credit_head"] + 1) % CREDIT_RING
        reader["credit_count"] -= 1
    missing = _next_beats(state, reader) - reader["credit"]
    if missing <= 0:
        return now
    if missing > reader["credit_count"]:
        return NEVER
    return reader["credit_time"][(reader["credit_head"] + missing - 1) % CREDIT_RING]


@inlined
def _reads_shut(state, out):
    """Tell whether the way out is full; if so, only room there is of interest."""
    if out["count"] < out["limit"]:
        return False
    state["wake"][_READ] = NEVER
    state["mcif"]["read_full"] = 1
    return True


@inlined
def _writes_shut(state, out):
    """As `_reads_shut`."""
    if out["count"] < out["limit"]:
        return False
    state["wake"][_WRITE] = NEVER
    state["mcif"]["write_full"] = 1
    return True


@inlined
def _send(state, out, now, client, address, size, write, beats):
    """Put a burst on the way out, which has room."""
    row = out["rows"][(out["head"] + out["count"]) % FIFO_ROWS]
    row["time"] = now
    row["address"] = address
    row["bytes"] = size
    row["write"] = write
    row["master"] = state["master"]
    row["stream"] = client
    row["tag"] = beats
    row["issued"] = now
    out["count"] += 1


@inlined
def read_step(state, now, out):
    """Let one burst out at ``now`` if there is one; set the next wake."""
    mcif = state["mcif"]
    if _reads_shut(state, out):
        return
    dbb = state["dbb_bytes"]
    chosen, later, more = -1, NEVER, 0
    client = mcif["last_reader"]
    for _ in range(CLIENTS):
        client = client + 1 if client + 1 < CLIENTS else 0
        reader = mcif["readers"][client]
        if reader["count"] == 0:
            continue
        if reader["time"][reader["head"]] > now:
            later = min(later, reader["time"][reader["head"]])
        elif reader["id_limit"] == 0 or reader["bursts_in_flight"] < reader["id_limit"]:
            credit_at = _credit_at(state, reader, now)
            if credit_at > now:
                later = min(later, credit_at)
            elif chosen < 0:
                chosen = client
            else:
                more = 1
    if chosen < 0:
        state["wake"][_READ] = later
        return
    reader = mcif["readers"][chosen]
    head = reader["head"]
    address = reader["address"][head]
    beats = _next_beats(state, reader)
    _see_returns(mcif, now)
    if mcif["reads_in_flight"] + beats > state["outstanding_reads"]:
        if mcif["return_count"]:
            state["wake"][_READ] = mcif["returned"][mcif["return_head"]] + RETURN_TO_READ
        else:
            mcif["read_limited"] = 1
            state["wake"][_READ] = NEVER
        return
    _send(state, out, now, chosen, address, beats * dbb, 0, beats)
    record = state["records"][reader["slot"][head]]
    record["read_bytes"][chosen] += beats * dbb
    record["read_bursts"][chosen] += 1
    mcif["reads_in_flight"] += beats
    gone = 0  # returned beats that the counter has not yet seen
    while (
        gone < mcif["return_count"] and mcif["returned"][(mcif["return_head"] + gone) & (RETURNS - 1)] <= now
    ):
        gone += 1
    mcif["max_reads_in_flight"] = max(mcif["max_reads_in_flight"], mcif["reads_in_flight"] - gone)
    mcif["last_reader"] = chosen
    mcif["next_read"] = now + 1
    reader["bursts_in_flight"] += 1
    if reader["credit"] > 0:
        reader["credit"] -= beats
    if beats == reader["beats"][head]:
        reader["head"] = (head + 1) % REQUESTS
        reader["count"] -= 1
        if now < state["wake"][reader["owner"]]:
            state["wake"][reader["owner"]] = now
        if more == 0 and reader["count"] > 0:
            later = min(later, reader["time"][reader["head"]])
    else:
        reader["beats"][head] -= beats
        reader["address"][head] = address + beats * dbb
        more = 1
    if not _reads_shut(state, out):
        state["wake"][_READ] = now + 1 if more else max(later, now + 1)


@inlined
def beat_returned(state, client, time):
    """Account for one read beat of ``client`` taken from the bus at ``time``."""
    mcif = state["mcif"]
    reader = mcif["readers"][client]
    mcif["last_beat"] = time
    mcif["returned"][(mcif["return_head"] + mcif["return_count"]) & (RETURNS - 1)] = time
    mcif["return_count"] += 1
    if mcif["read_limited"] or (reader["id_limit"] and reader["count"]):
        mcif["read_limited"] = 0
        wake_read(state, time + RETURN_TO_READ)


@njit
def return_credit(state, client, time):
    """A latency buffer passes a beat on: from ``time`` the splitter may use its room again."""
    reader = state["mcif"]["readers"][client]
    reader["credit_time"][(reader["credit_head"] + reader["credit_count"]) % CREDIT_RING] = time
    reader["credit_count"] += 1
    if reader["count"]:
        wake_read(state, time)


@njit
def request_write(state, client, address, beats, time, slot):
    """Queue one write burst, on the bus at ``time`` at the earliest. The caller saw room."""
    mcif = state["mcif"]
    writer = mcif["writers"][client]
    row = (writer["head"] + writer["count"]) % WRITES
    writer["address"][row] = address
    writer["beats"][row] = beats
    writer["bytes"][row] = beats * state["dbb_bytes"]
    writer["time"][row] = time
    writer["slot"][row] = slot
    writer["count"] += 1
    if writer["count"] == 1:
        wake_write(state, time)


@inlined
def write_step(state, now, out):
    """Let one write burst out at ``now``; return its client, or -1 when none left."""
    mcif = state["mcif"]
    if _writes_shut(state, out):
        return -1
    chosen, later, more = -1, NEVER, 0
    client = mcif["last_writer"]
    for _ in range(CLIENTS):
        client = client + 1 if client + 1 < CLIENTS else 0
        writer = mcif["writers"][client]
        if writer["count"] == 0:
            continue
        if writer["time"][writer["head"]] > now:
            later = min(later, writer["time"][writer["head"]])
        elif chosen < 0:
            chosen = client
        else:
            more = 1
    if chosen < 0:
        state["wake"][_WRITE] = later
        return -1
    writer = mcif["writers"][chosen]
    head = writer["head"]
    beats = writer["beats"][head]
    if mcif["writes_in_flight"] + beats > state["outstanding_writes"]:
        state["wake"][_WRITE] = NEVER
        mcif["write_limited"] = 1
        return -1
    _send(state, out, now, chosen, writer["address"][head], writer["bytes"][head], 1, beats)
    record = state["records"][writer["slot"][head]]
    record["write_bytes"][chosen] += writer["bytes"][head]
    record["write_bursts"][chosen] += 1
    if record["mark"][_FIRST_WRITE] < 0:
        record["mark"][_FIRST_WRITE] = now
    record["mark"][_LAST_WRITE] = now + beats - 1
    mcif["writes_in_flight"] += beats
    mcif["last_writer"] = chosen
    mcif["next_write"] = now + beats
    writer["head"] = (head + 1) % WRITES
    writer["count"] -= 1
    writer["in_flight"] += 1
    if writer["count"]:
        later = min(later, writer["time"][writer["head"]])
    if not _writes_shut(state, out):
        state["wake"][_WRITE] = now + beats if more else max(later, now + beats)
    return chosen


@inlined
def write_acknowledged(state, client, beats, time):
    mcif = state["mcif"]
    mcif["writers"][client]["in_flight"] -= 1
    mcif["writes_in_flight"] -= beats
    if mcif["write_limited"]:
        mcif["write_limited"] = 0
        wake_write(state, time + RETURN_TO_READ)
