"""The sweep file."""

import math
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    field_validator,
    model_validator,
)

from hw_models.units import Block
from simulator.sweeps.axes import MOST_VALUES, Range, axis_values, si
from simulator.sweeps.expressions import Expression

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
        return self.excess(value) <= 0

    def excess(self, value: float) -> float:
        """Return by how much ``value`` lies outside; 0 or less inside."""
        over = value - self.max if self.max is not None else -math.inf
        under = self.min - value if self.min is not None else -math.inf
        return max(over, under, -1e300)  # finite, for samplers


class Sampler(Block):
    """Which points of the space are run."""

    kind: Literal["grid", "random", "latin_hypercube", "optuna"] = "grid"
    points: int = Field(32, gt=0, description="how many; a grid has as many as it has")
    seed: int = Field(1, ge=0)
    batch: int = Field(8, gt=0, description="optuna: points asked for at once; the answer depends on it")
    algorithm: Literal["tpe", "nsga2"] = Field("tpe", description="optuna: multivariate TPE, or NSGA-II")
    population: int = Field(24, ge=2, description="optuna's nsga2: points of a generation")


class Joint(Block):
    """Several keys of the config that take the same value together."""

    keys: list[str] = Field(min_length=1, description="key paths that are set together")
    values: list[Any] | Range = Field(description="a list of values, or a range")


Named = dict[str, dict[str, Any]]  # alternatives by name, each a part of a config
Axis = Annotated[
    Annotated[list[Any], Tag("list"), Field(min_length=1)]
    | Annotated[Range, Tag("Range")]
    | Annotated[Joint, Tag("Joint")]
    | Annotated[Named, Tag("Named"), Field(min_length=1)],
    Discriminator(lambda value: _kind_of_axis(value)),
]


def _kind_of_axis(value: Any) -> str:
    if isinstance(value, Joint) or (isinstance(value, dict) and "keys" in value):
        return "Joint"
    if isinstance(value, dict) and value and all(isinstance(item, dict) for item in value.values()):
        return "Named"
    return "Range" if isinstance(value, dict | Range) else "list"


def values_of(axis: Any) -> list[Any]:
    """Return an axis's values, those of a named one by name; a continuous range has none."""
    if isinstance(axis, Joint):
        return axis_values(axis.values)
    return list(axis) if isinstance(axis, dict) else axis_values(axis)


def range_of(axis: Any) -> Range | None:
    """Return the continuous range of an axis, None where it has values."""
    inner = axis.values if isinstance(axis, Joint) else axis
    return inner if isinstance(inner, Range) and inner.is_continuous else None


class Sweep(Block):
    """A design-space sweep."""

    name: str = "sweep"
    base: str | dict[str, Any] = Field(description="the config to start from, relative to this file")
    trace: str | None = Field(
        None, description="a memory trace, relative to this file: it drives each point's system.dram alone"
    )
    axes: dict[str, Axis] = Field(min_length=1, description="key path of the config, or a name: values")
    conditions: list[str] = Field(
        default_factory=list, description="expressions over axes that a point must meet to be run"
    )
    replicates: int = Field(
        1, ge=1, le=1000, description="runs of a point with seeds of their own: mean, ci95"
    )
    sampler: Sampler = Sampler()
    objectives: dict[str, Goal] = Field(
        min_length=1, description="path of summary.json, or expression of paths: minimize or maximize"
    )
    constraints: dict[str, Bounds] = Field(default_factory=dict, description="path or expression: limits")
    metrics: list[str] = Field(default_factory=list, description="more paths or expressions to tabulate")

    @model_validator(mode="after")
    def axes_have_values(self) -> "Sweep":
        for path, axis in self.axes.items():
            if range_of(axis) is not None and self.sampler.kind == "grid":
                raise ValueError(
                    f"axes.{path} is continuous, which a grid cannot be; write step, factor or points"
                )
        count = math.prod(
            1 if range_of(axis) is not None else len(values_of(axis)) for axis in self.axes.values()
        )
        if self.sampler.kind == "grid" and count > MOST_VALUES:
            raise ValueError(
                f"axes make a grid of {count} points, at most {MOST_VALUES}; write fewer values, or "
                "sampler: {kind: latin_hypercube, points: 64}"
            )
        return self

    @field_validator("objectives", "constraints", "metrics")
    @classmethod
    def expressions_can_be_read(cls, texts: Any) -> Any:
        for text in texts:
            Expression(text)
        return texts

    @model_validator(mode="after")
    def conditions_can_be_read(self) -> "Sweep":
        for text in self.conditions:
            try:
                read = Expression(text, names=self.axes)
            except ValueError as error:
                raise ValueError(f"conditions: {error}") from None
            strange = [path for path in read.paths if path not in self.axes]
            if strange:
                raise ValueError(
                    f"conditions: {strange[0]!r} is no axis; write one of {', '.join(self.axes)}"
                )
        return self

    @cached_property
    def paths(self) -> dict[str, Expression]:
        """Return what the table of results has a column for: objectives first, then limits and metrics."""
        texts = dict.fromkeys([*self.objectives, *self.constraints, *self.metrics])
        return {text: Expression(text) for text in texts}
