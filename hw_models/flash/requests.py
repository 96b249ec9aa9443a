"""Requests of the host: their pages, their places in the device, their completion."""

from hw_models.flash.link import fetch_command, occupy, send_up
from hw_models.flash.state import REQUESTS, ZERO
from hw_models.jit import inlined, njit


@njit
def pages_of(state, address, size):
    """Return how many pages the ``size`` bytes from ``address`` on touch."""
    bits = state["page_bits"]
    return (address + size - 1 >> bits) - (address >> bits) + 1


@njit
def room(state, address, size):
    """Whether there are rows for one more request of ``size`` bytes, with the worst case of mapping work."""
    return (
        state["free_requests"] > 0
        and state["arrived_count"] < REQUESTS
        and state["free_transactions"] >= 4 * pages_of(state, address, size) + 64
    )


@njit
def submit(state, now, address, size, write, master, stream, tag, issued):
    """Ring the doorbell for one request at ``now``. The caller has checked `room`. Return its row."""
    i = state["free_request"]
    row = state["request"][i]
    state["free_request"] = row["next"]
    state["free_requests"] -= 1
    row["address"] = address
    row["bytes"] = size
    row["write"] = write
    row["master"] = master
    row["stream"] = stream
    row["tag"] = tag
    row["issued"] = issued
    row["submit"] = now
    row["arrival"] = fetch_command(state, now, size if write else ZERO, master)
    row["left"] = pages_of(state, address, size)
    row["version"] = 0
    state["arrived"][(state["arrived_head"] + state["arrived_count"]) % REQUESTS] = i
    state["arrived_count"] += 1
    state["requests"] += 1
    if write:
        state["write_bytes"] += size
    else:
        state["read_bytes"] += size
    return i


@inlined
def finish_request(state, r, now, time):
    """Complete request ``r``: all is there, and what was sent is across the link at ``time``."""
    row = state["request"][r]
    if row["write"] == 0 and state["forward_pages"] == 0:
        time = send_up(state, now, row["bytes"], row["master"])
    row["done"] = occupy(state, state["up"], now, time, state["completion_ps"], row["master"])
    state["done"][(state["done_head"] + state["done_count"]) % REQUESTS] = r
    state["done_count"] += 1


@inlined
def pop_done(state):
    """Take the oldest request that is done. Returns its row, to be given back with `free_request`."""
    r = state["done"][state["done_head"]]
    state["done_head"] = (state["done_head"] + 1) % REQUESTS
    state["done_count"] -= 1
    return r


@njit
def part_done(state, r, now, size):
    """One page of request ``r`` is there: ``size`` bytes for the host, 0 for a page of a write."""
    row = state["request"][r]
    time = now
    if size > 0 and state["forward_pages"] == 1:
        time = send_up(state, now, size, row["master"])
    row["left"] -= 1
    if row["left"] == 0:
        finish_request(state, r, now, time)


@njit
def free_request(state, r):
    """Give the row of a request whose completion was taken from `done` back."""
    state["request"][r]["next"] = state["free_request"]
    state["free_request"] = r
    state["free_requests"] += 1
