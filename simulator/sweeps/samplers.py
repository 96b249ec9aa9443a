"""Samplers: which points are run, in batches; a batch's results are told before the next is asked for.

A point is a dict of key path -> value. Batches do not depend on the number of workers: neither do results.
"""

import itertools
from collections.abc import Generator
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from simulator.sweeps.axes import Range, axis_values
from simulator.sweeps.file import Sweep

Point = dict[str, Any]
Told = list[
    list[float] | None
]  # objectives of each point of the batch; None: failed, or against a constraint


def batches(sweep: Sweep) -> Generator[list[Point], Told, None]:
    """Yield batches of points; send the objectives of each back."""
    if sweep.sampler.kind == "grid":
        yield _grid(sweep)
    elif sweep.sampler.kind == "optuna":
        yield from _optuna(sweep)
    else:
        yield _distinct(_random(sweep))


def _grid(sweep: Sweep) -> list[Point]:
    values = [axis_values(axis) for axis in sweep.axes.values()]
    return [dict(zip(sweep.axes, point)) for point in itertools.product(*values)]


def _random(sweep: Sweep) -> list[Point]:
    """Return random points; a Latin hypercube has one in each of `points` equal slices of every axis."""
    rng, count = np.random.default_rng(sweep.sampler.seed), sweep.sampler.points
    shares = rng.random((count, len(sweep.axes)))
    if sweep.sampler.kind == "latin_hypercube":
        slices = np.stack([rng.permutation(count) for _ in sweep.axes], axis=1)
        shares = (slices + shares) / count
    return [{path: _at(axis, float(u)) for (path, axis), u in zip(sweep.axes.items(), row)} for row in shares]


def _at(axis: list[Any] | Range, share: float) -> Any:
    if isinstance(axis, Range) and axis.is_continuous:
        return axis.at(share)
    values = axis_values(axis)
    return values[min(int(share * len(values)), len(values) - 1)]


def _distinct(points: list[Point]) -> list[Point]:
    return list({repr(point): point for point in points}.values())


def _optuna(sweep: Sweep) -> Generator[list[Point], Told, None]:
    try:
        import optuna
    except ImportError:
        raise ConfigError(
            "optuna is not installed; pip install 'dlasim[sweep]'", key="sampler.kind"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        directions=list(sweep.objectives.values()),
        sampler=optuna.samplers.NSGAIISampler(seed=sweep.sampler.seed),
    )
    left = sweep.sampler.points
    while left > 0:
        trials = [study.ask() for _ in range(min(sweep.sampler.batch, left))]
        told = yield [
            {path: _suggest(trial, path, axis) for path, axis in sweep.axes.items()} for trial in trials
        ]
        for trial, objectives in zip(trials, told):
            if objectives is None:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, objectives)
        left -= len(trials)


def _suggest(trial: Any, path: str, axis: list[Any] | Range) -> Any:
    if isinstance(axis, Range) and axis.is_continuous:
        return axis.at(trial.suggest_float(path, 0.0, 1.0))
    values = axis_values(axis)
    if isinstance(axis, list):
        return values[trial.suggest_categorical(path, range(len(values)))]
    return values[trial.suggest_int(path, 0, len(values) - 1)]
