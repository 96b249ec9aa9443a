"""Who gets the bus: one arbiter a bus, over masters. `rtl/arbiter.sv` is its twin, cycle by cycle.

``wants`` is a bit mask of the masters that could use the bus in this cycle. `pick` only looks; `granted`
moves the arbiter's state on. Both are what the interconnect runs and what the RTL is compared with.
"""

import numpy as np

from hw_models.bits import lowest
from hw_models.interconnect.names import TDM_SLOTS, Arbitration
from hw_models.jit import inlined
from hw_models.known import parameters
from hw_models.port import MASTERS

ROUND_ROBIN = Arbitration.ROUND_ROBIN.code
PRIORITY = Arbitration.PRIORITY.code
WEIGHTED = Arbitration.WEIGHTED.code
TDM = Arbitration.TDM.code

ARBITER = np.dtype(
    [
        ("kind", np.int64),
        ("units", np.int64),  # masters 0..units-1 take part
        ("last", np.int64),  # the latest winner; the search starts behind it
        ("priority", np.int64, (MASTERS,)),
        ("weight", np.int64, (MASTERS,)),
        ("credit", np.int64, (MASTERS,)),  # grants left in this round
        ("slot_cycles", np.int64),
        ("slots", np.int64),
        ("owner", np.int64, (TDM_SLOTS,)),
    ]
)
parameters("ARBITER", ARBITER, ["kind", "units"])


@inlined
def pick(arbiter, wants, now):
    """Return the master that wins cycle ``now``, -1 if none may."""
    kind = arbiter["kind"]
    if kind == TDM:
        owner = arbiter["owner"][now // arbiter["slot_cycles"] % arbiter["slots"]]
        return owner if wants >> owner & 1 else np.int64(-1)
    if wants and wants >> lowest(wants) == 1:
        return lowest(wants)
    best = np.int64(-1)
    unit = arbiter["last"]
    for _ in range(arbiter["units"]):
        unit += 1
        if unit >= arbiter["units"]:
            unit = np.int64(0)
        if wants >> unit & 1 == 0:
            continue
        if kind == ROUND_ROBIN or (kind == WEIGHTED and arbiter["credit"][unit] > 0):
            return unit
        if best < 0 or (kind == PRIORITY and arbiter["priority"][unit] > arbiter["priority"][best]):
            best = unit
    return best  # PRIORITY: the highest; WEIGHTED: nobody has credit, the first in turn opens a new round


@inlined
def granted(arbiter, unit):
    """Take note that ``unit`` won."""
    arbiter["last"] = unit
    if arbiter["kind"] == WEIGHTED:
        if arbiter["credit"][unit] == 0:
            for other in range(arbiter["units"]):
                arbiter["credit"][other] = arbiter["weight"][other]
        arbiter["credit"][unit] -= 1


@inlined
def next_turn(arbiter, unit, now):
    """Return when ``unit``'s next TDM slot after the present one begins, ``now`` for other arbiters."""
    if arbiter["kind"] != TDM:
        return now
    slot = now // arbiter["slot_cycles"]
    for ahead in range(1, arbiter["slots"] + 1):
        if arbiter["owner"][(slot + ahead) % arbiter["slots"]] == unit:
            return (slot + ahead) * arbiter["slot_cycles"]
    return now


@inlined
def fits_slot(arbiter, beats, now):
    """Tell whether a transfer begun now ends within the TDM slot: no slot is ever overrun."""
    return arbiter["kind"] != TDM or now % arbiter["slot_cycles"] + beats <= arbiter["slot_cycles"]
