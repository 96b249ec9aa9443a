"""One matrix-vector product."""

import numpy as np

OP = np.dtype(
    [
        ("source", np.int64),  # address of the matrix, row by row
        ("target", np.int64),  # of the results, 8 B each
        ("vector", np.int64),
        ("rows", np.int64),
        ("row_beats", np.int64),  # of 8 B: of a row, and of the vector
    ]
)
