"""How a GPU keeps the state of a DRAM channel that is driven by a trace alone."""

import numpy as np

from hw_models.dram.state import BANKS, CHANNEL, GROUPS, PARENTS, SEGMENTS, TIMING
from hw_models.width import MASTERS
from simulator.cuda.hot import OF_TRACES
from simulator.cuda.layout import packed

_FLAG = 8  # a few bits: a mode, a shift, a rank, a master
_INDEX = 16  # of an entry or a bank, -1 none; or how many of them
_ROW = 32  # or a timing, or a count of what a trace asks for
assert max(BANKS, PARENTS) < 2**15
assert max(MASTERS, GROUPS, SEGMENTS) < 2**7
MOST_REQUESTS = 2**30  # of a trace: each is given an age, or two

_REQUEST = dict.fromkeys(("write", "master", "stream", "time", "issued"), _FLAG)  # the last three stay 0
BITS = {
    **dict.fromkeys(("ranks", "groups", "segments", "meets", "deep", "refused", "owed", "down"), _FLAG),
    **dict.fromkeys(("burst_shift", "bank_shift", "row_shift", "column_shift", "chosen"), _FLAG),
    **dict.fromkeys(("writing", "writing_next", "scanned"), _FLAG),
    **dict.fromkeys(("capacity", "high", "low", "size", "pending", "waiting", "oldest", "youngest"), _INDEX),
    **dict.fromkeys(("free_count", "free_parents", "done_head", "done_count", "log_count"), _INDEX),
    **dict.fromkeys(("chosen_entry", "chosen_bank", "turn"), _INDEX),
    **dict.fromkeys(("asking", "first", "addresses", "rows", "in_line"), _INDEX),
    **dict.fromkeys(("first_order",), _ROW),
    "t": {name: _ROW for name in TIMING.names or () if name != "gap"},
    "entries": {
        **dict.fromkeys(("write", "master", "seen", "culprit"), _FLAG),
        **dict.fromkeys(("order", "row", "column", "row_cycles"), _ROW),
    },
    "banks": dict.fromkeys(("rank", "group", "opener"), _FLAG) | {"count": _INDEX},
    "group": {"rank": _FLAG},
    "rank": {
        **dict.fromkeys(("oldest_act", "down", "sleepy"), _FLAG),
        **dict.fromkeys(("open_banks", "refresh_bank", "queued"), _INDEX),
    },
    "parents": {"left": _INDEX, "request": _REQUEST | {"bytes": _ROW, "tag": _ROW}},
}
ABSENT = ("bank_held", "snapshot", "blame", "log")  # of who waits for whom, and of commands: both left out
LAYOUT = packed(CHANNEL, BITS, ABSENT, OF_TRACES)
LEFT_OUT = tuple((name, CHANNEL[name]) for name in ABSENT)
# what a controller is, and one that has none of it: other kinds take other ways through the code
KINDS = (
    *("scheduler", "plain", "simple", "unified", "reserve", "guard", "page", "refresh_mode", "hold"),
    *("refresh_stops_all", "forward", "merge", "write_answer", "gated", "shared_bus", "masters", "log_on"),
)
WITHOUT = ("hit_cap", "down_after", "self_refresh_after")
INSIDE = {  # fields that say nothing once a run is over: they are not brought back
    *ABSENT,
    *("segment", "free", "entries", "free_parent", "parents", "banks", "group", "done"),
    *("asking_banks", "asking", "first", "first_time", "first_order", "addresses", "rows"),
    *("busy_banks", "soonest", "in_line", "movable"),
}


def known_of(state: np.void) -> tuple[tuple[str, int], ...]:
    """Return the fields of a channel's state that its kernel is compiled for, with their values."""
    kinds = [(name, int(state[name])) for name in KINDS]
    return (*kinds, *((name, 0) for name in WITHOUT if state[name] == 0))


def reported() -> np.ndarray:
    """Return which words of a channel's state are brought back."""
    shown = np.zeros(1, LAYOUT)
    for name in LAYOUT.names or ():
        if name not in INSIDE:
            shown[name] = np.frombuffer(b"\xff" * LAYOUT[name].itemsize, LAYOUT[name])[0]
    return np.flatnonzero(shown.view(np.int64))
