"""NVDLA's floating-point arithmetic against exact fractions, numpy's casts, and what the first release does."""

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.nvdla.values import floats
from hw_models.nvdla.values.floats import FP16, FP17, FP32

REFERENCE = Path(__file__).parents[2] / "hw_models/nvdla/reference/nv_full_floats.csv"
FORMATS = {"fp16": FP16, "fp17": FP17, "fp32": FP32}
bits_of = st.sampled_from([FP16, FP17, FP32])


@st.composite
def numbers(draw, count):
    """Normal numbers of one format whose exponents are near each other, and zeros."""
    e, m = draw(bits_of)
    middle = (1 << (e - 1)) - 1
    found = []
    for _ in range(count):
        exponent = draw(st.integers(middle - 12, middle + 12))
        mantissa = draw(st.integers(0, (1 << m) - 1) | st.sampled_from([0, (1 << m) - 1]))
        number = exponent << m | mantissa if draw(st.integers(0, 9)) else 0
        found.append(number | draw(st.integers(0, 1)) << (e + m))
    return (e, m), [np.int64(number) for number in found]


def exact(value, e, m):
    """Return a number that is no NaN as a fraction."""
    exponent, mantissa = value >> m & ((1 << e) - 1), value & ((1 << m) - 1)
    size = Fraction(int(mantissa | (1 << m if exponent or mantissa else 0))) * Fraction(2) ** int(
        exponent - ((1 << (e - 1)) - 1) - m
    )
    return -size if value >> (e + m) else size


def nearest(value, e, m):
    """Return (size of) a fraction rounded to even as a bit pattern: 0 below the normal numbers, no infinity."""
    size, bias = abs(value), (1 << (e - 1)) - 1
    if size == 0:
        return 0
    power = 0
    while size >= Fraction(2) ** (power + 1):
        power += 1
    while size < Fraction(2) ** power:
        power -= 1
    scaled = round(size / Fraction(2) ** (power - m))  # Python rounds halves to even
    if scaled == 1 << (m + 1):
        power, scaled = power + 1, scaled >> 1
    if power + bias < 1:
        return 0
    if power + bias > (1 << e) - 2:
        return ((1 << e) - 2) << m | ((1 << m) - 1)
    return (power + bias) << m | scaled & ((1 << m) - 1)


@settings(max_examples=300, deadline=None)
@given(numbers(2))
def test_sum_is_that_of_fractions_with_the_smaller_operand_cut(drawn):
    (e, m), (a, b) = drawn
    size = (1 << (e + m)) - 1
    larger, smaller = (a, b) if a & size >= b & size else (b, a)
    unit = Fraction(2) ** int((larger & size) >> m) * Fraction(2) ** (-((1 << (e - 1)) - 1) - m - (m + 2))
    cut = exact(smaller & size, e, m) // unit * unit
    total = abs(exact(larger & size, e, m) + (cut if (a ^ b) >> (e + m) == 0 else -cut))
    if total >= Fraction(2) ** int(((larger & size) >> m) + 1 - ((1 << (e - 1)) - 1)):
        total = total // (2 * unit) * 2 * unit  # the carry pushes the last place out
    found = floats.add(a, b, e, m)
    assert found & size == nearest(total, e, m)
    assert found >> (e + m) == larger >> (e + m)
    assert floats.subtract(a, b ^ np.int64(1 << (e + m)), e, m) == found


@settings(max_examples=300, deadline=None)
@given(numbers(2))
def test_product_is_rounded_to_even_and_keeps_its_sign(drawn):
    (e, m), (a, b) = drawn
    found = floats.multiply(a, b, e, m)
    assert found & ((1 << (e + m)) - 1) == nearest(exact(a, e, m) * exact(b, e, m), e, m)
    assert found >> (e + m) == (a ^ b) >> (e + m)


@settings(max_examples=200, deadline=None)
@given(numbers(2))
def test_greater_and_lesser_are_the_two_numbers(drawn):
    (e, m), (a, b) = drawn
    greater, lesser = (floats.choose(a, b, most, e, m) for most in (True, False))
    assert {int(greater), int(lesser)} == {int(a), int(b)}
    assert exact(greater, e, m) >= exact(lesser, e, m)


def test_fp32_to_fp16_and_back_is_numpys_but_for_infinities():
    random = np.random.default_rng(2)
    single = (random.normal(size=3000) * 2.0 ** random.integers(-26, 18, 3000)).astype(np.float32)
    with np.errstate(over="ignore"):
        half = single.astype(np.float16)
    half[np.isinf(half)] = np.copysign(np.float16(65504), single[np.isinf(half)])
    for value, expected in zip(single.view(np.uint32), half.view(np.uint16)):
        assert floats.narrow(np.int64(value), *FP32, *FP16, True) == expected
    finite = half[np.abs(half) > 0]
    for value, expected in zip(finite.view(np.uint16), finite.astype(np.float32).view(np.uint32)):
        assert floats.widen(np.int64(value), *FP16, *FP32, True) == expected


@given(st.integers(-65536, 65535))
def test_integer_becomes_the_nearest_fp16(value):
    with np.errstate(over="ignore"):
        expected = np.float16(value)
    if np.isinf(expected):
        expected = np.copysign(np.float16(65504), expected)
    assert floats.from_integer(np.int64(value), 17, *FP16) == expected.view(np.uint16)


@given(st.integers(0, 65535))
def test_fp16_becomes_the_nearest_integer_half_away_from_zero(pattern):
    value = float(np.uint16(pattern).view(np.float16))
    found = floats.to_integer(np.int64(pattern), 16, *FP16)
    if np.isnan(value):
        assert found == -32768
    elif np.isinf(value):
        assert found == (32767 if value > 0 else -32768)
    else:
        away = int(abs(value) + 0.5) * (1 if value >= 0 else -1)
        assert found == min(max(away, -32768), 32767)


@given(st.integers(1, (1 << 16) - 1))
def test_fraction_becomes_the_nearest_fp17(fraction):
    assert floats.from_fraction(np.int64(fraction), 16, *FP17) == nearest(Fraction(fraction, 1 << 16), *FP17)


def test_nan_passes_with_its_bits_the_first_one_wins():
    nan, other, one = np.int64(0x7C55), np.int64(0xFE01), np.int64(0x3C00)
    for operation in (floats.add, floats.multiply):
        assert operation(nan, other, *FP16) == nan
        assert operation(one, other, *FP16) == other
    assert floats.choose(one, nan, True, *FP16) == nan
    assert floats.relu(other, *FP16) == other
    assert floats.relu(np.int64(0xBC00), *FP16) == 0


OPERATIONS = {
    "add": lambda a, b, e, m: floats.add(a, b, e, m),
    "subtract": lambda a, b, e, m: floats.subtract(a, b, e, m),
    "multiply": lambda a, b, e, m: floats.multiply(a, b, e, m),
    "maximum": lambda a, b, e, m: floats.choose(a, b, True, e, m),
    "minimum": lambda a, b, e, m: floats.choose(a, b, False, e, m),
}
CONVERSIONS = {
    "fp16_to_fp17": lambda a: floats.widen(a, *FP16, *FP17, True),
    "fp16_to_fp32": lambda a: floats.widen(a, *FP16, *FP32, True),
    "fp17_to_fp16": lambda a: floats.narrow(a, *FP17, *FP16, True),
    "fp17_to_fp32": lambda a: floats.widen(a, *FP17, *FP32, False),
    "fp32_to_fp16": lambda a: floats.narrow(a, *FP32, *FP16, True),
    "fp32_to_fp17": lambda a: floats.narrow(a, *FP32, *FP17, False),
    "int17_to_fp16": lambda a: floats.from_integer(a, 17, *FP16),
    "fp16_to_int16": lambda a: floats.to_integer(a, 16, *FP16),
    "fraction16_to_fp17": lambda a: floats.from_fraction(a, 16, *FP17),
    "fraction35_to_fp17": lambda a: floats.from_fraction(a, 35, *FP17),
}


def test_first_release_computes_alike():
    """Numbers with NaN, infinities, denormals and near cancellation (reference/README.md)."""
    with REFERENCE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 900
    for row in rows:
        a, expected = np.int64(int(row["a"], 0)), int(row["result"], 0)
        if row["format"]:
            e, m = FORMATS[row["format"]]
            found = OPERATIONS[row["operation"]](a, np.int64(int(row["b"], 0)), e, m)
        else:
            found = CONVERSIONS[row["operation"]](a)
        assert found == expected, row
