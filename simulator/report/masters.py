"""Which masters plots, pages and the terminal name: of many those that move most, the rest together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MOST_NAMED = 12  # masters that are all shown by name; the files have them all, however many
FEW = 8  # names that are left where there are more


def shown_masters(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return master -> the name that it is shown by: its own, or, of many, "57 others"."""
    masters = summary.get("masters", {})
    if len(masters) <= MOST_NAMED:
        return {name: name for name in masters}
    moved = {name: each.get("read_bytes", 0) + each.get("write_bytes", 0) for name, each in masters.items()}
    named = sorted(masters, key=lambda name: -moved[name])[: FEW - 1]
    others = f"{len(masters) - len(named)} others"
    return {name: name if name in named else others for name in masters}


def folded(series: Mapping[str, Sequence[float]], shown: Mapping[str, str]) -> dict[str, list[float]]:
    """Return the columns of a series by the names that they are shown by, equal ones summed, and last."""
    found: dict[str, list[float]] = {}
    for name in in_order(series, shown):
        values, at = series[name], shown.get(name, name)
        found[at] = [a + b for a, b in zip(found[at], values, strict=True)] if at in found else list(values)
    return found


def in_order(names: Iterable[str], shown: Mapping[str, str]) -> list[str]:
    """Return the names as they come; where some share a name, the others first, by number."""
    places = {name: i for i, name in enumerate(shown)}
    if all(name == at for name, at in shown.items()):
        return list(names)
    return sorted(names, key=lambda name: (shown.get(name, name) != name, places.get(name, len(places))))
