"""`dlasim list`: what a config can name."""

from collections.abc import Iterator
from typing import Any

from hw_models.errors import ConfigError
from simulator.config.errors import not_one_of


def listing(what: str) -> list[str]:
    """Return the lines to print. Raises ConfigError for an unknown list."""
    lists = {
        "configs": _configs,
        "presets": _presets,
        "networks": _networks,
        "standards": _standards,
        "policies": _policies,
        "twins": _twins,
        "validations": _validations,
    }
    if what not in lists:
        raise ConfigError(not_one_of(what, list(lists)), key="WHAT")
    return lists[what]()


def _presets() -> list[str]:
    from hw_models.flash.tables.presets import PRESETS as FLASH
    from hw_models.nvdla.presets import PRESETS as ACCELERATORS
    from hw_models.roofline.presets import PRESETS as BACKENDS

    kinds = {"accelerators.<name>": ACCELERATORS, "flash": FLASH, "backends.<name>": BACKENDS}
    return [f"{name:<24} system.{where}.preset" for where, names in kinds.items() for name in names]


def _configs() -> list[str]:
    from simulator.config.shipped import shipped

    return shipped()


def _networks() -> list[str]:
    from workloads.networks.builtin import NETWORKS

    return list(NETWORKS)


def _standards() -> list[str]:
    from hw_models.dram.standards import STANDARDS

    return list(STANDARDS)


def _policies() -> list[str]:
    """Return "system.llc.replacement: lru, random, ..." of every key that takes one of a few words."""
    from simulator.config.model import schema

    whole = schema()
    return list(dict.fromkeys(_choices(whole, "", whole.get("$defs", {}))))


def _twins() -> list[str]:
    from simulator.cosim_blocks.blocks import BLOCKS

    return list(BLOCKS)


def _validations() -> list[str]:
    from simulator.validate import VALIDATIONS

    return list(VALIDATIONS)


def _choices(node: Any, path: str, definitions: dict[str, Any], depth: int = 0) -> Iterator[str]:
    if depth > 12 or not isinstance(node, dict):
        return
    if "$ref" in node:
        yield from _choices(definitions[node["$ref"].rpartition("/")[2]], path, definitions, depth + 1)
    if len(node.get("enum", [])) > 1 and all(isinstance(word, str) for word in node["enum"]):
        yield f"{path}: {', '.join(node['enum'])}"
    for key in ("anyOf", "oneOf", "allOf"):
        for item in node.get(key, []):
            yield from _choices(item, path, definitions, depth + 1)
    for key, item in node.get("properties", {}).items():
        yield from _choices(item, f"{path}.{key}" if path else key, definitions, depth + 1)
    yield from _choices(node.get("items"), path, definitions, depth + 1)
    yield from _choices(node.get("additionalProperties"), f"{path}.<name>", definitions, depth + 1)
