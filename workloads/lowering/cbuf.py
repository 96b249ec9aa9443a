"""How a convolution is cut so that each piece fits the convolution buffer (CBUF).

CBUF's banks are shared out between data and weights. Data must be resident as a whole: CSC starts once the
last line has arrived. Weights come in kernel groups of atomic-K kernels; with room for all they are loaded
once, with room for two groups they stream behind the MACs, with room for one each switch of group waits.

Strategies
  nvidia   the order of preference seen in a published loadable (reference/README.md): everything resident;
           all weights resident and the input cut along its height; the input resident and two groups of
           weights; both cut. Inner pieces are equally high, the last takes the rest.
  traffic  of all divisions of the banks, the one that moves the fewest bytes, then with the fewest pieces
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from hw_models.nvdla.encode_conv import feature_entries
from workloads.graph import Window
from workloads.lowering.layout import WEIGHT_ALIGNMENT, ceil_div, round_up
from workloads.lowering.target import Target


class DoesNotFit(ValueError):
    """No way of cutting makes this layer fit."""


class Convolution(NamedTuple):
    """A dense convolution as the hardware sees it, channels already padded as stored."""

    channels: int
    height: int
    width: int
    kernels: int
    window: Window
    pixels: bool = False  # image input

    @property
    def kernel_bytes(self) -> int:
        return self.channels * self.window.height * self.window.width

    @property
    def out_height(self) -> int:
        return self.window.output(self.height, self.width)[0]

    @property
    def out_width(self) -> int:
        return self.window.output(self.height, self.width)[1]


class Tile(NamedTuple):
    """One launch: rows of the output and kernels, with the input lines that it fetches."""

    first_row: int
    rows: int
    first_line: int
    lines: int
    top: int
    bottom: int
    first_kernel: int
    kernels: int
    data_banks: int
    weight_banks: int
    release: int


class Plan(NamedTuple):
    """A division of the banks: kernels and output rows of a piece."""

    data_banks: int
    weight_banks: int
    kernels: int
    lines: int  # input lines that fit


def entries_per_line(conv: Convolution, target: Target) -> int:
    """Return CBUF entries of one input line (reference/README.md, section on CBUF)."""
    if conv.pixels:
        padded = conv.width + conv.window.left + conv.window.right
        return ceil_div(padded * conv.channels, target.cbuf_entry_bytes)
    atoms = ceil_div(conv.channels, target.atom_bytes)
    return feature_entries(conv.width, atoms, target.cbuf_entry_bytes // target.atom_bytes)


def data_banks_for(lines: int, conv: Convolution, target: Target) -> int:
    return ceil_div(lines * entries_per_line(conv, target), target.cbuf_depth)


def weight_banks_for(kernels: int, conv: Convolution, target: Target) -> int:
    return ceil_div(round_up(kernels * conv.kernel_bytes, WEIGHT_ALIGNMENT), target.bank_bytes)


def lines_in(banks: int, conv: Convolution, target: Target) -> int:
    return min(conv.height, banks * target.cbuf_depth // entries_per_line(conv, target))


@lru_cache(maxsize=1024)
def tile_convolution(
    conv: Convolution, target: Target, strategy: str = "nvidia", row_step: int = 1, part_atoms: bool = False
) -> list[Tile]:
    """Return pieces that cover the output exactly once. Raises DoesNotFit.

    ``row_step``: under `traffic` pieces start at multiples of it, for pooling behind them.
    ``part_atoms``: launches of less than an atom of kernels, each with a surface of its own.
    """
    if strategy == "nvidia":
        plan = _nvidia_plan(conv, target, part_atoms)
        tiles = _tiles(conv, target, plan, _nvidia_rows(conv, plan.lines))
        return [tile._replace(release=max(tile.lines - 1, 1)) for tile in tiles]
    best: tuple[tuple[int, int, int], list[Tile]] | None = None
    for plan in _plans(conv, target, part_atoms):
        single = plan.kernels > target.atomic_k and plan.weight_banks < _streaming_banks(conv, target)
        for pieces in (_even_rows(conv, plan.lines, row_step), _filled_rows(conv, plan.lines, row_step)):
            if not pieces:
                continue
            tiles = _tiles(conv, target, plan, pieces)
            cost = (traffic_bytes(tiles, conv, target), len(tiles), int(single))
            if best is None or cost < best[0]:
                best = (cost, tiles)
    if best is None:
        raise _does_not_fit(conv, target)
    return best[1]


def traffic_bytes(tiles: list[Tile], conv: Convolution, target: Target) -> int:
    """Return bytes of input and weights that the pieces fetch."""
    if conv.pixels:
        line = round_up(conv.width * conv.channels, target.atom_bytes)
    else:
        line = ceil_div(conv.channels, target.atom_bytes) * target.atom_bytes * conv.width
    weights = sum(round_up(tile.kernels * conv.kernel_bytes, WEIGHT_ALIGNMENT) for tile in tiles)
    return weights + sum(tile.lines * line for tile in tiles)


def _streaming_banks(conv: Convolution, target: Target) -> int:
    """Banks for two kernel groups, each rounded up to whole banks."""
    return 2 * weight_banks_for(min(target.atomic_k, conv.kernels), conv, target)


def _nvidia_plan(conv: Convolution, target: Target, part_atoms: bool) -> Plan:
    banks, least = target.cbuf_banks, _least_data_banks(conv, target)
    all_data = data_banks_for(conv.height, conv, target)
    all_weights = weight_banks_for(conv.kernels, conv, target)
    streaming = _streaming_banks(conv, target)
    if all_data + all_weights <= banks:
        return Plan(all_data, all_weights, conv.kernels, conv.height)
    if least + all_weights <= banks:
        data = banks - all_weights
        return Plan(data, all_weights, conv.kernels, lines_in(data, conv, target))
    if all_data + streaming <= banks:
        return Plan(all_data, streaming, conv.kernels, conv.height)
    if least + streaming <= banks:
        data = banks - streaming
        return Plan(data, streaming, conv.kernels, lines_in(data, conv, target))
    plan = next(_plans(conv, target, part_atoms), None)
    if plan is None:
        raise _does_not_fit(conv, target)
    return plan


def _least_data_banks(conv: Convolution, target: Target) -> int:
    """Banks for the input lines of one output row."""
    return data_banks_for(min(conv.height, conv.window.reach_y), conv, target)


def _plans(conv: Convolution, target: Target, part_atoms: bool) -> Iterator[Plan]:
    """Yield every division of the banks worth looking at, weights in fewer and fewer kernels."""
    least = _least_data_banks(conv, target)
    for kernels in _kernel_counts(conv, target, part_atoms):
        everything = weight_banks_for(kernels, conv, target)
        group = weight_banks_for(min(kernels, target.atomic_k), conv, target)
        two = weight_banks_for(min(kernels, 2 * target.atomic_k), conv, target)
        for weights in sorted({everything, two, group}, reverse=True):
            data = min(target.cbuf_banks - weights, data_banks_for(conv.height, conv, target))
            if data >= least:
                yield Plan(data, weights, kernels, lines_in(data, conv, target))


def _kernel_counts(conv: Convolution, target: Target, part_atoms: bool) -> list[int]:
    """Kernels a launch: all, halves of it in whole groups and atoms; or parts of an atom."""
    unit = max(target.atomic_k, target.atom_bytes)
    if part_atoms:
        part = min(target.atom_bytes, conv.kernels)
        return list(dict.fromkeys(part // cut for cut in (2, 4, 8, 16, 32) if part // cut >= 1))
    counts = [conv.kernels]
    units = ceil_div(conv.kernels, unit)
    while units > 1:
        units = ceil_div(units, 2)
        counts.append(units * unit)
    return counts


Piece = tuple[int, int, int, int]  # first output row, rows, first input line, lines


def _tiles(conv: Convolution, target: Target, plan: Plan, pieces: list[Piece]) -> list[Tile]:
    window = conv.window
    tiles = []
    for first_kernel in range(0, conv.kernels, plan.kernels):
        kernels = min(plan.kernels, conv.kernels - first_kernel)
        for first_row, count, first_line, lines in pieces:
            top = window.top if first_row == 0 else max(0, window.top - first_row * window.stride_y)
            need = (count - 1) * window.stride_y + window.reach_y
            bottom = max(0, need - top - lines)
            banks = data_banks_for(lines, conv, target)

            tiles.append(
                Tile(
                    first_row,
                    count,
                    first_line,
                    lines,
                    top,
                    bottom,
                    first_kernel,
                    kernels,
                    banks,
                    min(plan.weight_banks, weight_banks_for(kernels, conv, target)),
                    0,
                )
            )
    return tiles


def _piece(conv: Convolution, first_row: int, rows: int) -> Piece:
    """Return the piece with exactly the lines that its rows see."""
    window = conv.window
    start = first_row * window.stride_y - window.top
    last = min(conv.height, start + (rows - 1) * window.stride_y + window.reach_y)
    first = min(max(0, start), conv.height - 1)
    return first_row, rows, first, max(1, last - first)


def _fitting_rows(conv: Convolution, first_row: int, lines: int) -> int:
    """Return how many rows from ``first_row`` on see at most ``lines`` input lines."""
    low, high = 1, conv.out_height - first_row
    while low < high:
        middle = (low + high + 1) // 2
        if _piece(conv, first_row, middle)[3] > lines:
            high = middle - 1
        else:
            low = middle
    return low


def _filled_rows(conv: Convolution, lines: int, step: int) -> list[Piece]:
    """Cut the output in pieces as high as fit: the fewest. None if not even ``step`` rows fit."""
    pieces: list[Piece] = []
    row = 0
    while row < conv.out_height:
        rows = _fitting_rows(conv, row, lines)
        if row + rows < conv.out_height:
            rows = rows // step * step
        if rows == 0:
            return []
        pieces.append(_piece(conv, row, rows))
        row += rows
    return pieces


def _even_rows(conv: Convolution, lines: int, step: int) -> list[Piece]:
    """Cut the output in about as few pieces, of equal heights. None if not even ``step`` rows fit."""
    steps, fewest = ceil_div(conv.out_height, step), len(_filled_rows(conv, lines, step))
    for count in range(fewest, steps + 1) if fewest else ():
        bounds = [min(steps * i // count * step, conv.out_height) for i in range(count + 1)]
        pieces = [_piece(conv, a, b - a) for a, b in pairwise(bounds)]
        if all(piece[3] <= lines for piece in pieces):
            return pieces
    return []


def _nvidia_rows(conv: Convolution, lines: int) -> list[Piece]:
    """Cut as the published loadable: equal input heights, the first a little less used, the last the rest."""
    window = conv.window
    if lines >= conv.height:
        return [(0, conv.out_height, 0, conv.height)]
    rows = max((lines - window.reach_y) // window.stride_y + 1, 1)
    height = (rows - 1) * window.stride_y + window.reach_y
    pieces: list[Piece] = []
    row = 0
    while row < conv.out_height:
        if row == 0:
            count = max((height + window.top - window.reach_y) // window.stride_y + 1, 1)
        else:
            count = rows
        first = max(0, row * window.stride_y - window.top)
        if row + count >= conv.out_height or conv.height - first <= height:
            pieces.append(_piece(conv, row, conv.out_height - row))
            break
        pieces.append((row, count, first, height))
        row += count
    return pieces


def _does_not_fit(conv: Convolution, target: Target) -> DoesNotFit:
    least = _least_data_banks(conv, target)
    return DoesNotFit(
        f"a {conv.window.height}x{conv.window.width} convolution over {conv.channels} channels fits CBUF in"
        f" no cut: it needs {least} banks for {conv.width} columns of the input lines of one output row and "
        f"{weight_banks_for(1, conv, target)} for one kernel, and {target.name} has {target.cbuf_banks}; "
        "use fewer channels or an accelerator with a larger CBUF"
    )
