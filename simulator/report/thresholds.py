"""Limits on what may change between runs: `dlasim compare --fail-if 'workloads.*.latency_s > +5 %'`.

``PATH > +5 %`` and ``PATH > +1 ms`` are about the change against the first run, ``PATH > 12 ms`` is about
each of the others by itself. A ``*`` in a path stands for every key; each is looked at by itself.
"""

import difflib
import math
import operator
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hw_models.errors import ConfigError
from simulator.report.labels import unit_of, value_text
from simulator.sweeps.axes import si
from simulator.sweeps.expressions import paths_of

_LIMIT = re.compile(r"\s*([\w.*-]+)\s*(<=|>=|<|>)\s*([+-]?)\s*([0-9].*?)\s*(%?)\s*")
_TESTS = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
UNITS = ("s", "J")  # of a number whose change is not to be written without
ENDINGS = ("_w", "_mm2")  # of paths of numbers with a unit, beside those that `unit_of` knows
_RIGHT = "write PATH > +5 %, PATH > +1 ms or PATH > 12 ms"


class Threshold(NamedTuple):
    """A limit that is broken where ``path`` compares with ``amount`` as the sign says."""

    text: str
    path: str
    sign: str  # < > <= >=
    relative: bool  # amount is a share of the first run's value
    change: bool  # about the change against the first run
    amount: float

    def breaks(self, value: float, base: float | None) -> bool:
        """Return whether a run's value breaks the limit; ``base``: the first run's."""
        if not self.change:
            return bool(_TESTS[self.sign](value, self.amount))
        if base is None:
            return False
        moved = value - base
        if self.relative:
            moved = moved / abs(base) if base else math.copysign(math.inf, moved) if moved else 0.0
        return bool(_TESTS[self.sign](moved, self.amount))


class Broken(NamedTuple):
    """A number that breaks a limit, or that is missing where the first run has one."""

    limit: str
    path: str
    run: str
    value: float | None
    base: float | None

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.run}: {self.path} is missing ({self.limit})"
        against = "" if self.base is None else f", against {value_text(self.path, self.base)}"
        return f"{self.run}: {self.path} is {value_text(self.path, self.value)}{against} ({self.limit})"


def read_threshold(text: str) -> Threshold:
    """Return the limit that ``text`` writes. Raises ConfigError."""
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise ConfigError(f"{text!r} is no limit; {_RIGHT}", key="--fail-if")
    path, sign, direction, amount, percent = match.groups()
    if percent and not direction:
        raise ConfigError(f"{text!r} has a share without + or -; {_RIGHT}", key="--fail-if")
    try:
        number = si(float(amount) / 100 if percent else amount if not _plain(amount) else float(amount))
    except ValueError:
        raise ConfigError(
            f"{text!r} is no limit ({amount!r} is no number); {_RIGHT}", key="--fail-if"
        ) from None
    has_unit = unit_of(path) in UNITS or path.endswith(ENDINGS)
    if direction and number and not percent and _plain(amount) and has_unit:
        raise ConfigError(f"{text!r} has a change without a unit; {_RIGHT}", key="--fail-if")
    number = -number if direction == "-" else number
    return Threshold(text.strip(), path, sign, bool(percent), bool(direction), number)


def _plain(amount: str) -> bool:
    try:
        float(amount)
    except ValueError:
        return False
    return True


def broken(
    limits: Sequence[str], names: Sequence[str], summaries: Sequence[Mapping[str, Any]]
) -> list[Broken]:
    """Return what breaks the limits; the first run is the baseline. Raises ConfigError."""
    found: list[Broken] = []
    for text in limits:
        limit = read_threshold(text)
        values = [numbers_by_path(summary, limit.path) for summary in summaries]
        paths = list(dict.fromkeys(path for one in values for path in one))
        if not paths:
            raise ConfigError(_no_number(limit.path, summaries), key="--fail-if")
        for name, one in zip(names[1:], values[1:]):
            for path in paths:
                value, base = one.get(path), values[0].get(path)
                if value is None or limit.breaks(value, base):
                    found.append(Broken(limit.text, path, name, value, base))
    return found


def numbers_by_path(summary: Any, path: str, done: str = "") -> dict[str, float]:
    """Return path -> number for all that ``path``, with its ``*``, stands for; a list: for all its values."""
    first, _, rest = path.partition(".")
    if isinstance(summary, list):
        summary = {str(i): value for i, value in enumerate(summary)}
    keys = list(summary) if first == "*" and isinstance(summary, Mapping) else [first]
    found: dict[str, float] = {}
    for key in keys:
        if not isinstance(summary, Mapping) or key not in summary:
            continue
        value, here = summary[key], f"{done}.{key}" if done else str(key)
        if rest or isinstance(value, list):
            found |= numbers_by_path(value, rest or "*", here)
        elif isinstance(value, int | float):
            found[here] = float(value)
    return found


def _no_number(path: str, summaries: Sequence[Mapping[str, Any]]) -> str:
    close = difflib.get_close_matches(path, list(paths_of(summaries[0])), n=1)
    right = f"did you mean {close[0]!r}?" if close else "write a path of summary.json"
    return f"no run has a number at {path!r}; {right}"
