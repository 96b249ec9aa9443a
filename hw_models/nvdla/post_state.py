"""State of the units behind the accumulator (SDP, PDP, CDP) and of the copy engines (BDMA, RUBIK)."""

import numpy as np

SDP_STATE = np.dtype([("op", np.int64), ("slot", np.int64)])
PDP_STATE = np.dtype([("op", np.int64), ("slot", np.int64)])
CDP_STATE = np.dtype([("op", np.int64), ("slot", np.int64)])
COPY_STATE = np.dtype([("op", np.int64), ("slot", np.int64)])
