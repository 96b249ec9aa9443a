"""What a convolution takes of the convolution buffer, and its hand-over between operations."""

from hw_models.jit import njit
from hw_models.nvdla.groups import group_pop
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Block, Mark, Part, Phase
from hw_models.nvdla.op import InBuffer
from hw_models.nvdla.timing import (
    HAND_OVER_TO_ENABLE,
    MASK_WEIGHTS,
    WINOGRAD_CHANNELS,
    WINOGRAD_LINES,
    WINOGRAD_TAPS,
)

P_DATA = int(Part.CDMA_DATA)
P_WEIGHT = int(Part.CDMA_WEIGHT)
P_CSC = int(Part.CSC)
CDMA = int(Block.CDMA)
IDLE, PEND, BUSY, DONE, KEPT = (
    int(Phase.IDLE),
    int(Phase.PEND),
    int(Phase.BUSY),
    int(Phase.DONE),
    int(Phase.KEPT),
)
DATA_BIT, WEIGHTS_BIT = int(InBuffer.DATA), int(InBuffer.WEIGHTS)
M_DAT_DONE, M_WT_DONE = int(Mark.DAT_DONE), int(Mark.WT_DONE)
M_DAT_UPDT, M_WT_UPDT = int(Mark.FIRST_DAT_UPDT), int(Mark.FIRST_WT_UPDT)


@njit
def ceil_div(a, b):
    return (a + b - 1) // b


@njit
def input_lines(op):
    """Return the lines that CDMA hands over for a launch; Winograd: with padding, in blocks of four."""
    if op["winograd"]:
        return ceil_div(op["height"] + op["pad_top"] + op["pad_bottom"], WINOGRAD_LINES) * WINOGRAD_LINES
    return op["height"]


@njit
def lines_in_work(op):
    """Return the lines that CSC works on: kept ones and those that CDMA hands over."""
    if op["lines"] and not op["winograd"]:
        return op["lines"]
    return input_lines(op)


@njit
def data_mode(op):
    """Return the form in which input lies in CBUF, from 1 on: another one cannot be reused (CDMA_dc.v)."""
    return 1 + op["image"] + 2 * op["winograd"]


@njit
def kernel_group_bytes(state, op):
    """Return the stored bytes of one kernel group, the last one apart, and of its mask."""
    groups = ceil_div(op["kernels"], state["atomic_k"])
    channels = op["channels"] >> op["wide"]  # half as many kernels of twice the bytes
    group = channels * op["kernel_height"] * op["kernel_width"] * state["atomic_k"]
    if op["winograd"]:
        blocks = ceil_div(channels, WINOGRAD_CHANNELS)
        group = blocks * WINOGRAD_CHANNELS * WINOGRAD_TAPS * state["atomic_k"]
    if op["wmb_bytes"]:
        return op["weight_bytes"] // groups, ceil_div(group >> op["wide"], MASK_WEIGHTS)
    return group, 0


@njit
def line_entries(state, op):
    """Return the CBUF entries that one input line takes, of all images of a batch."""
    entry = state["cbuf_entry_bytes"]
    if op["image"]:  # it is padded on its way into the buffer
        return ceil_div((op["pad_left"] + op["width"] + op["pad_right"]) * op["channels"], entry)
    atoms = ceil_div(op["channels"], state["atom_bytes"])
    per_entry = entry // state["atom_bytes"]
    if op["winograd"]:
        width = ceil_div(op["width"] + op["pad_left"] + op["pad_right"], WINOGRAD_LINES) * WINOGRAD_LINES
        return ceil_div(width * atoms, per_entry)
    one = op["width"] * (atoms // per_entry)
    if atoms % per_entry:
        part = 1  # of an entry, in halves: three atoms of four take a whole one (CSC_dl.v, w_bias_int8)
        while part < atoms % per_entry:
            part *= 2
        one += ceil_div(op["width"] * part, per_entry)
    return one * max(1, op["batch"])


@njit
def hand_over(state):
    """When data and weights are both in, the register group is done."""
    data, weight = state["cdma_data"], state["cdma_weight"]
    if data["phase"] == DONE and weight["phase"] == DONE and data["slot"] == weight["slot"]:
        ready = max(data["done_at"], weight["done_at"]) + HAND_OVER_TO_ENABLE
        data["phase"] = weight["phase"] = IDLE
        data["ready_at"] = weight["ready_at"] = ready
        group_pop(state, CDMA)
        wake(state, P_DATA, max(data["done_at"], weight["done_at"]))
        wake(state, P_WEIGHT, max(data["done_at"], weight["done_at"]))
