"""What a systolic array counted, for the table of operations and the summary."""

from typing import Any

import numpy as np

from hw_models.systolic.state import Stall

STALLS = tuple(stall.name.lower() for stall in Stall)


def peak_macs_per_cycle(state: np.void) -> int:
    return int(state["rows"] * state["columns"])


def op_row(op: np.void, record: np.void) -> dict[str, Any]:
    """Return what an operation was and moved, in the columns of ops.csv; stalls [cycles] by cause."""
    return {
        "kind": "fc" if op["out_width"] * op["out_height"] == 1 else "conv",
        "read_bytes": int(record["input_bytes"] + record["weight_bytes"]),
        "write_bytes": int(record["output_bytes"]),
        **{f"stall_{name}_cycles": int(record["stall"][i]) for i, name in enumerate(STALLS)},
    }


def job_summary(records: np.ndarray) -> dict[str, Any]:
    """Return the bytes that a job's operations moved, and the cycles that the array waited, by cause."""
    moved = {
        "weights": int(records["weight_bytes"].sum()),
        "features": int(records["input_bytes"].sum()),
        "outputs": int(records["output_bytes"].sum()),
    }
    return {
        "read_bytes": moved["weights"] + moved["features"],
        "write_bytes": moved["outputs"],
        "traffic_bytes": moved,
        "stall_cycles": {name: int(records["stall"][:, i].sum()) for i, name in enumerate(STALLS)},
    }
