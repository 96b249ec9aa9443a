"""The DRAM-resident part of one layer's FFN matrix: rows by neuron, deleted and inserted as tokens pass.

Per layer, as in arXiv 2312.11514 section 3.3: `num_used` rows are valid; `pointer[row]` is the neuron in a
row (its bias moves with it); `last_used[neuron]` tells who was active in the last k tokens. Deleting
overwrites a row with the last one, inserting appends: nothing is allocated, nothing else is copied.
"""

import numpy as np

from hw_models.jit import njit

NO_STAMP = -2  # a step that needs nothing
LONG_AGO = -(2**40)  # last_used of a neuron that no token has needed yet

MANAGER = np.dtype(
    [
        ("num_used", np.int64),  # valid rows
        ("capacity", np.int64),  # rows that DRAM has room for
        ("window", np.int64),  # k: tokens whose neurons are kept
        ("window_now", np.int64),  # what it shrank to, so that the newest fit
        ("moved", np.int64),  # rows copied by deletions, so far
        ("inserted", np.int64),  # rows appended, so far
        ("streamed", np.int64),  # rows read from flash that found no room and are dropped after use, so far
    ]
)


@njit
def collect(flagged, stamp, stamped, slot_of, fresh, count):
    """Mark ``flagged`` neurons as needed by step ``stamp``; append those not in DRAM to fresh[count:].

    Return the new count. Several calls with one stamp collect the union over several tokens.
    """
    for i in range(flagged.size):
        neuron = flagged[i]
        if stamped[neuron] == stamp:
            continue
        stamped[neuron] = stamp
        if slot_of[neuron] < 0:
            fresh[count] = neuron
            count += 1
    return count


@njit
def survivors(manager, pointer, stamped, last_used, stamp, oldest):
    """Return how many resident rows are needed now or were needed after token ``oldest``."""
    kept = 0
    for row in range(manager["num_used"]):
        neuron = pointer[row]
        if stamped[neuron] == stamp or last_used[neuron] > oldest:
            kept += 1
    return kept


@njit
def settle(manager, pointer, slot_of, stamped, last_used, stamp, position, fresh, count):
    """Delete what left the window of ``position`` and append ``fresh[:count]``.

    The window shrinks, down to this token alone, until all fits; rows that still do not fit are streamed.
    """
    window = manager["window"]
    kept = survivors(manager, pointer, stamped, last_used, stamp, position - window)
    while kept + count > manager["capacity"] and window > 1:
        window -= 1
        kept = survivors(manager, pointer, stamped, last_used, stamp, position - window)
    manager["window_now"] = window
    oldest = position - window
    last = manager["num_used"] - 1
    row = 0
    while row <= last:
        neuron = pointer[row]
        if stamped[neuron] == stamp or last_used[neuron] > oldest:
            row += 1
            continue
        slot_of[neuron] = -1
        if row < last:
            moving = pointer[last]
            if stamped[moving] == stamp or last_used[moving] > oldest:
                pointer[row] = moving
                slot_of[moving] = row
                manager["moved"] += 1
                row += 1
            else:  # the last row leaves as well: drop it and look at this hole again
                slot_of[moving] = -1
        last -= 1
    manager["num_used"] = last + 1
    room = min(count, manager["capacity"] - manager["num_used"])
    for i in range(room):
        pointer[manager["num_used"]] = fresh[i]
        slot_of[fresh[i]] = manager["num_used"]
        manager["num_used"] += 1
    manager["inserted"] += room
    manager["streamed"] += count - room


@njit
def commit(flagged, position, last_used):
    """Note that token ``position`` was accepted and used ``flagged``."""
    for i in range(flagged.size):
        last_used[flagged[i]] = position


class ResidentRows:
    """The managers of all layers."""

    def __init__(self, capacity: np.ndarray, neurons: int, window: int):
        layers = capacity.size
        self.manager = np.zeros(layers, MANAGER)
        self.manager["capacity"] = capacity
        self.manager["window"] = window
        self.pointer = np.full((layers, neurons), -1, np.int64)
        self.slot_of = np.full((layers, neurons), -1, np.int64)
        self.stamped = np.full((layers, neurons), -1, np.int64)
        self.last_used = np.full((layers, neurons), LONG_AGO, np.int64)
        self.fresh = np.empty(neurons, np.int64)

    def load(self, layer: int, needs: list[np.ndarray], stamp: int, position: int) -> np.ndarray:
        """Bring in what the tokens of ``needs`` flag; return the neurons to read, in the order found."""
        count = 0
        for flagged in needs:
            count = collect(flagged, stamp, self.stamped[layer], self.slot_of[layer], self.fresh, count)
        settle(
            self.manager[layer],
            self.pointer[layer],
            self.slot_of[layer],
            self.stamped[layer],
            self.last_used[layer],
            stamp,
            position,
            self.fresh,
            count,
        )
        return self.fresh[:count]

    def trim(self, layer: int, position: int) -> None:
        """Drop what no accepted token of the window before ``position`` used: neurons of rejected tokens."""
        settle(
            self.manager[layer],
            self.pointer[layer],
            self.slot_of[layer],
            self.stamped[layer],
            self.last_used[layer],
            NO_STAMP,
            position - 1,
            self.fresh,
            0,
        )

    def accept(self, layer: int, flagged: np.ndarray, position: int) -> None:
        commit(flagged, position, self.last_used[layer])
