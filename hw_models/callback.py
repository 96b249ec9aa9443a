"""What compiled code needs to be called from C: callbacks, kept on disk as kernels are, addresses, and
arguments put down once to be taken up at every call.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.core.ccallback import CFunc
from numba.core.sigutils import normalize_signature
from numba.extending import intrinsic

from hw_models.kernel_cache import BySources, can_keep, find_files

__all__ = ["Kept", "call", "call_two", "callback", "carray", "pointer"]

MOST_BYTES = 1 << 14  # of arguments put down


@intrinsic
def pointer(context, address):
    """Return the C pointer to an address, for `carray`."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), generate


@intrinsic
def call(context, function, argument):
    """Call the C function of one int64 at an address; return its int64."""

    def generate(context, builder, signature, arguments):
        number = context.get_value_type(types.int64)
        kind = ir.FunctionType(number, [number]).as_pointer()
        return builder.call(builder.inttoptr(arguments[0], kind), [arguments[1]])

    return types.int64(types.int64, types.int64), generate


@intrinsic
def call_two(context, function, first, second):
    """Call the C function of two addresses at an address."""

    def generate(context, builder, signature, arguments):
        number = context.get_value_type(types.int64)
        kind = ir.FunctionType(ir.VoidType(), [number, number]).as_pointer()
        builder.call(builder.inttoptr(arguments[0], kind), arguments[1:])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


def callback(function: Callable) -> Any:
    """Compile ``function`` of one int64, to one, for C; where C finds it is its `.address`."""
    keep, others = can_keep(function), numba.config.CACHE_LOCATOR_CLASSES
    numba.config.CACHE_LOCATOR_CLASSES = f"{BySources.__module__}.{BySources.__name__}"
    try:
        compiled = CFunc(function, normalize_signature(types.int64(types.int64)), locals={}, options={})
        if keep:
            compiled.enable_caching()
            find_files(compiled)
        compiled.compile()
    finally:
        numba.config.CACHE_LOCATOR_CLASSES = others
    return compiled


class Kept:
    """A tuple of arrays and records whose place compiled code knows: `take` of a callback returns it.

    Only the views are kept, no references, and compiled code is told so and counts none: whoever puts a
    tuple down keeps it alive. The type is that of the tuple which is put down before a callback that takes
    it is compiled; it is part of neither's name on disk, so that the tuple's type must follow from the
    sources.
    """

    def __init__(self) -> None:
        self.kind: Any = None
        kept = self

        @intrinsic
        def take(context, address):
            kind = kept.kind

            def generate(context, builder, signature, arguments):
                place = context.get_value_type(kind).as_pointer()
                loaded = builder.load(builder.inttoptr(arguments[0], place))
                return _without_owner(context, builder, kind, loaded)

            return kind(types.int64), generate

        self.take = take

    def put(self, value: Any) -> np.ndarray:
        """Return where ``value`` lies from now on; its address is what `take` is called with."""
        self.kind = numba.typeof(value)
        place = np.zeros(MOST_BYTES, np.uint8)
        _put(place.ctypes.data, value)
        return place


@intrinsic
def _write(context, address, value):
    def generate(context, builder, signature, arguments):
        bare = _without_owner(context, builder, value, arguments[1])
        assert context.get_abi_sizeof(bare.type) <= MOST_BYTES
        builder.store(bare, builder.inttoptr(arguments[0], bare.type.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, value), generate


def _without_owner(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return ``value`` with arrays that count no references."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        for name in ("meminfo", "parent"):
            setattr(array, name, ir.Constant(getattr(array, name).type, None))
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        items = [
            _without_owner(context, builder, part, builder.extract_value(value, i))
            for i, part in enumerate(kind.types)
        ]
        return context.make_tuple(builder, kind, items)
    return value


@numba.njit
def _put(address, value):
    _write(address, value)
