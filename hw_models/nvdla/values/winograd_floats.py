"""Convolutions in Winograd form in FP16: input transform in FP17, four pixels of output share an exponent.

Sources (branch nvdlav1): NV_NVDLA_CSC_pra_cell.v, NV_NVDLA_CMAC_CORE_mac.v.
"""

import numpy as np

from hw_models.jit import njit
from hw_models.nvdla.timing import WINOGRAD_CHANNELS, WINOGRAD_TAPS
from hw_models.nvdla.values.float_core import (
    LANES,
    NAN_SUM,
    accumulate,
    products,
    take_apart,
    to_fp32,
)
from hw_models.nvdla.values.floats import FP16, FP17, add, narrow, subtract, widen
from hw_models.nvdla.values.winograd import SIDE, STEP, tiles_of

E16, M16 = FP16
E17, M17 = FP17


@njit
def _transform_four(numbers):
    """Transform four FP17 numbers in place, as a row or a column of a tile."""
    first, second, third, fourth = numbers[0], numbers[1], numbers[2], numbers[3]
    numbers[0] = subtract(first, third, E17, M17)
    numbers[1] = add(second, third, E17, M17)
    numbers[2] = subtract(third, second, E17, M17)
    numbers[3] = subtract(second, fourth, E17, M17)


@njit
def transform_floats(tiles):
    """Transform tiles (4, 4, count) int64 of FP16 bit patterns in place, columns first."""
    tile = np.zeros((SIDE, SIDE), np.int64)
    for t in range(tiles.shape[2]):
        for y in range(SIDE):
            for x in range(SIDE):
                tile[y, x] = widen(tiles[y, x, t], E16, M16, E17, M17, True)
        for x in range(SIDE):
            _transform_four(tile[:, x])
        for y in range(SIDE):
            _transform_four(tile[y])
        for y in range(SIDE):
            for x in range(SIDE):
                tiles[y, x, t] = narrow(tile[y, x], E17, M17, E16, M16, True)


@njit
def combine(lanes, out):
    """Fill ``out`` (4,) with the sums of a tile's pixels; lanes: (64,) products, tap by tap."""
    sums, rows = np.zeros(WINOGRAD_TAPS, np.int64), np.zeros(2 * SIDE, np.int64)
    for tap in range(WINOGRAD_TAPS):
        for c in range(WINOGRAD_CHANNELS):
            sums[tap] += lanes[tap * WINOGRAD_CHANNELS + c]
    for x in range(SIDE):
        rows[x] = sums[x] + sums[x + 4] + sums[x + 8]
        rows[x + 4] = sums[x + 4] - sums[x + 8] - sums[x + 12]
    for y in range(STEP):
        at = SIDE * y
        out[2 * y] = rows[at] + rows[at + 1] + rows[at + 2]
        out[2 * y + 1] = rows[at + 1] - rows[at + 2] - rows[at + 3]


@njit
def _convolve(tiles, weights, out):
    """Convolve tiles (tile rows, tile columns, blocks, 64) with weights (kernels, blocks, 64), both FLOAT."""
    lanes, sums = np.zeros(LANES, np.int64), np.zeros(4, np.int64)
    exponents, totals = np.zeros(4, np.int64), np.zeros(4, np.int64)
    for y in range(tiles.shape[0]):
        for x in range(tiles.shape[1]):
            for k in range(weights.shape[0]):
                exponents[:], totals[:] = 0, 0
                for block in range(weights.shape[1]):
                    exponent, nan = products(weights[k, block], tiles[y, x, block], lanes)
                    sums[:] = nan
                    if exponent != NAN_SUM:
                        combine(lanes, sums)
                    for i in range(4):
                        exponents[i], totals[i] = accumulate(exponents[i], totals[i], exponent, sums[i])
                for i in range(4):
                    out[STEP * y + i // 2, STEP * x + i % 2, k] = to_fp32(exponents[i], totals[i])


def _lanes(parts: np.ndarray) -> np.ndarray:
    """Return (4, 4, ..., channels) as (..., blocks, 64): four channels of each tap side by side."""
    blocks = parts.shape[-1] // WINOGRAD_CHANNELS
    split = parts.reshape(WINOGRAD_TAPS, *parts.shape[2:-1], blocks, WINOGRAD_CHANNELS)
    moved = np.moveaxis(split, 0, -2)
    return np.ascontiguousarray(moved).reshape(*moved.shape[:-2], LANES)


def winograd_floats(lines: np.ndarray, weights: np.ndarray, out_size: tuple[int, int]) -> np.ndarray:
    """Return FP32 bit patterns, shape (*out_size, kernels) int64.

    lines: (height, width, channels) uint16, padded; weights: (kernels, 4, 4, channels) uint16.
    """
    tiles = tiles_of(lines, out_size).astype(np.int64)
    transform_floats(tiles.reshape(SIDE, SIDE, -1))
    out = np.zeros((*out_size, len(weights)), np.int64)
    data = _lanes(take_apart(tiles))
    _convolve(data, _lanes(take_apart(np.moveaxis(weights, 0, 2))), out)
    return out
