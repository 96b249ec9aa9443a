"""Activation memory: no two live buffers overlap, and no plan beats the lower bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.lowering.planner import (
    PLANNERS,
    Lifetime,
    lower_bound,
    plan_bytes,
    plan_memory,
    plan_regions,
)

# the running example of Pisarchyk & Lee (arXiv 2001.03288): first step, last step, size
EXAMPLE = [(0, 1, 32), (1, 4, 28), (2, 5, 36), (3, 5, 16), (4, 5, 8), (5, 7, 64), (6, 8, 10), (7, 8, 40)]


def example() -> list[Lifetime]:
    return [Lifetime(str(i), size, first, last) for i, (first, last, size) in enumerate(EXAMPLE)]


def test_greedy_by_size_reaches_the_papers_figure():
    buffers = example()
    assert plan_bytes(buffers, plan_memory(buffers, "greedy_by_size")) == 124
    assert lower_bound(buffers) == 124
    assert sum(buffer.bytes for buffer in buffers) == 234


buffers_strategy = st.lists(
    st.tuples(st.integers(1, 50), st.integers(0, 12), st.integers(0, 6)), max_size=14
).map(
    lambda rows: [Lifetime(str(i), size, first, first + span) for i, (size, first, span) in enumerate(rows)]
)


@pytest.mark.parametrize("planner", [*PLANNERS, "separate"])
@given(buffers=buffers_strategy)
def test_no_two_live_buffers_overlap(planner, buffers):
    offsets = plan_memory(buffers, planner)
    for i, a in enumerate(buffers):
        for b in buffers[i + 1 :]:
            together = a.first <= b.last and b.first <= a.last
            apart = (
                offsets[a.name] + a.bytes <= offsets[b.name] or offsets[b.name] + b.bytes <= offsets[a.name]
            )
            assert apart or not together
    assert plan_bytes(buffers, offsets) >= lower_bound(buffers)


@given(buffers=buffers_strategy)
def test_lower_bound_is_the_most_alive_at_one_step(buffers):
    steps = range(20)
    alive = [sum(b.bytes for b in buffers if b.first <= step <= b.last) for step in steps]
    assert lower_bound(buffers) == max(alive)


@given(st.lists(st.integers(1, 100_000), max_size=40))
def test_regions_are_aligned_to_their_own_size_and_apart(sizes):
    offsets = plan_regions({str(i): size for i, size in enumerate(sizes)})
    taken: list[tuple[int, int]] = []
    for i, size in enumerate(sizes):
        region = 4096
        while region < size:
            region *= 2
        # the obvious search: the first multiple of the region that meets nothing allocated before
        at = next(
            at for at in range(0, 1 << 40, region) if all(at + region <= b or e <= at for b, e in taken)
        )
        assert offsets[str(i)] == at
        taken.append((at, at + region))
