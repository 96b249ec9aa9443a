"""Winograd: in which order CDMA fetches the input (CDMA_wg.v)."""

from hw_models.jit import njit
from hw_models.nvdla.mcif import read_room, request_read
from hw_models.nvdla.names import Client
from hw_models.nvdla.timing import (
    REQUEST_ATOMS,
    REQUEST_TO_READ,
    WINOGRAD_LINES,
)

_DATA = int(Client.CDMA_DATA)


@njit
def block_lines(data, line):
    """Winograd: return the lines of the block of four from ``line`` on that are in memory."""
    first = line - data["pad_top"]
    return max(0, min(first + WINOGRAD_LINES, data["real_lines"]) - max(first, 0))


@njit
def room_for_grain(state, data):
    """Return whether CBUF has room for the grain in work; CDMA waits for it otherwise."""
    entries = data["req_grain"] * data["line_entries"]
    used = state["cbuf"]["data_used"] + data["reserved"] + entries
    if used > data["last_banks"] * state["cbuf_depth"]:
        data["waits_for_room"] = 1
        return False
    return True


@njit
def winograd_requests(state, data):
    """Queue requests in Winograd's order (CDMA_wg.v): 8 atoms of each line of a block, then the next 8.

    What is padding takes a cycle, but no memory. A surface of a block of four lines comes after the other.
    """
    while data["req_line"] < data["height"] and read_room(state, _DATA) > 0:
        start = data["req_surface"] == 0 and data["req_atom"] == 0 and data["req_row"] == 0
        if start and not room_for_grain(state, data):
            return
        size = min(REQUEST_ATOMS, data["width"] - data["req_atom"])
        line = data["req_line"] + data["req_row"] - data["pad_top"]
        if 0 <= line < data["real_lines"]:
            base = data["address"] + line * data["line_stride"] + data["req_surface"] * data["surface_stride"]
            beats = (size + state["cdma_beats_atoms"] - 1) // state["cdma_beats_atoms"]
            time = data["next_request"] + REQUEST_TO_READ
            address = (base + data["req_atom"]) * state["atom_bytes"]
            request_read(state, _DATA, address, beats, time, data["slot"])
        data["next_request"] += 1
        data["req_row"] += 1
        if data["req_row"] == WINOGRAD_LINES:
            data["req_row"] = 0
            data["req_atom"] += size
            if data["req_atom"] == data["width"]:
                data["req_atom"] = 0
                data["req_surface"] += 1
                data["next_request"] += data["pad_requests"]
                if data["req_surface"] == data["surfaces"]:
                    data["req_surface"] = 0
                    data["reserved"] += WINOGRAD_LINES * data["line_entries"]
                    data["req_line"] += WINOGRAD_LINES
