"""Language models: from a checked config to the pieces of a result."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.roofline.params import Roofline
from simulator import Progress, __version__
from simulator.config import Config, config_sha256, resolved
from simulator.llm_flash import FlashDevice
from simulator.llm_kv import KvPlan
from simulator.llm_run import FS_PER_S, LlmRun, Ops, Pass
from simulator.result import SCHEMA_VERSION, Result
from workloads.llm.params import LlmJob
from workloads.llm.plan import GB, Plan, make_plan

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
    prefill_fs = run.prefill()
    passes = decode_all(run, job.tokens, progress)
    workload = workload_summary(run, prefill_fs, passes)
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
    """Return what a run needs, or say what the system lacks. Raises ConfigError."""
    machine = system.backends[job.on]
    plan = make_plan(job)
    key = f"workloads.{name}"
    if job.precision not in machine.peak_flop_per_s:
        known = ", ".join(machine.peak_flop_per_s)
        raise ConfigError(
            f"{job.on} computes in {known}, not in {job.precision}; write one of them", key=f"{key}.precision"
        )
    held = plan.resident + (int(plan.capacity.sum()) * plan.dram.neuron if plan.windowed else 0)
    held = min(held, plan.budget or held)
    if machine.memory_bytes is not None and held > machine.memory_bytes:
        raise ConfigError(
            f"{plan.model.name} keeps {held / GB:.2f} GB in DRAM; "
            f"{job.on} has {machine.memory_bytes / GB:.2f} GB",
            key=f"{key}.offload",
        )
    needs_flash = plan.sparse or plan.streamed_share > 0 or job.kv_cache.dram_bytes is not None
    if not needs_flash:
        return plan, machine, None
    if system.flash is None:
        raise ConfigError(
            f"policy {job.offload.policy} reads from flash, and there is none; write system.flash, "
            "or policy: resident",
            key=f"{key}.offload.policy",
        )
    flash = FlashDevice(system.flash, job.offload.threads)
    end = LlmRun.flash_end(plan)
    if end > system.flash.capacity_bytes:
        raise ConfigError(
            f"{plan.model.name} takes {end / GB:.2f} GB on flash; the device has "
            f"{system.flash.capacity_bytes / GB:.2f} GB",
            key="system.flash",
        )
    return plan, machine, flash


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


def _mean(passes: Sequence[Pass], tokens: int, get: Callable[[Pass], float]) -> float:
    return sum(get(p) for p in passes) / tokens


def workload_summary(run: LlmRun, prefill_fs: int, passes: Sequence[Pass]) -> dict[str, Any]:
    """Return the summary's `workloads.<job>`."""
    plan, machine = run.plan, run.machine
    tokens = sum(p.tokens for p in passes)

    def seconds(get: Callable[[Pass], int]) -> float:
        return sum(get(p) for p in passes) / FS_PER_S

    decode_s, overlapped_s = seconds(lambda p: p.summed_fs), seconds(lambda p: p.overlapped_fs)
    prefill_s = prefill_fs / FS_PER_S
    macs = sum(p.macs for p in passes)
    peak = machine.peak_flop_per_s[plan.job.precision] / 2
    phases = {
        "prefill_s": prefill_s,
        "io_s": seconds(lambda p: p.io_fs),
        "memory_management_s": seconds(lambda p: p.manage_fs),
        "compute_s": seconds(lambda p: p.compute_fs),
    }
    summary = {
        "model": plan.model.name,
        "parameters": plan.model.parameters,
        "tokens": tokens,
        "latency_s": prefill_s + decode_s,
        "s_per_token": decode_s / tokens,
        "tokens_per_s": tokens / decode_s,
        "phases": phases,
        "per_token": {key: phases[key] / tokens for key in ("io_s", "memory_management_s", "compute_s")},
        "overlapped": {
            "latency_s": prefill_s + overlapped_s,
            "s_per_token": overlapped_s / tokens,
            "tokens_per_s": tokens / overlapped_s,
        },
        "macs": macs,
        "mac_utilization": macs / (peak * decode_s),
        "read_bytes": sum(p.dram_read_bytes for p in passes),
        "write_bytes": sum(p.dram_write_bytes + p.flash_bytes for p in passes),
        "flash_bytes_per_token": _mean(passes, tokens, lambda p: p.flash_bytes),
        "dram_bytes": _dram_bytes(plan, passes),
    }
    if plan.sparse:
        summary["neurons"] = neuron_shares(plan, passes)
    if plan.job.kv_cache.dram_bytes is not None:
        summary["kv_cache"] = kv_summary(plan, run.kv)
    if plan.job.speculative is not None:
        summary["tokens_per_round"] = tokens / len(passes)
    return summary


def neuron_shares(plan: Plan, passes: Sequence[Pass]) -> dict[str, float]:
    """Return shares of the FFN neurons of the layers that have a predictor, means over the passes."""
    neurons = len(passes) * int((plan.ranks > 0).sum()) * plan.model.shape.ffn
    return {
        "active": sum(p.active for p in passes) / neurons,
        "predicted": sum(p.flagged for p in passes) / neurons,
        "resident": sum(p.resident_rows for p in passes) / neurons,
        "new": sum(p.fresh for p in passes) / neurons,
    }


def kv_summary(plan: Plan, kv: KvPlan) -> dict[str, int]:
    """Return bytes of the KV cache at the end of the job, all layers."""
    layers, context = plan.model.shape.layers, plan.job.prompt + plan.job.tokens
    per_token = layers * kv.token_bytes
    return {"bytes": context * per_token, "flash_bytes": kv.spilled(context) * per_token}


def _dram_bytes(plan: Plan, passes: Sequence[Pass]) -> dict[str, float]:
    """Return the weights in DRAM, and their share of the model."""
    rows = sum(p.resident_rows for p in passes) / len(passes)
    held = plan.resident + rows * plan.dram.neuron
    return {"weights": held, "model_share": held / plan.dram.model}


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
        "masters": {},
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
        warnings=[warning for piece in pieces.values() for warning in piece["warnings"]],
    )


def _sum_flash(parts: list[dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            total[key] = total.get(key, 0) + value
    if total.get("busy_s"):
        total["throughput_bytes_per_s"] = total["read_bytes"] / total["busy_s"]
    return total
