"""SDP behind a convolution: takes CACC's pixels and writes them to memory."""

from hw_models.jit import njit
from hw_models.nvdla.groups import group_pop
from hw_models.nvdla.mcif import request_write, wake
from hw_models.nvdla.state import DONES, Block, Client, Part
from hw_models.nvdla.timing import (
    ACKNOWLEDGE_TO_DONE,
    BEAT_TO_WRITE,
    DONE_TO_INTERRUPT,
    WRITE_QUEUE_ATOMS,
    WRITE_TO_ROOM,
)
from hw_models.port import NEVER

_P_SDP = int(Part.SDP)
_P_CACC = int(Part.CACC)
_P_DONE = int(Part.DONE)
_SDP = int(Block.SDP)
_CLIENT = int(Client.SDP)


@njit
def sdp_ready(state, now, slot):
    """Return whether SDP takes the first beat of a pixel of launch ``slot`` at ``now``.

    When not, SDP wakes CACC as soon as it does.
    """
    sdp = state["sdp"]
    group = state["groups"][_SDP]
    if group["count"] == 0 or group["slot"][group["head"]] != slot:
        return False
    return sdp["in_pipe"] < WRITE_QUEUE_ATOMS


@njit
def _start(state, sdp, group):
    sdp["op"] = group["op"][group["head"]]
    sdp["slot"] = group["slot"][group["head"]]
    sdp["busy"] = 1
    sdp["surface"] = 0
    sdp["line"] = 0
    sdp["column"] = 0
    sdp["gathered"] = 0
    sdp["all_sent"] = 0


@njit
def sdp_take(state, ops, now):
    """Take a pixel whose first beat comes at ``now``."""
    sdp = state["sdp"]
    if not sdp["busy"]:
        _start(state, sdp, state["groups"][_SDP])
    op = ops[sdp["op"]]
    beats = state["atomic_k"] // state["sdp_elements"]
    dbb, longest = state["dbb_bytes"], state["burst_beats"]
    address = op["dst"] + sdp["surface"] * op["dst_surface_stride"] + sdp["line"] * op["dst_line_stride"]
    address += sdp["column"] * state["atom_bytes"]
    if sdp["gathered"] == 0:
        sdp["burst_address"] = address
    sdp["gathered"] += 1
    sdp["in_pipe"] += 1
    sdp["column"] += 1
    end_of_line = sdp["column"] == op["out_width"]
    if end_of_line or longest == 1 or (address // dbb) % longest == longest - 1:
        request_write(
            state,
            _CLIENT,
            sdp["burst_address"],
            sdp["gathered"],
            now + beats - 1 + BEAT_TO_WRITE,
            sdp["slot"],
        )
        sdp["acks_left"] += 1
        sdp["gathered"] = 0
    if end_of_line:
        sdp["column"] = 0
        sdp["line"] += 1
        if sdp["line"] == op["out_height"]:
            sdp["line"] = 0
            sdp["surface"] += 1
            atoms = (op["out_channels"] + state["atom_bytes"] - 1) // state["atom_bytes"]
            if sdp["surface"] == atoms:
                sdp["all_sent"] = 1


@njit
def sdp_written(state, beats, now):
    """A write burst of SDP has left at ``now``."""
    sdp = state["sdp"]
    sdp["in_pipe"] -= beats
    cacc = state["cacc"]
    if cacc["blocked_since"] >= 0:
        cacc["blocked_since"] = -1
        wake(state, _P_CACC, max(now + WRITE_TO_ROOM, cacc["next_pixel"]))


@njit
def sdp_acknowledged(state, now):
    """The memory has answered one of SDP's writes."""
    sdp = state["sdp"]
    sdp["acks_left"] -= 1
    if sdp["all_sent"] and sdp["acks_left"] == 0:
        finish(state, sdp["op"], sdp["slot"], now + ACKNOWLEDGE_TO_DONE)
        sdp["busy"] = 0
        sdp["all_sent"] = 0
        group_pop(state, _SDP)
        cacc = state["cacc"]
        if cacc["blocked_since"] >= 0:
            cacc["blocked_since"] = -1
            wake(state, _P_CACC, max(now + ACKNOWLEDGE_TO_DONE, cacc["next_pixel"]))


@njit
def finish(state, op, slot, done):
    """An operation is over: done pulse at ``done``, interrupt a little later."""
    record = state["records"][slot]
    record["done"] = done
    record["end"] = done + DONE_TO_INTERRUPT
    row = (state["done_count"] + state["done_pending"]) % DONES
    state["done_op"][row] = op
    state["done_slot"][row] = slot
    state["done_time"][row] = done + DONE_TO_INTERRUPT
    state["done_pending"] += 1
    wake(state, _P_DONE, done + DONE_TO_INTERRUPT)


@njit
def sdp_step(state, ops, now):
    state["wake"][_P_SDP] = NEVER
