"""pydantic's complaints re-told: the YAML line, the key path, what was found, what would be right."""

import difflib
import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from hw_models.errors import ConfigError, ConfigErrors
from hw_models.units import in_units_of
from simulator.config.yaml_lines import Document, Keys, kind_of, path_text

WHAT_IS_RIGHT = {  # pydantic's error type -> the advice
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "dataclass_type": "a mapping of keys to values",
}
BOUNDS = {  # pydantic's error type -> (its context's name, what is wrong, what would be right)
    "greater_than": ("gt", "too small", "a number greater than"),
    "greater_than_equal": ("ge", "too small", "at least"),
    "less_than": ("lt", "too large", "a number less than"),
    "less_than_equal": ("le", "too large", "at most"),
    "too_short": ("min_length", "too short", "at least this many items:"),
    "too_long": ("max_length", "too long", "at most this many items:"),
    "multiple_of": ("multiple_of", "not fitting", "a multiple of"),
}


def retell(error: ValidationError, model: type[BaseModel], document: Document) -> list[ConfigError]:
    """Return one ConfigError for each of pydantic's, with its place in the document."""
    told: dict[Keys, list[str]] = {}
    details = [
        (detail, *clean_keys(detail["loc"], model, document.data))
        for detail in error.errors(include_url=False)
    ]
    meant = {
        (*keys[:-1], _closest(str(keys[-1]), written_names(holders)))
        for detail, keys, holders in details
        if detail["type"] == "extra_forbidden"
    }
    for detail, keys, holders in details:
        if _is_kind(detail):
            keys = (*keys, "kind")
        if detail["type"] != "missing" or keys not in meant:  # told where it is misspelt
            told.setdefault(keys, []).append(_message(detail, keys, holders))
    return [at(document, keys, message) for keys, messages in told.items() for message in _joined(messages)]


def _joined(messages: list[str]) -> list[str]:
    """Return the messages about one key, with those of a union's members in one: "write text or a list"."""
    by_found: dict[str, list[str]] = {}
    for message in dict.fromkeys(messages):
        found, _, right = message.partition("; write ")
        by_found.setdefault(found, []).append(right)
    joined = {found: " or ".join(right) for found, right in by_found.items()}
    return [f"{found}; write {right}" if right else found for found, right in joined.items()]


def at(document: Document, keys: Keys, message: str) -> ConfigError:
    """Return the ConfigError that says ``message`` about ``keys``."""
    place = document.place_of(keys)
    file, line = (place.file, place.line) if place else (None, None)
    return ConfigError(message, file=file, line=line, key=path_text(keys) or None)


def raise_all(errors: Iterable[ConfigError]) -> None:
    """Raise all the errors at once, in the order of the file; return if there are none."""
    ordered = sorted(errors, key=lambda e: (e.file is None, str(e.file), e.line or 0))
    if len(ordered) == 1:
        raise ordered[0]
    if ordered:
        raise ConfigErrors(ordered)


def _is_kind(detail: Any) -> bool:
    """Tell whether a member of a union was asked for by a `kind` that there is not."""
    found = detail["input"]
    return detail["type"] == "union_tag_invalid" and isinstance(found, dict) and "kind" in found


def _message(detail: Any, keys: Keys, holders: list[type[BaseModel]]) -> str:
    kind, found, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return _missing(str(keys[-1]), holders)
    if kind == "extra_forbidden":
        return unknown_key(str(keys[-1]), written_names(holders))
    if kind in ("literal_error", "enum"):
        choices = [part.strip("' ") for part in context["expected"].replace(" or ", ", ").split(", ")]
        return not_one_of(found, choices)
    if _is_kind(detail):
        tags = context["expected_tags"].lower().split(", ")
        return not_one_of(found["kind"], [tag.strip("'") for tag in tags])
    if kind in WHAT_IS_RIGHT:
        return f"found {kind_of(found)}; write {WHAT_IS_RIGHT[kind]}"
    if kind in BOUNDS:
        name, wrong, right = BOUNDS[kind]
        shown = found if isinstance(found, int | float | str) else f"the {kind_of(found).removeprefix('a ')}"
        bound = context[name]
        if isinstance(found, str) and isinstance(bound, int):
            bound = in_units_of(found, bound)
        return f"{shown} is {wrong}; write {right} {bound}"
    if kind == "string_pattern_mismatch":
        return f"{found!r} is not a name; write letters, digits, _ and -, starting with a letter"
    return f"found {kind_of(found)}; {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _missing(key: str, holders: list[type[BaseModel]]) -> str:
    field = _field(key, holders)
    return f"missing; write {field.description}" if field and field.description else "missing; write it here"


def unknown_key(key: str, known: list[str]) -> str:
    return f"unknown key; {_suggestion(key, known)}"


def not_one_of(found: Any, choices: list[str]) -> str:
    return f"{found!r} is not known; {_suggestion(str(found), choices)}"


def _suggestion(word: str, known: list[str]) -> str:
    close = _closest(word, known)
    if close is not None:
        return f"did you mean {close!r}?"
    return f"write one of {', '.join(known)}" if known else "there is nothing to write here"


def _closest(word: str, known: list[str]) -> str | None:
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def written_names(models: list[type[BaseModel]]) -> list[str]:
    """Return the keys that a YAML file may write in these models, in their order."""
    return list(dict.fromkeys(f.alias or name for m in models for name, f in m.model_fields.items()))


def _field(key: str, models: list[type[BaseModel]]) -> FieldInfo | None:
    for model in models:
        for name, field in model.model_fields.items():
            if key in (name, field.alias):
                return field
    return None


def clean_keys(
    loc: tuple[str | int, ...], model: type[BaseModel], data: Any
) -> tuple[Keys, list[type[BaseModel]]]:
    """Return pydantic's location as keys of the YAML, and the models that hold the last of them.

    Dropped are the names that pydantic adds for the members of a union.
    """
    keys: list[str | int] = []
    types_here: list[Any] = [model]
    holders: list[type[BaseModel]] = [model]
    for part in loc:
        models = [t for t in _flatten(types_here) if isinstance(t, type) and issubclass(t, BaseModel)]
        in_data = _has(data, part)
        if part == "[key]" or not (in_data or _field(str(part), models)):
            types_here = [t for t in _flatten(types_here) if getattr(t, "__name__", "") == part] or types_here
            continue
        holders = models
        types_here = _step(types_here, models, part)
        data = data[part] if in_data else None
        keys.append(part)
    return tuple(keys), holders


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)


def _flatten(annotations: Iterable[Any]) -> list[Any]:
    flat: list[Any] = []
    for annotation in annotations:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            flat += _flatten([typing.get_args(annotation)[0]])
        elif origin in (typing.Union, types.UnionType):
            flat += _flatten(typing.get_args(annotation))
        else:
            flat.append(annotation)
    return flat


def _step(annotations: list[Any], models: list[type[BaseModel]], part: str | int) -> list[Any]:
    field = _field(str(part), models)
    if field is not None:
        return [field.annotation]
    held = [(typing.get_origin(t), typing.get_args(t)) for t in _flatten(annotations)]
    return [args[0 if origin is tuple else -1] for origin, args in held if origin in (dict, list, tuple)]
