"""The resident rows of a layer against sets and lists, and the reads that bring them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.llm.reads import chunked
from workloads.llm.window import ResidentRows

NEURONS = 24


class SetsOfNeurons:
    """The window as a person would write it down: who was used when."""

    def __init__(self, window, capacity):
        self.window, self.capacity = window, capacity
        self.resident = set()
        self.used = {}

    def load(self, needs, position):
        needed = set().union(*needs)
        fresh = needed - self.resident
        for window in range(self.window, 0, -1):
            kept = {n for n in self.resident if n in needed or self.used.get(n, -99) > position - window}
            if len(kept) + len(fresh) <= self.capacity:
                break
        room = self.capacity - len(kept)
        return fresh, kept, room

    def accept(self, flagged, position):
        for neuron in flagged:
            self.used[neuron] = position


tokens = st.lists(st.sets(st.integers(0, NEURONS - 1)), min_size=1, max_size=20)


@settings(max_examples=60)
@given(tokens, st.integers(1, 5), st.integers(2, NEURONS))
def test_rows_hold_what_the_window_says_and_nothing_else(needs, window, capacity):
    rows = ResidentRows(np.full(1, capacity), NEURONS, window)
    twin = SetsOfNeurons(window, capacity)
    for position, need in enumerate(needs):
        flagged = np.array(sorted(need), np.int64)
        fresh = rows.load(0, [flagged], position, position)
        want_fresh, kept, room = twin.load([need], position)
        assert set(fresh.tolist()) == want_fresh
        twin.resident = kept | set(fresh[:room].tolist())
        used = int(rows.manager[0]["num_used"])
        assert set(rows.pointer[0, :used].tolist()) == twin.resident
        assert used == len(twin.resident) <= capacity
        for slot in range(used):
            assert rows.slot_of[0, rows.pointer[0, slot]] == slot
        assert (rows.slot_of[0] >= 0).sum() == used
        rows.accept(0, flagged, position)
        twin.accept(need, position)


def load(rows, position, *needs):
    fresh = rows.load(0, [np.array(need, np.int64) for need in needs], position, position)
    rows.accept(0, np.array(needs[0], np.int64), position)
    return fresh.tolist()


def test_delete_moves_the_last_row_into_the_hole_and_insert_appends():
    rows = ResidentRows(np.full(1, NEURONS), NEURONS, 1)
    assert load(rows, 0, [3, 5, 8, 9]) == [3, 5, 8, 9]
    assert load(rows, 1, [5, 9, 11]) == [11]
    assert rows.pointer[0, :3].tolist() == [9, 5, 11]  # 9 into the hole of 3; 8 was last and dropped
    assert rows.manager[0]["moved"] == 1
    assert rows.manager[0]["inserted"] == 5


def test_neuron_stays_for_exactly_the_tokens_of_the_window():
    rows = ResidentRows(np.full(1, NEURONS), NEURONS, 3)
    load(rows, 0, [7])
    resident = []
    for position in range(1, 5):
        load(rows, position, [1])
        resident.append(bool(rows.slot_of[0, 7] >= 0))
    assert resident == [True, True, False, False]


def test_neuron_that_is_needed_again_as_its_token_leaves_is_not_read_again():
    rows = ResidentRows(np.full(1, NEURONS), NEURONS, 2)
    load(rows, 0, [7])
    load(rows, 1, [1])
    assert load(rows, 2, [7]) == []


def test_window_shrinks_until_the_newest_fit():
    rows = ResidentRows(np.full(1, 4), NEURONS, 3)
    load(rows, 0, [0, 1])
    load(rows, 1, [2, 3])
    load(rows, 2, [4, 5])
    assert rows.manager[0]["window_now"] == 2
    assert sorted(rows.pointer[0, :4].tolist()) == [2, 3, 4, 5]


def test_rows_that_find_no_room_are_streamed_and_not_kept():
    rows = ResidentRows(np.full(1, 2), NEURONS, 2)
    assert load(rows, 0, [0, 1, 2]) == [0, 1, 2]
    assert rows.manager[0]["streamed"] == 1
    assert load(rows, 1, [2]) == [2]


def test_tokens_of_one_round_are_read_once_and_rejected_ones_leave():
    rows = ResidentRows(np.full(1, NEURONS), NEURONS, 1)
    assert load(rows, 0, [1, 2], [2, 3]) == [1, 2, 3]  # the second token is rejected: not accepted
    load(rows, 1, [1])
    assert rows.pointer[0, :1].tolist() == [1]


def test_trim_drops_rejected_tokens_and_keeps_the_window_of_accepted_ones():
    rows = ResidentRows(np.full(1, NEURONS), NEURONS, 2)
    load(rows, 0, [0])
    load(rows, 1, [1], [7, 8], [9])  # tokens 2 and 3 are rejected
    rows.trim(0, 2)
    assert sorted(rows.pointer[0, : rows.manager[0]["num_used"]].tolist()) == [0, 1]
    assert load(rows, 2, [0, 7]) == [7]


def chunks(starts, size, chunk):
    addresses, sizes = chunked(np.array(starts, np.int64), size, chunk)
    return list(zip(addresses.tolist(), sizes.tolist()))


def test_one_read_per_record_without_chunks():
    assert chunks([0, 300], 100, None) == [(0, 100), (300, 100)]


def test_smaller_chunks_split_records():
    assert chunks([0, 300], 100, 40) == [(0, 40), (40, 40), (80, 20), (300, 40), (340, 40), (380, 20)]


def test_larger_chunks_are_read_whole_and_once():
    assert chunks([0, 100, 300], 100, 256) == [(0, 256), (256, 256)]


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(1, 64), st.integers(1, 300))
def test_reads_cover_every_byte_of_every_record(neurons, size, chunk):
    starts = [neuron * size for neuron in sorted(neurons)]
    covered = set()
    for address, length in chunks(starts, size, chunk):
        covered |= set(range(address, address + length))
    assert covered >= {start + k for start in starts for k in range(size)}


@pytest.mark.parametrize("chunk", [None, 16, 100])
def test_no_byte_is_read_twice(chunk):
    addresses, sizes = chunked(np.arange(0, 640, 64), 64, chunk)
    seen = [b for a, n in zip(addresses.tolist(), sizes.tolist()) for b in range(a, a + n)]
    assert len(seen) == len(set(seen))
