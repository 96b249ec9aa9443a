"""A line of text for each slow layer: beside whom it waited, where and why."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from simulator.report.layers import Layer, layers_of, slowest
from simulator.results.numbers import percent_text, time_text
from simulator.results.result import Result

LINES = 5  # slow layers that are told of
FS_DIGITS = 15  # of a difference in seconds: whole femtoseconds
LEAST = 0.01  # share, of its waits or of the most that a layer lost, below which it is not worth a word
NOBODY = "refresh"
LEVELS = {"llc": "LLC", "dram": "DRAM"}  # as they are written


class Blame(NamedTuple):
    """The waits of a layer's requests in a frame, in seconds; they overlap."""

    all_s: float
    others_s: Counter[str]  # by culprit, neither the job's own masters nor refresh
    where_s: Counter[tuple[str, str]]  # of these by (cause, level)

    @property
    def share(self) -> float:
        """Return which share of the waits others are charged with."""
        return sum(self.others_s.values()) / self.all_s if self.all_s else 0.0

    @property
    def shares(self) -> dict[str, float]:
        """Return the share of each culprit."""
        return {name: seconds / self.all_s for name, seconds in self.others_s.items()}

    def told(self) -> str:
        """Return "beside core1-3, 55 % queue_full in the interconnect"."""
        (cause, level), most_s = self.where_s.most_common(1)[0]
        share = percent_text(round(most_s / sum(self.where_s.values()), 2))
        place = level if level == "flash" else f"the {LEVELS.get(level, level)}"
        return f"beside {names_text(self.others_s)}, {share} {cause} in {place}"


def names_text(names: Iterable[str]) -> str:
    """Return "core1-3, nvdla0" of several names."""
    numbers: dict[str, list[int]] = {}
    for name in names:
        match = re.fullmatch(r"(.*?\D)(\d+)", name)
        stem, number = (match[1], int(match[2])) if match else (name, -1)
        numbers.setdefault(stem, []).append(number)
    parts = []
    for stem in sorted(numbers):
        found = sorted(numbers[stem])
        for first, last in _runs(found):
            said = f"{stem}{first}" if first >= 0 else stem
            parts.append(said if first == last else f"{said}-{last}")
    return ", ".join(parts)


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return [first, last] of each run of consecutive numbers."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs


def blame_of(blame: Mapping[str, Sequence[Any]], layer: Layer, name: str) -> Blame:
    """Return what blame.csv has of a layer in the frame that the layer is of."""
    own = {v for v, job in zip(blame.get("victim", ()), blame.get("job", ())) if job == layer.job}
    total, others, where = 0.0, Counter[str](), Counter[tuple[str, str]]()
    for job, frame, of, culprit, level, cause, seconds in zip(
        *(blame.get(n, ()) for n in ("job", "frame", "layer", "culprit", "level", "cause", "time_s"))
    ):
        if job != layer.job or str(of) != name or frame != (layer.frame or 0):
            continue
        total += seconds
        if culprit not in own and culprit != NOBODY:
            others[culprit] += seconds
            where[cause, level] += seconds
    return Blame(total, others, where)


def slow_layers(result: Result) -> list[dict[str, Any]]:
    """Return job, layer, frame, time, what others are charged with, and a line of text of the slowest layers.

    ``waits_share``: of the waits of the layer's requests; a layer that waited for itself only is left out.
    """
    layers = slowest(layers_of(result.ops, result.summary["workloads"]), LINES)
    rows = []
    for layer in layers:
        found = blame_of(result.blame, layer, layer.own_name)
        if found.share < LEAST:
            continue
        share = percent_text(round(found.share, 2))
        text = f"{layer.name}: {time_text(layer.seconds)}, {share} of its waits {found.told()}"
        rows.append({"job": layer.job, "layer": layer.own_name, "frame": layer.frame or 0,
                     "time_s": layer.seconds, "waits_share": found.shares, "text": text})  # fmt: skip
    return rows


def slowed_layers(result: Result, baseline: Result) -> list[str]:
    """Return a line for each layer that lost most against ``baseline``, the same network alone.

    "stage4.1.conv2: +625 us beside core1-3, 55 % queue_full in the interconnect": the time is the difference
    of the slowest frames, the rest what the layer's waits are charged to.
    """
    before = {
        (layer.job, layer.own_name): layer.seconds
        for layer in layers_of(baseline.ops, baseline.summary["workloads"])
    }
    found = [
        (round(layer.seconds - before.get((layer.job, layer.own_name), layer.seconds), FS_DIGITS), layer)
        for layer in layers_of(result.ops, result.summary["workloads"])
    ]
    lost = sorted((each for each in found if each[0] > 0), key=lambda each: (-each[0], each[1].name))[:LINES]
    lines = []
    for seconds, layer in (each for each in lost if each[0] >= LEAST * lost[0][0]):
        blame = blame_of(result.blame, layer, layer.own_name)
        told = f" {blame.told()}" if blame.share >= LEAST else ""
        lines.append(f"{layer.name}: +{time_text(seconds)}{told}")
    return lines
