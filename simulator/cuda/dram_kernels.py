"""What a thread does for one channel of one memory: make its state, drive it, say how it ended."""

import numpy as np

from hw_models.dram.block import admit, alone_until, busy, choose_next, wake
from hw_models.dram.execute import execute
from hw_models.dram.standalone import collect
from hw_models.dram.state import STALE
from hw_models.jit import inlined, njit

JOB = np.dtype(
    [
        ("template", np.int64),  # row of the values of states
        ("first", np.int64),  # of its requests, in the traces
        ("last", np.int64),  # after its last request
        ("times", np.int64),  # where its times begin
        ("mates", np.int64),  # first job of its memory
        ("mates_end", np.int64),
    ]
)


@njit
def place(number, words, jobs, positions, values):
    """Make the state of a channel: zeros, but for the words at ``positions``."""
    row = jobs[number]["template"] * positions.size
    for k in range(positions.size):
        words[positions[k]] = values[row + k]


@njit
def serve(number, state, jobs, traces, requests, progress, accepted, done):
    """Drive a channel with its trace, or as far as its memory's last channel went.

    This is `hw_models.dram.standalone.run` without a log, in one loop: threads that step together are in
    the same part of it, and its code is there once.
    """
    job, request, reached = jobs[number], requests[number], progress[number]
    first, times = job["first"], job["times"]
    count = job["last"] - first
    i = reached["request"]
    drained, refused = i > count, False
    now = reached["until"] if drained else offer(traces, first, count, i, request, reached["now"])
    while True:
        if state["chosen_time"] == STALE and (refused or state["next"] <= now):
            choose_next(state)
        if refused:
            refused, now = False, max(now + 1, wake(state))
        if STALE < state["chosen_time"] <= now:
            execute(state, alone_until(state, now))
            if state["next"] <= now:
                continue
        if drained:
            return
        admitted = i < count and admit(state, request, now)
        collect(state, done[times : times + count], now)
        if admitted:
            accepted[times + i] = now
            i += 1
            reached["end"] = now + 1
            now = offer(traces, first, count, i, request, now + 1)
        elif i == count and not busy(state) and state["done_count"] == 0:
            reached["now"], reached["request"] = now, i + 1
            drained, now = True, reached["until"]
        else:
            refused = True


@inlined
def offer(traces, first, count, i, request, now):
    """Put down request ``i`` of a trace, if there is one. Return the cycle at which it wants to enter."""
    if i == count:
        return now
    row = traces[first + i]
    request["address"], request["write"], request["tag"] = row["address"], row["write"], i
    return max(now, row["cycle"] + 1)


@njit
def wait_for_mates(number, jobs, progress):
    """Have a channel stay idle until the last one of its memory has ended."""
    job = jobs[number]
    until = np.int64(0)
    for k in range(job["mates"], job["mates_end"]):
        until = max(until, progress[k]["end"])
    progress[number]["until"] = until


@njit
def report(number, words, positions, values):
    """Copy the words at ``positions`` of a channel's state."""
    for k in range(positions.size):
        values[number * positions.size + k] = words[positions[k]]
