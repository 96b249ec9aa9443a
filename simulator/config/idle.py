"""Keys that a config writes and that change nothing, because another key decides: said, not refused.

A key that is written with its default value says nothing either way.
"""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel

from hw_models.cache.names import Prefetch
from hw_models.dram.names import Page, Refresh, Scheduler
from hw_models.dram.params import Dram
from hw_models.dram.spec import timings
from hw_models.interconnect.names import Arbitration
from hw_models.interconnect.params import Interconnect
from simulator.config.model import Config
from workloads.params import NetworkJob

Rule = tuple[str, Callable[[Any], bool], str]  # a field, whether it has an effect, what decides instead
POWER_DOWN = {"tXP", "tCKE", "tXSR"}  # timings that nothing else uses
TIMED = (Page.TIMEOUT, Page.ADAPTIVE)
BLISS = ("bliss_streak", "bliss_clear_cycles")
DRAM: list[Rule] = [
    *((name, lambda d: d.scheduler == Scheduler.BLISS, "scheduler is not bliss") for name in BLISS),
    ("bank_queue", lambda d: d.scheduler == Scheduler.BANK_ROUND_ROBIN, "scheduler is not bank_round_robin"),
    ("priority", lambda d: d.scheduler == Scheduler.PRIORITY, "scheduler is not priority"),
    ("page_timeout_cycles", lambda d: d.page in TIMED, "page is not timeout or adaptive"),
    ("write_queue", lambda d: not d.unified_queue, "unified_queue puts reads and writes in read_queue"),
    ("interleave_bytes", lambda d: d.channels > 1, "there is one channel"),
    ("refresh_stagger", lambda d: d.refresh != Refresh.NONE and d.all_ranks > 1, "nobody takes turns"),
    ("refresh_stops", lambda d: d.refresh != Refresh.NONE, "refresh is none"),
]  # fmt: skip
INTERCONNECT: list[Rule] = [
    ("period_fs", lambda i: any(m.budget_bytes_per_s for m in i.masters.values()), "no master has a budget"),
]
PORT: dict[str, tuple[Arbitration, str]] = {
    "priority": (Arbitration.PRIORITY, "arbitration is not priority"),
    "weight": (Arbitration.WEIGHTED, "arbitration is not weighted"),
}
JOB: list[Rule] = [
    ("period_fs", lambda j: j.frames > 1, "there is one frame"),
    ("jitter_fs", lambda j: j.frames > 1, "there is one frame, and the first one is in time"),
]
CACHE: list[Rule] = [
    ("prefetch_degree", lambda c: c.prefetch != Prefetch.NONE, "prefetch is none"),
]
MASTER: list[Rule] = [
    ("reclaim", lambda m: m.budget_bytes_per_s is not None, "the master has no budget"),
]


def idle_keys(config: Config) -> list[tuple[str, str]]:
    """Return (key, why it has no effect) of what is written in vain."""
    return list(_idle(config))


def told(key: str, why: str) -> str:
    return f"{key} has no effect: {why}"


def _idle(config: Config) -> Iterator[tuple[str, str]]:
    system = config.system
    drams = {"system.dram": system.dram} | {f"system.memories.{n}": m for n, m in system.memories.items()}
    for path, memory in drams.items():
        if isinstance(memory, Dram):
            yield from _by_rules(path, memory, DRAM)
            yield from _standard(path, memory)
    buses = {"system.interconnect": system.interconnect}
    buses |= {f"system.interconnects.{name}": bus for name, bus in system.interconnects.items()}
    for path, bus in buses.items():
        if isinstance(bus, Interconnect):
            yield from _by_rules(path, bus, INTERCONNECT)
            for name, master in bus.masters.items():
                yield from _by_rules(f"{path}.masters.{name}", master, MASTER)
                for field, (arbitration, why) in PORT.items():
                    if bus.arbitration != arbitration and _written(master, field):
                        yield f"{path}.masters.{name}.{_alias(master, field)}", why
    caches = {"system.llc": system.llc} | {f"system.caches.{n}": c for n, c in system.caches.items()}
    for path, cache in caches.items():
        if cache is not None:
            yield from _by_rules(path, cache, CACHE)
    for name, job in config.workloads.items():
        if isinstance(job, NetworkJob):
            yield from _by_rules(f"workloads.{name}", job, JOB)


def _by_rules(path: str, part: BaseModel, rules: list[Rule]) -> Iterator[tuple[str, str]]:
    for field, has_effect, why in rules:
        if _written(part, field) and not has_effect(part):
            yield f"{path}.{_alias(part, field)}", why


def _standard(path: str, dram: Dram) -> Iterator[tuple[str, str]]:
    """A standard's speed is its clock and its timings; all else that it says is the same at every speed."""
    if dram.clock_hz is None or len(dram.module.SPEEDS) < 2:
        return
    unused = set() if dram.power_down_after_cycles else POWER_DOWN
    found = [timings(dram.module, speed, dram.chip, dram.timing) for speed in dram.module.SPEEDS]
    if all(each[name] == found[0][name] for each in found for name in each if name not in unused):
        name = dram.module.NAME
        yield f"{path}.standard", f"clock and timing are written out; only that it is {name} counts, no speed"


def _written(part: BaseModel, field: str) -> bool:
    """Tell whether the config gives a field another value than its default."""
    default = type(part).model_fields[field].get_default(call_default_factory=True)
    return field in part.model_fields_set and getattr(part, field) != default


def _alias(part: BaseModel, field: str) -> str:
    return type(part).model_fields[field].alias or field
