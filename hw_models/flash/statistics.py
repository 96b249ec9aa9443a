"""What a flash device counted, for the summary."""

from typing import Any

import numpy as np

from hw_models.flash.state import COUNTERS


def device_summary(state: np.void, busy_s: float) -> dict[str, Any]:
    """Return a device's counters, and its throughput over the ``busy_s`` in which it had a request."""
    counters: dict[str, Any] = {name: int(state[name]) for name in COUNTERS}
    moved = counters["read_bytes"] + counters["write_bytes"]
    return counters | {"busy_s": busy_s, "throughput_bytes_per_s": moved / busy_s if busy_s else 0.0}
