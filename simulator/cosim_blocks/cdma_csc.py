"""CSC as CDMA sees it: works off launches that are in CBUF, gives room back, drops lines that are left."""

from collections import deque
from typing import NamedTuple

from simulator.cosim_blocks.cdma_launches import Task


class Released(NamedTuple):
    """Entries that become free in a cycle."""

    data: int = 0
    weights: int = 0


class Csc:
    def __init__(self) -> None:
        self.launches: deque[Task] = deque()  # enabled and not over
        self.lines = 0  # handed over, of launches that are not over
        self.groups = 0  # kernel groups, and not used
        self.used = 0  # kernel groups of the launch in work
        self.left = 0  # entries of lines that the launch before did not release

    def release(self, may: bool) -> Released:
        """Go on, if it ``may``, by a kernel group; return what that frees."""
        if not may or not self.launches:
            return Released()
        if self.left:
            left, self.left = self.left, 0
            return Released(data=left)
        task = self.launches[0]
        if self.lines < task.op["height"] or not self.groups:
            return Released()
        self.groups -= 1
        self.used += 1
        weights = task.groups[self.used - 1]
        if self.used < len(task.groups):
            return Released(weights=weights)
        height = int(task.op["height"])
        released = int(task.op["release"]) or height
        self.launches.popleft()
        self.lines -= height
        self.used = 0
        self.left = (height - released) * task.line_entries
        return Released(released * task.line_entries, weights)
