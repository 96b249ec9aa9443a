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
        self.spent_fs: np.ndarray | None = None  # (steps,) of each step in all frames
        self.ended_fs = 0  # when the last of these was over

    def note(self, frame: Frame, ended_fs: int) -> None:
        """Keep a frame that is over."""
        spent_fs = frame.records["end_fs"] - frame.records["start_fs"]
        self.frames += 1
        self.kept[frame.number] = frame
        self.spent_fs = spent_fs if self.spent_fs is None else self.spent_fs + spent_fs
        self.ended_fs = ended_fs

    def runs(self, records: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how often each step came to its end, and its time in all [fs]; a frame under way counts."""
        under_way = (records["end_fs"] > 0) & (records["start_fs"] >= self.ended_fs)
        if not self.frames:
            under_way = records["end_fs"] > 0
        spent_fs = np.where(under_way, records["end_fs"] - records["start_fs"], 0)
        return self.frames + under_way, spent_fs + (0 if self.spent_fs is None else self.spent_fs)

    @property
    def worst(self) -> Frame:
        """Return the frame that took longest, of several the first."""
        return min(self.kept.values(), key=lambda frame: (-frame.latency_fs, frame.number))
