"""From a preset to an accelerator's state."""

import numpy as np

from hw_models.nvdla.modes import PRECISIONS
from hw_models.nvdla.names import OWNERS
from hw_models.nvdla.post_state import reset_post
from hw_models.nvdla.state import NVDLA
from hw_models.nvdla.timing import WINOGRAD_PIXELS
from hw_models.port import NEVER

LONG_AGO = -100  # cycle: every latency of the pipeline has passed since
READER_REQUESTS = 4  # of a client, waiting at the memory interface to be split into bursts [A]

NO_STATE = ("id_limit", *PRECISIONS)  # of a preset, not a field of the record


def build(preset: dict[str, int], master: int = 0) -> np.ndarray:
    """Return an array of one NVDLA record, idle after reset, for the fields of a preset."""
    states = np.zeros(1, NVDLA)
    state = states[0]
    for name, value in preset.items():
        if name not in NO_STATE:
            state[name] = value
    state["master"], state["patient"] = master, 1
    state["cdma_beats_atoms"] = preset["dbb_bytes"] // preset["atom_bytes"]
    state["mcif"]["last_beat"] = LONG_AGO
    state["mcif"]["taken"] = LONG_AGO
    state["mcif"]["read_wake"] = state["mcif"]["write_wake"] = NEVER
    state["csc"]["busy_since"] = LONG_AGO
    state["wake"] = state["seldom"] = NEVER
    readers = state["mcif"]["readers"]
    readers["limit"], readers["credit"], readers["id_limit"] = READER_REQUESTS, -1, preset.get("id_limit", 0)
    state["cdma_data"]["last_banks"] = -1
    for unit in ("cdma_weight", "csc"):
        state[unit]["last_data_banks"] = state[unit]["last_weight_banks"] = -1
    state["cdma_data"]["accepted"] = state["cdma_weight"]["accepted"] = LONG_AGO
    for field in ("blocked", "blocked_before", "asked", "entered", "left"):
        state["cdma_data"][field] = LONG_AGO
    state["cbuf"]["data_release_time"][:] = NEVER
    stripe_pixels = WINOGRAD_PIXELS if preset["winograd"] else 1
    deep = 4 if preset["atomic_c"] >= 4 * preset["atomic_k"] else 2  # CACC_ABUF_DEPTH, CACC.h
    state["cacc"]["credits"] = deep * preset["atomic_k"] * stripe_pixels
    state["cacc"]["blocked_since"] = -1
    for client, part in OWNERS.items():
        readers["owner"][:, client] = part
    reset_post(state)
    return states
