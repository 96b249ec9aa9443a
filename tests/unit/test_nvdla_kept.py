"""Lines and kernels that launches keep in the convolution buffer, and those that reuse them."""

from typing import Any

import numpy as np
import pytest

from hw_models.errors import ConfigError
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.names import Client, Mark
from hw_models.nvdla.op import OP, InBuffer
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.standalone import simulate
from workloads.traces.play import play
from workloads.traces.program import read_register_program, script_of
from workloads.traces.write import TraceWriter

SMALL = PRESETS["nv_small"]
DATA, WEIGHTS = int(InBuffer.DATA), int(InBuffer.WEIGHTS)
BOTH = DATA | WEIGHTS
MEMORY = {
    "beat_bytes": 8,
    "read_latency": 50,
    "write_latency": 50,
    "read_interval": 1,
    "write_interval": 1,
    "shared_interval": 0,
}
SRC, WEIGHTS_AT, DST = 0x1000, 0x8000, 0x10000
LINE = 64  # bytes of 8 pixels of 8 channels


def convolution(**changes: int) -> Any:
    """Return an OP row: 3x3 over 8 lines of 8 pixels of 8 channels, 16 kernels."""
    op = np.zeros(1, OP)[0]
    row = {
        **{"width": 8, "height": 8, "channels": 8, "kernels": 16, "kernel_height": 3, "kernel_width": 3},
        **{"stride_x": 1, "stride_y": 1, "dilation_x": 1, "dilation_y": 1, "fetch_grain": 1},
        **{"src": SRC, "src_line_stride": LINE, "src_surface_stride": 64 * LINE, "data_banks": 4},
        **{"weights": WEIGHTS_AT, "weight_bytes": 1152, "weight_banks": 4, "dst": DST},
    } | changes
    lines = row.get("lines", 0) or row["height"]
    row |= {"out_width": row["width"] - 2, "out_height": lines - 2, "out_channels": row["kernels"]}
    row |= {"dst_line_stride": 48, "dst_surface_stride": row.get("dst_surface_stride", 48 * (lines - 2))}
    for name, value in ({"release": lines} | row).items():
        op[name] = value
    return op


def written(ops: list[Any], folder: Any, extra: dict[int, dict[str, dict[str, int]]] | None = None) -> Any:
    """Return the path of a program of these launches, each with further fields by unit; data are random."""
    random, writer = np.random.default_rng(1), TraceWriter(folder)
    writer.begin()
    for name, address in (("data.dat", SRC), ("weights.dat", WEIGHTS_AT)):
        writer.image(name, address, random.integers(0, 256, 0x4000).astype(np.uint8))
    for number, op in enumerate(ops):
        writer.launch(launch_of(op, SMALL, (extra or {}).get(number, {})), [])
    return writer.save("p.cfg")


def beats(state: Any) -> tuple[int, int]:
    """Return the beats read of data and of weights."""
    bytes_read = state["records"]["read_bytes"].sum(axis=0) // SMALL["dbb_bytes"]
    return int(bytes_read[int(Client.CDMA_DATA)]), int(bytes_read[int(Client.CDMA_WEIGHT)])


@pytest.mark.parametrize(
    ("kept", "read"), [(0, (128, 288)), (DATA, (64, 288)), (WEIGHTS, (128, 144)), (BOTH, (64, 144))]
)
def test_a_program_that_reuses_reads_nothing_again_and_gets_the_same(tmp_path, kept, read):
    ops = [convolution(keep=kept), convolution(reuse=kept, dst=DST + 0x1000)]
    path = written(ops, tmp_path)
    state = simulate(SMALL, MEMORY, read_register_program(path, SMALL).ops)
    assert beats(state) == read
    memory = play(script_of(path), SMALL).memory
    assert memory.read(DST, 576).any()
    assert (memory.read(DST + 0x1000, 576) == memory.read(DST, 576)).all()


def test_what_lies_in_the_buffer_counts_not_what_the_address_says(tmp_path):
    ops = [convolution(keep=BOTH), convolution(reuse=BOTH, src=0, weights=0, dst=DST + 0x1000)]
    memory = play(script_of(written(ops, tmp_path)), SMALL).memory
    assert (memory.read(DST + 0x1000, 576) == memory.read(DST, 576)).all()


def test_tiles_that_keep_the_lines_they_share_make_the_whole(tmp_path):
    """Each tile keeps its last two lines and the kernels; the next fetches six lines of its eight."""
    whole = convolution(height=20, dst=DST + 0x8000, data_banks=8)
    tiles = [convolution(release=6, keep=WEIGHTS, dst_surface_stride=18 * 48)]
    for tile in (1, 2):
        at = {"src": SRC + (2 + 6 * tile) * LINE, "dst": DST + 6 * tile * 48, "height": 6, "lines": 8}
        tiles.append(convolution(release=6, keep=WEIGHTS, reuse=BOTH, dst_surface_stride=18 * 48, **at))
    path = written([*tiles, whole], tmp_path)
    memory = play(script_of(path), SMALL).memory
    assert (memory.read(DST, 2 * 18 * 48) == memory.read(DST + 0x8000, 2 * 18 * 48)).all()
    assert beats(simulate(SMALL, MEMORY, read_register_program(path, SMALL).ops[:3])) == (160, 144)


@pytest.mark.parametrize(
    ("first", "second", "read"),
    [
        ({"keep": BOTH}, {"reuse": BOTH, "data_banks": 5}, (128, 288)),  # a new split drops all
        ({"keep": BOTH}, {"reuse": BOTH, "weight_banks": 5}, (64, 288)),  # or kernels alone
        ({}, {"reuse": BOTH}, (128, 288)),  # nothing is kept
        ({"keep": BOTH}, {}, (128, 288)),  # nothing is reused
    ],
)
def test_what_is_not_there_is_fetched(first, second, read):
    ops = np.array([convolution(**first), convolution(**second)])
    assert beats(simulate(SMALL, MEMORY, ops)) == read


def test_kept_lines_need_the_same_form(tmp_path):
    image = {"image": 1, "channels": 4, "src_line_stride": 32, "kernels": 32}
    ops = [convolution(keep=DATA), convolution(reuse=DATA, **image)]
    state = simulate(SMALL, MEMORY, np.array(ops))
    assert beats(state)[0] == 64 + 32
    play(script_of(written(ops, tmp_path)), SMALL)


def test_cdma_is_done_fifteen_cycles_after_an_enable_that_reuses_all():
    ops = np.array([convolution(keep=BOTH), convolution(reuse=BOTH)])
    state = simulate(SMALL, MEMORY, ops, np.array([[0, 0], [5000, 0]]))
    marks = state["records"][1]["mark"]
    assert list(marks[[int(Mark.DAT_DONE), int(Mark.WT_DONE)]]) == [5015, 5015]


def test_room_of_kept_lines_comes_back_as_csc_begins_a_launch_that_drops_them():
    """Nine lines of 56 entries fill the bank: the second launch fetches its first once they are dropped."""
    tight = {"width": 7, "channels": 64, "height": 9, "data_banks": 1, "weight_bytes": 9216}
    plain = np.array([convolution(**tight), convolution(**tight)])
    kept = np.array([convolution(keep=DATA, **tight), convolution(**tight)])
    ends = [int(simulate(SMALL, MEMORY, ops)["records"][1]["done"]) for ops in (plain, kept)]
    assert ends[1] - ends[0] == 37  # from the last data in the MACs to the drop


def test_room_of_dropped_lines_comes_back_though_the_launch_that_drops_them_is_over_before():
    """The second launch is in CBUF as it begins: its only package goes out before the drop."""
    point = {
        **dict.fromkeys(("width", "height", "kernel_width", "kernel_height", "kernels"), 1),
        "release": 1,
    }
    last = convolution(**point, weight_bytes=128)
    last["out_width"] = last["out_height"] = 1
    assert simulate(SMALL, MEMORY, np.array([convolution(keep=DATA), last]))["cbuf"]["data_used"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (({"keep": DATA}, {"reuse": DATA, "width": 7}), "reuses lines of 8x8; its own are of 7x8"),
        (
            ({"keep": WEIGHTS}, {"reuse": WEIGHTS, "kernels": 8}),
            "reuses kernels, 16 of 3x3x8; its own are 8 of 3x3x8",
        ),
        (
            ({"release": 6}, {"reuse": DATA, "height": 5, "lines": 8}),
            "works on 8 lines, of which CBUF gets 7: it never begins",
        ),
        (({}, {"height": 5, "lines": 8}), "works on 8 lines, of which CBUF gets 5: it never begins"),
        (
            ({}, {"keep": WEIGHTS, "weight_bytes": 4224, "weight_banks": 1}),
            "keeps 4224 B of weights; 1 weight banks hold 4096",
        ),
    ],
)
def test_what_can_never_begin_is_refused_with_its_line(tmp_path, changes, message):
    path = written([convolution(**each) for each in changes], tmp_path)
    with pytest.raises(ConfigError) as caught:
        read_register_program(path, SMALL)
    line = script_of(path).launches[1].line
    assert str(caught.value) == f"{path}:{line}: {message}"


def test_cdma_and_csc_have_to_say_the_same(tmp_path):
    path = written([convolution()], tmp_path, {0: {"CSC": {"SKIP_DATA_RLS": 1}}})
    with pytest.raises(ConfigError) as caught:
        read_register_program(path, SMALL)
    line = script_of(path).launches[0].line
    assert str(caught.value) == f"{path}:{line}: SKIP_DATA_RLS is 0 in CDMA and 1 in CSC; write one"


def test_values_refuse_lines_that_are_not_there(tmp_path):
    path = written([convolution(keep=DATA), convolution(reuse=DATA, width=7)], tmp_path)
    with pytest.raises(ConfigError, match="reuses lines that do not lie in CBUF"):
        play(script_of(path), SMALL)
