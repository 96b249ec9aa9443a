"""SDP's way to memory: atoms join to bursts; the last frees the registers, its answer ends the launch."""

from hw_models.jit import aside, njit
from hw_models.nvdla.bursts import beats_of, send_burst
from hw_models.nvdla.done import finish
from hw_models.nvdla.groups import group_pop
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Block, Client, Mark, Part, Stall
from hw_models.nvdla.post_state import ENDING
from hw_models.nvdla.post_timing import ACKNOWLEDGE_TO_DONE, WRITE_TO_ROOM
from hw_models.nvdla.timing import WINOGRAD_OUTPUT

_P_SDP = int(Part.SDP)
_SDP = int(Block.SDP)
_CLIENT = int(Client.SDP)
_ACKNOWLEDGE = int(Stall.ACKNOWLEDGE)
_LAST_WRITE = int(Mark.LAST_WRITE)


@njit
def gather(state, time):
    """Add an atom, on the bus at ``time`` at the earliest, to the write burst in work."""
    sdp = state["sdp"]
    op = sdp["launch"]
    dbb, longest = state["dbb_bytes"], state["burst_beats"]
    address = sdp["address"]
    if sdp["gathered"] == 0:
        sdp["burst_address"] = address
    sdp["gathered"] += 1
    sdp["column"] += 1
    end_of_line = sdp["column"] == sdp["columns"]
    last = end_of_line or op["batch"] > 1
    if op["winograd"] and sdp["column"] % WINOGRAD_OUTPUT == 0:  # block by block
        last = True
        if sdp["line"] % WINOGRAD_OUTPUT < WINOGRAD_OUTPUT - 1:
            sdp["line"] += 1
            sdp["column"] -= WINOGRAD_OUTPUT
            end_of_line = False
        elif not end_of_line:
            sdp["line"] -= WINOGRAD_OUTPUT - 1
    if sdp["one_command"]:
        last = sdp["joined"] == sdp["atoms"]
    end = address + state["atom_bytes"]
    if last or end & (dbb * longest - 1) == 0:
        send_burst(state, sdp, _CLIENT, beats_of(state, sdp, end), time)
    if end_of_line:
        sdp["column"] = 0
        sdp["line"] += 1
        if sdp["line"] == op["out_height"]:
            sdp["line"] = 0
            sdp["surface"] += 1
            if sdp["joined"] == sdp["atoms"]:
                sdp["all_sent"] = 1
    if end_of_line or op["winograd"]:
        sdp["address"] = op["dst"] + sdp["surface"] * sdp["surface_stride"]
        sdp["address"] += sdp["line"] * op["dst_line_stride"] + sdp["column"] * sdp["column_stride"]
    else:
        sdp["address"] += sdp["column_stride"]


@aside
def hand_over(state, now):
    """The last write is out: the register group is free, only its interrupt waits for the response."""
    sdp = state["sdp"]
    row = (sdp["ending_head"] + sdp["ending_count"]) % ENDING
    sdp["ending_slot"][row] = sdp["slot"]
    sdp["ending_acks"][row] = sdp["acks_left"]
    sdp["ending_count"] += 1
    sdp["acks_left"] = 0
    sdp["busy"] = 0
    sdp["free_at"] = now + WRITE_TO_ROOM
    sdp["all_sent"] = 0
    sdp["in_pipe"] = 0
    group_pop(state, _SDP)
    wake(state, _P_SDP, sdp["free_at"])


@njit
def sdp_acknowledged(state, now):
    """The memory has answered one of SDP's writes."""
    sdp = state["sdp"]
    head = sdp["ending_head"]
    if sdp["ending_count"] == 0:
        sdp["acks_left"] -= 1
        return
    sdp["ending_acks"][head] -= 1
    if sdp["ending_acks"][head] == 0:
        _end(state, sdp, now)


@aside
def _end(state, sdp, now):
    """The memory has answered the last write of the oldest launch."""
    head = sdp["ending_head"]
    slot = sdp["ending_slot"][head]
    record = state["records"][slot]
    record["stall"][_ACKNOWLEDGE] += max(0, now - record["mark"][_LAST_WRITE])
    finish(state, record["op"], slot, now + ACKNOWLEDGE_TO_DONE)
    sdp["ending_head"] = (head + 1) % ENDING
    sdp["ending_count"] -= 1
    wake(state, _P_SDP, now + ACKNOWLEDGE_TO_DONE)
    if sdp["all_sent"] and sdp["in_pipe"] == 0:
        hand_over(state, now)
