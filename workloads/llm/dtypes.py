"""Data types of weights and caches, in bits per value, scales included.

Sources
  [G]  ggml, ggml-common.h: bytes of a block of 256 (or 32) values
  [M]  OCP Microscaling Formats 1.0: 32 values of 4 bits share a scale of 8
  [A]  AWQ, GPTQ: a group has a scale of 16 bits and a zero of the values' own width
  [B]  bitsandbytes: 64 values share a scale of 32 bits, or of 8, of which 256 share one of 32
  [C]  compressed-tensors: a symmetric group has a scale of 16 bits; NVFP4: 16 values share one of 8
"""

import re
from fractions import Fraction

BITS = {
    "fp32": Fraction(32),
    "fp16": Fraction(16),
    "bf16": Fraction(16),
    "fp8": Fraction(8),
    # integer types carry a 16-bit scale and a 16-bit offset for each group of 64 values (MLX's default)
    "int8": Fraction(8) + Fraction(32, 64),
    "int4": Fraction(4) + Fraction(32, 64),
    "q8_0": Fraction(8 * 34, 32),  # [G]
    "q6_k": Fraction(8 * 210, 256),  # [G]
    "q5_k": Fraction(8 * 176, 256),  # [G]
    "q4_k": Fraction(8 * 144, 256),  # [G]
    "q4_0": Fraction(8 * 18, 32),  # [G]
    "q4_k_m": Fraction(8 * 144, 256) + Fraction(8 * 66, 256) / 6,  # [G] of an FFN: a sixth in q6_k
    "q3_k": Fraction(8 * 110, 256),  # [G]
    "q2_k": Fraction(8 * 84, 256),  # [G]
    "iq4_xs": Fraction(8 * 136, 256),  # [G]
    "mxfp4": Fraction(4) + Fraction(8, 32),  # [M]
    "nf4": Fraction(4) + Fraction(32, 64),  # [B]
    "nf4_double": Fraction(4) + Fraction(8, 64) + Fraction(32, 64 * 256),  # [B]
    "nvfp4": Fraction(4) + Fraction(8, 16),  # [C]
    "int4_row": Fraction(4),  # a scale a row, which is left out
    "int8_row": Fraction(8),
}
_GROUPED = re.compile(r"int([2348])_([gs])(\d+)")  # [A], [C]: with a zero, symmetric


def bits_of(dtype: str) -> Fraction:
    """Return the bits of one value; KeyError if the type is not known."""
    grouped = _GROUPED.fullmatch(dtype)
    if grouped is None:
        return BITS[dtype]
    bits, group = int(grouped[1]), int(grouped[3])
    return bits + Fraction(16 + (bits if grouped[2] == "g" else 0), group)


def bytes_of(values: int, dtype: str) -> int:
    """Return the bytes that ``values`` numbers of ``dtype`` take, rounded up to a whole byte."""
    return int(-(-values * bits_of(dtype) // 8))
