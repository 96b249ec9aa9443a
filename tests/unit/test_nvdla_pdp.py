"""PDP: one test a mechanism, and equality with a list of all windows."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nvdla_post_helpers import cube_op, pool, run

from hw_models.nvdla.block import new_record
from hw_models.nvdla.build import build
from hw_models.nvdla.groups import group_push
from hw_models.nvdla.names import Block, Client, Mark, Stall
from hw_models.nvdla.op import Unit
from hw_models.nvdla.pdp import pdp_step, pdp_take
from hw_models.nvdla.presets import PRESETS

FIRST, LAST, READ = int(Mark.FIRST_WRITE), int(Mark.LAST_WRITE), int(Mark.LAST_READ)
TO_WRITE = 24  # last chunk of a window's last element -> the bus
FIRST_TAKEN = 20 + 8 + 1 + 1  # op-enable -> first element in the core, less the memory's latency


def pdp(preset, width, height, channels, window, stride, pad):
    ops = cube_op(preset, Unit.PDP, width, height, channels)
    pool(preset, ops, window, stride, pad)
    return ops


def window_times(width, height, surfaces, window, stride, pad, period, start):
    """Return when each output atom is complete, from the list of all windows; atoms come every ``period``."""
    across = range((width + 2 * pad - window) // stride + 1)
    down = range((height + 2 * pad - window) // stride + 1)

    def last_element(index, size):
        """Return (element that ends the window, windows that must drain behind it)."""
        end = index * stride - pad + window - 1
        beyond = max(0, (end - size + 1) // stride)
        return min(end, size - 1), beyond

    times = []
    for surface in range(surfaces):
        for row in down:
            y, rows_beyond = last_element(row, height)
            for column in across:
                x, columns_beyond = last_element(column, width)
                if columns_beyond:  # comes with the first elements of the next line
                    line, x = surface * height + y + 1, columns_beyond - 1
                else:
                    line = surface * height + y
                if rows_beyond:  # comes with the first lines of the next surface
                    line += rows_beyond
                atom = line * width + x
                end = surfaces * height * width
                if atom < end:
                    times.append(start + (atom + 1) * period)
                else:
                    times.append(None)  # drained after the last element
    return times


@settings(max_examples=40)
@given(
    width=st.integers(4, 15),
    height=st.integers(4, 9),
    surfaces=st.integers(1, 3),
    window=st.integers(1, 4),
    stride=st.integers(1, 3),
    pad=st.integers(0, 2),
)
def test_first_and_last_write_follow_from_the_list_of_all_windows(
    width, height, surfaces, window, stride, pad
):
    assume(pad < window)
    assume(pad // stride < window - pad)  # enough elements in the next line to drain beside
    preset, period = "nv_large", 4
    record = run(preset, pdp(preset, width, height, surfaces * 32, window, stride, pad), latency=50)
    times = window_times(width, height, surfaces, window, stride, pad, period, FIRST_TAKEN + 50 - 1)
    outputs = ((width + 2 * pad - window) // stride + 1) * ((height + 2 * pad - window) // stride + 1)
    assert record["write_bytes"][int(Client.PDP)] == outputs * surfaces * 32
    assert record["mark"][FIRST] == times[0] + TO_WRITE
    if times[-1] is not None:
        assert record["mark"][LAST] == max(times) + TO_WRITE
    else:
        assert record["mark"][LAST] > max(t for t in times if t is not None) + TO_WRITE


@pytest.mark.parametrize(("preset", "period"), [("nv_small", 8), ("nv_medium_512", 8), ("nv_large", 4)])
def test_the_input_sets_the_pace_whatever_the_window(preset, period):
    atom = PRESETS[preset]["atom_bytes"]
    ends = {}
    for window, stride, pad in ((2, 2, 0), (3, 2, 1)):
        short = run(preset, pdp(preset, 28, 12, atom, window, stride, pad), latency=16)
        long = run(preset, pdp(preset, 28, 28, atom, window, stride, pad), latency=16)
        assert long["end"] - short["end"] == 16 * 28 * period
        ends[window] = long["end"]
    assert ends[2] == ends[3]


def test_windows_that_need_more_than_the_padding_of_a_stride_drain_at_the_end():
    """3x3, stride 1, padded by 1: one window behind the last line, then one line of windows."""
    preset, width, height, period = "nv_large", 13, 13, 4
    record = run(preset, pdp(preset, width, height, 32, 3, 1, 1), latency=50)
    last_taken = FIRST_TAKEN + 50 - 1 + width * height * period
    assert record["mark"][LAST] == last_taken + period + width * period + TO_WRITE


def test_eight_credits_make_nv_small_wait_for_memory():
    """A credit returns 15 cycles after its beat; the reorder FIFO lets beats go at once."""
    short = run("nv_small", pdp("nv_small", 16, 4, 8, 2, 2, 0), latency=100)
    long = run("nv_small", pdp("nv_small", 16, 8, 8, 2, 2, 0), latency=100)
    assert long["end"] - short["end"] == 8 * (100 + 15)
    assert long["stall"][int(Stall.DATA)] > 0


def test_the_reorder_fifo_lets_reads_run_ahead_of_the_core():
    record = run("nv_small", pdp("nv_small", 28, 28, 8, 2, 2, 0), latency=16)
    ahead = (record["mark"][LAST] - record["mark"][READ]) / 8
    assert 32 < ahead < 32 + 12


def test_done_waits_for_input_that_no_window_needs():
    """13x13 by 2x2, stride 2: the last line and column belong to no window, but are read."""
    record = run("nv_small", pdp("nv_small", 13, 13, 64, 2, 2, 0), latency=50)
    assert record["done"] > record["mark"][LAST] + 50 + 5
    assert record["end"] == 11074  # as the RTL


def test_output_lines_of_nv_medium_are_bursts_cut_at_64_bytes():
    record = run("nv_medium_512", pdp("nv_medium_512", 14, 14, 16, 2, 2, 0))
    assert record["write_bytes"][int(Client.PDP)] == 7 * 7 * 16
    assert record["write_bursts"][int(Client.PDP)] == 2 + 3 + 3 + 2 + 2 + 3 + 3


def test_a_line_of_many_windows_drains_behind_the_cube_at_the_pace_of_the_input():
    """3x3, stride 1, padded by 1, 150 columns: more outputs without input than writes may wait."""
    width, height, period = 150, 4, 8
    record = run("nv_small", pdp("nv_small", width, height, 8, 3, 1, 1), latency=16)
    last_taken = FIRST_TAKEN + 16 - 1 + width * height * period
    assert record["mark"][LAST] == last_taken + period + width * period + TO_WRITE
    assert record["write_bytes"][int(Client.PDP)] == width * height * 8


def test_the_reorder_fifo_fills_while_writes_are_stuck():
    """Outputs wait for the bus: reads run on until latency FIFO and reorder FIFO are full, too."""
    interval, atoms = 40, 200
    record = run("nv_small", pdp("nv_small", atoms, 1, 8, 1, 1, 0), latency=16, write_interval=interval)
    ahead = (record["mark"][LAST] - record["mark"][READ]) / interval
    assert 8 + 32 + 16 - 2 <= ahead <= 8 + 32 + 16 + 2


def test_a_surface_ends_with_the_last_row_of_its_last_window():
    """4x4, stride 1, padded by 2: its last lines come without input only behind that row, a column later."""
    op = pdp("nv_small", 5, 5, 16, 4, 1, 2)
    state = build(PRESETS["nv_small"])[0]
    group_push(state, int(Block.PDP), 0, new_record(state, op[0], 0, 0), 0)
    pdp_step(state, op, 0)
    unit = state["pdp"]
    for _ in range(25):
        pdp_take(state, 0)
        unit["outputs"] = 0
    assert (unit["pause_x"], unit["flush_x"], unit["z"], unit["row_z"]) == (1, 2, 1, 0)
    before, outputs = int(unit["next_take"]), int(unit["out_y"]) * 6 + int(unit["out_x"])
    assert outputs == 4 * 6 - 1
    pdp_take(state, 0)
    assert unit["row_z"] == 1
    assert unit["next_take"] == before + 8 + 5 * 8  # an element, then a line of outputs less the first
