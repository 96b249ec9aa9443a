"""Rows of the RTL reference tables as operations, memory timings and figures to compare."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hw_models.nvdla.op import OP, Operand, Unit

SOURCE, WEIGHTS, TARGET = 0x1000_0000, 0x2000_0000, 0x3000_0000
X1, X2, Y = 0x4000_0000, 0x5000_0000, 0x6000_0000
REPROGRAM_CYCLES = 203  # the harness: interrupt of the launch before last's done pulse -> next op-enable
DONE_TO_INTERRUPT = 6
SECOND_ENABLE = 27  # the harness writes the second group's op-enable so much after the first


def number(row: Mapping[str, str], key: str, default: int = 0) -> int:
    """Return a column as an integer; ``default`` where it is empty or absent."""
    text = row.get(key, "")
    return int(float(text)) if text not in ("", None) else default


def memory_timings(row: Mapping[str, str], beat_bytes: int) -> dict[str, int]:
    """Return the ideal memory that the row was measured with."""
    read_latency, read_interval = number(row, "rd_latency"), number(row, "rd_beat_interval", 1)
    return {
        "beat_bytes": beat_bytes,
        "read_latency": read_latency,
        "write_latency": number(row, "wr_latency", read_latency),
        "read_interval": read_interval,
        "write_interval": number(row, "wr_beat_interval", read_interval),
        "shared_interval": number(row, "shared_bus_interval"),
    }


def _pads(row: Mapping[str, str]) -> tuple[int, int, int, int]:
    """Return top, bottom, left, right."""
    if row.get("pad_top", "") != "":
        return tuple(number(row, f"pad_{side}") for side in ("top", "bottom", "left", "right"))  # type: ignore
    parts = [int(part) for part in (row.get("pad") or "0").split("/")]
    return tuple(parts * 4 if len(parts) == 1 else parts)  # type: ignore[return-value]


def _cubes(op: Any, row: Mapping[str, str], atom: int) -> None:
    """Fill in where the input and output cubes lie."""
    width, height = number(row, "W"), number(row, "H")
    op["width"], op["height"], op["channels"] = width, height, number(row, "C")
    op["out_width"], op["out_height"] = number(row, "Wo", width), number(row, "Ho", height)
    op["out_channels"] = number(row, "K", number(row, "C"))
    op["src"], op["dst"] = SOURCE, TARGET
    line = width * atom + number(row, "line_gap")
    op["src_line_stride"] = number(row, "src_line_stride", line)
    op["src_surface_stride"] = number(row, "src_surf_stride", op["src_line_stride"] * height)
    op["dst_line_stride"] = number(row, "dst_line_stride", op["out_width"] * atom)
    op["dst_surface_stride"] = number(row, "dst_surf_stride", op["dst_line_stride"] * op["out_height"])


def _operand(op: Any, name: str, address: int, kind: int, element_bytes: int, atom: int) -> None:
    op[name], op[f"{name}_bytes"], op[f"{name}_address"] = kind, element_bytes, address
    op[f"{name}_line_stride"] = op["out_width"] * atom * element_bytes
    op[f"{name}_surface_stride"] = op[f"{name}_line_stride"] * op["out_height"]


def _sdp_modes(op: Any, row: Mapping[str, str], atom: int) -> None:
    """Fill in SDP's sub-units from the `sdp` (or `op`) column."""
    mode = row.get("sdp") or "none"
    width = number(row, "operand_bytes", 2)
    if mode in ("relu", "biasrelu"):
        op["x1"], op["x1_relu"] = int(Operand.REGISTER), 1
    if mode in ("bias", "biasrelu"):
        _operand(op, "x1", X1, int(Operand.PER_KERNEL), width, atom)
    if mode in ("elt", "add_per_point"):
        _operand(op, "x1", X1, int(Operand.PER_ELEMENT), width, atom)
    if mode.startswith("both_per_kernel"):
        _operand(op, "x1", X1, int(Operand.PER_KERNEL), 2 * width, atom)
    if mode.endswith("+prelu"):
        op["x2"], op["x2_relu"] = int(Operand.REGISTER), 2


def _pool(op: Any, text: str, atom: int) -> None:
    """Fill in PDP from `pdp2x2s2` and the like; the figures of a fused or stand-alone pooling."""
    window, stride = text.removeprefix("pdp").split("s")
    op["pool"] = 1
    op["pool_width"], op["pool_height"] = (int(side) for side in window.split("x"))
    op["pool_stride_x"] = op["pool_stride_y"] = int(stride)
    pad = 1 if op["pool_width"] == 3 else 0
    for side in ("left", "right", "top", "bottom"):
        op[f"pool_pad_{side}"] = pad
    for axis, size in (("width", op["out_width"]), ("height", op["out_height"])):
        op[f"pool_out_{axis}"] = (size + 2 * pad - op["pool_width"]) // int(stride) + 1
    op["dst_line_stride"] = op["pool_out_width"] * atom
    op["dst_surface_stride"] = op["dst_line_stride"] * op["pool_out_height"]


def conv_op(row: Mapping[str, str], atom: int) -> np.ndarray:
    """Return the one-element OP array of a convolution row; ``atom``: bytes of a memory atom."""
    ops = np.zeros(1, OP)
    op = ops[0]
    op["unit"] = int(Unit.CONV)
    _cubes(op, row, atom)
    op["batch"] = op["dilation_x"] = op["dilation_y"] = 1
    op["kernels"], op["kernel_height"], op["kernel_width"] = (number(row, key) for key in "KRS")
    op["stride_x"] = op["stride_y"] = number(row, "stride", 1)
    op["pad_top"], op["pad_bottom"], op["pad_left"], op["pad_right"] = _pads(row)
    op["data_banks"], op["weight_banks"] = number(row, "data_banks"), number(row, "weight_banks")
    op["fetch_grain"], op["line_packed"] = number(row, "grain", 1), number(row, "packed", 1)
    op["surface_packed"] = number(row, "surf_packed", int(op["width"] == 1 and op["height"] == 1))
    op["release"] = number(row, "release")
    op["image"] = int("_img_" in row.get("name", ""))
    kernel_channels = number(row, "kernel_channels", int(op["channels"]))
    if op["image"]:
        op["kernel_width"] = op["kernel_width"] * kernel_channels // op["channels"]
    op["weights"] = WEIGHTS
    per_kernel = op["channels"] * op["kernel_height"] * op["kernel_width"]
    op["weight_bytes"] = number(row, "weight_bytes", -(-int(op["kernels"] * per_kernel) // 128) * 128)
    _sdp_modes(op, row, atom)
    if "+pdp" in row.get("op", ""):
        _pool(op, row["op"].split("+")[1], atom)
    return ops


def memory_to_memory_op(row: Mapping[str, str], atom: int) -> np.ndarray:
    """Return the one-element OP array of a stand-alone SDP or PDP row."""
    ops = np.zeros(1, OP)
    op = ops[0]
    _cubes(op, row, atom)
    kind = row["op"]
    if kind.startswith("pdp"):
        op["unit"] = int(Unit.PDP)
        op["pool_width"], op["pool_height"] = number(row, "S"), number(row, "R")
        op["pool_stride_x"] = op["pool_stride_y"] = number(row, "stride", 1)
        op["pool_pad_top"], op["pool_pad_bottom"], op["pool_pad_left"], op["pool_pad_right"] = _pads(row)
        op["pool_out_width"], op["pool_out_height"] = op["out_width"], op["out_height"]
    else:
        op["unit"] = int(Unit.SDP)
        width = number(row, "operand_bytes", 1)
        if kind == "sdp_relu":
            op["x1"], op["x1_relu"] = int(Operand.REGISTER), 1
        elif kind == "sdp_bias":
            _operand(op, "x1", X1, int(Operand.PER_KERNEL), width, atom)
        elif kind == "sdp_elt":
            _operand(op, "x1", X1, int(Operand.PER_ELEMENT), width, atom)
    return ops


def sequence_ops(row: Mapping[str, str], atom: int) -> np.ndarray:
    """Return the OP array of a `pingpong.csv` row: `14x14x64->64 3x3 s1 p1 banks 1/2 | ...`."""
    parts = []
    for layer in row["layers"].split(" | "):
        shape, kernel, stride, pad, _, banks = layer.split()
        source, kernels = shape.split("->")
        width, height, channels = (int(side) for side in source.split("x"))
        rows, columns = (int(side) for side in kernel.split("x"))
        step, border = int(stride[1:]), int(pad[1:])
        data_banks, weight_banks = banks.split("/")
        parts.append(
            conv_op(
                {
                    "W": str(width),
                    "H": str(height),
                    "C": str(channels),
                    "K": kernels,
                    "R": str(rows),
                    "S": str(columns),
                    "stride": str(step),
                    "pad": str(border),
                    "Wo": str((width + 2 * border - columns) // step + 1),
                    "Ho": str((height + 2 * border - rows) // step + 1),
                    "data_banks": data_banks,
                    "weight_banks": weight_banks,
                },
                atom,
            )
        )
    return np.concatenate(parts)


def sequence_enables(count: int) -> np.ndarray:
    """Return when the harness writes the op-enables: both groups at once, then after each interrupt."""
    enables = np.zeros((count, 2), np.int64)
    enables[1:, 0] = SECOND_ENABLE
    enables[:, 1] = REPROGRAM_CYCLES - DONE_TO_INTERRUPT
    return enables
