"""SDP begins a launch: its pace, its depth, and what each of its units adds to an atom's way."""

from hw_models.jit import njit
from hw_models.nvdla.names import Block
from hw_models.nvdla.op import Operand, Unit
from hw_models.nvdla.post_state import LONG_AGO
from hw_models.nvdla.post_timing import (
    CHUNKS_BEFORE_JOIN_CACC,
    CHUNKS_BEFORE_JOIN_RDMA,
    X_ALU,
    X_BASE,
    X_MUL,
    Y_BASE,
    Y_LUT,
)
from hw_models.nvdla.sdp_rdma import needs_rdma

_SDP = int(Block.SDP)
_OFF, _PER_KERNEL = int(Operand.OFF), int(Operand.PER_KERNEL)
_CONV = int(Unit.CONV)
_PRELU = 2  # of x1_relu, x2_relu


@njit
def _x_latency(kind, element_bytes, relu, work):
    """Return the cycles that X1 or X2 adds."""
    if kind == _OFF:
        return 0
    if work:
        return X_BASE + (X_ALU if work > 0 and work & 1 else 0) + (X_MUL if work > 0 and work & 2 else 0)
    if relu == _PRELU:
        return X_BASE + X_MUL
    if kind < _PER_KERNEL:
        return X_BASE
    return X_BASE + X_ALU + (X_MUL if element_bytes >= 4 else 0)


@njit
def start(state, ops, now):
    """Begin the launch at the head of SDP's register groups at ``now``."""
    sdp = state["sdp"]
    group = state["groups"][_SDP]
    sdp["op"] = group["op"][group["head"]]
    sdp["slot"] = group["slot"][group["head"]]
    sdp["busy"] = 1
    sdp["begun"] = now
    sdp["launch"] = ops[sdp["op"]]
    op = sdp["launch"]
    atom = state["atom_bytes"]
    sdp["rdma"] = needs_rdma(op)
    sdp["flying"] = op["unit"] == _CONV
    sdp["to_pdp"] = op["pool"]
    period = atom // state["sdp_elements"]
    chunks = CHUNKS_BEFORE_JOIN_CACC if sdp["flying"] else CHUNKS_BEFORE_JOIN_RDMA
    sdp["depth"] = 1 + chunks // period
    x1 = _x_latency(op["x1"], op["x1_bytes"], op["x1_relu"], op["x1_work"])
    x2 = _x_latency(op["x2"], op["x2_bytes"], op["x2_relu"], op["x2_work"])
    sdp["latency"] = x1 + x2
    if (op["y"] != _OFF or op["lut"]) and state["sdp_ew_elements"]:
        sdp["latency"] += Y_BASE + (Y_LUT if op["lut"] else 0)
        period = max(period, atom // state["sdp_ew_elements"])
    sdp["period"] = period
    sdp["before"][1] = 0
    sdp["before"][2] = x1
    sdp["before"][3] = x1 + x2
    sdp["beat_atoms"] = max(1, state["dbb_bytes"] // atom)
    sdp["columns"] = op["out_width"]
    sdp["column_stride"] = atom
    if op["batch"] > 1:  # one pixel an image: the images take the place of a line's pixels
        sdp["columns"] = op["batch"]
        sdp["column_stride"] = op["dst_batch_stride"]
    sdp["pixels"] = sdp["columns"] * op["out_height"]
    sdp["atoms"] = sdp["pixels"] * ((op["out_channels"] + atom - 1) // atom)
    # the surfaces of one pixel lie side by side: cfg_mode_1x1_pack
    sdp["one_command"] = sdp["columns"] == 1 and op["out_height"] == 1
    sdp["surface_stride"] = atom if sdp["one_command"] else op["dst_surface_stride"]
    sdp["wait_count"] = 0
    sdp["joined"] = 0
    sdp["pixel"] = 0
    sdp["history"][:] = LONG_AGO
    sdp["operands_at"] = LONG_AGO
    sdp["space_at"] = LONG_AGO
    sdp["surface"] = 0
    sdp["line"] = 0
    sdp["column"] = 0
    sdp["address"] = op["dst"]
    sdp["gathered"] = 0
    sdp["next_write"] = LONG_AGO
    sdp["all_sent"] = 0
