"""What a core counted, for the summary."""

from typing import Any

import numpy as np


def core_summary(state: np.void) -> dict[str, Any]:
    """Return lines touched in the L1, tasks done, and cycles that the core waited for memory."""
    hits, misses = int(state["hits"]), int(state["misses"])
    return {
        "tasks": int(state["finished"]),
        "hits": hits,
        "misses": misses,
        "hit_rate": hits / (hits + misses) if hits + misses else 0.0,
        "stall_cycles": int(state["stall_cycles"]),
    }
