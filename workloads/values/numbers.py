"""Real factors as the integers of NVDLA's converters: 16 bits and a right shift of 6."""

from typing import NamedTuple

import numpy as np

MOST, LONGEST = 32767, 40  # of the factor; of the shift, so that products stay in 63 bits


class Factor(NamedTuple):
    """factor / 2**shift."""

    factor: int
    shift: int


def factor_of(value: float, most: int = MOST) -> Factor:
    """Return the nearest ``factor`` of 16 bits and its shift. ValueError when it is too large."""
    if value == 0:
        return Factor(0, 0)
    if not abs(value) <= most:
        raise ValueError(f"a factor of {value:.4g} is more than a converter's {most}")
    shift = 0
    while shift < LONGEST and abs(value) * 2 ** (shift + 1) <= most:
        shift += 1
    factor = round(value * 2**shift)
    while shift and factor % 2 == 0:
        factor, shift = factor // 2, shift - 1
    return Factor(factor, shift)


def factors_of(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Return int16 factors for all ``values`` with one shift. ValueError when one is too large."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest == 0:
        return np.zeros(len(values), np.int64), 0
    if largest > MOST:
        raise ValueError(f"a factor of {largest:.4g} is more than a converter's {MOST}")
    shift = 0
    while shift < LONGEST and largest * 2 ** (shift + 1) <= MOST:
        shift += 1
    return np.rint(values * 2**shift).astype(np.int64), shift


def shifted(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Return integers of 16 bits and the left shift that brings them back, rounded where bits are lost."""
    largest = int(np.max(np.abs(values), initial=0))
    shift = max(0, largest.bit_length() - 15)
    return np.clip(np.rint(values / 2**shift), -32768, MOST).astype(np.int64), shift
