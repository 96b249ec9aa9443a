"""Speed of the accelerator alone, beside a calibration loop: a YOLOv3 convolution in front of an ideal memory."""

import csv

from hw_models.nvdla.presets import NV_LARGE
from hw_models.nvdla.standalone import simulate
from simulator.validate.dram import calibration_s
from simulator.validate.nvdla_rows import conv_op, memory_timings
from simulator.validate.nvdla_rtl import REFERENCE

RTL_CYCLES_PER_S = 20_000  # Verilator, nv_large, one thread: the faster of what was measured


def test_convolution_of_yolov3(benchmark):
    """At least a thousand times the RTL's speed; beats a second, and of the loop, are told."""
    with (REFERENCE / "yolov3_ops_sample.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if "208x73x32" in row["name"])
    ops, memory = conv_op(row, NV_LARGE["atom_bytes"]), memory_timings(row, NV_LARGE["dbb_bytes"])
    simulate(NV_LARGE, memory, ops)  # compiles
    loop_s = min(calibration_s() for _ in range(3))
    benchmark(simulate, NV_LARGE, memory, ops)
    seconds = benchmark.stats.stats.min
    beats = int(row["rd_bursts"]) + int(row["wr_bursts"])
    benchmark.extra_info["beats_per_s"] = beats / seconds
    benchmark.extra_info["speed_up_over_rtl"] = int(row["cycles_open_to_intr"]) / seconds / RTL_CYCLES_PER_S
    benchmark.extra_info["beats_a_calibration_loop"] = round(beats / (seconds / loop_s))
    print(f"\n{beats / seconds / 1e6:.2f} M beats/s, {beats / (seconds / loop_s):,.0f} a calibration loop")
    assert benchmark.extra_info["speed_up_over_rtl"] > 1000
