"""Checks between parts of a config: names that must exist, parts that exclude each other.

They look at the data as written, so that they are told together with every other mistake.
"""

from typing import Any

from hw_models.errors import ConfigError
from simulator.config_errors import at, not_one_of
from simulator.yaml_lines import Document, Keys

MASTERS = 16  # hw_models.port.MASTERS: importing that would import numba (a test holds them equal)


def reference_errors(document: Document) -> list[ConfigError]:
    """Return what is wrong between the parts of the config."""
    data = document.data
    system, workloads = _mapping(data.get("system")), _mapping(data.get("workloads"))
    accelerators, cores = _mapping(system.get("accelerators")), _mapping(system.get("cores"))
    errors: list[ConfigError] = []

    def check(keys: Keys, name: Any, known: dict, what: str) -> None:
        if isinstance(name, str) and name not in known:
            none = f"{name!r} names no {what}; the system has none, write it under system.{what}s"
            errors.append(at(document, keys, not_one_of(name, sorted(known)) if known else none))

    for name, job in workloads.items():
        job = _mapping(job)
        if "fallback" in job:
            check(("workloads", name, "fallback"), job["fallback"], cores, "core")
        if "on" in job and ("network" in job or "layers" in job):
            check(("workloads", name, "on"), job["on"], accelerators, "accelerator")
    for name in sorted(set(accelerators) & set(cores)):
        errors.append(
            at(document, ("system", "cores", name), "also the name of an accelerator; write another")
        )
    masters = len(accelerators) + len(cores)
    if masters > MASTERS:
        errors.append(at(document, ("system",), f"{masters} masters are too many; write at most {MASTERS}"))
    if not workloads and not data.get("corunners"):
        errors.append(at(document, (), "nothing to run; write workloads or corunners"))
    return errors + _memory_errors(document, system, bool(masters))


def _memory_errors(document: Document, system: dict, needed: bool) -> list[ConfigError]:
    written = [key for key in ("dram", "memory") if system.get(key) is not None]
    if len(written) == 2:
        message = "written beside system.dram; write one of them, and null for the other"
        return [at(document, ("system", "memory"), message)]
    if not written and needed:
        return [at(document, ("system",), "no memory; write system.dram or system.memory")]
    return []


def complete_cores(document: Document) -> Document:
    """Return the document with a core for each co-runner: one like the listed cores, if they are alike."""
    system = _mapping(_mapping(document.data).get("system"))
    cores = _mapping(system.get("cores"))
    corunners = _mapping(document.data).get("corunners")
    wanted = [_mapping(c).get("on") for c in (corunners if isinstance(corunners, list) else [])]
    missing = {name for name in wanted if isinstance(name, str) and name not in cores}
    alike = all(core == next(iter(cores.values())) for core in cores.values())
    if not missing or not cores or not alike:
        return document
    added = {name: next(iter(cores.values())) for name in sorted(missing)}
    data = {**document.data, "system": {**system, "cores": {**cores, **added}}}
    return Document(data, document.places)


def _mapping(value: Any) -> dict:
    return value if isinstance(value, dict) else {}
