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


@njit
def walk_ranges(start, stop, log):
    """Walk all kinds of ranges, leave one early, go on after it ended, change its bound on the way."""
    count, last = 0, -77
    for last in range(stop):
        log[count] = last
        count += 1
    for last in range(start, stop, 3):
        for inner in range(last, start, -2):
            if inner % 5 == 3:
                break
            log[count] = 100 * last + inner
            count += 1
        else:
            log[count] = -1
            count += 1
        stop -= 1
    for last in range(stop, start, -1):
        if last % 2:
            continue
        log[count] = last
        count += 1
    return count, last


@njit
def walk_by(step):
    total = 0
    for i in range(0, 10, step):
        total += i
    return total


@pytest.mark.parametrize("start", [-7, 0, 4, 70])
@pytest.mark.parametrize("stop", [-5, 0, 1, 9])
def test_ranges_run_as_pythons_do(start, stop):
    compiled, plain = np.zeros(400, np.int64), np.zeros(400, np.int64)
    assert walk_ranges(start, stop, compiled) == walk_ranges.py_func(start, stop, plain)
    assert (compiled == plain).all()


def test_a_range_may_have_a_step_that_is_known_only_when_it_runs():
    assert [walk_by(step) for step in (1, 3, -1)] == [45, 18, 0]
    with pytest.raises(ValueError, match="must not be zero"):
        walk_by(0)


@njit
def outermost(a, b, c, share):
    return max(a, b), min(a, b, c), max(3, c), min(share, 0.5), max(a, share), max(True, b)


@pytest.mark.parametrize("words", [(1, 2, 3), (-4, -4, 9), (2**62, -(2**62), 0), (7, 5, -1)])
def test_the_least_and_the_greatest_of_words(words):
    assert outermost(*words, 0.75) == outermost.py_func(*words, 0.75)


@njit
def put(row, value):
    row["words"][0] = value


@njit
def may_raise(row, value):
    put(row, value)
    if value > 2:
        raise OverflowError("too much")
    return value


@njit
def calls_both(row, count):
    total = 0
    for i in range(count):
        put(row, 10 * i)
        total += may_raise(row, i) + row["words"][0]
    return total


def test_what_never_raises_is_called_beside_what_may():
    row = rows()[0]
    assert calls_both(row, 3) == 6
    with pytest.raises(OverflowError, match="too much"):
        calls_both(row, 4)
    assert row["words"][0] == 3
    part = numba.from_dtype(OUTER)
    assert put.part.compile((part, numba.int64)).library.raises == bool(numba.config.BOUNDSCHECK)
    assert may_raise.part.compile((part, numba.int64)).library.raises
