"""One channel driven by a trace: the loop of `dlasim trace dram`.

One request a cycle may enter, in order; a request that finds no room blocks those behind it; the
controller sends its command before it takes a request.
"""

import numpy as np

from hw_models.dram.controller import accept, busy, catch_up, decide, drop_answer, execute, wake
from hw_models.jit import njit

TRACE = np.dtype([("address", np.int64), ("write", np.int64), ("cycle", np.int64)])
PROGRESS = np.dtype([("request", np.int64), ("now", np.int64), ("logged", np.int64), ("log_full", np.int64)])


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
def collect(state, done):
    while state["done_count"] > 0:
        row = state["done"][state["done_head"]]
        done[row["tag"]] = row["time"]
        drop_answer(state)


@njit
def run(state, trace, request, accepted, done, log, progress):
    """Run ``trace`` from where ``progress`` stands; cycles of entry and of the answer go to the two arrays.

    ``progress["log_full"]`` says that ``log`` has no room: call again with a larger one.
    """
    n = trace.size
    now = progress["now"]
    i = progress["request"]
    progress["log_full"] = 0
    while i < n:
        row = trace[i]
        if row["cycle"] + 1 > now:
            now = row["cycle"] + 1
        request["address"] = row["address"]
        request["write"] = row["write"]
        request["tag"] = i
        while True:
            if state["log_on"] == 1:
                copy_log(state, log, progress, now)
                if progress["log_full"] == 1:
                    progress["now"] = now
                    progress["request"] = i
                    return
            if accept(state, request, now):
                break
            if state["hold"] == 1:
                collect_due(state, done, now)
            later = wake(state)
            now = later if later > now else now + 1
        accepted[i] = now
        if state["hold"] == 1:
            collect_due(state, done, now)
        else:
            collect(state, done)
        now += 1
        i += 1
    progress["request"] = n
    while busy(state):
        progress["now"] = now
        if state["stale"] == 1:
            decide(state)
        if state["chosen_time"] > now:
            now = state["chosen_time"]
        if state["log_on"] == 1:
            copy_log(state, log, progress, now)
            if progress["log_full"] == 1:
                return
        catch_up(state, now)
        collect(state, done)
    collect(state, done)
    progress["now"] = now


@njit
def collect_due(state, done, now):
    while state["done_count"] > 0 and state["done"][state["done_head"]]["time"] <= now:
        row = state["done"][state["done_head"]]
        done[row["tag"]] = row["time"]
        drop_answer(state)
