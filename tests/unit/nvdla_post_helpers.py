"""Operations of the units behind the accumulator, run in front of an ideal memory."""

from typing import Any

import numpy as np

from hw_models.nvdla.op import OP, Operand, Unit
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.standalone import simulate

SOURCE, TARGET, OPERAND_1, OPERAND_2 = 0x1000_0000, 0x2000_0000, 0x3000_0000, 0x4000_0000


def memory(preset: str, latency: int = 50, interval: int = 1, write_interval: int = 1) -> dict[str, int]:
    return {
        "beat_bytes": PRESETS[preset]["dbb_bytes"],
        "read_latency": latency,
        "write_latency": latency,
        "read_interval": interval,
        "write_interval": write_interval,
        "shared_interval": 0,
    }


def cube_op(preset: str, unit: Unit, width: int, height: int, channels: int) -> np.ndarray:
    """Return one memory-to-memory operation on a packed cube."""
    ops = np.zeros(1, OP)
    op = ops[0]
    atom = PRESETS[preset]["atom_bytes"]
    op["unit"] = int(unit)
    op["width"] = op["out_width"] = width
    op["height"] = op["out_height"] = height
    op["channels"] = op["out_channels"] = channels
    op["src"], op["dst"] = SOURCE, TARGET
    op["src_line_stride"] = op["dst_line_stride"] = width * atom
    op["src_surface_stride"] = op["dst_surface_stride"] = width * height * atom
    return ops


def operand(
    preset: str, ops: np.ndarray, name: str, kind: Operand, element_bytes: int, relu: int = 0
) -> None:
    op = ops[0]
    atom = PRESETS[preset]["atom_bytes"]
    op[name], op[f"{name}_bytes"] = int(kind), element_bytes
    op[f"{name}_address"] = OPERAND_1 if name == "x1" else OPERAND_2
    op[f"{name}_line_stride"] = op["out_width"] * atom * element_bytes
    op[f"{name}_surface_stride"] = op[f"{name}_line_stride"] * op["out_height"]
    if name != "y":
        op[f"{name}_relu"] = relu


def pool(preset: str, ops: np.ndarray, window: int, stride: int, pad: int) -> None:
    """Pool the cube with square windows, the same padding on all sides."""
    op = ops[0]
    atom = PRESETS[preset]["atom_bytes"]
    op["pool_width"] = op["pool_height"] = window
    op["pool_stride_x"] = op["pool_stride_y"] = stride
    for side in ("left", "right", "top", "bottom"):
        op[f"pool_pad_{side}"] = pad
    for axis in ("width", "height"):
        op[f"pool_out_{axis}"] = (op[axis] + 2 * pad - window) // stride + 1
    op["dst_line_stride"] = op["pool_out_width"] * atom
    op["dst_surface_stride"] = op["dst_line_stride"] * op["pool_out_height"]


def run(preset: str, ops: np.ndarray, **timings: Any) -> Any:
    """Return the record of the one operation."""
    state = simulate(PRESETS[preset], memory(preset, **timings), ops, max_cycles=10**7)
    return state["records"][0]
