"""From a core's parameters to its state."""

import numpy as np

from hw_models.cpu.params import Core
from hw_models.cpu.state import CORE
from hw_models.units import FS_PER_S


def build_core(params: Core, master: int, seed: int) -> np.ndarray:
    """Return an idle core, shape (1,) CORE."""
    state = np.zeros(1, CORE)
    row = state[0]
    lines = params.l1_bytes // params.line_bytes
    row["period_fs"] = FS_PER_S // params.clock_hz
    row["master"] = master
    row["line_bytes"] = params.line_bytes
    row["ways"] = params.l1_ways
    row["sets"] = lines // params.l1_ways
    row["outstanding_limit"] = params.outstanding
    row["writeback_limit"] = params.writebacks
    row["release_first"], row["replay"] = params.release_first, params.replay_cycles
    row["cycles_per_line"] = params.cycles_per_line
    row["write_allocate"] = params.write_allocate
    row["random"] = (seed * 2654435761 + master * 40503 + 1) & (2**31 - 1)
    row["tag"] = -1
    row["task"] = row["done_task"] = row["background"] = row["pending_writeback"] = row["pending_read"] = row[
        "blocked_since"
    ] = -1
    return state
