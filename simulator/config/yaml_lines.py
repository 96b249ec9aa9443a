"""YAML files as plain data plus where every key was written, through `base:` files and `--set`.

The dialect is YAML 1.2's: `on`, `off`, `yes`, `no` are words and 12:30 is text, not 750.
"""

import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hw_models.errors import ConfigError

Keys = tuple[str | int, ...]  # ("system", "llc", "size"), list items by index
MOST_BYTES = 1 << 26  # of a file; one that never ends is refused
MOST_DEPTH = 100  # of lists and mappings in each other
MOST_VALUES = 1_000_000  # of a document, its aliases written out
LARGEST_NUMBER = 2**63 - 1  # kernels count in int64
LONGEST_SHOWN = 80  # characters of a setting that a message repeats
FILE_SUFFIXES = (
    *(".cfg", ".txn", ".onnx", ".json", ".txt", ".yaml"),
    *(".csv", ".csv.gz", ".vcd", ".vcd.gz", ".fst"),
)


@dataclass(frozen=True)
class Place:
    """Where a value was written: a file and line, or a command-line option."""

    file: str
    line: int | None = None


@dataclass
class Document:
    """Data as written, and the place of every key in it."""

    data: Any
    places: dict[Keys, Place] = field(default_factory=dict)

    def place_of(self, keys: Keys) -> Place | None:
        """Return the place of ``keys``, or of the closest parent that was written."""
        for length in range(len(keys), -1, -1):
            if keys[:length] in self.places:
                return self.places[keys[:length]]
        return None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers: dict = {}  # noqa: RUF012  # PyYAML's own way to change the dialect


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    yaml_implicit_resolvers: dict = {}  # noqa: RUF012

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _tag, _pattern, _first in (
    ("bool", r"true|false|True|False", "tTfF"),
    ("null", r"~|null|Null|NULL", "~nN"),
    ("null", r"", ""),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
        "-+.0123456789",
    ),
):
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(
            f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first) or [""]
        )


def yaml_text(data: Any) -> str:
    """Return ``data`` as YAML that `parse_text` reads back unchanged."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def parse_text(text: str, file: str, folder: Path | None = None) -> Document:
    """Return the document in ``text``. Raises ConfigError with the line of the first fault."""
    try:
        _check_depth(text, file)
        node = _Loader(text).get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "unreadable text"
        raise ConfigError(
            f"not YAML: {problem}; write `key: value` lines, indented with spaces",
            file=file,
            line=mark.line + 1 if mark else 1,
        ) from None
    document = Document(None)
    if node is not None:
        document.data = _build(node, (), file, folder, document.places)
    return document


def _check_depth(text: str, file: str) -> None:
    """Raise ConfigError for lists or mappings nested too deep to be read."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise _nested(file, event.start_mark.line + 1 if event.start_mark else 1)


def _nested(file: str, line: int) -> ConfigError:
    return ConfigError(
        f"lists or mappings nested more than {MOST_DEPTH} deep; write at most that", file=file, line=line
    )


def _build(node: yaml.Node, keys: Keys, file: str, folder: Path | None, places: dict[Keys, Place]) -> Any:
    if len(keys) > MOST_DEPTH:  # an anchor that holds its own alias
        raise _nested(file, node.start_mark.line + 1)
    if len(places) > MOST_VALUES:
        raise ConfigError(
            f"more than {MOST_VALUES} values, aliases written out; write fewer",
            file=file,
            line=node.start_mark.line + 1,
        )
    places.setdefault(keys, Place(file, node.start_mark.line + 1))
    if isinstance(node, yaml.MappingNode):
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key in result:
                found = "a key that is not a word" if key is None else "key written twice"
                path = path_text((*keys, key) if key else keys)
                raise ConfigError(f"{found}; write each key once, as a word", file=file, line=line, key=path)
            places[(*keys, key)] = Place(file, line)
            result[key] = _build(value_node, (*keys, key), file, folder, places)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*keys, i), file, folder, places) for i, item in enumerate(node.value)]
    try:
        value = _scalar(node.tag, node.value)
    except ValueError as error:
        raise ConfigError(
            str(error), file=file, line=node.start_mark.line + 1, key=path_text(keys) or None
        ) from None
    if (
        folder is not None
        and isinstance(value, str)
        and value.endswith(FILE_SUFFIXES)
        and not _is_no_path(keys)
    ):
        return str((folder / value).resolve())  # a relative path is relative to the file that writes it
    return value


def _is_no_path(keys: Keys) -> bool:
    return keys[-1:] in (("name",), ("base",))  # a name is a name; `base` is looked for where it is read


def _scalar(tag: str, text: str) -> Any:
    kind = tag.rpartition(":")[2]
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        digits = text.lstrip("+-0")
        number = int(text, 16 if text.startswith("0x") else 10) if len(digits) < LONGEST_SHOWN else None
        return within_reach(number, f"a number of {len(digits)} digits")
    if kind == "float":
        return within_reach(float(text), text[:LONGEST_SHOWN])
    return None if kind == "null" else text


def within_reach(number: float | None, found: str) -> float:
    """Return a number that kernels can count with. Raises ValueError for any other, told as ``found``."""
    if number is None or not -LARGEST_NUMBER <= number <= LARGEST_NUMBER:
        raise ValueError(f"{found} is too large; write at most {LARGEST_NUMBER}")
    return number


def item_of(text: str) -> int | None:
    """Return the number of a list's item that a part of a path names, None for any other word."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(LARGEST_NUMBER)) else None


def path_text(keys: Keys) -> str:
    return ".".join(str(key) for key in keys)


def read_document(path: Path, seen: tuple[Path, ...] = (), bases: bool = True) -> Document:
    """Return the file's document, with its `base:` files merged underneath if ``bases``."""
    if path.resolve() in seen:
        raise ConfigError(
            "the files start from each other in a circle; take one of these lines away",
            file=path,
            line=1,
            key="base",
        )
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ConfigError(f"has more than {MOST_BYTES} B; write the path of a YAML config", file=path)
        text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8").read()
    except FileNotFoundError:
        raise ConfigError("no such file; write the path of a YAML config", file=path) from None
    except IsADirectoryError:
        raise ConfigError("is a folder; write the path of a YAML config", file=path) from None
    except UnicodeDecodeError:
        raise ConfigError("not text; write the path of a YAML config", file=path) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=path) from None
    document = parse_text(text, str(path), path.parent)
    if not isinstance(document.data, dict):
        raise ConfigError(
            f"found {kind_of(document.data)}; a config is a mapping of keys to values", file=path, line=1
        )
    if not bases or "base" not in document.data:
        return document
    base = document.data.pop("base")
    place = document.places.pop(("base",))
    if not isinstance(base, str):
        message = f"found {kind_of(base)}; write the path of the YAML file to start from"
        raise ConfigError(message, file=path, line=place.line, key="base")
    target = path.parent / base
    if not target.is_file():
        message = f"{base!r} does not exist beside this file; write the path of the YAML file to start from"
        raise ConfigError(message, file=path, line=place.line, key="base")
    return merge(read_document(target, (*seen, path.resolve())), document)


def merge(under: Document, over: Document, keys: Keys = ()) -> Document:
    """Return ``over`` laid on ``under``: mappings merge key by key, anything else is replaced."""
    places = dict(under.places)
    data = _lay(under.data, over.data, keys, places, over.places)
    return Document(data, places)


def _lay(under: Any, over: Any, keys: Keys, places: dict[Keys, Place], new: dict[Keys, Place]) -> Any:
    if isinstance(under, dict) and isinstance(over, dict):
        if keys in new and keys not in places:
            places[keys] = new[keys]
        result = dict(under)
        for key, value in over.items():
            result[key] = _lay(under.get(key), value, (*keys, key), places, new)
        return result
    depth = len(keys)
    for old in [k for k in places if k[:depth] == keys]:
        del places[old]
    places.update({k: place for k, place in new.items() if k[:depth] == keys})
    return over


def apply_setting(document: Document, setting: str) -> Document:
    """Return ``document`` with ``PATH=VALUE`` laid on it; VALUE is YAML."""
    path, equals, text = setting.partition("=")
    shown = setting if len(setting) <= LONGEST_SHOWN else f"{setting[:LONGEST_SHOWN]}..."
    place = Place(f"--set {' '.join(shown.split())}")
    if not equals or not path or not all(path.split(".")):
        raise ConfigError("write PATH=VALUE, such as system.llc.size=4MiB", file=place.file)
    try:
        value = parse_text(text, place.file, Path.cwd()).data
    except ConfigError as error:
        raise ConfigError(error.message, file=place.file, key=path) from None
    return lay_value(document, path, value, place)


def lay_value(document: Document, path: str, value: Any, place: Place) -> Document:
    """Return ``document`` with ``value`` at the dotted ``path``; missing parents become mappings."""
    data = _copy(document.data)
    keys: Keys = ()
    node, parts = data, path.split(".")
    for i, part in enumerate(parts):
        key: str | int = part
        if isinstance(node, list):
            item = item_of(part)
            if item is None or item >= len(node):
                shown = part[:LONGEST_SHOWN]
                message = f"{shown!r} is not an item of a list of {len(node)}; write a number from 0"
                raise ConfigError(message, file=place.file, line=place.line, key=path_text((*keys, shown)))
            key = item
        elif not isinstance(node, dict):
            message = f"is {kind_of(node)}, which has no key {part!r}"
            raise ConfigError(message, file=place.file, line=place.line, key=path_text(keys))
        keys = (*keys, key)
        if i == len(parts) - 1:
            node[key] = value
        elif isinstance(node, dict) and node.get(key) is None:
            node[key] = {}
        node = node[key]
    places = {k: p for k, p in document.places.items() if k[: len(keys)] != keys}
    places[keys] = place
    for length in range(len(keys)):
        places.setdefault(keys[:length], place)
    return Document(data, places)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def kind_of(value: Any) -> str:
    """Return how a person would call the YAML value: "a list", "nothing", "the number 3"."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the word {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value!r}"
    return "a list" if isinstance(value, list | tuple) else "a mapping"
