"""The one place that imports numba's compiler: `from hw_models.jit import inlined, njit`."""

import numba
from numba.core.types import unliteral  # type: ignore[attr-defined]  # numba's partial annotations

from hw_models.kernel_cache import BySources, can_keep, find_files

# numba's compiler is as `hw_models.parts` knows it; with others a first run takes twice as long
LINKED = (0, 68) <= numba.version_info.short < (0, 69)  # type: ignore[attr-defined]
if LINKED:
    from hw_models.apart import Unit
    from hw_models.whole import Whole
_LOCATOR = f"{BySources.__module__}.{BySources.__name__}"


def njit(function, forceinline=False):
    """Compile ``function`` with numba, cached on disk, once: a constant argument is an int64 like any other.

    numba would compile a callee anew for every literal that it is called with. While one runs, other threads
    of Python do: a signal is heard (`simulator.cli.signals`).
    """
    if numba.config.DISABLE_JIT:
        return function
    keep, others = can_keep(function), numba.config.CACHE_LOCATOR_CLASSES
    numba.config.CACHE_LOCATOR_CLASSES = _LOCATOR  # for ours only, not for a caller's own functions
    try:
        dispatcher = numba.njit(cache=keep, nogil=True, forceinline=forceinline)(function)
    finally:
        numba.config.CACHE_LOCATOR_CLASSES = others
    if keep:
        find_files(dispatcher)
    if LINKED:
        return _linked(dispatcher, keep)
    resolve = dispatcher.get_call_template
    dispatcher.get_call_template = lambda args, kws: resolve(
        tuple(map(unliteral, args)), {name: unliteral(type_) for name, type_ in kws.items()}
    )
    return dispatcher


def _linked(dispatcher, keep):
    """Let ``dispatcher`` compile what Python calls as one program, and what kernels call as parts of one."""
    cache = dispatcher._cache
    whole = Whole(dispatcher, cache._cache_file if keep else None)
    dispatcher._compiler.compile = whole.compile
    if keep:
        cache._impl = whole
    dispatcher.part = whole.part
    dispatcher.get_call_template = whole.part.get_call_template
    dispatcher.get_overload = whole.part.get_overload
    return dispatcher


def apart(returns):
    """Compile as `njit` does, but apart from all callers: a function that returns numba's type ``returns``.

    Whoever runs what calls it makes it `ready` before, for the types that it is called with.
    """

    def compiled(function):
        dispatcher = njit(function)
        if LINKED and not numba.config.DISABLE_JIT:
            cache = dispatcher._cache
            dispatcher.unit = Unit(dispatcher, returns, getattr(cache, "_cache_file", None))
            dispatcher.get_call_template = dispatcher.unit.get_call_template
            dispatcher.get_overload = dispatcher.unit.get_overload
        return dispatcher

    return compiled


def ready(dispatcher, args):
    """Have the code of a unit, or of what Python calls, in place for arguments of these types."""
    if not numba.config.DISABLE_JIT:
        (dispatcher.unit.ready if hasattr(dispatcher, "unit") else dispatcher.compile)(args)


def entry(dispatcher):
    """Return the machine code of what Python calls with the same types each time, once it has been called.

    numba would look at the types of all arguments again: 0.1 ms and more where they are large records.
    """
    if numba.config.DISABLE_JIT:
        return dispatcher
    (made,) = dispatcher.overloads.values()
    return made.entry_point


def inlined(function):
    """Compile as `njit` does, and let the code be part of every caller: for small or once-called hot helpers.

    The event loop is a sixth faster for it, and compiles no slower.
    """
    return njit(function, forceinline=True)


def aside(function):
    """Compile as `njit` does, and keep the code out of its callers: for what hot code calls seldom.

    LLVM would work out within the caller, at every call, all addresses that it may need.
    """
    dispatcher = njit(function)
    if hasattr(dispatcher, "part"):
        dispatcher.part.aside = True
    return dispatcher
