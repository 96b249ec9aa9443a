"""Flash translation layer: page-level map, block allocation, victim choice, recovery. No time in here.

Physical page p is page p % pages of block p // pages; blocks are numbered plane by plane, so that plane
q (of all planes) owns pages q * blocks * pages onwards. Static allocation in the order channel, way
(chip), die, plane: logical page l belongs to plane number l % planes_total of that order.
"""

import numpy as np

from hw_models.flash.names import Collection
from hw_models.flash.state import (
    BEING_ERASED,
    BLOCK_WORDS,
    ERASES,
    FREE,
    FREE_BLOCKS,
    FULL,
    GC_BLOCK,
    GC_LEFT,
    GROUP_BITS,
    GROUP_MASK,
    INFLIGHT,
    MAP_WORDS,
    NONE,
    OPEN,
    PAGE_WORDS,
    PLANE_WORDS,
    STATUS,
    USED,
    USER_BLOCK,
    VALID,
    VICTIM,
    WAIT_HEAD,
    WAIT_TAIL,
    WRITTEN,
)
from hw_models.jit import njit
from hw_models.units import PS_PER_NS

COST_BENEFIT = Collection.COST_BENEFIT.code


@njit
def plane_of(state, lpn):
    """Return the plane (of all) of logical page ``lpn``: over channels first, then chips, dies, planes."""
    return state["plane_of_lane"][lpn % state["planes_total"]]


@njit
def lane_of(state, plane):
    """Return the position of ``plane`` in that order: the inverse of `plane_of`."""
    return state["lane_of_plane"][plane]


@njit
def map_at(state, memory, lpn):
    """Return where the map entry of logical page ``lpn`` is in ``memory``.

    Entries lie in groups in order of first use, found through a directory: random reads then touch a few
    dense MB rather than one operating-system page each.
    """
    at = state["at_directory"] + (lpn >> GROUP_BITS)
    if memory[at] == 0:
        state["groups"] += 1
        memory[at] = state["groups"]
    return state["at_map"] + ((memory[at] - 1 << GROUP_BITS) + (lpn & GROUP_MASK)) * MAP_WORDS


@njit
def block_at(state, block):
    return state["at_block"] + BLOCK_WORDS * block


@njit
def plane_at(state, plane):
    return state["at_plane"] + PLANE_WORDS * plane


@njit
def preloaded(state, memory, ppn):
    """Whether the physical page still holds what was laid out in it before the simulation began."""
    if state["preload_pages"] == 0:
        return False
    plane_pages = state["blocks"] * state["pages"]
    plane = ppn // plane_pages
    lpn = ppn % plane_pages * state["planes_total"] + lane_of(state, plane)
    return lpn < state["preload_pages"] and memory[block_at(state, ppn // state["pages"]) + ERASES] == 0


@njit
def owner(state, memory, ppn):
    """Return the logical page written in physical page ``ppn``, NONE if it holds nothing readable."""
    word = memory[state["at_page"] + PAGE_WORDS * ppn]
    if word > 0:
        return word - 1
    if word == 0 and preloaded(state, memory, ppn):
        plane_pages = state["blocks"] * state["pages"]
        return ppn % plane_pages * state["planes_total"] + lane_of(state, ppn // plane_pages)
    return np.int64(NONE)


@njit
def find(state, memory, lpn):
    """Return the physical page that holds logical page ``lpn`` now, NONE if nobody wrote it."""
    if state["unwritten"] == 0 and state["physical_pages"] == 0:  # read-only device without tables
        return (
            plane_of(state, lpn) * state["blocks"] * state["pages"] + lpn // state["planes_total"]
            if lpn < state["preload_pages"]
            else np.int64(NONE)
        )
    word = memory[map_at(state, memory, lpn)]
    if word > 0:
        return word - 1
    if lpn < state["preload_pages"]:
        return plane_of(state, lpn) * state["blocks"] * state["pages"] + lpn // state["planes_total"]
    return np.int64(NONE)


@njit
def sectors_of(state, memory, lpn):
    """Return the mask of the sectors of logical page ``lpn`` that hold data; of a preloaded one, all."""
    at = map_at(state, memory, lpn)
    if memory[at] == 0 and lpn < state["preload_pages"]:
        return (1 << (state["page_bytes"] >> state["sector_bits"])) - 1
    return memory[at + 2]


@njit
def open_block(state, memory, plane):
    """Return the free block of ``plane`` with the fewest erases, now open; NONE when there is none."""
    best = np.int64(NONE)
    for block in range(plane * state["blocks"], (plane + 1) * state["blocks"]):
        at = block_at(state, block)
        if memory[at + STATUS] == FREE:
            if best == NONE or memory[at + ERASES] < memory[block_at(state, best) + ERASES]:
                best = np.int64(block)
    if best != NONE:
        memory[block_at(state, best) + STATUS] = OPEN
        memory[plane_at(state, plane) + FREE_BLOCKS] -= 1
    return best


@njit
def allocate(state, memory, plane, collecting):
    """Return the next page at the plane's write frontier, NONE if the host must wait for collection.

    Collection has a frontier of its own, and the last free block of a plane is reserved for it.
    """
    row = plane_at(state, plane)
    which = GC_BLOCK if collecting else USER_BLOCK
    block = memory[row + which]
    if block == NONE:
        if memory[row + FREE_BLOCKS] <= (0 if collecting else 1):
            return np.int64(NONE)
        block = open_block(state, memory, plane)
        memory[row + which] = block
    at = block_at(state, block)
    page = memory[at + USED]
    memory[at + USED] = page + 1
    memory[at + INFLIGHT] += 1
    memory[at + WRITTEN] = state["now"]
    if page + 1 == state["pages"]:
        memory[at + STATUS] = FULL
        memory[row + which] = NONE
    return block * state["pages"] + page


@njit
def point(state, memory, lpn, ppn):
    """Let the map say that logical page ``lpn`` is in physical page ``ppn``; its old page becomes invalid."""
    old = find(state, memory, lpn)
    if old != NONE:
        memory[block_at(state, old // state["pages"]) + VALID] -= 1
    memory[map_at(state, memory, lpn)] = ppn + 1
    memory[block_at(state, ppn // state["pages"]) + VALID] += 1


@njit
def score(state, memory, block):
    """Return how much a full block is worth collecting; higher is better, 0 if nothing would be freed.

    Greedy: the most invalid pages. Cost-benefit: (1 - u) / 2u x age, u the share of valid pages
    (Rosenblum and Ousterhout, SOSP 1991; Kawaguchi et al., USENIX 1995).
    """
    at = block_at(state, block)
    valid = memory[at + VALID]
    invalid = state["pages"] - valid
    if state["gc_policy"] != COST_BENEFIT or valid == 0:
        return invalid if valid > 0 or state["gc_policy"] != COST_BENEFIT else np.int64(2**62)
    age_ns = (state["now"] - memory[at + WRITTEN]) // PS_PER_NS + 1
    return invalid * age_ns // (2 * valid)


@njit
def pick_victim(state, memory, plane):
    """Return the full block to collect in ``plane``, NONE when none gains a page.

    When erase counts lie further apart than the wear threshold, the least worn full block is taken,
    whatever it holds: its cold data moves to a worn block. Not while the plane has no free block, as may be
    after a power cut: then only a block that holds nothing can be erased, and `recover` left one.
    """
    best, best_score = np.int64(NONE), np.int64(0)
    coldest, fewest, most = np.int64(NONE), np.int64(2**62), np.int64(0)
    for block in range(plane * state["blocks"], (plane + 1) * state["blocks"]):
        at = block_at(state, block)
        most = max(most, memory[at + ERASES])
        if memory[at + STATUS] != FULL or memory[at + INFLIGHT] > 0:
            continue
        if memory[at + ERASES] < fewest:
            coldest, fewest = np.int64(block), memory[at + ERASES]
        gain = score(state, memory, block)
        if gain > best_score:
            best, best_score = np.int64(block), gain
    if memory[plane_at(state, plane) + FREE_BLOCKS] == 0:
        return best if best != NONE and memory[block_at(state, best) + VALID] == 0 else np.int64(NONE)
    if best != NONE and coldest != NONE and most - fewest > state["wear_threshold"]:
        return coldest
    return best


@njit
def recover(state, memory):
    """Rebuild map and block records from the out-of-band bytes, as the firmware does after a power cut.

    Of several copies of a logical page the one with the highest version counts. A copy made by collection
    carries its original's version; the one in the block written longest ago counts, which undoes a
    collection that was cut: if it had taken its plane's last free block, all that it put there is still in
    the victim, so that the block holds nothing and can be erased, however often the power goes.
    Pages whose program was cut, and blocks whose erase was cut, hold nothing; both must be erased before
    they are programmed again. Partly written blocks are closed.
    """
    pages = state["pages"]
    memory[state["at_directory"] : state["at_block"]] = 0
    memory[state["at_slot"] : state["at_page"]] = 0
    state["groups"] = 0
    for ppn in range(state["physical_pages"]):
        lpn = owner(state, memory, ppn)
        if lpn == NONE:
            continue
        word = map_at(state, memory, lpn)
        version = memory[state["at_page"] + PAGE_WORDS * ppn + 1]
        held = memory[word] - 1
        newer = np.int64(1) if held < 0 else version - memory[state["at_page"] + PAGE_WORDS * held + 1]
        if newer == 0:
            newer = (
                memory[block_at(state, held // pages) + WRITTEN]
                - memory[block_at(state, ppn // pages) + WRITTEN]
            )
        if newer > 0:
            memory[word] = ppn + 1
            memory[word + 2] = (1 << (state["page_bytes"] >> state["sector_bits"])) - 1
        state["version"] = max(state["version"], version)
    for plane in range(state["planes_total"]):
        row = plane_at(state, plane)
        memory[row + USER_BLOCK] = memory[row + GC_BLOCK] = memory[row + VICTIM] = NONE
        memory[row + WAIT_HEAD] = memory[row + WAIT_TAIL] = NONE
        memory[row + FREE_BLOCKS] = memory[row + GC_LEFT] = 0
        for block in range(plane * state["blocks"], (plane + 1) * state["blocks"]):
            at = block_at(state, block)
            memory[at + VALID] = memory[at + INFLIGHT] = 0
            for ppn in range(block * pages, (block + 1) * pages):
                lpn = owner(state, memory, ppn)
                if lpn != NONE and memory[map_at(state, memory, lpn)] == ppn + 1:
                    memory[at + VALID] += 1
            if memory[at + STATUS] == OPEN or memory[at + STATUS] == BEING_ERASED:
                memory[at + STATUS] = FULL
            if memory[at + STATUS] == FREE:
                memory[row + FREE_BLOCKS] += 1
