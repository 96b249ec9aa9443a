"""What an LLC counted, for the summary."""

from typing import Any

import numpy as np


def llc_summary(llc: np.void, master_names: list[str]) -> dict[str, Any]:
    """Return a CACHE row's counters, in all and per master: each access is one hit, miss or merge."""

    def counters(chosen: Any) -> dict[str, Any]:
        counts = {
            name: int(llc[name][chosen].sum())
            for name in ("hits", "misses", "merges", "evictions", "writebacks")
        }
        accesses = counts["hits"] + counts["misses"] + counts["merges"]
        return counts | {"hit_rate": counts["hits"] / accesses if accesses else 0.0}

    masters = {name: counters(i) for i, name in enumerate(master_names)}
    return counters(slice(None)) | {"masters": masters}
