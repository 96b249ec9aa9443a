"""SDP's read DMA: from the beats of one client to atoms in front of SDP.

A beat waits in the latency FIFO, atoms are gathered in fours, the four move together into four slots, and
one atom a cycle goes from the slots into the register in front of SDP. Slots and register take a second
item only in the cycle right after the first (vmod/plugins/pipe.pm). Times are computed as soon as they are
known: each stage's is the latest of what it waits for, and everything lies in the future of the beat.
"""

from hw_models.jit import njit
from hw_models.nvdla.mcif import read_room, request_read, return_credit
from hw_models.nvdla.post_state import ARRIVALS, GROUPS_WAITING, LONG_AGO
from hw_models.nvdla.post_timing import BEAT_TO_LATENCY_FIFO, POP_TO_READ, UNPACK_ATOMS
from hw_models.port import NEVER


@njit
def skid_reset(skid):
    skid["old_in"] = LONG_AGO
    skid["old_out"] = LONG_AGO
    skid["asked"] = LONG_AGO
    skid["new_in"] = LONG_AGO
    skid["new_out"] = LONG_AGO


@njit
def skid_accepts(skid, time):
    """Return the first cycle from ``time`` on at which an item is taken; NEVER: not yet known.

    It is not taken in a cycle before which the register stood still: `ready` is a flop.
    """
    if skid["old_out"] >= time:
        if skid["old_out"] == NEVER:
            return NEVER
        time = skid["old_out"] + 1
    if time > skid["new_in"] + 1 and skid["new_out"] >= time:
        if skid["new_out"] == NEVER:
            return NEVER
        time = skid["new_out"] + 1
    return time


@njit
def skid_push(skid, time):
    skid["old_in"] = skid["new_in"]
    skid["old_out"] = skid["new_out"]
    skid["asked"] = time
    skid["new_out"] = NEVER
    skid["new_in"] = NEVER if skid["old_out"] == NEVER else max(time, skid["old_out"])


@njit
def skid_front(skid):
    """Return the cycle from which the oldest item may be taken, NEVER when there is none."""
    if skid["old_out"] == NEVER:
        return skid["old_in"] + 1
    if skid["new_out"] == NEVER:
        return skid["new_in"] + 1
    return NEVER


@njit
def skid_pop(skid, time):
    if skid["old_out"] == NEVER:
        skid["old_out"] = time
        skid["new_in"] = max(skid["asked"], time)
    else:
        skid["new_out"] = time


@njit
def chain_start(state, chain, slot, lines, surfaces, line_atoms, time):
    """Begin a launch of ``lines`` requests of ``line_atoms`` a surface. The caller has set the rest."""
    chain["on"] = 1
    chain["slot"] = slot
    chain["line"] = 0
    chain["lines"] = lines
    chain["surface"] = 0
    chain["surfaces"] = surfaces
    chain["line_atoms"] = line_atoms
    chain["beat_atoms"] = max(1, state["dbb_bytes"] // state["atom_bytes"])
    chain["line_beats"] = (line_atoms * state["atom_bytes"] + state["dbb_bytes"] - 1) // state["dbb_bytes"]
    chain["next_request"] = time
    chain["arrive_column"] = 0
    chain["packed"] = 0
    chain["column"] = 0
    chain["beat_atom"] = 0
    chain["popped"] = LONG_AGO
    chain["moved"] = LONG_AGO
    chain["pending"] = 0
    for i in range(4):
        skid_reset(chain["slots"][i])
    skid_reset(chain["pipe"])
    chain["group_count"] = 0
    chain["select"] = 0
    chain["last_push"] = LONG_AGO
    chain["held"] = 0
    chain["free"] = LONG_AGO


@njit
def chain_request(state, chain, now):
    """Hand requests, a line each, to the memory interface while it has room."""
    while chain["surface"] < chain["surfaces"] and read_room(state, chain["client"]) > 0:
        address = chain["address"] + chain["surface"] * chain["surface_stride"]
        address += chain["line"] * chain["line_stride"]
        time = max(chain["next_request"], now)
        request_read(state, chain["client"], address, chain["line_beats"], time, chain["slot"])
        chain["next_request"] = time + 1
        chain["line"] += 1
        if chain["line"] == chain["lines"]:
            chain["line"] = 0
            chain["surface"] += 1


@njit
def chain_beat(chain, at):
    """Put a beat taken from AXI at ``at`` into the latency FIFO."""
    atoms = min(chain["beat_atoms"], chain["line_atoms"] - chain["arrive_column"])
    for _ in range(atoms):
        chain["time"][(chain["head"] + chain["count"]) % ARRIVALS] = at + BEAT_TO_LATENCY_FIFO
        chain["count"] += 1
    chain["arrive_column"] += atoms
    if chain["arrive_column"] == chain["line_atoms"]:
        chain["arrive_column"] = 0


@njit
def _gather(state, chain):
    """Pop atoms and pass groups on into the slots, as far as their times are known."""
    slots = chain["slots"]
    while True:
        if chain["pending"]:
            time = chain["pending_time"]
            settled = False
            while not settled:
                settled = True
                for i in range(chain["pending"]):
                    at = skid_accepts(slots[i], time)
                    if at == NEVER:
                        return
                    if at > time:
                        time = at
                        settled = False
            for i in range(chain["pending"]):
                skid_push(slots[i], time)
            chain["moved"] = time
            row = (chain["group_head"] + chain["group_count"]) % GROUPS_WAITING
            chain["group_size"][row] = chain["pending"]
            chain["group_count"] += 1
            chain["pending"] = 0
        if chain["count"] == 0:
            return
        time = max(chain["time"][chain["head"]], chain["popped"] + (chain["beat_atom"] == 0))
        if chain["packed"] == 0:
            time = max(time, chain["moved"])
        chain["head"] = (chain["head"] + 1) % ARRIVALS
        chain["count"] -= 1
        chain["popped"] = time
        chain["packed"] += 1
        chain["column"] += 1
        chain["beat_atom"] += 1
        line_end = chain["column"] == chain["line_atoms"]
        if line_end or chain["beat_atom"] == chain["beat_atoms"]:
            chain["beat_atom"] = 0
            return_credit(state, chain["client"], time + POP_TO_READ)
        if line_end:
            chain["column"] = 0
        if line_end or chain["packed"] == UNPACK_ATOMS:
            chain["pending"] = chain["packed"]
            chain["pending_time"] = time + 1
            chain["packed"] = 0


@njit
def chain_release(chain, time):
    """The atom in front leaves the slots at ``time``."""
    for i in range(chain["select"], chain["select"] + chain["unit"]):
        skid_pop(chain["slots"][i], time)
    chain["select"] += chain["unit"]
    if chain["select"] >= chain["group_size"][chain["group_head"]]:
        chain["select"] = 0
        chain["group_head"] = (chain["group_head"] + 1) % GROUPS_WAITING
        chain["group_count"] -= 1


@njit
def _slots_front(chain):
    """Return the cycle from which the next atom is complete in the slots, NEVER: not yet known."""
    if chain["group_count"] == 0:
        return NEVER
    time = LONG_AGO
    for i in range(chain["select"], min(chain["select"] + chain["unit"], 4)):
        time = max(time, skid_front(chain["slots"][i]))
    return time


@njit
def chain_advance(state, chain):
    """Move atoms as far towards SDP as their times are known."""
    while True:
        _gather(state, chain)
        time = _slots_front(chain)
        if time == NEVER or chain["per_kernel"]:
            return
        time = skid_accepts(chain["pipe"], max(time, chain["last_push"] + 1))
        if time == NEVER:
            return
        skid_push(chain["pipe"], time)
        chain["last_push"] = time
        chain_release(chain, time)


@njit
def chain_front(chain):
    """Return the cycle from which SDP may take the next atom, NEVER: not yet known."""
    if chain["per_kernel"]:
        time = _slots_front(chain)
        return NEVER if time == NEVER else time + 1
    return skid_front(chain["pipe"])


@njit
def chain_take(state, chain, time):
    """SDP takes the next atom at ``time``: what waits behind it moves up."""
    skid_pop(chain["pipe"], time)
    chain_advance(state, chain)
