"""Feature maps in memory: surfaces of one atom of channels, lines and surfaces at strides.

Arrays have shape (height, width, channels), channels filled up to whole atoms.
"""

from typing import NamedTuple

import numpy as np

from hw_models.nvdla.values.memory import Memory

FP16 = np.dtype(np.uint16)  # bit patterns
DTYPES: dict[int, np.dtype] = {0: np.dtype(np.int8), 1: np.dtype(np.int16), 2: FP16}  # by precision field


class Cube(NamedTuple):
    """Where a feature map lies. Strides in bytes; ``dtype`` of its elements."""

    address: int
    width: int
    height: int
    channels: int
    line_stride: int
    surface_stride: int
    dtype: np.dtype = np.dtype(np.int8)
    packed: bool = False  # a cube of one pixel lies as one line over its surfaces, whatever the stride


def surfaces(cube: Cube, atom_bytes: int) -> int:
    return -(-cube.channels * cube.dtype.itemsize // atom_bytes)


def _strides(cube: Cube, atom_bytes: int) -> tuple[int, int]:
    """Return (line, surface) strides."""
    if cube.packed and cube.width == 1 and cube.height == 1:
        return atom_bytes, atom_bytes
    return cube.line_stride, cube.surface_stride


def read_cube(memory: Memory, cube: Cube, atom_bytes: int) -> np.ndarray:
    """Return a feature map, shape (height, width, surfaces * elements of an atom)."""
    line_stride, surface_stride = _strides(cube, atom_bytes)
    elements = atom_bytes // cube.dtype.itemsize
    line_bytes = cube.width * atom_bytes
    parts = []
    for surface in range(surfaces(cube, atom_bytes)):
        first = cube.address + surface * surface_stride
        if line_stride == line_bytes:
            lines = memory.read(first, cube.height * line_bytes)
        else:
            rows = [memory.read(first + y * line_stride, line_bytes) for y in range(cube.height)]
            lines = np.concatenate(rows)
        parts.append(lines.view(cube.dtype).reshape(cube.height, cube.width, elements))
    return np.concatenate(parts, axis=2)


def write_cube(memory: Memory, cube: Cube, data: np.ndarray, atom_bytes: int) -> None:
    """Store ``data`` (height, width, at least the cube's channels); the rest of the last atom is zero."""
    line_stride, surface_stride = _strides(cube, atom_bytes)
    elements = atom_bytes // cube.dtype.itemsize
    for surface in range(surfaces(cube, atom_bytes)):
        first, last = surface * elements, min((surface + 1) * elements, cube.channels)
        atoms = np.zeros((cube.height, cube.width, elements), cube.dtype)
        atoms[:, :, : last - first] = data[:, :, first:last]
        start = cube.address + surface * surface_stride
        if line_stride == cube.width * atom_bytes:
            memory.write(start, atoms)
            continue
        for y in range(cube.height):
            memory.write(start + y * line_stride, atoms[y])
