"""What the Trace Event Format (Chromium project) asks of events, written down as checks."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

FIELDS = {  # phase -> what an event of it must have, beside ph, pid and name
    "X": {"tid", "ts", "dur"},
    "i": {"tid", "ts", "s"},
    "C": {"ts", "args"},
    "s": {"tid", "ts", "id", "cat"},
    "f": {"tid", "ts", "id", "cat", "bp"},
    "M": {"args"},
}
METADATA = {
    "process_name": "name", "process_sort_index": "sort_index",
    "thread_name": "name", "thread_sort_index": "sort_index",
}  # fmt: skip
NEAR = 2e-6  # us: what rounding to picoseconds may move


def check(events: list[dict[str, Any]]) -> None:
    """Assert that the events are whole, that slices of a track nest, and that arrows begin and end in slices."""
    for event in events:
        missing = ({"ph", "pid", "name"} | FIELDS[event["ph"]]) - set(event)
        assert not missing, (event, missing)
        assert isinstance(event["name"], str)
        assert event.get("ts", 0) >= 0
        assert event.get("dur", 0) >= 0
        if event["ph"] == "M":
            assert METADATA[event["name"]] in event["args"]
        if event["ph"] == "C":
            assert all(isinstance(value, int | float) for value in event["args"].values())
        if event["ph"] == "i":
            assert event["s"] in "gpt"
    named = {(e["pid"], e["tid"]) for e in events if e["name"] == "thread_name"}
    slices = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            assert (event["pid"], event["tid"]) in named
            slices[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for track in slices.values():
        check_nesting(track)
    check_arrows(events, slices)


def check_nesting(track: list[tuple[float, float]]) -> None:
    """Of two slices of a track one holds the other, or they do not overlap."""
    open_until: list[float] = []
    for start, end in sorted(track, key=lambda each: (each[0], -each[1])):
        while open_until and open_until[-1] <= start + NEAR:
            open_until.pop()
        assert not open_until or end <= open_until[-1] + NEAR
        open_until.append(end)


def check_arrows(events: list[dict[str, Any]], slices: dict[Any, list[tuple[float, float]]]) -> None:
    """Every arrow has one start and one end, not before it, each in a slice of its track."""
    ends = defaultdict(list)
    for event in events:
        if event["ph"] in "sf":
            ends[event["cat"], event["id"]].append(event)
            track = slices[event["pid"], event["tid"]]
            assert any(start - NEAR <= event["ts"] <= end + NEAR for start, end in track)
    for pair in ends.values():
        assert [event["ph"] for event in pair] == ["s", "f"]
        for before, after in pairwise(pair):
            assert before["ts"] <= after["ts"] + NEAR
