"""What is measured of runs side by side, its change against the first, and what differs in their configs."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from simulator.report.labels import flow_text
from simulator.report.layers import interference_pairs
from simulator.results.numbers import (
    bytes_text,
    count_text,
    flat,
    joules_text,
    percent_text,
    phases_of,
    rate_text,
    time_text,
)
from simulator.results.result import Result

Show = Callable[[float | None], str]


class Row(NamedTuple):
    """One measure of all runs; better: +1 more is better, -1 less is better, 0 neither."""

    name: str
    values: list[float | None]
    show: Show
    better: int
    of_job: bool = False


def comparison(runs: list[Result]) -> list[Row]:
    """Return the measures of all runs, most important first; those that no run has are left out."""
    summaries = [run.summary for run in runs]
    rows: list[Row] = []
    for job in _all_keys(summaries, "workloads"):
        found = _job_rows(job, [s.get("workloads", {}).get(job, {}) for s in summaries])
        rows += [row._replace(of_job=True) for row in found]
    for victim in _all_keys(summaries, "masters"):
        delays = [sum(d for v, _, d in interference_pairs(s) if v == victim) for s in summaries]
        rows.append(Row(f"{victim}: delay charged to others", list(delays), time_text, -1))
    for name in _all_keys(summaries, "masters"):
        masters = [s.get("masters", {}).get(name, {}) for s in summaries]
        bandwidth = [master.get("bandwidth_bytes_per_s") for master in masters]
        rows.append(Row(f"{name}: bandwidth", bandwidth, rate_text, 1))
        for key in ("mean", "p99", "max"):
            values = [master.get("read_latency_s", {}).get(key) for master in masters]
            rows.append(Row(f"{name}: read latency, {key}", values, time_text, -1))
    rows += _memory_rows(summaries)
    return [row for row in rows if any(row.values)]


def _job_rows(job: str, jobs: list[Mapping[str, Any]]) -> list[Row]:
    latency = [j.get("latency_s") for j in jobs]
    rows = [Row(f"{job}: latency", latency, time_text, -1)]
    if latency[0]:
        slowdown = [None if value is None else value / latency[0] for value in latency]
        rows.append(Row(f"{job}: slowdown", slowdown, lambda v: "-" if v is None else f"{v:.3f} x", -1))
    rows.append(Row(f"{job}: frames/s", [j.get("frames_per_s") for j in jobs], _plain, 1))
    rows.append(Row(f"{job}: time per token", [j.get("s_per_token") for j in jobs], time_text, -1))
    several = [j if j.get("frames", 1) > 1 else {} for j in jobs]
    for key, name in (("latency_max_s", "slowest frame"), ("latency_min_s", "fastest frame")):
        rows.append(Row(f"{job}: {name}", [j.get(key) for j in several], time_text, -1))
    rows.append(
        Row(f"{job}: deadlines missed", [j.get("deadline", {}).get("misses") for j in jobs], _plain, -1)
    )
    rows.append(Row(f"{job}: MAC utilisation", [j.get("mac_utilization") for j in jobs], percent_text, 1))
    for key, name in (("read_bytes", "read"), ("write_bytes", "written")):
        rows.append(Row(f"{job}: {name}", [j.get(key) for j in jobs], bytes_text, -1))
    phases = [dict(phases_of(j)) for j in jobs]
    for phase in dict.fromkeys(key for one in phases for key in one):
        name = f"{job}: {phase.replace('_', ' ')} time"
        rows.append(Row(name, [one.get(phase) for one in phases], time_text, -1))
    return rows


def _memory_rows(summaries: list[dict[str, Any]]) -> list[Row]:
    rows = [Row("llc: hit rate", [s.get("llc", {}).get("hit_rate") for s in summaries], percent_text, 1)]
    channels = [[c for c in s.get("dram", {}).values() if isinstance(c, Mapping)] for s in summaries]

    def total(key: str) -> list[float | None]:
        return [sum(c.get(key) or 0 for c in run) if run else None for run in channels]

    hits, misses, conflicts = total("row_hits"), total("row_misses"), total("row_conflicts")
    rates = [
        h / (h + m + c) if h and m is not None and c is not None else None
        for h, m, c in zip(hits, misses, conflicts)
    ]
    rows.append(Row("dram: row hit rate", rates, percent_text, 1))
    rows.append(Row("dram: bandwidth", total("bandwidth_bytes_per_s"), rate_text, 0))
    rows.append(Row("dram: activates", total("activates"), count_text, -1))
    rows.append(Row("dram: energy", total("energy_j"), joules_text, -1))
    energies = [s.get("energy", {}) for s in summaries]
    rows.append(Row("energy", [e.get("total_j") for e in energies], joules_text, -1))
    rows.append(Row("area", [e.get("area_mm2", {}).get("total") for e in energies], _area, -1))
    flash = [s.get("flash") or {} for s in summaries]
    rows.append(Row("flash: read", [f.get("read_bytes") for f in flash], bytes_text, -1))
    rows.append(Row("flash: throughput", [f.get("throughput_bytes_per_s") for f in flash], rate_text, 1))
    return rows


def _area(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g} mm\u00b2"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _all_keys(summaries: list[dict[str, Any]], part: str) -> list[str]:
    return list(dict.fromkeys(key for summary in summaries for key in summary.get(part, {})))


def verdict_of(row: Row, value: float | None) -> str:
    """Return "better", "worse" or "" against the baseline."""
    base = row.values[0]
    if not row.better or value is None or base is None or value == base:
        return ""
    return "better" if (value > base) == (row.better > 0) else "worse"


def differences(runs: list[Result]) -> list[tuple[str, list[str]]]:
    """Return (key path, its value in each run) of everything in which the configs differ."""
    flats = [dict(flat(run.config)) for run in runs]
    paths = dict.fromkeys(path for one in flats for path in one)
    shown = [(path, [flow_text(one[path]) if path in one else "-" for one in flats]) for path in paths]
    return [(path, values) for path, values in shown if len(set(values)) > 1]


def change(value: float | None, base: float | None) -> str:
    """Return "+12.5 %" against the baseline, "" where there is none."""
    if value is None or not base or value == base:
        return ""
    percent = f"{100 * (value / base - 1):+.1f} %"
    return "" if percent[1:] == "0.0 %" else percent
