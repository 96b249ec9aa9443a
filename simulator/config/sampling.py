"""What cannot be sampled, in words: only what goes on as it does says something of what was not simulated."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hw_models.cpu.params import Corunner
from hw_models.nvdla.params import Nvdla
from simulator.config.system import System
from simulator.config.yaml_lines import Keys
from workloads.llm.model import builtin_models
from workloads.params import NetworkJob

INSTEAD = "or no simulation.sample"


def cache_bytes(system: System) -> int:
    """Return the bytes that all caches between masters and memory hold."""
    return sum(cache.size_bytes for cache in (system.llc, *system.caches.values()) if cache is not None)


def sample_errors(
    system: System,
    workloads: Mapping[str, Any],
    corunners: Sequence[Corunner],
    until: Any,
    stream_bytes: int | None,
) -> Iterator[tuple[Keys, str]]:
    """Yield (keys, message) of what `simulation.sample` does not go with."""
    held = cache_bytes(system)
    if stream_bytes is not None and stream_bytes < held:
        message = f"{stream_bytes} B; caches hold {held} B, which who comes behind a launch finds replaced"
        yield ("simulation", "sample", "stream"), f"{message}; write at least as much"
    if until != "workloads":
        yield ("simulation", "until"), f"a time; a sample ends with its job: write workloads, {INSTEAD}"
    if len(workloads) != 1 or not isinstance(next(iter(workloads.values())), NetworkJob):
        message = f"is of one language model on an NVDLA; found {', '.join(sorted(workloads)) or 'no job'}"
        yield ("simulation", "sample"), f"{message}; write one job with network:, {INSTEAD}"
        return
    for name, job in workloads.items():
        for key, message in _job_errors(system, job):
            yield ("workloads", name, key), f"{message}, {INSTEAD}"
    for number, corunner in enumerate(corunners):
        if corunner.busy_fs is not None:
            message = "a duty cycle, of which a sample sees chance parts; write a co-runner without"
            yield ("corunners", number, "busy"), f"{message}, {INSTEAD}"
    for keys, node in {("interconnect",): system.interconnect, **_named(system)}.items():
        for budget, _ in node.budgets() if node is not None else ():
            message = "a budget a period, of which a sample sees chance parts; write none"
            yield ("system", *keys, *budget), f"{message}, {INSTEAD}"
    if system.masters:
        yield (
            ("system", "masters"),
            f"stand outside, and nobody knows what they will do; write none, {INSTEAD}",
        )


def _named(system: System) -> dict[Keys, Any]:
    return {("interconnects", name): node for name, node in system.interconnects.items()}


def _job_errors(system: System, job: NetworkJob) -> Iterator[tuple[str, str]]:
    """Yield (key, message) of what a job has that cannot be sampled."""
    network = job.network if isinstance(job.network, str) else ""
    if network not in builtin_models() and not network.lower().endswith(".json"):
        yield "network", "no language model, whose layers are alike; write one of these"
    if not isinstance(system.accelerators.get(job.on), Nvdla):
        yield "on", "no NVDLA; write one"
    if job.dependencies != "serial":
        yield "dependencies", "steps overlap, and what is counted is not one step's alone; write serial"
    if job.frames > 1:
        yield "frames", f"{job.frames} frames; a sample is of one: write 1"
    if job.deadline_fs is not None:
        yield "deadline", "met or missed is not for an estimate to say; write none"
    if job.storage is not None:
        yield "storage", "flash has a state that every request changes; write none"
