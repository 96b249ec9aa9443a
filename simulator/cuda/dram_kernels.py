"""What a thread does for one channel of one memory: make its state, drive it, say how it ended."""

import numpy as np

from hw_models.dram.standalone import run
from hw_models.jit import njit

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
def serve(number, state, jobs, traces, requests, progress, accepted, done, log):
    """Drive a channel with its trace, or as far as its memory's last channel went."""
    job = jobs[number]
    first, last, times = job["first"], job["last"], job["times"]
    run(
        state,
        traces[first:last],
        requests[number],
        accepted[times : times + last - first],
        done[times : times + last - first],
        log,
        progress[number],
    )


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
