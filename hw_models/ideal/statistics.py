"""What an ideal memory counted, for the summary."""

from typing import Any

import numpy as np

COUNTERS = ("reads", "writes", "read_bytes", "write_bytes")


def memory_summary(state: np.void) -> dict[str, Any]:
    """Return requests and bytes."""
    return {name: int(state[name]) for name in COUNTERS}
