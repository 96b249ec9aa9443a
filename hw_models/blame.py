"""Who made whom wait, and why: one table per block, in cycles of that block.

A block's state carries ``("blame", np.int64, BLAME_SHAPE)`` and adds to it at the moment a wait is
known: ``state["blame"][victim, culprit, cause] += cycles``. Waits caused by the victim's own traffic are
charged to itself, so that the table sums to the whole measured delay.
"""

from enum import IntEnum

from hw_models.jit import njit
from hw_models.port import MASTERS


class Cause(IntEnum):
    ARBITRATION = 0  # lost a grant to another master
    QUEUE_FULL = 1  # the next queue on the way was full of others' requests
    MSHR_FULL = 2
    EVICTION = 3  # the line was there, and the culprit's fill threw it out
    BANK_BUSY = 4  # bank or port taken
    ROW_CONFLICT = 5  # the culprit opened another row
    BUS_BUSY = 6  # data bus taken
    TURNAROUND = 7  # read-to-write or write-to-read switch forced by the culprit
    REFRESH = 8
    REGULATION = 9  # held back by a bandwidth regulator


CAUSES = 10
BLAME_SHAPE = (MASTERS, MASTERS + 1, CAUSES)  # victim, culprit (last: refresh), cause


@njit
def most_of(shares, masters, victim):
    """Return the master with the largest share, another than the victim when there is one."""
    culprit = victim
    for m in range(masters):
        if m != victim and shares[m] > 0 and (culprit == victim or shares[m] > shares[culprit]):
            culprit = m
    return culprit
