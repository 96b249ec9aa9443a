"""Convolutions of nv_small_256 as its RTL has them: cycles and reads of runs made for this.

RTL: branch master as it was generated here, Verilator, memory of 50 cycles each way, a beat a cycle; cycles
from the last op-enable to the interrupt. Every byte written was what `values/execute.py` writes.
"""

import numpy as np
import pytest

from hw_models.nvdla.op import OP
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.standalone import simulate

SMALL_256 = PRESETS["nv_small_256"]
MEMORY = {"read_latency": 50, "write_latency": 50, "read_interval": 1, "write_interval": 1, "beat_bytes": 8}
COLUMNS = ["width", "height", "channels", "kernels", "kernel_width", "kernel_height"]
RUNS = [  # the columns, others, cycles of the RTL, reads of data and of weights
    ((6, 6, 8, 16, 3, 3), {}, 736, (36, 144)),
    ((6, 6, 16, 16, 3, 3), {}, 844, (72, 288)),
    ((6, 6, 24, 16, 3, 3), {}, 1024, (108, 432)),
    ((6, 6, 32, 16, 3, 3), {}, 1204, (144, 576)),
    ((6, 6, 40, 16, 3, 3), {}, 1528, (180, 720)),
    ((6, 6, 33, 9, 3, 3), {}, 1396, (180, 336)),
    ((6, 6, 96, 8, 3, 3), {}, 2068, (432, 864)),
    ((11, 9, 20, 21, 3, 3), {}, 2648, (297, 480)),
    ((17, 5, 32, 8, 3, 3), {}, 1398, (340, 288)),
    ((17, 5, 64, 8, 3, 3), {}, 2425, (680, 576)),
    ((8, 8, 64, 32, 1, 1), {}, 3392, (512, 256)),
    ((1, 1, 256, 16, 1, 1), {}, 821, (32, 512)),
    ((6, 6, 32, 16, 3, 3), {"fetch_grain": 3}, 1204, (144, 576)),
    ((9, 7, 24, 12, 3, 3), {"pad_left": 1, "pad_right": 1, "pad_top": 1, "pad_bottom": 1}, 1879, (189, 336)),
    ((13, 11, 40, 20, 3, 3), {"stride_x": 2, "stride_y": 2, "pad_left": 1, "pad_right": 1}, 3630, (715, 912)),
    ((13, 11, 8, 8, 3, 3), {"dilation_x": 2, "dilation_y": 3}, 980, (143, 80)),
    ((20, 10, 24, 30, 1, 1), {}, 8221, (600, 96)),
    ((33, 4, 16, 9, 3, 2), {"fetch_grain": 2}, 2353, (264, 112)),
    ((80, 5, 4, 8, 3, 3), {"image": 1, "src_line_stride": 320}, 2841, (200, 48)),
]


def operation(columns, others):
    """Return a convolution whose surfaces follow each other, 4 data and 4 weight banks, as an OP array."""
    ops = np.zeros(1, OP)
    op = ops[0]
    for name, value in zip(COLUMNS, columns):
        op[name] = value
    for name in ("stride_x", "stride_y", "dilation_x", "dilation_y", "fetch_grain"):
        op[name] = 1
    op["data_banks"] = op["weight_banks"] = 4
    op["src"], op["weights"], op["dst"] = 0x100000, 0x300000, 0x600000
    op["src_line_stride"] = op["width"] * 8
    op["release"], op["out_channels"] = op["height"], op["kernels"]
    for name, value in others.items():
        op[name] = value
    op["src_surface_stride"] = op["src_line_stride"] * op["height"]
    taps = int(op["kernel_width"]) * int(op["kernel_height"])
    op["weight_bytes"] = -(-int(op["kernels"]) * int(op["channels"]) * taps // 128) * 128
    for side, first, last in (("width", "left", "right"), ("height", "top", "bottom")):
        axis = "x" if side == "width" else "y"
        span = (op[f"kernel_{side}"] - 1) * op[f"dilation_{axis}"] + 1
        op[f"out_{side}"] = (op[side] + op[f"pad_{first}"] + op[f"pad_{last}"] - span) // op[
            f"stride_{axis}"
        ] + 1
    op["dst_line_stride"] = op["out_width"] * 8
    op["dst_surface_stride"] = op["dst_line_stride"] * op["out_height"]
    return ops


@pytest.mark.parametrize(("columns", "others", "cycles", "reads"), RUNS)
def test_cycles_and_reads_are_the_rtls(columns, others, cycles, reads):
    state = simulate(SMALL_256, MEMORY | {"shared_interval": 0}, operation(columns, others), max_cycles=10**5)
    record = state["records"][0]
    assert int(record["end"]) == cycles
    assert sorted(int(n) for n in record["read_bursts"] if n) == sorted(reads)
