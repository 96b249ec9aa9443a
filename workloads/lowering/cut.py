"""How a convolution is launched: groups as dense blocks, strips of columns, pieces of rows and kernels."""

from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import NamedTuple

from workloads.graph import Node, Window
from workloads.lowering.cbuf import Convolution, DoesNotFit, Tile, tile_convolution
from workloads.lowering.layout import Cube, round_up
from workloads.lowering.target import Target

STRIPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)  # strips of columns that are tried, whole width first


@dataclass(frozen=True)
class Block:
    """Part of a grouped convolution that is lowered as a dense one: channels and kernels."""

    first_channel: int
    channels: int
    first_kernel: int
    kernels: int


def group_blocks(channels: int, kernels: int, groups: int, target: Target, dense: bool) -> list[Block]:
    """Cut a grouped convolution in dense blocks; zeros fill the weights between groups.

    A block writes whole atoms of output channels and reads whole atoms of input. ``dense``: one block, as
    NVIDIA's compiler does it.
    """
    if groups == 1 or dense:
        return [Block(0, channels, 0, kernels)]
    in_each, out_each = channels // groups, kernels // groups
    least = target.atom_bytes // gcd(out_each, target.atom_bytes)  # groups that fill output atoms
    per_block = max(target.atomic_c // in_each // least, 1) * least
    blocks = []
    for first in range(0, groups, per_block):
        last = min(groups, first + per_block)
        low = first * in_each // target.atom_bytes * target.atom_bytes
        blocks.append(Block(low, last * in_each - low, first * out_each, (last - first) * out_each))
    return blocks


@dataclass(frozen=True)
class Cut:
    """A dense block of a convolution and its pieces."""

    block: Block
    conv: Convolution  # one strip of its columns, usually all
    first_column: int
    first_out_column: int
    tiles: list[Tile]
    macs_each: int  # of one output element, without padding
    kernels_a_surface: int  # an atom; fewer where a launch can hold only fewer kernels


class Strip(NamedTuple):
    """A convolution over some of the columns."""

    conv: Convolution
    first_column: int
    first_out_column: int


def _strips_that_fit(
    conv: Convolution, target: Target, strategy: str, row_step: int
) -> list[tuple[Strip, list[Tile]]]:
    """Return the convolution whole, else in strips, else in launches of less than an atom of kernels."""
    most = 1 if conv.pixels else conv.out_width
    tries = [(part_atoms, count) for part_atoms in (False, True) for count in STRIPS if count <= most]
    for part_atoms, count in tries:
        strips = _strips(conv, count)
        try:
            tiles = [tile_convolution(s.conv, target, strategy, row_step, part_atoms) for s in strips]
        except DoesNotFit as error:
            if (part_atoms, count) == tries[-1]:
                raise error from None
            continue
        return list(zip(strips, tiles))
    raise AssertionError("the last try returns or raises")


def _strips(conv: Convolution, count: int) -> list[Strip]:
    if count == 1:
        return [Strip(conv, 0, 0)]
    window, strips = conv.window, []
    bounds = sorted({conv.out_width * i // count for i in range(count + 1)})
    for first, end in pairwise(bounds):
        start = first * window.stride_x - window.left
        stop = start + (end - first - 1) * window.stride_x + window.reach_x
        column = min(max(0, start), conv.width - 1)
        width = max(1, min(conv.width, stop) - column)
        left = max(0, -start)
        narrow = window._replace(left=left, right=max(0, stop - start - left - width))
        strips.append(Strip(conv._replace(width=width, window=narrow), column, first))
    return strips


def cut_convolution(node: Node, source: Cube, target: Target, strategy: str, row_step: int = 1) -> list[Cut]:
    """Return how a convolution is launched, piece by piece. Raises DoesNotFit."""
    window = node.window
    if node.kind == "fc":
        window = Window(source.shape.height, source.shape.width)
    if strategy == "nvidia":  # the loadable computes 256 kernels where a layer has 255
        cuts = _cuts(
            node, window, source, target, strategy, row_step, round_up(node.kernels, target.atomic_k)
        )
        if all(cut.kernels_a_surface == target.atom_bytes for cut in cuts):
            return cuts
    return _cuts(node, window, source, target, strategy, row_step, node.kernels)


def _cuts(
    node: Node, window: Window, source: Cube, target: Target, strategy: str, row_step: int, kernels: int
) -> list[Cut]:
    dense = strategy == "nvidia" or len(source.segments) > 1 or source.pixels
    channels = source.shape.channels if source.pixels else source.stored_channels
    macs_each = window.height * window.width * (sum(source.segments) // node.groups)
    cuts = []
    height = source.shape.height // node.images
    for block in group_blocks(channels, kernels, node.groups, target, dense):
        conv = Convolution(block.channels, height, source.shape.width, block.kernels, window, source.pixels)
        for strip, tiles in _strips_that_fit(conv, target, strategy, row_step):
            most = max(tile.kernels for tile in tiles)
            whole = most >= min(target.atom_bytes, block.kernels)
            surface = target.atom_bytes if whole else most
            columns = strip.first_column, strip.first_out_column
            cuts.append(Cut(block, strip.conv, *columns, tiles, macs_each, surface))
    return cuts
