"""When the last of a kernel's tiles ends, if each goes to the processor that is free first. Numba."""

import numpy as np

from hw_models.jit import njit


@njit
def makespan(work, repeats, processors):
    """Return when the last tile ends: ``work`` tiles in order, ``repeats`` times, on so many processors.

    work: (tiles,), in any unit; what is returned has the same. List scheduling, as a card's hardware does it:
    the next tile starts where the first processor falls free.
    """
    free = np.zeros(processors)  # a heap: free[0] is the least
    last = 0.0
    for _ in range(repeats):
        for amount in work:
            ends = free[0] + amount
            last = max(last, ends)
            place, child = 0, 1
            while child < processors:
                if child + 1 < processors and free[child + 1] < free[child]:
                    child += 1
                if free[child] >= ends:
                    break
                free[place] = free[child]
                place, child = child, 2 * child + 1
            free[place] = ends
    return last
