"""Whether a lane's next piece may go, and whom it waits for if it may not."""

import numpy as np

from hw_models.blame import Cause, most_of
from hw_models.interconnect.answers import beats_of, count_out
from hw_models.interconnect.arbiter import fits_slot, next_turn
from hw_models.interconnect.hub import hub_wait, is_release
from hw_models.interconnect.lanes import (
    waits_alone,
    waits_as_pair,
)
from hw_models.interconnect.regulator import held_until
from hw_models.interconnect.routes import bus_of, port_of_piece
from hw_models.interconnect.waits import claim, wait_for
from hw_models.jit import inlined
from hw_models.port import NEVER, front, is_full

ARBITRATION, QUEUE_FULL, REGULATION = int(Cause.ARBITRATION), int(Cause.QUEUE_FULL), int(Cause.REGULATION)


@inlined
def at_limit(state, i, name):
    """Tell whether lane ``i`` has as many pieces in flight as it may, or as the id may."""
    source = i >> 1
    return (
        state["lane_flight"][i] >= state["limit"][source]
        or state["id_flight"][i, name] >= state["id_limit"][source]
        or state["free_slot"] < 0
    )


@inlined
def is_port_full(state, write, port):
    """Tell whether as many pieces are in flight at a memory port as it takes."""
    limited = state["port_limited"] == 1
    return limited and state["port_flight"][write, port] >= state["port_limit"][write]


@inlined
def stands_from(state, i):
    """Return from when on lane ``i`` may stand first in its source's channel: its bus is free, too."""
    lane = state["lanes"][i]
    return max(lane["time"], state["bus_free"][bus_of(state, lane)], state["fifo_since"][i >> 1])


@inlined
def is_first(state, i, now):
    """Tell whether lane ``i`` stands first in the one channel of its source's reads and writes.

    Whoever could stand there first does; where both were there by then, they take turns.
    """
    source = i >> 1
    if state["fifo_head"][source] < 0:
        since, own = stands_from(state, i), i & 1
        if since > now:
            return False
        lane, other = state["lanes"][i], state["lanes"][i ^ 1]
        state["fifo_head"][source] = own
        if other["count"] > 0 and not is_release(state, source, 1 - own):
            since = min(since, stands_from(state, i ^ 1))
            if other["time"] <= since:
                state["fifo_head"][source] = state["write_turn"][source] if lane["time"] <= since else 1 - own
    return state["fifo_head"][source] == i & 1


@inlined
def waits_for_id(state, i, time, now):
    """Tell whether lane ``i``'s piece will wait at ``time`` for its id's last transaction, if it is first."""
    lane = state["lanes"][i]
    until = state["fifo_until"][i >> 1, lane["name"]]
    if until <= time:
        return False
    state["serialised"] |= until == NEVER
    wait_for(state, i, QUEUE_FULL, lane["master"], until, now)
    return True


@inlined
def keeps_order(state, i, now):
    """Tell whether lane ``i``'s piece waits for its turn in the channel or for its id's last transaction."""
    if is_first(state, i, now):
        return waits_for_id(state, i, now, now)
    wait_for(state, i, QUEUE_FULL, state["lanes"][i]["master"], NEVER, now)
    return True


@inlined
def has_own_wait(state, i, time):
    """Tell whether lane ``i``'s piece is there by ``time`` and waits for nobody else."""
    lane = state["lanes"][i]
    return lane["time"] <= time and lane["culprit"] == lane["master"]


@inlined
def take_turn_ahead(state, source, now):
    """Decide which of a source's lanes stands first once the bus is free, if it is sure that it stays then.

    Where both lanes wait, and no others, they take turns, but for lines that a cache releases. Nobody need
    look before it is that one's time.
    """
    reads, free = 2 * source, state["bus_free"][0]
    if not waits_as_pair(state, source) or is_release(state, source, 1) or state["lanes_due"] != free:
        return
    if not has_own_wait(state, reads, free) or not has_own_wait(state, reads + 1, free):
        return
    first = reads + state["write_turn"][source]
    if waits_for_id(state, first, free, now):
        state["awaited"] = 0
    elif state["lanes"][first]["retry"] == free or state["port_limited"]:
        return  # else the hub has no room for it
    state["fifo_head"][source] = first & 1
    wait_for(state, first ^ 1, QUEUE_FULL, state["lanes"][first ^ 1]["master"], NEVER, now)
    state["lanes_due"] = state["lanes"][first]["retry"]
    state["spared"] = free


@inlined
def stay_busy(state, i, now):
    """Note what holds lane ``i``'s piece up while its bus is busy, and then, as far as that is sure."""
    lane = state["lanes"][i]
    claim(state, i, now)
    lane["retry"] = lane["busy_until"]
    if state["trackers"] > 0 and hub_wait(state, i, port_of_piece(state, lane), lane["address"], now):
        return  # no need to look before the hub has room either
    if state["fifo"][i >> 1]:
        if state["fifo_head"][i >> 1] >= 0:
            keeps_order(state, i, now)  # nor before its turn
        elif waits_alone(state, i):
            waits_for_id(state, i, lane["busy_until"], now)  # whoever comes until then is looked at


@inlined
def stays(state, i, now):
    """Tell whether lane ``i``'s next piece cannot take its bus now, whatever there is room for; note why."""
    lane = state["lanes"][i]
    if lane["time"] > now:
        wait_for(state, i, QUEUE_FULL, lane["master"], lane["time"], now)
    elif is_release(state, i >> 1, i & 1):  # `take_turns` sends it
        wait_for(state, i, ARBITRATION, max(0, state["onward_owner"]), NEVER, now)
    elif state["bus_free"][bus_of(state, lane)] > now:
        stay_busy(state, i, now)
    else:
        return False
    return True


@inlined
def examine(state, i, now, wires, down):
    """Return 1 if lane ``i``'s next piece could take its bus now; 0 with the reason noted if it cannot."""
    if stays(state, i, now):
        return np.int64(0)
    lane = state["lanes"][i]
    source, write, port, size = i >> 1, i & 1, port_of_piece(state, lane), lane["size"]
    master, name, address = lane["master"], lane["name"], lane["address"]
    if state["fifo"][source] and keeps_order(state, i, now):
        return np.int64(0)
    if at_limit(state, i, name):
        count_out(state, now)  # only now: most of the time there is room without
        if at_limit(state, i, name):
            state["limited"] = 1
            return wait_for(state, i, QUEUE_FULL, master, NEVER, now)
    if is_port_full(state, write, port):
        count_out(state, now)
    if is_port_full(state, write, port):
        state["limited"] = 1
        culprit = most_of(state["port_share"][write, port], state["masters"], master)
        return wait_for(state, i, QUEUE_FULL, culprit, NEVER, now)
    if state["trackers"] > 0 and hub_wait(state, i, port, address, now):
        return np.int64(0)
    if state["ahead"] == 0 and is_full(wires["fifo"][down + port]):  # else it never is
        state["full"] = 1
        return wait_for(state, i, QUEUE_FULL, front(wires["fifo"][down + port])["master"], NEVER, now)
    until = held_until(state["regulation"], source, write, size, now)
    if until > now:
        return wait_for(state, i, REGULATION, master, until, now)
    # what holds if the arbiter passes it over: its TDM slot is still to come
    arbiter = state["arbiters"][bus_of(state, lane)]
    wait_for(state, i, ARBITRATION, master, next_turn(arbiter, source, now), now)
    return np.int64(fits_slot(arbiter, beats_of(state, source, size) if write else 1, now))
