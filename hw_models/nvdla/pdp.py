"""PDP: pooling of a cube from memory or of SDP's output on the fly.

Atoms are taken one a `period`. A window is written when its last element has been taken; a window that
reaches a whole stride or more beyond the right edge comes with the first elements of the next line
(beyond the lower edge: with the first lines of the next surface), at the end of the cube by itself.
"""

from hw_models.jit import njit
from hw_models.nvdla.done import finish
from hw_models.nvdla.groups import group_pop
from hw_models.nvdla.mcif import read_room, request_read, request_write, return_credit, wake
from hw_models.nvdla.names import Block, Client, Mark, Part, Stall
from hw_models.nvdla.op import Unit
from hw_models.nvdla.post_state import ARRIVALS, LONG_AGO, TAKEN
from hw_models.nvdla.post_timing import (
    ACKNOWLEDGE_TO_DONE,
    ENABLE_TO_RDMA_READ,
    PDP_AGAIN,
    PDP_BEAT_TO_LATENCY_FIFO,
    PDP_FIRST_ATOM,
    PDP_INPUT_DONE,
    PDP_OUTPUTS,
    PDP_POP_TO_READ,
    PDP_REORDER,
    PDP_REORDER_ATOMS,
    PDP_SPLIT_FIFO,
    PDP_TO_WRITE,
    PDP_TO_WRITE_FLYING,
    WRITE_GAP,
)
from hw_models.port import NEVER

_PDP = int(Block.PDP)
_P_PDP = int(Part.PDP)
_P_SDP = int(Part.SDP)
_CLIENT = int(Client.PDP)
_CONV, _SDP_UNIT = int(Unit.CONV), int(Unit.SDP)
_DATA, _ACKNOWLEDGE, _PROGRAM = int(Stall.DATA), int(Stall.ACKNOWLEDGE), int(Stall.PROGRAM)
_LAST_READ, _LAST_WRITE = int(Mark.LAST_READ), int(Mark.LAST_WRITE)


@njit
def _beyond(outputs, stride, pad, window, size):
    """Return how many windows end a whole stride or more beyond the edge."""
    return min(outputs, max(0, ((outputs - 1) * stride - pad + window - size) // stride))


@njit
def _start(state, ops):
    pdp = state["pdp"]
    group = state["groups"][_PDP]
    pdp["op"] = group["op"][group["head"]]
    pdp["slot"] = group["slot"][group["head"]]
    pdp["busy"] = 1
    pdp["launch"] = ops[pdp["op"]]
    op = pdp["launch"]
    atom = state["atom_bytes"]
    pdp["flying"] = op["unit"] == _CONV or op["unit"] == _SDP_UNIT
    pdp["period"] = atom // state["pdp_elements"]
    pdp["latency"] = PDP_TO_WRITE
    pdp["width"], pdp["height"] = op["width"], op["height"]
    channels = op["channels"]
    if pdp["flying"]:
        pdp["width"], pdp["height"] = op["out_width"], op["out_height"]
        channels = op["out_channels"]
        pdp["latency"] = PDP_TO_WRITE_FLYING
        if state["sdp_elements"] > state["pdp_elements"]:
            pdp["latency"] += PDP_SPLIT_FIFO
    pdp["surfaces"] = (channels + atom - 1) // atom
    pdp["line"] = 0
    pdp["surface"] = 0
    pdp["beat_atoms"] = max(1, state["dbb_bytes"] // atom)
    pdp["line_beats"] = (pdp["width"] * atom + state["dbb_bytes"] - 1) // state["dbb_bytes"]
    pdp["next_request"] = max(group["time"][group["head"]] + ENABLE_TO_RDMA_READ, pdp["free_at"] + PDP_AGAIN)
    pdp["arrive_column"] = pdp["pop_column"] = pdp["beat_atom"] = 0
    pdp["count"] = pdp["taken"] = 0
    pdp["popped"] = pdp["next_take"] = LONG_AGO
    pdp["taken_time"][:] = LONG_AGO
    pdp["x"] = pdp["y"] = pdp["z"] = 0
    pdp["flush_x"] = _beyond(
        op["pool_out_width"], op["pool_stride_x"], op["pool_pad_left"], op["pool_width"], pdp["width"]
    )
    pdp["flush_y"] = _beyond(
        op["pool_out_height"], op["pool_stride_y"], op["pool_pad_top"], op["pool_height"], pdp["height"]
    )
    first_x = min(op["pool_width"] - op["pool_pad_left"], pdp["width"])
    first_y = min(op["pool_height"] - op["pool_pad_top"], pdp["height"])
    pdp["pause_x"] = max(0, pdp["flush_x"] - first_x + 1) if pdp["flush_x"] else 0
    pdp["pause_y"] = max(0, pdp["flush_y"] - first_y + 1) if pdp["flush_y"] else 0
    pdp["out_x"] = pdp["out_y"] = pdp["out_z"] = 0
    pdp["outputs"] = pdp["gathered"] = pdp["all_sent"] = 0
    pdp["next_write"] = LONG_AGO
    pdp["input_done"] = NEVER


@njit
def pdp_step(state, ops, now):
    """Begin the next launch if there is one; hand requests, a line each, to the memory interface."""
    pdp = state["pdp"]
    state["wake"][_P_PDP] = NEVER
    if not pdp["busy"]:
        if state["groups"][_PDP]["count"] == 0:
            return
        _start(state, ops)
        if pdp["flying"]:
            wake(state, _P_SDP, now)
        else:
            state["records"][pdp["slot"]]["stall"][_PROGRAM] += ENABLE_TO_RDMA_READ
    if pdp["flying"]:
        return
    op = pdp["launch"]
    while pdp["surface"] < pdp["surfaces"] and read_room(state, _CLIENT) > 0:
        address = op["src"] + pdp["surface"] * op["src_surface_stride"] + pdp["line"] * op["src_line_stride"]
        time = max(pdp["next_request"], now)
        request_read(state, _CLIENT, address, pdp["line_beats"], time, pdp["slot"])
        pdp["next_request"] = time + 1
        pdp["line"] += 1
        if pdp["line"] == pdp["height"]:
            pdp["line"] = 0
            pdp["surface"] += 1


@njit
def pdp_beat(state, at):
    """One beat for PDP comes from AXI at ``at``."""
    pdp = state["pdp"]
    atoms = min(pdp["beat_atoms"], pdp["width"] - pdp["arrive_column"])
    for _ in range(atoms):
        pdp["time"][(pdp["head"] + pdp["count"]) % ARRIVALS] = at + PDP_BEAT_TO_LATENCY_FIFO
        pdp["count"] += 1
    pdp["arrive_column"] += atoms
    if pdp["arrive_column"] == pdp["width"]:
        pdp["arrive_column"] = 0
    state["records"][pdp["slot"]]["mark"][_LAST_READ] = at
    pdp_flow(state)


@njit
def pdp_flow(state):
    """Take atoms from the latency FIFO as far as their times are known."""
    pdp = state["pdp"]
    while pdp["count"] and pdp["outputs"] < PDP_OUTPUTS:
        time = max(pdp["time"][pdp["head"]], pdp["popped"] + (pdp["beat_atom"] == 0))
        time = max(time, pdp["taken_time"][(pdp["taken"] - PDP_REORDER_ATOMS) % TAKEN])
        pdp["popped"] = time
        pdp["head"] = (pdp["head"] + 1) % ARRIVALS
        pdp["count"] -= 1
        pdp["pop_column"] += 1
        pdp["beat_atom"] += 1
        if pdp["pop_column"] == pdp["width"] or pdp["beat_atom"] == pdp["beat_atoms"]:
            pdp["beat_atom"] = 0
            return_credit(state, _CLIENT, time + PDP_POP_TO_READ)
        if pdp["pop_column"] == pdp["width"]:
            pdp["pop_column"] = 0
        pdp_take(state, time + PDP_REORDER + (PDP_FIRST_ATOM if pdp["taken"] == 0 else 0))


@njit
def pdp_take(state, time):
    """Take the next atom of the input cube, there from ``time`` on."""
    pdp = state["pdp"]
    op = pdp["launch"]
    period = pdp["period"]
    if pdp["taken"] and time > pdp["next_take"] and not pdp["flying"]:
        state["records"][pdp["slot"]]["stall"][_DATA] += time - pdp["next_take"]
    time = max(time, pdp["next_take"])
    pdp["taken_time"][pdp["taken"] % TAKEN] = time
    pdp["taken"] += 1
    pdp["next_take"] = time + period
    x, y, z = pdp["x"], pdp["y"], pdp["z"]
    done = time + period - 1
    # windows of the line before that reach beyond its end
    if x < pdp["flush_x"] - pdp["pause_x"] and (y or z):
        if y:
            _row_result(state, op, y - 1, z, done)
        else:
            _row_result(state, op, pdp["height"] - 1, z - 1, done)
    last_x, last_y = x == pdp["width"] - 1, y == pdp["height"] - 1
    outputs, stride, pad, window = (
        op["pool_out_width"], op["pool_stride_x"], op["pool_pad_left"], op["pool_width"],
    )  # fmt: skip
    if _ends(outputs, stride, pad, window, x, last_x):
        _row_result(state, op, y, z, done)
    pdp["x"] += 1
    if not last_x:
        return
    pdp["x"] = 0
    pdp["y"] += 1
    cube_end = last_y and z == pdp["surfaces"] - 1
    for i in range(pdp["flush_x"] if cube_end else pdp["pause_x"]):
        _row_result(state, op, y, z, done + (i + 1) * period)
        pdp["next_take"] += period
    if not last_y:
        return
    pdp["y"] = 0
    pdp["z"] += 1
    if cube_end:
        pdp["input_done"] = done + PDP_INPUT_DONE
    start = pdp["next_take"] - 1
    count = (pdp["flush_y"] if cube_end else pdp["pause_y"]) * op["pool_out_width"]
    for i in range(count):  # between surfaces the first one comes with the last element
        _output(state, op, start + (i + (1 if cube_end else 0)) * period)
    pdp["next_take"] += period * (count if cube_end else max(0, count - 1))
    if cube_end:
        _end(state)


@njit
def _ends(outputs, stride, pad, window, at, last):
    """Return whether a window ends with element ``at``; with the last one, also less than a stride beyond."""
    offset = at + pad - window + 1
    if offset >= 0 and offset % stride == 0 and offset // stride < outputs:
        return True
    if not last:
        return False
    index = max(0, offset // stride + 1)  # first window that ends beyond the last element
    return index < outputs and index * stride - offset < stride


@njit
def _row_result(state, op, y, z, time):
    """A window of input line ``y`` is complete at ``time``: it may end a window of the cube."""
    pdp = state["pdp"]
    if z and y < pdp["flush_y"] - pdp["pause_y"]:
        _output(state, op, time)
    outputs, stride, pad, window = (
        op["pool_out_height"], op["pool_stride_y"], op["pool_pad_top"], op["pool_height"],
    )  # fmt: skip
    if _ends(outputs, stride, pad, window, y, y == pdp["height"] - 1):
        _output(state, op, time)


@njit
def _output(state, op, time):
    """An output atom is complete at ``time``: on the bus with the others of its burst."""
    pdp = state["pdp"]
    dbb, atom = state["dbb_bytes"], state["atom_bytes"]
    address = op["dst"] + pdp["out_z"] * op["dst_surface_stride"] + pdp["out_y"] * op["dst_line_stride"]
    address += pdp["out_x"] * atom
    if pdp["gathered"] == 0:
        pdp["burst_address"] = address
    pdp["gathered"] += 1
    pdp["out_x"] += 1
    pdp["outputs"] += 1
    end_of_line = pdp["out_x"] == op["pool_out_width"]
    end = address + atom
    full = pdp["gathered"] == PDP_OUTPUTS  # nothing more comes before these have left
    if end_of_line or full or end & (dbb * state["burst_beats"] - 1) == 0:
        beats = pdp["gathered"]
        if pdp["beat_atoms"] > 1:
            beats = (end + dbb - 1) // dbb - pdp["burst_address"] // dbb
        at = max(time + pdp["latency"], pdp["next_write"])
        request_write(state, _CLIENT, pdp["burst_address"], beats, at, pdp["slot"])
        pdp["next_write"] = at + beats + WRITE_GAP
        pdp["acks_left"] += 1
        pdp["gathered"] = 0
    if end_of_line:
        pdp["out_x"] = 0
        pdp["out_y"] += 1
        if pdp["out_y"] == op["pool_out_height"]:
            pdp["out_y"] = 0
            pdp["out_z"] += 1
            if pdp["out_z"] == pdp["surfaces"]:
                pdp["all_sent"] = 1


@njit
def pdp_written(state, beats, now):
    """A write burst of PDP has left at ``now``."""
    pdp = state["pdp"]
    full = pdp["outputs"] >= PDP_OUTPUTS
    pdp["outputs"] -= min(pdp["outputs"], beats * pdp["beat_atoms"])
    if full:
        pdp["next_take"] = max(pdp["next_take"], now + 1)
        pdp_flow(state)
        if pdp["flying"]:
            wake(state, _P_SDP, now + 1)


@njit
def pdp_acknowledged(state, now):
    """The memory has answered one of PDP's writes."""
    pdp = state["pdp"]
    pdp["acks_left"] -= 1
    if pdp["acks_left"] == 0 and pdp["all_sent"]:
        record = state["records"][pdp["slot"]]
        record["stall"][_ACKNOWLEDGE] += max(0, now - record["mark"][_LAST_WRITE])
        pdp["last_ack"] = now
        _end(state)


@njit
def _end(state):
    """Close the launch when all input has been taken and every write answered."""
    pdp = state["pdp"]
    if pdp["input_done"] == NEVER or not pdp["all_sent"] or pdp["acks_left"]:
        return
    done = max(pdp["last_ack"] + ACKNOWLEDGE_TO_DONE, pdp["input_done"])
    finish(state, pdp["op"], pdp["slot"], done)
    pdp["busy"] = 0
    pdp["free_at"] = done
    group_pop(state, _PDP)
    wake(state, _P_PDP, done)
