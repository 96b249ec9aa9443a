"""The state of one DRAM channel as one record: timing, queues, banks, what will happen next, statistics.

Times are cycles of the command clock. `build.py` fills a record from parameters; afterwards only the
kernels change it (`block.py` and the files that it calls).
"""

from enum import IntEnum

import numpy as np

from hw_models.blame import BLAME_SHAPE
from hw_models.known import before, parameters
from hw_models.port import MASTERS, REQUEST

RANKS = 8  # ranks (or pseudo-channels) of a channel
GROUPS = 64  # bank groups over all ranks
BANKS = 256  # banks over all ranks
ENTRIES = 256  # queued column accesses: both queues and what was moved out of them
DONE_ROWS = 256  # answers that are known but not yet handed over
BUCKETS = 256  # of the queued entries, a power of two
KINDS = 5  # of what banks ask for (candidates.py)
SEGMENTS = 24  # pieces of the address mapping
PARENTS = ENTRIES + DONE_ROWS
LOG_ROWS = 64  # commands kept until someone copies them


class Field(IntEnum):
    BANK = 1  # flat: rank, bank group, bank
    ROW = 2
    COLUMN = 3


i8, i4, i2 = np.int64, np.int32, np.int16
place = np.uint16  # of a row in a table that has one: an index that cannot be negative costs no comparison

TIMING = np.dtype(
    [
        ("gap", i8, (2, 2, 3)),  # column command to column command: earlier w, later w, same group/rank/other
        ("act_gap", i8, (2,)),  # ACT to ACT: same group, same rank
        ("faw", i8),
        ("rcd", i8, (2,)),  # ACT to RD, WR
        ("ras", i8),
        ("rc", i8),
        ("rp", i8),
        ("rp_all", i8),
        ("ppd", i8),  # PRE to PRE of a rank
        ("to_pre", i8, (2,)),  # RD, WR to PRE
        ("data", i8, (2,)),  # RD, WR to the cycle after the last data beat, or that of the answer
        ("moved", i8, (2,)),  # RD, WR to the cycle after the last data beat
        ("refi", i8),
        ("rfc", i8),
        ("rfc_bank", i8),
        ("refresh_gap", i8),  # per-bank refresh to per-bank refresh or ACT of another bank
        ("xp", i8),  # power-down exit
        ("cke", i8),  # shortest power-down
        ("xs", i8),  # self-refresh exit
    ]
)

BANK = np.dtype(
    [
        ("act", i8),  # earliest ACT
        ("pre", i8),
        ("column", i8, (2,)),  # earliest RD, WR
        ("open", i4),  # row, -1 closed
        ("active", i2),  # entry that opened the row and was not served yet, -1 none
        ("head", i2, (2,)),  # oldest entry of the read and of the write queue
        ("tail", i2, (2,)),
        ("hit", i2, (2,)),  # oldest entry for the open row, -1 none
        ("miss", i2, (2,)),  # oldest entry for another row, -1 none
        ("asks", i2, (2, KINDS)),  # its places in `asking_banks`, -1 where it does not ask
        ("group", place),  # over all ranks
        ("rank", place),
        ("hits", i4),  # column commands since the ACT
        ("used", i8),  # last column command or ACT
        ("opener", i4),  # master whose request opened (or last closed) the row
        ("timeout", i8),  # page timeout of this bank
        ("closed_row", i4),  # last row closed by a timeout: tells the adaptive policy whether it was right
        ("count", i4),  # entries of the bank's command queue (BANK_ROUND_ROBIN)
    ]
)

STALE = -1  # before any cycle
TO_ANY, TO_ACT, TO_READ, GATES = 0, 1, 2, 4  # commands of a group's banks: of any kind, ACT, RD or, next, WR
GROUP = np.dtype(
    [
        ("rank", i8),
        ("earliest", i8, (GATES,)),  # 0, ACT, RD, WR
        ("pre", i8),
    ]
)

RANK = np.dtype(
    [
        ("acts", i8, (4,)),  # times of the last four ACTs
        ("oldest_act", i8),
        ("refresh", i8),  # earliest REF
        ("open_banks", i8),
        ("open_since", i8),
        ("active_cycles", i8),  # with at least one open row
        ("due", i8),  # next refresh
        ("owed", i8),  # refreshes that wait to be sent
        ("owed_since", i8),
        ("refresh_bank", i8),  # next bank of a per-bank refresh
        ("refreshing", i8),  # until when the last refresh takes
        ("idle_since", i8),
        ("down", i8),  # 0 up, 1 power-down, 2 self-refresh
        ("down_since", i8),
        ("sleepy", i8),  # on its way to self-refresh
        ("queued", i8),  # entries for its banks, where ranks go down
        ("last", i8),  # its last command
        ("closing", i8),  # start of the last auto-precharge
        ("quiet", i8),  # from when on no data move
        ("down_cycles", i8),
        ("active_down_cycles", i8),
        ("self_refresh_cycles", i8),
    ]
)

ENTRY = np.dtype(
    [
        ("order", i8),  # age
        ("address", i8),  # of the burst, aligned
        ("row", i4),
        ("column", i4),
        ("bank", place),
        ("write", place),
        ("next", i2),  # in its bank's list
        ("previous", i2),
        ("older", i2),  # in the list of all queued entries, kept where `plain`
        ("younger", i2),
        ("twin", i2),  # next entry that waits for the same read (BANK_ROUND_ROBIN)
        ("parent", place),  # row of `parents`
        ("fresh", i2),  # its place in the channel's `fresh`, -1: its accounts are kept in `snapshot`
        ("seen", i4),  # its first command was counted as hit, miss or conflict
        ("master", i4),
        ("arrived", i8),
        ("charged", i8),  # cycle of its first command
        ("culprit", i4),  # who pays for the row
        ("row_cycles", i4),  # tRP and tRCD, as far as it needs them
    ]
)

PARENT = np.dtype([("left", i8), ("time", i8), ("request", REQUEST)])
DONE = np.dtype([("time", i8), ("parent", place)])

LOG = np.dtype(
    [(name, i8) for name in ("channel", "cycle", "command", "rank", "group", "bank", "row", "column")]
)

CHANNEL = np.dtype(
    [
        # what it is
        ("number", i8),  # of the channel
        ("period_fs", i8),  # of the command clock
        ("t", TIMING),
        ("ranks", i8),
        ("groups", i8),  # of a rank
        ("banks_per_group", i8),
        ("banks_per_rank", i8),
        ("bank_count", i8),
        ("burst_bytes", i8),
        ("burst_shift", i8),  # its logarithm
        ("shared_bus", i8),  # 0: every rank is a pseudo-channel with its own data bus
        # where bank, row and column have their lowest bits in an address
        *((f"{field}_{part}", i8) for field in ("bank", "row", "column") for part in ("shift", "mask")),
        ("segments", i8),  # those three, and more where a field is made of more
        (
            "segment",
            i8,
            (SEGMENTS, 4),
        ),  # Field, shift right, mask, shift left; fields are XORs of their segments
        # policies
        ("scheduler", i8),
        ("plain", i8),  # 1: scan all entries every time (obvious and slow; the same times)
        ("simple", i8),  # 1: plain FR-FCFS without caps and guards: a shorter way to the same choice
        ("unified", i8),  # reads and writes in one queue
        ("meets", i8),  # 1: a request may meet another to the same address in the queues
        ("deep", i8),  # 1: so many entries that their rows are counted: a bank is not looked through in vain
        ("window", i8),  # how many of the oldest entries are looked at
        ("capacity", i8, (2,)),
        ("high", i8),  # more writes than this start a drain
        ("low", i8),  # fewer writes than this end it, when reads wait
        ("parks", i8),  # 1: an entry that is the only one is in no bank's list
        ("reserve", i8),  # an opened row belongs to its opener until that is served
        ("guard", i8),  # Protect: any PRE, not with an older hit queued, not with any hit queued
        ("hit_cap", i8),  # column commands on one row while another row waits; 0 no cap
        ("page", i8),
        ("page_timeout", i8),
        ("refresh_mode", i8),
        ("refresh_stops_all", i8),  # an owed refresh stops the channel, not only its rank
        ("forward", i8),
        ("merge", i8),
        ("write_answer", i8),
        ("backend", i8, (2,)),  # cycles added to the answer of a read, of a write
        ("gated", i8),  # 1: a FIFO in front, which a write leaves with its last data
        ("gate_shift", i8),  # log2 of the bytes that it takes a cycle
        ("outstanding", i8, (2,)),  # most unanswered reads, writes, where `hold`; 0 no limit
        ("down_after", i8),  # idle cycles before power-down, 0 never
        ("self_refresh_after", i8),
        ("priority", i8, (MASTERS,)),  # smaller first
        ("bliss_streak", i8),
        ("bliss_clear", i8),
        ("bank_capacity", i8),  # entries of a command queue
        ("hold", i8),  # answers are kept until their time, because it ends a request's stay
        ("askers", i8),  # FIFOs of requests
        ("masters", i8),  # 0: nobody is charged for who waits for whom
        ("log_on", i8),
        # queues
        ("entering", i8),  # cycle at which the request offered last leaves the FIFO in front; -1: none there
        ("entered", i8),  # when the one before did
        ("size", i8, (2,)),  # entries of the read and write queue
        ("pending", i8),  # entries anywhere
        ("parked", i8),  # the only entry, if it is in no list; -1 none
        ("free", place, (ENTRIES,)),
        ("free_count", i8),
        ("entries", ENTRY, (ENTRIES,)),
        ("free_parent", place, (PARENTS,)),
        ("free_parents", i8),
        ("parents", PARENT, (PARENTS,)),
        ("asking_banks", place, (2, KINDS, BANKS)),  # by direction and kind of command (candidates.py)
        ("asking", i8, (2, KINDS)),  # how many
        ("first", i8, (2, KINDS)),  # the one found first
        ("first_time", i8, (2, KINDS)),  # NEVER: nobody asks; before `next`: to be looked for
        ("first_order", i8, (2, KINDS)),  # age of its request
        ("waiting", i8, (2,)),  # accepted and unanswered
        ("order", i8),
        ("addresses", i8, (2, BUCKETS)),  # queued entries by the bits of their burst, folded
        ("rows", i8, (2, BUCKETS)),  # and by the lowest bits of bank and row
        ("oldest", i8),
        ("youngest", i8),
        # device
        ("banks", BANK, (BANKS,)),
        ("group", GROUP, (GROUPS,)),
        ("rank", RANK, (RANKS,)),
        ("due", i8),  # earliest refresh of any rank
        ("owed", i8),  # ranks that owe a refresh
        ("down", i8),  # ranks in power-down or self-refresh
        # what comes next
        ("next", i8),  # first cycle at which no command was sent or refused yet
        ("writing", i8),  # mode before cycle `next`
        ("writing_next", i8),  # mode from then on
        ("scanned", i8),  # bits of the queues that the choice was made from
        ("chosen_time", i8),  # STALE: to be chosen anew
        ("chosen_key", i8),
        ("chosen", i8),  # Command
        ("chosen_entry", i8),
        ("chosen_bank", i8),
        # fairness
        ("last_master", i8),
        ("streak", i8),
        ("blacklist", i8),
        ("clear_at", i8),
        # bank round robin
        ("busy_banks", place, (BANKS,)),  # whose command queue is not empty, by number
        ("busy_count", i8),
        ("soonest", i8, (BANKS,)),  # no command for the bank's queue before this cycle (bank_queues.py)
        ("turn", i8),
        ("draining", i8),  # writes that may still move before reads go on; -1: a read first
        ("line_size", i8, (2,)),
        ("in_line", i2, (2, BANKS)),  # the oldest in line for each bank, -1 none
        ("last_in_line", i2, (2, BANKS)),
        ("moving", i8),  # some entry may be able to move
        ("moved_at", i8),  # cycle of the last look at the lines
        # answers
        ("done", DONE, (DONE_ROWS,)),
        ("done_head", i8),
        ("done_count", i8),
        ("last_read_done", i8),
        ("refused", i8),  # the last request found no room
        # statistics
        ("reads", i8),
        ("writes", i8),
        ("data_end", i8),  # cycle after the last data beat of all RD and WR sent
        ("forwarded", i8),
        ("merged", i8),
        ("activates", i8),
        ("precharges", i8),
        ("precharge_alls", i8),
        ("closed_by_all", i8),  # rows that those closed
        ("refreshes", i8),
        ("row_hits", i8),
        ("row_misses", i8),
        ("row_conflicts", i8),
        ("waited", i8),  # cycles of requests in front of the door and of bursts up to RD or WR: as charged
        # who waits for whom (waits.py)
        ("holder", i8),
        ("holder_write", i8),
        ("holder_bank", i8),
        ("held_since", i8),
        ("held", i8, (2, MASTERS + 1)),  # cycles of every holder, by direction
        ("bank_held", i8, (BANKS, MASTERS + 1)),
        ("fresh", place, (ENTRIES,)),  # entries that came in under the present holder and sent no command yet
        ("fresh_count", i8),
        ("snapshot", i8, (ENTRIES, 3, MASTERS + 1)),
        ("refused_at", i8),
        ("blame", i8, BLAME_SHAPE),
        # log
        ("log_count", i8),
        ("log", LOG, (LOG_ROWS,)),
    ]
)
parameters("TIMING", TIMING, [name for name in TIMING.names or () if TIMING[name] == i8])
parameters("CHANNEL", CHANNEL, before(CHANNEL, "entering", beside=["number"]))
