"""What numba's compiler does again and again for the same answer, done once while a part is compiled."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import BuiltinFunctionType
from typing import Any

from numba.core import base, callconv, ir, transforms, types
from numba.core.datamodel.models import BooleanModel
from numba.core.postproc import PostProcessor, VariableLifetime
from numba.core.types import Optional  # type: ignore[attr-defined]  # numba's partial annotations
from numba.core.types.functions import BaseFunction
from numba.core.types.misc import StringLiteral
from numba.core.typing.context import BaseContext
from numba.core.typing.templates import signature

_call_type, _process = BaseFunction.get_call_type, PostProcessor.run
_value_type, _static_getitem = BaseContext.resolve_value_type, BaseContext.resolve_static_getitem
_call, _hand_on = callconv.CPUCallConv.call_function, callconv.CPUCallConv.return_status_propagate
_spelt = types.Record.__repr__
_known: dict[tuple, Any] = {}  # signatures, beside what their keys name by its address, so that it stays
_spellings: dict[int, tuple[Any, str]] = {}
_depth = [0]


def _get_call_type(self: Any, context: Any, args: tuple, kws: dict) -> Any:
    """Return the signature of a call: numba tries all that an operator can be, strings and sets too."""
    if kws:
        return _call_type(self, context, args, kws)
    key = (id(self), id(context), *map(id, args))
    if key not in _known:
        _known[key] = _call_type(self, context, args, kws), self, context, args
    return _known[key][0]


def _resolve_value_type(self: Any, value: Any) -> Any:
    """Return the type of a value: of a builtin function, without asking first whether it is an array."""
    known = self._lookup_global(value) if isinstance(value, BuiltinFunctionType) else None
    return _value_type(self, value) if known is None else known


def _resolve_static_getitem(self: Any, value: Any, index: Any) -> Any:
    """Return the signature of a record's field, whatever else could have items."""
    if isinstance(value, types.Record) and isinstance(index, str) and index in value.fields:
        return signature(value.typeof(index), value, index)
    return _static_getitem(self, value, index)


def _spell(self: Any) -> str:
    """Return a record's name with all of its fields."""
    if id(self) not in _spellings:
        _spellings[id(self)] = self, _spelt(self)
    return _spellings[id(self)][1]


def _from_data(self: Any, build: Any, value: Any) -> Any:
    """Return a byte as a truth value, without a branch."""
    return build.icmp_unsigned("!=", value, value.type(0))


def _refresh(self: Any) -> None:
    """Take implementations that came with a typed call; all else was there when the outermost part asked."""
    for registry in tuple(self._registries):
        self.install_registry(registry)


def _run(self: Any, emit_dels: bool = False, extend_lifetimes: bool = False) -> None:
    """Process a function without looking which variables live at a block's entry: generators ask for it."""
    code = self.func_ir
    if code.is_generator:
        _process(self, emit_dels, extend_lifetimes)
        return
    code.blocks = transforms.canonicalize_cfg(code.blocks)
    code.variable_lifetime, code.generator_info = VariableLifetime(code.blocks), None
    if emit_dels:
        self._insert_var_dels(extend_lifetimes=extend_lifetimes)


def _call_function(
    self: Any, build: Any, callee: Any, kind: Any, kinds: Any, args: Any, attrs: Any = None
) -> Any:
    """Call a function. Who catches nothing hands on what it raised where the caller's caller looks for it."""
    if attrs is not None or isinstance(kind, Optional) or not getattr(build, "catches_nothing", False):
        return _call(self, build, callee, kind, kinds, args, attrs)
    with build.goto_entry_block():
        place = build.alloca(self.get_return_type(kind).pointee)
    raised = self._get_excinfo_argument(build.function)
    code = build.call(callee, [place, raised, *self._get_arg_packer(kinds).as_arguments(build, args)])
    said = {"code": code, "is_error": build.icmp_signed("!=", code, code.type(0))}
    status = callconv.Status(**dict.fromkeys(callconv.Status._fields) | said)
    return status, self.context.get_returned_value(build, kind, build.load(place))


def _propagate(self: Any, build: Any, status: Any) -> None:
    """Return to the caller what a function has raised."""
    if status.is_ok is None:
        self._return_errcode_raw(build, status.code)
    else:
        _hand_on(self, build, status)


_SHORTCUTS = (
    (callconv.CPUCallConv, "call_function", _call_function),
    (callconv.CPUCallConv, "return_status_propagate", _propagate),
    (BaseFunction, "get_call_type", _get_call_type),
    (BaseContext, "resolve_value_type", _resolve_value_type),
    (BaseContext, "resolve_static_getitem", _resolve_static_getitem),
    (types.Record, "__repr__", _spell),
    (PostProcessor, "run", _run),
    (BooleanModel, "from_data", _from_data),
    (base, "_has_loc", cache(base._has_loc)),
    (base.BaseContext, "refresh", _refresh),
)
_USUAL = tuple((owner, name, getattr(owner, name)) for owner, name, _ in _SHORTCUTS)


@contextmanager
def shortcuts() -> Iterator[None]:
    """Take them while a part is compiled, under numba's lock."""
    _depth[0] += 1
    _take(_SHORTCUTS)
    try:
        yield
    finally:
        _depth[0] -= 1
        if _depth[0] == 0:
            _take(_USUAL)


def _take(ways: tuple) -> None:
    for owner, name, function in ways:
        setattr(owner, name, function)


def works_on_arrays(state: Any) -> bool:
    """Tell whether a typed function has what numba rewrites after typing: whole arrays, items by a name."""
    for expression, known in state.calltypes.items():
        if known is None or isinstance(expression, ir.StaticSetItem):
            continue
        if any(isinstance(kind, StringLiteral) for kind in known.args):
            return True
        if getattr(expression, "op", None) in ("binop", "inplace_binop", "unary", "call"):
            if isinstance(known.return_type, types.Array):
                return True
    return False
