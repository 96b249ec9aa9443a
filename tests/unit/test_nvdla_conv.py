"""The convolution path of the accelerator, one test a mechanism."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.nvdla import cdma_data, cdma_weights, csc
from hw_models.nvdla.block import advance, respond, start
from hw_models.nvdla.build import build
from hw_models.nvdla.cbuf import line_entries
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.names import Client, Mark
from hw_models.nvdla.op import OP, Unit
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.standalone import simulate
from hw_models.nvdla.timing import ACCEPT_TO_KERNELS
from hw_models.port import FIFO, FIFO_ROWS, NEVER

DATA, WEIGHT = int(Client.CDMA_DATA), int(Client.CDMA_WEIGHT)
FAST = {
    "read_latency": 50,
    "write_latency": 50,
    "read_interval": 1,
    "write_interval": 1,
    "shared_interval": 0,
}


def conv(preset, width=14, height=14, channels=32, kernels=32, size=3, banks=(2, 3), **fields):
    """Return a one-element OP array of a convolution with padding that keeps the size."""
    atom = PRESETS[preset]["atom_bytes"]
    ops = np.zeros(1, OP)
    op = ops[0]
    op["unit"] = int(Unit.CONV)
    op["width"], op["height"], op["channels"] = width, height, channels
    op["out_width"], op["out_height"], op["out_channels"] = width, height, kernels
    op["src_line_stride"], op["src_surface_stride"] = width * atom, width * height * atom
    op["dst_line_stride"], op["dst_surface_stride"] = width * atom, width * height * atom
    op["kernels"], op["kernel_height"], op["kernel_width"] = kernels, size, size
    op["data_banks"], op["weight_banks"] = banks
    op["src"], op["weights"], op["dst"] = 1 << 28, 1 << 29, 1 << 30
    op["weight_bytes"] = -(-kernels * channels * size * size // 128) * 128
    op["fetch_grain"] = op["line_packed"] = op["batch"] = 1
    for name, value in fields.items():
        op[name] = value
    return ops


def run(preset, ops, enables=None, fields=None, **memory):
    timings = FAST | {"beat_bytes": PRESETS[preset]["dbb_bytes"]} | memory
    return simulate(PRESETS[preset] | (fields or {}), timings, ops, enables, max_cycles=10**8)


def marks(state, slot=0):
    return {which.name: int(state["records"][slot]["mark"][which]) for which in Mark}


def drive(preset, ops, latency, cycles, fields=None):
    """Run with a memory that answers each read after ``latency(n)`` cycles, in order; return the reads."""
    state = build(PRESETS[preset] | (fields or {}))[0]
    fifos = np.zeros(2, FIFO)
    fifos["limit"] = FIFO_ROWS
    assert start(state, ops, 0, 0)
    seen, pending, now, last, beats = [], [], 0, 0, PRESETS[preset]["dbb_bytes"]
    while now < cycles and state["done_count"] == 0:
        while pending and pending[0][0] <= now:
            respond(state, pending.pop(0)[1], now)
        next_time = advance(state, ops, now, fifos[0], fifos[1])
        for fifo in fifos:
            while fifo["count"]:
                row = fifo["rows"][fifo["head"]].copy()
                fifo["head"], fifo["count"] = (fifo["head"] + 1) % FIFO_ROWS, fifo["count"] - 1
                seen.append((now, int(row["stream"]), int(row["write"])))
                count = 1 if row["write"] else int(row["bytes"]) // beats
                last = max(last, now + latency(len(seen)))
                for _ in range(count):
                    answer = row.copy()
                    answer["bytes"] = row["bytes"] // count
                    pending.append((last, answer))
        wake = min([next_time] + [time for time, _ in pending[:1]])
        now = max(now + 1, min(int(wake), cycles)) if wake != NEVER else cycles
    return state, seen


def test_first_reads_leave_28_and_32_cycles_after_the_enable():
    _, seen = drive("nv_small", conv("nv_small"), lambda n: 50, 40)
    assert next(time for time, stream, _ in seen if stream == WEIGHT) == 28
    assert next(time for time, stream, _ in seen if stream == DATA) == 32


def test_weights_and_data_take_turns_on_the_read_port():
    _, seen = drive("nv_small", conv("nv_small"), lambda n: 50, 80)
    streams = [stream for time, stream, _ in seen if 32 <= time < 72]
    assert streams == [DATA, WEIGHT] * 20


def test_no_more_than_256_beats_are_in_flight():
    state = run("nv_small", conv("nv_small"), read_latency=1000)
    assert state["mcif"][0]["max_reads_in_flight"] == 256


def test_returned_beat_lets_the_next_read_out_three_cycles_later():
    _, seen = drive("nv_small", conv("nv_small"), lambda n: 50, 82, {"outstanding_reads": 2})
    assert [time for time, _, _ in seen] == [28, 29, 28 + 50 + 3]


def test_limit_per_axi_id_holds_only_its_own_stream():
    _, seen = drive("nv_small", conv("nv_small"), lambda n: 500, 400, {"id_limit": 3})
    assert sorted(stream for _, stream, _ in seen) == [DATA] * 3 + [WEIGHT] * 3


def test_csc_waits_for_the_last_input_line():
    state = run("nv_small", conv("nv_small", size=1))
    found = marks(state)
    assert found["DAT_DONE"] > found["WT_DONE"]
    assert found["MAC_WT_FIRST"] == found["DAT_DONE"] + 1 + 25


def test_csc_waits_for_the_last_kernel_of_a_weight_group():
    state = run("nv_small", conv("nv_small", width=4, height=4, channels=256, banks=(2, 20)), read_interval=4)
    found = marks(state)
    assert found["FIRST_WT_UPDT"] > found["DAT_DONE"]
    assert found["MAC_WT_FIRST"] == found["FIRST_WT_UPDT"] + 25


@pytest.mark.parametrize("kernels", [3, 8])
def test_first_data_wait_for_every_kernel_of_the_first_group(kernels):
    found = marks(run("nv_small", conv("nv_small", kernels=kernels)))
    assert found["MAC_DAT_FIRST"] - found["MAC_WT_FIRST"] == kernels


def naive_stripes(pixels, lower):
    """CSC's rule, read the way a person would."""
    upper, stripes = 2 * lower, []
    while pixels:
        length = upper if pixels >= 2 * upper else pixels if pixels <= upper else lower
        stripes.append(length)
        pixels -= length
    return stripes


@pytest.mark.parametrize("pixels", [1, 8, 16, 17, 31, 32, 33, 49, 196])
def test_output_is_cut_into_stripes_of_two_atomic_k(pixels):
    state = build(PRESETS["nv_small"])[0]
    unit = state["csc"]
    unit["row_pixels"] = pixels
    stripes = []
    while unit["pixel"] < pixels:
        stripes.append(int(csc._stripe_length(state, unit)))
        unit["pixel"] += stripes[-1]
    assert stripes == naive_stripes(pixels, 8)


def test_package_takes_atomic_k_cycles_even_for_one_pixel():
    found = marks(run("nv_small", conv("nv_small", width=1, height=1, kernels=8, size=3)))
    packages = 9 * 4  # 3x3 taps, 32 channels in blocks of 8
    assert found["MAC_DAT_LAST"] - found["MAC_DAT_FIRST"] == (packages - 1) * 8


def test_output_bound_layer_moves_at_nine_cycles_a_pixel():
    state = run("nv_small", conv("nv_small", channels=8, kernels=8, size=1))
    found = marks(state)
    pixels = 14 * 14
    assert found["CACC2SDP_LAST"] - found["CACC2SDP_FIRST"] >= 9 * (pixels - 1) + 7
    stripes = len(naive_stripes(pixels, 8))
    assert found["CACC2SDP_LAST"] - found["CACC2SDP_FIRST"] <= 9 * pixels + 40 * stripes


def test_last_package_of_a_stripe_waits_for_room_in_the_delivery_buffer():
    state = run("nv_small", conv("nv_small", channels=8, kernels=8, size=1))
    assert state["records"][0]["stall"][2] > 0
    roomy = run("nv_small", conv("nv_small", channels=32, kernels=8, size=3))
    assert roomy["records"][0]["stall"][2] == 0


def test_weight_fetch_stops_where_the_banks_end():
    wide = conv("nv_small", channels=64, kernels=64, banks=(4, 9))
    tight = conv("nv_small", channels=64, kernels=64, banks=(4, 2))
    assert marks(run("nv_small", tight))["WT_DONE"] > 10 * marks(run("nv_small", wide))["WT_DONE"]


def test_interrupt_comes_eleven_cycles_after_the_last_response():
    for latency in (1, 50, 200):
        state = run("nv_small", conv("nv_small"), write_latency=latency)
        assert state["records"][0]["end"] - marks(state)["LAST_WRITE"] == latency + 11


def two(first, second, second_enable=27):
    ops = np.concatenate([first, second])
    enables = np.zeros((2, 2), np.int64)
    enables[1, 0] = second_enable
    return ops, enables


def test_next_launch_is_fetched_while_the_first_computes():
    ops, enables = two(conv("nv_small", banks=(14, 10)), conv("nv_small", banks=(14, 10)))
    state = run("nv_small", ops, enables)
    assert marks(state, 1)["DAT_DONE"] < marks(state, 0)["MAC_DAT_LAST"]


def test_new_split_of_cbuf_waits_until_csc_has_finished():
    ops, enables = two(conv("nv_small", banks=(14, 10)), conv("nv_small", banks=(13, 10)))
    state = run("nv_small", ops, enables)
    assert marks(state, 1)["FIRST_DAT_UPDT"] > marks(state, 0)["MAC_DAT_LAST"]


def test_new_split_of_cbuf_counts_dropped_lines_only_once():
    launches = [conv("nv_small", banks=(14, 10), release=7), conv("nv_small", banks=(13, 10))]
    ops, enables = two(*launches)
    state = run("nv_small", ops, enables)
    assert state["cbuf"]["data_used"] == 0


def test_third_launch_is_refused_while_both_groups_are_taken():
    ops = np.concatenate([conv("nv_small")] * 3)
    state = build(PRESETS["nv_small"])[0]
    assert [bool(start(state, ops, i, 0)) for i in range(3)] == [True, True, False]


def pipes_cycle_by_cycle(arrivals, blocks):
    """Three registers with a skid entry each (pipe.pm), stepped like the RTL; the engine as CDMA_dc.v."""
    pipe, held, ready = [None] * 3, [None] * 3, [True] * 3
    fifo, taken, unread, busy, cycle, next_in = [], [], [], False, 0, 0
    while len(taken) < len(arrivals):
        while next_in < len(arrivals) and arrivals[next_in] <= cycle:
            fifo.append(next_in)
            next_in += 1
        offered, into = fifo[0] if fifo else None, []
        for k in range(3):
            into.append(offered)
            offered = pipe[k]
        down, accepts = not busy, [False] * 3
        for k in (2, 1, 0):
            accepts[k] = down or pipe[k] is None
            down = ready[k]
        reading = unread.pop(0) if unread else None
        now_taken = pipe[2] if not busy else None
        popped = into[0] is not None and ready[0]
        new_pipe = list(pipe)
        for k in range(3):
            if accepts[k]:
                new_pipe[k] = into[k] if ready[k] else held[k]
            if ready[k]:
                held[k] = into[k]
        ready = list(accepts)
        pipe = new_pipe
        if popped:
            fifo.pop(0)
        busy = not busy and reading is not None and blocks(reading)
        if now_taken is not None:
            taken.append(cycle)
            unread.append(now_taken)
        cycle += 1
    return taken


@settings(max_examples=60)
@given(
    width=st.integers(1, 9),
    surfaces=st.integers(1, 6),
    gaps=st.lists(st.integers(1, 5), min_size=54, max_size=54),
)
def test_data_beats_are_taken_as_by_registers_stepped_cycle_by_cycle(width, surfaces, gaps):
    ops = conv("nv_small", width=width, height=4, channels=8 * surfaces)
    state = build(PRESETS["nv_small"])[0]
    state["groups"][0]["count"] = 1
    cdma_data.data_start(state, ops, state["cdma_data"], state["groups"][0], 0)
    beats = width * surfaces
    arrivals = [int(t) for t in np.cumsum(gaps[:beats])]

    def blocks(beat):
        return bool(beat // width % surfaces & 2) or beat % width == width - 1

    ours = [int(cdma_data.data_beat(state, time)) for time in arrivals]
    assert ours == pipes_cycle_by_cycle(arrivals, blocks)


@pytest.mark.parametrize("preset", ["nv_small", "nv_small_256"])
@pytest.mark.parametrize(
    "fields", [{"channels": 20}, {"channels": 44}, {"image": 1, "channels": 4, "pad_left": 3, "pad_right": 2}]
)
def test_a_line_takes_the_entries_that_the_driver_programs(fields, preset):
    """An image lies padded in the convolution buffer."""
    ops = conv(preset, width=13, **fields)
    ops["stride_x"] = ops["stride_y"] = 1
    entries = launch_of(ops[0], PRESETS[preset], {})["CDMA"]["ENTRIES"] + 1
    assert line_entries(build(PRESETS[preset])[0], ops[0]) == entries


@pytest.mark.parametrize(("released", "written"), [(3, 6), (4, 6), (5, 7), (20, 22)])
def test_weights_that_find_the_banks_full_are_written_when_they_are_there(released, written):
    """Two beats are at the door at 5 and 6 while the banks are full; room for both comes at ``released``."""
    state = build(PRESETS["nv_small"])[0]
    weight, cbuf = state["cdma_weight"], state["cbuf"]
    weight["groups"], weight["total_bytes"], weight["kernels"] = 1, 80, 8
    weight["capacity"] = weight["stored"] = weight["received"] = 8
    for time in (5, 6):
        cdma_weights.weight_beat(state, time)
    assert weight["waiting"] == 2
    cbuf["weight_release_time"][0], cbuf["weight_release_beats"][0] = released, 8
    cbuf["weight_release_count"] = 1
    cdma_weights._release_weights(state, weight, released)
    assert weight["accepted"] == written
    assert weight["update_time"][0] == written + ACCEPT_TO_KERNELS


@settings(max_examples=15)
@given(
    width=st.integers(1, 12),
    height=st.integers(1, 8),
    channels=st.integers(1, 40),
    kernels=st.integers(1, 40),
    size=st.sampled_from([1, 3]),
    preset=st.sampled_from(["nv_small", "nv_medium_512", "nv_large"]),
)
def test_traffic_is_every_input_and_weight_once_and_every_output_once(
    width, height, channels, kernels, size, preset
):
    ops = conv(preset, width, height, channels, kernels, size, banks=(4, 8))
    record = run(preset, ops)["records"][0]
    atom = PRESETS[preset]["atom_bytes"]
    assert record["read_bytes"][DATA] == width * height * -(-channels // atom) * atom
    assert record["read_bytes"][WEIGHT] == ops[0]["weight_bytes"]
    assert record["write_bytes"].sum() == width * height * -(-kernels // atom) * atom


@settings(max_examples=10)
@given(delays=st.lists(st.integers(1, 90), min_size=20, max_size=20))
def test_any_response_times_lead_to_the_same_traffic(delays):
    ops = conv("nv_small", width=5, height=4, channels=16, kernels=8)
    state, seen = drive("nv_small", ops, lambda n: delays[n % 20], 10**6)
    assert state["done_count"] == 1
    assert sum(1 for _, stream, _ in seen if stream == DATA) == 5 * 4 * 2
    writes = state["mcif"][0]["writes"]
    assert writes["in_flight"] == writes["count"]  # all acknowledged
