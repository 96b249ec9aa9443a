"""Paths and values of results as a person reads them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from simulator.results.numbers import bytes_text, count_text, joules_text, percent_text, rate_text, time_text

_ENDINGS: tuple[tuple[str, str, Callable[[float | None], str]], ...] = (
    (r"bytes_per_s$", "B/s", rate_text),
    (r"(^|[._])j(\.(\d+|\*))?$", "J", joules_text),
    (r"(utilization|_rate|share)$", "", percent_text),
    (r"bytes$", "B", bytes_text),
    (r"(^|[._])s_per_token$", "s", time_text),
    (r"_per_s$", "1/s", count_text),
    (r"(^|[._])s$|_s\.(mean|p\d+|min|max|\d+|\*)$", "s", time_text),
)


# a path, or what a function gathers from one: it has the path's unit, no other expression has
_OF_ONE_PATH = re.compile(r"(?:(?:max|min|mean|sum|p\d+)\(\s*)?([A-Za-z_][\w-]*(?:\.(?:\*|[\w-]+))*)\s*\)?")


def _kind(text: str) -> tuple[str, Callable[[float | None], str]] | None:
    """Return the unit of a path's number and what shows it, None where nothing is known of it."""
    match = _OF_ONE_PATH.fullmatch(text)
    if match is None:
        return None
    return next(((unit, show) for ending, unit, show in _ENDINGS if re.search(ending, match[1])), None)


def unit_of(path: str) -> str:
    """Return the unit of a path of summary.json, or of an expression, "" for none: the last part names it."""
    found = _kind(path)
    return found[0] if found else ""


def value_text(path: str, value: Any) -> str:
    """Return a value of summary.json in the unit that its path ends in: "13.6 ms" at ``..latency_s``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "-"
    if not isinstance(value, int | float):
        return str(value)
    found = _kind(path)
    if found is not None:
        return found[1](value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def flow_text(value: Any) -> str:
    """Return a value of a config as YAML writes it in a line; keys without a value are left out."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {flow_text(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow_text, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return str(value)


def label_of(path: str) -> str:
    """Return a dotted path without what every path of its kind begins with: "llc.size" of system.llc.size."""
    return re.sub(r"^(?:system|workloads)\.(?=.*\.)", "", path)
