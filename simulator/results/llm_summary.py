"""The summary's `workloads.<job>` of a language model: its phases, when each began and ended."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hw_models.units import FS
from simulator.soc.machine import JobPlan, Machine
from workloads.llm.kv import kv_bytes, kv_plan
from workloads.llm.phases import Pass
from workloads.llm.plan import Plan
from workloads.llm.schedule import overlapped_fs, stages_of

PHASES = {"io_s": "io", "memory_management_s": "management", "compute_s": "compute"}


def spans_of(machine: Machine, plan: JobPlan) -> list[list[int]]:
    """Return how long each phase of each pass took [fs], the prompt first."""
    assert plan.llm is not None
    records = machine.records[plan.first_step : plan.first_step + plan.step_count]
    spans = np.maximum(records["end_fs"] - records["start_fs"], 0).tolist()
    found, first = [], 0
    for each in plan.llm.passes:
        found.append(spans[first : first + len(each.phases)])
        first += len(each.phases)
    return found


def llm_summary(machine: Machine, plan: JobPlan) -> dict[str, Any]:
    """Return times, arithmetic and bytes of a job: `phases` sum to `latency_s`, `per_token` is decoding."""
    assert plan.llm is not None
    model, roofline, passes = plan.llm.plan, plan.llm.machine, plan.llm.passes
    prompt_spans, *spans = spans_of(machine, plan)
    decoding = passes[1 : 1 + passes_done(machine, plan)]
    tokens = sum(p.tokens for p in decoding)
    totals = {name: kind_s(decoding, spans, kind) for name, kind in PHASES.items()}
    records = machine.records[plan.first_step : plan.first_step + plan.step_count]
    latency_s = int(records["end_fs"].max(initial=0)) * FS
    prefill_s = int(records[: len(prompt_spans)]["end_fs"].max(initial=0)) * FS
    decode_s = max(latency_s - prefill_s, 0.0) if tokens else 0.0
    overlapped_s = sum(overlapped_pass_fs(model, *each) for each in zip(decoding, spans)) * FS
    macs = sum(p.macs for p in passes)
    peak = roofline.peak_flop_per_s[model.job.precision] / 2
    summary: dict[str, Any] = {
        "model": model.model.name,
        "parameters": model.model.parameters,
        "tokens": tokens,
        "latency_s": latency_s,
        "s_per_token": decode_s / max(tokens, 1),
        "tokens_per_s": tokens / decode_s if decode_s else 0.0,
        "phases": {"prefill_s": prefill_s, **totals},
        "per_token": {name: total / max(tokens, 1) for name, total in totals.items()},
        "overlapped": {
            "latency_s": prefill_s + overlapped_s,
            "s_per_token": overlapped_s / max(tokens, 1),
            "tokens_per_s": tokens / overlapped_s if overlapped_s else 0.0,
        },
        "macs": macs,
        "mac_utilization": macs / (peak * latency_s) if latency_s else 0.0,
        "read_bytes": sum(_dram_reads(p) for p in passes),
        "write_bytes": sum(_dram_writes(p) for p in passes),
        "flash_bytes_per_token": sum(p.flash_bytes for p in decoding) / max(tokens, 1),
        "dram_bytes": _dram_bytes(model, decoding),
    }
    if any(p.host_bytes or p.host_write_bytes for p in passes):
        summary["host"] = {
            "read_bytes": sum(p.host_bytes for p in passes),
            "write_bytes": sum(p.host_write_bytes for p in passes),
            "read_bytes_per_token": sum(p.host_bytes for p in decoding) / max(tokens, 1),
        }
    if model.sparse:
        summary["neurons"] = neuron_shares(model, decoding)
    if model.caches_experts:
        asked = sum(p.experts for p in decoding)
        summary["experts"] = {
            "hit_rate": sum(p.expert_hits for p in decoding) / max(asked, 1),
            "unit_bytes": model.flash.expert,
            "slots": model.expert_slots,
        }
    if model.job.kv_cache.dram_bytes is not None:
        summary["kv_cache"] = kv_summary(model, passes)
    if model.job.speculative is not None:
        summary["tokens_per_round"] = tokens / max(len(decoding), 1)
    return summary


def passes_done(machine: Machine, plan: JobPlan) -> int:
    """Return how many passes behind the prompt are over: all, unless the time was up before."""
    assert plan.llm is not None
    last = np.cumsum([len(each.phases) for each in plan.llm.passes])[1:] - 1
    return int((machine.records["end_fs"][plan.first_step + last] > 0).sum())


def kind_s(passes: Sequence[Pass], spans: Sequence[Sequence[int]], kind: str) -> float:
    """Return the seconds of all phases of one kind."""
    return FS * sum(
        span
        for each, times in zip(passes, spans)
        for phase, span in zip(each.phases, times)
        if phase.kind == kind
    )


def overlapped_pass_fs(plan: Plan, each: Pass, spans: Sequence[int]) -> int:
    """Return how long a pass takes if reads overlap the layers before."""
    stages, first, last = stages_of(each.phases, spans, streamed=plan.streamed_share > 0)
    return first + overlapped_fs(stages, last, known=not plan.sparse)


def own_memory_summary(machine: Machine, backend: str, seconds: float) -> dict[str, float]:
    """Return a backend's traffic on a memory of its own: bytes only, no request of it is simulated."""
    passes = [p for plan in machine.plans if plan.llm and plan.backend == backend for p in plan.llm.passes]
    read, written = sum(_dram_reads(p) for p in passes), sum(_dram_writes(p) for p in passes)
    rate = (read + written) / seconds if seconds else 0.0
    return {"read_bytes": read, "write_bytes": written, "bandwidth_bytes_per_s": rate}


def _dram_reads(each: Pass) -> int:
    return each.dram_read_bytes + each.flash_write_bytes + each.host_write_bytes


def _dram_writes(each: Pass) -> int:
    return each.dram_write_bytes + each.flash_bytes + each.host_bytes


def neuron_shares(plan: Plan, passes: Sequence[Pass]) -> dict[str, float]:
    """Return shares of the FFN neurons of the layers that have a predictor, means over the passes."""
    neurons = max(len(passes) * int((plan.ranks > 0).sum()) * plan.model.shape.ffn, 1)
    return {
        "active": sum(p.active for p in passes) / neurons,
        "predicted": sum(p.flagged for p in passes) / neurons,
        "resident": sum(p.resident_rows for p in passes) / neurons,
        "new": sum(p.fresh for p in passes) / neurons,
    }


def kv_summary(plan: Plan, passes: Sequence[Pass]) -> dict[str, int]:
    """Return bytes of the KV cache at the end of the job, all layers, and of all writes to its home."""
    kv, context, home = kv_plan(plan), plan.job.context, plan.job.kv_cache.home
    return {
        "bytes": context * int(kv.token_bytes.sum()),
        f"{home}_bytes": kv.spilled_bytes(context),
        f"{home}_write_bytes": sum(each.flash_write_bytes + each.host_write_bytes for each in passes),
    }


def _dram_bytes(plan: Plan, passes: Sequence[Pass]) -> dict[str, float]:
    """Return the weights and the most of keys and values in DRAM, and the weights' share of the model."""
    rows = sum(p.resident_rows for p in passes) / max(len(passes), 1)
    held = plan.resident + rows * plan.dram.neuron
    held += plan.unit_bytes if plan.caches_experts else 0
    return {"weights": held, "kv": kv_bytes(plan), "model_share": held / plan.dram.model}
