"""From the signals of an AXI port, sampled at its clock's edges, to transactions (IHI 0022, A2, A3)."""

from collections import defaultdict, deque
from typing import NamedTuple

import numpy as np

from workloads.bus.recording import Recording, empty

Signals = dict[str, np.ndarray]  # name in small letters -> value at each edge
NEEDED = ("arvalid", "arready", "araddr", "rvalid", "rready")
NEEDED_OF_WRITES = ("awvalid", "awready", "awaddr", "wvalid", "wready", "bvalid", "bready")
USED = (
    *NEEDED, "arid", "arlen", "arsize", "rid", "rlast",
    *NEEDED_OF_WRITES, "awid", "awlen", "awsize", "wid", "wlast", "bid",
)  # fmt: skip


class Handshakes(NamedTuple):
    """Transfers of a channel: the edge at which each was offered, and at which it was taken."""

    offered: np.ndarray
    taken: np.ndarray


def handshakes(signals: Signals, channel: str) -> Handshakes:
    """Return the transfers of a channel, such as ``ar``."""
    valid, ready = signals[f"{channel}valid"] == 1, signals[f"{channel}ready"] == 1
    taken = np.flatnonzero(valid & ready)
    begins = valid & ~np.concatenate([[False], (valid & ~ready)[:-1]])  # valid, and not held from before
    offered = np.flatnonzero(begins)
    return Handshakes(offered[: len(taken)], taken)


def transactions(signals: Signals, read_bytes: int, write_bytes: int) -> Recording:
    """Return what went over the port to its end. Raises ValueError for what is no AXI.

    A signal that is absent has its default: one id, bursts of one beat, beats as wide as the data.
    ``read_bytes``, ``write_bytes``: the width of the data.
    """
    reads = _reads(signals, read_bytes) if "arvalid" in signals else []
    writes = _writes(signals, write_bytes) if "awvalid" in signals else []
    found = sorted(reads + writes, key=lambda row: (row[4], row[0]))
    rows = empty(len(found))
    names = ("write", "id", "address", "bytes", "issue", "accept", "first", "last", "done")
    for name, column in zip(names, zip(*found)):
        rows[name] = column
    return Recording(rows, False)


def _value(signals: Signals, name: str, edge: int, default: int = 0) -> int:
    return int(signals[name][edge]) if name in signals else default


def _burst(signals: Signals, channel: str, edge: int, width: int) -> tuple[int, int, int, int]:
    """Return (id, address, bytes, beats) of the address taken at an edge, counted as INCR does."""
    size = 1 << _value(signals, f"{channel}size", edge, width.bit_length() - 1)
    beats = _value(signals, f"{channel}len", edge) + 1
    address = _value(signals, f"{channel}addr", edge)
    first = address // size * size
    end = min(first + beats * size, (address // 4096 + 1) * 4096)  # WRAP and FIXED stay in their page
    return _value(signals, f"{channel}id", edge), address, end - address, beats


def _reads(signals: Signals, width: int) -> list[tuple[int, ...]]:
    addresses, data = handshakes(signals, "ar"), handshakes(signals, "r")
    beats = defaultdict[int, deque[int]](deque)  # id -> edges of its beats, in order
    for edge in data.taken.tolist():
        beats[_value(signals, "rid", edge)].append(edge)
    found: list[tuple[int, ...]] = []
    for offered, taken in zip(addresses.offered.tolist(), addresses.taken.tolist()):
        name, address, size, count = _burst(signals, "ar", taken, width)
        mine = beats[name]
        if len(mine) < count:
            continue  # the recording ends before it does
        edges = [mine.popleft() for _ in range(count)]
        if edges[0] < taken or ("rlast" in signals and signals["rlast"][edges[-1]] != 1):
            raise ValueError(f"edge {edges[-1]}: the last of {count} beats of id {name} is without RLAST")
        found.append((0, name, address, size, offered, taken, edges[0], edges[-1], edges[-1]))
    return found


def _writes(signals: Signals, width: int) -> list[tuple[int, ...]]:
    """Return the writes; data come in the order of the addresses (AXI4), or by WID (AXI3)."""
    addresses, data, answers = (handshakes(signals, channel) for channel in ("aw", "w", "b"))
    ends = defaultdict[int, deque[int]](deque)
    for edge in answers.taken.tolist():
        ends[_value(signals, "bid", edge)].append(edge)
    beats = defaultdict[int, deque[tuple[int, int]]](deque)
    for offered, taken in zip(data.offered.tolist(), data.taken.tolist()):
        beats[_value(signals, "wid", taken)].append((offered, taken))
    found: list[tuple[int, ...]] = []
    for offered, taken in zip(addresses.offered.tolist(), addresses.taken.tolist()):
        name, address, size, count = _burst(signals, "aw", taken, width)
        mine = beats[name if "wid" in signals else 0]
        if len(mine) < count or not ends[name]:
            continue
        edges = [mine.popleft() for _ in range(count)]
        first, last, done = edges[0][1], edges[-1][1], ends[name].popleft()
        if "wlast" in signals and signals["wlast"][last] != 1:
            raise ValueError(f"edge {last}: the last of {count} beats of data is without WLAST")
        issue, accept = max(offered, edges[0][0]), max(taken, first)
        found.append((1, name, address, size, issue, accept, first, last, done))
    return found
