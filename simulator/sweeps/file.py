"""The sweep file."""

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PlainSerializer, Tag, model_validator

from hw_models.units import Block
from simulator.sweeps.axes import MOST_VALUES, Range, axis_values, si

Goal = Literal["minimize", "maximize"]
Limit = Annotated[
    float, BeforeValidator(si, json_schema_input_type=float | str), PlainSerializer(float, return_type=float)
]


class Bounds(Block):
    """A value of the summary that must lie within limits."""

    min: Limit | None = Field(None, description="in SI units, or with a unit: 200 ms")
    max: Limit | None = Field(None, description="in SI units, or with a unit: 200 ms")

    @model_validator(mode="after")
    def something_is_between(self) -> "Bounds":
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: nothing lies between; swap them")
        return self

    def holds(self, value: float) -> bool:
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


class Sampler(Block):
    """Which points of the space are run."""

    kind: Literal["grid", "random", "latin_hypercube", "optuna"] = "grid"
    points: int = Field(32, gt=0, description="how many; a grid has as many as it has")
    seed: int = Field(1, ge=0)
    batch: int = Field(8, gt=0, description="optuna: points asked for at once; the answer depends on it")


Axis = Annotated[
    Annotated[list[Any], Tag("list"), Field(min_length=1)] | Annotated[Range, Tag("Range")],
    Discriminator(lambda value: "Range" if isinstance(value, dict | Range) else "list"),
]


class Sweep(Block):
    """A design-space sweep."""

    name: str = "sweep"
    base: str | dict[str, Any] = Field(description="the config to start from, relative to this file")
    axes: dict[str, Axis] = Field(min_length=1, description="key path of the config: values")
    sampler: Sampler = Sampler()
    objectives: dict[str, Goal] = Field(
        min_length=1, description="path of summary.json: minimize or maximize"
    )
    constraints: dict[str, Bounds] = Field(default_factory=dict, description="path of summary.json: limits")
    metrics: list[str] = Field(default_factory=list, description="more paths of summary.json to tabulate")

    @model_validator(mode="after")
    def axes_have_values(self) -> "Sweep":
        for path, axis in self.axes.items():
            if isinstance(axis, Range) and axis.is_continuous and self.sampler.kind == "grid":
                raise ValueError(
                    f"axes.{path} is continuous, which a grid cannot be; write step, factor or points"
                )
        count = math.prod(
            1 if isinstance(a, Range) and a.is_continuous else len(axis_values(a)) for a in self.axes.values()
        )
        if self.sampler.kind == "grid" and count > MOST_VALUES:
            raise ValueError(
                f"axes make a grid of {count} points, at most {MOST_VALUES}; write fewer values, or "
                "sampler: {kind: latin_hypercube, points: 64}"
            )
        return self

    @property
    def paths(self) -> list[str]:
        """Return the paths of summary.json in the table of results."""
        return list(dict.fromkeys([*self.objectives, *self.constraints, *self.metrics]))


def lookup(summary: Any, path: str) -> float | None:
    """Return the number at a dotted path, None if there is none; `*` sums over all there are."""
    first, _, rest = path.partition(".")
    if not isinstance(summary, dict):
        return None
    if first == "*":
        found = [lookup(value, rest) for value in summary.values()]
        numbers = [number for number in found if number is not None]
        return sum(numbers) if numbers else None
    value = summary.get(first)
    if rest:
        return lookup(value, rest)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
