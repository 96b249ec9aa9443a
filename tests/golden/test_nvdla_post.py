"""Exact cycle counts of SDP, PDP and what is fused with them, as measured in the RTL (shipped tables)."""

import csv

import pytest

from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.standalone import simulate
from simulator.validate.nvdla_rows import conv_op, memory_timings, memory_to_memory_op
from simulator.validate.nvdla_rtl import REFERENCE

GOLDEN = {
    "nv_small_sdp_pdp.csv": {
        "sdp_copy_14x14x32_b0_L50_K1_WL50_WK1": 6445,
        "sdp_copy_14x14x32_b0_L200_K4_WL200_WK4": 21298,
        "sdp_elt_14x14x32_b0_L50_K4_WL50_WK4": 7075,
        "sdp_elt_7x7x128_b1_L50_K1_WL50_WK1": 6458,
        "sdp_bias_32x32x32_b0_L50_K1_WL50_WK1": 32936,
        "pdp_max_14x14x32_2x2_s2_p0_L16_K1_WL16_WK1": 6368,
        "pdp_max_28x28x16_3x3_s2_p1_L200_K4_WL200_WK4": 42452,
        "pdp_max_13x13x64_2x2_s2_p0_L50_K1_WL50_WK1": 11074,
        "pdp_avg_14x14x32_7x7_s7_p0_L50_K1_WL50_WK1": 6532,
    },
    "nv_medium_512_sdp_pdp.csv": {
        "sdp_elt_14x14x64_b1_L50_K1_WL50_WK1": 3306,
        "sdp_copy_7x7x256_b0_L50_K1_WL50_WK1": 3298,
        "pdp_max_13x13x512_2x2_s2_p0_L50_K1_WL50_WK1": 43355,
    },
    "nv_large_sdp_pdp.csv": {
        "sdp_copy_14x14x64_b0_L50_K1_WL50_WK1": 943,
        "sdp_elt_7x7x256_b1_L50_K1_WL50_WK1": 1339,
        "sdp_elt_14x14x64_b0_L200_K4_WL200_WK4": 3598,
        "sdp_bias_52x52x64_b0_L50_K1_WL50_WK1": 10983,
        "pdp_max_26x26x128_3x3_s2_p1_L50_K1_WL50_WK1": 10980,
        "pdp_max_13x13x32_2x2_s1_p0_L50_K1_WL50_WK1": 840,
    },
    "nv_small_conv.csv": {
        "conv_14x14x64_k32_1x1_s1_p0_sdpelt_L50_K2_WL50_WK2": 12723,
        "conv_14x14x64_k32_1x1_s1_p0_sdpelt_L200_K1_WL200_WK1": 23648,
        "convpdp_14x14x64_k32_1x1_s1_pool3_s2_p1_L50_K1": 11249,
    },
    "nv_large_conv.csv": {
        "conv_14x14x64_k64_3x3_s1_p1_sdpelt_L100_K1_WL100_WK1": 5159,
        "convpdp_28x28x64_k32_3x3_s1_pool3_s2_p1_L50_K1": 9638,
        "convpdp_14x14x256_k64_1x1_s1_pool3_s2_p1_L50_K1": 4451,
    },
    "yolov3_ops_sample.csv": {
        "sg0_op73_sdp_add_per_point_104x104x128_ss346112_dss346112_L200_K1_WL200_WK1": 86996,
        "sg2_op30_conv_52x18x256_k256_1x1_s1_p0000_o52x18_b8-2_L50_K1_WL50_WK1": 41255,
    },
}


@pytest.mark.parametrize("table", GOLDEN)
def test_cycles_are_those_of_the_rtl(table):
    rows = {}
    with (REFERENCE / table).open(newline="") as file:
        for row in csv.DictReader(file):
            rows[row["name"]] = row
    ours = {}
    for name in GOLDEN[table]:
        row = rows[name]
        preset = PRESETS[row["config"]]
        make = conv_op if row["op"].startswith("conv") else memory_to_memory_op
        state = simulate(
            preset,
            memory_timings(row, preset["dbb_bytes"]),
            make(row, preset["atom_bytes"]),
            max_cycles=10**7,
        )
        ours[name] = int(state["records"][0]["end"])
    assert ours == GOLDEN[table]
