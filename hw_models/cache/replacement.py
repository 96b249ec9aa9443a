"""Which way a miss takes: look-up, choice of victim, and what a use does to the order of a set.

`find`, `choose`, `evict` and `use` work on one SET row of the tags; they are what the cache runs, what
the oracle in the tests repeats in a few lines, and what `rtl/tag_path.sv` equals cycle by cycle.
``policy`` is the cache's one POLICY row, ``allowed`` a bit mask of ways.
"""

import numpy as np

from hw_models.cache.names import WAYS, Replacement
from hw_models.jit import inlined, njit
from hw_models.known import parameters

LRU = Replacement.LRU.code
PLRU = Replacement.PLRU.code
RANDOM = Replacement.RANDOM.code
SRRIP = Replacement.SRRIP.code
BRRIP = Replacement.BRRIP.code
PREDICTED = Replacement.PREDICTED.code

# Of each way; a cache with fewer ways leaves the last ones alone. Narrow: more sets stay in the host's cache.
SET = np.dtype(
    [
        ("line", np.int64, (WAYS,)),  # line number (address // line size), -1: invalid
        ("order", np.int64, (WAYS,)),  # LRU: stamp; RRIP: 0..3; predicted: bits; PLRU: way 0 has the tree
        ("valid", np.uint32, (WAYS,)),  # mask of granules that are present
        ("dirty", np.uint32, (WAYS,)),  # mask of granules that memory has not seen
        ("busy", np.int8, (WAYS,)),  # 1 + MSHR of the fill under way; 0: none
        ("owner", np.int8, (WAYS,)),  # master that brought it, or wrote it last
        ("prefetched", np.int8, (WAYS,)),  # 1: brought by a prefetch and not yet used
    ]
)
MARKED, DISCARD = 1, 2  # bits of `order` under PREDICTED
FAR = 3  # RRIP: re-used in the distant future

POLICY = np.dtype(
    [
        ("kind", np.int64),
        ("ways", np.int64),
        ("lfsr", np.int64),  # 16 bits, never 0
        ("stamp", np.int64),  # uses so far
    ]
)
parameters("POLICY", POLICY, ["kind", "ways"])


@njit
def step_lfsr(policy):
    """Move the 16-bit LFSR on by one and return it (x^16 + x^14 + x^13 + x^11 + 1, Fibonacci)."""
    value = policy["lfsr"]
    bit = (value ^ value >> 2 ^ value >> 3 ^ value >> 5) & 1
    policy["lfsr"] = value >> 1 | bit << 15
    return policy["lfsr"]


@inlined
def find(policy, row, line):
    """Return the way that holds ``line``, -1 if none does."""
    for way in range(policy["ways"]):
        if row["line"][way] == line:
            return way
    return -1


@njit
def nth(mask, n):
    """Return the position of bit number ``n`` (from 0) among those set in ``mask``."""
    way = 0
    while True:
        if mask >> way & 1:
            if n == 0:
                return way
            n -= 1
        way += 1


@njit
def ones(mask):
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@inlined
def has_invalid(policy, row):
    lines = row["line"][0]
    for way in range(1, policy["ways"]):
        lines |= row["line"][way]
    return lines < 0


@inlined
def at_random(policy, allowed):
    """Return the allowed way that the LFSR's present value stands for."""
    if allowed == (1 << policy["ways"]) - 1:
        return policy["lfsr"] % policy["ways"]
    return nth(allowed, policy["lfsr"] % ones(allowed))


@njit
def plru_victim(tree, ways, allowed):
    """Follow the tree's bits from the root (bit 1), turning away from halves without an allowed way."""
    node, low, size = 1, 0, ways
    while size > 1:
        size //= 2
        half = (1 << size) - 1
        right = tree >> node & 1
        if allowed >> (low + right * size) & half == 0:
            right = 1 - right
        node = 2 * node + right
        low += right * size
    return low


@njit
def plru_use(tree, ways, way):
    """Return the tree with every bit on the way to ``way`` pointing elsewhere."""
    node, size = 1, ways
    while size > 1:
        size //= 2
        right = way // size & 1
        tree = tree & ~(1 << node) | (1 - right) << node
        node = 2 * node + right
    return tree


@njit
def choose(policy, row, allowed):
    """Return the way that a miss would take: the first invalid one, else the policy's. Changes nothing."""
    ways = policy["ways"]
    if has_invalid(policy, row):
        for way in range(ways):
            if row["line"][way] < 0 and allowed >> way & 1:
                return way
    kind = policy["kind"]
    if kind == PLRU:
        return plru_victim(row["order"][0], ways, allowed)
    if kind == RANDOM:
        return at_random(policy, allowed)
    if kind == PREDICTED:
        return choose_predicted(policy, row, allowed)
    best = nth(allowed, 0)
    for way in range(best + 1, ways):
        if allowed >> way & 1:
            if kind == LRU:
                if row["order"][way] < row["order"][best]:
                    best = way
            elif row["order"][way] > row["order"][best]:
                best = way
    return best


@njit
def choose_predicted(policy, row, allowed):
    """Evict what is predicted not to return; else at random among what this phase has not used."""
    discard = unmarked = 0
    for way in range(policy["ways"]):
        if allowed >> way & 1:
            if row["order"][way] & DISCARD:
                discard |= 1 << way
            if row["order"][way] & MARKED == 0:
                unmarked |= 1 << way
    pool = discard if discard else unmarked if unmarked else allowed
    return nth(pool, policy["lfsr"] % ones(pool))


@inlined
def evict(policy, row, way, allowed):
    """Move the policy's own state on because valid ``way``, chosen by `choose`, is given up."""
    kind = policy["kind"]
    if kind in (SRRIP, BRRIP):
        age = FAR - row["order"][way]
        if age > 0:
            for other in range(policy["ways"]):
                if allowed >> other & 1:
                    row["order"][other] += age
    elif kind == PREDICTED:
        for other in range(policy["ways"]):
            if allowed >> other & 1 and row["order"][other] != MARKED:
                break
        else:  # all were used in this phase: a new one begins
            for other in range(policy["ways"]):
                if allowed >> other & 1:
                    row["order"][other] = 0
    if kind in (RANDOM, PREDICTED):
        step_lfsr(policy)


@inlined
def use(policy, row, way, new, discard):
    """Note a use of ``way``; ``new``: it has just been allocated; ``discard``: predicted not to return."""
    kind = policy["kind"]
    if kind == LRU:
        policy["stamp"] += 1
        row["order"][way] = policy["stamp"]
    elif kind == PLRU:
        row["order"][0] = plru_use(row["order"][0], policy["ways"], way)
    elif kind == SRRIP:
        row["order"][way] = FAR - 1 if new else 0
    elif kind == BRRIP:  # a new line is distant, once in 32 times only long
        if new:
            row["order"][way] = FAR - 1 if step_lfsr(policy) % 32 == 0 else FAR
        else:
            row["order"][way] = 0
    elif kind == PREDICTED:
        row["order"][way] = DISCARD if discard else MARKED
