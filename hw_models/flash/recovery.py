"""What is left of a device when the power goes, and how it starts again from that."""

import numpy as np

from hw_models.flash.build import fresh_state
from hw_models.flash.collection import wipe
from hw_models.flash.ftl import block_at, recover
from hw_models.flash.params import Flash
from hw_models.flash.state import ERASES, ERASING, PAGE_WORDS
from hw_models.jit import njit


@njit
def cut_erase(state, memory, ppn):
    """The erase of the block of ``ppn`` stops halfway: it wore the block, and nothing in it can be read."""
    block = ppn // state["pages"]
    wipe(state, memory, block)
    memory[block_at(state, block) + ERASES] += 1


@njit
def lose_power(state, memory):
    """Leave in ``memory`` what the cells hold: cut erases leave nothing, cut programs nothing readable.

    With a protected write buffer, energy is left to finish the programs whose data is in it.
    """
    for d in range(state["dies_total"]):
        die = state["die"][d]
        if die["doing"] == ERASING:
            for k in range(die["actives"]):
                cut_erase(state, memory, state["transaction"][die["active"][k]]["ppn"])
        if die["stoppeds"] > 0 and die["stopped_doing"] == ERASING:
            for k in range(die["stoppeds"]):
                cut_erase(state, memory, state["transaction"][die["stopped"][k]]["ppn"])
    if state["buffer_writes"] == 1:
        for ppn in range(state["physical_pages"]):
            at = state["at_page"] + PAGE_WORDS * ppn
            memory[at] = abs(memory[at])


def cut_power(states: np.ndarray, memory: np.ndarray, params: Flash) -> np.ndarray:
    """Cut the power now and start the device again; return its new state. ``memory`` is repaired."""
    lose_power(states[0], memory)
    again = fresh_state(params)
    recover(again[0], memory)
    again[0]["now"] = states[0]["now"]
    return again
