"""Runs of a model on a machine without a config file around them: for comparisons and curves."""

from dataclasses import dataclass
from typing import Any

from hw_models.flash.params import Flash
from hw_models.roofline.params import Roofline
from workloads.llm.flash import FlashDevice
from workloads.llm.params import LlmJob
from workloads.llm.plan import Plan, make_plan
from workloads.llm.tokens import LlmRun, Pass

SEED = 1
FS_PER_MS = 10**12


@dataclass(frozen=True)
class Outcome:
    """Means per token, and shares of the FFN neurons that the predicted layers have."""

    io_ms: float
    mem_ms: float
    compute_ms: float
    overlapped_ms: float
    flash_bytes: float
    dram_bytes: float
    active: float
    predicted: float
    window: float
    new: float

    @property
    def total_ms(self) -> float:
        return self.io_ms + self.mem_ms + self.compute_ms


def run_tokens(
    job: dict[str, Any], backend: dict[str, Any], flash: dict[str, Any], tokens: int, seed: int = SEED
) -> Outcome:
    """Generate ``tokens`` tokens after a prompt and return what one cost."""
    checked = LlmJob.model_validate({"on": "backend", "tokens": tokens, **job})
    plan = make_plan(checked)
    device = FlashDevice(Flash.model_validate(flash), checked.offload.threads)
    run = LlmRun(plan, Roofline.model_validate(backend), device, seed)
    run.start()
    passes: list[Pass] = []
    while sum(p.tokens for p in passes) < tokens:
        passes.append(run.decode(tokens))
    return outcome(plan, passes)


def outcome(plan: Plan, passes: list[Pass]) -> Outcome:
    tokens = sum(p.tokens for p in passes)
    neurons = max(len(passes) * int((plan.ranks > 0).sum()) * plan.model.shape.ffn, 1)

    def mean(name: str) -> float:
        return sum(getattr(p, name) for p in passes) / tokens

    rows = sum(p.resident_rows for p in passes) / len(passes)
    return Outcome(
        io_ms=mean("io_fs") / FS_PER_MS,
        mem_ms=mean("manage_fs") / FS_PER_MS,
        compute_ms=mean("compute_fs") / FS_PER_MS,
        overlapped_ms=mean("overlapped_fs") / FS_PER_MS,
        flash_bytes=mean("flash_bytes"),
        dram_bytes=plan.resident + rows * plan.dram.neuron,
        active=sum(p.active for p in passes) / neurons,
        predicted=sum(p.flagged for p in passes) / neurons,
        window=sum(p.resident_rows for p in passes) / neurons,
        new=sum(p.fresh for p in passes) / neurons,
    )
