"""From the kernels' own code to PTX: the parts that the CPU runs, linked, entered by threads.

`hw_models.parts` keeps LLVM's code of each kernel as it was lowered, for no machine in particular. Here all
that an entry reaches becomes one module for NVIDIA's machines; LLVM, which comes with numba, makes PTX of it,
and the driver makes machine code of that. So the GPU runs the same source with the same integers.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite.binding as ll
import numpy as np
from llvmlite import ir
from numba import from_dtype
from numba.core import cgutils, types
from numba.core.runtime import rtsys
from numba.core.types import NamedTuple  # type: ignore[attr-defined]  # numba's partial annotations
from numba.np.arrayobj import populate_array

from hw_models.parts import PartLibrary, code_of, reached
from simulator.cuda.atoms import ATOMS
from simulator.cuda.layout import WORD, kind_of
from simulator.cuda.queues import NOTHING, OVER, give, take

TRIPLE = "nvptx64-nvidia-cuda"
ISA = "+ptx80"  # of PTX: drivers of CUDA 12.0 and later
WARP = 32  # threads that step together
INLINED = 25  # LLVM's threshold for what becomes part of its callers: a GPU's caches of code are small
CODE = np.dtype(np.int32)  # how a point ended: 0 well
WORDS = types.Array(types.int64, 1, "C")
_GLOBAL = 1  # LLVM's address space of a GPU's memory
_NUMBER, _BYTES = ir.IntType(64), ir.PointerType(ir.IntType(8), _GLOBAL)
_TARGET = re.compile(r"(?m)^target (?:triple|datalayout).*\n")
_RAISES = re.compile(r"\bret i32 (?!0\b|-2\b)-?\d+$", re.MULTILINE)  # a status: 0 well, -2 no value
_TRAP = "call void @llvm.trap()\n  unreachable"
# The larger or smaller of two 16-bit numbers, in PTX. Of `max(x, 0) == 0` ptxas 12.9 to 13.2 makes
# `max(x, 0) == x` for sm_90: a list with something in it is taken for an empty one. Not so of 64 bits.
_NARROW = re.compile(r"\b(max|min)\.([su])16[ \t]+(%\w+), (%\w+), ([^;\s]+);")
_WIDE = (
    r"{ .reg .b16 %narrow; .reg .b64 %one, %other; mov.b16 %narrow, \5; "
    r"cvt.\g<2>64.\g<2>16 %one, \4; cvt.\g<2>64.\g<2>16 %other, %narrow; "
    r"\1.\g<2>64 %one, %one, %other; cvt.u16.u64 \3, %one; }"
)


# instead of numba's: arrays belong to nobody here, and references to nothing are not counted
_UNCOUNTED = """
define void @NRT_incref(i8* %owner) alwaysinline { ret void }
define void @NRT_decref(i8* %owner) alwaysinline { ret void }
"""


@dataclass(frozen=True)
class All:
    """An argument that all points share: an array of ``dtype``, in a layout of `simulator.cuda.layout`."""

    dtype: np.dtype

    @property
    def kind(self) -> Any:
        return types.Array(kind_of(self.dtype), 1, "C")


@dataclass(frozen=True)
class Each:
    """An argument of which each point has its own: a record of ``dtype``, of which some fields are known."""

    dtype: np.dtype
    known: tuple[tuple[str, int], ...] = ()
    absent: tuple[tuple[str, np.dtype], ...] = ()

    @property
    def kind(self) -> Any:
        return kind_of(self.dtype, dict(self.known), dict(self.absent))


@dataclass(frozen=True)
class Words:
    """The words of each point's record, as an array."""

    dtype: np.dtype

    @property
    def kind(self) -> Any:
        return types.Array(types.int64, 1, "C")


@dataclass(frozen=True)
class Part:
    """A field of each point's record of ``dtype``: a record or an array, of which some fields are known."""

    dtype: np.dtype
    field: str
    known: tuple[tuple[str, int], ...] = ()
    within: str = ""  # the field of the record that has these

    @property
    def kind(self) -> Any:
        known = dict(self.known)
        return kind_of(self.dtype[self.field], {self.within: known} if self.within else known)


@dataclass(frozen=True)
class Absent:
    """An array that no point has, of what the CPU's kernels take for one: their code is there already."""

    dtype: np.dtype

    @property
    def kind(self) -> Any:
        return types.Array(from_dtype(self.dtype), 1, "C")


@dataclass(frozen=True)
class Span:
    """Rows of ``dtype`` of an array of all points: a point's are from one to before another.

    These are the two numbers of ``field`` in the point's row of ``rows``, the entry's first argument.
    """

    dtype: np.dtype
    rows: np.dtype
    field: str

    @property
    def kind(self) -> Any:
        return types.Array(kind_of(self.dtype), 1, "C")


@dataclass(frozen=True)
class Several:
    """Arguments as a tuple of a NamedTuple ``form``."""

    form: Any
    parts: tuple["Argument", ...]

    @property
    def kind(self) -> Any:
        return NamedTuple([part.kind for part in self.parts], self.form)


Argument = All | Each | Words | Part | Absent | Span | Several


@dataclass(frozen=True)
class Entry:
    """A kernel and its arguments after the first, which is the number of the point."""

    function: Any
    arguments: tuple[Argument, ...]

    @property
    def name(self) -> str:
        return self.function.py_func.__name__

    @property
    def kinds(self) -> tuple[Any, ...]:
        return (types.int64, *(argument.kind for argument in self.arguments))

    @property
    def arrays(self) -> tuple[Argument, ...]:
        """Return the arguments that a launch gives an array each for."""
        return tuple(one for argument in self.arguments for one in _single(argument))


def _single(argument: Argument) -> Iterator[Argument]:
    if isinstance(argument, Several):
        for part in argument.parts:
            yield from _single(part)
    else:
        yield argument


@cache
def _machine(architecture: str) -> Any:
    ll.initialize_all_targets()
    ll.initialize_all_asmprinters()
    return ll.Target.from_triple(TRIPLE).create_target_machine(cpu=architecture, features=ISA, opt=3)


@dataclass(frozen=True)
class Gathered:
    """Kernels as one: a point's next is the one whose number the first array's ``field`` says.

    All take the same arguments. Threads take points from queues (`simulator.cuda.queues`).
    """

    name: str
    steps: tuple[tuple[int, Entry], ...]
    field: str

    @property
    def arrays(self) -> tuple[Argument, ...]:
        return self.steps[0][1].arrays


@cache
def ptx_of(entries: tuple[Entry | Gathered, ...], architecture: str = "sm_80") -> str:
    """Return the PTX of ``entries``.

    A point whose kernel raises ends the launch: whoever waits for it is told by the driver.
    """
    machine = _machine(architecture)
    code = linked(entries, _threads, TRIPLE, str(machine.target_data), ATOMS)
    module = ll.parse_assembly(_ending(str(code)))
    _optimise(module, machine)
    return _NARROW.sub(_WIDE, machine.emit_assembly(module))


def linked(entries: Sequence[Entry | Gathered], door: Any, triple: str, layout: str, atoms: str) -> Any:
    """Return one module of all that ``entries`` reach, entered by what ``door`` makes of each point's kernel.

    ``atoms``: what threads do to words that they share (`simulator.cuda.atoms`).
    """
    gathered = [one for one in entries if isinstance(one, Gathered)]
    alone = [one for one in entries if isinstance(one, Entry)]
    steps = [entry for one in gathered for _, entry in one.steps]
    parts = [entry.function.part.compile(entry.kinds) for entry in (*alone, *steps)]
    queues = [take.part.compile((WORDS, *[types.int64] * 2)), give.part.compile((WORDS, *[types.int64] * 3))]
    used = [*parts, *queues] if gathered else parts
    entered = {part.fndesc.mangled_name for part in used}
    module = ll.parse_assembly(atoms if gathered else "")
    for library in {id(one): one for part in used for one in reached(part.library)}.values():
        code = ll.parse_assembly(_UNCOUNTED) if library is rtsys.library else code_of(library)
        if isinstance(library, PartLibrary):
            code = code.clone()
            for function in code.functions:
                if function.name in entered and not function.is_declaration:
                    function.linkage = "external"
        module.link_in(code, preserve=True)
    doors = ir.Module("doors")
    points = [_point(doors, entry, part) for entry, part in zip((*alone, *steps), parts, strict=True)]
    for entry, point in zip(alone, points):
        door(doors, entry, point)
    for one in gathered:
        own = {number: points[len(alone) + steps.index(entry)] for number, entry in one.steps}
        _gather(doors, one, own, queues, door is _threads)
    module.link_in(ll.parse_assembly(_TARGET.sub("", str(doors))))
    names = {entry.name for entry in entries}
    for function in (*module.functions, *module.global_variables):
        if not function.is_declaration and function.name not in names:
            function.linkage = "internal"
    head = f'target datalayout = "{layout}"\ntarget triple = "{triple}"\n'
    module = ll.parse_assembly(head + _TARGET.sub("", str(module)))
    module.verify()
    return module


def _ending(code: str) -> str:
    """Have a kernel that raises end the launch, where numba has it tell its caller, and that its own.

    Threads of a warp that went different ways step together again where all ways meet. With ways out of every
    function for errors that is nowhere.
    """
    functions = re.split(r"(?m)^(?=define )", code)
    told = [_RAISES.sub(_TRAP, each) if "%excinfo" in each.partition("\n")[0] else each for each in functions]
    return "".join(told) + "\ndeclare void @llvm.trap()\n"


def _optimise(module: Any, machine: Any) -> None:
    options = ll.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    options.inlining_threshold = INLINED
    builder = ll.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def _point(module: Any, entry: Entry, part: Any) -> Any:
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


def _threads(module: Any, entry: Entry, point: Any) -> None:
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


def _gather(
    module: Any, gathered: Gathered, points: dict[int, Any], queues: list[Any], threads: bool
) -> None:
    """Put down what takes points from queues until all are over: (codes, data and size of each array, and of
    the queues). A block's queues are those of its number, an argument before where there are no threads.
    """
    (point, *_), (takes, gives) = points.values(), queues
    taken = [*[_NUMBER] * (not threads), *point.function_type.args[1:], _BYTES, _NUMBER]
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
    first: Any = gathered.arrays[0]
    rows = first.dtype
    at = build.add(build.mul(number, _NUMBER(rows.itemsize)), _NUMBER(_offset(rows, gathered.field)))
    after = build.load(build.bitcast(build.gep(given[1], [at]), ir.PointerType(_NUMBER, _GLOBAL)))
    call(gives, words, block, number, after)
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
