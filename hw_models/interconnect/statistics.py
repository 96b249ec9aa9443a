"""What an interconnect counted, for the summary."""

from typing import Any

import numpy as np


def interconnect_summary(state: np.void, cycles: int) -> dict[str, Any]:
    """Return requests and bytes, and the share of ``cycles`` in which each memory port's buses were busy."""
    channels = int(state["channels"])

    def share(name: str, bus: int) -> float:
        return int(state[name][bus]) / cycles if cycles else 0.0

    ports = {
        str(port): {
            f"{way}_utilization": share(name, port * channels + bus)
            for way, name, bus in (
                ("read_request", "busy_cycles", 0),
                ("write_request", "busy_cycles", channels - 1),
                ("read_response", "back_busy_cycles", 0),
                ("write_response", "back_busy_cycles", channels - 1),
            )
        }
        for port in range(int(state["ports"]))
    }
    counts = {name: int(state[name].sum()) for name in ("reads", "writes", "read_bytes", "write_bytes")}
    return counts | {"ports": ports}
