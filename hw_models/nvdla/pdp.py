"""PDP: pooling of a cube from memory or of SDP's output on the fly.

Atoms are taken one a `period`. A window is written when its last element has been taken; a window that
reaches a whole stride or more beyond the right edge comes with the first elements of the next line
(beyond the lower edge: with the first lines of the next surface), at the end of the cube by itself.
"""

from hw_models.jit import njit
from hw_models.nvdla.groups import group_pop
from hw_models.nvdla.mcif import read_room, request_read, return_credit, wake
from hw_models.nvdla.names import Block, Client, Mark, Part, Stall
from hw_models.nvdla.op import Unit
from hw_models.nvdla.pdp_write import close, output
from hw_models.nvdla.post_state import ARRIVALS, LONG_AGO, TAKEN
from hw_models.nvdla.post_timing import (
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
)
from hw_models.port import NEVER

_PDP = int(Block.PDP)
_P_PDP = int(Part.PDP)
_P_SDP = int(Part.SDP)
_CLIENT = int(Client.PDP)
_CONV, _SDP_UNIT = int(Unit.CONV), int(Unit.SDP)
_DATA, _PROGRAM = int(Stall.DATA), int(Stall.PROGRAM)
_LAST_READ = int(Mark.LAST_READ)


@njit
def _beyond(outputs, stride, pad, window, size):
    """Return how many windows end a whole stride or more beyond the edge."""
    return min(outputs, max(0, ((outputs - 1) * stride - pad + window - size) // stride))


@njit
def _start(state, ops, now):
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
    pdp["count"] = pdp["waiting"] = pdp["taken"] = 0
    pdp["popped"] = pdp["next_take"] = LONG_AGO
    pdp["room_at"] = now
    pdp["taken_time"][:] = LONG_AGO
    pdp["x"] = pdp["y"] = pdp["z"] = 0
    pdp["row_x"] = pdp["row_y"] = pdp["row_z"] = 0
    pdp["drain_x"] = pdp["drain_y"] = 0
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
    if pdp["ended"]:
        if now < pdp["free_at"]:
            wake(state, _P_PDP, pdp["free_at"])
            return
        pdp["ended"] = pdp["busy"] = 0
        group_pop(state, _PDP)
    if not pdp["busy"]:
        if state["groups"][_PDP]["count"] == 0:
            return
        _start(state, ops, now)
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
    """Pass atoms on to the reorder FIFO, and from there to the core, as far as their times are known."""
    pdp = state["pdp"]
    _drain(state)
    while True:
        if pdp["count"] and pdp["waiting"] < PDP_REORDER_ATOMS:
            _pop(state)
        elif pdp["waiting"] and pdp["outputs"] < PDP_OUTPUTS:
            pdp["waiting"] -= 1
            pdp_take(state, pdp["ready"][pdp["taken"] % TAKEN])
        else:
            return


@njit
def _pop(state):
    """Move an atom from the latency FIFO to the reorder FIFO; its room lets another beat be read."""
    pdp = state["pdp"]
    number = pdp["taken"] + pdp["waiting"]
    time = max(pdp["time"][pdp["head"]], pdp["popped"] + (pdp["beat_atom"] == 0))
    time = max(time, pdp["taken_time"][(number - PDP_REORDER_ATOMS) % TAKEN])
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
    pdp["ready"][number % TAKEN] = time + PDP_REORDER + (PDP_FIRST_ATOM if number == 0 else 0)
    pdp["waiting"] += 1


@njit
def pdp_take(state, time):
    """Take the next atom of the input cube, there from ``time`` on, and drain what it leaves to drain."""
    pdp = state["pdp"]
    op = pdp["launch"]
    if pdp["taken"] and time > pdp["next_take"] and not pdp["flying"]:
        state["records"][pdp["slot"]]["stall"][_DATA] += time - pdp["next_take"]
    time = max(time, pdp["next_take"])
    pdp["taken_time"][pdp["taken"] % TAKEN] = time
    pdp["taken"] += 1
    pdp["next_take"] = time + pdp["period"]
    x, y = pdp["x"], pdp["y"]
    done = pdp["next_take"] - 1
    last_x, last_y = x == pdp["width"] - 1, y == pdp["height"] - 1
    outputs, stride, pad, window = (
        op["pool_out_width"], op["pool_stride_x"], op["pool_pad_left"], op["pool_width"],
    )  # fmt: skip
    # windows of the line before that reach beyond its end, or one of this line
    before = (y or pdp["z"]) and x < pdp["flush_x"] - pdp["pause_x"]
    if before or _ends(outputs, stride, pad, window, x, last_x):
        _row_result(state, done)
    pdp["x"] += 1
    if last_x:
        cube_end = last_y and pdp["z"] == pdp["surfaces"] - 1
        pdp["drain_x"] = pdp["flush_x"] if cube_end else pdp["pause_x"]
        pdp["x"] = 0
        pdp["y"] = 0 if last_y else y + 1
        pdp["z"] += last_y
        if cube_end:
            pdp["input_done"] = done + PDP_INPUT_DONE
            close(state)
    _drain(state)


@njit
def _drain(state):
    """Complete windows beyond the edge without input, a period each, while there is room for outputs."""
    pdp = state["pdp"]
    while pdp["outputs"] < PDP_OUTPUTS and (pdp["drain_x"] or pdp["drain_y"]):
        pdp["next_take"] += pdp["period"]
        done = pdp["next_take"] - 1
        if pdp["drain_x"]:
            pdp["drain_x"] -= 1
            _row_result(state, done)
        else:
            pdp["drain_y"] -= 1
            output(state, pdp["launch"], done)


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
def _row_result(state, time):
    """A window's row is complete at ``time``: it may end a window of the cube, and a surface."""
    pdp = state["pdp"]
    op = pdp["launch"]
    y = pdp["row_y"]
    outputs, stride, pad, window = (
        op["pool_out_height"], op["pool_stride_y"], op["pool_pad_top"], op["pool_height"],
    )  # fmt: skip
    before = pdp["row_z"] and y < pdp["flush_y"] - pdp["pause_y"]
    if before or _ends(outputs, stride, pad, window, y, y == pdp["height"] - 1):
        output(state, op, time)
    pdp["row_x"] += 1
    if pdp["row_x"] < op["pool_out_width"]:
        return
    pdp["row_x"] = 0
    pdp["row_y"] += 1
    if pdp["row_y"] < pdp["height"]:
        return
    pdp["row_y"] = 0
    pdp["row_z"] += 1
    if pdp["row_z"] == pdp["surfaces"]:
        pdp["drain_y"] = pdp["flush_y"] * op["pool_out_width"]
    elif pdp["pause_y"]:  # between surfaces the first one comes with the last row of a window
        output(state, op, time)
        pdp["drain_y"] = pdp["pause_y"] * op["pool_out_width"] - 1


@njit
def pdp_written(state, beats, now):
    """A write burst of PDP has left at ``now``."""
    pdp = state["pdp"]
    full = pdp["outputs"] >= PDP_OUTPUTS
    pdp["outputs"] -= min(pdp["outputs"], beats * pdp["beat_atoms"])
    if full:
        pdp["next_take"] = max(pdp["next_take"], now + 1)
        pdp["room_at"] = now + 1
        pdp_flow(state)
        if pdp["flying"]:
            wake(state, _P_SDP, now + 1)
