"""`dlasim search`: the largest (or smallest) value of one config key at which a run still keeps its limits.

By bisection, so it takes for granted that the limits are kept on one side of the answer and broken on the
other; between values above 0 in equal ratios. Where the value in the middle is none that the config may have,
such as a size of a cache, the nearest power of two is tried. Every run is a point of a sweep, kept like any
sweep's.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hw_models.errors import ConfigError
from simulator.config.model import Config, document_of, load, resolved
from simulator.config.yaml_lines import yaml_text
from simulator.results.run_folder import prepare_out
from simulator.sweeps.axes import Range, exact
from simulator.sweeps.bar import Bar
from simulator.sweeps.execute import Exploration
from simulator.sweeps.file import Sweep
from simulator.sweeps.outcome import SweepOutcome, write_results
from simulator.sweeps.page import write_sweep_page
from simulator.sweeps.space import Space
from simulator.sweeps.store import store_of
from simulator.sweeps.workers import pool

REACH = 64  # without --between: this far up and down from the config's value
TOLERANCE = Fraction(1, 100)
DEADLINE = "deadline"
_LIMIT = re.compile(r"(.+?)\s*(<=|>=)\s*(.+)")


@dataclass
class Found:
    """What a search ends with."""

    path: str
    goal: str  # "maximize" or "minimize"
    value: Any  # the best that keeps the limits
    broken: Any  # the closest that was tried and does not, None if all of the range keeps them
    outcome: SweepOutcome

    def __str__(self) -> str:
        kind = "highest" if self.goal == "maximize" else "lowest"
        if self.broken is None:
            return f"{kind} {self.path} that keeps the limits: {self.value}, the end of the range"
        return f"{kind} {self.path} that keeps the limits: {self.value}; {self.broken} does not"


def search(
    file: str | Path,
    *,
    path: str,
    goal: str,
    subject_to: list[str],
    between: tuple[Any, Any] | None = None,
    tolerance: Fraction = TOLERANCE,
    settings: list[str] | None = None,
    out: str | Path | None = None,
) -> Found:
    """Find the best value of ``path``. Raises ConfigError where neither end of the range keeps the limits."""
    base = document_of(file, settings or [])
    config = load(base)
    span = _range(config, path, between)
    sweep = Sweep.model_validate(
        {
            "name": f"{goal} {path}",
            "base": resolved(config),
            "axes": {path: [span.value(exact(end)[0]) for end in (span.start, span.stop)]},
            "objectives": {f"workloads.{job}.latency_s": "minimize" for job in config.workloads},
            "constraints": _limits(config, subject_to),
        }
    )
    folder = Path(out) if out is not None else None
    if folder is not None:
        prepare_out(folder, sweep=True)
    with pool(0) as run, store_of(folder, resume=True, fresh=False, retry_failed=False) as store:
        exploration = Exploration(sweep, Space(sweep, base), store, run)
        bar = Bar(None, exploration.space)

        def keeps(number: Fraction) -> bool | None:
            exploration.run_points([{path: span.value(number)}], bar)
            row = exploration.outcome.rows[-1]
            return bool(row["feasible"]) if row["config_sha256"] else None

        value, broken = _bisect(span, goal, keeps, tolerance, exploration.outcome)
        exploration.outcome.mark_pareto()
        if store is not None:
            (store.folder / "sweep.yaml").write_text(yaml_text(resolved(sweep)), encoding="utf-8")
            write_results(exploration.outcome, store.folder)
            write_sweep_page(exploration.outcome, store.folder, sweep.base, folder or store.folder)
    return Found(path, goal, value, broken, exploration.outcome)


def _bisect(
    span: Range, goal: str, keeps: Any, tolerance: Fraction, outcome: SweepOutcome
) -> tuple[Any, Any | None]:
    """Return the best value that keeps the limits, and the closest one that does not.

    ``keeps`` tells whether a value does, None for one that the config cannot have. Raises ConfigError.
    """
    good, bad = exact(span.start)[0], exact(span.stop)[0]
    if goal == "minimize":
        good, bad = bad, good
    if not keeps(good):
        error = outcome.rows[-1]["error"]
        said = f" ({error})" if error else ""
        raise ConfigError(
            f"the limits are not kept even at {span.value(good)}{said}; write another --between"
        )
    kept = keeps(bad)
    if kept:
        return span.value(bad), None
    if kept is None:
        raise ConfigError(f"{outcome.rows[-1]['error']}; write another --between")
    while True:
        middle = _between(good, bad)
        ends = span.value(good), span.value(bad)
        if span.value(middle) in ends or abs(bad - good) <= tolerance * abs(good):
            return ends
        kept = keeps(middle)
        if kept is None:
            middle = Fraction(2) ** round(math.log2(middle)) if middle > 0 else good
            if not min(good, bad) < middle < max(good, bad):
                return ends
            kept = keeps(middle)
        if kept is None:
            raise ConfigError(f"{outcome.rows[-1]['error']}; write a --between without such values")
        good, bad = (middle, bad) if kept else (good, middle)


def _between(a: Fraction, b: Fraction) -> Fraction:
    if min(a, b) > 0 and max(a, b) > 4 * min(a, b):
        return Fraction((float(a) * float(b)) ** 0.5)
    return (a + b) / 2


def _range(config: Config, path: str, between: tuple[Any, Any] | None) -> Range:
    """Return the range that is searched. Raises ConfigError."""
    if between is None:
        value = _value_at(resolved(config), path)
        try:
            number, units = exact(value)
        except ValueError:
            raise ConfigError(f"found {value!r}; write --between LOW HIGH", key=path) from None
        scale = Range.model_construct(start=value, stop=value, step=None)
        low = number / REACH if units is not None or isinstance(value, float) else max(1, number // REACH)
        between = (scale.value(Fraction(low)), scale.value(number * REACH))
    try:
        low, high = (_plain(end) if isinstance(end, str) else end for end in between)
        return Range.model_validate({"from": low, "to": high})
    except ValueError as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        said = first.removeprefix("Value error, ")
        raise ConfigError(said, key="--between") from None


def _value_at(data: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        elif isinstance(data, dict) and part in data:
            data = data[part]
        else:
            raise ConfigError("the config has no such key; write a path of `dlasim check`", key=path)
    return data


def _limits(config: Config, subject_to: list[str]) -> dict[str, dict[str, str]]:
    """Return the sweep's constraints. Raises ConfigError."""
    limits: dict[str, dict[str, str]] = {}
    for text in subject_to:
        match = _LIMIT.fullmatch(text)
        if text == DEADLINE:
            jobs = [
                name
                for name, job in config.workloads.items()
                if getattr(job, "deadline_fs", None) is not None
            ]
            if not jobs:
                raise ConfigError("no job has a deadline; write workloads.<job>.deadline", key="--subject-to")
            limits.update({f"workloads.{job}.deadline.misses": {"max": "0"} for job in jobs})
        elif match:
            limits.setdefault(match[1], {})["max" if match[2] == "<=" else "min"] = match[3]
        else:
            raise ConfigError(f"found {text!r}; write deadline, or PATH <= LIMIT", key="--subject-to")
    return {path: {end: _plain(limit) for end, limit in ends.items()} for path, ends in limits.items()}


def _plain(text: str) -> Any:
    """Return the number that ``text`` writes, or the text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
