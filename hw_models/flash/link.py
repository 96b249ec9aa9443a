"""The link between host and device: packets, and two directions, each used by one message at a time."""

from hw_models.flash.state import PERIOD_FS
from hw_models.jit import inlined, njit


@njit
def wire_ps(state, size):
    """Return how long ``size`` bytes of payload occupy the link, packet overheads included."""
    payload = state["link_payload"]
    packets = (size + payload - 1) // payload
    return (size + packets * state["link_overhead"]) * state["link_fs_per_byte"] // PERIOD_FS


@njit
def occupy_up(state, now, time):
    """Use the link to the host for ``time`` once it is free, from ``now`` on; return when that is over."""
    state["up_free"] = max(now, state["up_free"]) + time
    return state["up_free"]


@njit
def send_up(state, now, size):
    """Send ``size`` bytes to the host once the link is free, from ``now`` on; return when they are there."""
    return occupy_up(state, now, wire_ps(state, size))


@inlined
def send_down(state, now, size):
    start = max(now, state["down_free"])
    state["down_free"] = start + wire_ps(state, size)
    return state["down_free"]


@inlined
def fetch_command(state, now, size_written):
    """Return when the device has the command whose doorbell is rung at ``now``, and the data of a write.

    Doorbell down, fetch request up (behind data on its way), command down. Doorbells and commands are
    some tens of bytes: they take their time but do not queue behind write data.
    """
    time = occupy_up(state, now + state["doorbell_ps"], state["fetch_ps"]) + state["command_ps"]
    if size_written > 0:
        time = occupy_up(state, time, state["fetch_ps"])
        time = send_down(state, time, size_written)
    return time + state["controller_ps"]
