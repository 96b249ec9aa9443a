"""The search's guess at the front of a grid: from a few points that ran to where the best ones lie."""

import itertools

import numpy as np
import pytest

from simulator.config.yaml_lines import Document
from simulator.sweeps.file import Sweep
from simulator.sweeps.guess import Guess
from simulator.sweeps.outcome import on_front
from simulator.sweeps.samplers import batches
from simulator.sweeps.space import Space

SIZES = [9, 9, 3]  # the last one's values are not alike
GRID = np.array(list(itertools.product(*map(range, SIZES))))
PENALTY = np.array([0.0, 1.5, 0.7])


def costs_of(points):
    """Return two costs that pull apart, shape (points, 2): small numbers are quick, large ones are cheap."""
    quick, cheap, kind = points.T
    return np.stack(
        [np.exp((quick - 1.0) ** 2 / 20 + cheap / 9 + PENALTY[kind]), 20.0 - quick - cheap], axis=1
    )


def guess():
    return Guess(GRID, SIZES, [True, True, False])


def some(count, seed=1):
    return [int(i) for i in np.random.default_rng(seed).permutation(len(GRID))[:count]]


def test_what_is_guessed_is_the_front_that_is_there():
    ran, costs = some(60), costs_of(GRID)
    best = guess().front(ran, costs[ran], np.zeros((60, 0)))[:10]
    assert len(best) == 10
    assert not set(best) & set(ran)
    real = set(np.flatnonzero(on_front(costs)))
    assert len(real) < 30  # of 243: chance would have one of ten
    assert sum(point in real for point in best) >= 5


def test_a_point_that_is_guessed_to_break_a_limit_is_left_out():
    ran, costs = some(60), costs_of(GRID)
    broken = (GRID[:, :1] - 3.5).astype(float)  # the first axis up to 3
    best = guess().front(ran, costs[ran], broken[ran])
    assert best
    assert (broken[best] <= 0).all()


def test_the_same_points_give_the_same_guess_and_few_give_none():
    ran, costs = some(30), costs_of(GRID)
    assert guess().front(ran, costs[ran], np.zeros((30, 0))) == guess().front(
        ran, costs[ran], np.zeros((30, 0))
    )
    assert guess().front(ran[:9], costs[ran[:9]], np.zeros((9, 0))) == []


def test_costs_that_are_all_the_same_are_no_mistake():
    ran = some(20)
    assert guess().front(ran, np.zeros((20, 2)), np.zeros((20, 1))) is not None


def searched(points, **keys):
    """Return the points that a search asks for, in order, on the costs above; a point at 8 fails."""
    sweep = Sweep.model_validate(
        {
            "base": {},
            "axes": {
                "a.quick": list(range(9)),
                "a.cheap": list(range(9)),
                "kind": {"x": {}, "y": {}, "z": {}},
            },
            "objectives": {"a.time": "minimize", "a.price": "minimize"},
            "sampler": {"kind": "optuna", "points": points},
        }
        | keys
    )
    search, told, asked = batches(sweep, Space(sweep, Document({}))), None, []
    while True:
        try:
            batch = next(search) if told is None else search.send(told)
        except StopIteration:
            return asked
        asked += batch
        rows = np.array([[p["a.quick"], p["a.cheap"], "xyz".index(p["kind"])] for p in batch])
        told = [(None if row[0] == 8 else [*map(float, cost)], []) for row, cost in zip(rows, costs_of(rows))]


def test_a_search_asks_for_no_point_twice_and_for_none_against_a_condition():
    pytest.importorskip("optuna")
    asked = searched(60, conditions=["a.quick + a.cheap <= 12"])
    assert len({repr(point) for point in asked}) == len(asked) == 60
    assert all(point["a.quick"] + point["a.cheap"] <= 12 for point in asked)
    assert asked == searched(60, conditions=["a.quick + a.cheap <= 12"])


def test_a_search_reaches_every_point_of_a_small_grid():
    pytest.importorskip("optuna")
    asked = searched(60, axes={"a.quick": [1, 2, 3, 4], "a.cheap": [5, 6, 7], "kind": {"x": {}, "y": {}}})
    assert len({repr(point) for point in asked}) == len(asked) == 24
