"""Units that copy a cube line by line: BDMA, and RUBIK (reshape).

An atom leaves a latency FIFO, keeps the unit busy for a period, and is on the bus a fixed time later. No
reference row has these units: the structure is the RTL's, latencies are assumed (post_timing.py).
"""

from hw_models.jit import njit
from hw_models.nvdla.bursts import send_burst
from hw_models.nvdla.done import finish
from hw_models.nvdla.groups import group_pop
from hw_models.nvdla.mcif import read_room, request_read, return_credit, wake
from hw_models.nvdla.names import Block, Client, Mark, Part, Stall
from hw_models.nvdla.post_state import ARRIVALS, LONG_AGO
from hw_models.nvdla.post_timing import (
    ACKNOWLEDGE_TO_DONE,
    COPY_TO_WRITE,
    ENABLE_TO_RDMA_READ,
    RUBIK_PERIOD,
    STREAM_BEAT_TO_FIFO,
    STREAM_OUTPUTS,
    STREAM_POP_TO_READ,
)
from hw_models.port import NEVER

_BDMA, _RUBIK = int(Block.BDMA), int(Block.RUBIK)
_C_BDMA, _C_RUBIK = int(Client.BDMA), int(Client.RUBIK)
_P_COPY = int(Part.COPY)
_LAST_READ, _LAST_WRITE = int(Mark.LAST_READ), int(Mark.LAST_WRITE)
_DATA, _ACKNOWLEDGE, _PROGRAM = int(Stall.DATA), int(Stall.ACKNOWLEDGE), int(Stall.PROGRAM)


@njit
def _start(state, ops, stream, block):
    """Begin the launch at the head of the register groups of ``block``."""
    group = state["groups"][block]
    stream["op"] = group["op"][group["head"]]
    stream["slot"] = group["slot"][group["head"]]
    stream["launch"] = ops[stream["op"]]
    stream["busy"] = 1
    op = stream["launch"]
    atom = state["atom_bytes"]
    stream["block"] = block
    stream["beat_atoms"] = max(1, state["dbb_bytes"] // atom)
    stream["client"] = _C_RUBIK if block == _RUBIK else _C_BDMA
    stream["period"] = RUBIK_PERIOD if block == _RUBIK else 1
    stream["surfaces"] = (op["channels"] + atom - 1) // atom
    stream["next_request"] = max(group["time"][group["head"]], stream["free_at"]) + ENABLE_TO_RDMA_READ
    for i in range(2):
        stream["y"][i] = stream["z"][i] = 0
    stream["arrive_atom"] = stream["count"] = stream["beat_atom"] = 0
    stream["column"] = stream["outputs"] = stream["gathered"] = stream["all_sent"] = 0
    stream["popped"] = stream["next_take"] = stream["next_write"] = LONG_AGO


@njit
def _advance(stream, way):
    """Step to the next line of the cube: ``way`` 0 for requests, 1 for results."""
    stream["y"][way] += 1
    if stream["y"][way] == stream["launch"]["height"]:
        stream["y"][way] = 0
        stream["z"][way] += 1


@njit
def _stream_step(state, ops, stream, block, now):
    """Begin the next launch if there is one; make requests."""
    if not stream["busy"]:
        if state["groups"][block]["count"] == 0:
            return
        _start(state, ops, stream, block)
        state["records"][stream["slot"]]["stall"][_PROGRAM] += ENABLE_TO_RDMA_READ
    op = stream["launch"]
    while stream["z"][0] < stream["surfaces"] and read_room(state, stream["client"]) > 0:
        address = (
            op["src"] + stream["z"][0] * op["src_surface_stride"] + stream["y"][0] * op["src_line_stride"]
        )
        beats = (op["width"] + stream["beat_atoms"] - 1) // stream["beat_atoms"]
        time = max(stream["next_request"], now)
        request_read(state, stream["client"], address, beats, time, stream["slot"])
        stream["next_request"] = time + 1
        _advance(stream, 0)


@njit
def copy_step(state, ops, now):
    state["wake"][_P_COPY] = NEVER
    _stream_step(state, ops, state["copy"]["units"][0], _BDMA, now)
    _stream_step(state, ops, state["copy"]["units"][1], _RUBIK, now)


@njit
def stream_beat(state, stream, at):
    """One beat comes from AXI at ``at``."""
    width = stream["launch"]["width"]
    for _ in range(min(stream["beat_atoms"], width - stream["arrive_atom"])):
        stream["time"][(stream["head"] + stream["count"]) % ARRIVALS] = at + STREAM_BEAT_TO_FIFO
        stream["count"] += 1
        stream["arrive_atom"] += 1
    if stream["arrive_atom"] == width:
        stream["arrive_atom"] = 0
    state["records"][stream["slot"]]["mark"][_LAST_READ] = at
    _flow(state, stream)


@njit
def _flow(state, stream):
    """Work on the atoms that are there, while the write path has room."""
    op = stream["launch"]
    atom, dbb = state["atom_bytes"], state["dbb_bytes"]
    while stream["count"] and stream["outputs"] < STREAM_OUTPUTS:
        ready = max(stream["time"][stream["head"]], stream["popped"] + (stream["beat_atom"] == 0))
        time = max(ready, stream["next_take"])
        if stream["popped"] > LONG_AGO and ready > stream["next_take"]:
            state["records"][stream["slot"]]["stall"][_DATA] += ready - stream["next_take"]
        stream["head"] = (stream["head"] + 1) % ARRIVALS
        stream["count"] -= 1
        stream["popped"] = time
        stream["next_take"] = time + stream["period"]
        address = (
            op["dst"] + stream["z"][1] * op["dst_surface_stride"] + stream["y"][1] * op["dst_line_stride"]
        )
        address += stream["column"] * atom
        if stream["gathered"] == 0:
            stream["burst_address"] = address
        stream["gathered"] += 1
        stream["outputs"] += 1
        stream["column"] += 1
        stream["beat_atom"] += 1
        line_end = stream["column"] == op["width"]
        if line_end or stream["beat_atom"] == stream["beat_atoms"]:
            stream["beat_atom"] = 0
            return_credit(state, stream["client"], time + STREAM_POP_TO_READ)
        end = address + atom
        full = stream["gathered"] == STREAM_OUTPUTS  # nothing more comes before these have left
        if line_end or full or end & (dbb * state["burst_beats"] - 1) == 0:
            beats = (end + dbb - 1) // dbb - stream["burst_address"] // dbb
            at = time + stream["period"] - 1 + COPY_TO_WRITE
            send_burst(state, stream, stream["client"], beats, at)
        if line_end:
            stream["column"] = 0
            _advance(stream, 1)
            stream["all_sent"] = stream["z"][1] == stream["surfaces"]


@njit
def stream_written(state, stream, beats, now):
    """A write burst has left at ``now``."""
    full = stream["outputs"] >= STREAM_OUTPUTS
    stream["outputs"] -= min(stream["outputs"], beats * stream["beat_atoms"])
    if full:
        stream["next_take"] = max(stream["next_take"], now + 1)
        _flow(state, stream)


@njit
def stream_acknowledged(state, stream, now):
    """The memory has answered a write burst; the last one ends the launch."""
    stream["acks_left"] -= 1
    if stream["acks_left"] or not stream["all_sent"]:
        return
    record = state["records"][stream["slot"]]
    record["stall"][_ACKNOWLEDGE] += max(0, now - record["mark"][_LAST_WRITE])
    finish(state, stream["op"], stream["slot"], now + ACKNOWLEDGE_TO_DONE)
    stream["busy"] = 0
    stream["free_at"] = now + ACKNOWLEDGE_TO_DONE
    group_pop(state, stream["block"])
    wake(state, _P_COPY, now + ACKNOWLEDGE_TO_DONE)
