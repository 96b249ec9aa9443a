"""Values of convolutions in Winograd form against a twin that follows each 4x4 tile by hand."""

import csv
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.nvdla.decode import op_of
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.op import OP
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.values.convolution import convolve
from hw_models.nvdla.values.cubes import Cube, read_cube, write_cube
from hw_models.nvdla.values.execute import Executor
from hw_models.nvdla.values.float_core import products, take_apart
from hw_models.nvdla.values.memory import Memory
from hw_models.nvdla.values.winograd import pack_winograd, transform_input, unpack_winograd, winograd
from hw_models.nvdla.values.winograd_floats import combine, transform_floats, winograd_floats

B = [[1, 0, 0, 0], [0, 1, -1, 1], [-1, 1, 1, 0], [0, 0, 0, -1]]
A = [[1, 0], [1, 1], [1, -1], [0, -1]]
KERNEL_TIMES_TWO = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])


def rows_of(name):
    path = Path(__file__).parents[2] / "hw_models/nvdla/reference" / name
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def half_away(value):
    return floor(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)


def transformed(tile, shift, bits):
    """Return B^T d B of one 4x4 tile, rounded and saturated, in exact fractions."""
    out = np.zeros((4, 4), np.int64)
    for i, j in np.ndindex(4, 4):
        total = sum(B[y][i] * int(tile[y, x]) * B[x][j] for y in range(4) for x in range(4))
        out[i, j] = min(max(half_away(Fraction(total, 2**shift)), -(1 << (bits - 1))), (1 << (bits - 1)) - 1)
    return out


def naive_winograd(lines, weights, out_size, shift):
    """Tile by tile, kernel by kernel, channel by channel."""
    out = np.zeros((*out_size, len(weights)), np.int64)
    for y in range(0, out_size[0], 2):
        for x in range(0, out_size[1], 2):
            for k, kernel in enumerate(weights):
                sums = np.zeros((4, 4), np.int64)
                for c in range(lines.shape[2]):
                    tile = transformed(lines[y : y + 4, x : x + 4, c], shift, 8 * lines.dtype.itemsize)
                    sums += tile * kernel[:, :, c]
                for i, j in np.ndindex(2, 2):
                    out[y + i, x + j, k] = sum(
                        A[a][i] * int(sums[a, b]) * A[b][j] for a in range(4) for b in range(4)
                    )
    return out


def extreme(random, shape, kind):
    """Return numbers of a type with many at its ends."""
    info = np.iinfo(kind)
    numbers = random.integers(info.min, info.max, shape, endpoint=True)
    ends = random.integers(0, 4, shape)
    return np.where(ends == 0, info.min, np.where(ends == 1, info.max, numbers)).astype(kind)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([np.int8, np.int16]), st.integers(0, 3))
def test_input_transform_rounds_and_saturates(seed, kind, shift):
    tiles = extreme(np.random.default_rng(seed), (4, 4, 5), np.dtype(kind))
    found = transform_input(tiles, shift)
    for tile in range(5):
        expected = transformed(tiles[:, :, tile], shift, 8 * np.dtype(kind).itemsize)
        assert np.array_equal(found[:, :, tile], expected)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([np.int8, np.int16]), st.integers(0, 3))
def test_convolution_is_that_of_each_tile(seed, kind, shift):
    random = np.random.default_rng(seed)
    size = (2 * int(random.integers(1, 3)), 2 * int(random.integers(1, 3)))
    channels, kernels = 4 * int(random.integers(1, 3)), int(random.integers(1, 4))
    lines = extreme(random, (size[0] + 2, size[1] + 2, channels), np.dtype(kind))
    weights = extreme(random, (kernels, 4, 4, channels), np.dtype(kind))
    assert np.array_equal(winograd(lines, weights, size, shift), naive_winograd(lines, weights, size, shift))


def test_small_numbers_give_four_times_the_direct_convolution():
    random = np.random.default_rng(4)
    lines = random.integers(-9, 9, (14, 10, 8)).astype(np.int8)
    kernels = random.integers(-7, 7, (5, 3, 3, 8)).astype(np.int8)
    g = KERNEL_TIMES_TWO
    taps = np.einsum("ar,krsc,bs->kabc", g, kernels.astype(int), g).astype(np.int8)
    direct = convolve(lines, kernels, (12, 8), (1, 1), (1, 1))
    assert np.array_equal(winograd(lines, taps, (12, 8), 0), 4 * direct)


def test_order_of_stored_weights():
    """Groups of kernels; in a group four channels of each kernel, then the next four."""
    weights = np.arange(3 * 16 * 8).reshape(3, 4, 4, 8)
    stored = pack_winograd(weights, 2)
    assert list(stored[:5]) == [0, 1, 2, 3, 8]
    assert list(stored[64:66]) == [128, 129]  # the second kernel
    assert list(stored[128:130]) == [4, 5]  # four channels later
    assert list(stored[256:258]) == [256, 257]  # the next group
    assert np.array_equal(unpack_winograd(stored, 3, 8, 2), weights)


def test_rtl_transforms_alike():
    """Tiles through CSC's transform of the first release (reference/README.md)."""
    rows = rows_of("nv_full_pra.csv")
    assert len(rows) == 90
    for row in rows:
        tile = np.array(row["tile"].split(), np.int64).reshape(4, 4, 1)
        if int(row["precision"]) == 2:
            transform_floats(tile)
            found = tile.reshape(-1)
        else:
            kind = np.dtype([np.int8, np.int16][int(row["precision"])])
            found = transform_input(tile.astype(kind), int(row["shift"])).reshape(-1)
        assert list(found) == [int(part) for part in row["result"].split()], row


def test_rtl_combines_tiles_alike():
    """64 weights and data, tap by tap, through CMAC in Winograd form: INT8, INT16 and FP16 with NaN."""
    rows = rows_of("nv_full_cmac_winograd.csv")
    assert len(rows) == 60
    lanes, sums = np.zeros(64, np.int64), np.zeros(4, np.int64)
    for row in rows:
        weights, data = (np.array(row[key].split(), np.int64) for key in ("weights", "data"))
        exponent = 0
        if int(row["precision"]) == 2:
            parts = (take_apart(part.astype(np.uint16)) for part in (weights, data))
            exponent, sums[:] = products(*parts, lanes)
        else:
            lanes[:] = weights * data
        if exponent != 63:
            combine(lanes, sums)
        assert exponent == int(row["exponent"])
        assert list(sums) == [int(part) for part in row["sums"].split()], row


def test_small_numbers_in_fp16_give_the_direct_convolution():
    random = np.random.default_rng(7)
    lines = random.integers(-9, 9, (10, 14, 8))
    kernels = random.integers(-7, 7, (5, 3, 3, 8))
    g = KERNEL_TIMES_TWO / 2
    taps = np.einsum("ar,krsc,bs->kabc", g, kernels, g)
    found = winograd_floats(*(part.astype(np.float16).view(np.uint16) for part in (lines, taps)), (8, 12))
    direct = convolve(lines.astype(np.int8), kernels.astype(np.int8), (8, 12), (1, 1), (1, 1))
    assert np.array_equal(found.astype(np.uint32).view(np.float32), direct)


@pytest.mark.parametrize("precision", [0, 1])
def test_a_launch_pads_transforms_and_writes(precision):
    """One launch from memory to memory; the decoded operation is the one that was encoded."""
    numbers, kind = PRESETS["nv_full"], np.dtype([np.int8, np.int16][precision])
    random = np.random.default_rng(6)
    height, width, channels, kernels, shift = 7, 8, 40, 35, 1
    info, atom = np.iinfo(kind), numbers["atom_bytes"]
    data = random.integers(info.min, info.max, (height, width, channels)).astype(kind)
    whole = -(-channels * kind.itemsize // atom) * atom // kind.itemsize
    weights = np.zeros((kernels, 4, 4, whole), kind)
    weights[:, :, :, :channels] = random.integers(info.min, info.max, (kernels, 4, 4, channels))
    op = np.zeros(1, OP)[0]
    values = {
        "unit": 0, "winograd": 1, "width": width, "height": height, "channels": channels, "src": 0x1000,
        "src_line_stride": width * atom, "src_surface_stride": width * height * atom, "kernel_height": 3,
        "kernel_width": 3, "stride_x": 1, "stride_y": 1, "pad_top": 1, "pad_left": 1, "pad_right": 1,
        "pad_bottom": 2, "dilation_x": 1, "dilation_y": 1, "data_banks": 1, "weight_banks": 1,
        "fetch_grain": 1, "weights": 0x80000, "kernels": kernels, "out_width": 8, "out_height": 8,
        "out_channels": kernels, "dst": 0x40000, "dst_line_stride": 8 * atom, "dst_surface_stride": 64 * atom,
        "batch": 1,
    }  # fmt: skip
    for name, value in values.items():
        op[name] = value
    both = {"IN_PRECISION": precision, "PROC_PRECISION": precision}
    converter = {"CVT_EN": 1, "CVT_OFFSET": 3, "CVT_SCALE": 1, "CVT_TRUNCATE": 1, "PAD_VALUE": 9}
    out = {"PROC_PRECISION": precision, "OUT_PRECISION": precision, "CVT_SHIFT": 0}
    extra = {
        "CDMA": both | converter,
        "CSC": both | {"PRA_TRUNCATE": shift, "WEIGHT_CHANNEL_EXT": whole - 1},
        "CACC": {"CLIP_TRUNCATE": 8 if precision == 0 else 24},
        "SDP": out,
    }
    memory = Memory()
    cube = Cube(0x1000, width, height, channels, width * atom, width * height * atom, kind)
    write_cube(memory, cube, data, atom)
    memory.write(0x80000, pack_winograd(weights, numbers["atomic_k"] // kind.itemsize))
    launch = launch_of(op, numbers, extra)
    Executor(numbers, memory).run(launch)
    found = read_cube(memory, Cube(0x40000, 8, 8, kernels, 8 * atom, 64 * atom, kind), atom)[:, :, :kernels]
    padded = np.full((10, 10, whole), 9, np.int64)
    padded[1 : height + 1, 1 : width + 1] = 0
    padded[1 : height + 1, 1 : width + 1, :channels] = data
    convert = np.vectorize(lambda d: half_away(Fraction(int(d) - 3, 2)))
    lines = convert(padded).astype(kind)
    sums = naive_winograd(lines[:6, :6], weights[:4], (4, 4), shift)
    cut = extra["CACC"]["CLIP_TRUNCATE"]
    expected = np.vectorize(lambda s: half_away(Fraction(int(s), 1 << cut)))(sums)
    assert np.array_equal(found[:4, :4, :4], np.clip(expected, info.min, info.max))
    assert np.array_equal(
        found, np.clip(cut_sums(winograd(lines, weights, (8, 8), shift), cut), info.min, info.max)
    )
    if precision == 0:
        back = op_of(launch, atom)[0]
        assert all(back[name] == value for name, value in values.items())


def cut_sums(sums, shift):
    magnitude = (np.abs(sums) + (1 << (shift - 1))) >> shift
    return np.where(sums < 0, -magnitude, magnitude)
