"""What launches leave in the convolution buffer and what those behind them find there, without time.

CDMA fetches nothing where a launch asks to reuse what the one before it was to keep, in the same form and
with the same split of the buffer (CDMA_dc.v, CDMA_IMG_ctrl.v, CDMA_wt.v). As CSC begins a launch it drops
what the one before left, but for lines that the launch reuses, be they all or some, and for kept kernels
(CSC_sg.v). Lines are used in the order in which they came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hw_models.nvdla.cbuf import data_mode, input_lines, lines_in_work
from hw_models.nvdla.op import InBuffer, Unit


@dataclass
class Kept:
    """Input lines in CBUF, oldest first, and the kernels of one launch."""

    lines: list[Any] = field(default_factory=list)
    kernels: Any = None
    left: int = 0  # lines that the last launch worked on and did not give back
    keeps: int = 0  # bits of InBuffer, of the last launch
    form: int = 0  # of its lines
    split: tuple[int, int] = (0, 0)  # banks of data, of weights

    def begin(self, op: Any) -> int:
        """Drop what a launch does not reuse; return bits of InBuffer: what CDMA fetches for it."""
        fetched = int(InBuffer.DATA | InBuffer.WEIGHTS)
        split = int(op["data_banks"]), int(op["weight_banks"])
        kept = int(op["reuse"]) & self.keeps
        if split[0] != self.split[0]:
            self.lines.clear()
        elif not op["reuse"] & InBuffer.DATA or self.form != data_mode(op):
            del self.lines[: self.left]
        elif kept & InBuffer.DATA:
            fetched -= InBuffer.DATA
        if split == self.split and kept & InBuffer.WEIGHTS:
            fetched -= InBuffer.WEIGHTS
        else:
            self.kernels = None
        self.split, self.form, self.keeps = split, int(data_mode(op)), int(op["keep"])
        return fetched

    def end(self, op: Any) -> None:
        """Give back what the launch does not keep."""
        works_on = int(lines_in_work(op))
        given_back = 0 if op["keep"] & InBuffer.DATA else min(int(op["release"]) or works_on, works_on)
        del self.lines[:given_back]
        self.left = works_on - given_back
        if not op["keep"] & InBuffer.WEIGHTS:
            self.kernels = None


def line_shape(op: Any) -> str:
    """Return what a line has to have in common with one that a launch reuses."""
    wide = int(op["width"]) + (int(op["pad_left"] + op["pad_right"]) if op["image"] else 0)
    return f"{wide}x{op['channels']}" + (f" of {op['batch']} images" if op["batch"] > 1 else "")


def kernel_shape(op: Any) -> str:
    size = f"{op['kernel_width']}x{op['kernel_height']}x{op['channels']}"
    return f"{op['kernels']} of {size}" + (", compressed" if op["wmb_bytes"] else "")


def kept_fault(ops: np.ndarray, preset: Mapping[str, int]) -> tuple[int, str]:
    """Return the first launch that finds in CBUF what it cannot work on, and why; (-1, "") if all can."""
    kept = Kept()
    for index in np.flatnonzero(ops["unit"] == Unit.CONV):
        op = ops[index]
        if fault := _fault(kept, op, preset):
            return int(index), fault
        kept.end(op)
    return -1, ""


def _fault(kept: Kept, op: Any, preset: Mapping[str, int]) -> str:
    fetched = kept.begin(op)
    lines, kernels, works_on = line_shape(op), kernel_shape(op), int(lines_in_work(op))
    if fetched & InBuffer.DATA:
        kept.lines += [lines] * int(input_lines(op))
    if fetched & InBuffer.WEIGHTS:
        kept.kernels = kernels
    if len(kept.lines) < works_on:
        return f"works on {works_on} lines, of which CBUF gets {len(kept.lines)}: it never begins"
    if other := next((line for line in kept.lines[:works_on] if line != lines), ""):
        return f"reuses lines of {other}; its own are of {lines}"
    if kept.kernels != kernels:
        return f"reuses kernels, {kept.kernels}; its own are {kernels}"
    room = int(op["weight_banks"]) * preset["cbuf_depth"] * preset["cbuf_entry_bytes"]
    if op["keep"] & InBuffer.WEIGHTS and op["weight_bytes"] > room:
        return f"keeps {op['weight_bytes']} B of weights; {op['weight_banks']} weight banks hold {room}"
    return ""
