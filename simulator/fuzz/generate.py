"""Random configs: a small SoC with tiny workloads, then random keys of the schema laid on it.

A change that the config refuses is dropped, so that what is left is what a user could run.
"""

from random import Random
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from hw_models.dram.standards import STANDARDS
from hw_models.errors import ConfigError
from hw_models.nvdla.presets import PRESETS
from simulator.config.model import Config, load
from simulator.config.networks import check_networks
from simulator.config.system import System
from simulator.fuzz.values import NEVER_DRAWN, NoValue, draw_field

MOST_CHANGES = 12
LONGEST = "20 ms"  # simulated time of a case; tiny workloads end well before
Change = tuple[tuple[str, ...], Any]  # keys, value
BRANCHES = (
    "accelerators",
    "cores",
    "interconnect",
    "llc",
    "dram",
    "memory",
    "interconnects",
    "caches",
    "memories",
)


def draw_case(rng: Random) -> tuple[dict[str, Any], list[Change]]:
    """Return a config that `check` accepts, without its changes, and the changes laid on it."""
    data = template(rng)
    while not accepted(data):
        data = template(rng)
    changes: list[Change] = []
    for _ in range(rng.randint(0, MOST_CHANGES)):
        try:
            change = draw_change(apply(data, changes), rng)
        except NoValue:
            continue
        if accepted(apply(data, [*changes, change])):
            changes.append(change)
    return data, changes


def accepted(data: dict[str, Any]) -> bool:
    """Tell whether a config can be run; one that ends in a traceback is a case to run, and to be told of."""
    try:
        check_networks(load(data))
    except ConfigError:
        return False
    except Exception:
        return True
    return True


def apply(data: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
    """Return ``data`` with the changes laid on it, in their order."""
    result = _copy(data)
    for keys, value in changes:
        node = result
        for key in keys[:-1]:
            node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
            if node is None:
                break
        if isinstance(node, dict):
            node[keys[-1]] = _copy(value)
    return result


def draw_change(data: dict[str, Any], rng: Random) -> Change:
    """Return a random key of the schema, below a part that the config has, with a random value."""
    system = data["system"]
    names = [name for key in ("accelerators", "cores") for name in system.get(key, {})] + [
        "interconnect",
        "llc",
    ]
    if rng.random() < 0.2:
        part = rng.choice(["workloads", "corunners", "simulation"])
        return _below(Config.model_fields[part].annotation, data.get(part), (part,), names, rng)
    fields = System.model_fields
    key = rng.choice([key for key in BRANCHES if key in fields])
    return _below(fields[key].annotation, system.get(key), ("system", key), names, rng)


def _below(annotation: Any, value: Any, keys: tuple[str, ...], names: list[str], rng: Random) -> Change:
    """Walk down to one key of the block that stands at ``keys``."""
    if isinstance(value, list) and value:
        index = rng.randrange(len(value))
        return _below(get_args(annotation)[0], value[index], (*keys, str(index)), names, rng)
    models = list(_models(annotation, value))
    if not models or get_origin(annotation) is list:
        raise NoValue
    if get_origin(_bare(annotation)) is dict:
        if not value:
            raise NoValue
        name = rng.choice(sorted(value))
        return _below(get_args(_bare(annotation))[1], value[name], (*keys, name), names, rng)
    model = rng.choice(models)
    name, field = rng.choice([item for item in model.model_fields.items() if item[0] not in NEVER_DRAWN])
    alias = field.alias or name
    inner = value.get(alias) if isinstance(value, dict) else None
    if isinstance(inner, dict) and inner and rng.random() < 0.7:
        return _below(field.annotation, inner, (*keys, alias), names, rng)
    return (*keys, alias), draw_field(field, names, rng)


def _bare(annotation: Any) -> Any:
    return _bare(get_args(annotation)[0]) if get_origin(annotation) is Annotated else annotation


def _models(annotation: Any, value: Any) -> list[type[BaseModel]]:
    """Return the blocks that an annotation allows; of accelerators the one that ``value`` is."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found = [model for part in get_args(annotation) for model in _models(part, value)]
    kind = value.get("kind") if isinstance(value, dict) else None
    return [model for model in found if kind is None or model.__name__.lower() == kind] or found


def template(rng: Random) -> dict[str, Any]:
    """Return a small SoC: masters, an interconnect or none, an LLC or none, DRAM or ideal memory, jobs."""
    several = rng.random() < 0.8
    accelerators = {f"nvdla{i}": _accelerator(rng) for i in range(rng.randint(1, 3) if several else 1)}
    cores = {f"core{i}": {"clock": _clock(rng)} for i in range(rng.randint(0, 3) if several else 0)}
    system: dict[str, Any] = {"accelerators": accelerators, "cores": cores}
    if several:
        system["interconnect"] = {"clock": _clock(rng), "width": rng.choice(["4 B", "8 B", "32 B"])}
        if rng.random() < 0.5:
            system["llc"] = {
                "size": rng.choice(["16 KiB", "256 KiB"]),
                "ways": rng.choice([1, 4, 8]),
                "line": "64 B",
            }
    if rng.random() < 0.2:
        system["memory"] = {"latency": "50 cycles", "bandwidth": "8 B/cycle"}
    else:
        system["dram"] = {
            "standard": rng.choice(sorted(STANDARDS)),
            "channels": rng.choice([1, 1, 2]) if several else 1,
        }
    jobs = {f"j{i}": _job(rng, list(accelerators), list(cores)) for i in range(rng.randint(1, 2))}
    free = list(cores)[1:]
    corunners = [_corunner(rng, core) for core in free if rng.random() < 0.6]
    simulation = {"seed": rng.randint(1, 99), "max_time": LONGEST}
    return {
        "name": "fuzz",
        "system": system,
        "workloads": jobs,
        "corunners": corunners,
        "simulation": simulation,
    }


def _accelerator(rng: Random) -> dict[str, Any]:
    if rng.random() < 0.2:
        return {
            "kind": "systolic",
            "clock": _clock(rng),
            "rows": rng.choice([4, 16]),
            "columns": rng.choice([4, 16]),
        }
    return {"preset": rng.choice(sorted(PRESETS)), "clock": _clock(rng)}


def _clock(rng: Random) -> str:
    return rng.choice(["500 MHz", "1 GHz", "1 GHz", "1600 MHz", "3200 MHz"])


def _corunner(rng: Random, core: str) -> dict[str, Any]:
    kinds = ["bandwidth_read", "bandwidth_write", "latency"]
    return {"on": core, "kind": rng.choice(kinds), "footprint": rng.choice(["4 KiB", "64 KiB", "1 MiB"])}


def _job(rng: Random, accelerators: list[str], cores: list[str]) -> dict[str, Any]:
    shape = [rng.randint(1, 20), rng.randint(1, 20), rng.choice([1, 3, 8, 16, 20, 33])]
    layers: list[dict[str, Any]] = [
        {"conv": {"input": shape, "kernels": rng.choice([1, 4, 8, 24]), "kernel": "1x1"}}
    ]
    for _ in range(rng.randint(0, 2)):
        layers.append(rng.choice([
            {"conv": {"kernels": rng.choice([2, 8, 16]), "kernel": "3x3", "padding": 1}},
            {"activation": {"activation": "relu"}}, {"pool": {"kernel": "2x2", "padding": 1}},
            {"fc": {"kernels": 8}},
        ]))  # fmt: skip
    job: dict[str, Any] = {
        "on": rng.choice(accelerators),
        "layers": layers,
        "frames": rng.choice([1, 1, 2, 3]),
    }
    return job | ({"fallback": cores[0]} if cores else {})


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
