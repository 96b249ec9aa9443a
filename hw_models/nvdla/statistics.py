"""What an NVDLA counted, for the table of operations and the summary."""

from typing import Any

import numpy as np

from hw_models.nvdla.names import Client, Stall
from hw_models.nvdla.op import Unit

STALLS = tuple(stall.name.lower() for stall in Stall)
TRAFFIC = {  # kind of traffic -> (reads of, writes of) these clients
    "weights": ((Client.CDMA_WEIGHT,), ()),
    "features": ((Client.CDMA_DATA,), ()),
    "operands": ((Client.SDP_B, Client.SDP_N, Client.SDP_E), ()),
    "inputs": ((Client.SDP, Client.PDP, Client.CDP, Client.BDMA, Client.RUBIK), ()),
    "outputs": ((), tuple(Client)),
}


def peak_macs_per_cycle(state: np.void) -> int:
    return int(state["atomic_c"] * state["atomic_k"])


def op_row(op: np.void, record: np.void) -> dict[str, Any]:
    """Return what an operation was and moved, in the columns of ops.csv; stalls [cycles] by cause."""
    return {
        "kind": Unit(int(op["unit"])).name.lower(),
        "read_bytes": int(record["read_bytes"].sum()),
        "write_bytes": int(record["write_bytes"].sum()),
        **{f"stall_{name}_cycles": int(record["stall"][i]) for i, name in enumerate(STALLS)},
    }


def job_summary(records: np.ndarray) -> dict[str, Any]:
    """Return the bytes that a job's operations moved, and the cycles that the units waited, by cause."""
    return {
        "read_bytes": int(records["read_bytes"].sum()),
        "write_bytes": int(records["write_bytes"].sum()),
        "traffic_bytes": {
            kind: int(
                records["read_bytes"][:, list(reads)].sum() + records["write_bytes"][:, list(writes)].sum()
            )
            for kind, (reads, writes) in TRAFFIC.items()
        },
        "stall_cycles": {name: int(records["stall"][:, i].sum()) for i, name in enumerate(STALLS)},
    }
