"""Prefetchers: what a demand access lets the cache fetch ahead. A prefetch never takes the last MSHR."""

from hw_models.cache.miss import CLEAR, allocate, in_the_way
from hw_models.cache.names import STREAMS, Prefetch
from hw_models.cache.replacement import choose, find
from hw_models.jit import njit

NONE, NEXT_LINE, STRIDE = (kind.code for kind in Prefetch)
SURE = 2  # equal strides in a row before the stride prefetcher acts


@njit
def fetch_ahead(state, tags, line, master, discard, now, wires, down):
    """Fetch ``line`` if it is absent and nothing that it takes is scarce; else forget about it."""
    if line < 0:
        return
    set_row = tags[state["first_set"] + (line & state["set_mask"])]
    if find(state["policy"], set_row, line) >= 0:
        return
    way = choose(state["policy"], set_row, state["allowed"][master])
    if in_the_way(state, set_row, way, line, True, 1, master, wires, down) != CLEAR:
        return
    _, busy = allocate(state, set_row, way, line, master, True, discard, now, wires, down)
    set_row["prefetched"][way] = 1
    bank = state["bank"][line & (state["banks"] - 1)]
    bank["free"] = max(bank["free"], now) + state["overhead"] + 1 + busy
    state["prefetches"][master] += 1


@njit
def stride_of(table, line):
    """Return the stride that a stream has kept for a while, 0 if none."""
    step = line - table["last"]
    if step == 0:
        return 0
    if step == table["stride"]:
        table["confidence"] = min(table["confidence"] + 1, SURE)
    else:
        table["stride"] = step
        table["confidence"] = 1
    table["last"] = line
    return step if table["confidence"] == SURE else 0


@njit
def prefetch(state, tags, row, fresh, now, wires, down):
    """Act on a demand access; ``fresh``: it missed, or was the first use of a prefetched line."""
    master, stream = row["master"], row["stream"] % STREAMS
    line = row["address"] >> state["line_shift"]
    if state["prefetch"] == NEXT_LINE:
        step = 1 if fresh else 0
    else:
        step = stride_of(state["strides"][master, stream], line)
    if step == 0 or state["bypass"][master, stream]:
        return
    discard = state["discard"][master, stream]
    state["stream"], state["issued"] = row["stream"], row["issued"]
    for ahead in range(1, state["degree"] + 1):
        fetch_ahead(state, tags, line + ahead * step, master, discard, now, wires, down)
