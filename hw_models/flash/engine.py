"""The device's back end: dies, channel buses, transaction scheduling. Advances from event to event.

An event is: a command arrives, a die's array is done, a bus is free. Nothing else needs a time of its own,
because link and command times are known as soon as they start. Ties: die before bus within a channel,
channels by number, arrivals first.
"""

import numpy as np

from hw_models.flash.queues import gather, oldest, pop_ready, push_ready
from hw_models.flash.state import (
    BUS_COMMAND,
    BUS_DATA,
    BUS_IDLE,
    ERASE,
    ERASING,
    GC_READ,
    GC_WRITE,
    IDLE,
    MAP_READ,
    NONE,
    PERIOD_FS,
    PLANES,
    PROGRAMMING,
    READING,
    USER_WRITE,
    ZERO,
)
from hw_models.flash.waits import charge_bus, charge_die, settle, settle_bus
from hw_models.jit import inlined, njit
from hw_models.port import NEVER


@inlined
def move_data(state, c, i, now):
    """Start moving the read data of transaction ``i`` over the bus of channel ``c``."""
    channel = state["channel"][c]
    row = state["transaction"][i]
    charge_bus(state, c, i)
    time = state["data_setup_ps"] + row["bytes"] * state["bus_fs_per_byte"] // PERIOD_FS
    channel["bus"] = BUS_DATA
    channel["moving"] = i
    channel["until"] = now + time
    channel["master"] = row["master"]
    state["bus_busy_ps"] += time


@njit
def release_register(state, c, d, now):
    """The array of die ``d`` is done, its register is free: its pages wait for the bus of channel ``c``."""
    settle(state, d, now)
    die = state["die"][d]
    count = die["actives"]
    die["out"] = count
    die["actives"] = 0
    die["doing"] = IDLE
    state["ready"][d] = NEVER
    die["held"] = 0
    for k in range(count):
        push_ready(state, c, die["active"][k], now)


@inlined
def die_takes(state, d):
    """Whether die ``d`` could start a new array operation now, other dies of its chip aside."""
    die = state["die"][d]
    if die["doing"] != IDLE:
        return False
    return die["out"] == 0 or state["cache_read"] == 1


@inlined
def chip_takes(state, first):
    """Whether the chip whose first die is ``first`` is wholly idle and has something to do."""
    queued = 0
    for d in range(first, first + state["chip_dies"]):
        die = state["die"][d]
        if die["doing"] != IDLE or die["out"] > 0:
            return False
        queued += die["queued"]
    return queued > 0


@inlined
def can_suspend(state, d, now):
    """Whether a read should interrupt what die ``d`` is programming or erasing."""
    die = state["die"][d]
    return (
        state["suspend_ps"] >= 0
        and (die["doing"] == PROGRAMMING or die["doing"] == ERASING)
        and die["stoppeds"] == 0
        and die["queued_reads"] > 0
        and die["suspensions"] < state["max_suspensions"]
        and state["ready"][d] - now > state["suspend_worth_ps"]
    )


@njit
def suspend(state, d, now):
    """Stop what die ``d`` does; its transactions wait in `stopped`."""
    settle(state, d, now)
    die = state["die"][d]
    for k in range(PLANES):
        die["stopped"][k] = die["active"][k]
    die["stoppeds"] = die["actives"]
    die["stopped_doing"] = die["doing"]
    die["remaining"] = state["ready"][d] - now
    die["suspensions"] += 1
    die["actives"] = 0
    die["doing"] = IDLE
    state["ready"][d] = NEVER
    state["channel"][die["channel"]]["waiting"] += 1
    state["suspends"] += 1


@njit
def resume(state, d, now):
    settle(state, d, now)
    die = state["die"][d]
    for k in range(PLANES):
        die["active"][k] = die["stopped"][k]
    die["actives"] = die["stoppeds"]
    die["stoppeds"] = 0
    die["doing"] = die["stopped_doing"]
    die["master"] = state["transaction"][die["active"][0]]["master"]
    state["ready"][d] = now + die["remaining"]
    state["channel"][die["channel"]]["waiting"] -= 1


@inlined
def command(state, c, d, start, doing):
    """Send the gathered command to die ``d`` from ``start`` on."""
    die = state["die"][d]
    count = die["actives"]
    for k in range(count):
        charge_die(state, die["active"][k])
    die["master"] = state["transaction"][die["active"][0]]["master"]
    more = count - 1
    if doing == READING:
        end = start + state["read_command_ps"] + more * state["read_command_plane_ps"]
        state["ready"][d] = end + state["read_ps"]
        state["read_commands"] += 1
        if count > 1:
            state["multiplane_reads"] += 1
    elif doing == PROGRAMMING:
        end = start + state["program_command_ps"] + more * state["program_command_plane_ps"]
        for k in range(count):
            size = state["transaction"][die["active"][k]]["bytes"]
            time = size * state["bus_fs_per_byte"] // PERIOD_FS
            state["bus_busy_ps"] += time
            end += time
        state["ready"][d] = end + state["program_ps"]
    else:
        end = start + state["erase_command_ps"]
        state["ready"][d] = end + state["erase_ps"]
    if doing != READING:
        die["suspensions"] = 0
    die["doing"] = doing
    channel = state["channel"][c]
    channel["bus"] = BUS_COMMAND
    channel["until"] = end
    channel["master"] = die["master"]


@njit
def serve_die(state, c, d, now, start, first_class, last_class, doing):
    """Gather one command for die ``d`` and send it. Return whether there was anything to send."""
    settle(state, d, now)
    if gather(state, d, first_class, last_class) == 0:
        return False
    command(state, c, d, start, doing)
    return True


@njit
def serve_one_die(state, c, first, now, first_class, last_class, doing):
    """Send one command to that die of an idle chip which has the most urgent transaction.

    Return whether there was one.
    """
    lead, best = NONE, NONE
    for d in range(first, first + state["chip_dies"]):
        order = oldest(state, d, first_class, last_class)
        if order >= 0 and (lead == NONE or order < best):
            lead, best = np.int64(d), order
    return lead != NONE and serve_die(state, c, lead, now, now, first_class, last_class, doing)


@inlined
def serve_independent(state, c, d, now):
    """Give die ``d`` its next command, if it can take one. Return whether the bus was used."""
    die = state["die"][d]
    start = now
    if die["queued_reads"] > 0:
        if can_suspend(state, d, now):
            suspend(state, d, now)
            start = now + state["suspend_ps"]
        if die_takes(state, d):
            return serve_die(state, c, d, now, start, MAP_READ, GC_READ, READING)
        return False
    if die["stoppeds"] > 0 and die["doing"] == IDLE and die["out"] == 0:
        resume(state, d, now)
        return False
    if die["doing"] != IDLE or die["out"] > 0 or die["queued"] == 0:
        return False
    if die["head"][USER_WRITE] != NONE or die["head"][GC_WRITE] != NONE:
        return serve_die(state, c, d, now, now, USER_WRITE, GC_WRITE, PROGRAMMING)
    return serve_die(state, c, d, now, now, ERASE, ERASE, ERASING)


@inlined
def serve_chip(state, c, first, now):
    """Give the chip whose first die is ``first`` its next commands. Return whether the bus was used."""
    if state["independent_dies"] == 1:
        used = False
        for d in range(first, first + state["chip_dies"]):
            used = used or serve_independent(state, c, d, now)
        return used
    if not chip_takes(state, first):
        return False
    if serve_one_die(state, c, first, now, MAP_READ, GC_READ, READING):
        return True
    if serve_one_die(state, c, first, now, USER_WRITE, GC_WRITE, PROGRAMMING):
        return True
    return serve_one_die(state, c, first, now, ERASE, ERASE, ERASING)


@njit
def serve_channel(state, c, now):
    """The bus of channel ``c`` is idle: let one chip use it, in turn."""
    channel = state["channel"][c]
    if channel["waiting"] == 0:
        return
    for _ in range(state["chips"]):
        chip = channel["turn"]
        first = c * state["dies_per_channel"] + chip * state["chip_dies"]
        used = serve_chip(state, c, first, now)
        channel["turn"] = chip + 1 if chip + 1 < state["chips"] else 0
        if used:
            return


@njit
def next_use(state, c, now):
    """The bus of channel ``c`` is free: read data first, then commands.

    With cache reads it is the other way round: the short command that starts the next array read goes
    before the data of the last one, which it hides behind.
    """
    settle_bus(state, c, now)
    channel = state["channel"][c]
    channel["bus"] = BUS_IDLE
    channel["until"] = NEVER
    if state["cache_read"] == 1:
        serve_channel(state, c, now)
        if channel["bus"] != BUS_IDLE:
            return
    i = pop_ready(state, c)
    if i != NONE:
        move_data(state, c, i, now)
    elif state["cache_read"] == 0:
        serve_channel(state, c, now)


@njit
def schedule(state, c):
    """Set the time at which channel ``c`` has its next event.

    The end of a command is one only if something waits for the bus; else the bus is found idle later.
    """
    channel = state["channel"][c]
    time = NEVER
    if channel["bus"] == BUS_DATA or channel["waiting"] > 0:
        time = channel["until"]
    first = c * state["dies_per_channel"]
    for d in range(first, first + state["dies_per_channel"]):
        time = min(time, state["ready"][d])
    state["next"][c] = time


@njit
def serve_touched(state, now):
    """Look at every channel in whose queues something was put, if its bus is idle."""
    touched = state["touched"]
    state["touched"] = 0
    c = ZERO
    while touched:
        if touched & 1:
            channel = state["channel"][c]
            if channel["bus"] == BUS_IDLE or (channel["bus"] == BUS_COMMAND and channel["until"] <= now):
                next_use(state, c, now)
            schedule(state, c)
        touched >>= 1
        c += 1
