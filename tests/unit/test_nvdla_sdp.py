"""SDP: one test a mechanism, and equality with its registers stepped cycle by cycle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nvdla_post_helpers import cube_op, memory, operand, pool, run
from nvdla_sdp_twin import JOIN_TO_WRITE, bursts
from nvdla_sdp_twin import run as run_twin

from hw_models.nvdla.block import advance, new_record, respond, start
from hw_models.nvdla.build import build
from hw_models.nvdla.groups import group_push
from hw_models.nvdla.names import Block, Client, Mark, Stall
from hw_models.nvdla.op import Operand, Unit
from hw_models.nvdla.post_state import SKID
from hw_models.nvdla.post_timing import SDP_AGAIN
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.rdma import skid_accepts, skid_front, skid_pop, skid_push, skid_reset
from hw_models.nvdla.sdp import sdp_step
from hw_models.nvdla.sdp_write import hand_over
from hw_models.nvdla.standalone import simulate
from hw_models.port import FIFO, FIFO_ROWS, NEVER, front, pop

MEASURED = ("nv_small", "nv_medium_512", "nv_large")
FIRST, LAST = int(Mark.FIRST_WRITE), int(Mark.LAST_WRITE)


def sdp(preset, width, height, channels, x1=None, x1_bytes=1, x1_relu=0):
    ops = cube_op(preset, Unit.SDP, width, height, channels)
    if x1 is not None:
        operand(preset, ops, "x1", x1, x1_bytes, x1_relu)
    return ops


@settings(max_examples=30)
@given(
    preset=st.sampled_from(MEASURED),
    width=st.integers(2, 17),
    height=st.integers(1, 5),
    surfaces=st.integers(1, 4),
    latency=st.sampled_from([1, 16, 50, 77, 120, 200]),
    interval=st.integers(1, 4),
    mode=st.sampled_from([None, "element", "element", "kernel"]),
    element_bytes=st.integers(1, 2),
)
def test_every_time_equals_that_of_the_registers_stepped_cycle_by_cycle(
    preset, width, height, surfaces, latency, interval, mode, element_bytes
):
    table = PRESETS[preset]
    kind = {None: None, "element": Operand.PER_ELEMENT, "kernel": Operand.PER_KERNEL}[mode]
    ops = sdp(preset, width, height, surfaces * table["atom_bytes"], kind, element_bytes)
    record = run(preset, ops, latency=latency, interval=interval)
    passed, last_read = run_twin(table, width, height, surfaces, latency, interval, mode, element_bytes)
    x1, atom, next_burst, writes = 5 if mode else 0, 0, 0, []  # the core's register is in the twin
    for beats in bursts([width] * (height * surfaces), table["burst_beats"]):
        atom += beats
        writes.append((max(passed[atom - 1] + JOIN_TO_WRITE + x1, next_burst), beats))
        next_burst = sum(writes[-1]) + 1
    assert record["mark"][FIRST] == writes[0][0]
    assert record["mark"][LAST] == sum(writes[-1]) - 1
    assert record["mark"][int(Mark.LAST_READ)] == last_read


def skid():
    row = np.zeros(1, SKID)[0]
    skid_reset(row)
    return row


def test_a_register_takes_a_second_item_only_in_the_cycle_after_the_first():
    row = skid()
    skid_push(row, 10)
    assert skid_front(row) == 11
    assert skid_accepts(row, 11) == 11  # into the skid entry
    assert skid_accepts(row, 12) == NEVER  # `ready` fell: not before the first has left
    skid_pop(row, 20)
    assert skid_accepts(row, 12) == 21  # and a cycle later, `ready` is a flop


def test_a_register_with_a_full_skid_entry_waits_for_its_older_item():
    row = skid()
    skid_push(row, 10)
    skid_push(row, 11)
    assert skid_accepts(row, 12) == NEVER
    skid_pop(row, 15)
    assert skid_front(row) == 16
    assert skid_accepts(row, 12) == 16


def test_the_first_read_leaves_twenty_cycles_after_op_enable():
    record = run("nv_large", sdp("nv_large", 1, 4, 32), latency=50)
    # one atom: read at 20, data 50 later, 8 + 1 + 1 + 1 + 1 to SDP, 2 chunks, 15 to the bus
    assert record["mark"][FIRST] == 20 + 50 + 8 + 4 + 1 + 15 - 1


@pytest.mark.parametrize(("preset", "period"), [("nv_small", 8), ("nv_medium_512", 4), ("nv_large", 2)])
def test_an_atom_takes_its_elements_over_the_throughput(preset, period):
    atom = PRESETS[preset]["atom_bytes"]
    short = run(preset, sdp(preset, 16, 4, atom), latency=16)
    long = run(preset, sdp(preset, 16, 14, atom), latency=16)
    assert long["end"] - short["end"] == 16 * 10 * period


def test_eight_credits_make_nv_small_wait_for_memory():
    """A credit returns 14 cycles after its beat, so 8 atoms take latency + 14 cycles when that is more."""
    short = run("nv_small", sdp("nv_small", 16, 4, 8), latency=200)
    long = run("nv_small", sdp("nv_small", 16, 8, 8), latency=200)
    assert long["end"] - short["end"] == 8 * (200 + 14)
    assert long["stall"][int(Stall.DATA)] > short["stall"][int(Stall.DATA)]


def test_atoms_are_gathered_in_fours_so_a_lines_rest_costs_credits():
    whole = run("nv_small", sdp("nv_small", 16, 14, 8), latency=100)
    rest = run("nv_small", sdp("nv_small", 14, 16, 8), latency=100)
    assert rest["end"] > whole["end"]


@pytest.mark.parametrize(
    ("kind", "element_bytes", "relu", "cycles"),
    [
        (Operand.REGISTER, 0, 1, 4),  # ReLU alone
        (Operand.REGISTER, 0, 2, 5),  # PReLU: the multiplier
    ],
)
def test_a_sub_unit_without_operand_adds_its_latency(kind, element_bytes, relu, cycles):
    bypassed = run("nv_large", sdp("nv_large", 14, 14, 64))
    through = run("nv_large", sdp("nv_large", 14, 14, 64, kind, element_bytes, relu))
    assert through["end"] - bypassed["end"] == cycles


def test_an_adders_operand_costs_six_cycles_and_the_multipliers_one_more():
    """Per kernel, in a long operation: the operand's own reads are hidden."""
    bypassed = run("nv_small", sdp("nv_small", 16, 40, 8), latency=16)
    adder = run("nv_small", sdp("nv_small", 16, 40, 8, Operand.PER_KERNEL, 2), latency=16)
    both = run("nv_small", sdp("nv_small", 16, 40, 8, Operand.PER_KERNEL, 4), latency=16)
    reads_before_fourth_atom = {2: 2, 4: 3}
    assert adder["end"] - bypassed["end"] == 6 + reads_before_fourth_atom[2]
    assert both["end"] - bypassed["end"] == 7 + reads_before_fourth_atom[4]


def test_a_two_byte_operand_makes_three_reads_an_atom():
    copy = run("nv_large", sdp("nv_large", 28, 28, 64))
    added = run("nv_large", sdp("nv_large", 28, 28, 64, Operand.PER_ELEMENT, 2))
    assert added["read_bytes"][int(Client.SDP_B)] == 2 * added["read_bytes"][int(Client.SDP)]
    assert added["end"] - copy["end"] == pytest.approx(28 * 28 * 2, abs=20)  # 3 cycles an atom, not 2
    assert added["stall"][int(Stall.OPERANDS)] > 0


def test_an_operand_per_kernel_is_read_once():
    record = run("nv_large", sdp("nv_large", 14, 14, 256, Operand.PER_KERNEL, 2))
    assert record["read_bytes"][int(Client.SDP_B)] == 256 * 2
    assert record["read_bytes"][int(Client.SDP)] == record["write_bytes"][int(Client.SDP)] == 14 * 14 * 256


def test_operands_per_kernel_longer_than_their_latency_buffer_follow_surface_by_surface():
    """64 beats through a buffer of 16: an atom leaves with the last pixel of its surface."""
    record = run("nv_small", sdp("nv_small", 4, 4, 256, Operand.PER_KERNEL, 2))
    assert record["read_bytes"][int(Client.SDP_B)] == 256 * 2
    assert record["write_bytes"][int(Client.SDP)] == 4 * 4 * 256


def test_done_waits_for_the_response_of_the_last_write():
    near, far = (run("nv_large", sdp("nv_large", 14, 14, 64), latency=latency) for latency in (16, 116))
    assert near["done"] == near["mark"][LAST] + 16 + 5
    assert far["done"] == far["mark"][LAST] + 116 + 5
    assert far["end"] == far["done"] + 6
    assert far["stall"][int(Stall.ACKNOWLEDGE)] == 116


def test_writes_of_nv_medium_are_bursts_of_a_line_cut_at_64_bytes():
    record = run("nv_medium_512", sdp("nv_medium_512", 7, 1, 16))
    assert record["write_bursts"][int(Client.SDP)] == record["read_bursts"][int(Client.SDP)] == 2
    record = run("nv_medium_512", sdp("nv_medium_512", 7, 2, 16))  # the second line begins at 112 B
    assert record["write_bursts"][int(Client.SDP)] == 2 + 3


def test_slow_writes_hold_the_reads_back():
    fast = run("nv_large", sdp("nv_large", 28, 28, 64))
    slow = run("nv_large", sdp("nv_large", 28, 28, 64), write_interval=8)
    writes = 28 * 28 * 2
    assert slow["mark"][LAST] - slow["mark"][FIRST] == pytest.approx(8 * (writes - 1), abs=8)
    # what is between the last read and the last write fits into the latency FIFO and SDP
    in_flight = (slow["mark"][LAST] - slow["mark"][int(Mark.LAST_READ)]) // 8
    assert 256 < in_flight < 256 + 50
    assert fast["end"] < slow["end"]


def test_a_second_launch_is_fetched_while_the_first_drains():
    from nvdla_post_helpers import memory

    from hw_models.nvdla.standalone import simulate

    ops = np.concatenate([sdp("nv_large", 14, 14, 64)] * 2)
    state = simulate(PRESETS["nv_large"], memory("nv_large"), ops)
    first, second = state["records"][0], state["records"][1]
    alone = run("nv_large", sdp("nv_large", 14, 14, 64))
    assert first["end"] == alone["end"]
    assert second["end"] - first["end"] < alone["end"]
    assert second["mark"][FIRST] > first["done"]


def reads_while_x1_is_late(cycles):
    """Return the reads of X2's operand in the first ``cycles`` of a launch whose X1 operand does not come."""
    ops = sdp("nv_small", 1, 64, 8, Operand.PER_ELEMENT)
    operand("nv_small", ops, "x2", Operand.PER_ELEMENT, 2)
    state = build(PRESETS["nv_small"])[0]
    fifos = np.zeros(2, FIFO)
    fifos["limit"] = FIFO_ROWS
    assert start(state, ops, 0, 0)
    late, reads = int(Client.SDP_B), 0
    for now in range(cycles):
        advance(state, ops, now, fifos[0], fifos[1])
        while fifos[0]["count"]:
            row = front(fifos[0]).copy()
            pop(fifos[0])
            reads += row["stream"] == int(Client.SDP_N)
            if row["stream"] != late:
                respond(state, row, now + 1)
    return reads


def test_an_operand_that_is_there_is_taken_while_another_is_not():
    buffered, beats = PRESETS["nv_small"]["sdp_operand_fifo_atoms"], 2  # of one atom's operand
    taken, in_register, in_slots, gathered = beats, beats, beats, beats
    assert reads_while_x1_is_late(400) == buffered + gathered + in_slots + in_register + taken


@pytest.mark.parametrize(("to_pdp", "begins"), [(False, 51), (True, 50 + SDP_AGAIN)])
def test_a_launch_enabled_in_the_cycle_in_which_the_one_before_hands_over_begins_later(to_pdp, begins):
    ops = sdp("nv_small", 2, 2, 8)
    state = build(PRESETS["nv_small"])[0]
    unit = state["sdp"]
    group_push(state, int(Block.SDP), 0, new_record(state, ops[0], 0, 0), 0)
    sdp_step(state, ops, 0)
    assert unit["busy"]
    if to_pdp:
        unit["passed_at"] = 50
        sdp_step(state, ops, 50)
    else:
        hand_over(state, 50)
    group_push(state, int(Block.SDP), 0, new_record(state, ops[0], 0, 50), 50)
    sdp_step(state, ops, 50)  # for the enable
    assert not unit["busy"]
    sdp_step(state, ops, begins - 1)
    assert not unit["busy"]
    sdp_step(state, ops, begins)
    assert unit["busy"]
    assert unit["begun"] == begins


@pytest.mark.parametrize(
    ("width", "height", "window", "stride", "pad", "interrupt", "last_read"),
    [
        (8, 4, 1, 1, 0, 429, 593),
        (8, 4, 2, 2, 0, 429, 593),
        (3, 1, 1, 1, 0, 196, 163),
        (20, 3, 3, 2, 1, 653, 1069),
    ],
)
def test_two_launches_to_pdp_in_both_register_groups_read_as_in_rtl(
    width, height, window, stride, pad, interrupt, last_read
):
    """Measured on nv_small_256: PDP's interrupt of the first, the last beat of the second."""
    ops = np.repeat(sdp("nv_small_256", width, height, 8), 2)
    ops["pool"] = 1
    pool("nv_small_256", ops, window, stride, pad)
    pool("nv_small_256", ops[1:], window, stride, pad)
    state = simulate(PRESETS["nv_small_256"], memory("nv_small_256"), ops, max_cycles=10**5)
    first, second = state["records"][:2]
    assert first["end"] == interrupt
    assert second["mark"][Mark.LAST_READ] == last_read
