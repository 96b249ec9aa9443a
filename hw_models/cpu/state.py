"""The rows of a core."""

import numpy as np

from hw_models.cpu.params import L1_LINES
from hw_models.port import REQUEST

CORE = np.dtype(
    [
        # parameters
        ("period_fs", np.int64),
        ("master", np.int64),
        ("line_bytes", np.int64),
        ("sets", np.int64),
        ("ways", np.int64),
        ("outstanding_limit", np.int64),
        ("writeback_limit", np.int64),
        ("release_first", np.int64),
        ("replay", np.int64),
        ("cycles_per_line", np.int64),
        ("write_allocate", np.int64),
        # L1: line address (address // line_bytes) or -1, dirty flag, last use
        ("tag", np.int64, (L1_LINES,)),
        ("dirty", np.int64, (L1_LINES,)),
        ("used", np.int64, (L1_LINES,)),
        ("touches", np.int64),
        # the task at hand
        ("task", np.int64),  # row of the task table, -1: none
        ("background", np.int64),  # endless task that runs when there is no other, -1: none
        ("background_position", np.int64),
        ("serial", np.int64),  # 1: the next line waits for the last one's data
        ("position", np.int64),  # lines walked in this pass
        ("lines", np.int64),  # lines of a pass
        ("read_lines", np.int64),
        ("run", np.int64),  # of a task with runs: row of the one at hand
        ("run_line", np.int64),  # its next line
        ("run_left", np.int64),  # its lines that are left
        ("passes_left", np.int64),  # -1: for ever
        ("misses_in_pass", np.int64),
        ("random", np.int64),
        ("cursor", np.int64),  # cycle at which the next line may be touched
        ("next_issue", np.int64),  # rate limit: no miss before this cycle
        # in flight
        ("reads_in_flight", np.int64),
        ("writes_in_flight", np.int64),
        ("answered", np.int64, (2,)),  # bytes of a line that is not whole yet: of reads, of writes
        ("pending_writeback", np.int64),  # victim address waiting for the bus, -1: none
        ("pending_read", np.int64),
        # what came of it
        ("finished", np.int64),  # tasks finished so far
        ("finished_at", np.int64),  # cycle of the latest
        ("done_task", np.int64),  # the latest, until it is taken; -1: none
        ("hits", np.int64),
        ("misses", np.int64),
        ("stall_cycles", np.int64),  # waiting for memory
        ("stall_before", np.int64),  # of these, before the task at hand or the last one that was asked for
        ("blocked_since", np.int64),  # -1: not waiting
        ("request", REQUEST),
    ]
)
