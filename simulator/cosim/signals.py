"""Reading and writing the signals of a simulator in this process, where it keeps them.

Verilator keeps a signal of up to 8, 16, 32 or 64 bits in an integer of that size, a wider one in 32-bit words
from the lowest.
"""

import numpy as np

from hw_models.callback import carray, pointer
from hw_models.jit import inlined


@inlined
def load(address, size):
    """Return the integer of ``size`` bytes at ``address``."""
    if size == 1:
        return np.int64(carray(pointer(address), (1,), np.uint8)[0])
    if size == 2:
        return np.int64(carray(pointer(address), (1,), np.uint16)[0])
    if size == 4:
        return np.int64(carray(pointer(address), (1,), np.uint32)[0])
    return np.int64(carray(pointer(address), (1,), np.uint64)[0])


@inlined
def store_value(address, size, value):
    """Write ``value`` as the integer of ``size`` bytes at ``address``."""
    if size == 1:
        carray(pointer(address), (1,), np.uint8)[0] = value
    elif size == 2:
        carray(pointer(address), (1,), np.uint16)[0] = value
    elif size == 4:
        carray(pointer(address), (1,), np.uint32)[0] = value
    else:
        carray(pointer(address), (1,), np.uint64)[0] = value


@inlined
def load_words(signal, words):
    """Fill 64-bit ``words`` from a SIGNAL; absent: left as they are."""
    size = signal["bytes"]
    if size <= 0:
        return
    if size <= 8:
        words[0] = np.uint64(load(signal["address"], size))
        return
    halves = carray(pointer(signal["address"]), (size >> 2,), np.uint32)
    for k in range(size >> 2):
        shift = np.uint64(32 * (k & 1))
        word = words[k >> 1] if k & 1 else np.uint64(0)
        words[k >> 1] = word | np.uint64(halves[k]) << shift


@inlined
def store_words(signal, words):
    """Write 64-bit ``words`` to a SIGNAL; absent: not at all. Returns whether it changed."""
    size = signal["bytes"]
    if size <= 0:
        return False
    if size <= 8:
        changed = load(signal["address"], size) != np.int64(words[0])
        store_value(signal["address"], size, words[0])
        return changed
    halves = carray(pointer(signal["address"]), (size >> 2,), np.uint32)
    changed = False
    for k in range(size >> 2):
        half = np.uint32((words[k >> 1] >> np.uint64(32 * (k & 1))) & np.uint64(0xFFFFFFFF))
        changed |= halves[k] != half
        halves[k] = half
    return changed
