"""The accelerator in front of an ideal memory: the loop that comparisons with the RTL and tests run."""

import numpy as np

from hw_models.ideal.block import accept, free_at
from hw_models.ideal.block import advance as memory_advance
from hw_models.ideal.build import build as build_ideal
from hw_models.jit import njit
from hw_models.nvdla.block import advance, respond, start
from hw_models.nvdla.build import build as build_state
from hw_models.nvdla.modes import check_modes
from hw_models.nvdla.state import DONES
from hw_models.port import FIFO, FIFO_ROWS, NEVER, front, pop


@njit
def run(state, ops, enables, memory, fifos, max_cycles):
    """Enable ``ops[i]`` at ``enables[i, 0]``, or ``enables[i, 1]`` cycles after launch ``i - 2`` is done.

    Whichever comes later, and no earlier than its register groups are free. fifos: three FIFO rows.
    Returns the cycle at which all is done, -1 when it never will be.
    """
    reads, writes, responses = fifos[0], fifos[1], fifos[2]
    now, launched = np.int64(0), np.int64(0)
    accelerator_next, memory_next = np.int64(0), NEVER
    while True:
        enable_next = NEVER
        if launched < ops.shape[0]:
            after = launched - 2
            if after < 0:
                enable_next = enables[launched, 0]
            elif state["done_count"] + state["done_pending"] > after:
                enable_next = max(
                    enables[launched, 0], state["done_time"][after % DONES] + enables[launched, 1]
                )
        write_next = NEVER
        if writes["count"]:
            write_next = max(now, free_at(memory))
        now = max(now, min(min(accelerator_next, memory_next), min(enable_next, write_next)))
        if now >= max_cycles:
            return -1
        if enable_next <= now and start(state, ops, launched, now):
            launched += 1
        memory_next = memory_advance(memory, now, responses)
        while responses["count"]:
            respond(state, front(responses), now)
            pop(responses)
        accelerator_next = advance(state, ops, now, reads, writes)
        while reads["count"] and accept(memory, front(reads), now):
            pop(reads)
            accelerator_next = (
                min(accelerator_next, now + 1) if state["mcif"][0]["read_full"] else accelerator_next
            )
        if writes["count"] and accept(memory, front(writes), now):
            pop(writes)
            if state["mcif"][0]["write_full"]:
                accelerator_next = min(accelerator_next, now + 1)
        memory_next = min(memory_next, memory_advance(memory, now, responses))
        if launched == ops.shape[0] and state["done_count"] == launched:
            return now


def simulate(preset, timings, ops, enables=None, max_cycles=10**10):
    """Run ``ops`` and return the state after the last interrupt; ValueError when it hangs."""
    check_modes(ops, preset)
    states = build_state(preset)
    memories = build_ideal(timings)
    fifos = np.zeros(3, FIFO)
    fifos["limit"] = [1, 1, FIFO_ROWS]
    if enables is None:
        enables = np.zeros((len(ops), 2), np.int64)
    end = run(states[0], ops, enables, memories[0], fifos, max_cycles)
    if end < 0:
        raise ValueError(f"no end after {max_cycles} cycles")
    return states[0]
