"""Compressed weights: the three streams that CDMA fetches (CDMA_wt.v).

Beside the weights that are not zero there are a mask (WMB, one bit a weight, in a CBUF bank of its own) and
the stored size of each kernel group (WGS).
"""

from hw_models.jit import aside, njit
from hw_models.nvdla.conv_state import SOURCES
from hw_models.nvdla.mcif import read_room, request_read
from hw_models.nvdla.names import Client
from hw_models.nvdla.timing import (
    COMPRESSED_DETOUR,
    REQUEST_ATOMS,
    REQUEST_TO_READ,
    WEIGHT_TURNS,
    WGS_BYTES,
    WGS_FIFO,
    WMB_TURNS,
)

_WEIGHT = int(Client.CDMA_WEIGHT)


@njit
def compressed_start(state, weight, op):
    """Take the mask and the sizes of a launch."""
    weight["next_request"] += COMPRESSED_DETOUR
    weight["mask_address"] = op["wmb"]
    weight["mask_bytes"] = op["wmb_bytes"]
    weight["mask_beats"] = (op["wmb_bytes"] + state["dbb_bytes"] - 1) // state["dbb_bytes"]
    weight["mask_capacity"] = state["cbuf_depth"] * state["cbuf_entry_bytes"] // state["dbb_bytes"]
    weight["mask_requested"] = 0
    weight["mask_received"] = 0
    weight["size_address"] = op["wgs"]
    weight["sizes_requested"] = 0
    weight["sizes_received"] = 0
    weight["turn"] = 0
    weight["source_count"] = 0


@njit
def compressed_requests(state, weight):
    """Queue requests of the three streams of compressed weights (CDMA_wt.v).

    Sizes of kernel groups (WGS) go first, an atom at a time; mask (WMB) and weights take turns by weight.
    """
    dbb, atom = state["dbb_bytes"], state["atom_bytes"]
    block = REQUEST_ATOMS * atom
    spare = block // state["atomic_c"] * atom // dbb
    while read_room(state, _WEIGHT) > 0:
        ahead = weight["sizes_requested"] - weight["group"] + atom // WGS_BYTES
        beats = min((block - weight["address"] % block) // dbb, weight["beats"] - weight["requested"])
        weights = beats > 0 and weight["held"] + beats <= weight["capacity"] + spare
        left = weight["mask_beats"] - weight["mask_requested"]
        bits = min((block - weight["mask_address"] % block) // dbb, left)
        mask = bits > 0 and weight["mask_held"] + bits <= weight["mask_capacity"]
        if weight["sizes_requested"] < weight["groups"] and ahead <= WGS_FIFO:
            source, beats, address = 2, 1, weight["size_address"]
            weight["size_address"] += atom
            weight["sizes_requested"] += atom // WGS_BYTES
        elif mask and (weight["turn"] < WMB_TURNS or not weights):
            source, beats, address = 1, bits, weight["mask_address"]
            weight["mask_address"] += bits * dbb
            weight["mask_requested"] += bits
            weight["mask_held"] += bits
            weight["turn"] += 1
        elif weights:
            source, address = 0, weight["address"]
            weight["address"] += beats * dbb
            weight["requested"] += beats
            weight["held"] += beats
            weight["turn"] = (max(weight["turn"], WMB_TURNS) + 1) % (WMB_TURNS + WEIGHT_TURNS)
        else:
            weight["waits_for_room"] = left > 0 or weight["requested"] < weight["beats"]
            return
        row = (weight["source_head"] + weight["source_count"]) % SOURCES
        weight["source"][row] = source
        weight["source_beats"][row] = beats
        weight["source_count"] += 1
        time = weight["next_request"] + REQUEST_TO_READ
        request_read(state, _WEIGHT, address, beats, time, weight["slot"])
        weight["next_request"] += 1


@aside
def take_source(state, weight):
    """Return which stream the next beat belongs to: 0 weights, 1 mask, 2 sizes; count it."""
    head = weight["source_head"]
    source = weight["source"][head]
    weight["source_beats"][head] -= 1
    if weight["source_beats"][head] == 0:
        weight["source_head"] = (head + 1) % SOURCES
        weight["source_count"] -= 1
    if source == 1:
        weight["mask_received"] += 1
    elif source == 2:
        weight["sizes_received"] += state["atom_bytes"] // WGS_BYTES
    return source


@njit
def decodable(state, weight, last):
    """Return whether mask and size of the next kernel group are in."""
    need = weight["mask_bytes"] if last else (weight["group"] + 1) * weight["mask_group_bytes"]
    return weight["mask_received"] * state["dbb_bytes"] >= need and weight["sizes_received"] > weight["group"]
