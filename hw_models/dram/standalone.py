"""Channels driven by a trace: the loop of `dlasim trace dram`.

One request a cycle may enter, in order; a request that finds no room blocks those behind it; the
controller sends its command before it takes a request.
"""

import numpy as np

from hw_models.dram.block import admit, busy, catch_up, drop_answer, wake
from hw_models.dram.params import Dram
from hw_models.dram.state import LOG
from hw_models.jit import njit
from hw_models.port import REQUEST

TRACE = np.dtype([("address", np.int64), ("write", np.int64), ("cycle", np.int64)])
PROGRESS = np.dtype(
    [
        ("request", np.int64),  # next to enter
        ("now", np.int64),
        ("logged", np.int64),
        ("log_full", np.int64),
        ("end", np.int64),  # cycle after the last entry: from here each channel is drained
        ("shift", np.int64),  # address bits below the channel number
    ]
)


@njit
def send_due(state, log, progress, now):
    """Send what is due up to cycle ``now`` and copy the commands to ``log``."""
    while True:
        catch_up(state, now)
        if state["log_count"] == 0:
            return
        if progress["logged"] + state["log_count"] > log.size:
            progress["log_full"] = 1
            return
        for k in range(state["log_count"]):
            log[progress["logged"] + k] = state["log"][k]
        progress["logged"] += state["log_count"]
        state["log_count"] = 0


@njit
def collect(state, done, now):
    """Note the answers that are known, or, where answers end a request's stay, those given by ``now``."""
    while state["done_count"] > 0:
        row = state["done"][state["done_head"]]
        if state["hold"] == 1 and row["time"] > now:
            return
        done[row["tag"]] = row["time"]
        drop_answer(state)


@njit
def run(states, trace, request, accepted, done, log, progress):
    """Run ``trace`` from where ``progress`` stands; cycles of entry and of the answer go to the two arrays.

    ``progress["log_full"]`` says that ``log`` has no room: call again with a larger one. After the last
    request the channels are drained one after the other.
    """
    now = progress["now"]
    i = progress["request"]
    progress["log_full"] = 0
    while i < trace.size + states.size:
        state = states[i - trace.size] if i >= trace.size else states[0]
        if i < trace.size:
            row = trace[i]
            now = max(now, row["cycle"] + 1)
            request["address"] = row["address"]
            request["write"] = row["write"]
            request["tag"] = i
            state = states[row["address"] >> progress["shift"] & states.size - 1]
        if state["stale"] == 0 or state["next"] <= now or i >= trace.size:
            send_due(state, log, progress, now)
        if progress["log_full"] == 1:
            break
        if i < trace.size and admit(state, request, now):
            accepted[i] = now
            collect(state, done, now)
            now += 1
            i += 1
            progress["end"] = now
            continue
        collect(state, done, now)
        if i >= trace.size and not busy(state) and state["done_count"] == 0:
            i += 1
            now = progress["end"]
        elif state["stale"] == 0:
            now = max(now + 1, wake(state))
        else:
            now = state["next"]
    progress["now"] = now
    progress["request"] = i


def drive(
    dram: Dram, states: np.ndarray, trace: np.ndarray, *, commands: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run ``trace`` (rows of TRACE) on built channels.

    Returns the cycles at which requests entered and were answered (-1: never, as no one waits for it), and
    the commands sent (rows of LOG, by channel; empty unless asked for).
    """
    accepted, done = np.full(trace.size, -1), np.full(trace.size, -1)
    request = np.zeros(1, REQUEST)[0]
    request["bytes"] = dram.burst_bytes
    progress = np.zeros(1, PROGRESS)[0]
    progress["now"], progress["shift"] = 1, dram.channel_shift
    states["log_on"] = commands
    log = np.zeros(4 * trace.size + 1024 if commands else 0, LOG)
    while True:
        run(states, trace, request, accepted, done, log, progress)
        if not progress["log_full"]:
            return accepted, done, log[: progress["logged"]]
        log = np.concatenate([log, np.zeros(log.size, LOG)])


def settle(states: np.ndarray, cycle: int) -> None:
    """Make up for idle time up to ``cycle``: refreshes of devices that nobody asked anything."""
    for state in states:
        catch_up(state, np.int64(cycle))
