"""Weights as NVDLA stores them, and back. Arrays have shape (kernels, rows, columns, channels).

Kernels come in groups of atomic-K, inside a group blocks of atomic-C channels, then kernel rows, columns,
kernels, channels; nothing is filled up but the end of all (NVDLA hardware manual, "Weight Format"). A kernel
of an image has one column of columns x channels; ``rows_a_block`` rows may lie together (post-extension).
"""

from collections.abc import Iterator

import numpy as np

UNIT_BYTES = 128  # weights are stored in multiples of this


def _runs(
    shape: tuple[int, int, int, int], atomic_c: int, atomic_k: int, rows_a_block: int
) -> Iterator[tuple[slice, slice, slice]]:
    """Yield (kernels, rows, channels) of each block that lies together, columns outermost."""
    kernels, rows, _, channels = shape
    for k in range(0, kernels, atomic_k):
        for c in range(0, channels, atomic_c):
            for r in range(0, rows, rows_a_block):
                yield slice(k, k + atomic_k), slice(r, r + rows_a_block), slice(c, c + atomic_c)


def pack_weights(weights: np.ndarray, atomic_c: int, atomic_k: int, rows_a_block: int = 1) -> np.ndarray:
    """Return weights as stored, shape (elements,), without the zeros at the end."""
    shape = weights.shape
    parts = [
        weights[k, r, :, c].transpose(2, 0, 1, 3).reshape(-1)
        for k, r, c in _runs((shape[0], shape[1], shape[2], shape[3]), atomic_c, atomic_k, rows_a_block)
    ]
    return np.concatenate(parts)


def unpack_weights(
    stored: np.ndarray,
    shape: tuple[int, int, int, int],
    atomic_c: int,
    atomic_k: int,
    rows_a_block: int = 1,
) -> np.ndarray:
    """Return weights of ``shape`` (kernels, rows, columns, channels) from how they are stored."""
    weights = np.zeros(shape, stored.dtype)
    at = 0
    for k, r, c in _runs(shape, atomic_c, atomic_k, rows_a_block):
        part = weights[k, r, :, c]
        kernels, rows, columns, channels = part.shape
        block = stored[at : at + part.size].reshape(columns, kernels, rows, channels)
        weights[k, r, :, c] = block.transpose(1, 2, 0, 3)
        at += part.size
    return weights


def expand_weights(stored: np.ndarray, mask: np.ndarray, count: int) -> np.ndarray:
    """Return ``count`` weights with their zeros; ``mask`` (bytes, uint8) has a bit each, lowest first."""
    present = np.unpackbits(mask, bitorder="little")[:count].astype(bool)
    weights = np.zeros(count, stored.dtype)
    weights[present] = stored[: int(present.sum())]
    return weights


def compress_weights(weights: np.ndarray, group: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (weights without zeros, mask bytes, bytes of each group of ``group`` stored weights, uint32)."""
    present = weights != 0
    bounds = range(0, weights.size, group)
    sizes = [int(present[i : i + group].sum()) * weights.itemsize for i in bounds]
    return weights[present], np.packbits(present, bitorder="little"), np.array(sizes, np.uint32)
