"""What numba's compiler does again and again for the same answer, done once while a part is compiled."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import ir, lowering, transforms, types
from numba.core.postproc import PostProcessor, VariableLifetime
from numba.core.types.functions import BaseFunction
from numba.core.types.misc import StringLiteral

_call_type, _process = BaseFunction.get_call_type, PostProcessor.run
_known: dict[tuple, Any] = {}  # signatures of operators on numbers
_depth = [0]


def _get_call_type(self: Any, context: Any, args: tuple, kws: dict) -> Any:
    """Return the signature of a call: numba tries all that an operator can be, strings and sets too."""
    if kws or not all(isinstance(arg, types.Number | types.Boolean) for arg in args):
        return _call_type(self, context, args, kws)
    key = id(context), self, args
    if key not in _known:
        _known[key] = _call_type(self, context, args, kws)
    return _known[key]


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


@contextmanager
def shortcuts() -> Iterator[None]:
    """Take them while a part is compiled, under numba's lock."""
    _depth[0] += 1
    _take(_get_call_type, _run)
    try:
        yield
    finally:
        _depth[0] -= 1
        if _depth[0] == 0:
            _take(_call_type, _process)


def _take(call_type: Any, process: Any) -> None:
    for owner, name, function in (
        (BaseFunction, "get_call_type", call_type),
        (PostProcessor, "run", process),
    ):
        setattr(owner, name, function)


def works_on_arrays(state: Any) -> bool:
    """Tell whether a typed function has what numba rewrites after typing: whole arrays, names of fields."""
    for expression, signature in state.calltypes.items():
        if signature is None:
            continue
        if any(isinstance(kind, StringLiteral) for kind in signature.args):
            return True
        if getattr(expression, "op", None) in ("binop", "inplace_binop", "unary", "call"):
            if isinstance(signature.return_type, types.Array):
                return True
    return False


class Lower(lowering.Lower):
    """numba's way to LLVM's code, without asking of every number whether it counts references.

    It puts down the address of each function that is called, which nobody looks at, and which another process
    could not use.
    """

    def lower_assign(self, kind: Any, statement: Any) -> Any:
        if isinstance(kind, types.Dispatcher) and isinstance(statement.value, ir.Global | ir.FreeVar):
            return self.context.get_constant_null(kind)
        return super().lower_assign(kind, statement)

    def incref(self, kind: Any, value: Any) -> None:
        if self._counts(kind):
            super().incref(kind, value)

    def decref(self, kind: Any, value: Any) -> None:
        if self._counts(kind):
            super().decref(kind, value)

    def _counts(self, kind: Any) -> bool:
        return self.context.data_model_manager[kind].contains_nrt_meminfo()
