"""Channels driven by a trace: the loop of `dlasim trace dram`.

One request a cycle may enter, in order; a request that finds no room blocks those behind it; the
controller sends its command before it takes a request.
"""

import numpy as np

from hw_models.dram.build import channel_shift
from hw_models.dram.controller import accept, busy, catch_up, decide, drop_answer, execute, wake
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
        ("shift", np.int64),  # address bits below the channel number
    ]
)


@njit
def copy_log(state, log, progress, end):
    """Send what is due up to cycle ``end``, one command at a time, and keep each in ``log``."""
    while True:
        if state["stale"] == 1:
            decide(state)
        if state["chosen_time"] > end:
            return
        if progress["logged"] == log.size:
            progress["log_full"] = 1
            return
        execute(state)
        if state["log_count"] > 0:
            log[progress["logged"]] = state["log"][0]
            progress["logged"] += 1
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
def drain(state, done, log, progress, now):
    """Serve what is left in one channel."""
    while busy(state) or state["done_count"] > 0:
        if state["log_on"] == 1:
            copy_log(state, log, progress, now)
            if progress["log_full"] == 1:
                return
        catch_up(state, now)
        collect(state, done, now)
        now = max(now + 1, min(wake(state), now + 1_000_000))


@njit
def run(states, trace, request, accepted, done, log, progress):
    """Run ``trace`` from where ``progress`` stands; cycles of entry and of the answer go to the two arrays.

    ``progress["log_full"]`` says that ``log`` has no room: call again with a larger one.
    """
    now = progress["now"]
    i = progress["request"]
    progress["log_full"] = 0
    while i < trace.size:
        row = trace[i]
        if row["cycle"] + 1 > now:
            now = row["cycle"] + 1
        request["address"] = row["address"]
        request["write"] = row["write"]
        request["tag"] = i
        state = states[(row["address"] >> progress["shift"]) % states.size]
        while True:
            if state["log_on"] == 1:
                copy_log(state, log, progress, now)
                if progress["log_full"] == 1:
                    progress["now"] = now
                    progress["request"] = i
                    return
            if accept(state, request, now):
                break
            collect(state, done, now)
            now = max(now + 1, wake(state))
        accepted[i] = now
        collect(state, done, now)
        now += 1
        i += 1
    progress["now"] = now
    progress["request"] = i
    for k in range(states.size):
        drain(states[k], done, log, progress, now)
        if progress["log_full"] == 1:
            return


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
    progress["now"], progress["shift"] = 1, channel_shift(dram)
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
