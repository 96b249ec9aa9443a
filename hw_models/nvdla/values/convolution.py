"""What CDMA, CSC, CMAC and CACC compute.

CMAC's sums are exact; CACC adds them up in 34 bits (48 for 16-bit data), cuts the result and saturates it to
32 bits. ``convolve`` leaves the order of the sums open: it is for sums that cannot reach the saturation on
the way, and `convolve_in_order` for the others.
"""

import numpy as np

from hw_models.jit import njit
from hw_models.nvdla.values.rounding import convert, saturate

ACCUMULATOR_BITS = {1: 34, 2: 48}  # by bytes of an element, NV_NVDLA_CACC_CALC_int8 / int16
EXACT_PRODUCTS = {1: 1 << 10, 2: 1 << 22}  # products that add up without rounding: float32, float64
CUT_BITS = 16  # places behind the point that CACC's shifter keeps


@njit
def convert_input(data, offsets, scale, shift, bits):
    """Convert in place what CDMA writes into CBUF; data: (pixels, channels) int64, offsets: (channels,)."""
    for i in range(data.shape[0]):
        for c in range(data.shape[1]):
            data[i, c] = saturate(convert(data[i, c], offsets[c], scale, shift, 17), bits)


@njit
def truncate(sums, shift):
    """Cut what CACC hands to SDP, in place: sums / 2**shift, rounded half away from zero, 32 bits.

    The shifter keeps 16 places behind the point; what lies below is lost before rounding.
    """
    for i in range(sums.size):
        wide = (sums[i] << 16) >> shift
        whole, guide, sticky = wide >> 16, (wide >> 15) & 1, wide & 0x7FFF
        if guide and (sums[i] >= 0 or sticky):
            whole += 1
        sums[i] = saturate(whole, 32)


@njit
def convolve_in_order(lines, weights, out, strides, dilations, atomic_c, bits):
    """Add up as the hardware does: channel block, row, column, atomic-C products at once, each saturated.

    lines: (height, width, channels) int64, padded; weights: (kernels, rows, columns, channels) int64;
    out: (out_height, out_width, kernels) int64.
    """
    kernels, rows, columns, channels = weights.shape
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            for k in range(kernels):
                total = 0
                for first in range(0, channels, atomic_c):
                    for r in range(rows):
                        for s in range(columns):
                            line = y * strides[0] + r * dilations[0]
                            column = x * strides[1] + s * dilations[1]
                            products = 0
                            for c in range(first, min(first + atomic_c, channels)):
                                products += lines[line, column, c] * weights[k, r, s, c]
                            total = saturate(total + products, bits)
                out[y, x, k] = total


def convolve(
    lines: np.ndarray,
    weights: np.ndarray,
    out_size: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int],
) -> np.ndarray:
    """Return exact sums, shape (*out_size, kernels) int64, of padded ``lines`` (height, width, channels).

    Sums of up to a thousand products of INT8 are exact in float32, so matrix products do the work.
    """
    kernels, rows, columns, channels = weights.shape
    real, most = (
        (np.float32, EXACT_PRODUCTS[1]) if lines.dtype == np.int8 else (np.float64, EXACT_PRODUCTS[2])
    )
    height, width = out_size
    sums = np.zeros((height * width, kernels), np.int64)
    for first in range(0, channels, most):
        part = lines[:, :, first : first + most].astype(real)
        factors = weights[:, :, :, first : first + most].astype(real)
        each = max(1, most // part.shape[2])  # kernel columns and rows that may be summed in one product
        taps = [(r, s) for r in range(rows) for s in range(columns)]
        for start in range(0, len(taps), each):
            chosen = taps[start : start + each]
            views = [
                part[
                    r * dilations[0] : r * dilations[0] + (height - 1) * strides[0] + 1 : strides[0],
                    s * dilations[1] : s * dilations[1] + (width - 1) * strides[1] + 1 : strides[1],
                ].reshape(height * width, -1)
                for r, s in chosen
            ]
            matrix = np.concatenate(views, axis=1) if len(views) > 1 else views[0]
            taps_of = np.concatenate([factors[:, r, s] for r, s in chosen], axis=1)
            sums += (matrix @ taps_of.T).astype(np.int64)
    return sums.reshape(height, width, kernels)


def accumulate(
    lines: np.ndarray,
    weights: np.ndarray,
    out_size: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int],
    atomic_c: int,
) -> np.ndarray:
    """Return CACC's sums, shape (*out_size, kernels) int64, in the order of the hardware where it matters."""
    bytes_each = lines.dtype.itemsize
    bits = ACCUMULATOR_BITS[bytes_each]
    largest = weights[0].size << (16 * bytes_each - 2)
    if largest < 1 << (bits - 1):
        return convolve(lines, weights, out_size, strides, dilations)
    out = np.zeros((*out_size, weights.shape[0]), np.int64)
    wide = lines.astype(np.int64), weights.astype(np.int64)
    convolve_in_order(*wide, out, np.array(strides), np.array(dilations), atomic_c, bits)
    return out
