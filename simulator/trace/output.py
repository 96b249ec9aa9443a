"""What the trace commands write: columns as CSV, and latencies in a few numbers."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

PERCENTILES = (50, 95, 99)


def write_csv(path: Path, header: str, columns: Iterable[np.ndarray]) -> None:
    lines = zip(*(column.tolist() for column in columns))
    path.write_text(header + "\n" + "".join(",".join(map(str, line)) + "\n" for line in lines))


def quantiles(times: np.ndarray) -> dict[str, float]:
    """Return mean, percentiles and maximum of ``times``, nothing of none; the maximum keeps their type."""
    if not times.size:
        return {}
    points = {f"p{p}": float(np.percentile(times, p)) for p in PERCENTILES}
    return {"mean": float(times.mean()), **points, "max": times.max().item()}
