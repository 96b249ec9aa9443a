"""Random values for a key of the config, from its type: a new key joins by itself."""

import types
from enum import Enum
from random import Random
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hw_models import units
from simulator.config.system import Name

MENUS: dict[
    Any, list[str]
] = {  # what the quantities of the schema are tried with, small and odd ones among them
    units.Bytes: [
        "1 B",
        "8 B",
        "24 B",
        "64 B",
        "100 B",
        "256 B",
        "4 KiB",
        "48 KiB",
        "64 KiB",
        "1 MiB",
        "16 MiB",
    ],
    units.Hertz: ["100 MHz", "333 MHz", "500 MHz", "1 GHz", "1066 MHz", "1600 MHz", "3200 MHz"],
    units.Femtoseconds: ["0 ns", "1 ns", "50 ns", "1 us", "20 us", "1 ms"],
    units.BytesPerSecond: ["1 MB/s", "100 MB/s", "1 GB/s", "20 GB/s"],
    units.BytesPerCycle: ["1 B/cycle", "8 B/cycle", "64 B/cycle"],
    units.Cycles: ["0 cycles", "1 cycles", "7 cycles", "40 cycles", "500 cycles"],
}
_BY_READER = {id(kind.__metadata__[0]): menu for kind, menu in MENUS.items()}
STEPS = (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 64, 200)  # above the least that an integer may be
NEVER_DRAWN = ("base", "name", "max_time_fs", "preset_file", "trace", "until")


class NoValue(Exception):
    """A type of which no random value is known: text of no kind, files."""


def draw(annotation: Any, metadata: tuple[Any, ...], names: list[str], rng: Random) -> Any:
    """Return a value as YAML would have it. ``names``: of the config's parts, for keys that name one.

    Raises NoValue.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return draw(arguments[0], (*arguments[1:], *metadata), names, rng)
    menu = next((_BY_READER[id(item)] for item in metadata if id(item) in _BY_READER), None)
    if menu is not None:
        return rng.choice(menu)
    if origin in (Union, types.UnionType):
        return draw(rng.choice(arguments), metadata, names, rng)
    if annotation is type(None):
        return None
    if origin is Literal:
        return rng.choice(arguments)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return draw_block(annotation, names, rng)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return rng.choice(list(annotation)).value
    if origin in (list, tuple):
        return [draw(arguments[0], (), names, rng) for _ in range(rng.randint(0, 3))]
    if origin is dict:
        return {
            _key(arguments[0], names, rng): draw(arguments[1], (), names, rng)
            for _ in range(rng.randint(0, 2))
        }
    return _plain(annotation, metadata, names, rng)


def draw_block(model: type[BaseModel], names: list[str], rng: Random) -> dict[str, Any]:
    """Return a mapping with the keys that a block must have and a few of those that it may have."""
    result = {}
    for name, field in model.model_fields.items():
        if field.is_required() or rng.random() < 0.15:
            try:
                result[field.alias or name] = draw_field(field, names, rng)
            except NoValue:
                if field.is_required():
                    raise
    return result


def draw_field(field: FieldInfo, names: list[str], rng: Random) -> Any:
    return draw(field.annotation, tuple(field.metadata), names, rng)


def _key(annotation: Any, names: list[str], rng: Random) -> str:
    if annotation is Name or not names:
        return f"x{rng.randint(0, 2)}"
    return rng.choice(names)


def _plain(annotation: Any, metadata: tuple[Any, ...], names: list[str], rng: Random) -> Any:
    if annotation is bool:
        return rng.random() < 0.5
    if annotation is int:
        least, most = _bounds(metadata)
        return max(least, min(most, least + rng.choice(STEPS)))
    if annotation is float:
        least, most = _bounds(metadata)
        return rng.choice(
            [least, min(most, least + 1.0), least + (min(most, least + 1.0) - least) * rng.random()]
        )
    if annotation is str and names:
        return rng.choice(names)
    raise NoValue


def _bounds(metadata: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return the least and the most that the constraints of a number allow."""
    least: Any = 0
    most: Any = 10**6
    for item in metadata:
        if isinstance(item, annotated_types.Gt):
            least = item.gt + 1 if isinstance(item.gt, int) else item.gt
        elif isinstance(item, annotated_types.Ge):
            least = item.ge
        elif isinstance(item, annotated_types.Le):
            most = item.le
        elif isinstance(item, annotated_types.Lt):
            most = item.lt - 1 if isinstance(item.lt, int) else item.lt
    return least, most
