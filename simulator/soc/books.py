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
