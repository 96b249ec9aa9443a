"""How full queues were over time: DRAM channels and the MSHRs of caches, looked at between events.

The event loop pays nothing for it: it is entered a little more often. When looks are many, every other one is
dropped and they become half as frequent, so a run of any length has between MOST / 2 and MOST of them. When
they happen is a number of events, so they are the same in every run of a config.
"""

from collections.abc import Callable

import numpy as np

from hw_models.units import FS
from simulator.kernel.soc_state import Kind
from simulator.soc.wires import Wires

EVERY = 1024  # events between two looks at first
MOST = 256  # looks that are kept, an even number


class Queues:
    """The looks so far."""

    def __init__(self, wired: Wires) -> None:
        self.wired = wired
        self.every, self.next = EVERY, EVERY  # events
        self.times_fs: list[int] = []
        self.seen: list[list[int]] = []
        self.fills: dict[str, Callable[[], int]] = {}
        for part in wired.parts.values():
            if part.kind == Kind.DRAM:
                for k in range(part.units):
                    self.fills[f"{part.node.name}.{k} queue"] = _queued(wired.channels[part.row + k])
            elif part.kind == Kind.CACHE:
                self.fills[f"{part.node.name} MSHRs"] = _mshrs(wired.caches[part.row])

    def events_to_next(self) -> int:
        """Return how many events may pass before the next look, at least 1."""
        return max(1, self.next - int(self.wired.system[0]["events"]))

    def look(self) -> None:
        """Look, if it is time."""
        system = self.wired.system[0]
        if system["events"] < self.next:
            return
        self.times_fs.append(int(system["now_fs"]))
        self.seen.append([fill() for fill in self.fills.values()])
        if len(self.seen) == MOST:
            del self.times_fs[::2], self.seen[::2]
            self.every *= 2
        self.next += self.every

    def series(self) -> dict[str, list[float]]:
        """Return ``time_s``, then the requests in each queue and the MSHRs in use of each cache."""
        table: dict[str, list[float]] = {"time_s": [time * FS for time in self.times_fs]}
        return table | {name: [row[i] for row in self.seen] for i, name in enumerate(self.fills)}


def _queued(channel: np.void) -> Callable[[], int]:
    return lambda: int(channel["size"][0] + channel["size"][1])


def _mshrs(cache: np.void) -> Callable[[], int]:
    return lambda: int(cache["mshrs_used"])
