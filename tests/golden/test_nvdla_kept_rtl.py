"""Launches that keep and reuse lines and kernels of CBUF against the RTL: every interrupt, every beat read."""

import csv
from itertools import groupby

import numpy as np

from hw_models.nvdla.names import Client
from hw_models.nvdla.op import OP
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.standalone import simulate
from hw_models.nvdla.timing import DONE_TO_INTERRUPT
from simulator.validate.nvdla_rows import memory_timings
from simulator.validate.nvdla_rtl import REFERENCE

PRESET = PRESETS["nv_small"]


def programs() -> list[list[dict[str, str]]]:
    with (REFERENCE / "nv_small_kept.csv").open(newline="") as file:
        return [list(rows) for _, rows in groupby(csv.DictReader(file), lambda row: row["program"])]


def launches(rows: list[dict[str, str]]) -> np.ndarray:
    ops = np.zeros(len(rows), OP)
    for op, row in zip(ops, rows):
        for name in set(OP.names) & set(row):
            op[name] = int(row[name])
        for name in ("stride_x", "stride_y", "dilation_x", "dilation_y"):
            op[name] = 1
        op["out_channels"] = op["kernels"]
    return ops


def test_interrupts_and_reads_equal_the_rtl():
    for rows in programs():
        enables = np.array([[int(row["op_enable"]), 0] for row in rows])
        state = simulate(PRESET, memory_timings(rows[0], PRESET["dbb_bytes"]), launches(rows), enables)
        records = state["records"][: len(rows)]
        ours = list(records["done"] + DONE_TO_INTERRUPT)
        assert ours == [int(row["interrupt"]) for row in rows], rows[0]["program"]
        beats = records["read_bytes"].sum(axis=0) // PRESET["dbb_bytes"]
        read = int(beats[int(Client.CDMA_DATA)]), int(beats[int(Client.CDMA_WEIGHT)])
        assert read == (int(rows[0]["rd_beats_dat"]), int(rows[0]["rd_beats_wt"])), rows[0]["program"]
