"""What the engine counted."""

from typing import Any

import numpy as np


def op_row(op: np.void, record: np.void) -> dict[str, Any]:
    """Return what a product was and moved."""
    return {
        "kind": "matrix_vector",
        "macs": int(op["rows"] * op["row_beats"] * 8),
        "cycles": int(record["end"] - record["start"]),
        "read_bytes": int(record["read_bytes"]),
        "write_bytes": int(record["write_bytes"]),
        "stall_place_cycles": int(record["place_stall"]),
    }
