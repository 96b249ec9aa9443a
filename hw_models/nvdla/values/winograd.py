"""Convolutions in Winograd form: 4x4 pixels of input and 4x4 taps make 2x2 pixels of output.

Memory holds kernels that are transformed already (4x4 taps). CSC transforms the input and rounds it to the
width of an element (PRA_TRUNCATE), CMAC multiplies tap by tap, and adds and subtracts the sums to pixels.
Sources: NVDLA hardware manual, "Winograd Convolution" and "Basic Weight for Winograd Convolution";
NV_NVDLA_CSC_pra_cell.v, NV_NVDLA_CMAC_CORE_mac.v (branch nvdlav1).
"""

import numpy as np

from hw_models.nvdla.timing import WINOGRAD_CHANNELS, WINOGRAD_TAPS
from hw_models.nvdla.values.convolution import convolve

SIDE = 4  # of a tile of input, and of a transformed kernel
STEP = 2  # from tile to tile, and side of a tile of output
INPUT = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])  # rows and columns of a tile
OUTPUT = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])  # what 4x4 sums make


def unpack_winograd(stored: np.ndarray, kernels: int, channels: int, atomic_k: int) -> np.ndarray:
    """Return weights (kernels, 4, 4, channels) from how they are stored; whole blocks of four channels.

    A group of kernels lies block of channels by block, in it kernel by kernel: rows, columns, channels.
    """
    blocks = -(-channels // WINOGRAD_CHANNELS)
    weights = np.zeros((kernels, SIDE, SIDE, blocks * WINOGRAD_CHANNELS), stored.dtype)
    at = 0
    for first in range(0, kernels, atomic_k):
        group = weights[first : first + atomic_k]
        shape = (blocks, len(group), SIDE, SIDE, WINOGRAD_CHANNELS)
        part = stored[at : at + group.size].reshape(shape)
        group[:] = part.transpose(1, 2, 3, 0, 4).reshape(group.shape)
        at += group.size
    return weights


def pack_winograd(weights: np.ndarray, atomic_k: int) -> np.ndarray:
    """Return transformed weights (kernels, 4, 4, channels of whole blocks) as stored, shape (elements,)."""
    parts = []
    for first in range(0, len(weights), atomic_k):
        group = weights[first : first + atomic_k]
        split = group.reshape(len(group), SIDE, SIDE, -1, WINOGRAD_CHANNELS)
        parts.append(split.transpose(3, 0, 1, 2, 4).reshape(-1))
    return np.concatenate(parts)


def tiles_of(lines: np.ndarray, out_size: tuple[int, int]) -> np.ndarray:
    """Return the tile behind each 2x2 pixels of output, (4, 4, out_height / 2, out_width / 2, channels)."""
    rows, columns = (size // STEP for size in out_size)
    views = [
        [lines[y : y + STEP * rows : STEP, x : x + STEP * columns : STEP] for x in range(SIDE)]
        for y in range(SIDE)
    ]
    return np.array(views)


def transform_input(tiles: np.ndarray, shift: int) -> np.ndarray:
    """Return what CSC makes of tiles (4, 4, ...) int8 or int16: rounded half away from zero, saturated."""
    wide = np.tensordot(INPUT, tiles.astype(np.int64), axes=(1, 0))
    wide = np.tensordot(INPUT, wide, axes=(1, 1)).swapaxes(0, 1)
    if shift:
        magnitude = (np.abs(wide) + (1 << (shift - 1))) >> shift
        wide = np.where(wide < 0, -magnitude, magnitude)
    limits = np.iinfo(tiles.dtype)
    return np.clip(wide, limits.min, limits.max).astype(tiles.dtype)


def winograd(lines: np.ndarray, weights: np.ndarray, out_size: tuple[int, int], shift: int) -> np.ndarray:
    """Return CACC's sums, shape (*out_size, kernels) int64.

    lines: (height, width, channels), padded; weights: (kernels, 4, 4, channels). No sum reaches CACC's
    saturation: a register has room for 8192 channels, of INT8 57,000 and of INT16 14,000 would be needed.
    """
    taps = transform_input(tiles_of(lines, out_size), shift)
    rows, columns, channels = taps.shape[2:]
    kernels = weights.shape[0]
    flat = taps.reshape(WINOGRAD_TAPS, 1, rows * columns, channels)
    each = weights.reshape(kernels, WINOGRAD_TAPS, 1, 1, channels)
    size, one = (1, rows * columns), (1, 1)
    sums = np.array([convolve(flat[t], each[:, t], size, one, one) for t in range(WINOGRAD_TAPS)])
    sums = sums.reshape(SIDE, SIDE, rows, columns, kernels)
    out = np.tensordot(OUTPUT, np.tensordot(OUTPUT, sums, axes=(1, 0)), axes=(1, 1))  # column, row of a tile
    return out.transpose(2, 1, 3, 0, 4).reshape(*out_size, kernels)
