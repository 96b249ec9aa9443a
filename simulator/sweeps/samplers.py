"""Samplers: which points are run, in batches; a batch's results are told before the next is asked for.

Batches do not depend on the number of workers: neither do results.
"""

import itertools
import math
import warnings
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from simulator.sweeps.axes import exact
from simulator.sweeps.file import Sweep, range_of, values_of
from simulator.sweeps.guess import Guess
from simulator.sweeps.space import Point, Space

# of each point of a batch: (objectives, None if it failed; by how much each constraint is broken)
Told = list[tuple[list[float] | None, list[float]]]
BROKEN = "broken"  # attribute of an Optuna trial: by how much each constraint is broken, above 0 if it is
LARGEST_GRID = 4096  # points, of which a guess is made
OWN_SHARE = 4  # one of so many points is the sampler's own, the others are guessed
MOST_REPEATS = 200  # points in a row that the search proposes again before the space is taken as explored


def batches(sweep: Sweep, space: Space, folder: Path | None = None) -> Generator[Sequence[Point], Told, None]:
    """Yield batches of points; send what came of each back. ``folder``: where a study is kept."""
    if sweep.sampler.kind == "grid":
        yield list(space.grid())
    elif sweep.sampler.kind == "optuna":
        yield from Study(sweep, space, folder).batches()
    else:
        yield _distinct([point for point in _random(sweep) if space.has(point)])


def _random(sweep: Sweep) -> list[Point]:
    """Return random points; a Latin hypercube has one in each of `points` equal slices of every axis."""
    rng, count = np.random.default_rng(sweep.sampler.seed), sweep.sampler.points
    shares = rng.random((count, len(sweep.axes)))
    if sweep.sampler.kind == "latin_hypercube":
        slices = np.stack([rng.permutation(count) for _ in sweep.axes], axis=1)
        shares = (slices + shares) / count
    return [{path: _at(axis, float(u)) for (path, axis), u in zip(sweep.axes.items(), row)} for row in shares]


def _at(axis: Any, share: float) -> Any:
    continuous = range_of(axis)
    if continuous is not None:
        return continuous.at(share)
    values = values_of(axis)
    return values[min(int(share * len(values)), len(values) - 1)]


def _distinct(points: list[Point]) -> list[Point]:
    return list({repr(point): point for point in points}.values())


class Study:
    """A search by Optuna: multivariate TPE or NSGA-II, told of constraints, no point asked for twice.

    With TPE on a grid that is not too large, three of four points are where a `Guess` has the front.
    """

    def __init__(self, sweep: Sweep, space: Space, folder: Path | None):
        try:
            import optuna
        except ImportError:
            raise ConfigError(
                "optuna is not installed; pip install 'dlasim[sweep]'", key="sampler.kind"
            ) from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.optuna, self.sweep, self.space = optuna, sweep, space
        self.told: dict[str, tuple[list[float] | None, list[float]]] = {}
        self.grid: list[tuple[Point, dict[str, int]]] = []  # with the numbers of a point's values
        self.guess = self._guess() if sweep.sampler.algorithm == "tpe" else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna says of these options that they may change
            self.study = optuna.create_study(
                directions=list(sweep.objectives.values()),
                sampler=self._sampler(),
                storage=self._storage(folder),
                study_name=sweep.name,
            )

    def _sampler(self) -> Any:
        samplers, options = self.optuna.samplers, self.sweep.sampler
        limits = (lambda trial: trial.user_attrs[BROKEN]) if self.sweep.constraints else None
        if options.algorithm == "nsga2":
            return samplers.NSGAIISampler(
                seed=options.seed, population_size=options.population, constraints_func=limits
            )
        return samplers.TPESampler(
            seed=options.seed, multivariate=True, constant_liar=options.batch > 1, constraints_func=limits
        )

    def _storage(self, folder: Path | None) -> Any:
        """Return a journal that optuna-dashboard opens. Points known from before are told again from disk."""
        if folder is None:
            return None
        from optuna.storages.journal import JournalFileBackend

        path = folder / "study.journal"
        path.unlink(missing_ok=True)
        return self.optuna.storages.JournalStorage(JournalFileBackend(str(path)))

    def batches(self) -> Generator[list[Point], Told, None]:
        left = self.sweep.sampler.points
        while left > 0:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                asked = self._ask(min(self.sweep.sampler.batch, left))
            if not asked:
                return
            told = yield [point for _, point in asked]
            for (trial, point), (objectives, broken) in zip(asked, told):
                self.told[repr(point)] = (objectives, broken)
                self._tell(trial, objectives, broken)
            left -= len(asked)

    def _guess(self) -> Guess | None:
        """Return what guesses at the front; None of a space that is no grid, or too large a one."""
        axes = self.sweep.axes
        values = {path: values_of(axis) for path, axis in axes.items()}
        count = math.prod(map(len, values.values()))
        if count > LARGEST_GRID or any(range_of(axis) is not None for axis in axes.values()):
            return None
        for numbers in itertools.product(*(range(len(each)) for each in values.values())):
            point = {path: values[path][i] for path, i in zip(axes, numbers)}
            if self.space.has(point):
                self.grid.append((point, dict(zip(axes, numbers))))
        if not self.grid:
            return None
        rows = np.array([list(numbers.values()) for _, numbers in self.grid])
        return Guess(rows, [len(each) for each in values.values()], list(map(_is_ordered, values.values())))

    def _guessed(self) -> list[dict[str, int]]:
        """Return the numbers of values of points that may be on the front, most isolated ones first."""
        signs = [1 if goal == "minimize" else -1 for goal in self.sweep.objectives.values()]
        known = [(i, self.told.get(repr(point), (None, []))) for i, (point, _) in enumerate(self.grid)]
        ran = [(i, objectives, broken) for i, (objectives, broken) in known if objectives is not None]
        if self.guess is None or not ran:
            return []
        costs = np.array([objectives for _, objectives, _ in ran]) * signs
        broken = np.array([broken for _, _, broken in ran]).reshape(len(ran), -1)
        front = self.guess.front([i for i, _, _ in ran], costs, broken)
        return [self.grid[i][1] for i in front if repr(self.grid[i][0]) not in self.told]

    def _ask(self, count: int) -> list[tuple[Any, Point]]:
        """Return new points with their trials, fewer where the search finds no more."""
        asked: list[tuple[Any, Point]] = []
        waiting: set[str] = set()
        repeats, guessed = 0, self._guessed()
        while len(asked) < count and repeats < MOST_REPEATS:
            if guessed and (len(self.told) + len(asked)) % OWN_SHARE:
                self.study.enqueue_trial(guessed.pop(0))
            trial = self.study.ask()
            point = {path: _suggest(trial, path, axis) for path, axis in self.sweep.axes.items()}
            key = repr(point)
            if key in waiting or not self.space.has(point):
                self.study.tell(trial, state=self.optuna.trial.TrialState.FAIL)
                repeats += 1
            elif key in self.told:
                self._tell(trial, *self.told[key])
                repeats += 1
            else:
                asked.append((trial, point))
                waiting.add(key)
                repeats = 0
        return asked

    def _tell(self, trial: Any, objectives: list[float] | None, broken: list[float]) -> None:
        trial.set_user_attr(BROKEN, broken)
        if objectives is None:
            self.study.tell(trial, state=self.optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(trial, objectives)


def _suggest(trial: Any, path: str, axis: Any) -> Any:
    continuous = range_of(axis)
    if continuous is not None:
        return continuous.at(trial.suggest_float(path, 0.0, 1.0))
    values = values_of(axis)
    if _is_ordered(values):
        return values[trial.suggest_int(path, 0, len(values) - 1)]
    return values[trial.suggest_categorical(path, range(len(values)))]


def _is_ordered(values: list[Any]) -> bool:
    """Tell whether the values are numbers or quantities that go up or down."""
    try:
        numbers = [exact(value)[0] for value in values]
    except ValueError:
        return False
    return numbers in (sorted(numbers), sorted(numbers, reverse=True))
