"""Work for a core: memory streams and arithmetic, interleaved evenly. Layers and co-runners alike."""

from enum import IntEnum

import numpy as np

FRAME_SHIFT = 12  # log2 of a page frame


class Pattern(IntEnum):
    STREAM = 0  # reads [read_address, +read_bytes) and writes [write_address, +write_bytes) in order
    CHASE = 1  # dependent reads at random lines of the footprint: one in flight
    RANDOM = 2  # independent reads and writes at random lines of the footprint


TASK = np.dtype(
    [
        ("pattern", np.int64),
        ("read_address", np.int64),
        ("read_bytes", np.int64),  # for CHASE and RANDOM: the footprint
        ("write_address", np.int64),
        ("write_bytes", np.int64),
        ("compute_cycles", np.int64),  # of the core's clock, spread evenly over the lines touched
        ("passes", np.int64),  # how often the range is walked; 0: for ever
        ("rate_bytes_per_s", np.int64),  # upper limit of traffic; 0: none
        ("jitter_cycles", np.int64),  # a line takes at random up to so much more, the first one is random
        ("busy_fs", np.int64),  # duty: active for busy_fs, then idle for idle_fs; 0: always active
        ("idle_fs", np.int64),
        ("layer", np.int64),
        ("frame_bits", np.int64),  # log2 of the frames that pages lie in at random; 0: in a row
        ("frame_key", np.int64),  # which permutation
        # rows of the table behind this one that say where it reads, their `read_address` and `read_bytes`, in
        # order, once; 0: at its own. Its own `read_bytes` are all of theirs
        ("runs", np.int64),
    ]
)
