"""What was counted of some launches of a kind says of all of them: a straight line over their kernels.

Launches of one length are estimated by the mean. Every estimate is a sum of what was counted, each with a
share of its own, so that what grows with the kernels, as bytes do, comes out exactly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

# Student's t, two-sided 95 %: degrees of freedom, quantile (any table of it; between them linear in 1 / df)
T_TABLE = (
    (1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (8, 2.306), (10, 2.228),
    (15, 2.131), (20, 2.086), (30, 2.042), (60, 2.000), (1e9, 1.960),
)  # fmt: skip


@dataclass
class Group:
    """Steps of the short program that stand for others of their kind."""

    size: int = 0  # kernels of each step that they stand for; 0: not of a launch with weights
    steps: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)  # kernels of each
    behind: list[bool] = field(default_factory=list)  # each: it comes again, behind another of them
    before: list[bool] = field(default_factory=list)  # each: others come again behind it

    def add(self, step: int, size: int, behind: bool = False, before: bool = False) -> None:
        self.steps.append(step)
        self.sizes.append(size)
        self.behind.append(behind)
        self.before.append(before)

    def _columns(self) -> np.ndarray:
        """Return what a count may depend on, (steps, columns): kernels, and neighbours that others lack."""
        columns = np.array([self.sizes, self.behind, self.before], float)
        columns[0] /= max(self.size, 1)
        return np.stack([np.ones(len(self.steps)), *(each for each in columns if np.ptp(each))], 1)

    @property
    def freedom(self) -> int:
        """Return the degrees of freedom of what is left of the counts beside the fit."""
        return len(self.steps) - self._columns().shape[1] if self.steps else 0

    def shares(self) -> np.ndarray:
        """Return the share of each step in the estimate of one that they stand for; together 1."""
        columns = self._columns()
        one = np.zeros(columns.shape[1])
        one[: 2 if len(set(self.sizes)) > 1 else 1] = 1
        return one @ np.linalg.pinv(columns)

    def variance(self, counts: np.ndarray, estimated: int, simulated: int) -> float:
        """Return the variance of the error of the sum of all steps of the kind.

        That of the estimate, of the steps themselves, and of those that were simulated, though at other times
        than in the whole run. ``counts``: of each of the group's steps; what the fit leaves is how they vary.
        """
        if self.freedom <= 0:
            return 0.0
        columns = self._columns()
        left_over = counts - columns @ (np.linalg.pinv(columns) @ counts)
        left = float(left_over @ left_over) / self.freedom
        shares = self.shares()
        return left * (estimated**2 * float(shares @ shares) + estimated + 2 * simulated)


def half_width(variances: Sequence[float], freedoms: Iterable[int]) -> float:
    """Return how far to both sides the 95 % interval of a sum reaches: Welch and Satterthwaite's."""
    total = sum(variances)
    if not total:
        return 0.0
    freedom = total**2 / sum(v**2 / df for v, df in zip(variances, freedoms) if v)
    inverses, quantiles = [1 / df for df, _ in T_TABLE], [t for _, t in T_TABLE]
    return float(np.interp(1 / freedom, inverses[::-1], quantiles[::-1])) * total**0.5
