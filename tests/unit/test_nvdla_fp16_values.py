"""FP16 through CMAC, CACC and SDP: against the first release bit by bit, against float64 within its bounds."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.errors import ConfigError
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.modes import precision_fault
from hw_models.nvdla.op import OP
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.values import floats
from hw_models.nvdla.values.cdp import CDP
from hw_models.nvdla.values.cdp_floats import normalise_floats
from hw_models.nvdla.values.cubes import Cube, read_cube, write_cube
from hw_models.nvdla.values.execute import Executor
from hw_models.nvdla.values.float_core import (
    accumulate,
    convolve_floats,
    product,
    products,
    take_apart,
    to_fp32,
)
from hw_models.nvdla.values.memory import Memory
from hw_models.nvdla.values.packing import pack_weights
from hw_models.nvdla.values.pdp import POOL
from hw_models.nvdla.values.pdp_floats import pool_floats
from hw_models.nvdla.values.sdp import SDP
from hw_models.nvdla.values.sdp_floats import post_process_floats
from hw_models.nvdla.values.winograd import pack_winograd
from workloads.traces.program import read_register_program

REFERENCE = Path(__file__).parents[2] / "hw_models/nvdla/reference"
NAN_FP16, ONE = 0x7E01, 0x3C00
FLOAT16, HALF = 2, np.float16
TABLES = ((np.arange(1257) * 40503 + 77) & 0xBFFF).astype(np.uint16).view(np.int16)  # README's rule


def rows_of(name):
    with (REFERENCE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def signed(value, bits):
    return np.int64(value - (1 << bits) if value >> (bits - 1) else value)


def patterns(values):
    return np.asarray(values, HALF).view(np.uint16)


def test_rtl_adds_up_products_alike():
    """CMAC of the first release: 64 products of mixed exponents, denormals, infinities, NaN."""
    rows = rows_of("nv_full_cmac_fp16.csv")
    assert len(rows) == 60
    some = np.zeros(64, np.int64)
    for row in rows:
        weights, data = (
            take_apart(np.array([int(part, 16) for part in row[key].split()], np.uint16))
            for key in ("weights", "data")
        )
        exponent, mantissa = products(weights, data, some)
        total = mantissa if exponent == 63 else some.sum()
        assert (exponent, total) == (int(row["exponent"]), int(row["mantissa"]))


def test_rtl_accumulates_alike():
    rows = rows_of("nv_full_cacc_fp16.csv")
    assert len(rows) == 300
    for row in rows:
        total, added = int(row["total"], 16), int(row["sum"], 16)
        mantissa = signed(total & ((1 << 40) - 1), 40)
        exponent, mantissa = accumulate(
            total >> 40, mantissa, added >> 38, signed(added & ((1 << 38) - 1), 38)
        )
        assert exponent << 40 | mantissa & ((1 << 40) - 1) == int(row["new_total"], 16), row
        assert to_fp32(exponent, mantissa) == int(row["fp32"], 16), row


def test_first_release_post_processes_alike():
    """X1, X2, Y with its tables, NaN, output in FP16 and INT16; entries of both tables by a rule."""
    rows = rows_of("nv_full_sdp_fp16.csv")
    assert len(rows) == 150
    names = list(rows[0])
    for row in rows:
        sdp = np.zeros(1, SDP)[0]
        for name in names[names.index("result") + 1 :]:
            at = sdp
            *path, last = name.split(".")
            for part in path:
                at = at[part]
            at[last] = int(row[name])
        sdp["y"]["lut"]["le_entries"], sdp["y"]["lut"]["lo_entries"] = TABLES[:65], TABLES[1000:]
        values = np.array([[int(row["value"], 16)]], np.int64)
        operands = np.array([int(row[name], 16) for name in names[1:7]], np.int64).reshape(6, 1, 1)
        post_process_floats(sdp, values, operands)
        assert values[0, 0] & 0xFFFF == int(row["result"], 16), row


@given(st.integers(0, 0x3FFF), st.integers(0, 0x3FFF), st.booleans(), st.integers(0, 9))
def test_product_is_cut_by_at_most_one(weight, data, negative, steps):
    weight, data = np.int64(weight), np.int64(data)
    exact = (-1 if negative else 1) * int(weight) * int(data)
    found = product(weight, data, negative, steps)
    if steps == 0:
        assert found == exact
    elif steps < 8:
        assert abs(found - (exact >> 4 * steps)) <= 1
    else:
        assert found == 0


def bound(weights, data):
    """Return how far CMAC's sums may be from the exact one: two units of the last place a product."""
    exponents = [np.maximum(take_apart(part)["exponent"], 0).max() for part in (weights, data)]
    return 2.0 * weights.size * 2.0 ** (4 * int(sum(exponents)) - 50)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 130), st.integers(0, 8))
def test_convolution_is_that_of_float64_within_the_bounds_of_the_cuts(seed, channels, spread):
    random = np.random.default_rng(seed)
    size = (3, 4, channels)
    data = patterns(random.normal(size=size) * 2.0 ** random.integers(-spread, spread + 1, size))
    weights = patterns(random.normal(size=(2, 2, 3, channels)))
    out = np.zeros((2, 2, 2), np.int64)
    one = np.array([1, 1])
    convolve_floats(take_apart(data), take_apart(weights), out, one, one, 64, 1)
    for y, x, k in np.ndindex(out.shape):
        window = data[y : y + 2, x : x + 3].view(HALF).astype(float)
        exact = (window * weights[k].view(HALF).astype(float)).sum()
        found = float(np.uint32(out[y, x, k]).view(np.float32))
        assert abs(found - exact) <= bound(weights[k], data) + abs(exact) * 2.0**-23


def test_exact_sums_stay_exact_in_any_order():
    random = np.random.default_rng(5)
    data, weights = random.integers(-8, 8, (5, 6, 70)), random.integers(-8, 8, (3, 3, 2, 70))
    out = np.zeros((2, 3, 3), np.int64)
    parts = take_apart(patterns(data)), take_apart(patterns(weights))
    convolve_floats(*parts, out, np.array([2, 2]), np.array([1, 1]), 64, 1)
    for y, x, k in np.ndindex(out.shape):
        exact = (data[2 * y : 2 * y + 3, 2 * x : 2 * x + 2] * weights[k]).sum()
        assert np.uint32(out[y, x, k]).view(np.float32) == exact


def test_first_nan_of_the_weights_comes_out():
    data, weights = np.full((1, 1, 70), ONE, np.uint16), np.full((2, 1, 1, 70), ONE, np.uint16)
    weights[0, 0, 0, [3, 9]] = NAN_FP16, NAN_FP16 + 4
    data[0, 0, 5] = 0xFE00
    out = np.zeros((1, 1, 2), np.int64)
    convolve_floats(take_apart(data), take_apart(weights), out, np.array([1, 1]), np.array([1, 1]), 64, 1)
    assert [hex(int(value)) for value in out[0, 0]] == ["0x7f800201", "0xff800200"]


def conv_op(**fields):
    """Return an OP row of a 3x3 convolution, 8x6 of 70 channels to 40 kernels, on nv_full."""
    atom = PRESETS["nv_full"]["atom_bytes"]
    values = {
        "unit": 0, "width": 8, "height": 6, "channels": 70, "src": 0x1000, "kernels": 40,
        "src_line_stride": 8 * atom, "src_surface_stride": 48 * atom, "kernel_height": 3, "kernel_width": 3,
        "stride_x": 1, "stride_y": 1, "pad_top": 1, "pad_left": 1, "pad_right": 1, "pad_bottom": 1,
        "dilation_x": 1, "dilation_y": 1, "data_banks": 1, "weight_banks": 1, "fetch_grain": 1,
        "weights": 0x80000, "out_width": 8, "out_height": 6, "out_channels": 40, "dst": 0x40000,
        "dst_line_stride": 8 * atom, "dst_surface_stride": 48 * atom, "x1": 2, "x1_bytes": 1, "batch": 1,
        "x1_address": 0x200000,
    }  # fmt: skip
    op = np.zeros(1, OP)[0]
    for name, value in (values | fields).items():
        op[name] = value
    return op


def registers(in_precision, out_precision, **cdma):
    """Return fields of a launch in FP16 with a bias and ReLU."""
    both = {"IN_PRECISION": in_precision, "PROC_PRECISION": FLOAT16}
    sdp = {"PROC_PRECISION": FLOAT16, "OUT_PRECISION": out_precision, "BS_BYPASS": 0, "BS_ALU_BYPASS": 0,
           "BS_ALU_ALGO": 2, "BS_ALU_SRC": 1, "BS_MUL_BYPASS": 1, "BS_RELU_BYPASS": 0}  # fmt: skip
    reader = {"BRDMA_DATA_USE": 1, "BRDMA_DATA_SIZE": 1, "BRDMA_DATA_MODE": 0, "BRDMA_DISABLE": 0,
              "PROC_PRECISION": FLOAT16}  # fmt: skip
    return {"CDMA": both | cdma, "CSC": both, "SDP": sdp, "SDP_RDMA": reader}


@pytest.mark.parametrize(("in_precision", "out_precision"), [(2, 2), (0, 2), (2, 1)])
def test_a_launch_converts_convolves_adds_a_bias_and_writes(in_precision, out_precision):
    """From memory to memory, FP16 or INT8 in, FP16 or INT16 out; the numbers are small, so sums are exact."""
    preset, random = PRESETS["nv_full"], np.random.default_rng(1)
    atom = preset["atom_bytes"]
    data, weights = random.integers(-4, 5, (6, 8, 70)), random.integers(-4, 5, (40, 3, 3, 70))
    bias = random.integers(-9, 9, 40)
    stored = data.astype(np.int8) if in_precision == 0 else patterns(data)
    memory = Memory()
    cube = Cube(0x1000, 8, 6, 70, 8 * atom, 48 * atom, stored.dtype)
    write_cube(memory, cube, stored, atom)
    memory.write(0x80000, pack_weights(patterns(weights), preset["atomic_c"], preset["atomic_k"] // 2))
    memory.write(0x200000, patterns(bias))
    converter = {"CVT_EN": 1, "CVT_OFFSET": -1, "CVT_SCALE": 2, "CVT_TRUNCATE": 0}
    fields = registers(in_precision, out_precision, **converter)
    Executor(preset, memory).run(launch_of(conv_op(), preset, fields))
    lines = np.zeros((8, 10, 70), np.int64)
    lines[1:-1, 1:-1] = (data + 1) * 2 if in_precision == 0 else data
    kind = np.dtype(np.uint16 if out_precision == 2 else np.int16)
    found = read_cube(memory, Cube(0x40000, 8, 6, 40, 8 * atom, 48 * atom, kind), atom)[:, :, :40]
    if out_precision == 2:
        found = found.view(HALF)
    for y, x in np.ndindex(6, 8):
        sums = np.einsum("rsc,krsc->k", lines[y : y + 3, x : x + 3], weights) + bias
        assert np.array_equal(found[y, x], np.maximum(sums, 0).astype(HALF))


def test_sdp_alone_widens_flushes_nan_and_writes():
    preset, atom = PRESETS["nv_full"], 32
    values = patterns([1.5, -2, 65504, 1e-7] * 4)
    values[5] = NAN_FP16
    memory = Memory()
    write_cube(
        memory, Cube(0x1000, 1, 1, 16, atom, atom, np.dtype(np.uint16)), values.reshape(1, 1, 16), atom
    )
    op = np.zeros(1, OP)[0]
    for name, value in {
        "unit": 1, "width": 1, "height": 1, "channels": 16, "src": 0x1000, "src_line_stride": atom,
        "src_surface_stride": atom, "out_width": 1, "out_height": 1, "out_channels": 16, "dst": 0x2000,
        "dst_line_stride": atom, "dst_surface_stride": atom, "x1": 1, "batch": 1,
    }.items():  # fmt: skip
        op[name] = value
    works = {"PROC_PRECISION": 2, "OUT_PRECISION": 2}
    sdp = works | {"NAN_TO_ZERO": 1, "BS_ALU_BYPASS": 1, "BS_MUL_BYPASS": 0, "BS_MUL_SRC": 0, "BS_MUL_PRELU": 0,
                   "BS_MUL_OPERAND": int(patterns(3.0)), "BS_RELU_BYPASS": 1}  # fmt: skip
    extra = {"SDP": sdp, "SDP_RDMA": works | {"IN_PRECISION": 2}}
    Executor(preset, memory).run(launch_of(op, preset, extra))
    found = memory.read(0x2000, 32).view(np.uint16)
    expected = patterns(np.clip(values.view(HALF).astype(np.float32) * 3, -65504, 65504))
    expected[5] = 0
    assert np.array_equal(found, expected)


def test_fp16_to_int8_is_refused():
    preset = PRESETS["nv_full"]
    with pytest.raises(ConfigError) as refused:
        Executor(preset, Memory()).run(launch_of(conv_op(), preset, registers(2, 0)))
    assert refused.value.message == "SDP in FP16 writes FP16 or INT16, not INT8"


@pytest.mark.parametrize(
    ("preset", "field", "number", "message"),
    [
        ("nv_large", "PROC_PRECISION", 2, "SDP's PROC_PRECISION is FP16; this accelerator computes INT8"),
        ("nv_small", "OUT_PRECISION", 1, "SDP's OUT_PRECISION is INT16; this accelerator computes INT8"),
        ("nv_full", "PROC_PRECISION", 3, "SDP's PROC_PRECISION is 3; write 0 (INT8), 1 (INT16) or 2 (FP16)"),
        ("nv_full", "PROC_PRECISION", 2, ""),
    ],
)
def test_a_precision_that_the_preset_lacks_is_named(preset, field, number, message):
    launch = launch_of(conv_op(x1=0), PRESETS[preset], {"SDP": {field: number}})
    assert precision_fault(launch, PRESETS[preset]) == message


def pooling(method, width, height, **fields):
    pool = np.zeros(1, POOL)[0]
    values = {"method": method, "width": width, "height": height, "stride_x": 1, "stride_y": 1}
    for name, value in (values | fields).items():
        pool[name] = value
    return pool


def test_first_release_pools_alike():
    """Windows with padding, NaN and infinities among the elements."""
    rows = rows_of("nv_full_pdp_fp16.csv")
    assert len(rows) == 90
    for row in rows:
        method, width, height, columns, lines = (
            int(row[name]) for name in ("method", "width", "height", "columns", "lines")
        )
        numbers = np.array([int(part, 16) for part in row["elements"].split()], np.int64)
        reciprocals = {name: int(row[name], 16) for name in ("one_width", "one_height")}
        pool = pooling(method, width, height, left=width - columns, top=height - lines, **reciprocals)
        pool["padding"][height - lines] = int(row["line_padding"], 16)
        pool["padding"][width - columns] = int(row["padding"], 16)
        out = np.zeros((1, 1, 1), np.int64)
        pool_floats(pool, numbers.reshape(lines, columns, 1), out)
        assert out[0, 0, 0] == int(row["result"], 16), row


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2))
def test_pooling_is_that_of_each_window(seed, method):
    random = np.random.default_rng(seed)
    data = random.integers(-40, 41, (6, 7, 3))
    one = floats.widen(np.int64(patterns(0.5)), 5, 10, 6, 10, True)
    pool = pooling(method, 2, 2, left=1, top=1, stride_x=2, one_width=one, one_height=one)
    out = np.zeros((6, 4, 3), np.int64)
    pool_floats(pool, patterns(data).astype(np.int64), out)
    for y, x, c in np.ndindex(out.shape):
        window = data[max(0, y - 1) : y + 1, max(0, 2 * x - 1) : 2 * x + 1, c]
        expected = (window.sum() / 4, window.max(), window.min())[method]
        assert np.uint16(out[y, x, c]).view(HALF) == expected


@pytest.mark.parametrize("flush", [0, 1])
def test_a_launch_of_pdp_pools_and_flushes_nan(flush):
    preset, atom = PRESETS["nv_full"], 32
    data = patterns(np.arange(4 * 4 * 16).reshape(4, 4, 16))
    data[0, 0, 0] = NAN_FP16
    memory = Memory()
    write_cube(memory, Cube(0x1000, 4, 4, 16, 4 * atom, 16 * atom, data.dtype), data, atom)
    op = np.zeros(1, OP)[0]
    for name, value in {
        "unit": 2, "width": 4, "height": 4, "channels": 32, "src": 0x1000, "src_line_stride": 4 * atom,
        "src_surface_stride": 16 * atom, "out_width": 2, "out_height": 2, "out_channels": 32, "dst": 0x4000,
        "dst_line_stride": 2 * atom, "dst_surface_stride": 4 * atom, "pool_width": 2, "pool_height": 2,
        "pool_stride_x": 2, "pool_stride_y": 2, "pool_out_width": 2, "pool_out_height": 2,
    }.items():  # fmt: skip
        op[name] = value
    cube = {"CUBE_IN_CHANNEL": 15}
    fields = {"INPUT_DATA": FLOAT16, "POOLING_METHOD": 1, "NAN_TO_ZERO": flush} | cube
    extra = {"PDP": fields, "PDP_RDMA": {"INPUT_DATA": FLOAT16} | cube}
    Executor(preset, memory).run(launch_of(op, preset, extra))
    found = read_cube(memory, Cube(0x4000, 2, 2, 16, 2 * atom, 4 * atom, data.dtype), atom)
    expected = patterns(data.view(HALF)[1::2, 1::2])
    if not flush:
        expected[0, 0, 0] = NAN_FP16
    assert np.array_equal(found, expected)


def test_first_release_normalises_alike():
    """The middle one of nine channels; entries of both tables by the rule of SDP's table."""
    rows = rows_of("nv_full_cdp_fp16.csv")
    assert len(rows) == 100
    for row in rows:
        cdp = np.zeros(1, CDP)[0]
        for name in list(row)[2:]:
            at = cdp
            *path, last = name.split(".")
            for part in path:
                at = at[part]
            at[last] = int(row[name])
        cdp["lut"]["le_entries"], cdp["lut"]["lo_entries"] = TABLES[:65], TABLES[1000:]
        values = np.array([[int(part, 16) for part in row["channels"].split()]], np.int64)
        normalise_floats(cdp, values, 9)
        assert values[0, 4] == int(row["result"], 16), row


def test_a_launch_of_cdp_takes_the_table_of_the_sum_of_squares():
    """LO is the line x / 4 from 0 on in steps of 2; a NaN is flushed first."""
    preset, atom = PRESETS["nv_full"], 32
    data = patterns(np.arange(2 * 16).reshape(1, 2, 16) % 5 - 2)
    data[0, 0, 3] = NAN_FP16
    memory = Memory()
    write_cube(memory, Cube(0x1000, 2, 1, 16, 2 * atom, 2 * atom, data.dtype), data, atom)
    op = np.zeros(1, OP)[0]
    for name, value in {
        "unit": 3, "width": 2, "height": 1, "channels": 32, "src": 0x1000, "src_line_stride": 2 * atom,
        "src_surface_stride": 2 * atom, "out_width": 2, "out_height": 1, "out_channels": 32, "dst": 0x4000,
        "dst_line_stride": 2 * atom, "dst_surface_stride": 2 * atom, "lrn_size": 3, "lrn_product": 1,
    }.items():  # fmt: skip
        op[name] = value
    single = int(np.float32(512).view(np.uint32))
    fields = {"INPUT_DATA_TYPE": FLOAT16, "NAN_TO_ZERO": 1, "LUT_HYBRID_PRIORITY": 1, "LUT_UFLOW_PRIORITY": 1,
              "LUT_LO_INDEX_SELECT": 1, "LUT_LO_END_LOW": single, "LUT_LE_FUNCTION": 1}  # fmt: skip
    extra = {"CDP": fields, "CDP_RDMA": {"INPUT_DATA": FLOAT16, "CHANNEL": 15}}
    line = patterns(np.arange(257) / 2).view(np.int16)
    Executor(preset, memory).run(launch_of(op, preset, extra, {"CDP": (line[:65], line)}))
    found = read_cube(memory, Cube(0x4000, 2, 1, 16, 2 * atom, 2 * atom, data.dtype), atom).view(HALF)
    numbers = np.zeros((2, 18))
    numbers[:, 1:-1] = np.nan_to_num(data.view(HALF)[0].astype(float))
    squares = numbers**2
    expected = (squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]) / 4 * numbers[:, 1:-1]
    assert np.array_equal(found[0], expected)


def test_a_launch_in_winograd_form_gives_the_direct_convolution():
    preset, random = PRESETS["nv_full"], np.random.default_rng(9)
    atom = preset["atom_bytes"]
    data, weights = random.integers(-4, 5, (8, 8, 70)), random.integers(-4, 5, (40, 3, 3, 70))
    g = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    taps = np.zeros((40, 4, 4, 96))  # whole atoms
    taps[:, :, :, :70] = np.einsum("ar,krsc,bs->kabc", g, weights, g)
    memory = Memory()
    cube = Cube(0x1000, 8, 8, 70, 8 * atom, 64 * atom, np.dtype(np.uint16))
    write_cube(memory, cube, patterns(data), atom)
    memory.write(0x80000, pack_winograd(patterns(taps), preset["atomic_k"] // 2))
    sizes = {"height": 8, "out_height": 8, "src_surface_stride": 64 * atom, "dst_surface_stride": 64 * atom}
    fields = registers(2, 2)
    fields["SDP"]["BS_BYPASS"] = 1
    Executor(preset, memory).run(launch_of(conv_op(winograd=1, **sizes), preset, fields))
    found = read_cube(memory, Cube(0x40000, 8, 8, 40, 8 * atom, 64 * atom, np.dtype(np.uint16)), atom)
    lines = np.zeros((10, 10, 70), np.int64)
    lines[1:-1, 1:-1] = data
    for y, x in np.ndindex(8, 8):
        sums = np.einsum("rsc,krsc->k", lines[y : y + 3, x : x + 3], weights)
        assert np.array_equal(found[y, x, :40].view(HALF), sums.astype(HALF))


def text_of(launch):
    """Return a launch as a program's text."""
    lines = [
        f"reg_write(NVDLA_{unit}.{name}_0, {value:#x});"
        for unit, settings in launch.units.items()
        for name, value in settings.values.items()
        if name != "D_OP_ENABLE"
    ]
    return "\n".join(lines + [f"reg_write(NVDLA_{unit}.D_OP_ENABLE_0, 1);" for unit in launch.units])


def program_of(tmp_path, preset, **fields):
    """Return the operation of a convolution in FP16 that is written and read as a program."""
    sizes = {"weight_bytes": 40 * 16 * 96 * 2, "data_banks": 8, "weight_banks": 8, "release": 8}
    launch = launch_of(conv_op(**(sizes | fields)), PRESETS["nv_full"], registers(2, 2))
    path = tmp_path / "p.cfg"
    path.write_text(text_of(launch))
    return read_register_program(path, PRESETS[preset]).ops[0]


def test_a_program_in_fp16_and_winograd_form_is_an_operation_of_sixteen_bits(tmp_path):
    op = program_of(tmp_path, "nv_full", winograd=1, height=8, out_height=8)
    assert [int(op[name]) for name in ("wide", "winograd", "channels", "kernels")] == [1, 1, 140, 80]
    assert (op["kernel_width"], op["kernel_height"]) == (3, 3)


@pytest.mark.parametrize(
    ("preset", "fields", "message"),
    [
        ("nv_large", {}, "SDP's PROC_PRECISION is FP16; this accelerator computes INT8"),
        (
            "nv_full",
            {"weights": 0x80020},
            "weights at 0x80020, within a beat of 64 B; timing has them begin with one",
        ),
    ],
)
def test_a_program_that_the_accelerator_cannot_run_is_told_so(tmp_path, preset, fields, message):
    with pytest.raises(ConfigError) as refused:
        program_of(tmp_path, preset, **fields)
    assert refused.value.message == message
