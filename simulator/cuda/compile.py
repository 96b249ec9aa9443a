"""From the kernels' own code to PTX: the parts that the CPU runs, linked, entered by threads.

`hw_models.parts` keeps LLVM's code of each kernel as it was lowered, for no machine in particular. Here all
that an entry reaches becomes one module for NVIDIA's machines; LLVM, which comes with numba, makes PTX of it,
and the driver makes machine code of that. So the GPU runs the same source with the same integers.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import llvmlite.binding as ll
from llvmlite import ir
from numba.core import types
from numba.core.runtime import rtsys

from hw_models.likely import name_of
from hw_models.llvm_known import fixed
from hw_models.parts import PartLibrary, code_of, reached
from simulator.cuda.arguments import Entry, Gathered
from simulator.cuda.atoms import ATOMS
from simulator.cuda.doors import WORDS, gather, point_of, threads_of
from simulator.cuda.queues import give, take

TRIPLE = "nvptx64-nvidia-cuda"
ISA = "+ptx80"  # of PTX: drivers of CUDA 12.0 and later
INLINED = 150  # LLVM's threshold for what becomes part of its callers; 225 is what it takes for a CPU
_FUNCTION = re.compile(r"(?m)^define [^\n]*?@(\w+)\([^\n]*\{$")
_ATTRIBUTES = re.compile(r"(?: #\d+)? \{$")
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

# A quotient of 64-bit numbers, some 75 instructions of a GPU. Below 2^52 it is that of doubles, rounded down:
# what is not whole is further from the next whole number than a double is from what it stands for.
_VALUE = r'(%(?:"[^"]*"|[\w.$-]+))'
_DIVISION = re.compile(rf"= ([us])(div|rem) i64 ([^\s,]+), {_VALUE}")
_DIVIDED = r"= call i64 @dlasim.\1\2(i64 \3, i64 \4)"
_QUOTIENT = """
define internal i64 @dlasim.{sign}{what}(i64 %one, i64 %other) noinline {{
  %either = or i64 %one, %other
  %large = icmp ugt i64 %either, 4503599627370495
  br i1 %large, label %whole, label %quick
whole:
  %exact = {sign}{what} i64 %one, %other
  ret i64 %exact
quick:
  %a = uitofp i64 %one to double
  %b = uitofp i64 %other to double
  %c = fdiv double %a, %b
  %div = fptoui double %c to i64
  %product = mul i64 %div, %other
  %rem = sub i64 %one, %product
  ret i64 %{what}
}}
"""
_QUOTIENTS = "".join(_QUOTIENT.format(sign=sign, what=what) for sign in "us" for what in ("div", "rem"))

# instead of numba's: arrays belong to nobody here, and references to nothing are not counted
_UNCOUNTED = """
define void @NRT_incref(i8* %owner) alwaysinline { ret void }
define void @NRT_decref(i8* %owner) alwaysinline { ret void }
"""


@cache
def _machine(architecture: str) -> Any:
    ll.initialize_all_targets()
    ll.initialize_all_asmprinters()
    return ll.Target.from_triple(TRIPLE).create_target_machine(cpu=architecture, features=ISA, opt=3)


@cache
def ptx_of(entries: tuple[Entry | Gathered, ...], architecture: str = "sm_80") -> str:
    """Return the PTX of ``entries``.

    A point whose kernel raises ends the launch: whoever waits for it is told by the driver.
    """
    machine = _machine(architecture)
    code = linked(entries, threads_of, TRIPLE, str(machine.target_data), ATOMS)
    module = ll.parse_assembly(_ending(str(code)))
    _optimise(module, machine)
    module = ll.parse_assembly(_DIVISION.sub(_DIVIDED, str(module)) + _QUOTIENTS)
    return _NARROW.sub(_WIDE, machine.emit_assembly(module))


def linked(entries: Sequence[Entry | Gathered], door: Any, triple: str, layout: str, atoms: str) -> Any:
    """Return one module of all that ``entries`` reach, entered by what ``door`` makes of each point's kernel.

    ``atoms``: what threads do to words that they share (`simulator.cuda.atoms`).
    """
    gathered = [one for one in entries if isinstance(one, Gathered)]
    alone = [one for one in entries if isinstance(one, Entry)]
    steps = [entry for one in gathered for entry in (*dict(one.steps).values(), one.after)]
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
    points = [point_of(doors, entry, part) for entry, part in zip((*alone, *steps), parts, strict=True)]
    for entry, point in zip(alone, points):
        door(doors, entry, point)
    for one in gathered:
        own = {number: points[len(alone) + steps.index(entry)] for number, entry in one.steps}
        after = points[len(alone) + steps.index(one.after)]
        gather(doors, one, own, after, queues, door is threads_of)
    module.link_in(ll.parse_assembly(_TARGET.sub("", str(doors))))
    names = {entry.name for entry in entries}
    for function in (*module.functions, *module.global_variables):
        if not function.is_declaration and function.name not in names:
            function.linkage = "internal"
    head = f'target datalayout = "{layout}"\ntarget triple = "{triple}"\n'
    code = _TARGET.sub("", str(module))
    marks = {name: "noinline" for one in alone for name in one.aside}
    marks |= {name: "alwaysinline" for one in gathered for name in one.inlined}
    module = ll.parse_assembly(head + _FUNCTION.sub(lambda found: _marked(found, marks), code))
    module = fixed(module, {pair for one in entries for pair in one.values})
    module.verify()
    return module


def _marked(function: re.Match, marks: Mapping[str, str]) -> str:
    """Keep a function out of its callers, or in them, where `marks` has its name."""
    mark = marks.get(name_of(function[1]))
    return _ATTRIBUTES.sub(f" {mark} {{", function[0]) if mark else function[0]


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
