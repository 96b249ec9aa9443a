"""What an interconnect counted, for the summary."""

from typing import Any

import numpy as np


def interconnect_summary(state: np.void, cycles: int) -> dict[str, Any]:
    """Return requests and bytes, and the share of its first cycles in which the buses of a port were busy.

    These are ``cycles``, or those until a bus is free again where more has been put on it already.
    """
    channels = int(state["channels"])

    def share(way: str, bus: int) -> float:
        span = max(cycles, int(state[f"{way}_free"][bus]))
        name = "busy_cycles" if way == "bus" else "back_busy_cycles"
        return int(state[name][bus]) / span if span else 0.0

    ports = {
        str(port): {
            f"{name}_utilization": share(way, port * channels + bus)
            for name, way, bus in (
                ("read_request", "bus", 0),
                ("write_request", "bus", channels - 1),
                ("read_response", "back", 0),
                ("write_response", "back", channels - 1),
            )
        }
        for port in range(int(state["ports"]))
    }
    counts = {name: int(state[name].sum()) for name in ("reads", "writes", "read_bytes", "write_bytes")}
    return counts | {"ports": ports}
