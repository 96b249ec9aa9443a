"""What an LLC counted, for the summary."""

from typing import Any

import numpy as np


def llc_summary(llc: np.void, master_names: list[str]) -> dict[str, Any]:
    """Return a CACHE row's counters, in all and per master; a merge with a fill under way counts as a hit."""

    def counters(chosen: Any) -> dict[str, Any]:
        counts = {
            name: int(llc[name][chosen].sum())
            for name in ("hits", "misses", "merges", "evictions", "writebacks")
        }
        looked_up = counts["hits"] + counts["misses"]
        return counts | {"hit_rate": counts["hits"] / looked_up if looked_up else 0.0}

    masters = {name: counters(i) for i, name in enumerate(master_names)}
    return counters(slice(None)) | {"masters": masters}
