"""What waited for what, read off the times of a recording.

Within a channel (reads, writes) transactions go in order, and each has a reason for its moment. Reasons are
sought in this order, and with those found the recorded ends give exactly the recorded issues:

1. pace: the least distance that the channel shows behind one of that size, if it ever has two in flight;
2. an end some cycles ago: of the read that brings a write's data (in proportion, if all writes of the
   recording fit that), of what made room in a channel that had as many in flight as ever, or of any of the
   latest. The delay that explains most of what is left is taken, the shortest of those that do as well,
   until none stands out;
3. the latest end since the one before it in the channel;
4. its distance from that one: nothing else happened in between.

A write waits for its data, and a channel that has waited for room for room, whatever else was the reason.
An end is no reason in its own cycle: AXI has no combinatorial path from inputs to outputs (IHI 0022, A3.2.1).
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from hw_models.replay.names import IN_FLIGHT, PREDECESSORS
from workloads.bus.recording import UNKNOWN, Recording, channels

LOOK_BACK = 16  # ends before an issue that may be its reason
AS_GOOD = 0.9  # of the most that a delay explains: then the shorter one is the reason
STANDS_OUT = 0.02  # of a channel's transactions: less is chance


class Dependencies(NamedTuple):
    """By number of the transaction; of a channel: reads, writes."""

    gap: np.ndarray  # (n,)
    after: np.ndarray  # (n, PREDECESSORS) numbers, UNKNOWN: no more
    delay: np.ndarray  # (n, PREDECESSORS)
    limit: tuple[int, int]  # in flight
    turnaround: tuple[int, int]  # from an end in a full channel to the next issue, at least


def dependencies_of(recording: Recording, inferred: bool = False) -> Dependencies:
    """Return the dependencies that a recording has, or what its times say where that is all there is."""
    if recording.has_dependencies and not inferred:
        return _written(recording)
    rows = recording.transactions
    gap, after, delay = np.zeros(len(rows), np.int64), *_none(len(rows))
    limits, turnarounds = [], []
    for write, order in enumerate(channels(rows)):
        channel = _Channel(rows, order, write)
        gap[order], after[order], delay[order] = channel.gap, channel.after, channel.delay
        limits.append(channel.limit)
        turnarounds.append(channel.turnaround)
    return Dependencies(gap, after, delay, (limits[0], limits[1]), (turnarounds[0], turnarounds[1]))


def _none(count: int) -> tuple[np.ndarray, np.ndarray]:
    shape = count, PREDECESSORS
    return np.full(shape, UNKNOWN, np.int64), np.zeros(shape, np.int64)


def _written(recording: Recording) -> Dependencies:
    """Return the dependencies that the table has; gaps that it leaves out as its times have them."""
    rows = recording.transactions
    gap = rows["gap"].copy()
    for order in channels(rows):
        free = rows["after"][order, 0] == UNKNOWN
        seen = _gaps(rows, order) if recording.has_times else np.ones(len(order), np.int64)
        least = seen[1:].min() if len(order) > 1 else 0
        told = rows["gap"][order]
        gap[order] = np.where(told == UNKNOWN, np.where(free, seen, np.minimum(seen, least)), told)
    return Dependencies(gap, rows["after"], rows["delay"], (IN_FLIGHT, IN_FLIGHT), (0, 0))


def _gaps(rows: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return cycles from the one before to each of a channel; of the first, from the trace's start."""
    before = np.empty(len(order), np.int64)
    before[:1] = rows["issue"].min()
    before[1:] = rows["accept"][order[:-1]]
    return rows["issue"][order] - before


class Reason(IntEnum):
    """Whose end was the reason; of two with the same delay the later one here is taken."""

    READ = 0  # any of the latest
    WRITE = 1
    ROOM = 2  # it left a channel that was full
    DATA = 3  # the read that brings a write's data


class _Channel:
    """The reads or the writes, in the order of issue. Arrays of (places,) are by place in it."""

    def __init__(self, rows: np.ndarray, order: np.ndarray, write: int):
        self.rows, self.order, self.write = rows, order, write
        self.issue, self.gaps = rows["issue"][order], _gaps(rows, order)
        self.after, self.delay = _none(len(order))
        self.chosen: dict[Reason, int] = {}  # the delay that stands out
        most, room = self.room()
        waits = self.since(np.arange(len(order)), room[:, None])[room != UNKNOWN]
        data = self.data() if write else None
        self.gap = self.pace(most)
        open_ = np.flatnonzero((self.gaps != self.gap) | (most == 1))
        left = self.explain(open_, room, data)
        alone = self.ends_before(left)
        if data is not None:
            self.wait_for_data(data)
        self.limit, self.turnaround = IN_FLIGHT, 0
        by_itself = len(order) - len(open_) + alone
        if Reason.ROOM in self.chosen or 2 * by_itself >= len(order):
            self.limit = most
        if Reason.ROOM in self.chosen:
            self.turnaround = min(self.chosen[Reason.ROOM], int(waits.min()))

    def room(self) -> tuple[int, np.ndarray]:
        """Return the most in flight, and the transaction whose end made room for each, UNKNOWN: none did."""
        accepts, done = self.rows["accept"][self.order], self.rows["done"][self.order]
        by_end = np.argsort(done, kind="stable")
        ends = done[by_end]
        flight = np.arange(1, len(ends) + 1) - np.searchsorted(ends, accepts, "right")
        most = int(flight.max(initial=1))
        issued = np.searchsorted(accepts, ends, "left")
        full = (issued - np.arange(len(ends)) == most) & (issued < len(ends))
        made = np.full(len(ends), UNKNOWN, np.int64)
        made[issued[full]] = self.order[by_end[full]]  # the last one is kept
        return most, made

    def data(self) -> np.ndarray | None:
        """Return the read that brings each write's last bytes in proportion, None if a write came before."""
        rows, (reads, writes) = self.rows, channels(self.rows)
        if len(reads) == 0 or len(writes) == 0:
            return None
        read, written = np.cumsum(rows["bytes"][reads]), np.cumsum(rows["bytes"][writes])
        needed = np.searchsorted(read * int(written[-1]), written * int(read[-1]), "left")
        early = self.issue < np.maximum.accumulate(rows["done"][reads])[needed]
        return None if early.any() else reads[needed]

    def pace(self, most: int) -> np.ndarray:
        """Return the channel's pace behind a transaction of each one's size."""
        sizes, pace = self.rows["bytes"][self.order], np.zeros(len(self.order), np.int64)
        for size in np.unique(sizes[:-1]):
            behind = np.flatnonzero(sizes[:-1] == size) + 1
            least = self.gaps[behind].min()
            pace[behind] = least if most > 1 else min(1, least)
        return pace

    def since(self, places: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Return cycles from the ends of transactions, (places, n), to the issues; 0 where there is none."""
        cycles = self.issue[places, None] - self.rows["done"][ends]
        return np.where(ends == UNKNOWN, 0, np.maximum(cycles, 0))

    def latest(self, places: np.ndarray) -> np.ndarray:
        """Return the transactions that ended last before each issue, latest first, (places, LOOK_BACK)."""
        by_end = np.argsort(self.rows["done"], kind="stable")
        last = np.searchsorted(self.rows["done"][by_end], self.issue[places], "left")
        index = last[:, None] - 1 - np.arange(LOOK_BACK)
        return np.where(index >= 0, by_end[np.maximum(index, 0)], UNKNOWN)

    def explain(self, places: np.ndarray, room: np.ndarray, data: np.ndarray | None) -> np.ndarray:
        """Give places the ends that stand out as reasons; return the places that are left."""
        ends = self.latest(places)
        kinds = np.where(self.rows["write"][ends] == 1, Reason.WRITE, Reason.READ)
        ends = np.column_stack([ends, room[places]])
        kinds = np.column_stack([kinds, np.full(len(places), Reason.ROOM)])
        if data is not None:
            ends = np.column_stack([ends, data[places]])
            kinds = np.column_stack([kinds, np.full(len(places), Reason.DATA)])
        since = self.since(places, ends)
        keys = np.where(since > 0, since * len(Reason) + len(Reason) - 1 - kinds, 0)  # the least is taken
        while len(places):
            found, counts = np.unique(keys[keys > 0], return_counts=True)
            if counts.max(initial=0) < max(2, STANDS_OUT * len(self.order)):
                break
            key = int(found[counts >= AS_GOOD * counts.max()][0])
            self._take(places, keys == key, ends, since, key)
            rest = ~(keys == key).any(axis=1)
            places, keys, ends, since = places[rest], keys[rest], ends[rest], since[rest]
        return places

    def _take(
        self, places: np.ndarray, fits: np.ndarray, ends: np.ndarray, since: np.ndarray, key: int
    ) -> None:
        kind, delay = Reason(len(Reason) - 1 - key % len(Reason)), key // len(Reason)
        self.chosen[kind] = min(delay, self.chosen.get(kind, delay))
        explained = np.flatnonzero(fits.any(axis=1))
        column = fits[explained].argmax(axis=1)
        self.after[places[explained], 0] = ends[explained, column]
        self.delay[places[explained], 0] = since[explained, column]

    def ends_before(self, places: np.ndarray) -> int:
        """Let places wait for the latest end since the one before, or for that one; return how many do."""
        latest = self.latest(places)[:, :1]
        since = self.since(places, latest)[:, 0]
        caused = (since > 0) & (since <= self.gaps[places])
        self.after[places[caused], 0] = latest[caused, 0]
        self.delay[places[caused], 0] = since[caused]
        alone = places[~caused]
        self.gap[alone] = self.gaps[alone]
        return len(alone)

    def wait_for_data(self, data: np.ndarray) -> None:
        """Let every write wait for its data: as long as each did, and no longer than what stands out."""
        least = int((self.issue - self.rows["done"][data]).min())
        column = (self.after[:, 0] != UNKNOWN).astype(np.int64)
        places = np.flatnonzero((column == 0) | (self.after[:, 0] != data))
        self.after[places, column[places]] = data[places]
        self.delay[places, column[places]] = min(least, self.chosen.get(Reason.DATA, 1))
