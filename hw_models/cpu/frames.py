"""Where an array's pages lie: it is walked in the order of its own addresses. A permutation, no table."""

from hw_models.cpu.task import FRAME_SHIFT
from hw_models.jit import inlined


@inlined
def frame_of(page, bits, key):
    """Return the frame of a page, both less than 2^``bits``: for each key a permutation of them.

    Odd factors, XORs with a constant and with one's own higher bits are bijections.
    """
    mask, half = (1 << bits) - 1, max(1, bits >> 1)
    mixed = page ^ key & mask
    for factor in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D):
        mixed = mixed * factor & mask
        mixed ^= mixed >> half
    return mixed


@inlined
def place_of(task, offset):
    """Return where byte ``offset`` of a task's array lies, counted from the array's first address."""
    if task["frame_bits"] == 0:
        return offset
    page = offset >> FRAME_SHIFT
    return offset + (frame_of(page, task["frame_bits"], task["frame_key"]) - page << FRAME_SHIFT)
