"""Language models: from a checked config to the pieces of a result."""

import time
from typing import Any

import numpy as np

from hw_models.roofline.params import Roofline
from hw_models.units import FS_PER_S
from simulator.config.model import Config, config_sha256, resolved
from simulator.progress import Progress
from simulator.results.llm_summary import workload_summary
from simulator.results.result import SCHEMA_VERSION, Result
from simulator.version import __version__
from workloads.llm.check import check
from workloads.llm.flash import FlashDevice
from workloads.llm.params import LlmJob
from workloads.llm.plan import Plan
from workloads.llm.tokens import LlmRun, Ops, Pass

US_PER_FS = 1e-9


def simulate_llm(config: Config, progress: Progress | None = None) -> Result:
    """Run a config whose jobs are all language models, one after another, and return its result."""
    pieces = {}
    warm_up(config)
    started = time.perf_counter()
    for name, job in sorted(config.workloads.items()):
        assert isinstance(job, LlmJob)
        pieces[name] = run_llm(config, name, job, config.system, config.simulation.seed, progress)
    return _result(config, pieces, time.perf_counter() - started)


def run_llm(
    config: Config, name: str, job: LlmJob, system: Any, seed: int, progress: Progress | None = None
) -> dict[str, Any]:
    """Run one job alone; return {workload, flash, ops, timeline, warnings, simulated_s}.

    ``workload`` and ``flash`` are the summary's parts of these names, ``ops`` the columns of ops.csv.
    Raises ConfigError for what the job asks of a system that cannot give it.
    """
    plan, machine, flash = prepare(name, job, system)
    run = LlmRun(plan, machine, flash, seed, job.on)
    prefill = run.prefill()
    passes = decode_all(run, job.tokens, progress)
    workload = workload_summary(run, prefill, passes)
    return {
        "workload": workload,
        "flash": flash.counters() if flash is not None else {},
        "ops": op_columns(run.ops, machine, job.precision),
        "timeline": timeline(run.ops, name),
        "warnings": [],
        "simulated_s": run.now / FS_PER_S,
    }


def decode_all(run: LlmRun, tokens: int, progress: Progress | None = None) -> list[Pass]:
    """Generate ``tokens`` tokens; return the passes."""
    passes: list[Pass] = []
    made = 0
    while made < tokens:
        passes.append(run.decode(tokens - made))
        made += passes[-1].tokens
        if progress is not None:
            progress(made / tokens, run.now / FS_PER_S, run.flash.requests if run.flash else 0)
    return passes


def prepare(name: str, job: LlmJob, system: Any) -> tuple[Plan, Roofline, FlashDevice | None]:
    """Return what a run alone needs, or say what the system lacks. Raises ConfigError."""
    plan, machine, reads_flash = check(name, job, system)
    return plan, machine, FlashDevice(system.flash, job.offload.threads) if reads_flash else None


def warm_up(config: Config) -> None:
    """Compile, or load what was compiled, so that the wall time is the simulation's own."""
    from workloads.llm.activity import Activity
    from workloads.llm.activity_kernel import GenerativeTrace
    from workloads.llm.window import ResidentRows

    activity = Activity(active=[0.1], context_rate=0.5, persistence=0.0)
    flagged, _ = GenerativeTrace(activity, 1, 64, 1).step(0)
    rows = ResidentRows(np.full(1, 64), 64, 1)
    rows.load(0, [flagged], 0, 0)
    rows.accept(0, flagged, 0)
    if config.system.flash is not None:
        device = FlashDevice(config.system.flash, 1)
        device.read(np.zeros(1, np.int64), np.full(1, 512, np.int64), 0)
        device.stream(0, config.system.flash.sequential_chunk_bytes, 0)


def op_columns(ops: Ops, machine: Roofline, precision: str) -> dict[str, list[Any]]:
    """Return the columns of ops.csv."""
    columns: dict[str, list[Any]] = (
        dict(zip(Ops.COLUMNS, map(list, zip(*ops.rows)), strict=False)) if ops.rows else {}
    )
    peak = machine.peak_flop_per_s[precision] / 2
    starts, ends = columns.pop("start_fs", []), columns.pop("end_fs", [])
    layers = columns.get("layer", [])
    names = [f"layer_{n}" if n >= 0 else op for n, op in zip(layers, columns.get("op", []))]
    return {
        "unit": columns.get("unit", []),
        "op": columns.get("op", []),
        "layer": names,
        "kind": columns.get("kind", []),
        "start_s": [t / FS_PER_S for t in starts],
        "end_s": [t / FS_PER_S for t in ends],
        "cycles": [0] * len(starts),
        "macs": columns.get("macs", []),
        "mac_utilization": [
            m / (peak * (e - s) / FS_PER_S) for m, s, e in zip(columns.get("macs", []), starts, ends)
        ],
        "read_bytes": columns.get("read_bytes", []),
        "write_bytes": columns.get("write_bytes", []),
        "token": columns.get("token", []),
    }


def timeline(ops: Ops, job: str) -> list[dict[str, Any]]:
    """Return Chrome trace events: a row for flash, one for the backend."""
    return [
        {
            "name": f"{op} {layer}" if layer >= 0 else op,
            "cat": kind,
            "ph": "X",
            "ts": start * US_PER_FS,
            "dur": (end - start) * US_PER_FS,
            "pid": job,
            "tid": unit,
        }
        for unit, op, layer, kind, start, end, _, _, _, _ in ops.rows
    ]


def _result(config: Config, pieces: dict[str, dict[str, Any]], wall_s: float) -> Result:
    flash = _sum_flash([piece["flash"] for piece in pieces.values()])
    requests = int(flash.get("requests", 0))
    summary = {
        "schema_version": SCHEMA_VERSION,
        "name": config.name,
        "simulation": {
            "simulated_s": sum(piece["simulated_s"] for piece in pieces.values()),
            "wall_s": wall_s,
            "events": requests + int(flash.get("page_reads", 0)),
            "requests": requests,
            "requests_per_wall_s": requests / wall_s if wall_s else 0.0,
            "seed": config.simulation.seed,
            "version": __version__,
            "config_sha256": config_sha256(config),
        },
        "workloads": {name: piece["workload"] for name, piece in pieces.items()},
        "masters": {config.workloads[name].on: _master(piece["workload"]) for name, piece in pieces.items()},
        "llc": {},
        "dram": {},
        "flash": flash,
        "interference": {},
    }
    ops: dict[str, list[Any]] = {}
    for piece in pieces.values():
        for column, values in piece["ops"].items():
            ops.setdefault(column, []).extend(values)
    return Result(
        summary=summary,
        ops=ops,
        config=resolved(config),
        timeline=[event for piece in pieces.values() for event in piece["timeline"]],
        warnings=_ignored(config) + [w for piece in pieces.values() for w in piece["warnings"]],
    )


def _ignored(config: Config) -> list[str]:
    """Return what the config asks for that a run of language models alone does not do."""
    ignored = []
    if config.corunners:
        ignored.append("co-runners: left out, a backend's memory is not shared with cores")
    if len(config.workloads) > 1:
        ignored.append("several language models: each runs alone, one after another")
    return ignored


def _master(workload: dict[str, Any]) -> dict[str, float]:
    """Return a backend's traffic on its memory; not simulated request by request, so without latencies."""
    read, written = workload["read_bytes"], workload["write_bytes"]
    rate = (read + written) / workload["latency_s"]
    return {"read_bytes": read, "write_bytes": written, "bandwidth_bytes_per_s": rate}


def _sum_flash(parts: list[dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            total[key] = total.get(key, 0) + value
    if total.get("busy_s"):
        total["throughput_bytes_per_s"] = total["read_bytes"] / total["busy_s"]
    return total
