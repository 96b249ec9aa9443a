"""What was counted of some launches of a kind says of all of them: a straight line over their kernels.

Launches of one length are estimated by the mean. Every estimate is a sum of what was counted, each with a
share of its own, so that what grows with the kernels, as bytes do, comes out exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

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

    def left_over(self, counts: np.ndarray) -> float:
        """Return the sum of squares of what the fit leaves of ``counts``, one of each step of the group."""
        columns = self._columns()
        left = counts - columns @ (np.linalg.pinv(columns) @ counts)
        return float(left @ left)

    def leverage(self, estimated: int, simulated: int) -> float:
        """Return the variance of the error of the sum of all steps of the kind, as a multiple of one step's.

        That of the estimate, of the steps themselves, and of those that were simulated, though at other times
        than in the whole run.
        """
        shares = self.shares()
        return estimated**2 * float(shares @ shares) + estimated + 2 * simulated


class Kind(NamedTuple):
    """A group, what was counted of its steps, and for how many steps of the whole program it stands."""

    group: Group
    counts: np.ndarray
    estimated: int
    simulated: int


def half_width(kinds: Sequence[Kind], most_freedom: float) -> float:
    """Return how far to both sides the 95 % interval of the sum over all steps reaches.

    Launches vary alike, with the refreshes that they meet: what is left of all of them says how much. Other
    kinds speak for themselves. Of the whole: Welch and Satterthwaite, with ``most_freedom``, since what lies
    in one layer meets refreshes and co-runners in step.
    """
    varying = [kind for kind in kinds if kind.group.freedom > 0]
    launches = [kind for kind in varying if kind.group.size]
    total = below = 0.0
    for members in (launches, *([kind] for kind in varying if not kind.group.size)):
        freedom = sum(kind.group.freedom for kind in members)
        if freedom:
            one = sum(kind.group.left_over(kind.counts) for kind in members) / freedom
            variance = one * sum(kind.group.leverage(kind.estimated, kind.simulated) for kind in members)
            total, below = total + variance, below + variance**2 / freedom
    return student(min(total**2 / below, most_freedom)) * total**0.5 if below else 0.0


def student(freedom: float) -> float:
    """Return the quantile of Student's t, two-sided 95 %."""
    inverses, quantiles = [1 / df for df, _ in T_TABLE], [t for _, t in T_TABLE]
    return float(np.interp(1 / freedom, inverses[::-1], quantiles[::-1]))
