"""The summary's `workloads.<job>` of a language model."""

from collections.abc import Sequence
from typing import Any

from hw_models.units import FS_PER_S
from workloads.llm.kv import KvPlan
from workloads.llm.plan import Plan
from workloads.llm.tokens import LlmRun, Pass

PHASES = {"io_s": "io_fs", "memory_management_s": "manage_fs", "compute_s": "compute_fs"}


def workload_summary(run: LlmRun, prefill: Pass, passes: Sequence[Pass]) -> dict[str, Any]:
    """Return times, arithmetic and bytes of a job: `phases` sum to `latency_s`, `per_token` is decoding."""
    plan, machine = run.plan, run.machine
    tokens = sum(p.tokens for p in passes)
    totals = {name: sum(getattr(p, field) for p in passes) / FS_PER_S for name, field in PHASES.items()}
    prefill_s, decode_s = prefill.summed_fs / FS_PER_S, sum(totals.values())
    overlapped_s = sum(p.overlapped_fs for p in passes) / FS_PER_S
    everything = [prefill, *passes]
    macs = sum(p.macs for p in everything)
    peak = machine.peak_flop_per_s[plan.job.precision] / 2
    summary = {
        "model": plan.model.name,
        "parameters": plan.model.parameters,
        "tokens": tokens,
        "latency_s": prefill_s + decode_s,
        "s_per_token": decode_s / tokens,
        "tokens_per_s": tokens / decode_s,
        "phases": {"prefill_s": prefill_s, **totals},
        "per_token": {name: total / tokens for name, total in totals.items()},
        "overlapped": {
            "latency_s": prefill_s + overlapped_s,
            "s_per_token": overlapped_s / tokens,
            "tokens_per_s": tokens / overlapped_s,
        },
        "macs": macs,
        "mac_utilization": macs / (peak * (prefill_s + decode_s)),
        "read_bytes": sum(p.dram_read_bytes for p in everything),
        "write_bytes": sum(p.dram_write_bytes + p.flash_bytes for p in everything),
        "flash_bytes_per_token": sum(p.flash_bytes for p in passes) / tokens,
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
