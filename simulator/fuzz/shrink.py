"""A failing config made smaller: what its failure does not need is taken away, key by key."""

import time
from collections.abc import Iterator
from typing import Any

from simulator.fuzz.case import run_case
from simulator.fuzz.generate import accepted

SHRINK_S = 40.0  # of wall time for one failure
TRY_S = 10.0  # of wall time for one smaller config
Path = tuple[str | int, ...]


def shrink(config: dict[str, Any], outcome: str) -> dict[str, Any]:
    """Return a smaller config that fails in the same way, as far as time allows."""
    until = time.monotonic() + SHRINK_S
    smaller = True
    while smaller:
        smaller = False
        for path in paths(config):
            if time.monotonic() > until:
                return config
            less = without(config, path)
            if accepted(less) and run_case(less, limit_s=TRY_S)["outcome"] == outcome:
                config, smaller = less, True
                break
    return config


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Yield the place of everything that may be taken away, large parts before what is in them."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        items = list(value.items() if isinstance(value, dict) else enumerate(value))
    for key, _ in items:
        yield (*at, key)
    for key, inner in items:
        yield from paths(inner, (*at, key))


def without(value: Any, path: Path) -> Any:
    """Return ``value`` without what lies at ``path``."""
    first, *rest = path
    if isinstance(value, list):
        changed = [without(value[int(first)], tuple(rest))] if rest else []
        return [*value[: int(first)], *changed, *value[int(first) + 1 :]]
    changed_value = {first: without(value[first], tuple(rest))} if rest else {}
    return {key: changed_value.get(key, item) for key, item in value.items() if rest or key != first}
