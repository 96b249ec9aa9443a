"""Parameters: fields of records that stay what they are for as long as a machine runs.

Code that has run for long is compiled anew for their very values (`hw_models.apart`): what a design does not
have is not looked for at every event, and is no code. Each load of such a field has its name in LLVM's code;
`llvm_known` puts the value in its place.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

DTYPES: dict[str, np.dtype] = {}
NAMES: dict[str, tuple[str, ...]] = {}  # of the parameters of each
_KINDS: dict[frozenset[str], str] = {}  # by the names of all fields, in whatever order memory has them
_SEEN: dict[int, tuple[Any, str | None]] = {}


def parameters(kind: str, record: np.dtype, names: Iterable[str]) -> None:
    """Declare parameters, whole numbers each, among the fields of ``record``."""
    assert record.names is not None
    DTYPES[kind], NAMES[kind] = record, tuple(names)
    _KINDS[frozenset(record.names)] = kind


def before(record: np.dtype, first: str, beside: Iterable[str] = ()) -> list[str]:
    """Return the whole numbers among the fields before ``first``, but for those ``beside``."""
    assert record.names is not None
    names = record.names[: record.names.index(first)]
    return [name for name in names if record[name] == np.int64 and name not in set(beside)]


def name_of(record: Any, field: str) -> str | None:
    """Return the name of a parameter, None for any other field; ``record``: numba's type."""
    if id(record) not in _SEEN:
        _SEEN[id(record)] = record, _KINDS.get(frozenset(record.fields))
    kind = _SEEN[id(record)][1]
    return f"{kind}.{field}" if kind is not None and field in NAMES[kind] else None


def agreed(rows: Mapping[str, np.ndarray]) -> tuple[tuple[str, int], ...]:
    """Return (name, value) of the parameters in which all records of a kind agree; ``rows`` by kind."""
    found = []
    for kind, table in rows.items():
        for name in NAMES[kind]:
            column = table[name].ravel()
            if len(column) and (column == column[0]).all():
                found.append((f"{kind}.{name}", int(column[0])))
    return tuple(found)


def digest(known: Iterable[tuple[str, int]]) -> str:
    """Return 16 hex digits for the values of parameters."""
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16]
