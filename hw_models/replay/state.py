"""The rows of a replay: how far each channel is, and what is in flight."""

from enum import IntEnum

import numpy as np

from hw_models.replay.names import IN_FLIGHT

RECORDS = 2  # of the latest traces: one at work, one not yet told
SLOTS = 2 * IN_FLIGHT


class Stall(IntEnum):
    """What kept a transaction that was ready from going out."""

    PORT = 0  # the port was full
    LIMIT = 1  # as many in flight as there may be


STALLS = 2

RECORD = np.dtype(
    [
        ("op", np.int64),
        ("enabled", np.int64),
        ("start", np.int64),
        ("end", np.int64),
        ("read_bytes", np.int64),
        ("write_bytes", np.int64),
        ("stall", np.int64, (STALLS,)),
    ]
)

SLOT = np.dtype([("row", np.int64), ("write", np.int64), ("missing", np.int64), ("done", np.int64)])

# fields of two: reads, writes
REPLAY = np.dtype(
    [
        ("master", np.int64),
        # traces: `started` ever taken, `finished` ever done, `taken` of those told
        ("started", np.int64),
        ("finished", np.int64),
        ("taken", np.int64),
        ("records", RECORD, (RECORDS,)),
        # the one under way
        ("head", np.int64),  # its row
        ("left", np.int64),  # transactions without an answer
        ("next", np.int64, (2,)),  # row of the next to go out
        ("end", np.int64, (2,)),
        ("issued_at", np.int64, (2,)),  # when the last one went out
        ("room_at", np.int64, (2,)),  # from when there is room in flight
        ("in_flight", np.int64, (2,)),
        ("refused", np.int64, (2,)),  # 1 + Stall of what the next one was last refused for; 0: not yet
        ("refused_at", np.int64, (2,)),
        ("slots", SLOT, (SLOTS,)),  # in flight, by tag
        ("free", np.int64, (SLOTS,)),  # stack of free slots
        ("free_count", np.int64),
        ("answered", np.int64, (SLOTS,)),  # slots whose last answer has come since `advance` looked
        ("answered_count", np.int64),
    ]
)
