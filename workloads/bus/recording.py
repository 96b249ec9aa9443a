"""A recording: the transactions of one bus port with their times, and what waited for what."""

from dataclasses import dataclass

import numpy as np

from hw_models.replay.names import PREDECESSORS

UNKNOWN = -1  # of a time

# Times are cycles of the port's clock. A read is issued with its address, a write when its address and its
# first beat of data are offered; both are done when the last beat or the response is taken.
TRANSACTION = np.dtype(
    [
        ("write", np.int64),
        ("id", np.int64),
        ("address", np.int64),
        ("bytes", np.int64),
        ("issue", np.int64),  # offered
        ("accept", np.int64),  # taken by the bus: later than offered under back-pressure
        ("first", np.int64),  # first beat of data
        ("last", np.int64),
        ("done", np.int64),
        ("gap", np.int64),  # from the one before in its channel, at least; UNKNOWN: as the times say
        ("after", np.int64, (PREDECESSORS,)),  # numbers of transactions that end before; UNKNOWN: no more
        ("delay", np.int64, (PREDECESSORS,)),  # from the end of each
    ]
)


@dataclass
class Recording:
    transactions: np.ndarray  # (n,) TRANSACTION, by number
    has_dependencies: bool  # `after` is known

    @property
    def has_times(self) -> bool:
        """Tell whether it says when every transaction was issued and done."""
        rows = self.transactions
        return bool((rows["issue"] != UNKNOWN).all() and (rows["done"] != UNKNOWN).all())


def empty(count: int) -> np.ndarray:
    """Return ``count`` transactions of which nothing is known, shape (count,) TRANSACTION."""
    rows = np.zeros(count, TRANSACTION)
    for name in ("issue", "accept", "first", "last", "done", "gap", "after"):
        rows[name] = UNKNOWN
    return rows


def channels(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the reads and of the writes, each in the order of issue."""
    order = np.argsort(rows["issue"], kind="stable")
    written = rows["write"][order] == 1
    return order[~written], order[written]
