"""Channels driven by a trace: the loop of `dlasim trace dram`.

Each channel has a front end of its own: one request a cycle may enter, in order; a request that finds no room
blocks those behind it; the controller sends its command before it takes a request.
"""

from typing import Any

import numpy as np

from hw_models.dram.block import admit, busy, choose_next, drop_answer, send_due, wake
from hw_models.dram.params import Dram
from hw_models.dram.state import LOG, STALE
from hw_models.jit import inlined, njit
from hw_models.port import REQUEST

TRACE = np.dtype([("address", np.int64), ("write", np.int64), ("cycle", np.int64)])
PROGRESS = np.dtype(
    [
        ("request", np.int64),  # next to enter
        ("now", np.int64),
        ("logged", np.int64),
        ("log_full", np.int64),
        ("end", np.int64),  # cycle after the last entry: from here the channel is drained
        ("until", np.int64),  # commands of idle time are sent up to here
    ]
)


@njit
def copy_log(state, log, progress):
    """Copy the commands sent to ``log``."""
    if progress["logged"] + state["log_count"] > log.size:
        progress["log_full"] = 1
        return
    for k in range(state["log_count"]):
        log[progress["logged"] + k] = state["log"][k]
    progress["logged"] += state["log_count"]
    state["log_count"] = 0


@inlined
def send(state, log, progress, now):
    """Send what is due up to cycle ``now`` and copy it to ``log``."""
    send_due(state, now)
    while state["log_count"] > 0 and progress["log_full"] == 0:
        copy_log(state, log, progress)
        send_due(state, now)


@njit
def collect(state, done, now):
    """Note the answers that are known, or, where answers end a request's stay, those given by ``now``."""
    while state["done_count"] > 0:
        answer = state["done"][state["done_head"]]
        p = answer["parent"]
        if state["hold"] == 1 and answer["time"] > now:
            return
        done[state["parents"][p]["request"]["tag"]] = answer["time"]
        drop_answer(state, p)


@njit
def run(state, trace, request, accepted, done, log, progress):
    """Run a channel's ``trace`` from where ``progress`` stands, then drain the channel.

    Cycles of entry and of the answer go to the two arrays. ``progress["log_full"]`` says that ``log`` has no
    room: call again with a larger one.
    """
    now = progress["now"]
    i = progress["request"]
    progress["log_full"] = 0
    while i <= trace.size:
        if i < trace.size:
            row = trace[i]
            now = max(now, row["cycle"] + 1)
            request["address"] = row["address"]
            request["write"] = row["write"]
            request["tag"] = i
        send(state, log, progress, now)
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
        else:
            if state["chosen_time"] == STALE:
                choose_next(state)
            now = max(now + 1, wake(state))
    progress["now"] = now
    progress["request"] = i
    if progress["log_full"] == 0:
        send(state, log, progress, progress["until"])


def drive(
    dram: Dram, states: np.ndarray, trace: np.ndarray, *, commands: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run ``trace`` (rows of TRACE) on built channels.

    Returns the cycles at which requests entered and were answered (-1: never, as no one waits for it), and
    the commands sent (rows of LOG, by channel; empty unless asked for).
    """
    request = np.zeros(1, REQUEST)[0]
    request["bytes"] = dram.burst_bytes
    progress = np.zeros(states.size, PROGRESS)
    progress["now"] = 1
    states["log_on"] = commands
    places = _places(dram, states.size, trace)
    traces = [trace[own] for own in places]
    times = [np.full((2, own.size), -1) for own in traces]
    logs = []
    for until in (0, 1):  # the second time to the last channel's end: idle channels refresh until then
        progress["until"] = until * progress["end"].max(initial=0)
        for number, state in enumerate(states):
            logs += _run_channel(state, traces[number], request, times[number], progress[number], commands)
    accepted, done = times[0]
    if states.size > 1:
        accepted, done = both = np.empty((2, trace.size), np.int64)
        for own, cycles in zip(places, times, strict=True):
            both[:, own] = cycles
    return accepted, done, np.concatenate(logs)


def _places(dram: Dram, channels: int, trace: np.ndarray) -> list[Any]:
    """Return where each channel's requests stand in ``trace``: a slice or indices."""
    if channels == 1:
        return [slice(None)]
    channel = trace["address"] >> dram.channel_shift & channels - 1
    return [np.flatnonzero(channel == number) for number in range(channels)]


def _run_channel(
    state: np.void,
    trace: np.ndarray,
    request: np.void,
    times: np.ndarray,
    progress: np.void,
    commands: bool,
) -> list[np.ndarray]:
    """Run one channel as far as it goes, (entry, answer) to ``times``; return its commands in pieces."""
    log = np.zeros(4 * trace.size + 1024 if commands else 0, LOG)
    pieces = []
    while True:
        progress["logged"] = 0
        run(state, trace, request, times[0], times[1], log, progress)
        pieces.append(log[: progress["logged"]].copy())
        if not progress["log_full"]:
            return pieces
