"""The rows of the engine: the product under way, its reads, sums and writes."""

import numpy as np

from hw_models.mac_engine.names import MOST_PLACES

RECORDS = 2  # of the latest products: one at work, one not yet told

RECORD = np.dtype(
    [
        ("op", np.int64),
        ("start", np.int64),
        ("end", np.int64),  # cycle of the last answer
        ("read_bytes", np.int64),
        ("write_bytes", np.int64),
        ("place_stall", np.int64),  # cycles in which no read went out because all places were taken
    ]
)

MAC_ENGINE = np.dtype(
    [
        ("master", np.int64),
        ("place_limit", np.int64),
        # products: `started` ever taken, `finished` ever done, `taken` of those told
        ("started", np.int64),
        ("finished", np.int64),
        ("taken", np.int64),
        ("records", RECORD, (RECORDS,)),
        # of the one under way
        ("asked", np.int64),  # bursts read: the vector, then the rows
        ("places", np.int64),  # free
        ("next_read", np.int64),  # from when a read may go
        ("blocked_since", np.int64),  # -1: there is a place
        ("here", np.int64),  # bytes of the oldest burst that have come
        ("read", np.int64),  # bursts that have come
        ("ready", np.int64, (MOST_PLACES,)),  # when each sum is in the queue, by its row % MOST_PLACES
        ("written", np.int64),
        ("next_write", np.int64),
        ("answered", np.int64),
        ("ended_at", np.int64),
    ]
)
