"""Floating point as NVDLA's units do it: bit patterns of FP16, FP17 (6 bits of exponent) and FP32.

A number is an int64 that holds sign, exponent and mantissa; ``e`` and ``m`` are the bits of exponent and
mantissa. There is no infinity: what is too large is the largest number, an infinity of an input is one. A NaN
passes with its bits, the first operand's before the second's. Results are rounded to even, and results below
the smallest normal number are 0. Source: nvdla/hw, branch nvdlav1, vmod/vlibs/HLS_fp*.v.
"""

from hw_models.jit import njit

FP16, FP17, FP32 = (5, 10), (6, 10), (8, 23)  # bits of exponent and of mantissa
ONE_FP17 = 0x7C00
MAX, MIN, SUM = 0, 1, 2


@njit
def pack(sign, exponent, mantissa, e, m):
    return sign << (e + m) | exponent << m | mantissa


@njit
def largest(sign, e, m):
    """Return the number farthest from 0."""
    return pack(sign, (1 << e) - 2, (1 << m) - 1, e, m)


@njit
def is_nan(value, e, m):
    return (value >> m) & ((1 << e) - 1) == (1 << e) - 1 and value & ((1 << m) - 1) != 0


@njit
def round_even(value, drop):
    """Return value / 2**drop (``value`` not negative), rounded to even; ``drop`` may be negative."""
    if drop <= 0:
        return value << -drop
    if drop > 62:
        return value * 0
    whole, rest, half = value >> drop, value & ((1 << drop) - 1), 1 << (drop - 1)
    return whole + 1 if rest > half or (rest == half and whole & 1) else whole


@njit
def leading_zeros(value, bits):
    """Return the zeros in front of the first one of ``bits`` bits."""
    count = bits
    while value:
        value >>= 1
        count -= 1
    return count


@njit
def _with_one(value, e, m):
    """Return the mantissa with its hidden one, which 0 alone lacks."""
    mantissa = value & ((1 << m) - 1)
    return mantissa | 1 << m if value & ((1 << (e + m)) - 1) else mantissa


@njit
def add(a, b, e, m):
    """Return a + b. What lies 2 bits and a whole mantissa below the larger operand is cut."""
    if is_nan(a, e, m):
        return a
    if is_nan(b, e, m):
        return b
    size = (1 << (e + m)) - 1
    if a & size < b & size:
        a, b = b, a
    elif a & size == b & size and (a ^ b) >> (e + m):
        return pack(a >> (e + m), 0, 0, e, m)
    sign, exponent = a >> (e + m), (a & size) >> m
    width, more = 2 * m + 3, m + 2
    shift = exponent - ((b & size) >> m)
    larger, smaller = _with_one(a, e, m) << more, _with_one(b, e, m) << more >> min(shift, 62)
    total = larger - smaller if (a ^ b) >> (e + m) else larger + smaller
    last = (1 << e) - 2
    if total >> width:
        if exponent >= last:
            return largest(sign, e, m)
        exponent, total = exponent + 1, total >> 1
    else:
        zeros = leading_zeros(total, width)
        if exponent <= zeros:
            return pack(sign, 0, 0, e, m)
        exponent, total = exponent - zeros, total << zeros
    rounded = round_even(total, more)
    if rounded >> (m + 1):
        if exponent >= last:
            return largest(sign, e, m)
        exponent += 1
    return pack(sign, exponent, rounded & ((1 << m) - 1), e, m)


@njit
def subtract(a, b, e, m):
    return add(a, b ^ 1 << (e + m), e, m)


@njit
def multiply(a, b, e, m):
    if is_nan(a, e, m):
        return a
    if is_nan(b, e, m):
        return b
    size, bias, last = (1 << (e + m)) - 1, (1 << (e - 1)) - 1, (1 << e) - 2
    sign, exponent = (a ^ b) >> (e + m), ((a & size) >> m) + ((b & size) >> m)
    if a & size == 0 or b & size == 0 or exponent < bias:
        return pack(sign, 0, 0, e, m)
    exponent -= bias
    if exponent > last:
        return largest(sign, e, m)
    product = _with_one(a, e, m) * _with_one(b, e, m)
    if product >> (2 * m + 1):
        exponent += 1
    else:
        product <<= 1
    rounded = round_even(product, m + 1)
    if rounded >> (m + 1):
        exponent += 1
    if exponent > last:
        return largest(sign, e, m)
    return pack(sign, exponent, rounded & ((1 << m) - 1) if exponent else 0, e, m)


@njit
def choose(a, b, most, e, m):
    """Return the greater of two numbers (``most``) or the lesser; of equal ones as the hardware does."""
    if is_nan(a, e, m):
        return a
    if is_nan(b, e, m):
        return b
    size = (1 << (e + m)) - 1
    farther = a & size > b & size
    if a >> (e + m):
        greater = b >> (e + m) != 0 and not farther
    else:
        greater = b >> (e + m) != 0 or farther
    return a if greater == most else b


@njit
def relu(value, e, m):
    return value if is_nan(value, e, m) or not value >> (e + m) else value * 0


@njit
def widen(value, from_e, from_m, e, m, denormals):
    """Return a number in a wider format; ``denormals``: small numbers have no hidden one (FP16)."""
    sign, mantissa = value >> (from_e + from_m), value & ((1 << from_m) - 1)
    exponent, last = (value >> from_m) & ((1 << from_e) - 1), (1 << from_e) - 1
    bias = (1 << (e - 1)) - (1 << (from_e - 1))
    if exponent == last:
        return pack(sign, (1 << e) - 1, mantissa, e, m) if mantissa else largest(sign, e, m)
    if exponent == 0 and mantissa == 0:
        return pack(sign, 0, 0, e, m)
    mantissa <<= m - from_m
    if exponent == 0 and denormals:
        zeros = leading_zeros(mantissa, m)
        return pack(sign, bias - zeros, (mantissa << (zeros + 1)) & ((1 << m) - 1), e, m)
    return pack(sign, exponent + bias, mantissa, e, m)


@njit
def narrow(value, from_e, from_m, e, m, denormals):
    """Return a number in a narrower format, rounded; ``denormals``: the format has small numbers (FP16)."""
    sign, mantissa = value >> (from_e + from_m), value & ((1 << from_m) - 1)
    exponent, last = (value >> from_m) & ((1 << from_e) - 1), (1 << e) - 1
    bias, drop = (1 << (from_e - 1)) - (1 << (e - 1)), from_m - m
    if exponent == (1 << from_e) - 1 and mantissa:
        return pack(sign, last, mantissa & ((1 << m) - 1), e, m)
    if exponent >= last + bias:
        return largest(sign, e, m)
    if exponent < bias - m:
        return pack(sign, 0, 0, e, m)
    whole = mantissa | 1 << from_m
    if exponent <= bias:
        rounded = round_even(whole, drop + bias - exponent + 1)
        return pack(sign, 0, rounded if denormals or rounded >> m else 0, e, m)  # a carry makes a normal
    rounded = round_even(whole, drop)
    exponent -= bias
    if rounded >> (m + 1):
        exponent += 1
        if exponent == last:
            return largest(sign, e, m)
    return pack(sign, exponent, rounded & ((1 << m) - 1), e, m)


@njit
def from_integer(value, bits, e, m):
    """Return an integer of ``bits`` bits as a floating-point number."""
    if value == 0:
        return value * 0
    sign, size = (1, -value) if value < 0 else (0, value)
    zeros = leading_zeros(size, bits)
    exponent = bits - 1 - zeros + (1 << (e - 1)) - 1
    rounded = round_even(size << zeros, bits - m - 1)
    if rounded >> (m + 1):
        exponent += 1
    if exponent > (1 << e) - 2:
        return largest(sign, e, m)
    return pack(sign, exponent, rounded & ((1 << m) - 1), e, m)


@njit
def to_integer(value, bits, e, m):
    """Return the integer next to a number, half away from zero, saturated to ``bits``; NaN: the least."""
    least, most = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if is_nan(value, e, m):
        return least
    exponent = ((value >> m) & ((1 << e) - 1)) - ((1 << (e - 1)) - 1)
    size, shift = value & ((1 << m) - 1) | 1 << m, m - exponent
    if exponent >= bits:
        size = most + 1
    elif shift <= 0:
        size <<= -shift
    else:
        size = (size + (1 << (shift - 1))) >> shift if shift <= m + 1 else size * 0
    if value >> (e + m):
        return least if size > most else -size
    return min(size, most)


@njit
def from_fraction(fraction, bits, e, m):
    """Return fraction / 2**bits as a floating-point number."""
    if fraction == 0:
        return fraction
    zeros = leading_zeros(fraction, bits)
    exponent = (1 << (e - 1)) - 1 - zeros - 1
    rounded = round_even(fraction << (zeros + 1), bits - m)
    if rounded >> (m + 1):
        return pack(0, exponent + 1, (rounded >> 1) & ((1 << m) - 1), e, m)
    return pack(0, exponent, rounded & ((1 << m) - 1), e, m) if exponent > 0 else fraction * 0
