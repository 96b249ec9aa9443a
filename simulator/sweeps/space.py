"""The space of a sweep: what a point is, which points meet the conditions, and the config of each.

A point is a dict of axis -> value as written (the name, for named alternatives).
"""

import itertools
from collections.abc import Iterator
from typing import Any

from hw_models.errors import ConfigError
from hw_models.limits import NARROW, make_room
from simulator.config.errors import at, raise_all
from simulator.config.idle import idle_keys
from simulator.config.model import Config, load
from simulator.config.topology import masters_of
from simulator.config.yaml_lines import Document
from simulator.sweeps.axes import exact
from simulator.sweeps.expressions import Expression
from simulator.sweeps.file import Joint, Sweep, range_of, values_of

Point = dict[str, Any]
AXES = "axes"  # of what a mistake in an axis's value is told


class Space:
    """The axes of a sweep laid on its base; ``document``: the sweep's file, for the lines of mistakes."""

    def __init__(self, sweep: Sweep, base: Document, document: Document | None = None):
        self.sweep, self.base, self.document = sweep, base, document or Document({})
        self.conditions = [Expression(text, names=sweep.axes) for text in sweep.conditions]

    def grid(self) -> Iterator[Point]:
        """Yield every combination of values that meets the conditions, the last axis fastest."""
        values = [values_of(axis) for axis in self.sweep.axes.values()]
        for combination in itertools.product(*values):
            point = dict(zip(self.sweep.axes, combination))
            if self.has(point):
                yield point

    def has(self, point: Point) -> bool:
        """Tell whether the point meets every condition."""

        def value_of(name: str) -> Any:  # of an axis, or of a word in quotes
            return _comparable(name[1:-1] if name[0] in "'\"" else point[name])

        return all(condition.value(value_of) for condition in self.conditions)

    def values(self, point: Point) -> dict[str, Any]:
        """Return the config's key paths that the point sets, with their values. Raises ConfigError."""
        settings: dict[str, Any] = {}
        for name, value in point.items():
            axis = self.sweep.axes[name]
            if isinstance(axis, dict):
                settings.update(_leaves(axis[value]))
            else:
                for path in axis.keys if isinstance(axis, Joint) else [name]:
                    settings.update(dict.fromkeys(self._without_stars(path, name), value))
        return settings

    def config(self, point: Point, seed: int | None = None) -> Config:
        """Return the point's config. Raises ConfigError if it is none."""
        return load(self.base, values=self.values(point), laid_by=AXES, seed=seed)

    def check(self) -> None:
        """Lay every value of every axis alone on the base. Raises ConfigError for what is wrong with an axis.

        A grid of which no point meets the conditions is a mistake, too; what is wrong only in combinations is
        the point's error.
        """
        base = masters = _masters(load(self.base))
        errors = []
        for name, axis in self.sweep.axes.items():
            continuous, most = range_of(axis), base
            for i, value in enumerate(values_of(axis) or [continuous.at(0.0) if continuous else None]):
                try:
                    most = max(most, _masters(self.config({name: value})))
                except ConfigError as error:
                    told = getattr(error, "errors", [error])[0]
                    if self._is_own(told.key or "", name, value):
                        errors.append(self._mistake(name, i, value, told))
            masters += most - base
        raise_all(errors)
        if masters > NARROW:  # some combination may have so many
            make_room()
        if self.sweep.sampler.kind == "grid" and next(self.grid(), None) is None:
            message = "no point of the grid meets them all; write weaker ones, or more values on an axis"
            raise at(self.document, ("conditions",), message)

    def _is_own(self, key: str, name: str, value: Any) -> bool:
        """Tell whether a mistake is the axis's own, or lies in what its value sets: all other axes apart."""
        if key == f"{AXES}.{name}":
            return True
        return any(key == path or key.startswith(f"{path}.") for path in self.values({name: value}))

    def _mistake(self, name: str, i: int, value: Any, told: ConfigError) -> ConfigError:
        """Return what is wrong with the ``i``th value of an axis, with its line."""
        axis = self.sweep.axes[name]
        inner: str | int = value if isinstance(axis, dict) else i
        keys = (AXES, name, "values", i) if isinstance(axis, Joint) else (AXES, name, inner)
        place = self.document.place_of(keys)
        file, line = (place.file, place.line) if place else (None, None)
        key = told.key or ""
        if key == f"{AXES}.{name}":
            return ConfigError(told.message, file=file, line=line, key=key)
        own = key == name or key.startswith(f"{name}.")
        shown = f"{AXES}.{name}" if own else f"{AXES}.{name}: {key}"
        return ConfigError(f"{value!r}: {told.message}", file=file, line=line, key=shown)

    def idle_axes(self) -> dict[str, str]:
        """Return axis -> why none of its values, laid alone on the base, has an effect."""
        whys = {name: self._why_idle(name) for name in self.sweep.axes}
        return {name: why for name, why in whys.items() if why}

    def _why_idle(self, axis: str) -> str:
        """Return why no value of an axis has an effect, empty if one does or cannot be loaded alone."""
        why = ""
        for value in values_of(self.sweep.axes[axis]):
            try:
                idle = dict(idle_keys(self.config({axis: value})))
            except ConfigError:
                return ""
            paths = list(self.values({axis: value}))
            if not paths or not all(path in idle for path in paths):
                return ""
            why = idle[paths[0]]
        return why

    def _without_stars(self, path: str, axis: str) -> list[str]:
        """Return ``path`` once for each name that a ``*`` stands for in the base."""
        if "*" not in path.split("."):
            return [path]
        paths: list[tuple[list[str], Any]] = [([], self.base.data)]
        for part in path.split("."):
            grown: list[tuple[list[str], Any]] = []
            for keys, node in paths:
                names = [part] if part != "*" else _names(node)
                grown += [([*keys, name], _child(node, name)) for name in names]
            paths = grown
        if not paths:
            raise ConfigError(
                f"{path!r} stands for nothing in the base; write a path that has it", key=f"axes.{axis}"
            )
        return [".".join(keys) for keys, _ in paths]


def _masters(config: Config) -> int:
    return len(masters_of(config.system, config.workloads))


def _names(node: Any) -> list[str]:
    if isinstance(node, dict):
        return list(node)
    return [str(i) for i in range(len(node))] if isinstance(node, list) else []


def _child(node: Any, name: str) -> Any:
    if isinstance(node, list):
        return node[int(name)] if name.isdigit() and int(name) < len(node) else None
    return node.get(name) if isinstance(node, dict) else None


def _leaves(part: Any, path: str = "") -> dict[str, Any]:
    """Return dotted path -> value of a part of a config; lists and empty mappings are values."""
    if not isinstance(part, dict) or not part:
        return {path: part}
    return {
        inner: value
        for key, item in part.items()
        for inner, value in _leaves(item, f"{path}.{key}" if path else str(key)).items()
    }


def _comparable(value: Any) -> Any:
    """Return a quantity as its number in base units, so that 1 MiB is more than 512 KiB."""
    if value is None or isinstance(value, bool | dict | list):
        return "none" if value is None else str(value)
    try:
        return float(exact(value)[0])
    except ValueError:
        return value
