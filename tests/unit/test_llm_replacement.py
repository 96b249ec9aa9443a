"""What stays in DRAM: every policy against a slow twin with sets of units, bounds, and pages of the system."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.llm.page_cache import PageCache
from workloads.llm.replacement import RANKS, REPLACEMENTS, UnitCache

asks = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True), min_size=1, max_size=40)


def run(replace, asked, slots, **other):
    """Return the cache behind all requests, checked at each of them."""
    cache = UnitCache(slots, replace, [np.array(units) for units in asked], **other)
    there = set()
    for units in asked:
        cache.next_token()
        if replace == "window":
            there &= set(cache.names[cache.resident].tolist())
        missing = set(cache.ask(units).tolist())
        assert missing == set(units) - there
        there = (there | set(units)) - set(cache.left.tolist())
        resident = set(cache.names[cache.resident].tolist())
        assert resident <= there
        assert len(resident) == cache.held <= max(slots, 0)
        there = resident
    assert cache.hits + cache.misses == sum(map(len, asked))
    return cache


def twin_hits(asked, slots, leaves):
    """Return the hits of a cache that keeps a list; ``leaves(resident, time)`` names who goes."""
    resident, hits, time = [], 0, 0
    for units in asked:
        hits += sum(unit in resident for unit in units)
        for unit in units:
            if unit not in resident and len(resident) >= slots:
                others = [u for u in resident if u not in units]
                resident.remove(leaves(others, time))
            if unit in resident:
                resident.remove(unit)
            resident.append(unit)
            time += 1
    return hits


@pytest.mark.parametrize("replace", REPLACEMENTS)
@settings(max_examples=30)
@given(asked=asks, slots=st.integers(0, 8))
def test_what_is_missing_is_what_a_set_lacks_and_never_more_is_held_than_fits(replace, asked, slots):
    run(replace, asked, slots, window=2, accuracy=0.8)


def test_every_policy_is_described_and_ranked():
    assert RANKS.keys() == REPLACEMENTS.keys()


@settings(max_examples=80)
@given(asks, st.integers(3, 8))
def test_least_recently_used_leaves_first_as_in_a_list(asked, slots):
    assert run("lru", asked, slots).hits == twin_hits(asked, slots, lambda others, time: others[0])


@settings(max_examples=80)
@given(asks, st.integers(3, 8))
def test_belady_throws_out_what_is_needed_last(asked, slots):
    future = [unit for units in asked for unit in units]

    def needed_last(others, time):
        rest = future[time:]
        return max(others, key=lambda u: (rest.index(u) if u in rest else 10**6, -others.index(u)))

    assert run("belady", asked, slots).hits == twin_hits(asked, slots, needed_last)


@settings(max_examples=80)
@given(asks, st.integers(3, 8))
def test_one_right_bit_for_each_request_is_as_good_as_knowing_all_and_none_is_better(asked, slots):
    best = run("belady", asked, slots).hits
    assert run("predicted", asked, slots).hits == best
    for replace in ("none", "window", "lru", "lfu"):  # those that bring what is asked for
        assert run(replace, asked, slots, window=3).hits <= best


def test_window_forgets_what_its_tokens_did_not_ask_for():
    asked = [[1], [2], [1], [3], [4], [1]]
    assert run("window", asked, 8, window=3).hits == 1  # at the third token, not at the sixth
    assert run("lru", asked, 8).hits == 2


def test_what_came_first_is_pinned():
    cache = run("pinned", [[1], [2], [3], [3], [1]], 2)
    assert cache.names[cache.resident].tolist() == [1, 2]
    assert cache.hits == 1


def test_file_pages_push_a_programs_pages_out_which_come_back_when_they_are_used():
    pages = PageCache(4)
    assert pages.ask([1], [1], [], kept=True) == ([1], 1, 0)  # file page and copy of 1
    assert pages.ask([2], [2], [], kept=True) == ([2], 1, 0)
    assert pages.ask([3], [3], [], kept=True) == ([3], 1, 1)  # the copy of 1 goes, its file page before it
    assert pages.ask([1], [], [], kept=True) == ([], 0, 1)  # and comes back; the file page of 2 goes
    assert pages.ask([3], [3], [1], kept=True) == ([], 1, 0)  # still in the page cache


@settings(max_examples=50)
@given(asks, st.integers(2, 12), st.integers(0, 6))
def test_pages_never_take_more_than_the_memory_and_all_that_is_asked_for_is_brought(asked, room, slots):
    cache, pages = UnitCache(slots, "lru", [np.array(u) for u in asked]), PageCache(room)
    for units in asked:
        missing = cache.ask(units).tolist()
        moved = pages.ask(units, missing, cache.left.tolist(), kept=slots > 0)
        assert len(pages.pages) <= room
        assert set(moved.read) <= set(missing)
        assert moved.copied == (len(missing) if slots else 0)
    if slots == 0:
        assert pages.swapped == 0
