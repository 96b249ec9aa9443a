"""Where what is loaded or stored lies, told to LLVM: a field of a record is never another field.

Then LLVM need not load a field again behind each store. A number in a field has a tag, and so has an item of
a field that is an array; two tags mean two places. All else has none and may be anywhere: rows that are
copied whole, columns of tables, and arrays that are no field, which may be a record's words (`flash.stream`).
"""

import hashlib
from functools import cache
from typing import Any

from llvmlite import ir

KIND = "tbaa"  # of LLVM's metadata: type-based alias analysis
_START = ir.IntType(64)(0)


def field(module: Any, record: Any, name: str) -> Any:
    """Return the tag of a number in a field of a record of numba's type."""
    return _tag(module, f"{_digest(record)}.{name}")


def item(module: Any, kind: Any) -> Any:
    """Return the tag of an item of a field that is an array of numbers of numba's type ``kind``."""
    return _tag(module, str(kind))


def _tag(module: Any, place: str) -> Any:
    root = module.add_metadata([ir.MetaDataString(module, "memory")])
    kind = module.add_metadata([ir.MetaDataString(module, place), root, _START])
    return module.add_metadata([kind, kind, _START])


@cache
def _digest(record: Any) -> str:
    """Return hex digits for a record: its fields, where they lie, and what they are."""
    fields = [(name, record.offset(name), str(record.typeof(name))) for name in record.fields]
    return hashlib.sha256(repr(fields).encode()).hexdigest()[:12]
