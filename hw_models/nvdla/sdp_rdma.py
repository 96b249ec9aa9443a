"""SDP's read DMA: what a launch reads itself, the input and up to three operands, and its requests."""

from hw_models.jit import njit
from hw_models.nvdla.names import Block, Part, Stall
from hw_models.nvdla.op import Operand, Unit
from hw_models.nvdla.post_state import CHAINS
from hw_models.nvdla.post_timing import (
    ENABLE_TO_RDMA_READ,
    SDP_RDMA_AGAIN,
)
from hw_models.nvdla.rdma import (
    chain_request,
    chain_start,
)
from hw_models.port import NEVER

_P_RDMA = int(Part.SDP_RDMA)
_RDMA = int(Block.SDP_RDMA)
_PER_KERNEL = int(Operand.PER_KERNEL)
_CONV = int(Unit.CONV)
_PROGRAM = int(Stall.PROGRAM)


@njit
def needs_rdma(op):
    """Return whether a launch of SDP reads memory itself."""
    operand = op["x1"] >= _PER_KERNEL or op["x2"] >= _PER_KERNEL or op["y"] >= _PER_KERNEL
    return op["unit"] != _CONV or operand


@njit
def _start_operand(state, op, index, kind, element_bytes, address, line_stride, surface_stride, time):
    sdp = state["sdp"]
    chain = sdp["chains"][index]
    if kind < _PER_KERNEL:
        return
    atom = state["atom_bytes"]
    surfaces = (op["out_channels"] + atom - 1) // atom
    chain["per_kernel"] = kind == _PER_KERNEL
    chain["unit"] = element_bytes
    chain["address"] = address
    chain["line_stride"] = line_stride
    chain["surface_stride"] = surface_stride
    if kind == _PER_KERNEL or (op["out_width"] == 1 and op["out_height"] == 1):
        chain_start(state, chain, sdp["rdma_slot"], 1, 1, surfaces * element_bytes, time)
    else:
        line = op["out_width"] * element_bytes
        chain_start(state, chain, sdp["rdma_slot"], op["out_height"], surfaces, line, time)


@njit
def rdma_step(state, ops, now):
    """Begin the next launch of SDP's read DMA if there is one; make requests."""
    sdp = state["sdp"]
    group = state["groups"][_RDMA]
    state["wake"][_P_RDMA] = NEVER
    if not sdp["rdma_busy"]:
        if group["count"] == 0:
            return
        sdp["rdma_busy"] = 1
        sdp["rdma_op"] = group["op"][group["head"]]
        sdp["rdma_slot"] = group["slot"][group["head"]]
        op = ops[sdp["rdma_op"]]
        time = max(group["time"][group["head"]] + ENABLE_TO_RDMA_READ, sdp["rdma_free"] + SDP_RDMA_AGAIN)
        for i in range(CHAINS):
            sdp["chains"][i]["on"] = 0
        if op["unit"] != _CONV:
            state["records"][sdp["rdma_slot"]]["stall"][_PROGRAM] += ENABLE_TO_RDMA_READ
            chain = sdp["chains"][0]
            atom = state["atom_bytes"]
            surfaces = (op["channels"] + atom - 1) // atom
            chain["per_kernel"] = 0
            chain["unit"] = 1
            chain["address"] = op["src"]
            chain["line_stride"] = op["src_line_stride"]
            chain["surface_stride"] = op["src_surface_stride"]
            if op["width"] == 1 and op["height"] == 1:
                chain_start(state, chain, sdp["rdma_slot"], 1, 1, surfaces, time)
            else:
                chain_start(state, chain, sdp["rdma_slot"], op["height"], surfaces, op["width"], time)
        _start_operand(
            state, op, 1, op["x1"], op["x1_bytes"], op["x1_address"], op["x1_line_stride"],
            op["x1_surface_stride"], time,
        )  # fmt: skip
        _start_operand(
            state, op, 2, op["x2"], op["x2_bytes"], op["x2_address"], op["x2_line_stride"],
            op["x2_surface_stride"], time,
        )  # fmt: skip
        _start_operand(
            state, op, 3, op["y"], op["y_bytes"], op["y_address"], op["y_line_stride"],
            op["y_surface_stride"], time,
        )  # fmt: skip
        sdp["wanting"] = sdp["each"] = 0
        for i in range(1, CHAINS):
            if sdp["chains"][i]["on"]:
                sdp["wanting"] += 1
                sdp["each"] |= 1 - sdp["chains"][i]["per_kernel"]
    for i in range(CHAINS):
        if sdp["chains"][i]["on"]:
            chain_request(state, sdp["chains"][i], now)
