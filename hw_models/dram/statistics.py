"""What a channel's counters say, in SI units."""

from typing import Any

import numpy as np

from hw_models.dram.energy import energy_j
from hw_models.dram.params import Dram
from hw_models.units import FS


def channel_summary(row: np.void, dram: Dram, cycles: int, moved_cycles: int | None = None) -> dict[str, Any]:
    """Return the figures of one channel over its first ``cycles`` command clocks.

    Bandwidth and utilisation are those of the first ``moved_cycles``, in which all data of the commands sent
    have moved; ``cycles`` if left out.
    """
    beats = dram.module.BURST_LENGTH // dram.module.TRANSFERS_PER_CLOCK
    moved_cycles = cycles if moved_cycles is None else moved_cycles
    seconds = moved_cycles * dram.clock_fs * FS
    bursts = int(row["reads"] + row["writes"])
    energy = energy_j(row, dram, cycles)
    lanes = 1 if row["shared_bus"] else int(row["ranks"])
    return {
        "reads": int(row["reads"]),
        "writes": int(row["writes"]),
        "activates": int(row["activates"]),
        "precharges": int(row["precharges"] + row["precharge_alls"]),
        "refreshes": int(row["refreshes"]),
        "row_hits": int(row["row_hits"]),
        "row_misses": int(row["row_misses"]),
        "row_conflicts": int(row["row_conflicts"]),
        "forwarded_reads": int(row["forwarded"]),
        "merged_writes": int(row["merged"]),
        "busy_cycles": bursts * beats,
        "bandwidth_bytes_per_s": bursts * dram.burst_bytes / seconds if seconds else 0.0,
        "utilization": bursts * beats / (moved_cycles * lanes) if moved_cycles else 0.0,
        "energy_j": energy.pop("total"),
        "energy_by_cause_j": energy,
    }
