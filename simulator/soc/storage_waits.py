"""Requests that wait in turn for what others have of a shared flash device, outside the device itself."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from workloads.program import Batch


class HostWait(IntEnum):
    """What a request waits for on the host's side."""

    HOST_BUSY = 0  # the section of the system call that one thread at a time is in
    QUEUE_FULL = 1  # a place in the device's queue
    DMA_BUSY = 2


@dataclass
class Running:
    """A step under way: a batch of requests of one job."""

    step: int
    job: int
    master: int  # whose wait it is
    batch: Batch
    taken: int = 0  # requests that a thread has taken
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = len(self.batch.transfers)


Request = tuple[Running, int]  # and its number in the batch


class Line:
    """First come, first served. Who ends makes way for the next: until then, everyone waited for it."""

    def __init__(self, waits: np.ndarray):
        """``waits``: victim x culprit [fs], to be added to."""
        self.waits = waits
        self.requests: deque[Request] = deque()
        self.count = [0] * len(waits)  # by master
        self.since_fs = [0] * len(waits)  # sum of the times from which they wait

    def __len__(self) -> int:
        return len(self.requests)

    def join(self, request: Request, now_fs: int) -> None:
        self.requests.append(request)
        self.count[request[0].master] += 1
        self.since_fs[request[0].master] += now_fs

    def ended(self, culprit: int, now_fs: int) -> None:
        """A request of ``culprit`` is through: charge it with what everyone waited since the one before."""
        for master, count in enumerate(self.count):
            if count:
                self.waits[master, culprit] += count * now_fs - self.since_fs[master]
                self.since_fs[master] = count * now_fs

    def take(self, now_fs: int) -> Request:
        """Return the first; its turn has come at ``now_fs``, up to which the line is charged."""
        request = self.requests.popleft()
        self.count[request[0].master] -= 1
        self.since_fs[request[0].master] -= now_fs
        return request


class Server(Line):
    """Serves one request at a time, the line in front of it in order."""

    def __init__(self, waits: np.ndarray, begin: Callable[[Running, int, int], None]):
        """``begin``: called with a request and the time [fs] at which its turn has come."""
        super().__init__(waits)
        self.begin = begin
        self.serving: Request | None = None

    def join(self, request: Request, now_fs: int) -> None:
        super().join(request, now_fs)
        if self.serving is None:
            self._next(now_fs)

    def done(self, now_fs: int) -> Request:
        """Return the request that was served; it makes way for the next."""
        assert self.serving is not None
        request = self.serving
        self.ended(request[0].master, now_fs)
        self._next(now_fs)
        return request

    def _next(self, now_fs: int) -> None:
        self.serving = self.take(now_fs) if self.requests else None
        if self.serving is not None:
            self.begin(*self.serving, now_fs)
