"""The work of a replay: a head row, and one row a transaction, reads first, each channel in issue order.

Within a channel transactions go in order. One goes out at the latest of: ``gap`` cycles after the one before
it in its channel (the first: after the start), ``delay`` cycles after the end of each in ``after``, and
``turnaround`` cycles after its channel, having been full, has room again.
"""

import numpy as np

from hw_models.replay.names import PREDECESSORS

OP = np.dtype(
    [
        # of a transaction
        ("address", np.int64),
        ("bytes", np.int64),
        ("stream", np.int64),  # AXI id
        ("gap", np.int64),
        ("after", np.int64, (PREDECESSORS,)),  # rows behind the head; 0: no more
        ("delay", np.int64, (PREDECESSORS,)),
        # what became of it, cycles; -1: not yet
        ("issued", np.int64),
        ("done", np.int64),
        # of the head
        ("first", np.int64),  # how many rows behind it the first transaction is; of two below: reads, writes
        ("count", np.int64, (2,)),
        ("limit", np.int64, (2,)),  # in flight
        ("turnaround", np.int64, (2,)),
        # bookkeeping, no timing
        ("unit", np.int64),
        ("layer", np.int64),
        ("macs", np.int64),
        ("weights", np.int64),
        ("weight_bytes", np.int64),
        ("registers", np.int64),
    ]
)
