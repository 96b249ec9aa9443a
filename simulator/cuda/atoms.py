"""What threads of a GPU do to words that they share, as kernels call it.

A kernel's code is for no machine in particular: these are calls of functions that whoever links it gives
(`ATOMS`), or a CPU's in the tests.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing import signature
from numba.extending import intrinsic

_WORD = ir.IntType(64)

# {scope}: who is to see it; {lane}, {first}, {pause}: bodies of what only a GPU has
_TEXT = """
define i64 @dlasim.peek(ptr %at) alwaysinline {{
  %word = load atomic i64, ptr %at {scope} monotonic, align 8
  ret i64 %word
}}
define i64 @dlasim.add(ptr %at, i64 %more) alwaysinline {{
  %word = atomicrmw add ptr %at, i64 %more {scope} monotonic
  ret i64 %word
}}
define i64 @dlasim.swap(ptr %at, i64 %other) alwaysinline {{
  %word = atomicrmw xchg ptr %at, i64 %other {scope} monotonic
  ret i64 %word
}}
define i64 @dlasim.replace(ptr %at, i64 %old, i64 %other) alwaysinline {{
  %both = cmpxchg ptr %at, i64 %old, i64 %other {scope} monotonic monotonic
  %word = extractvalue {{ i64, i1 }} %both, 0
  ret i64 %word
}}
define i64 @dlasim.fence() alwaysinline {{
  fence {scope} acq_rel
  ret i64 0
}}
{own}
"""
_OWN = """
declare i32 @llvm.nvvm.shfl.sync.idx.i32(i32, i32, i32, i32)
define i64 @dlasim.first(i64 %word) alwaysinline convergent {
  %low = trunc i64 %word to i32
  %up = lshr i64 %word, 32
  %high = trunc i64 %up to i32
  %a = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %low, i32 0, i32 31)
  %b = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %high, i32 0, i32 31)
  %c = zext i32 %a to i64
  %d = zext i32 %b to i64
  %e = shl i64 %d, 32
  %f = or i64 %c, %e
  ret i64 %f
}
define i64 @dlasim.pause() alwaysinline {
  call void asm sideeffect "nanosleep.u32 500;", ""()
  ret i64 0
}
"""
_ALONE = """
define i64 @dlasim.first(i64 %word) alwaysinline { ret i64 %word }
declare i32 @sched_yield()
define i64 @dlasim.pause() alwaysinline {
  %ignored = call i32 @sched_yield()
  ret i64 0
}
"""
ATOMS = _TEXT.format(scope='syncscope("block")', own=_OWN)  # of a block of threads
ALONE = _TEXT.format(scope="", own=_ALONE)  # of a CPU: each thread is a warp of its own


def _function(build: Any, name: str, count: int) -> Any:
    kind = ir.FunctionType(_WORD, [cgutils.voidptr_t, *[_WORD] * (count - 1)] if count else [])
    return cgutils.get_or_insert_function(build.module, kind, f"dlasim.{name}")


def _on_word(name: str, arguments: int) -> Any:
    """Return how a call on the word of an array at an index is lowered, with so many numbers more."""

    def lower(context: Any, build: Any, given: Any, values: Any) -> Any:
        words = context.make_array(given.args[0])(context, build, values[0])
        at = build.bitcast(build.gep(words.data, [values[1]]), cgutils.voidptr_t)
        return build.call(_function(build, name, 1 + arguments), [at, *values[2:]])

    return lower


@intrinsic
def peek(typing, words, index):
    """Return a word of an array as all threads have left it."""
    return signature(types.int64, words, types.int64), _on_word("peek", 0)


@intrinsic
def add(typing, words, index, more):
    """Add to a word; return what it was."""
    return signature(types.int64, words, types.int64, types.int64), _on_word("add", 1)


@intrinsic
def swap(typing, words, index, other):
    """Put a word down; return what it was."""
    return signature(types.int64, words, types.int64, types.int64), _on_word("swap", 1)


@intrinsic
def replace(typing, words, index, old, other):
    """Put a word down where ``old`` is; return what was there."""
    return signature(types.int64, words, types.int64, types.int64, types.int64), _on_word("replace", 2)


@intrinsic
def fence(typing):
    """Let other threads see what this one has written, and this one what they have."""
    return signature(types.int64), lambda context, build, given, _: build.call(
        _function(build, "fence", 0), []
    )


@intrinsic
def pause(typing):
    """Wait a little."""
    return signature(types.int64), lambda context, build, given, _: build.call(
        _function(build, "pause", 0), []
    )


@intrinsic
def first(typing, word):
    """Return what the first thread of a warp has given; all of them call it together."""

    def lower(context: Any, build: Any, given: Any, values: Any) -> Any:
        kind = ir.FunctionType(_WORD, [_WORD])
        return build.call(cgutils.get_or_insert_function(build.module, kind, "dlasim.first"), list(values))

    return signature(types.int64, types.int64), lower
