"""Replicates of a point: the mean over its seeds, and how far it can be trusted."""

import math
from statistics import fmean, stdev

# two-sided 95 % quantiles of Student's t by degrees of freedom; above, the normal distribution's 1.960
STUDENT_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
NORMAL = 1.960


def ci95(values: list[float]) -> float:
    """Return half the width of the 95 % confidence interval of the mean."""
    freedom = len(values) - 1
    t = STUDENT_T[freedom - 1] if freedom <= len(STUDENT_T) else NORMAL
    return t * stdev(values) / math.sqrt(len(values))


def summarise(runs: list[dict[str, float | None]]) -> dict[str, float | None]:
    """Return every path's mean over ``runs``, and ``<path>_ci95`` behind them; None where a run lacks it."""
    means: dict[str, float | None] = {}
    widths: dict[str, float | None] = {}
    for path in runs[0]:
        values = [run[path] for run in runs]
        there = [value for value in values if value is not None]
        whole = len(there) == len(values)
        means[path] = fmean(there) if whole else None
        widths[f"{path}_ci95"] = ci95(there) if whole else None
    return means | widths
