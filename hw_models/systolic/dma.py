"""The DMA: runs of bytes as bursts of whole beats, cut at multiples of the longest burst."""

from hw_models.jit import inlined
from hw_models.port import FIFO_ROWS


@inlined
def is_through(transfer):
    return transfer["line"] >= transfer["lines"]


@inlined
def next_burst(state, transfer):
    """Return (address, bytes) of the next burst of a transfer, and move on behind it."""
    port, burst = state["port_bytes"], state["burst_bytes"]
    begin = transfer["address"] + transfer["line"] * transfer["line_stride"]
    begin += transfer["pixel"] * transfer["pixel_stride"]
    end = -(-(begin + transfer["run"]) // port) * port
    at = begin // port * port + transfer["done"]
    size = min(end, (at // burst + 1) * burst) - at
    transfer["done"] += size
    if at + size == end:
        transfer["done"] = 0
        transfer["pixel"] += 1
        if transfer["pixel"] == transfer["pixels"]:
            transfer["pixel"] = 0
            transfer["line"] += 1
    return at, size


@inlined
def send(state, out, now, address, size, write):
    """Put a burst on the way out, which has room."""
    row = out["rows"][(out["head"] + out["count"]) % FIFO_ROWS]
    row["time"] = now
    row["address"] = address
    row["bytes"] = size
    row["write"] = write
    row["master"] = state["master"]
    row["stream"] = write
    row["tag"] = size
    row["issued"] = now
    out["count"] += 1
