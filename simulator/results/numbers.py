"""Numbers as a person reads them. None is "-"."""

from collections.abc import Mapping
from typing import Any


def _scaled(value: float, steps: list[tuple[float, str]]) -> str:
    for factor, unit in steps:
        if abs(value) >= factor:
            return f"{value / factor:.4g} {unit}".rstrip()
    factor, unit = steps[-1]
    return f"{value / factor:.3g} {unit}".rstrip()


def time_text(seconds: float | None) -> str:
    """Return "133.2 ms"."""
    if seconds is None:
        return "-"
    return (
        "0 s"
        if seconds == 0
        else _scaled(seconds, [(1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"), (1e-12, "ps")])
    )


def bytes_text(value: float | None) -> str:
    """Return "212 MB"."""
    return (
        "-"
        if value is None
        else _scaled(value, [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")])
    )


def rate_text(value: float | None) -> str:
    """Return "3.21 GB/s"."""
    return "-" if value is None else bytes_text(value) + "/s"


def joules_text(value: float | None) -> str:
    """Return "62.3 mJ"."""
    steps = [(1, "J"), (1e-3, "mJ"), (1e-6, "uJ"), (1e-9, "nJ"), (1e-12, "pJ")]
    return "-" if value is None else "0 J" if value == 0 else _scaled(value, steps)


def count_text(value: float | None) -> str:
    """Return "1.24 M"."""
    return "-" if value is None else _scaled(value, [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")])


def phases_of(job: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return (name, seconds) of the phases of a job that took time: its latency, but for overlaps."""
    phases = dict(job.get("phases", {}))
    phases.pop("submissions_s", None)  # accelerator and driver together
    if "accelerator_busy_s" in phases:
        phases["accelerator_s"] = phases.pop("accelerator_busy_s")
    return [(key.removesuffix("_s"), value) for key, value in phases.items() if value]


def deadline_text(job: Mapping[str, Any]) -> str:
    """Return "deadline 12 ms: missed 8 of 8, worst +1.60 ms (frame 2)", "" for a job without a deadline."""
    deadline = job.get("deadline")
    if not deadline:
        return ""
    slack = deadline["worst_slack_s"]
    said = (
        "met"
        if deadline["met"]
        else f"missed {deadline['misses']} of {deadline.get('frames', job['frames'])}"
    )
    under_way = ", under way" if deadline["worst_frame"] >= job["frames"] else ""
    frame = f"frame {deadline['worst_frame']}{under_way}"
    worst = f"worst {'-' if slack >= 0 else '+'}{time_text(abs(slack))} ({frame})"
    return f"deadline {time_text(deadline['limit_s'])}: {said}, {worst}"


def energy_text(energy: Mapping[str, Any]) -> str:
    """Return "energy 64.4 uJ (59.1 to 82.2), 0.63 W; area 1.63 mm2 at 28 nm, first order" of a summary's."""
    steps = [(1, "J"), (1e-3, "mJ"), (1e-6, "uJ"), (1e-9, "nJ")]
    low, total, high = (_scaled(energy[f"{name}_j"], steps) for name in ("low", "total", "high"))
    area = f"area {energy['area_mm2']['total']:.3g} mm2 at {energy['node_nm']} nm"
    return f"energy {total} ({low} to {high}), {energy['average_w']:.3g} W; {area}, first order"


def percent_text(share: float | None) -> str:
    """Return "41.3 %" of a share of 1."""
    return "-" if share is None else f"{100 * share:.3g} %"


def flat(data: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return (dotted path, value) of every leaf of a nested dict."""
    if not isinstance(data, dict):
        return [(path, data)]
    return [
        leaf for key, value in data.items() for leaf in flat(value, f"{path}.{key}" if path else str(key))
    ]
