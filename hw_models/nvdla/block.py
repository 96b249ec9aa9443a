"""The whole accelerator as one block: `start`, `advance`, `respond`, `take_done`.

Operations are rows of an OP array that the caller owns. Requests leave through two FIFOs, reads and
writes, as AXI has two address channels; the caller may pass the same FIFO twice.
"""

from hw_models.jit import aside, inlined, njit
from hw_models.nvdla.cacc import cacc_step
from hw_models.nvdla.cdma_data import data_beat, data_step
from hw_models.nvdla.cdma_weights import weight_beat, weight_step
from hw_models.nvdla.csc import csc_step
from hw_models.nvdla.groups import group_push, group_room
from hw_models.nvdla.mcif import (
    TAG_PORT,
    beat_returned,
    read_step,
    wake,
    wake_read,
    wake_write,
    write_acknowledged,
    write_step,
)
from hw_models.nvdla.mcif_state import TAKEN_BEATS
from hw_models.nvdla.names import OFTEN, PARTS, Block, Client, Mark, Part
from hw_models.nvdla.op import Unit
from hw_models.nvdla.post import (
    post_acknowledged,
    post_beat,
    post_enable,
    post_room,
    post_step,
    post_written,
)
from hw_models.nvdla.state import DONES, RECORDS
from hw_models.nvdla.timing import BEAT_TO_ACCEPT, BEAT_TO_FIFO, RETURN_BUFFER_BEATS
from hw_models.port import FIFO_ROWS, NEVER

_CONV = int(Unit.CONV)
_P_DATA, _P_WEIGHT, _P_CSC = int(Part.CDMA_DATA), int(Part.CDMA_WEIGHT), int(Part.CSC)
_P_CACC = int(Part.CACC)
_OFTEN = tuple(map(int, OFTEN))
_P_READ, _P_WRITE, _P_DONE = int(Part.READ), int(Part.WRITE), int(Part.DONE)
_CDMA, _CSC, _CACC = int(Block.CDMA), int(Block.CSC), int(Block.CACC)
_C_DATA, _C_WEIGHT = int(Client.CDMA_DATA), int(Client.CDMA_WEIGHT)
_M_LAST_READ = int(Mark.LAST_READ)


@njit
def new_record(state, op, index, now):
    """Return the slot of a fresh record of ``op``, row ``index`` of the operations."""
    slot = state["launched"] % RECORDS
    record = state["records"][slot]
    record["op"] = index
    record["enabled"] = now
    record["start"] = now
    record["end"] = -1
    record["done"] = -1
    record["read_bytes"][:] = 0
    record["read_bursts"][:] = 0
    record["write_bytes"][:] = 0
    record["write_bursts"][:] = 0
    record["read_ram_types"] = op["read_ram_types"]
    record["write_ram_types"] = op["write_ram_types"]
    record["mac_cycles"] = 0
    record["stall"][:] = 0
    record["mark"][:] = -1
    state["launched"] += 1
    return slot


@njit
def start(state, ops, index, now):
    """Set the op-enable bits of ``ops[index]`` at ``now``; False while a unit's groups are both taken."""
    op = ops[index]
    if op["unit"] == _CONV:
        if not (
            group_room(state, _CDMA)
            and group_room(state, _CSC)
            and group_room(state, _CACC)
            and post_room(state, op)
        ):
            return False
        slot = new_record(state, op, index, now)
        group_push(state, _CDMA, index, slot, now)
        group_push(state, _CSC, index, slot, now)
        group_push(state, _CACC, index, slot, now)
        post_enable(state, ops, index, slot, now)
        wake(state, _P_DATA, now)
        wake(state, _P_WEIGHT, now)
        wake(state, _P_CSC, now)
        return True
    if not post_room(state, op):
        return False
    post_enable(state, ops, index, new_record(state, op, index, now), now)
    return True


@inlined
def _take_beat(state, mcif, client, now):
    """One beat of ``client`` is there at ``now``: AXI brings one a cycle."""
    cdma = state["mcif"][0]
    at = max(now, mcif["last_beat"] + 1)
    if client == _C_DATA:
        at = max(at, cdma["taken"][(cdma["taken_count"] - RETURN_BUFFER_BEATS) % TAKEN_BEATS] + 1)
    beat_returned(state, mcif, client, at)
    if client == _C_DATA:
        slot = state["cdma_data"]["slot"]
        data_beat(state, at + BEAT_TO_FIFO)
        cdma["taken"][cdma["taken_count"] % TAKEN_BEATS] = state["cdma_data"]["asked"][0]
        cdma["taken_count"] += 1
        state["records"][slot]["mark"][_M_LAST_READ] = at
    elif client == _C_WEIGHT:
        slot = state["cdma_weight"]["slot"]
        weight_beat(state, at + BEAT_TO_ACCEPT)
        state["records"][slot]["mark"][_M_LAST_READ] = at
    else:
        post_beat(state, client, at)


@aside
def _take_beats(state, mcif, client, beats, now):
    for _ in range(beats):
        _take_beat(state, mcif, client, now)


@njit
def respond(state, response, now):
    """A response arrives: read data (any number of beats), or a write's acknowledgement."""
    client, dbb = response["stream"], state["dbb_bytes"]
    mcif = state["mcif"][response["tag"] // TAG_PORT]
    if response["write"]:
        write_acknowledged(state, mcif, client, response["bytes"] // dbb, now)
        post_acknowledged(state, client, now)
        return
    reader, beats = mcif["readers"][client], 1
    if response["bytes"] != dbb:  # whole beats, or parts of beats where their addresses are not aligned
        reader["part_bytes"] += response["bytes"]
        beats = reader["part_bytes"] // dbb
        reader["part_bytes"] -= beats * dbb
    if beats > 1:
        _take_beats(state, mcif, client, beats - 1, now)
    if beats > 0:
        _take_beat(state, mcif, client, now)
    reader["burst_beats_left"] += beats
    if reader["burst_beats_left"] >= response["tag"] % TAG_PORT:
        reader["burst_beats_left"] = 0
        reader["bursts_in_flight"] -= 1
        mcif["heeded"] -= client < _C_DATA


@njit
def _done_step(state, now):
    state["wake"][_P_DONE] = NEVER
    while state["done_pending"]:
        time = state["done_time"][state["done_count"] % DONES]
        if time > now:
            state["wake"][_P_DONE] = time
            return
        state["done_count"] += 1
        state["done_pending"] -= 1


@inlined
def see_room(state, mcif, reads, writes, now):
    """Let an interface go on that found its way out full and has room there now."""
    if mcif["read_full"] and reads["count"] < reads["limit"]:
        mcif["read_full"] = 0
        wake_read(state, mcif, now)
    if mcif["write_full"] and writes["count"] < writes["limit"]:
        mcif["write_full"] = 0
        wake_write(state, mcif, now)


@inlined
def read_part(state, port, time, reads):
    """Let an interface that is due send a burst; note when it wants to again."""
    mcif = state["mcif"][port]
    if mcif["read_wake"] <= time:
        read_step(state, port, max(time, mcif["next_read"]), reads)
    wake(state, _P_READ, mcif["read_wake"])


@inlined
def write_part(state, port, time, writes):
    """As `read_part`, for writes."""
    mcif = state["mcif"][port]
    if mcif["write_wake"] <= time:
        time = max(time, mcif["next_write"])
        client = write_step(state, port, time, writes)
        if client >= 0:
            row = writes["rows"][(writes["head"] + writes["count"] - 1) % FIFO_ROWS]
            post_written(state, client, row["tag"] % TAG_PORT, time)
    wake(state, _P_WRITE, mcif["write_wake"])


@aside
def _step_seldom(state, ops, part, now):
    """Let a part act that is not OFTEN."""
    if part == _P_DATA:
        data_step(state, ops, now)
    elif part == _P_WEIGHT:
        weight_step(state, ops, now)
    elif part == _P_CSC:
        csc_step(state, ops, now)
    elif part == _P_DONE:
        _done_step(state, now)
    else:
        state["wake"][part] = NEVER
        post_step(state, ops, part, now)
    state["seldom"] = NEVER
    for each in range(PARTS):
        if each not in _OFTEN:
            state["seldom"] = min(state["seldom"], state["wake"][each])


@inlined
def _due(state, now):
    """Return (part, cycle) of the part that acts first, of the lowest in a cycle; -1: none by ``now``."""
    times, seldom = state["wake"], state["seldom"]
    time = min(min(times[_P_CACC], times[_P_READ]), min(times[_P_WRITE], seldom))
    if time > now:
        return -1, time
    if seldom > time:
        return _P_CACC if times[_P_CACC] == time else _P_READ if times[_P_READ] == time else _P_WRITE, time
    part = 0
    while times[part] > time:
        part += 1
    return part, time


@njit
def advance(state, ops, now, reads, writes):
    """Do all that is due at ``now``; return the next cycle to be called at, NEVER when only input helps."""
    return advance_both(state, ops, now, reads, writes, reads, writes)


@njit
def advance_both(state, ops, now, reads, writes, cv_reads, cv_writes):
    """As `advance`, with the FIFOs of the second interface."""
    ports, times = 1 + state["cvsram"], state["wake"]
    for port in range(ports):
        see_room(state, state["mcif"][port], cv_reads if port else reads, cv_writes if port else writes, now)
    while True:
        part, time = _due(state, now)
        if part < 0:
            return time
        if part == _P_READ:
            times[part] = NEVER
            for port in range(ports):
                read_part(state, port, time, cv_reads if port else reads)
        elif part == _P_CACC:
            cacc_step(state, ops, time)
        elif part == _P_WRITE:
            times[part] = NEVER
            for port in range(ports):
                write_part(state, port, time, cv_writes if port else writes)
        else:
            _step_seldom(state, ops, part, time)


@njit
def take_done(state):
    """Return (row of the operation, row of its record, cycle) of the oldest one done; row -1: none."""
    if state["taken"] == state["done_count"]:
        return -1, 0, NEVER
    row = state["taken"] % DONES
    state["taken"] += 1
    return state["done_op"][row], state["done_slot"][row], state["done_time"][row]
