"""Convolutions cut to fit CBUF: every output once, exactly the lines it needs, never more than there is."""

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.validate.yolov3_ops import REFERENCE
from workloads import lower
from workloads.graph import Window
from workloads.lowering.cbuf import (
    Convolution,
    DoesNotFit,
    data_banks_for,
    entries_per_line,
    tile_convolution,
    traffic_bytes,
)
from workloads.lowering.cut import cut_convolution
from workloads.lowering.layout import Cube
from workloads.lowering.target import target_of
from workloads.params import NetworkJob

STRATEGIES = ("nvidia", "traffic")
TARGETS = [target_of(name) for name in ("nv_small", "nv_medium_512", "nv_large", "nv_full")]


@st.composite
def convolutions(draw):
    kernel = draw(st.integers(1, 7))
    pad = draw(st.integers(0, kernel - 1))
    stride = draw(st.integers(1, 4))
    dilation = draw(st.integers(1, 2)) if kernel > 1 else 1
    least = (kernel - 1) * dilation + 1
    height, width = draw(st.integers(least, 120)), draw(st.integers(least, 200))
    window = Window(kernel, kernel, stride, stride, pad, pad, pad, pad, dilation, dilation)
    channels = draw(st.integers(1, 700))
    return Convolution(channels, height, width, draw(st.integers(1, 600)), window)


@given(conv=convolutions(), target=st.sampled_from(TARGETS), strategy=st.sampled_from(STRATEGIES))
@settings(max_examples=300)
def test_pieces_cover_every_output_exactly_once(conv, target, strategy):
    """The slow twin: a grid of counters, and the lines that each output row needs by definition."""
    try:
        tiles = tile_convolution(conv, target, strategy)
    except DoesNotFit:
        return
    done = {}
    window = conv.window
    for tile in tiles:
        for row in range(tile.first_row, tile.first_row + tile.rows):
            first = row * window.stride_y - window.top
            need = [
                line
                for line in range(first, first + window.reach_y, window.dilation_y)
                if 0 <= line < conv.height
            ]
            have = range(tile.first_line, tile.first_line + tile.lines)
            assert all(line in have for line in need), (tile, row)
            done.setdefault(row, []).append((tile.first_kernel, tile.kernels))
        # the hardware computes as many rows as its registers say
        rows = (tile.lines + tile.top + tile.bottom - window.reach_y) // window.stride_y + 1
        assert rows >= tile.rows
        first = tile.first_row * window.stride_y - window.top
        assert tile.first_line - tile.top == first or tile.first_line == conv.height - 1
    assert sorted(done) == list(range(conv.out_height))
    for pieces in done.values():
        kernels = sorted(pieces)
        assert [start for start, _ in kernels] == [
            sum(k for _, k in kernels[:i]) for i in range(len(kernels))
        ]
        assert sum(count for _, count in kernels) == conv.kernels


@given(conv=convolutions(), target=st.sampled_from(TARGETS), strategy=st.sampled_from(STRATEGIES))
@settings(max_examples=200)
def test_every_piece_fits_its_banks(conv, target, strategy):
    try:
        tiles = tile_convolution(conv, target, strategy)
    except DoesNotFit:
        return
    for tile in tiles:
        assert tile.data_banks + tile.weight_banks <= target.cbuf_banks
        assert tile.lines * entries_per_line(conv, target) <= tile.data_banks * target.cbuf_depth
        group = min(tile.kernels, target.atomic_k) * conv.kernel_bytes
        assert group <= tile.weight_banks * target.bank_bytes


@given(conv=convolutions(), target=st.sampled_from(TARGETS))
@settings(max_examples=200)
def test_traffic_strategy_never_moves_more_than_the_compilers(conv, target):
    try:
        theirs = traffic_bytes(tile_convolution(conv, target, "nvidia"), conv, target)
    except DoesNotFit:
        return
    assert traffic_bytes(tile_convolution(conv, target, "traffic"), conv, target) <= theirs


@pytest.mark.parametrize(
    ("channels", "width", "preset", "entries"),
    [
        (32, 416, "nv_large", 208),
        (64, 208, "nv_large", 208),
        (768, 26, "nv_large", 312),
        (8, 14, "nv_small", 14),
        (8, 14, "nv_small_256", 4),
        (16, 14, "nv_small_256", 7),
        (24, 14, "nv_small_256", 14),
        (40, 14, "nv_small_256", 18),
    ],
)
def test_entries_of_a_line_as_in_the_reference(channels, width, preset, entries):
    assert entries_per_line(Convolution(channels, 9, width, 8, Window()), target_of(preset)) == entries


def test_image_line_counts_its_padding():
    conv = Convolution(4, 416, 416, 32, Window(3, 3, 1, 1, 1, 1, 1, 1), pixels=True)
    assert entries_per_line(conv, target_of("nv_large")) == 27
    assert data_banks_for(284, conv, target_of("nv_large")) == 15


def test_a_row_that_cannot_fit_says_what_would():
    conv = Convolution(4096, 64, 512, 64, Window(3, 3))
    with pytest.raises(DoesNotFit) as error:
        tile_convolution(conv, target_of("nv_small"), "nvidia")
    assert str(error.value) == (
        "a 3x3 convolution over 4096 channels fits CBUF in no cut: it needs 1536 banks for 512 columns of the "
        "input lines of one output row and 9 for one kernel, and nv_small has 32; use fewer channels or an "
        "accelerator with a larger CBUF"
    )


def test_yolov3_pieces_equal_the_published_loadable_register_by_register():
    """All 142 convolutions: banks, lines, releases, strides, kernels. What differs is named below."""
    with REFERENCE.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["op"] == "conv_op"]
    program = lower(NetworkJob(network="yolov3", on="nvdla0", fallback="core0"), "nv_large")
    ops = program.ops[program.ops["unit"] == 0]
    assert len(rows) == len(ops) == 142
    columns = {
        "data_bank": "data_banks",
        "weight_bank": "weight_banks",
        "release": "release",
        "input_width_csc": "width",
        "input_height_csc": "height",
        "input_channel_csc": "channels",
        "kernel_height_csc": "kernel_height",
        "conv_stride_x": "stride_x",
        "conv_stride_y": "stride_y",
        "pad_x_left": "pad_left",
        "pad_x_right": "pad_right",
        "pad_y_top": "pad_top",
        "input_width_cmac": "out_width",
        "weight_data_bytes": "weight_bytes",
        "fetch_grain": "fetch_grain",
    }
    for row, op in zip(rows, ops):
        assert {name: int(row[name]) for name in columns} == {
            name: op[field] for name, field in columns.items()
        }
    # the loadable computes one line too many in 15 layers, and pads stride-2 layers where no output looks
    extra = [int(row["input_height_cmac"]) - op["out_height"] for row, op in zip(rows, ops)]
    assert sorted(set(extra)) == [0, 1]
    assert sum(extra) == 15


def test_grouped_convolution_reads_and_writes_whole_atoms():
    """AlexNet's second layer: two groups of 48 channels and 128 kernels at 32 a surface."""
    from workloads.graph import Node, Shape

    node = Node("conv2", "conv", ("x",), "conv2", Window(5, 5, 1, 1, 2, 2, 2, 2), 256, 2)
    source = Cube("x", 0, Shape(96, 27, 27), (96,), 32)
    cuts = cut_convolution(node, source, target_of("nv_large"), "traffic")
    blocks = [(c.block.first_channel, c.block.channels, c.block.first_kernel, c.block.kernels) for c in cuts]
    assert blocks == [(0, 48, 0, 128), (32, 64, 128, 128)]
    dense = cut_convolution(node, source, target_of("nv_large"), "nvidia")
    assert [(c.block.channels, c.block.kernels) for c in dense] == [(96, 256)]
