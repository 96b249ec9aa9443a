"""Paths and values of results as a person reads them."""

import re
from collections.abc import Callable
from typing import Any

from simulator.results.numbers import bytes_text, count_text, joules_text, percent_text, rate_text, time_text

_UNITS: tuple[tuple[str, Callable[[float | None], str]], ...] = (
    (r"bytes_per_s$", rate_text),
    (r"(^|[._])j$", joules_text),
    (r"(utilization|_rate|share)$", percent_text),
    (r"bytes$", bytes_text),
    (r"_per_s$", count_text),
    (r"(^|[._])s$|_s\.(mean|p\d+|max)$", time_text),
)


def value_text(path: str, value: Any) -> str:
    """Return a value of summary.json in the unit that its path ends in: "13.6 ms" at ``..latency_s``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "-"
    if not isinstance(value, int | float):
        return str(value)
    show = next((show for ending, show in _UNITS if re.search(ending, path)), None)
    if show is not None:
        return show(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
