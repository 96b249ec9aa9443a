"""Rows of ops.csv gathered by layer: what plots, pages and the terminal tell of a run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.report.masters import in_order, shown_masters
from simulator.results.numbers import percent_text

UNSEEN = ("cpu_", "flash_")  # kinds of operation whose waits ops.csv does not have


@dataclass
class Layer:
    """One layer's operations together, of one frame."""

    name: str
    kind: str
    job: str = ""
    frame: int | None = None  # None: the job has one
    units: set[str] = field(default_factory=set)
    seconds: float = 0.0  # sum over its operations
    cycles: float = 0.0
    macs: float = 0.0
    peak_macs_per_s: float = 0.0
    read_bytes: float = 0.0
    write_bytes: float = 0.0
    stalls: dict[str, float] = field(default_factory=dict)  # cause -> cycles
    measured: bool = True  # whether what it waited for was

    @property
    def own_name(self) -> str:
        """Return its name without its job's, which is before it where there are several."""
        return self.name.removeprefix(f"{self.job}.")

    @property
    def total_bytes(self) -> float:
        return self.read_bytes + self.write_bytes

    @property
    def waited_for(self) -> str:
        """Return "weights 41 %, output 12 %": shares of the layer's cycles, most first."""
        stalls = sorted(self.stalls.items(), key=lambda item: (-item[1], item[0]))
        shares = [(name, value / self.cycles) for name, value in stalls if self.cycles and value > 0]
        said = ", ".join(f"{name} {percent_text(share)}" for name, share in shares[:3])
        return said or ("nothing" if self.measured else "not measured")


def layers_of(
    ops: Mapping[str, Sequence[Any]], workloads: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Layer]:
    """Return the layers in the order in which they first appear, of each job's slowest frame in ``ops``.

    ``workloads``: the summary's; it has the frames' latencies and what cores waited for memory.
    """
    columns = {name: (c.tolist() if hasattr(c, "tolist") else list(c)) for name, c in ops.items()}
    causes = {name: cause_of(name) for name in columns if name.startswith("stall_")}
    layers: dict[str, Layer] = {}
    jobs, frames = columns.get("job", []), slowest_frames(columns, workloads or {})
    several = len(set(jobs)) > 1
    for i, layer_name in enumerate(columns.get("layer", [])):
        job = jobs[i] if jobs else ""
        if frames and columns["frame"][i] != frames[job]:
            continue
        name = f"{job}.{layer_name}" if several else str(layer_name)
        layer = layers.setdefault(name, Layer(name, str(columns["kind"][i]), job, frames.get(job)))
        seconds = columns["end_s"][i] - columns["start_s"][i]
        layer.units.add(str(columns["unit"][i]))
        layer.seconds += seconds
        layer.cycles += columns["cycles"][i]
        layer.macs += columns["macs"][i]
        layer.read_bytes += columns["read_bytes"][i]
        layer.write_bytes += columns["write_bytes"][i]
        use = columns["mac_utilization"][i]
        if use and seconds:
            layer.peak_macs_per_s = max(layer.peak_macs_per_s, columns["macs"][i] / seconds / use)
        for column, cause in causes.items():
            layer.stalls[cause] = layer.stalls.get(cause, 0) + columns[column][i]
        if not str(columns["kind"][i]).startswith(UNSEEN) and "token" not in columns:
            continue
        waits = ((workloads or {}).get(job) or {}).get("core_waits_s", {})
        if layer_name in waits and seconds:
            layer.stalls["memory"] = waits[layer_name] * columns["cycles"][i] / seconds
        else:
            layer.measured = False
    return list(layers.values())


def slowest_frames(
    columns: Mapping[str, Sequence[Any]], workloads: Mapping[str, Mapping[str, Any]]
) -> dict[Any, int]:
    """Return job -> its frame of the longest latency among those in ``columns``, of several the first."""
    told: dict[Any, set[int]] = {}
    for job, frame in zip(columns.get("job", ()), columns.get("frame", ())):
        told.setdefault(job, set()).add(frame)
    found: dict[Any, int] = {}
    for job, frames in told.items():
        latencies = workloads.get(job, {}).get("frame_latency_s")
        found[job] = max(sorted(frames), key=lambda frame: latencies[frame]) if latencies else min(frames)
    return found


def frames_text(layers: Iterable[Layer]) -> str:
    """Return "frame 4 of detect, frame 0 of track": whose layers these are; "" if jobs have one each."""
    frames = {layer.job: layer.frame for layer in layers if layer.frame is not None}
    return ", ".join(f"frame {n}" + (f" of {job}" if len(frames) > 1 else "") for job, n in frames.items())


def cause_of(column: str) -> str:
    """Return "weight fetch" of "stall_weight_fetch_cycles"."""
    return column.removeprefix("stall_").removesuffix("_cycles").replace("_", " ")


def slowest(layers: list[Layer], count: int) -> list[Layer]:
    return sorted(layers, key=lambda layer: (-layer.seconds, layer.name))[:count]


def interference_matrix(summary: Mapping[str, Any]) -> tuple[list[str], list[str], list[list[float]]]:
    """Return victims that waited, culprits, and the seconds of delay (victims, culprits).

    Many masters are named as `shown_masters` says.
    """
    shown = shown_masters(summary)
    matrix = {victim: row for victim, row in summary.get("interference", {}).items() if row}
    culprits = list(dict.fromkeys(culprit for row in matrix.values() for culprit in row))
    delays_s: dict[str, dict[str, float]] = {}
    for victim in in_order(matrix, shown):
        row = delays_s.setdefault(shown.get(victim, victim), {})
        for culprit in in_order(culprits, shown):
            at = shown.get(culprit, culprit)
            row[at] = row.get(at, 0.0) + matrix[victim].get(culprit, {}).get("delay_s", 0.0)
    names = list(next(iter(delays_s.values()), {}))
    return list(delays_s), names, [[row[name] for name in names] for row in delays_s.values()]


def interference_pairs(summary: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """Return (victim, culprit, seconds of delay) of every pair of different masters that is not zero."""
    return [
        (victim, culprit, cell["delay_s"])
        for victim, row in summary.get("interference", {}).items()
        for culprit, cell in row.items()
        if victim != culprit and cell.get("delay_s")
    ]
