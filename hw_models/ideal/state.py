"""The rows of an ideal memory."""

import numpy as np

from hw_models.port import REQUEST

ROWS = 1024  # requests in work at most, each way
MEMORY = np.dtype(
    [
        ("beat_bytes", np.int64),
        ("read_latency", np.int64),
        ("write_latency", np.int64),
        ("read_interval", np.int64),
        ("write_interval", np.int64),
        ("shared_interval", np.int64),  # 0: reads and writes have their own bus
        ("read_head", np.int64),
        ("read_count", np.int64),
        ("read_done", np.int64),  # bytes of the head read already sent
        ("next_read_beat", np.int64),
        ("write_head", np.int64),
        ("write_count", np.int64),
        ("next_write_beat", np.int64),
        ("last_read_beat", np.int64),
        ("reads", np.int64),  # requests ever taken, and their bytes
        ("writes", np.int64),
        ("read_bytes", np.int64),
        ("write_bytes", np.int64),
        ("read_rows", REQUEST, (ROWS,)),  # `time`: first cycle at which its data may come
        ("write_rows", REQUEST, (ROWS,)),  # `time`: cycle of its response
    ]
)
