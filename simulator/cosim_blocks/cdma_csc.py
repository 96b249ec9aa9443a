"""CSC as CDMA sees it: works off launches in CBUF, gives room back, drops what is left and not reused."""

from collections import deque
from typing import Any, NamedTuple

from hw_models.nvdla.cbuf import data_mode, lines_in_work
from hw_models.nvdla.op import InBuffer
from simulator.cosim_blocks.cdma_launches import Task


class Released(NamedTuple):
    """Entries that become free in a cycle."""

    data: int = 0
    weights: int = 0


class Csc:
    def __init__(self) -> None:
        self.launches: deque[Task] = deque()  # enabled and not over
        self.lines = 0  # handed over and not given back
        self.groups = 0  # kernel groups, likewise, and not used by the launch in work
        self.used = 0  # kernel groups of the launch in work
        self.begun = False  # the launch in front has: what it does not reuse is dropped
        self.before: Any = None  # OP row of the launch before
        self.left = 0  # lines that it did not give back
        self.kept = 0  # kernel groups that it kept
        self.entries: tuple[int, int] = (0, 0)  # of such a line, of all its kernels

    def release(self, may: bool) -> Released:
        """Go on, if it ``may``, by a kernel group; return what that frees."""
        if not may or not self.launches:
            return Released()
        task = self.launches[0]
        if not self.begun:
            self.begun = True
            dropped = self._drop(task.op)
            if any(dropped):
                return dropped
        count = int(lines_in_work(task.op))
        if self.lines < count or not self.groups:
            return Released()
        self.groups -= 1
        self.used += 1
        keeps_weights = bool(task.op["keep"] & InBuffer.WEIGHTS)
        weights = 0 if keeps_weights else task.groups[self.used - 1]
        if self.used < len(task.groups):
            return Released(weights=weights)
        released = 0 if task.op["keep"] & InBuffer.DATA else int(task.op["release"]) or count
        self.launches.popleft()
        self.lines -= released
        self.left, self.kept = count - released, self.used if keeps_weights else 0
        self.groups += self.kept
        self.entries = task.line_entries, sum(task.groups)
        self.used, self.begun, self.before = 0, False, task.op
        return Released(released * task.line_entries, weights)

    def _drop(self, op: Any) -> Released:
        """Drop what the launch before left and ``op`` does not reuse; a new split needs no word of it."""
        left, kept, before = self.left, self.kept, self.before
        self.left = self.kept = 0
        if before is None:
            return Released()
        data = op["data_banks"] == before["data_banks"]
        weights = data and op["weight_banks"] == before["weight_banks"]
        if data and op["reuse"] & InBuffer.DATA and data_mode(op) == data_mode(before):
            left = 0
        if weights and op["reuse"] & InBuffer.WEIGHTS:
            kept = 0
        self.lines -= left
        self.groups -= kept
        return Released(left * self.entries[0] if data else 0, self.entries[1] if weights and kept else 0)
