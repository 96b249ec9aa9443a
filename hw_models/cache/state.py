"""The cache's state: one CACHE row and the tags, and how both are built from the parameters."""

import numpy as np

from hw_models.blame import BLAME_SHAPE
from hw_models.cache.names import (
    BANKS,
    MSHRS,
    QUEUE,
    STREAMS,
    TARGETS,
)
from hw_models.cache.replacement import POLICY
from hw_models.known import before, parameters
from hw_models.port import MASTERS, REQUEST

VICTIMS = 4096  # evictions remembered, by line number modulo this
CHANNELS = 16  # most memory channels below
GRANULES = 32  # most parts of a line whose validity is told apart
ACKS = 2 * MSHRS
SPREAD = 64  # groups of sets in which misses under way are counted
WRITEBACK = MSHRS  # tags of write-backs below start here; before it, the MSHR of a fill

RING = np.dtype(
    [
        ("head", np.int64),
        ("count", np.int64),
        ("refused", np.int64),  # 1: a request found no place since the last one left
        ("room", np.int64),  # cycle from which a request that found no place may come again
        ("since", np.int64),  # waits are charged up to this cycle
        ("cause", np.int64),  # why the oldest waits
        ("culprit", np.int64),
        ("rows", REQUEST, (QUEUE,)),
    ]
)
BANK = np.dtype(
    [
        ("free", np.int64),  # cycle from which it can begin an access
        ("owner", np.int64),  # master of the latest access
        ("rings", RING, (2,)),  # reads and writes, or all in the first
        ("fill_head", np.int64),
        ("fill_count", np.int64),
        ("fill_mshr", np.int64, (MSHRS,)),  # fills that have come back, in order
        ("fill_time", np.int64, (MSHRS,)),
    ]
)
MSHR = np.dtype(
    [
        ("used", np.int64),  # reasons to be kept: 1 a fill, 2 a write-back, 4 a bypassed write
        ("line", np.int64),
        ("way", np.int64),  # -1: the line is not allocated
        ("master", np.int64),  # whose miss it was
        ("missing", np.int64),  # bytes still to come
        ("bytes", np.int64),
        ("asked", np.int64),  # cycle of the miss
        ("evictor", np.int64),  # who threw the line out before, -1: unknown
        ("targets", np.int64),
        ("served", np.int64),
        ("target", REQUEST, (TARGETS,)),  # requests that wait for it
    ]
)
PENDING = np.dtype(  # answers to write-backs, to take effect at a time known already
    [("head", np.int64), ("count", np.int64), ("time", np.int64, (ACKS,)), ("what", np.int64, (ACKS,))]
)
STRIDE = np.dtype([("last", np.int64), ("stride", np.int64), ("confidence", np.int64)])
CACHE = np.dtype(
    [
        # parameters
        ("masters", np.int64),
        ("line_bytes", np.int64),
        ("line_shift", np.int64),  # log2
        ("set_mask", np.int64),
        ("first_set", np.int64),  # of its sets among those of all caches
        ("granule", np.int64),  # bytes
        ("whole", np.int64),  # mask of all granules
        ("banks", np.int64),
        ("ports", np.int64),
        ("askers", np.int64),  # FIFOs of requests that it reads
        ("channels", np.int64),
        ("channel_shift", np.int64),
        ("late", np.int64),  # 1: it is called for requests when they can be looked up
        ("brief", np.int64),  # 1: answers carry tag, size and master alone: who reads them has the request
        ("reads_astray", np.int64),  # 1: a read is looked up at the address of a write that could go, too
        ("entry_latency", np.int64),
        ("hit_latency", np.int64),
        ("fill_latency", np.int64),
        ("miss_latency", np.int64),
        ("overhead", np.int64),
        ("width_shift", np.int64),  # of the data array
        ("queue", np.int64),
        ("split", np.int64),
        ("mshr_count", np.int64),
        ("target_limit", np.int64),
        ("conflict", np.int64),
        ("hit_when_full", np.int64),
        ("writeback_limit", np.int64),
        ("mask_writes", np.int64),
        ("placement", np.int64),
        ("probe", np.int64),
        ("prefetch", np.int64),
        ("degree", np.int64),
        ("allowed", np.int64, (MASTERS,)),  # ways that a master's misses may take
        ("bypass", np.int64, (MASTERS, STREAMS)),
        ("discard", np.int64, (MASTERS, STREAMS)),  # the 1-bit prediction; may be changed while it runs
        # state
        ("policy", POLICY),
        ("waiting", np.int64),
        ("room", np.int64),  # the latest of its rings' `room`
        ("turned_away", np.int64),  # 1: the oldest request that it has not taken was refused before
        ("unseen", np.int64),  # 1: it is not called as its bank comes free: the oldest requests stall
        ("outside", np.int64),  # 1: a request waits for others to take what goes down or up
        ("bank", BANK, (BANKS,)),
        ("mshrs_used", np.int64),
        ("mshrs_taken", np.int64),  # a bit each
        ("shut", np.int64),  # bits of addresses in the set of the latest miss while it is under way, else -1
        ("under_way", np.int64, (SPREAD,)),  # MSHRs taken, by the lowest bits of their line's set
        ("mshr_share", np.int64, (MASTERS,)),
        ("mshrs", MSHR, (MSHRS,)),
        ("writebacks_used", np.int64),
        ("writeback_share", np.int64, (MASTERS,)),
        ("acks", PENDING),
        ("cause", np.int64),  # of the latest stall
        ("culprit", np.int64),  # who holds what it waits for
        ("last_up", np.int64, (BANKS,)),
        ("stream", np.int64),  # of the request for which something may go down, which has it too
        ("issued", np.int64),  # likewise
        ("strides", STRIDE, (MASTERS, STREAMS)),
        ("fastest_fill", np.int64),
        ("victim_line", np.int64, (VICTIMS,)),
        ("victim_by", np.int8, (VICTIMS,)),
        # what came of it, per master
        ("accesses", np.int64, (MASTERS,)),  # requests taken in, and their bytes
        ("access_bytes", np.int64, (MASTERS,)),
        ("waited", np.int64, (MASTERS,)),  # cycles of those looked up, from when they could be: as charged
        ("hits", np.int64, (MASTERS,)),
        ("misses", np.int64, (MASTERS,)),
        ("merges", np.int64, (MASTERS,)),  # found their line on its way: neither hits nor misses
        ("bypasses", np.int64, (MASTERS,)),
        ("bypass_bytes", np.int64, (MASTERS,)),
        ("evictions", np.int64, (MASTERS,)),  # of the master's lines
        ("writebacks", np.int64, (MASTERS,)),
        ("fills", np.int64, (MASTERS,)),
        ("fill_bytes", np.int64, (MASTERS,)),
        ("writeback_bytes", np.int64, (MASTERS,)),
        ("prefetches", np.int64, (MASTERS,)),
        ("prefetch_hits", np.int64, (MASTERS,)),
        ("recalls", np.int64, (MASTERS,)),  # inclusive: lines recalled from above
        ("blame", np.int64, BLAME_SHAPE),
    ]
)
parameters("CACHE", CACHE, before(CACHE, "policy"))
