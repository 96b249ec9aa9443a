"""The memory interfaces: DMA requests of the units become AXI bursts, beats come back in order per id.

There are two of a kind, each with its own port, arbiters and counters: MCIF, and CVIF for the memory that
NVIDIA calls CVSRAM. An operation's RAM types say which client's surfaces lie behind which; the burst's tag
says by which it went. A client's latency buffer, and so its credits, serves both.

Reads: every client has a short queue of DMA requests. One burst leaves a cycle, round robin over the
clients that have one, while the beats in flight stay below the limit (MCIF_READ_IG_bpt, _arb, _cvt).
Writes: likewise; a burst occupies the write channel for its beats.
"""

from hw_models.bits import lowest
from hw_models.jit import aside, inlined, njit
from hw_models.nvdla.mcif_state import CREDIT_RING, REQUESTS, RETURNS, WRITES
from hw_models.nvdla.names import OFTEN, Client, Mark, Part
from hw_models.nvdla.timing import RETURN_TO_READ
from hw_models.port import FIFO_ROWS, NEVER

TAG_PORT = 256  # of a burst's tag: beats below, the interface's number above
_SDP, _CDMA = int(Client.SDP), int(Client.CDMA_DATA)  # and weights behind
_READ = int(Part.READ)
_OFTEN = tuple(map(int, OFTEN))
_WRITE = int(Part.WRITE)
_FIRST_WRITE = int(Mark.FIRST_WRITE)
_LAST_WRITE = int(Mark.LAST_WRITE)


@inlined
def wake(state, part, time):
    """See to it that ``part`` acts at ``time`` at the latest."""
    if time < state["wake"][part]:
        state["wake"][part] = time
        if part not in _OFTEN:
            state["seldom"] = min(state["seldom"], time)


@inlined
def wake_read(state, mcif, time):
    """Let a burst out from ``time`` on; while the way out is full, room there is what wakes."""
    if mcif["read_full"] == 0:
        mcif["read_wake"] = min(mcif["read_wake"], max(time, mcif["next_read"]))
        wake(state, _READ, mcif["read_wake"])


@inlined
def wake_write(state, mcif, time):
    """As `wake_read`."""
    if mcif["write_full"] == 0:
        mcif["write_wake"] = min(mcif["write_wake"], max(time, mcif["next_write"]))
        wake(state, _WRITE, mcif["write_wake"])


@inlined
def interface_of(state, client, ram_types):
    """Return the interface that a client uses for an operation of these RAM types."""
    return state["mcif"][ram_types >> client & state["cvsram"]]


@njit
def read_room(state, client):
    """Return how many more DMA requests a client may queue, at whichever interface."""
    reader = state["mcif"][0]["readers"][client]
    room = reader["limit"] - reader["count"]
    if state["cvsram"]:
        room = min(room, reader["limit"] - state["mcif"][1]["readers"][client]["count"])
    return room


@njit
def request_read(state, client, address, beats, time, slot):
    """Queue a DMA read of ``beats``; its first burst may be on the bus at ``time``. The caller saw room."""
    mcif = interface_of(state, client, state["records"][slot]["read_ram_types"])
    reader = mcif["readers"][client]
    row = (reader["head"] + reader["count"]) % REQUESTS
    reader["address"][row] = address
    reader["beats"][row] = beats
    reader["time"][row] = time
    reader["slot"][row] = slot
    reader["count"] += 1
    if reader["count"] == 1:
        mcif["asking"] |= 1 << client
        wake_read(state, mcif, time)


@inlined
def _come_back(beats, time):
    """Note that a beat is back at ``time``."""
    beats["back"][(beats["head"] + beats["count"]) & (RETURNS - 1)] = time
    beats["count"] += 1


@aside
def _more_come_back(beats, more, time):
    for _ in range(more):
        _come_back(beats, time)


@inlined
def _see(beats, now):
    """Take the beats off the outstanding counter whose return it has seen by ``now``."""
    while beats["count"] and beats["back"][beats["head"]] <= now - RETURN_TO_READ:
        beats["head"] = (beats["head"] + 1) & (RETURNS - 1)
        beats["count"] -= 1
        beats["in_flight"] -= 1


@inlined
def _next_beats(state, reader):
    """Return the beats of the burst that the head request of ``reader`` sends next."""
    longest = state["burst_beats"]
    if longest == 1:
        return 1
    offset = (reader["address"][reader["head"]] // state["dbb_bytes"]) % longest
    return min(reader["beats"][reader["head"]], longest - offset)


@inlined
def _credit_at(state, buffer, reader, now):
    """Return the cycle from which a client's latency ``buffer`` holds its next burst, NEVER: unknown."""
    if buffer["credit"] < 0:
        return now
    while buffer["credit_count"] and buffer["credit_time"][buffer["credit_head"]] <= now:
        buffer["credit"] += 1
        buffer["credit_head"] = (buffer["credit_head"] + 1) % CREDIT_RING
        buffer["credit_count"] -= 1
    missing = _next_beats(state, reader) - buffer["credit"]
    if missing <= 0:
        return now
    if missing > buffer["credit_count"]:
        return NEVER
    return buffer["credit_time"][(buffer["credit_head"] + missing - 1) % CREDIT_RING]


@inlined
def _next_client(some, last):
    """Return whose turn it is of some clients, a bit each, after ``last``."""
    behind = some & -(2 << last)
    return lowest(behind if behind else some)


@inlined
def _reads_shut(mcif, out):
    """Tell whether the way out is full; if so, only room there is of interest."""
    if out["count"] < out["limit"]:
        return False
    mcif["read_wake"] = NEVER
    mcif["read_full"] = 1
    return True


@inlined
def _writes_shut(mcif, out):
    """As `_reads_shut`."""
    if out["count"] < out["limit"]:
        return False
    mcif["write_wake"] = NEVER
    mcif["write_full"] = 1
    return True


@inlined
def _send(state, out, now, client, address, size, write, beats, port):
    """Put a burst on the way out of an interface, which has room."""
    row = out["rows"][(out["head"] + out["count"]) % FIFO_ROWS]
    row["time"] = now
    row["address"] = address
    row["bytes"] = size
    row["write"] = write
    row["master"] = state["master"]
    row["stream"] = client
    row["tag"] = beats + TAG_PORT * port
    row["issued"] = now
    out["count"] += 1


@inlined
def _count_read(state, mcif, chosen, beats, now):
    """Count a burst of client ``chosen`` that leaves at ``now``."""
    reader, reads = mcif["readers"][chosen], mcif["reads"]
    record = state["records"][reader["slot"][reader["head"]]]
    record["read_bytes"][chosen] += beats * state["dbb_bytes"]
    record["read_bursts"][chosen] += 1
    reads["in_flight"] += beats
    if reads["in_flight"] > mcif["max_reads_in_flight"]:
        gone = 0  # returned beats that the counter has not yet seen
        while gone < reads["count"] and reads["back"][(reads["head"] + gone) & (RETURNS - 1)] <= now:
            gone += 1
        mcif["max_reads_in_flight"] = max(mcif["max_reads_in_flight"], reads["in_flight"] - gone)
    mcif["last_reader"] = chosen
    mcif["next_read"] = now + 1
    reader["bursts_in_flight"] += 1


@inlined
def _go_on(state, reader, beats):
    """Leave the first ``beats`` of the head request of ``reader`` behind."""
    reader["beats"][reader["head"]] -= beats
    reader["address"][reader["head"]] += beats * state["dbb_bytes"]


@inlined
def read_followed(state, client, now):
    """Count a burst of the longest that left at ``now`` without `read_step`: nothing else could have."""
    mcif, beats = state["mcif"][0], state["burst_beats"]
    _see(mcif["reads"], now)
    _count_read(state, mcif, client, beats, now)
    _go_on(state, mcif["readers"][client], beats)


@inlined
def read_step(state, port, now, out):
    """Let one burst out of an interface at ``now`` if there is one; set its next wake."""
    mcif = state["mcif"][port]
    if _reads_shut(mcif, out):
        return
    dbb = state["dbb_bytes"]
    chosen, later, more = -1, NEVER, 0
    client, asking = mcif["last_reader"], mcif["asking"]
    while asking:
        client = _next_client(asking, client)
        asking ^= 1 << client
        reader = mcif["readers"][client]
        if reader["time"][reader["head"]] > now:
            later = min(later, reader["time"][reader["head"]])
        elif reader["id_limit"] == 0 or reader["bursts_in_flight"] < reader["id_limit"]:
            credit_at = _credit_at(state, state["mcif"][0]["readers"][client], reader, now)
            if credit_at > now:
                later = min(later, credit_at)
            elif chosen < 0:
                chosen = client
            else:
                more = 1
    if chosen < 0:
        mcif["read_wake"] = later
        return
    reader = mcif["readers"][chosen]
    head = reader["head"]
    address = reader["address"][head]
    beats = _next_beats(state, reader)
    reads = mcif["reads"]
    _see(reads, now)
    if reads["in_flight"] + beats > state["outstanding_reads"]:
        if reads["count"]:
            later = min(later, reads["back"][reads["head"]] + RETURN_TO_READ)
        else:
            mcif["read_limited"] = 1
        mcif["read_wake"] = later  # whose turn it is then may have a shorter one
        return
    _send(state, out, now, chosen, address, beats * dbb, 0, beats, port)
    _count_read(state, mcif, chosen, beats, now)
    mcif["heeded"] += chosen < _CDMA
    buffer = state["mcif"][0]["readers"][chosen]
    if buffer["credit"] > 0:
        buffer["credit"] -= beats
    if beats == reader["beats"][head]:
        reader["head"] = (head + 1) % REQUESTS
        reader["count"] -= 1
        if reader["count"] == 0:
            mcif["asking"] ^= 1 << chosen
        wake(state, reader["owner"], now)
        if more == 0 and reader["count"] > 0:
            later = min(later, reader["time"][reader["head"]])
    else:
        _go_on(state, reader, beats)
        more = 1
    if not _reads_shut(mcif, out):
        mcif["read_wake"] = now + 1 if more else max(later, now + 1)


@inlined
def beat_returned(state, mcif, client, time):
    """Account for one read beat of ``client`` taken from the bus at ``time``."""
    reader = mcif["readers"][client]
    mcif["last_beat"] = time
    _come_back(mcif["reads"], time)
    if mcif["read_limited"] or (reader["id_limit"] and reader["count"]):
        mcif["read_limited"] = 0
        wake_read(state, mcif, time + RETURN_TO_READ)


@njit
def return_credit(state, client, time):
    """A latency buffer passes a beat on: from ``time`` the splitter may use its room again."""
    reader = state["mcif"][0]["readers"][client]
    reader["credit_time"][(reader["credit_head"] + reader["credit_count"]) % CREDIT_RING] = time
    reader["credit_count"] += 1
    if reader["count"]:
        wake_read(state, state["mcif"][0], time)
    if state["cvsram"] and state["mcif"][1]["readers"][client]["count"]:
        wake_read(state, state["mcif"][1], time)


@njit
def request_write(state, client, address, beats, time, slot):
    """Queue one write burst, on the bus at ``time`` at the earliest. The caller saw room."""
    mcif = interface_of(state, client, state["records"][slot]["write_ram_types"])
    writer = mcif["writers"][client]
    row = (writer["head"] + writer["count"]) % WRITES
    writer["address"][row] = address
    writer["beats"][row] = beats
    writer["time"][row] = time
    writer["slot"][row] = slot
    writer["count"] += 1
    if writer["count"] == 1:
        mcif["telling"] |= 1 << client
        wake_write(state, mcif, time)


@inlined
def write_step(state, port, now, out):
    """Let one write burst out of an interface at ``now``; return its client, or -1 when none left."""
    mcif = state["mcif"][port]
    if _writes_shut(mcif, out):
        return -1
    chosen, later, more = -1, NEVER, 0
    client, telling = mcif["last_writer"], mcif["telling"]
    while telling:
        client = _next_client(telling, client)
        telling ^= 1 << client
        writer = mcif["writers"][client]
        if writer["time"][writer["head"]] > now:
            later = min(later, writer["time"][writer["head"]])
        elif chosen < 0:
            chosen = client
        else:
            more = 1
    if chosen < 0:
        mcif["write_wake"] = later
        return -1
    writer = mcif["writers"][chosen]
    head = writer["head"]
    beats = writer["beats"][head]
    writes = mcif["writes"]
    _see(writes, now)
    if writes["in_flight"] + beats > state["outstanding_writes"]:
        if writes["count"]:
            later = min(later, writes["back"][writes["head"]] + RETURN_TO_READ)
        else:
            mcif["write_limited"] = 1
        mcif["write_wake"] = later
        return -1
    size = beats * state["dbb_bytes"]
    _send(state, out, now, chosen, writer["address"][head], size, 1, beats, port)
    record = state["records"][writer["slot"][head]]
    record["write_bytes"][chosen] += size
    record["write_bursts"][chosen] += 1
    if record["mark"][_FIRST_WRITE] < 0:
        record["mark"][_FIRST_WRITE] = now
    record["mark"][_LAST_WRITE] = now + beats - 1
    writes["in_flight"] += beats
    mcif["last_writer"] = chosen
    mcif["next_write"] = now + beats
    writer["head"] = (head + 1) % WRITES
    writer["count"] -= 1
    mcif["heeded"] += chosen != _SDP
    if writer["count"]:
        later = min(later, writer["time"][writer["head"]])
    else:
        mcif["telling"] ^= 1 << chosen
    if not _writes_shut(mcif, out):
        mcif["write_wake"] = now + beats if more else max(later, now + beats)
    return chosen


@inlined
def write_acknowledged(state, mcif, client, beats, time):
    mcif["heeded"] -= client != _SDP
    _come_back(mcif["writes"], time)
    if beats > 1:
        _more_come_back(mcif["writes"], beats - 1, time)
    if mcif["write_limited"]:
        mcif["write_limited"] = 0
        wake_write(state, mcif, time + RETURN_TO_READ)
