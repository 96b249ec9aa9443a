"""The functional model against the shortest code that is obviously right."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.op import OP
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.values.convolution import accumulate, convolve, convolve_in_order, truncate
from hw_models.nvdla.values.cubes import Cube, read_cube, write_cube
from hw_models.nvdla.values.execute import Executor
from hw_models.nvdla.values.memory import PAGE_BYTES, Memory
from hw_models.nvdla.values.packing import compress_weights, expand_weights, pack_weights, unpack_weights
from hw_models.nvdla.values.pdp import POOL, pool_cube
from hw_models.nvdla.values.rounding import low_bits, saturate, shift_left, shift_right, shift_signed
from hw_models.nvdla.values.sdp import SDP, post_process

INT48 = st.integers(-(2**47), 2**47 - 1)


def half_away(value: Fraction) -> int:
    return floor(value + Fraction(1, 2)) if value >= 0 else -floor(-value + Fraction(1, 2))


def clamp(value: int, bits: int) -> int:
    return max(-(2 ** (bits - 1)), min(2 ** (bits - 1) - 1, value))


@given(st.integers(-(2**62), 2**62), st.integers(0, 70))
@example(2**62, 63)  # the largest product of Y, which rounds up to 1
@example(-(2**62), 63)
def test_right_shift_rounds_half_away_from_zero(value, shift):
    assert shift_right(value, shift) == half_away(Fraction(value, 2**shift))


@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 63))
def test_left_shift_saturates(value, shift):
    assert shift_left(value, shift, 32) == clamp(value * 2**shift, 32)


@given(st.integers(-(2**40), 2**40), st.integers(-16, 15))
def test_signed_shift_goes_both_ways(value, shift):
    assert shift_signed(value, shift, 32) == clamp(half_away(Fraction(value) / Fraction(2) ** shift), 32)


@given(INT48, st.integers(2, 40))
def test_saturation_and_low_bits(value, bits):
    assert saturate(value, bits) == clamp(value, bits)
    assert (low_bits(value, bits) - value) % 2**bits == 0
    assert -(2 ** (bits - 1)) <= low_bits(value, bits) < 2 ** (bits - 1)


@given(st.lists(st.integers(-(2**33), 2**33 - 1), min_size=1, max_size=8), st.integers(0, 16))
def test_accumulator_is_cut_with_rounding_and_saturates_to_32_bits(sums, shift):
    data = np.array(sums, np.int64)
    truncate(data, shift)
    assert list(data) == [clamp(half_away(Fraction(value, 2**shift)), 32) for value in sums]


def naive_convolution(lines, weights, size, strides, dilations):
    out = np.zeros((*size, len(weights)), np.int64)
    for y, x, k in np.ndindex(out.shape):
        for r, s in np.ndindex(weights.shape[1:3]):
            pixel = lines[y * strides[0] + r * dilations[0], x * strides[1] + s * dilations[1]]
            out[y, x, k] += int(pixel.astype(np.int64) @ weights[k, r, s].astype(np.int64))
    return out


@given(st.data())
@settings(max_examples=25)
def test_convolution_is_exact_in_any_shape(data):
    draw = data.draw
    rows, columns, kernels = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    channels = draw(st.sampled_from([1, 5, 8, 700]))
    strides, dilations = (draw(st.tuples(st.integers(1, 2), st.integers(1, 2))) for _ in range(2))
    size = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    shape = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(size, strides, (rows, columns), dilations)]
    lines = random.integers(-128, 128, (*shape, channels)).astype(np.int8)
    weights = random.integers(-128, 128, (kernels, rows, columns, channels)).astype(np.int8)
    expected = naive_convolution(lines, weights, size, strides, dilations)
    assert np.array_equal(convolve(lines, weights, size, strides, dilations), expected)
    assert np.array_equal(accumulate(lines, weights, size, strides, dilations, 8), expected)


def test_extremes_of_a_long_sum_are_exact():
    lines, weights = np.full((1, 1, 5000), -128, np.int8), np.full((1, 1, 1, 5000), -128, np.int8)
    assert convolve(lines, weights, (1, 1), (1, 1), (1, 1)).item() == 5000 * 2**14


def test_accumulator_saturates_on_the_way():
    """Up to the edge of 34 bits and back: what was cut off is lost."""
    lines = np.array([[[2**20, 2**20, -(2**20)]]], np.int64)
    weights = np.array([[[[2**13 - 1, 2**13, 2**13]]]], np.int64)
    out = np.zeros((1, 1, 1), np.int64)
    convolve_in_order(lines, weights, out, np.array([1, 1]), np.array([1, 1]), 1, 34)
    assert out.item() == 2**33 - 1 - 2**33


@given(
    st.tuples(st.integers(1, 20), st.integers(1, 3), st.integers(1, 3), st.integers(1, 20)),
    st.sampled_from([(8, 8), (16, 4)]),
)
@settings(max_examples=40)
def test_weights_come_back_from_how_they_are_stored(shape, atomics):
    weights = np.arange(np.prod(shape)).reshape(shape) % 251
    for rows_a_block in (1, 2, 4):
        stored = pack_weights(weights, *atomics, rows_a_block)
        assert stored.size == weights.size
        assert np.array_equal(unpack_weights(stored, shape, *atomics, rows_a_block), weights)


def test_order_of_stored_weights():
    """Two kernels of one group, 3 channels in blocks of 2: block, row, column, kernel, channel."""
    weights = np.arange(2 * 1 * 2 * 3).reshape(2, 1, 2, 3)
    assert list(pack_weights(weights, 2, 8)) == [0, 1, 6, 7, 3, 4, 9, 10, 2, 8, 5, 11]


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=70))
def test_compressed_weights_come_back(values):
    weights = np.array(values, np.int8)
    packed, mask, sizes = compress_weights(weights, 16)
    assert sizes.sum() == packed.nbytes == np.count_nonzero(weights)
    assert np.array_equal(expand_weights(packed, mask, len(values)), weights)


def test_memory_reads_zeros_where_nobody_wrote_and_crosses_pages():
    memory = Memory()
    memory.write(PAGE_BYTES - 2, np.arange(1, 5, dtype=np.uint8))
    assert list(memory.read(PAGE_BYTES - 3, 6)) == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize("gap", [0, 24])
def test_cubes_lie_in_surfaces_of_atoms(gap):
    memory = Memory()
    data = np.arange(2 * 3 * 10, dtype=np.int8).reshape(2, 3, 10)
    cube = Cube(0x100, 3, 2, 10, 3 * 8 + gap, 2 * (3 * 8 + gap))
    write_cube(memory, cube, data, 8)
    assert np.array_equal(read_cube(memory, cube, 8)[:, :, :10], data)
    second_surface_second_line = memory.read(0x100 + 3 * (24 + gap), 8).view(np.int8)
    assert list(second_surface_second_line[:2]) == list(data[1, 0, 8:10])


@given(st.data())
@settings(max_examples=30)
def test_pooling_is_that_of_each_window(data):
    draw = data.draw
    kernel, stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4))), draw(st.integers(1, 3))
    pad = draw(st.integers(0, min(kernel) - 1))
    height, width = draw(st.integers(max(kernel), 7)), draw(st.integers(max(kernel), 7))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    cube = random.integers(-128, 128, (height, width, 2))
    out_size = [(n + 2 * pad - k) // stride + 1 for n, k in zip((height, width), kernel)]
    method = draw(st.integers(0, 2))
    pool = np.zeros(1, POOL)[0]
    values = (method, kernel[1], kernel[0], stride, stride, pad, pad, 65536 // kernel[1], 65536 // kernel[0])
    for name, value in zip(POOL.names, values):
        pool[name] = value
    pool["padding"][:] = np.arange(8) * 3
    out = np.zeros((*out_size, 2), np.int64)
    pool_cube(pool, cube, out)
    for y, x, c in np.ndindex(out.shape):
        inside, outside = [], 0
        for r, s in np.ndindex(kernel):
            line, column = y * stride - pad + r, x * stride - pad + s
            if 0 <= line < height and 0 <= column < width:
                inside.append(int(cube[line, column, c]))
            else:
                outside += 1
        if method:
            assert out[y, x, c] == (max(inside) if method == 1 else min(inside))
        else:
            total = sum(inside) + 3 * outside
            across = half_away(Fraction(total * (65536 // kernel[1]), 65536))
            assert out[y, x, c] == half_away(Fraction(across * (65536 // kernel[0]), 65536))


@pytest.mark.parametrize(("preset", "precision"), [("nv_small", 0), ("nv_large", 0), ("nv_full", 1)])
def test_a_launch_reads_convolves_and_writes(preset, precision):
    """A padded, strided convolution of one launch in INT8 and INT16, from memory to memory."""
    numbers, kind = PRESETS[preset], np.dtype([np.int8, np.int16][precision])
    random = np.random.default_rng(3)
    height, width, channels, kernels = 5, 6, 70, 40
    most = np.iinfo(kind).max
    data = random.integers(-most, most, (height, width, channels)).astype(kind)
    weights = random.integers(-most, most, (kernels, 3, 2, channels)).astype(kind)
    atom, each = numbers["atom_bytes"], numbers["atom_bytes"] // kind.itemsize
    surfaces = -(-channels // each)
    op = np.zeros(1, OP)[0]
    values = {
        "unit": 0, "width": width, "height": height, "channels": channels, "src": 0x1000, "kernels": kernels,
        "src_line_stride": width * atom, "src_surface_stride": width * height * atom, "kernel_height": 3,
        "kernel_width": 2, "stride_x": 2, "stride_y": 1, "pad_top": 1, "pad_bottom": 1, "dilation_x": 1,
        "dilation_y": 1, "data_banks": 1, "weight_banks": 1, "fetch_grain": 1, "weights": 0x80000, "out_width": 3,
        "out_height": 5, "out_channels": kernels, "dst": 0x40000, "dst_line_stride": 3 * atom,
        "dst_surface_stride": 15 * atom, "x1": 1, "x1_relu": 1, "batch": 1,
    }  # fmt: skip
    for name, value in values.items():
        op[name] = value
    shift = 12 if precision == 0 else 26
    both = {"IN_PRECISION": precision, "PROC_PRECISION": precision}
    sdp = {"PROC_PRECISION": precision, "OUT_PRECISION": precision, "BS_RELU_BYPASS": 0, "BS_MUL_BYPASS": 1,
           "BS_ALU_BYPASS": 1, "CVT_SHIFT": shift - 10}  # fmt: skip
    extra = {"CDMA": both, "CSC": both | {"PAD_VALUE": 3}, "CACC": {"CLIP_TRUNCATE": 10}, "SDP": sdp}
    memory = Memory()
    write_cube(
        memory, Cube(0x1000, width, height, channels, width * atom, width * height * atom, kind), data, atom
    )
    memory.write(0x80000, pack_weights(weights, numbers["atomic_c"], numbers["atomic_k"] // kind.itemsize))
    Executor(numbers, memory).run(launch_of(op, numbers, extra))
    cube = Cube(0x40000, 3, 5, kernels, 3 * atom, 15 * atom, kind)
    found = read_cube(memory, cube, atom)[:, :, :kernels]
    padded = np.full((height + 2, width, channels), 3, kind)
    padded[1:-1] = data
    sums = naive_convolution(padded, weights, (5, 3), (1, 2), (1, 1))
    expected = np.vectorize(lambda s: clamp(half_away(Fraction(int(s), 1024)), 32))(sums)
    expected = np.vectorize(lambda s: half_away(Fraction(max(int(s), 0), 2 ** (shift - 10))))(expected)
    assert np.array_equal(found, np.clip(expected, 0, np.iinfo(kind).max))
    assert surfaces * each >= channels
    assert 0.1 < (found > 0).mean() < 0.9


def test_operand_of_a_register_does_not_pass_the_converter_of_y():
    sdp = np.zeros(1, SDP)[0]
    sdp["scale"], sdp["bits"] = 1, 16
    y = sdp["y"]
    y["on"], y["alu"], y["algorithm"] = 1, 1, 2
    y["alu_converter"]["on"], y["alu_converter"]["scale"] = 1, 3
    operands = np.full((6, 1, 1), 10, np.int64)
    for from_memory, expected in ((0, 15), (1, 35)):
        y["alu_memory"] = from_memory
        values = np.full((1, 1), 5, np.int64)
        post_process(sdp, values, operands)
        assert values[0, 0] == expected
