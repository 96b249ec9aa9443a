"""Records as a GPU keeps them: the same fields in fewer bytes, so that more points fit its small caches.

To a kernel every field is a 64-bit integer. Where it is sure what a field can hold, memory keeps it in 8,
16 or 32 bits; a field with one value for all points, which no kernel writes, is part of the type, and what
follows from it is compiled away; a field that no kernel then reaches takes no memory. The kernels' source
knows nothing of it: all this is types.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from llvmlite import ir
from numba import from_dtype
from numba.core import datamodel, types
from numba.core.datamodel.registry import register_default
from numba.core.imputils import lower_cast
from numba.core.typeconv import Conversion
from numba.core.types import (  # type: ignore[attr-defined]  # numba's partial annotations
    NestedArray,
    Record,
    literal,
)

Bits = Mapping[str, Any]  # field -> bits, or -> those of the record that it is
# field -> shape of the array that it is, or -> those of the record that it is; "field." of those in an array
Lengths = Mapping[str, Any]
WORD = 8  # bytes
SMALL = 64  # bytes: fields of at most so many come first, side by side
SECTOR = 32  # bytes that a GPU's memory gives at a time


class Stored(types.Integer):  # type: ignore[name-defined]
    """An int64 that memory keeps in fewer bits."""

    literal_type = types.int64  # what numba takes it for when it types a call

    def __init__(self, bits: int):
        super().__init__(f"stored{bits}", bitwidth=bits, signed=True)

    def can_convert_to(self, context: Any, other: Any) -> Any:
        return Conversion.promote if isinstance(other, types.Integer | types.Float) else None

    def can_convert_from(self, context: Any, other: Any) -> Any:
        return Conversion.unsafe if isinstance(other, types.Integer) else None

    def unify(self, context: Any, other: Any) -> Any:
        return types.int64 if isinstance(other, types.Integer) else None


@register_default(Stored)
class StoredModel(datamodel.PrimitiveModel):
    """64 bits wherever a kernel holds it."""

    def __init__(self, manager: Any, kind: Any):
        super().__init__(manager, kind, ir.IntType(64))
        self._stored = ir.IntType(kind.bitwidth)

    def get_data_type(self) -> Any:
        return self._stored

    def as_data(self, builder: Any, value: Any) -> Any:
        return builder.trunc(value, self._stored)

    def from_data(self, builder: Any, value: Any) -> Any:
        return builder.sext(value, ir.IntType(64))


@lower_cast(Stored, types.Integer)
@lower_cast(Stored, types.Float)
def _from_stored(context: Any, builder: Any, kind: Any, wanted: Any, value: Any) -> Any:
    return context.cast(builder, value, types.int64, wanted)


@lower_cast(types.Integer, Stored)
@lower_cast(types.IntegerLiteral, Stored)
def _to_stored(context: Any, builder: Any, kind: Any, wanted: Any, value: Any) -> Any:
    return context.cast(builder, value, kind, types.int64)


@lower_cast(Stored, Stored)
def _between_stored(context: Any, builder: Any, kind: Any, wanted: Any, value: Any) -> Any:
    return value


class PackedRecord(Record):
    """A record whose fields lie where `packed` puts them."""

    @property
    def dtype(self) -> Any:
        return np.dtype((np.void, self.size))


class StoredArray(NestedArray):
    """An array of integers that memory keeps in fewer bits."""

    def __init__(self, dtype: Stored, shape: tuple[int, ...]):
        super().__init__(dtype, shape)
        self.dtype = dtype  # numba put down what it takes it for

    def copy(self, *given: Any, **named: Any) -> Any:
        raise TypeError(f"a kernel takes a part of {self}, which numba would take for 64-bit integers")


register_default(StoredArray)(datamodel.models.NestedArrayModel)
register_default(PackedRecord)(datamodel.models.RecordModel)


def packed(
    dtype: np.dtype, bits: Bits | None = None, absent: Collection[str] = (), hot: Collection[str] = ()
) -> np.dtype:
    """Return the layout of a record of integers: small fields first, each at a multiple of its size.

    Fields keep their order, as far as numpy goes; those ``absent`` are left out. Where some are ``hot``, here
    or in a record within, these come before all others, and records lie in as few sectors as they can.
    """
    given = bits or {}
    names = [name for name in dtype.names or () if name not in absent]
    formats = [_stored(dtype[name], given.get(name, 64), hot) for name in names]
    most = SECTOR if hot else WORD
    offsets, end, whole = [0] * len(names), 0, WORD

    def order(k: int) -> tuple:
        size = formats[k].itemsize
        return (0, size, 0) if names[k] in hot else (1, size > SMALL, -_alignment(formats[k], most))

    for k in sorted(range(len(names)), key=order):
        step = _alignment(formats[k], most)
        offsets[k] = -(-end // step) * step
        end, whole = offsets[k] + formats[k].itemsize, max(whole, step)
    whole = max(whole, min(most, 1 << max(0, end - 1).bit_length()))
    return np.dtype(
        {"names": names, "formats": formats, "offsets": offsets, "itemsize": -(-end // whole) * whole}
    )


def _stored(kind: np.dtype, bits: Any, hot: Collection[str]) -> np.dtype:
    """Return the layout of a field."""
    if kind.subdtype is not None:
        return np.dtype((_stored(kind.subdtype[0], bits, hot), kind.shape))
    if kind.names is not None:
        return packed(kind, bits if isinstance(bits, Mapping) else None, hot=hot)
    if kind.kind not in "iu":
        raise TypeError(f"{kind} is no integer")
    return np.dtype(f"{kind.kind}{min(bits // 8, kind.itemsize)}")


def _alignment(kind: np.dtype, most: int) -> int:
    """Return the step of the places of a field; of records' their size, up to ``most``."""
    size = kind.base.itemsize
    return size & -size if kind.base.names is None else min(most, size & -size)


def kind_of(
    layout: np.dtype, known: Mapping[str, Any] | None = None, absent: Mapping[str, np.dtype] | None = None
) -> Any:
    """Return what numba takes a layout for.

    ``known``: values of fields, or those of a record within. ``absent``: fields that kernels name and never
    reach.
    """
    if layout.subdtype is not None:
        inner = kind_of(layout.base, known)
        return (StoredArray if isinstance(inner, Stored) else NestedArray)(inner, layout.shape)
    if layout.names is None:
        plain = layout.itemsize == WORD or layout.kind == "u"
        return from_dtype(layout) if plain else Stored(8 * layout.itemsize)
    fields: Any = []
    for name in layout.names:
        kind, offset = layout.fields[name][:2]  # type: ignore[index]
        given = known.get(name) if known else None
        value = literal(given) if isinstance(given, int) else kind_of(kind, given)
        fields.append((name, {"type": value, "offset": offset}))
    for name, kind in (absent or {}).items():
        fields.append((name, {"type": kind_of(kind), "offset": layout.itemsize}))
    return PackedRecord(fields, layout.itemsize, True)


def cut(dtype: np.dtype, lengths: Lengths) -> np.dtype:
    """Return a record's type with arrays shortened, each to the first so many along every axis."""
    fields = []
    for name in dtype.names or ():
        kind, asked = dtype[name], lengths.get(name)
        inner, shape = kind.base, kind.shape
        if isinstance(asked, tuple):
            shape, asked = asked, lengths.get(f"{name}.")
        if asked is not None:
            inner = cut(inner, asked)
        fields.append((name, inner, shape))
    return np.dtype(fields)


def pack(rows: np.ndarray, layout: np.dtype) -> np.ndarray:
    """Return ``rows`` in a layout. Raises OverflowError for a number that it has no room for."""
    kept = np.zeros(rows.shape, layout)
    fill(kept, rows)
    return kept


def unpack(rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return rows of a layout as those that it is the layout of; zeros where it leaves something out."""
    found = np.zeros(rows.shape, dtype)
    fill(found, rows)
    return found


def fill(into: np.ndarray, given: np.ndarray, name: str = "") -> None:
    """Copy what two kinds of rows have both: fields by name, of arrays the beginning.

    Raises OverflowError for a number that there is no room for.
    """
    if into.shape != given.shape:
        common = tuple(slice(min(sizes)) for sizes in zip(into.shape, given.shape, strict=True))
        into, given = into[common], given[common]
    if into.dtype == given.dtype:
        into[...] = given
    elif into.dtype.names is not None:
        for each in into.dtype.names:
            if each in (given.dtype.names or ()):
                fill(into[each], given[each], each)
    else:
        into[...] = given
        if into.dtype.itemsize < given.dtype.itemsize and not (into == given).all():
            raise OverflowError(f"{name} does not fit {into.dtype}")
