"""Who stores the keys and values that a (layer, head) reads: sharing between heads, between layers, or both.

A map of owners, shape (layers, heads), names for every query head of every layer the cell that stores what
it reads. Fewer owners are fewer bytes stored; every head still reads the whole context, so that bytes read
shrink only where a cache lies between, or where the heads of a layer that share a cell are computed together.
"""

from fractions import Fraction

import numpy as np


def grouped(layers: int, heads: int, *, layers_per_owner: int = 1, heads_per_owner: int = 1) -> np.ndarray:
    """Return the map in which so many layers, and so many heads in each, share a cell (GQA, MLKV)."""
    if layers % layers_per_owner or heads % heads_per_owner:
        raise ValueError(
            f"{layers} layers of {heads} heads do not divide into groups of {layers_per_owner} layers and "
            f"{heads_per_owner} heads"
        )
    across = heads // heads_per_owner
    layer, head = np.divmod(np.arange(layers * heads), heads)
    return (layer // layers_per_owner * across + head // heads_per_owner).reshape(layers, heads)


def of_layers(owners: list[int], heads: int) -> np.ndarray:
    """Return the map in which layer i reads what layer ``owners[i]`` stores (CLA, LCKV, YOCO)."""
    layer = np.asarray(owners, np.int64)
    if layer.size and (layer.min() < 0 or layer.max() >= layer.size):
        raise ValueError(f"owners {owners}; write layers from 0 to {layer.size - 1}")
    return layer[:, None] * heads + np.arange(heads)[None, :]


def stored_cells(owners: np.ndarray) -> int:
    """Return how many (layer, head) pairs of keys and values are stored."""
    return int(np.unique(owners).size)


def read_cells(owners: np.ndarray) -> int:
    """Return how many cells one token reads if the heads of a layer that share one are computed together."""
    return sum(int(np.unique(layer).size) for layer in owners)


def stored_bytes(owners: np.ndarray, head_width: int, bits: Fraction | int, tokens: int) -> int:
    """Return the bytes of keys and values of ``tokens`` tokens."""
    return int(-(-2 * stored_cells(owners) * head_width * tokens * Fraction(bits) // 8))


def read_bytes(owners: np.ndarray, head_width: int, bits: Fraction | int, tokens: int) -> int:
    """Return the bytes that one token's attention reads of ``tokens`` tokens, without a cache."""
    return int(-(-2 * read_cells(owners) * head_width * tokens * Fraction(bits) // 8))
