"""State of the units behind the accumulator (SDP, PDP, CDP) and of the copy engines (BDMA, RUBIK)."""

from typing import Any

import numpy as np

SDP_STATE = np.dtype(
    [
        ("op", np.int64),
        ("slot", np.int64),
        ("busy", np.int64),
        ("in_pipe", np.int64),  # atoms taken from CACC and not yet on the bus
        # position of the next atom in the output cube
        ("surface", np.int64),
        ("line", np.int64),
        ("column", np.int64),
        ("gathered", np.int64),  # atoms of the write burst in work
        ("burst_address", np.int64),
        ("acks_left", np.int64),  # write bursts without response
        ("all_sent", np.int64),
    ]
)
PDP_STATE = np.dtype([("op", np.int64), ("slot", np.int64)])
CDP_STATE = np.dtype([("op", np.int64), ("slot", np.int64)])
COPY_STATE = np.dtype([("op", np.int64), ("slot", np.int64)])


def reset_post(state: Any) -> None:
    """Set what is not zero after reset."""
