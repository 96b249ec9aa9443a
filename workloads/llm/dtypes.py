"""Data types of weights and caches, in bits per value."""

from fractions import Fraction

BITS = {
    "fp32": Fraction(32),
    "fp16": Fraction(16),
    "bf16": Fraction(16),
    "fp8": Fraction(8),
    # integer types carry a 16-bit scale and a 16-bit offset for each group of 64 values (MLX's default)
    "int8": Fraction(8) + Fraction(32, 64),
    "int4": Fraction(4) + Fraction(32, 64),
}


def bytes_of(values: int, dtype: str) -> int:
    """Return the bytes that ``values`` numbers of ``dtype`` take, rounded up to a whole byte."""
    bits = values * BITS[dtype]
    return int(-(-bits // 8))
