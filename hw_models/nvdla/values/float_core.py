"""What CMAC and CACC compute in FP16: products aligned to the largest exponent, sums of 48 bits.

CMAC takes up to 64 products at a time. Mantissas are shifted left by the low two bits of their exponent,
products right by the distance of the rest to the largest one of all; an infinity counts as 65536. A product
is the sum of two words (Booth's partial products through a tree of adders) that are cut one by one, so that
what carries from below is lost. CACC adds sums of different exponents: 8 bits of exponent, 40 of mantissa,
rounded half away from zero. Sources (branch nvdlav1): NV_NVDLA_CMAC_CORE_{active,MAC_exp,MAC_mul,MAC_nan}.v,
NV_DW02_tree.v, NV_NVDLA_CACC_CALC_fp_48b.v.
"""

import numpy as np

from hw_models.jit import njit
from hw_models.nvdla.values.floats import FP16, from_integer
from hw_models.nvdla.values.rounding import convert

LANES = 64  # products at a time
NAN_SUM, NAN_TOTAL = 63, 255  # exponents that mark a NaN, CMAC's and CACC's
BIAS = 0x55550000  # what Booth's inverted signs add to a product
SUM_BITS = 36  # of CMAC's sum
TOTAL_BITS = 40
E16, M16 = FP16

FLOAT = np.dtype(  # an FP16 number taken apart
    [
        ("sign", np.int64),
        ("mantissa", np.int64),  # 14 bits, shifted by the low bits of the exponent; 0: no product
        ("exponent", np.int64),  # the upper 3 bits
        ("nan", np.int64),  # 1 << 10 | mantissa of a NaN, 0 of others
    ]
)


def without_nan(numbers: np.ndarray) -> np.ndarray:
    """Return FP16 bit patterns with zeros in place of NaN."""
    return np.where((numbers & 0x7FFF) > 0x7C00, numbers * 0, numbers)


@njit
def convert_to_fp16(data, offsets, scale, shift):
    """Convert integers in place to FP16 bit patterns, as CDMA writes them; see ``convert_input``."""
    for i in range(data.shape[0]):
        for c in range(data.shape[1]):
            data[i, c] = from_integer(convert(data[i, c], offsets[c], scale, shift, 17), 17, E16, M16)


def take_apart(numbers: np.ndarray) -> np.ndarray:
    """Return FP16 bit patterns (any shape, uint16) as FLOAT of the same shape."""
    wide = numbers.astype(np.int64)
    exponent, mantissa = wide >> 10 & 31, wide & 1023
    normal = exponent > 0
    parts = np.zeros(numbers.shape, FLOAT)
    parts["sign"] = wide >> 15
    parts["mantissa"] = np.where(normal, mantissa | 1024, mantissa << 1) << (exponent & 3)
    parts["exponent"] = exponent >> 2
    parts["nan"] = np.where((exponent == 31) & (mantissa > 0), 1024 | mantissa, 0)
    return parts


@njit
def _part(code, negative, data):
    """Return (Booth's partial product of 17 bits, 1 when it is inverted)."""
    code = code & 7 ^ (7 if negative else 0)
    if code == 0 or code == 7:
        return 0x10000, 0
    size = data << 1 if code == 3 or code == 4 else data
    return (~size & 0xFFFF, 1) if code > 3 else (size | 0x10000, 0)


@njit
def _add_three(a, b, c):
    """Return (sum without carries, carries), NV_DW02_tree.v."""
    return a ^ b ^ c, (a & b | b & c | a & c) << 1


@njit
def _half(weight, negative, data):
    """Return the two words that half of a product is added up to: eight bits of the weight."""
    p0, i0 = _part(weight, negative, data)
    p1, i1 = _part(weight >> 2, negative, data)
    p2, i2 = _part(weight >> 4, negative, data)
    p3, i3 = _part(weight >> 6, negative, data)
    total, carries = _add_three(p0, p1 << 2 | i0, p2 << 4 | i1 << 2)
    total, carries = _add_three(total, carries, p3 << 6 | i2 << 4)
    return _add_three(total, carries, i3 << 6)


@njit
def product(weight, data, negative, steps):
    """Return weight * data (14 bits each), negated or not, over 16**steps, as the hardware cuts it."""
    if steps == 0:
        return -weight * data if negative else weight * data
    if steps >= 8:
        return np.int64(0)
    low_sum, low_carries = _half(weight << 1, negative, data)
    high_sum, high_carries = _half(weight >> 7, negative, data)
    total, carries = _add_three(low_sum, low_carries, high_sum << 8)
    total, carries = _add_three(total, carries, high_carries << 8)
    return (total >> 4 * steps) + (carries >> 4 * steps) - (BIAS >> 4 * steps)


@njit
def products(weights, data, out):
    """Fill ``out`` with products aligned to the largest; weights, data: FLOAT rows of as many lanes.

    Returns (exponent, NaN as a sum's mantissa or 0). The first NaN of the weights wins, then the data's.
    """
    for i in range(weights.size):
        if weights[i]["nan"]:
            return NAN_SUM, nan_sum(weights[i])
    for i in range(weights.size):
        if data[i]["nan"]:
            return NAN_SUM, nan_sum(data[i])
    largest = 0
    for i in range(weights.size):
        if weights[i]["mantissa"] and data[i]["mantissa"]:
            largest = max(largest, weights[i]["exponent"] + data[i]["exponent"])
    for i in range(weights.size):
        w, d = weights[i], data[i]
        out[i] = 0
        if w["mantissa"] and d["mantissa"]:
            steps = largest - w["exponent"] - d["exponent"]
            out[i] = product(w["mantissa"], d["mantissa"], w["sign"] != d["sign"], steps)
    return 4 * largest, np.int64(0)


@njit
def nan_sum(number):
    """Return the mantissa of 38 bits (sign, 10 bits, zeros) that stands for a NaN."""
    size = (number["nan"] & 1023) << 27
    return size - (1 << 37) if number["sign"] else size


@njit
def _signs(value, bits):
    """Return the leading bits that only repeat the sign."""
    size = ~value if value < 0 else value
    count = bits - 1
    while size:
        size >>= 1
        count -= 1
    return count


@njit
def _align(mantissa, shift):
    """Return (mantissa over 2**shift, 3 bits below: two and whether there is more, 40 bits deep)."""
    mantissa >>= min(max(shift - TOTAL_BITS, 0), 63)
    shift = min(shift, TOTAL_BITS)
    below = (mantissa << (TOTAL_BITS - shift)) & ((1 << TOTAL_BITS) - 1)
    more = below & ((1 << (TOTAL_BITS - 2)) - 1)
    return mantissa >> shift, below >> (TOTAL_BITS - 2) << 1 | (1 if more else 0)


@njit
def accumulate(total_exponent, total, exponent, mantissa):
    """Return CACC's total (exponent, mantissa of 40 bits) with one of CMAC's sums added."""
    if total_exponent == NAN_TOTAL:
        return NAN_TOTAL, total >> 29 << 29
    if exponent == NAN_SUM:
        return NAN_TOTAL, mantissa >> 27 << 29
    ours = 0
    if mantissa:
        signs = _signs(mantissa, SUM_BITS)
        ours, mantissa = exponent + 47 - signs, mantissa << (signs + 4)
    largest = max(ours, total_exponent)
    added, cut = _align(mantissa, largest - ours)
    kept, kept_cut = _align(total, largest - total_exponent)
    wide = (added + kept) << 3
    if ours != total_exponent:
        wide |= kept_cut if ours > total_exponent else cut
    signs = _signs(wide, TOTAL_BITS + 4)
    wide <<= signs
    rounded = wide >> 4
    if wide & 8 and (wide >= 0 or wide & 7):
        rounded += 1
    result = largest + 1 - signs
    half = 1 << (TOTAL_BITS - 1)
    if rounded == half:  # carried
        result, rounded = result + 1, rounded >> 1
    elif wide < 0 and rounded == -half >> 1:
        result, rounded = result - 1, rounded << 1
    return (result & 255, rounded) if rounded else (0, rounded)


@njit
def to_fp32(exponent, mantissa):
    """Return CACC's total as the FP32 bit pattern that SDP gets."""
    sign = 1 if mantissa < 0 else 0
    if exponent == NAN_TOTAL:
        return sign << 31 | 255 << 23 | mantissa >> 29 & 1023
    if mantissa == 0:
        return np.int64(0)
    size = abs(mantissa) & ((1 << 39) - 1)  # of -2 the exponent is one more
    rounded = (size >> 15) + (size >> 14 & 1)
    more = 1 if rounded >> 24 or size == 0 else 0
    return sign << 31 | (exponent + 64 + more & 255) << 23 | rounded & 0x7FFFFF


@njit
def convolve_floats(lines, weights, out, strides, dilations, lanes, rows_a_block):
    """Add up packages of up to 64 products: channel block, row (some at once), column.

    lines: (height, width, channels) FLOAT, padded; weights: (kernels, rows, columns, channels) FLOAT;
    out: (out_height, out_width, kernels) int64, FP32 bit patterns. ``rows_a_block`` rows share a package.
    """
    kernels, rows, columns, channels = weights.shape
    some = np.zeros(max(LANES, rows_a_block * min(lanes, channels)), np.int64)
    w, d = np.zeros(some.size, FLOAT), np.zeros(some.size, FLOAT)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            for k in range(kernels):
                exponent, total = 0, np.int64(0)
                for first in range(0, channels, lanes):
                    last = min(first + lanes, channels)
                    for r in range(0, rows, rows_a_block):
                        for s in range(columns):
                            count = 0
                            for row in range(r, min(r + rows_a_block, rows)):
                                line = y * strides[0] + row * dilations[0]
                                column = x * strides[1] + s * dilations[1]
                                for c in range(first, last):
                                    w[count] = weights[k, row, s, c]
                                    d[count] = lines[line, column, c]
                                    count += 1
                            sum_exponent, mantissa = products(w[:count], d[:count], some)
                            if sum_exponent != NAN_SUM:
                                for i in range(count):
                                    mantissa += some[i]
                            exponent, total = accumulate(exponent, total, sum_exponent, mantissa)
                out[y, x, k] = to_fp32(exponent, total)
