"""PDP's way to memory: outputs join to bursts; the last answer, and the last of the input, end the launch."""

from hw_models.jit import njit
from hw_models.nvdla.bursts import beats_of, send_burst
from hw_models.nvdla.done import finish
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Client, Mark, Part, Stall
from hw_models.nvdla.post_timing import ACKNOWLEDGE_TO_DONE, PDP_OUTPUTS
from hw_models.port import NEVER

_P_PDP = int(Part.PDP)
_CLIENT = int(Client.PDP)
_ACKNOWLEDGE = int(Stall.ACKNOWLEDGE)
_LAST_WRITE = int(Mark.LAST_WRITE)


@njit
def output(state, op, time):
    """An output atom is complete at ``time``: on the bus with the others of its burst."""
    pdp = state["pdp"]
    dbb, atom = state["dbb_bytes"], state["atom_bytes"]
    address = op["dst"] + pdp["out_z"] * op["dst_surface_stride"] + pdp["out_y"] * op["dst_line_stride"]
    address += pdp["out_x"] * atom
    if pdp["gathered"] == 0:
        pdp["burst_address"] = address
    pdp["gathered"] += 1
    pdp["out_x"] += 1
    pdp["outputs"] += 1
    end_of_line = pdp["out_x"] == op["pool_out_width"]
    end = address + atom
    full = pdp["gathered"] == PDP_OUTPUTS  # nothing more comes before these have left
    if end_of_line or full or end & (dbb * state["burst_beats"] - 1) == 0:
        send_burst(state, pdp, _CLIENT, beats_of(state, pdp, end), time + pdp["latency"])
    if end_of_line:
        pdp["out_x"] = 0
        pdp["out_y"] += 1
        if pdp["out_y"] == op["pool_out_height"]:
            pdp["out_y"] = 0
            pdp["out_z"] += 1
            if pdp["out_z"] == pdp["surfaces"]:
                pdp["all_sent"] = 1


@njit
def pdp_acknowledged(state, now):
    """The memory has answered one of PDP's writes."""
    pdp = state["pdp"]
    pdp["acks_left"] -= 1
    if pdp["acks_left"] == 0 and pdp["all_sent"]:
        record = state["records"][pdp["slot"]]
        record["stall"][_ACKNOWLEDGE] += max(0, now - record["mark"][_LAST_WRITE])
        pdp["last_ack"] = now
        close(state)


@njit
def close(state):
    """End the launch when all input has been taken and every write answered; then its group is free."""
    pdp = state["pdp"]
    if pdp["input_done"] == NEVER or not pdp["all_sent"] or pdp["acks_left"]:
        return
    done = max(pdp["last_ack"] + ACKNOWLEDGE_TO_DONE, pdp["input_done"])
    finish(state, pdp["op"], pdp["slot"], done)
    pdp["free_at"] = done
    pdp["ended"] = 1
    wake(state, _P_PDP, done)
