"""What a launch enters: LLVM's code that finds a point's arguments and calls its kernel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.np.arrayobj import populate_array

from simulator.cuda.arguments import CODE, Absent, All, Argument, Entry, Gathered, Part, Several, Span, Words
from simulator.cuda.layout import WORD
from simulator.cuda.queues import NOTHING, OVER

WARP = 32  # threads that step together
WORDS = types.Array(types.int64, 1, "C")  # of queues
_GLOBAL = 1  # LLVM's address space of a GPU's memory
_NUMBER, _BYTES = ir.IntType(64), ir.PointerType(ir.IntType(8), _GLOBAL)


def point_of(module: Any, entry: Entry, part: Any) -> Any:
    """Return the function of one point: (its number, the codes, data and size of each array)."""
    arguments = [each for _ in entry.arrays for each in (_BYTES, _NUMBER)]
    point = ir.Function(
        module, ir.FunctionType(ir.VoidType(), [_NUMBER, _BYTES, *arguments]), f"{entry.name}.point"
    )
    build = ir.IRBuilder(point.append_basic_block())
    number, codes, *given = point.args
    context, described = part.target_context, part.fndesc
    put = _Values(context, build, number, given)
    values = [number, *map(put.value, entry.arguments)]
    function = context.declare_function(module, described)
    status, _ = context.call_conv.call_function(
        build, function, described.restype, described.argtypes, values
    )
    code = build.gep(codes, [build.mul(number, _NUMBER(CODE.itemsize))])
    build.store(status.code, build.bitcast(code, ir.PointerType(ir.IntType(32), _GLOBAL)))
    build.ret_void()
    return point


def threads_of(module: Any, entry: Entry, point: Any) -> None:
    """Put down what a launch enters: (first point, the one after the last, threads of a warp that work, ...).

    Fewer threads of more warps wait for each other less, and for memory more.
    """
    kind = ir.FunctionType(ir.VoidType(), [_NUMBER, _NUMBER, _NUMBER, *point.function_type.args[1:]])
    door = ir.Function(module, kind, entry.name)
    door.calling_convention = "ptx_kernel"
    build = ir.IRBuilder(door.append_basic_block())
    first, end, width, *given = door.args
    block = build.mul(_register(build, "ctaid.x"), _register(build, "ntid.x"))
    thread = build.add(block, _register(build, "tid.x"))
    lane = build.urem(thread, _NUMBER(WARP))
    number = build.add(build.add(build.mul(build.udiv(thread, _NUMBER(WARP)), width), lane), first)
    works = build.and_(build.icmp_unsigned("<", lane, width), build.icmp_unsigned("<", number, end))
    with build.if_then(works):
        build.call(point, [number, *given])
    build.ret_void()


def gather(
    module: Any, gathered: Gathered, points: dict[int, Any], after: Any, queues: list[Any], threads: bool
) -> None:
    """Put down what takes points from queues until all are over: (codes, data and size of each array, and of
    the queues). A block's queues are those of its number, an argument before where there are no threads.
    """
    takes, gives = queues
    taken = [*[_NUMBER] * (not threads), *after.function_type.args[1:], _BYTES, _NUMBER]
    door = ir.Function(module, ir.FunctionType(ir.VoidType(), taken), gathered.name)
    build = ir.IRBuilder(door.append_basic_block())
    if threads:
        door.calling_convention = "ptx_kernel"
        block, lane, given = _register(build, "ctaid.x"), _register(build, "laneid"), door.args
    else:
        block, lane, given = door.args[0], _NUMBER(0), door.args[1:]
    *given, place, size = given
    context = takes.target_context
    plain = build.addrspacecast(place, ir.PointerType(ir.IntType(8)))
    words = _Values(context, build, _NUMBER(0), given)._array(WORDS, plain, [size], WORD)

    def call(part: Any, *values: Any) -> Any:
        function, described = context.declare_function(module, part.fndesc), part.fndesc
        ways = context.call_conv
        return ways.call_function(build, function, described.restype, described.argtypes, values)[1]

    again, works, runs, done, over = (
        door.append_basic_block(name) for name in ("again", "works", "runs", "done", "over")
    )
    build.branch(again)
    build.position_at_end(again)
    found = call(takes, words, block, lane)
    build.cbranch(build.icmp_signed("==", found, _NUMBER(OVER)), over, works)
    build.position_at_end(works)
    build.cbranch(build.icmp_signed("==", found, _NUMBER(NOTHING)), again, runs)
    build.position_at_end(runs)
    number = build.ashr(found, _NUMBER(4))
    nowhere = door.append_basic_block("nowhere")
    chosen = build.switch(build.and_(found, _NUMBER(15)), nowhere)
    for step, point in points.items():
        at = door.append_basic_block(f"step{step}")
        chosen.add_case(_NUMBER(step), at)
        build.position_at_end(at)
        build.call(point, [number, *given])
        build.branch(done)
    build.position_at_end(nowhere)
    build.unreachable()
    build.position_at_end(done)
    build.call(after, [number, *given])
    first: Any = gathered.arrays[0]
    rows = first.dtype
    at = build.add(build.mul(number, _NUMBER(rows.itemsize)), _NUMBER(_offset(rows, gathered.field)))
    kind = build.load(build.bitcast(build.gep(given[1], [at]), ir.PointerType(_NUMBER, _GLOBAL)))
    call(gives, words, block, number, kind)
    build.branch(again)
    build.position_at_end(over)
    build.ret_void()


def _register(build: Any, name: str) -> Any:
    kind = ir.FunctionType(ir.IntType(32), [])
    read = cgutils.get_or_insert_function(build.module, kind, f"llvm.nvvm.read.ptx.sreg.{name}")
    return build.zext(build.call(read, []), _NUMBER)


class _Values:
    """What a kernel is given for its arguments: pointers to records, arrays, tuples."""

    def __init__(self, context: Any, build: Any, number: Any, given: Sequence[Any]):
        self._context, self._build, self._number, self._first = context, build, number, given[0]
        self._given = iter(given)

    def value(self, argument: Argument) -> Any:
        context, build = self._context, self._build
        if isinstance(argument, Several):
            return context.make_tuple(build, argument.kind, [self.value(part) for part in argument.parts])
        data, size = next(self._given), next(self._given)
        step = _NUMBER(argument.dtype.itemsize)
        if isinstance(argument, Span):
            first, end = self._span(argument)
            data, size = build.gep(data, [build.mul(first, step)]), build.sub(end, first)
        elif not isinstance(argument, All | Absent):
            data = build.gep(data, [build.mul(self._number, step)])
        if isinstance(argument, Part):
            data = build.gep(data, [_NUMBER(_offset(argument.dtype, argument.field))])
        plain = build.addrspacecast(data, ir.PointerType(ir.IntType(8)))
        if isinstance(argument.kind, types.Record):
            return build.bitcast(plain, context.get_value_type(argument.kind))
        if isinstance(argument, Words):
            return self._array(argument.kind, plain, [_NUMBER(argument.dtype.itemsize // WORD)], WORD)
        if isinstance(argument, Part):
            kind = argument.dtype[argument.field]
            return self._array(argument.kind, plain, [*map(_NUMBER, kind.shape)], kind.base.itemsize)
        return self._array(argument.kind, plain, [size], argument.dtype.itemsize)

    def _span(self, argument: Span) -> list[Any]:
        build, rows = self._build, argument.rows
        start = build.mul(self._number, _NUMBER(rows.itemsize))
        start = build.add(start, _NUMBER(_offset(rows, argument.field)))
        pair = build.bitcast(build.gep(self._first, [start]), ir.PointerType(_NUMBER, _GLOBAL))
        return [build.load(build.gep(pair, [_NUMBER(k)])) for k in range(2)]

    def _array(self, kind: Any, data: Any, sizes: list[Any], step: int) -> Any:
        build, strides = self._build, [_NUMBER(step)]
        for size in sizes[:0:-1]:
            strides.insert(0, build.mul(strides[0], size))
        array = self._context.make_array(kind)(self._context, build)
        populate_array(
            array,
            data=build.bitcast(data, array.data.type),
            shape=cgutils.pack_array(build, sizes),
            strides=cgutils.pack_array(build, strides),
            itemsize=_NUMBER(step),
            meminfo=None,
        )
        return array._getvalue()


def _offset(dtype: np.dtype, field: str) -> int:
    return int(dtype.fields[field][1])  # type: ignore[index]
