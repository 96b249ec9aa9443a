"""Checks between parts of a config: names that must exist, parts that exclude each other.

They look at the data as written, so that they are told together with every other mistake.
"""

from typing import Any

from hw_models.errors import ConfigError
from hw_models.limits import WIDE
from simulator.config.errors import at, not_one_of
from simulator.config.yaml_lines import Document, Keys

JOBS = 64  # with masters and what lies below them at most simulator.kernel.soc_state.UNITS (a test holds it)
ONE_OF = {  # parts of the system that are written by name
    "accelerators": "an accelerator",
    "cores": "a core",
    "backends": "a backend",
    "masters": "a master",
    "interconnects": "an interconnect",
    "caches": "a cache",
    "memories": "a memory",
}
NAMED = tuple(ONE_OF)
SHORT = ("interconnect", "llc", "dram", "memory")  # the usual tree: names of its parts too


class _Names:
    """Looks names up and gathers what is wrong."""

    def __init__(self, document: Document):
        self.document = document
        self.errors: list[ConfigError] = []

    def check(self, keys: Keys, name: Any, known: dict, what: str, where: str) -> None:
        if not isinstance(name, str) or name in known:
            return
        none = f"{name!r} names no {what}; the system has none, write it under {where}"
        self.add(keys, not_one_of(name, sorted(known)) if known else none)

    def add(self, keys: Keys, message: str) -> None:
        self.errors.append(at(self.document, keys, message))


def reference_errors(document: Document) -> list[ConfigError]:
    """Return what is wrong between the parts of the config."""
    data = document.data
    system = _mapping(data.get("system"))
    accelerators, cores = _mapping(system.get("accelerators")), _mapping(system.get("cores"))
    backends = _mapping(system.get("backends"))
    outside = _mapping(system.get("masters"))
    masters = {**accelerators, **cores, **backends, **outside}
    names = _Names(document)
    _check_jobs(names, _mapping(data.get("workloads")), system)
    _check_masters(names, system, masters)
    _check_unique(names, system)
    if len(masters) > WIDE:
        names.add(("system",), f"{len(masters)} masters are too many; write at most {WIDE}")
    jobs = len(_mapping(data.get("workloads")))
    if jobs > JOBS:
        names.add(("workloads",), f"{jobs} jobs are too many; write at most {JOBS}")
    for i, corunner in enumerate(_list(data.get("corunners"))):
        names.check(("corunners", i, "on"), _mapping(corunner).get("on"), cores, "core", "system.cores")
    _check_backends(names, backends, system)
    return names.errors + _memory_errors(document, system, bool(accelerators or cores or outside))


def _check_unique(names: _Names, system: dict) -> None:
    """A name is that of one part: wires are drawn by name."""
    seen: dict[str, str] = dict.fromkeys(SHORT, "a part of the usual tree")
    for holder in NAMED:
        for name in sorted(_mapping(system.get(holder)), key=str):
            if name in seen:
                names.add(("system", holder, name), f"also the name of {seen[name]}; write another")
            seen.setdefault(name, ONE_OF[holder])


def _check_jobs(names: _Names, workloads: dict, system: dict) -> None:
    accelerators, cores = _mapping(system.get("accelerators")), _mapping(system.get("cores"))
    backends = _mapping(system.get("backends"))
    for name, job in workloads.items():
        keys, job = ("workloads", name), _mapping(job)
        names.check((*keys, "fallback"), job.get("fallback"), cores, "core", "system.cores")
        if is_network(job) or "trace" in job:
            names.check((*keys, "on"), job.get("on"), accelerators, "accelerator", "system.accelerators")
        elif "model" in job:
            names.check((*keys, "on"), job.get("on"), backends, "backend", "system.backends")


def _check_backends(names: _Names, backends: dict, system: dict) -> None:
    """Check that a backend's memory is where it says."""
    written = next((key for key in ("dram", "memory", "memories") if system.get(key)), None)
    for name, backend in backends.items():
        keys, memory = ("system", "backends", name, "memory"), _mapping(backend).get("memory")
        if memory == "own" and written is not None:
            names.add(keys, f"own, beside system.{written}; write shared, or null for system.{written}")
        if memory == "shared" and written is None:
            names.add(keys, "shared, and the system has none; write system.dram, or own")


def _check_masters(names: _Names, system: dict, masters: dict) -> None:
    """Check the names of masters in the interconnect, the LLC and the DRAM."""
    parts = {name: part for key in ("interconnects", "caches") for name, part in _named(system, key)}
    above = {**masters, **parts, **{key: system[key] for key in SHORT[:2] if system.get(key) is not None}}
    buses: list[tuple[Keys, dict]] = [(("system", "interconnect"), _mapping(system.get("interconnect")))]
    buses += [(("system", "interconnects", n), _mapping(bus)) for n, bus in _named(system, "interconnects")]
    for place, bus in buses:
        _check_sources(names, place, bus, above)
    written: list[tuple[Keys, Any]] = []
    dram = _mapping(system.get("dram"))
    for table in ("priority", "partition"):
        written += [(("system", "dram", table, name), name) for name in _mapping(dram.get(table))]
    caches: list[tuple[Keys, dict]] = [(("system", "llc"), _mapping(system.get("llc")))]
    caches += [(("system", "caches", name), _mapping(cache)) for name, cache in _named(system, "caches")]
    for place, cache in caches:
        for table in ("partition", "bypass", "discard"):
            written += [((*place, table, name), name) for name in _mapping(cache.get(table))]
    for keys, name in written:
        names.check(keys, name, masters, "master", "system.accelerators or system.cores")


def _check_sources(names: _Names, place: Keys, bus: dict, known: dict) -> None:
    """Check the names of what is above an interconnect."""
    written: list[tuple[Keys, Any]] = []
    written += [((*place, "masters", name), name) for name in _mapping(bus.get("masters"))]
    for i, name in enumerate(_list(bus.get("tdm"))):
        written.append(((*place, "tdm", i), name))
    for group, value in _mapping(bus.get("groups")).items():
        for i, name in enumerate(_list(_mapping(value).get("masters"))):
            written.append(((*place, "groups", group, "masters", i), name))
    for keys, name in written:
        names.check(keys, name, known, "master", "system.accelerators or system.cores")


def _named(system: dict, holder: str) -> list[tuple[str, Any]]:
    return list(_mapping(system.get(holder)).items())


def is_network(job: Any) -> bool:
    return "network" in _mapping(job) or "layers" in _mapping(job)


def network_jobs(document: Document) -> list[str]:
    """Return the names of the jobs that are networks."""
    workloads = _mapping(_mapping(document.data).get("workloads"))
    return [name for name, job in workloads.items() if is_network(job)]


def _memory_errors(document: Document, system: dict, needed: bool) -> list[ConfigError]:
    written = [key for key in ("dram", "memory") if system.get(key) is not None]
    if len(written) == 2:
        message = "written beside system.dram; write one of them, and null for the other"
        return [at(document, ("system", "memory"), message)]
    if not written and needed and not _mapping(system.get("memories")):
        return [at(document, ("system",), "no memory; write system.dram or system.memory")]
    return []


def without_nulls(document: Document) -> Document:
    """Return the document without named parts that are null: so a file takes away what its base has."""
    if not isinstance(document.data, dict):
        return document
    data = _without(document.data, ("workloads", "corunners"))
    if isinstance(data.get("system"), dict):
        data["system"] = _without(data["system"], NAMED)
    return Document(data, document.places)


def _without(holder: dict, keys: tuple[str, ...]) -> dict:
    kept = {key: part for key, part in holder.items() if part is not None or key not in keys}
    for key in keys:
        if isinstance(kept.get(key), dict):
            kept[key] = {name: part for name, part in kept[key].items() if part is not None}
    return kept


def complete_cores(document: Document) -> Document:
    """Return the document with a core for each co-runner: one like the listed cores, if they are alike."""
    system = _mapping(_mapping(document.data).get("system"))
    cores = _mapping(system.get("cores"))
    corunners = _mapping(document.data).get("corunners")
    wanted = [_mapping(corunner).get("on") for corunner in _list(corunners)]
    missing = {name for name in wanted if isinstance(name, str) and name not in cores}
    alike = all(core == next(iter(cores.values())) for core in cores.values())
    if not missing or not cores or not alike:
        return document
    added = {name: next(iter(cores.values())) for name in sorted(missing)}
    data = {**document.data, "system": {**system, "cores": {**cores, **added}}}
    return Document(data, document.places)


def _mapping(value: Any) -> dict:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list:
    return value if isinstance(value, list) else []
