"""SDP's operands: constants from registers, values a kernel or an element from memory.

Both operands of a sub-unit lie side by side, ALU first (NVDLA hardware manual, "In-memory data formats").
"""

import numpy as np

from hw_models.nvdla.launch import SUB_UNITS, Launch, is_on, reads_alu, reads_mul
from hw_models.nvdla.values.memory import Memory

ALU, BOTH = 1, 2  # DATA_USE; 0: the multiplier's operand
PER_ELEMENT = 1  # DATA_MODE


def _stored(launch: Launch, key: str, memory: Memory, atom_elements: int) -> np.ndarray:
    """Return what a reader fetches: (pixels or 1, channels, 1 or 2 operands) int64."""
    name, reader = SUB_UNITS[key]
    rdma = launch["SDP_RDMA"]
    kind = np.dtype(np.int16) if rdma[f"{reader}_DATA_SIZE"] else np.dtype(np.int8)
    each = 2 if rdma[f"{reader}_DATA_USE"] == BOTH else 1
    channels = rdma["CHANNEL"] + 1
    surfaces = -(-channels // atom_elements)
    atom_bytes = atom_elements * each * kind.itemsize
    address = rdma.address(f"D_{name}_BASE_ADDR_LOW", f"D_{name}_BASE_ADDR_HIGH")
    if rdma[f"{reader}_DATA_MODE"] != PER_ELEMENT:
        data = memory.read(address, surfaces * atom_bytes).view(kind)
        return data.reshape(1, surfaces * atom_elements, each).astype(np.int64)
    width, height = rdma["WIDTH"] + 1, rdma["HEIGHT"] + 1
    one = width == 1 and height == 1
    line_stride = rdma[f"{name}_LINE_STRIDE"]
    surface_stride = atom_bytes if one else rdma[f"{name}_SURFACE_STRIDE"]
    planes = []
    for surface in range(surfaces):
        first = address + surface * surface_stride
        lines = [memory.read(first + y * line_stride, width * atom_bytes) for y in range(height)]
        planes.append(np.concatenate(lines).view(kind).reshape(height * width, atom_elements, each))
    return np.concatenate(planes, axis=1).astype(np.int64)


def sdp_operands(launch: Launch, memory: Memory, atom_bytes: int, lanes: int) -> np.ndarray:
    """Return the operands of X1, X2 and Y, ALU and multiplier each: (6, pixels or 1, lanes or 1) int64."""
    sdp = launch["SDP"]
    atom_elements = atom_bytes if sdp["PROC_PRECISION"] == 0 else atom_bytes // 2
    found: list[np.ndarray] = []
    for key, (name, reader) in SUB_UNITS.items():
        bits = 32 if key == "y" else 16
        alu, mul = (
            np.full((1, 1), sdp.signed(f"{name}_{part}_OPERAND"), np.int64) for part in ("ALU", "MUL")
        )
        assert bits in (16, 32)
        if is_on(sdp, key) and (reads_alu(sdp, key) or reads_mul(sdp, key)):
            stored = _stored(launch, key, memory, atom_elements)
            use = launch["SDP_RDMA"][f"{reader}_DATA_USE"]
            if reads_alu(sdp, key):
                alu = stored[:, :, 0]
            if reads_mul(sdp, key):
                mul = stored[:, :, 1 if use == BOTH else 0]
        found += [alu, mul]
    pixels = max(part.shape[0] for part in found)
    channels = max(part.shape[1] for part in found)
    channels = lanes if channels > 1 else 1
    operands = np.zeros((6, pixels, channels), np.int64)
    for row, part in enumerate(found):
        width = min(part.shape[1], channels)
        operands[row, :, :width] = part[:, :width]
        if part.shape[1] == 1:
            operands[row] = part
    return operands
