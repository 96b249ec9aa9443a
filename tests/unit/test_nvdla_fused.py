"""SDP and PDP behind a convolution: operands from memory, pooling on the fly, back-pressure."""

import csv
from functools import cache

import numpy as np
import pytest

from hw_models.ideal import block as ideal
from hw_models.ideal.build import build as build_memory
from hw_models.nvdla.block import advance, start
from hw_models.nvdla.build import build
from hw_models.nvdla.names import Client, Mark, Stall
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.standalone import simulate
from hw_models.port import FIFO, front, pop
from simulator.validate.nvdla_rows import conv_op, memory_timings
from simulator.validate.nvdla_rtl import REFERENCE

FIRST_PIXEL, LAST_PIXEL = int(Mark.CACC2SDP_FIRST), int(Mark.CACC2SDP_LAST)
FIRST_WRITE, LAST_WRITE = int(Mark.FIRST_WRITE), int(Mark.LAST_WRITE)


@cache
def reference(table):
    with (REFERENCE / table).open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def run(config, name, **changes):
    row = reference(f"{config}_conv.csv")[name]
    preset = PRESETS[config]
    timings = memory_timings(row, preset["dbb_bytes"]) | changes
    state = simulate(preset, timings, conv_op(row, preset["atom_bytes"]), max_cycles=10**7)
    return row, state["records"][0]


def test_operands_are_asked_for_before_cdma_starts():
    row = reference("nv_large_conv.csv")["conv_14x14x64_k64_3x3_s1_p1_sdpelt_L50_K1_WL50_WK1"]
    preset = PRESETS["nv_large"]
    ops = conv_op(row, preset["atom_bytes"])
    state = build(preset)[0]
    memory = build_memory(memory_timings(row, preset["dbb_bytes"]))[0]
    reads, writes = np.zeros(2, FIFO)
    reads["limit"] = writes["limit"] = 1
    start(state, ops, 0, 0)
    seen = []
    for now in range(40):
        advance(state, ops, now, reads, writes)
        if reads["count"] and ideal.accept(memory, front(reads), now):
            seen.append((now, int(front(reads)["stream"])))
            pop(reads)
    operand, weight = int(Client.SDP_B), int(Client.CDMA_WEIGHT)
    assert seen[0] == (9, operand)
    assert [client for now, client in seen if now < 28] == [operand] * 19
    assert (28, weight) in seen


def test_cacc_waits_for_operands_that_memory_delivers_too_slowly():
    row, far = run("nv_small", "conv_14x14x64_k32_1x1_s1_p0_sdpelt_L200_K1_WL200_WK1")
    _, near = run("nv_small", "conv_14x14x64_k32_1x1_s1_p0_sdpelt_L16_K1_WL16_WK1")
    assert far["stall"][int(Stall.OPERANDS)] > 10_000 > near["stall"][int(Stall.OPERANDS)]
    measured = int(row["t_cacc2sdp_last"]) - int(row["t_cacc2sdp_first"])
    assert far["mark"][LAST_PIXEL] - far["mark"][FIRST_PIXEL] == measured


@pytest.mark.parametrize(("config", "atoms"), [("nv_small", 1), ("nv_medium_512", 2), ("nv_large", 3)])
def test_five_chunks_fit_between_cacc_and_the_join(config, atoms):
    """An atom is 8, 4 or 2 chunks: so many atoms may have entered when the first waits for its operand."""
    row = next(row for row in reference(f"{config}_conv.csv").values() if "+pdp" in row["op"])
    preset = PRESETS[config]
    timings = memory_timings(row, preset["dbb_bytes"])
    state = simulate(preset, timings, conv_op(row, preset["atom_bytes"]), max_cycles=10**7)
    assert state["sdp"]["depth"] == atoms


def test_pooling_behind_sdp_writes_the_pooled_cube_only():
    row, record = run("nv_large", "convpdp_28x28x64_k32_3x3_s1_pool2_s2_p0_L50_K1")
    assert record["write_bytes"][int(Client.SDP)] == 0
    assert record["write_bytes"][int(Client.PDP)] == 14 * 14 * 32 == int(row["wr_bytes"])


def test_pdp_slower_than_cacc_fills_sdps_registers_and_then_holds_cacc_back():
    """A pixel takes CACC 3 cycles and PDP 4; ten chunks of 2 cycles fit between them."""
    row, record = run("nv_large", "convpdp_14x14x256_k64_1x1_s1_pool3_s2_p1_L50_K1")
    behind = record["mark"][LAST_WRITE] - record["mark"][LAST_PIXEL]
    assert behind == int(row["t_last_write"]) - int(row["t_cacc2sdp_last"])
    assert record["mark"][LAST_PIXEL] - record["mark"][FIRST_PIXEL] > 4 * (14 * 14 * 2 - 20)


def test_slow_writes_fill_sdp_and_then_hold_cacc_back():
    _, slow = run("nv_large", "conv_52x26x64_k64_1x1_s1_p0_L50_K4_WL50_WK4", write_interval=16)
    behind = (slow["mark"][LAST_WRITE] - slow["mark"][LAST_PIXEL]) / 16
    assert 25 < behind < 29  # atoms between CACC and the bus
