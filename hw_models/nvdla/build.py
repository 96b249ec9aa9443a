"""From a preset to an accelerator's state."""

import numpy as np

from hw_models.nvdla.names import OWNERS
from hw_models.nvdla.post_state import reset_post
from hw_models.nvdla.state import NVDLA, WRITES
from hw_models.port import NEVER


def build(preset: dict[str, int], master: int = 0) -> np.ndarray:
    """Return an array of one NVDLA record, idle after reset, for the fields of a preset."""
    states = np.zeros(1, NVDLA)
    state = states[0]
    for name, value in preset.items():
        if name != "id_limit":
            state[name] = value
    state["master"] = master
    state["cdma_beats_atoms"] = preset["dbb_bytes"] // preset["atom_bytes"]
    state["mcif"]["last_beat"] = -100
    state["mcif"]["taken"] = -100
    state["mcif"]["read_wake"] = state["mcif"]["write_wake"] = NEVER
    state["csc"]["busy_since"] = -100
    state["wake"] = NEVER
    readers, writers = state["mcif"]["readers"], state["mcif"]["writers"]
    readers["limit"], readers["credit"], readers["id_limit"] = 4, -1, preset.get("id_limit", 0)
    writers["limit"] = WRITES
    state["cdma_data"]["last_banks"] = -1
    for unit in ("cdma_weight", "csc"):
        state[unit]["last_data_banks"] = state[unit]["last_weight_banks"] = -1
    state["cdma_data"]["accepted"] = state["cdma_weight"]["accepted"] = -100
    for field in ("blocked", "blocked_before", "asked", "entered", "left"):
        state["cdma_data"][field] = -100
    state["cbuf"]["data_release_time"] = NEVER
    stripe_pixels = 4 if preset["winograd"] else 1  # a step in Winograd form is 4 pixels: CSC_sg.v [A]
    state["cacc"]["credits"] = 2 * preset["atomic_k"] * stripe_pixels
    state["cacc"]["blocked_since"] = -1
    for client, part in OWNERS.items():
        readers["owner"][:, client] = writers["owner"][:, client] = part
    reset_post(state)
    return states
