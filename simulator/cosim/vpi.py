"""Signals that compiled code reads through the simulator's VPI (IEEE 1800, clause 38), sooner than cocotb.

Verilog simulators have its functions in their own program, where Python runs too; elsewhere there are none.
"""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from hw_models.callback import Kept, call_two, callback, carray, pointer

ENABLED = True
VECTOR = 9  # the format: pairs of 32-bit words, of which the second has 1 where a bit is neither 0 nor 1
ALWAYS = -1

READ = np.dtype(  # of one signal
    [
        ("handle", np.int64),
        ("words", np.int64),  # of 64 bits
        ("at", np.int64),  # its place: a word of the bus's row
        ("halves", np.int64),  # of 32 bits that it has
        ("valid", np.int64),  # words of the row: it is read where both are 1; ALWAYS
        ("ready", np.int64),
    ]
)
VALUE = np.dtype(
    [
        ("get", np.int64),  # the function
        ("place", np.int64),  # of the value, which is what follows
        ("format", np.int32),
        ("unused", np.int32),
        ("vector", np.int64),
    ]
)
HEAR = Kept()
take_hear = HEAR.take
C_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)


class Wanted(NamedTuple):
    """A signal, where it goes to in the row, and the words of the row that say when."""

    signal: Any
    at: int
    valid: int = ALWAYS
    ready: int = ALWAYS


@cache
def library() -> Any:
    """Return the functions of this process's VPI, or None."""
    try:
        found = ctypes.CDLL(None)
        found.vpi_handle_by_name.restype = ctypes.c_void_p
        found.vpi_handle_by_name.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        _ = found.vpi_get_value
    except (AttributeError, OSError, TypeError):
        return None
    return found


@cache
def _compiled() -> Any:
    """Compile, or load, what reads the signals, 1 at a bit that is unknown; HEAR has been put down."""

    def at_hear(address):
        reads, row, values = take_hear(address)
        value = values[0]
        for k in range(len(reads)):
            read = reads[k]
            if read["valid"] >= 0 and row[read["valid"]] != 1:
                continue
            if read["ready"] >= 0 and row[read["ready"]] != 1:
                continue
            value["format"] = VECTOR
            call_two(value["get"], read["handle"], value["place"])
            halves = carray(pointer(value["vector"]), (2 * read["halves"],), np.uint32)
            for w in range(read["words"]):
                row[read["at"] + w] = 0
            for h in range(read["halves"]):
                if halves[2 * h + 1]:
                    return 1
                row[read["at"] + (h >> 1)] |= np.int64(halves[2 * h]) << (32 * (h & 1))
        return 0

    return callback(at_hear)


def reader(wanted: Sequence[Wanted], row: np.ndarray) -> Callable[[], int] | None:
    """Return what reads signals into ``row``, words, in their order; None where this process cannot.

    It returns 1, and has read less, where a bit is neither 0 nor 1.
    """
    functions = library() if ENABLED else None
    if functions is None:
        return None
    reads = np.zeros(len(wanted), READ)
    for read, each in zip(reads, wanted):
        handle = functions.vpi_handle_by_name(each.signal._path.encode(), None)
        if not handle:
            return None
        halves = -(-len(each.signal) // 32)
        read["handle"], read["words"], read["halves"] = handle, -(-halves // 2), halves
        read["at"], read["valid"], read["ready"] = each.at, each.valid, each.ready
    values = np.zeros(1, VALUE)
    values["get"] = ctypes.cast(functions.vpi_get_value, ctypes.c_void_p).value
    values["place"] = values.ctypes.data + VALUE.fields["format"][1]  # type: ignore[index]
    place = HEAR.put((reads, row, values))
    hear = partial(C_FUNCTION(_compiled().address), place.ctypes.data)
    hear.kept = place, reads, row, values  # type: ignore[attr-defined]  # as long as it
    return hear
