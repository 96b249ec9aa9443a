"""Where the front of a grid may lie: a Gaussian process through the points that ran, for each cost.

C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006): the mean is eq. 2.25, the
lengths of the kernel maximise eq. 2.30, the height of each cost's kernel in closed form.
K. Deb et al., NSGA-II (2002), section III-B: how isolated a point of the front is.
"""

from collections.abc import Sequence

import numpy as np

from simulator.sweeps.outcome import on_front

FEWEST, MOST = 10, 1000  # points that ran, of which a guess is made
NOISE = 1e-6  # of the kernel: costs of a simulation have none
SHORTEST, LONGEST = 0.1, 8.0  # of the kernel on an axis, which is 1 long
GROWTH = 1.15  # of the points that ran, before lengths are sought again
DIGITS = 9  # that predictions keep: what differs beyond is arithmetic


class Guess:
    """The grid of a sweep. ``ordered``: of each axis of ``sizes`` values, whether neighbours are alike."""

    def __init__(self, points: np.ndarray, sizes: Sequence[int], ordered: Sequence[bool]):
        """``points``, shape (n, axes): the number of a point's value on each axis."""
        last = np.maximum(np.array(sizes) - 1, 1)
        self.places = np.where(ordered, points / last, points)
        self.ordered = np.array(ordered)
        self.lengths = np.ones(len(sizes))
        self.fitted = 0  # points of which the lengths are

    def front(self, ran: list[int], costs: np.ndarray, broken: np.ndarray) -> list[int]:
        """Return the points that have not run and may be on the front, the most isolated first.

        ``costs``, shape (ran, objectives), to be minimised; ``broken``, above 0 if broken.
        """
        if not FEWEST <= len(ran) <= MOST:
            return []
        values = np.concatenate([_even(costs), broken / _height(broken)], axis=1)
        if len(ran) >= GROWTH * self.fitted:
            self._seek_lengths(ran, values)
        kernel, mean = self._kernel(ran, ran, self.lengths), values.mean(axis=0)
        weights = np.linalg.solve(kernel + NOISE * np.eye(len(ran)), values - mean)
        everywhere = self._kernel(range(len(self.places)), ran, self.lengths)
        guessed = np.round(mean + everywhere @ weights, DIGITS)
        guessed[ran] = values
        kept = np.flatnonzero((guessed[:, costs.shape[1] :] <= 0).all(axis=1))
        guessed = guessed[kept, : costs.shape[1]]
        if not len(kept):
            return []
        front = np.flatnonzero(on_front(guessed))
        alone = front[np.argsort(-_isolation(guessed[front]), kind="stable")]
        known = set(ran)
        return [int(point) for point in kept[alone] if point not in known]

    def _seek_lengths(self, ran: list[int], values: np.ndarray) -> None:
        """Halve and double the length on each axis for as long as that explains what ran better."""
        self.fitted = len(ran)
        best, better = self._likelihood(ran, values, self.lengths), True
        while better:
            better = False
            for axis in range(len(self.lengths)):
                for factor in (0.5, 2.0):
                    tried = self.lengths.copy()
                    tried[axis] = np.clip(tried[axis] * factor, SHORTEST, LONGEST)
                    likely = self._likelihood(ran, values, tried)
                    if likely > best + 1e-6:
                        best, self.lengths, better = likely, tried, True

    def _likelihood(self, ran: list[int], values: np.ndarray, lengths: np.ndarray) -> float:
        kernel = self._kernel(ran, ran, lengths) + NOISE * np.eye(len(ran))
        lower = np.linalg.cholesky(kernel)
        rest = values - values.mean(axis=0)
        height = (np.linalg.solve(lower, rest) ** 2).mean(axis=0) + 1e-12
        logs = values.shape[1] * np.log(np.diag(lower)).sum()
        return float(-0.5 * len(ran) * np.log(height).sum() - logs)

    def _kernel(
        self, some: Sequence[int], others: Sequence[int], lengths: np.ndarray | None = None
    ) -> np.ndarray:
        """Return how alike points are, shape (some, others)."""
        lengths = self.lengths if lengths is None else lengths
        square = np.zeros((len(some), len(others)))
        for axis, length in enumerate(lengths):
            gap = self.places[some, axis][:, None] - self.places[others, axis][None]
            square += (gap if self.ordered[axis] else gap != 0) ** 2 / length**2
        return np.exp(-0.5 * square)


def _even(costs: np.ndarray) -> np.ndarray:
    """Return costs of like heights, as logarithms where all of a column are above 0 or below."""
    columns = []
    for column in costs.T:
        if (column > 0).all() or (column < 0).all():
            column = np.sign(column) * np.log(np.abs(column))
        columns.append((column - column.mean()) / (column.std() or 1.0))
    return np.stack(columns, axis=1)


def _height(values: np.ndarray) -> np.ndarray:
    height = np.abs(values).max(axis=0, initial=0.0)
    return np.where(height > 0, height, 1.0)


def _isolation(front: np.ndarray) -> np.ndarray:
    """Return how far the neighbours of each point of a front lie apart, infinite at its ends."""
    apart = np.zeros(len(front))
    for column in front.T:
        order = np.argsort(column, kind="stable")
        ends = column[order]
        span = (ends[-1] - ends[0]) or 1.0
        apart[order[1:-1]] += (ends[2:] - ends[:-2]) / span
        apart[order[[0, -1]]] = np.inf
    return apart
