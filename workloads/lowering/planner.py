"""Activation memory: offsets for buffers with lifetimes, so that no two live at once overlap.

The three planners follow Pisarchyk & Lee, "Efficient memory management for deep neural net inference"
(arXiv 2001.03288): offsets are chosen greedily in the order that gives the planner its name. `separate`
shares nothing: under `dependencies: data` no step then waits for a buffer to be free. `regions` is what a
Linux driver that allocates each tensor by itself gets from a pool of coherent memory (`plan_regions`).
"""

from bisect import insort
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

REGION_BYTES = 4096  # the least that is allocated by itself: a page


class Lifetime(NamedTuple):
    name: str
    bytes: int
    first: int  # step that writes it first
    last: int  # step that touches it last


def lower_bound(buffers: Iterable[Lifetime]) -> int:
    """Return the most bytes alive at one step: no plan can do with less."""
    changes: dict[int, int] = {}
    for buffer in buffers:
        changes[buffer.first] = changes.get(buffer.first, 0) + buffer.bytes
        changes[buffer.last + 1] = changes.get(buffer.last + 1, 0) - buffer.bytes
    alive = most = 0
    for step in sorted(changes):
        alive += changes[step]
        most = max(most, alive)
    return most


def plan_memory(buffers: list[Lifetime], planner: str) -> dict[str, int]:
    """Return an offset for every buffer."""
    if planner == "separate":
        ends = accumulate((buffer.bytes for buffer in buffers), initial=0)
        return {buffer.name: offset for buffer, offset in zip(buffers, ends)}
    if planner == "regions":
        return plan_regions({buffer.name: buffer.bytes for buffer in buffers})
    placed: list[tuple[int, Lifetime]] = []
    best_fit = planner != "first_fit"
    for buffer in PLANNERS[planner](buffers):
        placed.append((_gap(buffer, placed, best_fit), buffer))
    return {buffer.name: offset for offset, buffer in placed}


def plan_regions(sizes: dict[str, int]) -> dict[str, int]:
    """Return an offset for every name, each a region of its own, in the order given.

    Linux rounds a coherent allocation up to a power of two of pages and takes the first free place that is a
    multiple of it (bitmap_find_free_region): large tensors all begin in the same bank of the same rank.
    """
    offsets: dict[str, int] = {}
    taken: list[tuple[int, int]] = []
    for name, size in sizes.items():
        region = max(REGION_BYTES, 1 << (size - 1).bit_length())
        offset = 0
        for begin, end in taken:  # in order of address
            if offset + region <= begin:
                break
            offset = max(offset, -(-end // region) * region)
        offsets[name] = offset
        insort(taken, (offset, offset + region))
    return offsets


def plan_bytes(buffers: list[Lifetime], offsets: dict[str, int]) -> int:
    return max((offsets[buffer.name] + buffer.bytes for buffer in buffers), default=0)


def _gap(buffer: Lifetime, placed: list[tuple[int, Lifetime]], best_fit: bool) -> int:
    """Return the offset of the lowest (or tightest) gap between buffers alive at the same time."""
    rivals = sorted((o, b.bytes) for o, b in placed if b.first <= buffer.last and buffer.first <= b.last)
    best, best_size, end = -1, 0, 0
    for offset, size in rivals:
        room = offset - end
        if room >= buffer.bytes and (best < 0 or (best_fit and room < best_size)):
            best, best_size = end, room
        end = max(end, offset + size)
    return best if best >= 0 else end


def _by_size(buffers: list[Lifetime]) -> list[Lifetime]:
    return sorted(buffers, key=lambda b: (-b.bytes, b.first, b.name))


def _by_breadth(buffers: list[Lifetime]) -> list[Lifetime]:
    """Steps with the most bytes alive first; within a step the largest buffer first."""
    steps = sorted({b.first for b in buffers})
    alive = {step: [b for b in buffers if b.first <= step <= b.last] for step in steps}
    order: dict[str, Lifetime] = {}
    for step in sorted(steps, key=lambda s: (-sum(b.bytes for b in alive[s]), s)):
        for buffer in _by_size(alive[step]):
            order.setdefault(buffer.name, buffer)
    return list(order.values())


def _by_first_use(buffers: list[Lifetime]) -> list[Lifetime]:
    return sorted(buffers, key=lambda b: (b.first, -b.bytes, b.name))


PLANNERS = {"greedy_by_size": _by_size, "greedy_by_breadth": _by_breadth, "first_fit": _by_first_use}
