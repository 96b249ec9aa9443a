"""Loops over `range`: numba's values, with a third of its code.

How often a loop runs is known before it begins.
"""

from typing import Any

from llvmlite import ir

_WORD = ir.IntType(64)


def range_of(build: Any, kind: Any, bounds: list) -> Any:
    """Return a range of the words ``bounds``, of LLVM's type ``kind``; None if its step may be 0."""
    first = [] if len(bounds) > 1 else [_WORD(0)]
    start, stop, step = [*first, *bounds, _WORD(1)][:3]
    if not isinstance(step, ir.Constant) or step.constant == 0:
        return None
    return structure(build, kind, (start, stop, step))


def iterator_of(build: Any, kind: Any, whole: Any) -> Any:
    """Return an iterator over a range: its next number and how many are left lie on the stack.

    None for a range of which no more is known than that it is one.
    """
    start, stop, step = (build.extract_value(whole, i) for i in range(3))
    if not isinstance(step, ir.Constant):
        return None
    with build.goto_entry_block():
        number, left = build.alloca(_WORD), build.alloca(_WORD)
    far = build.sub(stop, start) if step.constant > 0 else build.sub(start, stop)
    by = abs(step.constant)
    steps = far if by == 1 else build.sdiv(build.add(far, _WORD(by - 1)), _WORD(by))
    build.store(start, number)
    build.store(build.select(build.icmp_signed(">", far, _WORD(0)), steps, _WORD(0)), left)
    return structure(build, kind, (number, stop, step, left))


def next_of(build: Any, kind: Any, iterator: Any) -> Any:
    """Return the pair of the next number and of whether there is one, and take it."""
    number, step, left = (build.extract_value(iterator, i) for i in (0, 2, 3))
    value, count = build.load(number), build.load(left)
    build.store(build.add(value, step), number)
    build.store(build.sub(count, _WORD(1)), left)
    return structure(build, kind, (value, build.icmp_signed(">", count, _WORD(0))))


def structure(build: Any, kind: Any, parts: Any) -> Any:
    """Return a structure of ``parts``."""
    whole = ir.Constant(kind, ir.Undefined)
    for i, part in enumerate(parts):
        whole = build.insert_value(whole, part, i)
    return whole
