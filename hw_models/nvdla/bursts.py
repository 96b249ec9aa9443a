"""Write bursts of SDP, PDP and the streaming units: gathered atoms leave as one command and its beats."""

from hw_models.jit import inlined
from hw_models.nvdla.mcif import request_write
from hw_models.nvdla.post_timing import WRITE_GAP


@inlined
def beats_of(state, unit, end):
    """Return the beats of the atoms that ``unit`` has gathered; the last ends before address ``end``."""
    if state["cdma_beats_atoms"] == 1:
        return unit["gathered"]
    dbb = state["dbb_bytes"]
    return (end + dbb - 1) // dbb - unit["burst_address"] // dbb


@inlined
def send_burst(state, unit, client, beats, time):
    """Hand what ``unit`` has gathered to the memory interface, on the bus at ``time`` at the earliest."""
    at = max(time, unit["next_write"])
    request_write(state, client, unit["burst_address"], beats, at, unit["slot"])
    unit["next_write"] = at + beats + WRITE_GAP
    unit["acks_left"] += 1
    unit["gathered"] = 0
