"""How a convolution is cut in tiles that fit half of each scratchpad: of all cuts tried, the fastest."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from hw_models.systolic.params import ACCUMULATOR_BYTES, Systolic
from workloads.graph import Window
from workloads.lowering.layout import ceil_div, round_up


class Convolution(NamedTuple):
    channels: int
    height: int
    width: int
    kernels: int
    window: Window

    @property
    def out(self) -> tuple[int, int]:
        """Return (lines, columns) of the output."""
        return self.window.output(self.height, self.width)

    @property
    def taps(self) -> int:
        return self.window.height * self.window.width


class Cut(NamedTuple):
    """Fields of an operation of the array (`hw_models.systolic.op`)."""

    tile_kernels: int
    tile_channels: int
    tile_lines: int
    tile_columns: int
    kernels_outside: int


@lru_cache(maxsize=1024)
def cut_convolution(conv: Convolution, array: Systolic) -> Cut | None:
    """Return the cut with the least of array cycles or port cycles, then bytes; None if nothing fits."""
    cuts = list(_cuts(conv, array))
    return min(cuts, key=lambda cut: (*_cost(conv, array, cut), cut), default=None)


def _halves(whole: int, step: int) -> list[int]:
    """Return ``whole`` and its halves in multiples of ``step``, down to one."""
    sizes = [whole]
    while sizes[-1] > step:
        sizes.append(round_up(ceil_div(sizes[-1], 2), step))
        if sizes[-1] == sizes[-2]:
            return sizes[:-1]
    return sizes


def _cuts(conv: Convolution, array: Systolic) -> Iterator[Cut]:
    lines, columns = conv.out
    for kernels in _halves(conv.kernels, array.columns):
        for channels in _halves(conv.channels, array.rows):
            if 2 * conv.taps * channels * kernels > array.weight_bytes:
                continue
            for wide in _halves(columns, 1):
                high = _lines_that_fit(conv, array, kernels, channels, wide)
                if high == 0:
                    continue
                even = ceil_div(lines, ceil_div(lines, high))
                for outside in (1, 0):
                    yield Cut(kernels, channels, even, wide, outside)
                break


def _lines_that_fit(conv: Convolution, array: Systolic, kernels: int, channels: int, wide: int) -> int:
    window = conv.window
    line_bytes = min(conv.width, (wide - 1) * window.stride_x + window.reach_x) * channels
    seen = array.input_bytes // 2 // line_bytes
    inputs = conv.out[0] if seen >= conv.height else (seen - window.reach_y) // window.stride_y + 1
    sums = array.accumulator_bytes // 2 // (wide * kernels * ACCUMULATOR_BYTES)
    return max(0, min(inputs, sums, conv.out[0]))


def _cost(conv: Convolution, array: Systolic, cut: Cut) -> tuple[int, int]:
    """Return (cycles, bytes): the slower of array and port, tiles taken as whole ones."""
    window, (lines, columns) = conv.window, conv.out
    high, wide = ceil_div(lines, cut.tile_lines), ceil_div(columns, cut.tile_columns)
    pixels = high * wide
    kernels, channels = ceil_div(conv.kernels, cut.tile_kernels), ceil_div(conv.channels, cut.tile_channels)
    seen = min(conv.height, (cut.tile_lines - 1) * window.stride_y + window.reach_y)
    seen *= min(conv.width, (cut.tile_columns - 1) * window.stride_x + window.reach_x)
    weights, inputs = conv.taps * conv.channels * conv.kernels, pixels * seen * conv.channels
    if channels > 1 or not (cut.kernels_outside or kernels == 1):
        weights *= pixels
    if channels > 1 or (cut.kernels_outside and pixels > 1):
        inputs *= kernels
    moved = weights + inputs + lines * columns * conv.kernels
    folds = ceil_div(conv.taps * cut.tile_channels, array.rows) * ceil_div(cut.tile_kernels, array.columns)
    step = array.rows + folds * max(array.rows, cut.tile_lines * cut.tile_columns)
    return max(pixels * kernels * channels * step, moved // array.port_bytes), moved
