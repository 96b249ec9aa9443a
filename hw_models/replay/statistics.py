"""What a replay counted, for the table of operations and the summary."""

from typing import Any

import numpy as np

from hw_models.replay.state import Stall

STALLS = tuple(stall.name.lower() for stall in Stall)


def peak_macs_per_cycle(state: np.void) -> int:
    return 0


def op_row(op: np.void, record: np.void) -> dict[str, Any]:
    """Return what a trace moved, in the columns of ops.csv; stalls [cycles] by cause, reads' and writes'."""
    return {
        "kind": "trace",
        "read_bytes": int(record["read_bytes"]),
        "write_bytes": int(record["write_bytes"]),
        **{f"stall_{name}_cycles": int(record["stall"][i]) for i, name in enumerate(STALLS)},
    }


def job_summary(records: np.ndarray) -> dict[str, Any]:
    """Return the bytes that a job's traces moved, and the cycles that ready transactions waited, by cause."""
    moved = {"reads": int(records["read_bytes"].sum()), "writes": int(records["write_bytes"].sum())}
    return {
        "read_bytes": moved["reads"],
        "write_bytes": moved["writes"],
        "traffic_bytes": moved,
        "stall_cycles": {name: int(records["stall"][:, i].sum()) for i, name in enumerate(STALLS)},
    }


def transactions(ops: np.ndarray, records: np.ndarray) -> dict[str, Any]:
    """Return the transactions of a job's trace in the order of issue: cycles from the start of the trace."""
    rows = ops[1:]
    write = np.arange(len(rows)) >= ops["count"][0, 0]
    order = np.lexsort((write, rows["issued"]))
    start = records["start"][0]
    return {
        "transaction": np.arange(len(rows)),
        "write": write[order].astype(np.int64),
        "id": rows["stream"][order],
        "address": rows["address"][order],
        "bytes": rows["bytes"][order],
        "issue": rows["issued"][order] - start,
        "done": rows["done"][order] - start,
    }
