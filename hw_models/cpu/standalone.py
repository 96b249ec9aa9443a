"""A core in front of an ideal memory: one task behind the other."""

import numpy as np

from hw_models.cpu.block import advance, respond, start, take_done
from hw_models.cpu.build import build_core
from hw_models.cpu.params import Core
from hw_models.ideal.block import accept, free_at
from hw_models.ideal.block import advance as memory_advance
from hw_models.ideal.build import build as build_ideal
from hw_models.jit import njit
from hw_models.port import FIFO, FIFO_ROWS, front, pop


@njit
def run(state, tasks, ends, memory, fifos, max_cycles):
    """Start every task when the one before it is done. fifos: two FIFO rows. Their ends go to ``ends``.

    Returns the cycle at which all is done, -1 when it never will be.
    """
    out, responses = fifos[0], fifos[1]
    now, started = np.int64(0), 0
    while now < max_cycles:
        if started < tasks.size and start(state, tasks, started, now):
            started += 1
        wake = memory_advance(memory, now, responses)
        while responses["count"]:
            respond(state, front(responses), now)
            pop(responses)
        wake = min(wake, advance(state, tasks, now, out))
        task, _, cycle = take_done(state)
        if task >= 0:
            ends[task] = cycle
            wake = now + 1  # there is room for another task
            if task == tasks.size - 1:
                return now
        full = out["count"] + 2 > out["limit"]
        while out["count"] and front(out)["time"] <= now and accept(memory, front(out), now):
            pop(out)
            if full:
                wake = min(wake, now + 1)
        if out["count"]:
            wake = min(wake, max(now + 1, free_at(memory)))
        now = max(now + 1, min(wake, memory_advance(memory, now, responses)))
    return np.int64(-1)


def simulate(
    params: Core, timings: dict[str, int], tasks: np.ndarray, max_cycles: int = 10**10
) -> tuple[np.ndarray, np.void]:
    """Run ``tasks``; return the cycle at which each ends, and the core. Raises ValueError when it hangs.

    A beat of the memory is a line of the core.
    """
    fifos, ends = np.zeros(2, FIFO), np.zeros(len(tasks), np.int64)
    fifos["limit"] = [2, FIFO_ROWS]
    state = build_core(params, master=0, seed=1)[0]
    if run(state, tasks, ends, build_ideal(timings)[0], fifos, max_cycles) < 0:
        raise ValueError(f"no end after {max_cycles} cycles")
    return ends, state
