"""Random configs: a small SoC with tiny workloads, then random keys of the schema laid on it.

A change that the config refuses is dropped, so that what is left is what a user could run.
"""

from collections.abc import Callable
from random import Random
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from hw_models.errors import ConfigError
from simulator.config.model import Config, load
from simulator.config.names import NAMED
from simulator.config.networks import check_networks
from simulator.config.system import System
from simulator.fuzz.shapes import SHAPES, draw_soc
from simulator.fuzz.values import NEVER_DRAWN, NoValue, draw_field

MOST_CHANGES = 12
Change = tuple[tuple[str, ...], Any]  # keys, value
APART = 1_000_003  # between the seeds of two series


def draw_case(seed: int, number: int) -> dict[str, Any]:
    """Return case ``number`` of a series: a config that `check` accepts."""
    rng = Random(seed * APART + number)
    data = _acceptable(draw_soc, rng)
    for _ in range(rng.randint(0, MOST_CHANGES)):
        try:
            changed = laid_on(data, draw_change(data, rng))
        except NoValue:
            continue
        if accepted(changed):
            data = changed
    return data


def examples(seed: int) -> list[dict[str, Any]]:
    """Return a config of every shape: together they need every kernel that a case may."""
    rng = Random(seed)
    return [_acceptable(shape, rng) for shape in SHAPES]


def _acceptable(shape: Callable[[Random], dict[str, Any]], rng: Random) -> dict[str, Any]:
    data = shape(rng)
    while not accepted(data):
        data = shape(rng)
    return data


def accepted(data: dict[str, Any]) -> bool:
    """Tell whether a config can be run; one that ends in a traceback is a case to run, and to be told of."""
    try:
        check_networks(load(data))
    except ConfigError:
        return False
    except Exception:
        return True
    return True


def laid_on(data: Any, change: Change) -> Any:
    """Return ``data`` with a value laid on it, its mappings and lists copied along the way."""
    keys, value = change
    if not keys:
        return value
    if isinstance(data, list):
        index = int(keys[0])
        return [laid_on(item, (keys[1:], value)) if i == index else item for i, item in enumerate(data)]
    holder = data if isinstance(data, dict) else {}
    return {**holder, keys[0]: laid_on(holder.get(keys[0]), (keys[1:], value))}


def draw_change(data: dict[str, Any], rng: Random) -> Change:
    """Return a random key of the schema, below a part that the config has, with a random value.

    Raises NoValue where a key was met of which no value is known.
    """
    system = data["system"]
    names = [name for key in NAMED for name in system.get(key) or {}]
    names += [key for key in ("interconnect", "llc", "dram", "memory", "flash") if system.get(key)]
    if rng.random() < 0.25:
        part = rng.choice(["workloads", "corunners", "simulation"])
        return _below(Config.model_fields[part].annotation, data.get(part), (part,), names, rng)
    key = rng.choice(list(System.model_fields))
    return _below(System.model_fields[key].annotation, system.get(key), ("system", key), names, rng)


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
