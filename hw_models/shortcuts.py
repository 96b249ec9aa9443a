"""What numba's compiler does again and again for the same answer, done once while a part is compiled."""

import atexit
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dis import opmap
from functools import cache
from types import BuiltinFunctionType, SimpleNamespace
from typing import Any

from numba.core import base, callconv, errors, ir, lowering, ssa, transforms, typeinfer, types, utils
from numba.core.datamodel.models import BooleanModel
from numba.core.errors import _format_msg, loc_info  # type: ignore[attr-defined]  # as for Optional
from numba.core.interpreter import Interpreter
from numba.core.postproc import PostProcessor, VariableLifetime
from numba.core.types import Optional  # type: ignore[attr-defined]  # numba's partial annotations
from numba.core.types.functions import BaseFunction
from numba.core.types.misc import StringLiteral
from numba.core.typing.context import BaseContext
from numba.core.typing.templates import signature

_call_type, _process = BaseFunction.get_call_type, PostProcessor.run
_value_type, _static_getitem = BaseContext.resolve_value_type, BaseContext.resolve_static_getitem
_call, _hand_on = callconv.CPUCallConv.call_function, callconv.CPUCallConv.return_status_propagate
_spelt, _after = types.Record.__repr__, Interpreter.post_process
_known: dict[tuple, Any] = {}  # signatures, beside what their keys name by its address, so that it stays
_spellings: dict[int, tuple[Any, str]] = {}
_depth = [0]
atexit.register(gc.freeze)  # who ends need not look for garbage in all that was compiled
_collects = [True]
_RARE = {  # operations that numba mends after it has read them
    opmap[name]
    for name in (
        "BEFORE_WITH",
        "CALL_FUNCTION_EX",
        "CALL_INTRINSIC_1",
        "DICT_MERGE",
        "DICT_UPDATE",
        "LIST_EXTEND",
        "LIST_TO_TUPLE",
        "MAP_ADD",
        "POP_EXCEPT",
        "PUSH_EXC_INFO",
        "SETUP_WITH",
    )
    if name in opmap
}


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
    if attrs is not None or isinstance(kind, Optional) or not getattr(build, "hands_on", False):
        return _call(self, build, callee, kind, kinds, args, attrs)
    place = build.place_for(self.get_return_type(kind).pointee)
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


def _list_vars(self: Any, value: Any) -> list:
    """Return the variables in what a statement holds."""
    kind = type(value)
    if kind is ir.Var:
        return [value]
    if kind is dict or kind is list or kind is tuple:
        found = []
        for one in value.values() if kind is dict else value:
            if type(one) is ir.Var:
                found.append(one)
            elif type(one) not in _HOLDS_NONE:
                found += _list_vars(self, one)
        return found
    return value.list_vars() if isinstance(value, ir.Inst) else []


_HOLDS_NONE = {ir.Loc, str, int, bool, type(None)}


def _post_process(self: Any, mends: list[Callable], code: Any) -> Any:
    """Mend what a function does not have only if it may have it."""
    if _RARE.isdisjoint(code.func_id.code.co_code[::2]):
        return code
    return _after(self, mends, code)


class _Context:
    """Where an error of numba's came up, put together if there is one."""

    def __init__(self, text: str, *args: Any, **known: Any):
        self._text, self._args, self._known = text, args, known

    def __enter__(self) -> None:
        if "loc" in self._known:
            loc_info.update(self._known)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, errors.NumbaError):
            error.add_context(_format_msg(self._text, self._args, self._known))


def _propagate_types(self: Any, infer: Any) -> list:
    """Type all statements once, without a look at warnings at each. Returns the errors."""
    found = []
    for constraint in self.constraints:
        try:
            constraint(infer)
        except errors.ForceLiteralArg as error:
            found.append(error)
        except errors.TypingError as error:
            told = errors.TypingError(str(error), loc=constraint.loc, highlighting=False)
            found.append(utils.chain_exception(told, error))
    return found


def _analyse(blocks: dict, states: dict, handler: Any) -> None:
    """Show ``handler`` every statement, without a line for a log."""
    for label, block in blocks.items():
        states["label"] = label
        for statement in block.body:
            (handler.on_assign if isinstance(statement, ir.Assign) else handler.on_other)(states, statement)


def _rewrite(blocks: dict, states: dict, handler: Any) -> dict:
    """Return the blocks with what ``handler`` makes of every statement."""
    made = {}
    for label, block in blocks.items():
        made[label] = ir.Block(scope=block.scope, loc=block.loc)
        states["label"], states["block"] = label, block
        made[label].body = [
            (handler.on_assign if isinstance(each, ir.Assign) else handler.on_other)(states, each)
            for each in block.body
        ]
    return made


def _plain() -> Any:
    """Return how errors are coloured: not at all, many are only tried."""
    return _PLAIN


_COLOURED = ("code", "errmsg", "filename", "indicate", "highlight", "reset")
_PLAIN = SimpleNamespace(**dict.fromkeys(_COLOURED, str))

_SHORTCUTS = (
    (ir.Inst, "_rec_list_vars", _list_vars),
    (Interpreter, "post_process", _post_process),
    (typeinfer, "new_error_context", _Context),
    (lowering, "new_error_context", _Context),
    (typeinfer.ConstraintNetwork, "propagate", _propagate_types),
    (ssa, "_run_block_analysis", _analyse),
    (ssa, "_run_block_rewrite", _rewrite),
    (errors, "termcolor", _plain),
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
    """Take them while a part is compiled, under numba's lock.

    What is made then lives on: the collector of garbage need not go through it soon.
    """
    if _depth[0] == 0:
        _collects[0] = gc.isenabled()
        gc.disable()
        _take(_SHORTCUTS)
    _depth[0] += 1
    try:
        yield
    finally:
        _depth[0] -= 1
        if _depth[0] == 0:
            _take(_USUAL)
            gc.freeze()
            gc.unfreeze()  # all that there is counts as old
            if _collects[0]:
                gc.enable()


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
