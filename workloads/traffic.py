"""Bytes that an operation moves, by kind, from its registers: what the units request, before any cache."""

from typing import Any, NamedTuple

from hw_models.nvdla.op import Operand, Unit
from workloads.lowering.layout import ceil_div, round_up
from workloads.lowering.target import Target


class Traffic(NamedTuple):
    weight_bytes: int = 0
    feature_bytes: int = 0  # input of a convolution
    operand_bytes: int = 0  # operands of the SDP, and the input of units that work from memory to memory
    written_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        return sum(self)

    def plus(self, other: "Traffic") -> "Traffic":
        return Traffic(*(a + b for a, b in zip(self, other)))


def op_traffic(op: Any, target: Target) -> Traffic:
    """Return the bytes of one OP row (or anything indexed alike)."""
    atom = target.atom_bytes
    if op["image"]:
        source = op["height"] * round_up(op["width"] * op["channels"], atom)
    else:
        source = op["height"] * op["width"] * round_up(op["channels"], atom)
    pixels = op["out_width"] * op["out_height"]
    operands = sum(_operand_bytes(op, key, pixels, atom) for key in ("x1", "x2", "y"))
    written = pixels * round_up(op["out_channels"], atom)
    if op["unit"] == Unit.CONV:
        if op["pool"]:
            written = op["pool_out_width"] * op["pool_out_height"] * round_up(op["out_channels"], atom)
        return Traffic(int(op["weight_bytes"]), int(source), int(operands), int(written))
    return Traffic(0, 0, int(source + operands), int(written))


def _operand_bytes(op: Any, key: str, pixels: int, atom: int) -> int:
    if op[key] == Operand.PER_KERNEL:  # whole atoms of channels
        return round_up(op["out_channels"], atom) * op[f"{key}_bytes"]
    if op[key] == Operand.PER_ELEMENT:
        return pixels * round_up(op["out_channels"], atom) * op[f"{key}_bytes"]
    return 0


def mac_cycles(op: Any, target: Target) -> int:
    """Return the cycles that the MAC array needs at one package a pixel, without short stripes."""
    if op["unit"] != Unit.CONV:
        return 0
    depth, columns = op["channels"], op["kernel_width"]
    if op["image"]:
        depth, columns = depth * columns, 1
    taps = op["kernel_height"] * columns * ceil_div(depth, target.atomic_c)
    return int(op["out_width"] * op["out_height"] * taps * ceil_div(op["kernels"], target.atomic_k))
