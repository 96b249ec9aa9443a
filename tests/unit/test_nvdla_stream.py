"""CDP, BDMA and RUBIK: what they move, in which order, at which pace. The RTL's cycles are known for CDP."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nvdla_post_helpers import SOURCE, TARGET, cube_op, memory, run

from hw_models.ideal import block as ideal
from hw_models.ideal.build import build as build_memory
from hw_models.nvdla.block import advance, respond, start
from hw_models.nvdla.build import build
from hw_models.nvdla.cdp import cdp_beat
from hw_models.nvdla.names import Client
from hw_models.nvdla.op import Unit
from hw_models.nvdla.presets import PRESETS
from hw_models.port import FIFO, FIFO_ROWS, front, pop

CLIENTS = {Unit.CDP: Client.CDP, Unit.BDMA: Client.BDMA, Unit.RUBIK: Client.RUBIK}


@settings(max_examples=20)
@given(
    unit=st.sampled_from(list(CLIENTS)),
    width=st.integers(1, 20),
    height=st.integers(1, 5),
    surfaces=st.integers(1, 4),
)
def test_every_byte_is_read_once_and_written_once(unit, width, height, surfaces):
    ops = cube_op("nv_large", unit, width, height, surfaces * 32)
    record = run("nv_large", ops)
    client = int(CLIENTS[unit])
    expected = width * height * surfaces * 32
    assert record["read_bytes"][client] == record["write_bytes"][client] == expected
    assert record["read_bytes"].sum() == record["write_bytes"].sum() == expected


def addresses(ops, preset):
    """Return the addresses of all reads and all writes, in their order."""
    state = build(PRESETS[preset])[0]
    store = build_memory(memory(preset))[0]
    fifos = np.zeros(3, FIFO)
    fifos["limit"] = [1, 1, FIFO_ROWS]
    reads, writes, responses = fifos
    seen: tuple[list[int], list[int]] = ([], [])
    assert start(state, ops, 0, 0)
    now = 0
    while state["done_count"] == 0:
        ideal.advance(store, now, responses)
        while responses["count"]:
            respond(state, front(responses), now)
            pop(responses)
        advance(state, ops, now, reads, writes)
        for fifo, list_ in ((reads, seen[0]), (writes, seen[1])):
            if fifo["count"] and ideal.accept(store, front(fifo), now):
                list_.append(int(front(fifo)["address"]))
                pop(fifo)
        now += 1
    return seen


def test_cdp_walks_eight_columns_through_all_channels_before_the_next_eight():
    width, height, surfaces, atom = 10, 2, 2, 32
    ops = cube_op("nv_large", Unit.CDP, width, height, surfaces * atom)
    expected = [
        (surface * height + line) * width * atom + column * atom
        for line in range(height)
        for block in (range(8), range(8, width))
        for surface in range(surfaces)
        for column in block
    ]
    reads, writes = addresses(ops, "nv_large")
    assert [a - SOURCE for a in reads] == expected
    assert [a - TARGET for a in writes] == expected


def test_bdma_copies_line_by_line():
    width, height, surfaces, atom = 5, 3, 2, 32
    ops = cube_op("nv_large", Unit.BDMA, width, height, surfaces * atom)
    reads, writes = addresses(ops, "nv_large")
    assert [a - SOURCE for a in reads] == list(range(0, width * height * surfaces * atom, atom))
    assert [a - TARGET for a in writes] == [a - SOURCE for a in reads]


@pytest.mark.parametrize(("preset", "period"), [("nv_small", 8), ("nv_medium_512", 8), ("nv_large", 4)])
def test_cdp_takes_its_elements_over_the_throughput(preset, period):
    atom = PRESETS[preset]["atom_bytes"]
    short = run(preset, cube_op(preset, Unit.CDP, 16, 4, atom), latency=16)
    long = run(preset, cube_op(preset, Unit.CDP, 16, 14, atom), latency=16)
    assert long["end"] - short["end"] == 16 * 10 * period


@pytest.mark.parametrize(
    ("width", "height", "channels", "squares", "product", "cycles"),
    [
        (8, 8, 32, 3, 0, 2274),  # the product takes a cycle,
        (8, 8, 32, 0, 1, 2234),  # squares nine and the last stripe's neighbours 32, which nothing else hides
        (8, 8, 32, 0, 0, 2233),
        (1, 1, 16, 0, 1, 188),
        (17, 3, 20, 3, 1, 1499),  # seven columns hold the input up four times a line
        (33, 3, 34, 3, 1, 4229),
        (12, 5, 34, 0, 1, 2605),
    ],
)
def test_cdp_takes_the_cycles_of_its_rtl(width, height, channels, squares, product, cycles):
    """NVDLA's CDP by itself (generated nv_small), with what the way to memory and back adds to each launch."""
    ops = cube_op("nv_small", Unit.CDP, width, height, channels)
    ops["lrn_size"], ops["lrn_product"] = squares, product
    assert run("nv_small", ops, latency=50)["end"] == cycles


def test_cdp_writes_no_result_before_its_neighbours_are_read():
    """A part of one surface waits for the next one's first chunks, whatever memory does."""
    ops = cube_op("nv_small", Unit.CDP, 8, 1, 16)
    ops["lrn_size"] = 9
    state = build(PRESETS["nv_small"])[0]
    fifos = np.zeros(3, FIFO)
    fifos["limit"] = [1, 1, FIFO_ROWS]
    assert start(state, ops, 0, 0)
    for now in range(100):
        advance(state, ops, now, fifos[0], fifos[1])
        if fifos[0]["count"]:
            pop(fifos[0])
    for at in range(100, 108):  # the first surface's beats; those of the second stay under way
        cdp_beat(state, at)
    for now in range(108, 3000):
        advance(state, ops, now, fifos[0], fifos[1])
        assert not fifos[1]["count"]


def test_bdma_is_limited_by_a_command_and_a_beat_a_write():
    short = run("nv_large", cube_op("nv_large", Unit.BDMA, 16, 4, 32))
    long = run("nv_large", cube_op("nv_large", Unit.BDMA, 16, 14, 32))
    assert long["end"] - short["end"] == 16 * 10 * 2
