"""What is kept of a job's frames that are over."""

from collections import Counter
from dataclasses import dataclass

import numpy as np


@dataclass
class Frame:
    """A job's frame that is over: what `Machine.records` and the accelerator's records had then."""

    number: int
    latency_fs: int
    records: np.ndarray  # (steps,) STEP_RECORD
    op_records: np.ndarray  # (operations,) RECORD of the job's kind of accelerator

    @property
    def span_fs(self) -> int:
        """Return the time from its first step's start to its last one's end."""
        return int(self.records["end_fs"].max(initial=0) - self.records["start_fs"].min(initial=2**62))


class Book:
    """Of one job: the frames that are kept, and sums over all."""

    def __init__(self) -> None:
        self.frames = 0
        self.kept: dict[int, Frame] = {}
        self.phases_fs: Counter[str] = Counter()

    @property
    def worst(self) -> Frame:
        """Return the frame that took longest, of several the first."""
        return min(self.kept.values(), key=lambda frame: (-frame.latency_fs, frame.number))
