"""Launches of different units one after the other, through both register groups: all end, nothing is lost."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from nvdla_post_helpers import cube_op, memory, operand, pool

from hw_models.nvdla.op import Operand, Unit
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.standalone import simulate

PRESET, ATOM = "nv_large", 32


def convolution(width, height, channels, pooled, element_wise):
    ops = cube_op(PRESET, Unit.CONV, width, height, channels)
    op = ops[0]
    op["kernels"] = channels
    op["kernel_width"] = op["kernel_height"] = op["stride_x"] = op["stride_y"] = 1
    op["batch"] = op["dilation_x"] = op["dilation_y"] = op["fetch_grain"] = op["line_packed"] = 1
    op["data_banks"], op["weight_banks"] = 4, 4
    op["weights"], op["weight_bytes"] = 0x5000_0000, channels * channels
    if element_wise:
        operand(PRESET, ops, "x1", Operand.PER_ELEMENT, 1)
    if pooled:
        op["pool"] = 1
        pool(PRESET, ops, 2, 2, 0)
    return ops


def launch(kind, width, height, channels):
    if kind in ("conv", "conv+pool", "conv+add"):
        return convolution(width, height, channels, kind == "conv+pool", kind == "conv+add")
    unit = {"copy": Unit.SDP, "add": Unit.SDP, "pool": Unit.PDP, "lrn": Unit.CDP, "dma": Unit.BDMA}[kind]
    ops = cube_op(PRESET, unit, width, height, channels)
    if kind == "add":
        operand(PRESET, ops, "x1", Operand.PER_ELEMENT, 2)
    if kind == "pool":
        pool(PRESET, ops, 3, 2, 1)
    return ops


def written(op):
    height, width = op["out_height"], op["out_width"]
    if op["pool"] or op["unit"] == int(Unit.PDP):
        height, width = op["pool_out_height"], op["pool_out_width"]
    return height * width * op["out_channels"]


@settings(max_examples=15)
@given(
    kinds=st.lists(
        st.sampled_from(["conv", "conv+pool", "conv+add", "copy", "add", "pool", "lrn", "dma"]),
        min_size=2,
        max_size=6,
    ),
    width=st.integers(2, 9),
    height=st.integers(2, 6),
    surfaces=st.integers(1, 3),
    latency=st.sampled_from([5, 60, 250]),
    write_interval=st.sampled_from([1, 5]),
)
def test_every_launch_ends_and_writes_its_cube_once(kinds, width, height, surfaces, latency, write_interval):
    ops = np.concatenate([launch(kind, width, height, surfaces * ATOM) for kind in kinds])
    timings = memory(PRESET, latency, 1, write_interval)
    state = simulate(PRESETS[PRESET], timings, ops, max_cycles=10**6)
    for i, op in enumerate(ops):
        record = state["records"][i]
        assert record["end"] > record["enabled"]
        assert record["write_bytes"].sum() == written(op)
    assert state["mcif"]["readers"]["bursts_in_flight"].sum() == 0
    assert state["mcif"]["writers"]["count"].sum() == 0
