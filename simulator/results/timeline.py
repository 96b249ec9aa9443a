"""Chrome trace events and bandwidth over time."""

from typing import Any

from hw_models.units import FS
from simulator.kernel.measure import BINS
from simulator.results.tracks import tracks
from simulator.soc.machine import Machine


def timeline(machine: Machine, ops: dict[str, Any]) -> list[dict[str, Any]]:
    """Return Chrome trace events: a slice an operation, a track a unit, more where its operations overlap."""
    on_track = tracks(ops)
    names = sorted(set(on_track))
    events: list[dict[str, Any]] = [
        {"ph": "M", "pid": 1, "tid": i, "name": "thread_name", "args": {"name": name}}
        for i, name in enumerate(names)
    ]
    for i, track in enumerate(on_track):
        stalls = {name: column[i] for name, column in ops.items() if name.startswith("stall_") and column[i]}
        events.append(
            {
                "ph": "X", "pid": 1, "tid": names.index(track), "name": f"{ops['layer'][i]} {ops['kind'][i]}",
                "ts": ops["start_s"][i] * 1e6, "dur": (ops["end_s"][i] - ops["start_s"][i]) * 1e6,
                "args": {"op": ops["op"][i], "macs": ops["macs"][i], "read_bytes": ops["read_bytes"][i],
                         "write_bytes": ops["write_bytes"][i], **stalls},
            }
        )  # fmt: skip
    return events


def bandwidth(machine: Machine) -> dict[str, list[float]]:
    """Return ``time_s`` (middle of the bin) and bytes/s of every master over time."""
    bin_fs = int(machine.system[0]["bin_fs"])
    used = min(BINS, -(-int(machine.system[0]["now_fs"]) // bin_fs) or 1)
    series: dict[str, list[float]] = {"time_s": [(i + 0.5) * bin_fs * FS for i in range(used)]}
    for name, measure in zip(machine.master_names, machine.measures):
        series[name] = [int(b) / (bin_fs * FS) for b in measure["traffic"][:used]]
    return series
