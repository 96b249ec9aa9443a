"""Kernels do what Python does with the same lines, raise what it raises, and keep nobody's arrays."""

import gc
import sys

import numpy as np
import pytest

from hw_models.jit import LINKED, inlined, njit, numba

pytestmark = pytest.mark.skipif(
    numba.config.DISABLE_JIT or not LINKED, reason="nothing is compiled, or in numba's own way"
)

INNER = np.dtype([("count", np.int64), ("on", np.bool_), ("share", np.float64), ("grid", np.int32, (3, 4))])
OUTER = np.dtype([("byte", np.uint8), ("inner", INNER, (5,)), ("alone", INNER), ("words", np.int64, (7,))])


def rows(seed=3):
    """Return two OUTER rows of chance bytes that are sound values."""
    chance, made = np.random.default_rng(seed), np.zeros(2, OUTER)
    made["byte"] = chance.integers(0, 7, 2)
    made["words"] = chance.integers(-50, 50, (2, 7))
    for inner in (made["inner"], made["alone"]):
        inner["count"] = chance.integers(-9, 9, inner.shape)
        inner["on"] = chance.integers(0, 2, inner.shape)
        inner["share"] = chance.random(inner.shape)
        inner["grid"] = chance.integers(-9, 9, inner["grid"].shape)
    return made


@inlined
def pick(row, at):
    return row["inner"][at]


@njit
def is_on(inner):
    return inner["on"] and inner["count"] > -8


@njit
def walk(table, start):
    """Read and write all kinds of fields, at computed indices and constant ones from either end."""
    total, last, row = 0, 0, table[0]
    for i in range(start, 5):
        inner = pick(row, i)
        inner["grid"][i % 3, -1] += i
        inner["grid"][-1][i % 4] = inner["count"]
        if is_on(inner):
            last = i
            row["words"][-2] = inner["grid"][i % 3, 0]
        elif inner["share"] > 0.5:
            total += int(inner["share"] * 100) // 7
            continue
        else:
            row = table[1] if i % 2 else row
        inner["on"] = not inner["on"]
        total += row["words"][row["byte"]] % 11 - last
    row["alone"]["share"] = total
    row["alone"]["count"] = row["inner"][last]["count"] << 2
    return total, last, row["alone"]["share"] / 3


@pytest.mark.parametrize("start", range(5))
@pytest.mark.parametrize("seed", range(4))
def test_records_within_records_and_their_arrays(start, seed):
    ours, plain = rows(seed), rows(seed)
    expected = interpreted(walk)(plain, start)
    assert walk(ours, start) == tuple(map(float, expected))
    assert ours.tobytes() == plain.tobytes()


def interpreted(kernel):
    """Return a kernel as Python runs it, and all that it calls."""
    plain = {"pick": pick.py_func, "is_on": is_on.py_func}
    return type(kernel.py_func)(kernel.py_func.__code__, {**kernel.py_func.__globals__, **plain})


@njit
def total_of(grid, at):
    line = grid[at]
    total = 0
    for i in range(line.size):
        total += line[i]
    return total


@njit
def halves(grid, step):
    """Look through views of views at an array that the caller owns."""
    total, view = 0, grid[::step]
    for i in range(view.shape[0]):
        if i % 2:
            view = view[:, ::-1] if i % 3 else view
        total += total_of(view, i) * (i + 1) + view[i, 0] - view[-1, -1]
    return total


@njit
def doubled(grid):
    made = np.empty_like(grid)
    made[:] = grid
    made += grid
    return made


@njit
def through(grid):
    return doubled(doubled(grid))[1:]


def looked(kernel, grid):
    """Return what ``kernel`` says of an array of each layout, at steps in either direction."""
    views = np.asfortranarray(grid), grid, grid[:, ::2], grid[::-1]
    return [int(kernel(view, step)) for view in views for step in (1, 2, -1)]


def test_arrays_are_borrowed_and_none_is_kept_or_lost():
    grid = np.arange(24).reshape(6, 4)
    numba.core.runtime._nrt_python.memsys_enable_stats()
    made = numba.core.runtime.rtsys.get_allocation_stats()
    before = sys.getrefcount(grid)
    answers = looked(halves, grid)
    for _ in range(50):
        last = through(grid).tolist()
    gc.collect()  # errors that numba's compiler has caught hold what it was asked for
    after, now = sys.getrefcount(grid), numba.core.runtime.rtsys.get_allocation_stats()
    assert after == before
    assert now.alloc - made.alloc == now.free - made.free > 0
    assert answers == looked(halves.py_func, grid)
    assert last == (4 * grid[1:]).tolist()


@njit
def divided(number, by):
    return number // by


@njit
def asked(number, by):
    return divided(number, by) + divided(by, number)


@njit
def caught(number, by):
    try:
        return asked(number, by)
    except Exception:
        return -1


def test_what_a_kernel_raises_reaches_who_asked():
    assert asked(7, 2) == 3
    for pair in ((7, 0), (0, 7)):
        with pytest.raises(ZeroDivisionError, match="division by zero"):
            asked(*pair)
        assert caught(*pair) == -1
    assert caught(7, -2) == asked.py_func(7, -2)


@njit
def numbers(end):
    for i in range(end):
        yield i * i


@njit
def summed(end):
    total = 0
    for number in numbers(end):
        total += number
    return total


def test_what_a_kernel_yields_is_taken():
    assert summed(10) == 285


@njit
def divide(number, by):
    """Divide by a word, and by words that are known: powers of two, others, a negative one."""
    whole = number // by, number // 8, number // 7, number // -3, number // 1
    left = number % by, number % 8, number % 7, number % -3, number % 1
    number //= 4
    by %= 16
    return whole, left, number, by


def test_words_are_divided_as_python_divides():
    words = [0, 1, 2, 7, 8, 9, 15, 63, 64, 10**12 + 1, 2**62, 2**63 - 1]
    words += [-word for word in words[1:]]
    for number in [*words, -(2**63)]:
        for by in words[1:]:
            if (number, by) != (-(2**63), -1):
                assert divide(number, by) == divide.py_func(number, by)
    divide(-(2**63), -1)  # beyond 64 bits; the processor goes on
    for by_zero in (divide, divide.py_func):
        with pytest.raises(ZeroDivisionError):
            by_zero(3, 0)


@njit
def spread(pair):
    return divide(*pair)


def test_arguments_may_come_as_a_tuple():
    assert spread((-30, 7)) == divide(-30, 7)


@njit
def item(words, at):
    return words[at]


@njit
def from_ends(grid, at):
    return grid[-1][at], grid[at, -1], grid[-2, -1]


@pytest.mark.skipif(not numba.config.BOUNDSCHECK, reason="indices are not checked")
def test_a_computed_index_does_not_count_from_the_end():
    assert item(np.arange(5), 4) == 4
    with pytest.raises(IndexError, match="below 0"):
        item(np.arange(5), -1)


def test_a_constant_index_may_count_from_the_end():
    assert from_ends(np.arange(6).reshape(2, 3), 1) == (4, 5, 2)
