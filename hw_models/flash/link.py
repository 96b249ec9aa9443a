"""The link between host and device: packets, and two directions, each used by one message at a time.

A message reserves its time as soon as it is known to come, behind those that did so before it. A link notes
whose reservations are still ahead, so that what a message waits is charged to those that it waits for.
"""

from hw_models.flash.state import LINK_ROWS, PERIOD_FS, Wait
from hw_models.flash.waits import add_wait
from hw_models.jit import inlined, njit

LINK_BUSY = int(Wait.LINK_BUSY)


@njit
def wire_ps(state, size):
    """Return how long ``size`` bytes of payload occupy the link, packet overheads included."""
    payload = state["link_payload"]
    packets = (size + payload - 1) // payload
    return (size + packets * state["link_overhead"]) * state["link_fs_per_byte"] // PERIOD_FS


@njit
def occupy(state, link, now, start, time, master):
    """Give ``link`` to ``master`` for ``time`` ps, from ``start`` on, once it is free. Return the end of it.

    ``now`` is at most ``start`` and never goes back. A link that waits idle for a message to come is held
    by it already: nobody else can have it before.
    """
    end = max(start, link["free"]) + time
    if state["masters"] > 0:
        charge(state, link, now, start, master)
        note(link, end, master)
    link["free"] = end
    return end


@njit
def charge(state, link, now, start, victim):
    """Charge what ``victim`` waits from ``start`` on to those that reserved ``link`` before."""
    while link["count"] > 0 and link["end"][link["head"]] <= now:
        link["head"] = (link["head"] + 1) % LINK_ROWS
        link["count"] -= 1
    for k in range(link["count"]):
        row = (link["head"] + k) % LINK_ROWS
        if link["end"][row] > start:
            add_wait(state, victim, link["master"][row], LINK_BUSY, link["end"][row] - start)
            start = link["end"][row]


@njit
def note(link, end, master):
    """Note that ``master`` has ``link`` until ``end``. In one row with its last, or if there is no other."""
    last = (link["head"] + link["count"] - 1) % LINK_ROWS
    if link["count"] == 0 or (link["master"][last] != master and link["count"] < LINK_ROWS):
        last = (link["head"] + link["count"]) % LINK_ROWS
        link["count"] += 1
        link["master"][last] = master
    link["end"][last] = end


@njit
def send_up(state, now, size, master):
    """Send ``size`` bytes to the host once the link is free; return when they are there."""
    before = max(now, state["up"]["free"])
    end = occupy(state, state["up"], now, now, wire_ps(state, size), master)
    state["link_busy_ps"] += end - before
    return end


@inlined
def fetch_command(state, now, size_written, master):
    """Return when the device has the command whose doorbell is rung at ``now``, and the data of a write.

    Doorbell down, fetch request up (behind data on its way), command down. Doorbells and commands are
    some tens of bytes: they take their time but do not queue behind write data.
    """
    start = now + state["doorbell_ps"]
    time = occupy(state, state["up"], now, start, state["fetch_ps"], master) + state["command_ps"]
    if size_written > 0:
        time = occupy(state, state["up"], now, time, state["fetch_ps"], master)
        time = occupy(state, state["down"], now, time, wire_ps(state, size_written), master)
    return time + state["controller_ps"]
