"""NVDLA's register-level tests on our RTL: the published RTL's cycles, every result equal to the model's."""

import csv
import tarfile
from pathlib import Path

import numpy as np
import pytest

from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.op import OP, Operand
from hw_models.nvdla.presets import PRESETS
from simulator.cosim_blocks.blocks import BLOCKS
from simulator.cosim_blocks.conv_pipe_launches import task_of
from simulator.cosim_blocks.programs import run_programs, twin_of
from simulator.validate.nvdla_traces import REFERENCE

TEST = "dc_1x1x8_1x1x8x1_int8_0"
IMAGE = "img_51x96x4_1x10x4x32_A8B8G8R8_int8_0"


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    with tarfile.open(REFERENCE / "nv_small.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "nv_small"


def program(folder: Path, name: str) -> Path:
    return folder / name / f"{name}.cfg"


def published(test: str) -> int:
    with (REFERENCE / "cycles_nv_small.csv").open(newline="") as file:
        return {row["test"]: int(row["cycles_drained"] or 0) for row in csv.DictReader(file)}[test]


def test_a_convolution_takes_the_published_cycles(programs):
    """With small banks, which it does not fill: the build that the twin's own test has."""
    twin = twin_of(program(programs, TEST), "nv_small")
    small = twin._replace(parameters=BLOCKS["conv_pipe"].sets[0])
    outcome = run_programs(small, [program(programs, TEST)] * 2, (50, 50), compiled=False)
    assert outcome.difference is None
    assert outcome.told == [published(TEST)] * 2


def test_sdp_with_an_operand_from_memory_takes_the_published_cycles(programs):
    name = "sdp_3x3x33_bn_int8_mem_0"
    twin = twin_of(program(programs, name), "nv_small")
    outcome = run_programs(twin, [program(programs, name)], (50, 50), compiled=False)
    assert outcome.difference is None
    assert outcome.told == [published(name)]


def test_pooling_behind_sdp_is_played_by_both_units(programs):
    twin = twin_of(program(programs, "sdp_pdp_32x16x32_pass_through_int8_0"), "nv_small")
    assert not isinstance(twin, str)
    assert twin.block.top == "sdp_pdp"


def test_offsets_of_cdp_count_with_as_many_bits_as_int8_has(programs):
    """NVDLA's tests write 16 and 32 of them."""
    assert not isinstance(twin_of(program(programs, "cdp_8x8x64_lrn3_int8_11"), "nv_small"), str)


@pytest.mark.parametrize("size", ["4x1x8192_1x1x8192x1", "8192x1x1_2x3x1x41"])
def test_sizes_go_as_far_as_registers_do(programs, size):
    """They hold a size less one in 13 bits."""
    assert not isinstance(twin_of(program(programs, f"dc_{size}_int8_0"), "nv_small"), str)


@pytest.mark.parametrize(
    ("name", "preset", "words"),
    [
        (TEST, "nv_full", "no twin has the size of nv_full"),
        (IMAGE, "nv_large", "no images where an entry has two atoms"),
    ],
)
def test_what_no_twin_plays_is_said(programs, name, preset, words):
    assert words in twin_of(program(programs, name), preset)


@pytest.mark.parametrize(
    ("op_fields", "extra", "words"),
    [
        (
            {"x1": Operand.PER_KERNEL, "x1_bytes": 2},
            {"SDP": {"BS_ALU_SRC": 1, "BS_ALU_BYPASS": 0}},
            "no operands from memory",
        ),
        ({"pool": 1, "pool_width": 2, "pool_height": 2}, {}, "has no PDP behind it"),
        ({}, {"SDP": {"OUT_PRECISION": 1}}, "is of INT8"),
        ({}, {"CSC": {"Y_EXTENSION": 1}}, "has no post-extension"),
    ],
)
def test_launches_that_the_twin_lacks_are_refused(op_fields, extra, words):
    op = np.zeros(1, OP)[0]
    plain = {"width": 9, "height": 2, "channels": 8, "kernels": 8, "out_channels": 8}
    plain |= {"weight_bytes": 128, "fetch_grain": 1}
    ones = ("stride_x", "stride_y", "kernel_width", "kernel_height", "out_width", "out_height")
    for name, value in (dict.fromkeys((*ones, "data_banks", "weight_banks"), 1) | plain | op_fields).items():
        op[name] = value
    with pytest.raises(ValueError, match=words):
        task_of(launch_of(op, PRESETS["nv_small"], extra), dict(PRESETS["nv_small"]))
