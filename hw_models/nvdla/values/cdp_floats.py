"""What CDP computes in FP16: squares and their sum in FP32, tables and product in FP17, no converters.

Sources (branch nvdlav1): cmod/hls_wrapper/cdp_hls_wrapper.cpp; NV_NVDLA_CDP_DP_{sum,LUT_ctrl,intp,mul,nan}.v,
fp_sum_block.v.
"""

import numpy as np

from hw_models.jit import njit
from hw_models.nvdla.values.floats import (
    FP16,
    FP17,
    FP32,
    add,
    from_fraction,
    is_nan,
    multiply,
    narrow,
    subtract,
)
from hw_models.nvdla.values.lut import ABOVE, HIT
from hw_models.nvdla.values.sdp_floats import FP32_BIAS, FP32_MASK, FRACTION_BITS, find, to_fp17, to_fp32

E16, M16 = FP16
E17, M17 = FP17
E32, M32 = FP32
FRACTION = 16  # bits of the distance between two entries


@njit
def _sum(numbers, at, reach):
    """Return the sum of squares around ``at``; numbers: FP32, (channels + 8,). Pairs from the middle on."""
    squares = np.zeros(9, np.int64)
    for i in range(-reach, reach + 1):
        squares[4 + i] = multiply(numbers[at + i], numbers[at + i], E32, M32)
    total = add(add(squares[3], squares[5], E32, M32), squares[4], E32, M32)
    for i in range(2, reach + 1):
        total = add(total, add(squares[4 - i], squares[4 + i], E32, M32), E32, M32)
    return total


@njit
def _value(table, entries, value, where, index, fraction):
    """Return what one table makes of an FP32 value (FP17)."""
    if where == HIT:
        first, second = entries[index], entries[index + 1]
        step = narrow(subtract(to_fp32(second), to_fp32(first), E32, M32), E32, M32, E17, M17, False)
        part = from_fraction(fraction >> (FRACTION_BITS - FRACTION), FRACTION, E17, M17)
        return add(multiply(step, part, E17, M17), to_fp17(first), E17, M17)
    if where == ABOVE:
        origin, scale, entry = table["end"] & FP32_MASK, table["above_scale"], entries[table["last"]]
    else:
        origin, scale, entry = table["start"] & FP32_MASK, table["below_scale"], entries[0]
        if table["exponential"]:
            offset = table["offset"]
            origin = add(origin, (offset + FP32_BIAS) << M32 if offset > -FP32_BIAS else 0, E32, M32)
    distance = narrow(subtract(value, origin, E32, M32), E32, M32, E17, M17, False)
    return add(multiply(distance, to_fp17(scale), E17, M17), to_fp17(entry), E17, M17)


@njit
def _look_up(lut, value):
    """Return what the two tables make of an FP32 value (FP17); lut: a LUT row."""
    in_lo, where, index, fraction = find(lut, value)
    if in_lo:
        return _value(lut["lo"], lut["lo_entries"], value, where, index, fraction)
    return _value(lut["le"], lut["le_entries"], value, where, index, fraction)


@njit
def normalise_floats(cdp, values, channels):
    """Normalise FP16 bit patterns (pixels, channels of whole atoms) int64 in place; see ``normalise``."""
    numbers = np.zeros(values.shape[1] + 8, np.int64)
    for p in range(values.shape[0]):
        for c in range(values.shape[1]):
            numbers[c + 4] = to_fp32(values[p, c]) if c < channels else 0
        for c in range(values.shape[1]):
            key = _sum(numbers, c + 4, cdp["reach"]) if cdp["square"] else numbers[c + 4]
            result = _look_up(cdp["lut"], key)
            centre = to_fp17(values[p, c]) if c < channels else values[p, c] * 0
            if cdp["multiply"]:
                result = multiply(centre, result, E17, M17)
            elif is_nan(centre, E17, M17):
                result = centre
            values[p, c] = narrow(result, E17, M17, E16, M16, True)
