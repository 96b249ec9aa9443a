"""The convolution buffer's contents: lines and kernels, those among them that launches before left there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from hw_models.nvdla.cbuf import lines_in_work
from hw_models.nvdla.decode import op_of
from hw_models.nvdla.kept import Kept, kernel_shape, line_shape
from hw_models.nvdla.launch import Launch
from hw_models.nvdla.op import InBuffer
from hw_models.nvdla.values.core import input_lines
from hw_models.nvdla.values.memory import Memory


@dataclass
class Buffer:
    """What lies in CBUF, launch after launch."""

    kept: Kept = field(default_factory=Kept)
    op: Any = None
    lines: list[np.ndarray] = field(default_factory=list)  # of the launch in work: (images, width, channels)

    def begin(self, launch: Launch, memory: Memory, preset: Mapping[str, int]) -> None:
        """Do CDMA's part of a launch's data. Raises ConfigError where the launch reuses what is not there."""
        self.op = op_of(launch, preset["atom_bytes"])[0]
        fetched, shape = self.kept.begin(self.op), line_shape(self.op)
        if fetched & InBuffer.DATA:
            images = range(launch["CDMA"]["BATCHES"] + 1)
            data = np.stack([input_lines(launch["CDMA"], memory, preset, image) for image in images], axis=1)
            self.kept.lines += [(shape, line) for line in data]
        blocks = self.op["winograd"]  # whose lines are not padded up to four here
        count = len(self.kept.lines) if blocks else int(lines_in_work(self.op))
        found = self.kept.lines[:count]
        if len(found) < count or any(other != shape for other, _ in found):
            raise ConfigError("reuses lines that do not lie in CBUF", line=launch.line or None)
        if self.kept.kernels and self.kept.kernels[0] != kernel_shape(self.op):
            raise ConfigError("reuses kernels that do not lie in CBUF", line=launch.line or None)
        self.lines = [line for _, line in found]

    def found(self, image: int) -> dict[str, np.ndarray]:
        """Return what `convolution` finds, of one image of a batch."""
        data = {"data": np.stack([line[image] for line in self.lines])}
        return data | {"weights": self.kept.kernels[1]} if self.kept.kernels else data

    def end(self, weights: np.ndarray) -> None:
        """Give back what the launch, which worked with ``weights``, does not keep."""
        self.kept.kernels = kernel_shape(self.op), weights
        self.kept.end(self.op)
