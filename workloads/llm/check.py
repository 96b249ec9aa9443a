"""What a language model needs of its system, checked before it runs."""

from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError
from hw_models.roofline.params import Roofline
from workloads.llm.kv import kv_bytes, kv_plan
from workloads.llm.params import LlmJob
from workloads.llm.plan import GB, Plan, make_plan
from workloads.llm.recorded import read_recorded


def check(name: str, job: LlmJob, system: Any) -> tuple[Plan, Roofline, bool]:
    """Return the plan, its machine, and whether it reads flash. Raises ConfigError for what is lacking."""
    machine = system.backends[job.on]
    plan = make_plan(job)
    key = f"workloads.{name}"
    if job.precision not in machine.peak_flop_per_s:
        known = ", ".join(machine.peak_flop_per_s)
        raise ConfigError(
            f"{job.on} computes in {known}, not in {job.precision}; write one of them", key=f"{key}.precision"
        )
    if plan.sparse and job.offload.recorded is not None:
        read_recorded(Path(job.offload.recorded), plan.model.shape.layers, plan.model.shape.ffn)
    held, cached = plan.resident + plan.unit_bytes + plan.table_held_bytes, kv_bytes(plan)
    owner, capacity = job.on, machine.capacity_bytes
    if system.shares_memory(job.on):
        owner, capacity = "system.dram", system.dram.capacity_bytes if system.dram is not None else None
    experts = job.held("experts")
    if experts is not None and experts.via == "page_cache" and machine.capacity_bytes is None:
        raise ConfigError(
            f"via page_cache shares the memory of {job.on}, and its size is not known; write "
            f"system.backends.{job.on}.capacity",
            key=f"{key}.hold",
        )
    if capacity is not None and held + cached > capacity - machine.reserved_bytes:
        kept = f", {machine.reserved_bytes / GB:.2f} GB of it reserved" if machine.reserved_bytes else ""
        raise ConfigError(
            f"{plan.model.name} keeps {held / GB:.2f} GB of weights and {cached / GB:.2f} GB of keys and "
            f"values in DRAM; {owner} has {capacity / GB:.2f} GB{kept}",
            key=f"{key}.offload",
        )
    moves = plan.reads_units
    kv = kv_plan(plan)
    _check_host(key, plan, machine, kv.spilled_bytes(job.context), shared=system.shares_memory(job.on))
    needs_flash = (moves and job.home_of("weights") == "flash") or (
        job.kv_cache.dram_bytes is not None and job.kv_cache.home == "flash"
    )
    on_flash = plan.table_bytes if job.table is not None and job.table.home == "flash" else 0
    needs_flash |= on_flash > 0
    if not needs_flash:
        return plan, machine, False
    if system.flash is None:
        if on_flash and not moves:
            raise ConfigError(
                "flash, and there is none; write system.flash, or dram", key=f"{key}.table.home"
            )
        if job.hold and moves:
            raise ConfigError(
                "flash, and there is none; write system.flash, or home: host", key=f"{key}.hold"
            )
        raise ConfigError(
            f"policy {job.offload.policy} reads from flash, and there is none; write system.flash, "
            "or policy: resident",
            key=f"{key}.offload.policy",
        )
    spills = job.kv_cache.home == "flash"
    if spills and kv.spilled_bytes(job.context) and not system.flash.writable:
        raise ConfigError(
            f"{plan.model.name} puts keys and values there, and the device can only be read; "
            "write writable: true",
            key="system.flash.writable",
        )
    end = (kv.end_at if spills or on_flash else plan.end_at) + on_flash
    if end > system.flash.capacity_bytes:
        raise ConfigError(
            f"{plan.model.name} takes {end / GB:.2f} GB on flash; the device has "
            f"{system.flash.capacity_bytes / GB:.2f} GB",
            key="system.flash",
        )
    return plan, machine, True


def _check_host(key: str, plan: Plan, machine: Roofline, spilled: int, *, shared: bool) -> None:
    """Raise ConfigError if the host cannot hold weights or ``spilled`` bytes of keys and values."""
    job = plan.job
    weights = plan.flash.model if plan.reads_units and job.home_of("weights") == "host" else 0
    table = plan.table_bytes if job.table is not None and job.table.home == "host" else 0
    spilled = spilled if job.kv_cache.home == "host" else 0
    if not weights and not spilled and not table:
        return
    what = "offload.home" if weights else "kv_cache.home" if spilled else "table.home"
    weights += table
    if shared:
        raise ConfigError(
            f"host, and {job.on} works in the system's memory; write flash, or memory: own",
            key=f"{key}.{what}",
        )
    if machine.host_bytes is None:
        raise ConfigError(
            f"host, and {job.on} has none; write system.backends.{job.on}.host, such as 64 GB",
            key=f"{key}.{what}",
        )
    if weights + spilled > machine.host_bytes:
        raise ConfigError(
            f"{plan.model.name} puts {weights / GB:.2f} GB of weights and {spilled / GB:.2f} GB of keys and "
            f"values there; the host of {job.on} has {machine.host_bytes / GB:.2f} GB",
            key=f"{key}.{what}",
        )
