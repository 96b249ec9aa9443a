"""Integer arithmetic of the converters: shifts that round half away from zero, and saturation.

All numbers are int64. Widths and rounding are those of NVDLA's RTL and of its hardware manual ("precision").
"""

from hw_models.jit import njit


@njit
def saturate(value, bits):
    """Return ``value`` as a signed number of ``bits``, cut to its range."""
    most = (1 << (bits - 1)) - 1
    return min(max(value, -most - 1), most)


@njit
def low_bits(value, bits):
    """Return the low ``bits`` as a signed number."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


@njit
def shift_right(value, shift):
    """Return value / 2**shift, rounded half away from zero; |value| < 2**63."""
    if shift == 0:
        return value
    if shift > 63:
        return 0
    if value >= 0:
        return ((value >> (shift - 1)) + 1) >> 1
    return -(((-value >> (shift - 1)) + 1) >> 1)


@njit
def shift_left(value, shift, bits):
    """Return value * 2**shift, saturated to ``bits`` (at most 48 of them)."""
    if value == 0:
        return 0
    if shift >= bits:
        return saturate((1 << 62) if value > 0 else -(1 << 62), bits)
    limit = 1 << (bits - 1)
    if value >= 0:
        return limit - 1 if value > (limit - 1) >> shift else value << shift
    return -limit if value < -(limit >> shift) else value << shift


@njit
def shift_signed(value, shift, bits):
    """Return value / 2**shift rounded for a positive shift, value * 2**-shift else, saturated to ``bits``."""
    if shift >= 0:
        return saturate(shift_right(value, shift), bits)
    return shift_left(value, -shift, bits)


@njit
def convert(value, offset, scale, shift, bits):
    """Return (value - offset) * scale / 2**shift, rounded and saturated to ``bits``."""
    return saturate(shift_right((value - offset) * scale, shift), bits)
