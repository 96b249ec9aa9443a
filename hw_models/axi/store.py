"""Sparse memory of 64-bit addresses: pages of 4 KiB in a pool, found by an open-addressed table of numbers.

``keys`` (slots, 2) int64: page number + 1, 0 for none, and its row of ``pool`` (pages, 512) uint64, little
end first. Both may be zero-filled memory that nobody has touched.
"""

import numpy as np

from hw_models.jit import inlined, njit

PAGE_SHIFT = 12
PAGE_WORDS = 512
EMPTY = np.int64(-1)


@njit
def place_of(store, keys, page, create):
    """Return the row of page number ``page``, -1 if there is none, or no room to ``create`` it."""
    if store["latest"] == page + 1:
        return store["latest_place"]
    slots = len(keys)
    spot = np.int64((np.uint64(page) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & (slots - 1)
    while keys[spot, 0] != page + 1:
        if keys[spot, 0] == 0:
            if not create or store["pages"] >= store["limit"]:
                return EMPTY
            keys[spot, 0], keys[spot, 1] = page + 1, store["pages"]
            store["pages"] += 1
            break
        spot = (spot + 1) & (slots - 1)
    store["latest"], store["latest_place"] = page + 1, keys[spot, 1]
    return keys[spot, 1]


@inlined
def page_number(address):
    """Return the number of a 64-bit address's page, the address held in int64."""
    return np.int64(np.uint64(address) >> np.uint64(PAGE_SHIFT))


@njit
def read_beat(store, keys, pool, address, width, words):
    """Fill ``words`` with the ``width`` bytes around ``address``, aligned to ``width``."""
    place = place_of(store, keys, page_number(address), False)
    at = (address & (1 << PAGE_SHIFT) - 1) & -width
    if width < 8:
        word = pool[place, at >> 3] if place >= 0 else np.uint64(0)
        words[0] = (word >> np.uint64(8 * (at & 4))) & np.uint64(0xFFFFFFFF)
        return
    for k in range(width >> 3):
        words[k] = pool[place, (at >> 3) + k] if place >= 0 else np.uint64(0)


@inlined
def mask_of(strobes):
    """Return the bit mask of eight byte strobes."""
    if strobes == 0xFF:
        return np.uint64(0xFFFFFFFFFFFFFFFF)
    mask = np.uint64(0)
    for k in range(8):
        if strobes >> k & 1:
            mask |= np.uint64(0xFF) << np.uint64(8 * k)
    return mask


@njit
def write_beat(store, keys, pool, address, width, words, strobes, lanes):
    """Write the bytes of an aligned beat that are strobed and among ``lanes``. Returns how many, -1: no room.

    ``lanes`` (first, end): the bytes of the beat that the burst speaks of.
    """
    place = place_of(store, keys, page_number(address), True)
    if place < 0:
        return EMPTY
    at = (address & (1 << PAGE_SHIFT) - 1) & -width
    written = np.int64(0)
    for k in range((width + 7) >> 3):
        byte = np.int64((strobes[k >> 3] >> np.uint64(8 * (k & 7))) & np.uint64(0xFF))
        first, end = max(lanes[0] - 8 * k, 0), min(lanes[1] - 8 * k, 8)
        if end <= first:
            continue
        byte &= (1 << end) - (1 << first)
        word, shift = words[k], at & 4 if width < 8 else np.int64(0)
        mask = mask_of(byte << shift)
        word <<= np.uint64(8 * shift)
        target = (at >> 3) + k
        pool[place, target] = (pool[place, target] & ~mask) | (word & mask)
        while byte:
            written += byte & 1
            byte >>= 1
    return written
