"""Long sequential reads without simulating each request: whole periods of the steady state are skipped.

A sequential stream soon repeats itself: after K more requests, some rows of planes further on, everything
in the device and the host is as before, D picoseconds later. `take_picture` writes down all that the future
depends on, with times relative to now and addresses relative to the next request. Two equal pictures mean
that what lies between them will happen again, so any whole number of periods can be added to clocks,
addresses and counters at once. Nothing is approximated: a test compares with the same stream read request
by request.
"""

import numpy as np

from hw_models.flash.device import next_event, step
from hw_models.flash.ftl import find
from hw_models.flash.host import next_thread, ring, start_request, take_done
from hw_models.flash.queues import place
from hw_models.flash.requests import room
from hw_models.flash.state import CLASSES, COUNTERS, GC_READ, NONE, ONE, REQUESTS, STATE, ZERO
from hw_models.jit import njit
from hw_models.port import NEVER

PICTURE_WORDS = 2**17  # room for 16384 transactions and everything else
COUNTER_COUNT = len(COUNTERS)
_FIELDS = dict(STATE.fields or {})
FIRST_COUNTER = _FIELDS[COUNTERS[0]][1] // 8  # positions in the record, in words


@njit
def ahead(time, now):
    """Return how far ahead ``time`` lies; all of the past is alike."""
    if time == NEVER:
        return -1
    return max(time - now, 0)


@njit
def put_transaction(state, picture, n, i, cursor, lpn):
    """Write what distinguishes transaction ``i`` from others of the stream; return the next free word."""
    row = state["transaction"][i]
    picture[n] = row["lpn"] - lpn
    picture[n + 1] = state["request"][row["request"]]["tag"] - cursor
    picture[n + 2] = row["bytes"]
    picture[n + 3] = row["die"]
    return n + 4


@njit
def put_list(state, picture, n, i, cursor, lpn):
    while i != NONE:
        n = put_transaction(state, picture, n, i, cursor, lpn)
        i = state["transaction"][i]["next"]
    picture[n] = NEVER
    return n + 1


@njit
def put_host(state, hosts, picture, n, now, cursor):
    row = hosts[0]
    picture[n] = ahead(row["lock_free"], now)
    picture[n + 1] = ahead(state["up"]["free"], now)
    picture[n + 2] = row["rung"] - cursor
    picture[n + 3] = row["completed"] - cursor
    n += 4
    for t in range(row["threads"]):
        picture[n] = ahead(row["time"][t], now)
        picture[n + 1] = row["request"][t] - cursor if row["request"][t] >= 0 else NEVER
        n += 2
    for j in range(1, min(row["depth"], row["completed"]) + 1):
        picture[n] = ahead(row["completion"][(row["completed"] - j) % REQUESTS], now)
        n += 1
    for j in range(state["arrived_count"]):
        request = state["request"][state["arrived"][(state["arrived_head"] + j) % REQUESTS]]
        picture[n] = ahead(request["arrival"], now)
        picture[n + 1] = request["tag"] - cursor
        n += 2
    return n


@njit
def take_picture(state, hosts, picture, now, cursor, lpn):
    """Write all that the future of a stream depends on; return the number of words."""
    n = put_host(state, hosts, picture, ZERO, now, cursor)
    for c in range(state["channels"]):
        channel = state["channel"][c]
        picture[n] = channel["bus"]
        picture[n + 1] = ahead(channel["until"], now)
        picture[n + 2] = channel["turn"]
        n += 3
        if channel["moving"] != NONE:
            n = put_transaction(state, picture, n, channel["moving"], cursor, lpn)
        for k in range(GC_READ + 1):
            n = put_list(state, picture, n, channel["head"][k], cursor, lpn)
    for d in range(state["dies_total"]):
        die = state["die"][d]
        picture[n] = die["doing"]
        picture[n + 1] = ahead(state["ready"][d], now)
        picture[n + 2] = die["actives"] * 4 + die["held"] * 2
        picture[n + 3] = die["out"]
        n += 4
        for k in range(die["actives"]):
            n = put_transaction(state, picture, n, die["active"][k], cursor, lpn)
        for k in range(CLASSES):
            n = put_list(state, picture, n, die["head"][k], cursor, lpn)
    picture[n : n + REQUESTS] = 0
    for r in range(REQUESTS):
        request = state["request"][r]
        if request["left"] > 0:
            picture[n + (request["tag"] - cursor) % REQUESTS] = request["left"]
    return n + REQUESTS


@njit
def same(picture, other, words):
    return np.array_equal(picture[:words], other[:words])


@njit
def later(time, delay):
    return time if time == NEVER else time + delay


@njit
def skip_host(state, hosts, delay, requests):
    """Move everything in the host ``delay`` ps and ``requests`` requests on."""
    row = hosts[0]
    row["lock_free"] += delay
    old = row["completion"].copy()
    for j in range(1, min(row["completed"], REQUESTS) + 1):
        at = (row["completed"] - j) % REQUESTS
        row["completion"][(at + requests) % REQUESTS] = old[at] + delay
    row["rung"] += requests
    row["completed"] += requests
    for t in range(row["threads"]):
        row["time"][t] = later(row["time"][t], delay)
        if row["request"][t] >= 0:
            row["request"][t] += requests


@njit
def skip_device(state, memory, delay, requests, size):
    """Move everything in the device ``delay`` ps and ``requests`` requests of ``size`` bytes on."""
    pages = requests * size // state["page_bytes"]
    state["now"] += delay
    state["up"]["free"] += delay
    for c in range(state["channels"]):
        channel = state["channel"][c]
        channel["until"] = later(channel["until"], delay)
        state["next"][c] = later(state["next"][c], delay)
    for d in range(state["dies_total"]):
        state["ready"][d] = later(state["ready"][d], delay)
    for r in range(REQUESTS):
        request = state["request"][r]
        if request["left"] > 0:
            request["address"] += requests * size
            request["tag"] += requests
            request["submit"] += delay
            request["arrival"] += delay
    for i in range(state["transaction"].size):
        row = state["transaction"][i]
        if row["request"] != NONE and row["ppn"] != NONE:
            row["lpn"] += pages
            place(state, i, find(state, memory, row["lpn"]))


@njit
def remember(words, totals):
    """Copy the counters of the record to ``totals``."""
    totals[:] = words[FIRST_COUNTER : FIRST_COUNTER + COUNTER_COUNT]


@njit
def skip_totals(words, totals, periods):
    """Add to the counters what ``periods`` more of what happened since ``totals`` add."""
    for w in range(COUNTER_COUNT):
        words[FIRST_COUNTER + w] += periods * (words[FIRST_COUNTER + w] - totals[w])


@njit
def stream_reads(state, memory, hosts, words, totals, pictures, base, size, count, skip, master):
    """Read ``count`` requests of ``size`` bytes, one after the other from address ``base`` on.

    Any free thread takes the next one. ``words`` is the record seen as int64; ``totals`` and ``pictures``
    are scratch (see `scratch`). ``skip`` 0 simulates every request. Return when the last thread is done.
    """
    row = hosts[0]
    row_bytes = state["planes_total"] * state["page_bytes"]
    earliest = np.zeros(1, np.int64)
    finished, cursor, stale, end = ZERO, ZERO, True, ZERO
    t, time = NONE, NEVER
    saved_words, saved_cursor, saved_time, looks, next_save = ZERO, ZERO, ZERO, ZERO, ONE
    while finished < count:
        if stale:
            t, time = next_thread(hosts, count, cursor, earliest)
            stale = False
        event = next_event(state)
        if t >= 0 and time < event:
            k = row["request"][t]
            if k < 0:
                if skip == 1 and cursor > 0 and cursor * size % row_bytes == 0:
                    lpn = (base + cursor * size) // state["page_bytes"]
                    n = take_picture(state, hosts, pictures[1], time, cursor, lpn)
                    looks += 1
                    if n == saved_words and same(pictures[0], pictures[1], n):
                        skip = 0
                        requests, delay = cursor - saved_cursor, time - saved_time
                        periods = (count - 1 - cursor) // requests
                        if periods > 0:
                            skip_totals(words, totals, periods)
                            skip_host(state, hosts, periods * delay, periods * requests)
                            skip_device(state, memory, periods * delay, periods * requests, size)
                            cursor += periods * requests
                            finished += periods * requests
                            time += periods * delay
                    elif looks == next_save:
                        next_save *= 2
                        pictures[0][:n] = pictures[1][:n]
                        saved_words, saved_cursor, saved_time = n, cursor, time
                        remember(words, totals)
                start_request(state, hosts, t, time, cursor, size)
                cursor += 1
                stale = True
                continue
            if room(state, base + k * size, size):
                ring(state, hosts, t, time, base + k * size, size, master)
                stale = True
                continue
        if event == NEVER:
            raise RuntimeError("flash: requests are left, but nothing is in flight")
        step(state, memory, event)
        while state["done_count"] > 0:
            time = take_done(state, hosts)[2]
            end = max(end, time)
            finished += 1
            stale = True
    return end


def scratch() -> tuple[np.ndarray, np.ndarray]:
    """Return (totals, pictures) for `stream_reads`."""
    return np.zeros(COUNTER_COUNT, np.int64), np.zeros((2, PICTURE_WORDS), np.int64)
