"""Slow, obvious readings of a program's registers, shared by the lowering tests."""

from typing import Any

import numpy as np

from hw_models.nvdla.op import Operand, Unit
from workloads.lowering.target import Target
from workloads.program import On, Program


def surfaces(channels: int, atom: int) -> int:
    return -(-channels // atom)


def cube_bytes(
    at: int, width: int, height: int, channels: int, line: int, surface: int, atom: int
) -> np.ndarray:
    """Return the addresses of the atoms of a cube in surface format."""
    rows = np.arange(height) * line
    pixels = np.arange(width) * atom
    planes = np.arange(surfaces(channels, atom)) * surface
    return (at + planes[:, None, None] + rows[None, :, None] + pixels[None, None, :]).ravel()


def op_reads(op: Any, target: Target) -> np.ndarray:
    """Return the addresses, one an atom, of the feature maps that an operation reads."""
    atom = target.atom_bytes
    if op["image"]:
        line = np.arange(0, op["width"] * op["channels"], atom)
        rows = np.arange(op["height"]) * op["src_line_stride"]
        found = [(op["src"] + rows[:, None] + line[None, :]).ravel()]
    else:
        size = (op["width"], op["height"], op["channels"])
        found = [cube_bytes(op["src"], *size, op["src_line_stride"], op["src_surface_stride"], atom)]
    for key in ("x1", "x2", "y"):
        if op[key] == Operand.PER_ELEMENT:
            size = (op["out_width"], op["out_height"], op["out_channels"])
            strides = (op[f"{key}_line_stride"], op[f"{key}_surface_stride"])
            found.append(cube_bytes(op[f"{key}_address"], *size, *strides, atom))
    return np.concatenate(found)


def op_writes(op: Any, target: Target) -> np.ndarray:
    size = (op["out_width"], op["out_height"], op["out_channels"])
    if op["pool"]:
        size = (op["pool_out_width"], op["pool_out_height"], op["out_channels"])
    return cube_bytes(op["dst"], *size, op["dst_line_stride"], op["dst_surface_stride"], target.atom_bytes)


def step_bytes(program: Program, step: Any, target: Target) -> tuple[np.ndarray, np.ndarray]:
    """Return the addresses that a step reads and writes, in units of the atom."""
    atom = target.atom_bytes
    if step["on"] == On.ACCELERATOR:
        op = program.ops[step["index"]]
        return op_reads(op, target) // atom, op_writes(op, target) // atom
    task = program.tasks[step["index"]]
    reads = np.arange(task["read_address"] // atom, -(-(task["read_address"] + task["read_bytes"]) // atom))
    writes = np.arange(
        task["write_address"] // atom, -(-(task["write_address"] + task["write_bytes"]) // atom)
    )
    return reads, writes


def producers(program: Program, target: Target) -> list[set[int]]:
    """Run the steps in order and return, for each, the steps that wrote what it reads (-1: nobody)."""
    writer = np.full(program.memory.span_bytes // target.atom_bytes + 2, -1, np.int64)
    result = []
    for number, step in enumerate(program.steps):
        reads, writes = step_bytes(program, step, target)
        in_place = np.array_equal(reads, writes)
        assert in_place or not np.isin(reads, writes).any(), f"step {number} overwrites what it reads"
        result.append(set(np.unique(writer[reads]).tolist()))
        writer[writes] = number
    return result


def launches(program: Program, unit: Unit) -> np.ndarray:
    return program.ops[program.ops["unit"] == unit]
