"""Traces in front of an ideal memory, one behind the other."""

import numpy as np

from hw_models.ideal.block import accept, free_at
from hw_models.ideal.block import advance as memory_advance
from hw_models.ideal.build import build as build_ideal
from hw_models.jit import njit
from hw_models.port import FIFO, FIFO_ROWS, front, is_full, pop
from hw_models.replay.block import advance, respond, start, take_done
from hw_models.replay.build import build
from hw_models.replay.params import Replay
from hw_models.replay.state import RECORD


@njit
def run(state, ops, records, memory, fifos, max_cycles):
    """Replay the traces whose heads are the first rows of ``ops``. fifos: three FIFO rows.

    Their records go to ``records``. Returns the cycle at which all is done, -1 when it never will be.
    """
    reads, writes, responses = fifos[0], fifos[1], fifos[2]
    now, started, done = np.int64(0), 0, 0
    while now < max_cycles:
        if started < records.size and start(state, ops, started, now):
            started += 1
        wake = memory_advance(memory, now, responses)
        while responses["count"]:
            respond(state, front(responses), now)
            pop(responses)
        wake = min(wake, advance(state, ops, now, reads, writes))
        op, slot, _ = take_done(state)
        if op >= 0:
            records[op] = state["records"][slot]
            done += 1
            wake = now + 1  # there is room for another trace
        if done == records.size:
            return now
        if is_full(reads) or is_full(writes):
            wake = min(wake, now + 1)
        while reads["count"] and accept(memory, front(reads), now):
            pop(reads)
        while writes["count"] and accept(memory, front(writes), now):
            pop(writes)
        if writes["count"]:
            wake = min(wake, max(now + 1, free_at(memory)))
        now = max(now + 1, min(wake, memory_advance(memory, now, responses)))
    return np.int64(-1)


def simulate(
    params: Replay, timings: dict[str, int], ops: np.ndarray, max_cycles: int = 10**10
) -> tuple[int, np.ndarray]:
    """Replay the traces; return the cycle of the end and a RECORD each. Raises ValueError when it hangs."""
    heads = np.flatnonzero(ops["first"])
    fifos, records = np.zeros(3, FIFO), np.zeros(len(heads), RECORD)
    fifos["limit"] = [1, 1, FIFO_ROWS]
    end = run(build(params)[0], ops, records, build_ideal(timings)[0], fifos, max_cycles)
    if end < 0:
        raise ValueError(f"no end after {max_cycles} cycles")
    return int(end), records
