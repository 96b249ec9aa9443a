"""From stages to rows of the accelerator's operation table."""

from dataclasses import dataclass, replace
from typing import Any

from hw_models.nvdla.op import Operand, Unit
from workloads.graph import Node, Shape
from workloads.lowering.cbuf import Convolution, Tile
from workloads.lowering.cut import Cut
from workloads.lowering.fuse import Sdp, Stage
from workloads.lowering.layout import WEIGHT_ALIGNMENT, Cube, round_up
from workloads.lowering.record import Origin, Place, Recorder, place, touch
from workloads.lowering.target import Target


def _tile_fields(conv: Convolution, tile: Tile) -> dict[str, int]:
    """Return what a convolution's shape says of one of its tiles, wherever its tensors lie."""
    return {
        "width": conv.width,
        "height": tile.lines,
        "channels": conv.channels,
        "image": int(conv.pixels),
        "batch": 1,
        "kernels": tile.kernels,
        "kernel_height": conv.window.height,
        "kernel_width": conv.window.width,
        "stride_x": conv.window.stride_x,
        "stride_y": conv.window.stride_y,
        "pad_left": conv.window.left,
        "pad_right": conv.window.right,
        "pad_top": tile.top,
        "pad_bottom": tile.bottom,
        "dilation_x": conv.window.dilation_x,
        "dilation_y": conv.window.dilation_y,
        "data_banks": tile.data_banks,
        "weight_banks": tile.weight_banks,
        "fetch_grain": 1,
        "release": tile.release,
        "out_width": conv.out_width,
        "out_height": tile.rows,
        "out_channels": tile.kernels,
    }


def _written_rows(stage: Stage, conv: Convolution, tile: Tile, output: Cube) -> tuple[int, int]:
    """Return the rows that a piece leaves in memory: its own, or what pooling makes of them."""
    if stage.pool is None:
        return tile.first_row, tile.rows
    if tile.rows == conv.out_height:
        return 0, output.shape.height
    step = stage.pool.window.stride_y
    first = tile.first_row // step
    last = output.shape.height if tile.first_row + tile.rows == conv.out_height else first + tile.rows // step
    return first, last - first


def _stored(tile: Tile, cut: Cut) -> int:
    """Return the bytes of a launch's weights as they lie in memory."""
    return round_up(tile.kernels * cut.conv.kernel_bytes, WEIGHT_ALIGNMENT)


def _real_macs(node: Node, cut: Cut, tile: Tile) -> int:
    """Return the multiply-accumulates of a launch without those of padded kernels."""
    kernels = min(tile.kernels, node.kernels - cut.block.first_kernel - tile.first_kernel)
    return tile.rows * cut.conv.out_width * kernels * cut.macs_each


class MacShares:
    """Shares the MACs of a layer among its launches, where the layer says how many it has."""

    def __init__(self, node: Node, of_an_image: int):
        self.layer, self.all, self.done = node.macs, of_an_image * node.images, 0

    def next(self, macs: int) -> int:
        before, self.done = self.done, self.done + macs
        if not self.layer:
            return macs
        return self.layer * self.done // self.all - self.layer * before // self.all


def pool_fields(node: Node, output: Cube) -> dict[str, int]:
    window = node.window
    return {
        "pool_width": window.width,
        "pool_height": window.height,
        "pool_stride_x": window.stride_x,
        "pool_stride_y": window.stride_y,
        "pool_pad_left": window.left,
        "pool_pad_right": window.right,
        "pool_pad_top": window.top,
        "pool_pad_bottom": window.bottom,
        "pool_out_width": output.shape.width,
        "pool_out_height": output.shape.height,
    }


@dataclass
class UnitEmitter:
    """Writes the operations of one stage at a time."""

    recorder: Recorder
    target: Target
    strategy: str
    layer_of: dict[str, int]

    def convolution(self, stage: Stage, cuts: list[Cut], cubes: dict[str, Cube]) -> None:
        """One launch for every piece of a convolution, of every image."""
        node, layer = stage.node, self.layer_of[stage.node.name]
        macs = MacShares(node, sum(_real_macs(node, cut, tile) for cut in cuts for tile in cut.tiles))
        for number, cut in enumerate(cuts):
            piece = round_up(cut.tiles[0].kernels * cut.conv.kernel_bytes, WEIGHT_ALIGNMENT)
            pieces = -(-cut.conv.kernels // cut.tiles[0].kernels)
            name = f"{node.parameters or node.name}.weights.{number}.{pieces}x{piece}"
            weights = self.recorder.constant(name, pieces * piece)
            first_of_columns = cut.first_out_column == 0
            stored = sum(_stored(tile, cut) for tile in cut.tiles if tile.first_row == 0 and first_of_columns)
            self.recorder.stored_weights[layer] = self.recorder.stored_weights.get(layer, 0) + stored
            for image in range(node.images):
                for tile in cut.tiles:
                    at = Place(weights.buffer, tile.first_kernel // cut.tiles[0].kernels * piece)
                    self._tile(stage, cut, tile, at, cubes, image, macs.next(_real_macs(node, cut, tile)))

    def _tile(
        self,
        stage: Stage,
        cut: Cut,
        tile: Tile,
        weights: Place,
        cubes: dict[str, Cube],
        image: int,
        macs: int,
    ) -> None:
        node, atom, conv = stage.node, self.target.atom_bytes, cut.conv
        source, output = cubes[stage.inputs[0]], cubes[stage.output]
        kernel = cut.block.first_kernel + tile.first_kernel
        surface = kernel // cut.kernels_a_surface
        first_line = image * conv.height + tile.first_line
        out_line = image * conv.out_height + tile.first_row
        first_row, rows = _written_rows(stage, conv, tile, output)
        first_row += image * conv.out_height
        fields: dict[str, Any] = _tile_fields(conv, tile) | {
            "src": place(source, first_line, cut.block.first_channel // atom, cut.first_column),
            "src_line_stride": source.line_stride,
            "src_surface_stride": source.surface_stride,
            "line_packed": int(not conv.pixels and conv.width == source.shape.width),
            "surface_packed": int(not conv.pixels and (tile.lines, conv.width) == source.shape[1:]),
            "weights": weights,
            "weight_bytes": _stored(tile, cut),
            "dst": place(output, first_row, surface, cut.first_out_column),
            "dst_line_stride": output.line_stride,
            "dst_surface_stride": output.surface_stride,
            "layer": self.layer_of[node.name],
            "macs": macs,
        }
        part = output.at_channel(surface * atom, Shape(tile.kernels, *output.shape[1:]), (tile.kernels,))
        touches = [
            touch(source, False, first_line, tile.lines),
            touch(part, True, first_row, rows),
        ]
        for name in stage.inputs[1:]:
            whole = cubes[name].shape.height == conv.out_height * node.images
            seen = (out_line, tile.rows) if whole else (0, None)
            touches.append(touch(cubes[name], False, *seen))
        if stage.pool is not None:
            fields |= {"pool": 1} | pool_fields(stage.pool, output) | {"pool_out_height": rows}
            if first_row + rows < output.shape.height:
                fields["pool_pad_bottom"] = 0
        assert stage.sdp is not None
        fields |= self.sdp_fields(
            node.name,
            stage.sdp,
            round_up(node.kernels, atom),
            kernel,
            out_line,
            cubes,
            cut.first_out_column,
        )
        origin = Origin(
            "conv",
            tuple(stage.nodes),
            tuple(stage.inputs),
            stage.output,
            stage.sdp,
            stage.pool,
            kernel,
            cut.block.first_channel,
        )
        self.recorder.op(Unit.CONV, touches, origin, **fields)

    def sdp_fields(
        self,
        name: str,
        sdp: Sdp,
        channels: int,
        channel: int,
        first_row: int,
        cubes: dict[str, Cube],
        column: int = 0,
    ) -> dict[str, Any]:
        """Return the x1, x2 and y fields, operands from ``channel``, ``first_row`` and ``column`` on."""
        fields: dict[str, Any] = {"lut": sdp.lut}
        for key, step in zip(("x1", "x2", "y"), sdp.steps):
            fields[key] = int(step.mode)
            fields[f"{key}_bytes"] = step.bytes
            if key != "y":
                fields[f"{key}_relu"] = step.relu
            if step.mode == Operand.PER_KERNEL and step.tensor:
                at = place(cubes[step.tensor])
                fields[f"{key}_address"] = Place(at.buffer, at.offset + channel)
            elif step.mode == Operand.PER_KERNEL:
                constant = self.recorder.constant(f"{name}.{key}", channels * step.bytes)
                fields[f"{key}_address"] = Place(constant.buffer, channel * step.bytes)
            if step.mode == Operand.PER_ELEMENT:
                operand = cubes[step.tensor]
                fields[f"{key}_address"] = place(
                    operand, first_row, channel // self.target.atom_bytes, column
                )
                fields[f"{key}_line_stride"] = operand.line_stride
                fields[f"{key}_surface_stride"] = operand.surface_stride
        return fields

    def memory_to_memory(
        self, unit: Unit, stage: Stage, source: Cube, output: Cube, extra: list[Cube], **fields: Any
    ) -> None:
        """One launch of a unit that reads a cube and writes a cube."""
        inputs = tuple(stage.inputs)
        origin = Origin(stage.kind, tuple(stage.nodes), inputs, stage.output, stage.sdp, cube=output)
        touches = [touch(source, False), touch(output, True), *(touch(cube, False) for cube in extra)]
        self.recorder.op(unit, touches, origin, **(self._moved(stage.node, source, output) | fields))

    def _moved(self, node: Node, source: Cube, output: Cube) -> dict[str, Any]:
        return {
            "width": source.shape.width,
            "height": source.shape.height,
            "channels": source.stored_channels,
            "src": place(source),
            "src_line_stride": source.line_stride,
            "src_surface_stride": source.surface_stride,
            "surface_packed": 1,
            "out_width": output.shape.width,
            "out_height": output.shape.height,
            "out_channels": output.stored_channels,
            "dst": place(output),
            "dst_line_stride": output.line_stride,
            "dst_surface_stride": output.surface_stride,
            "layer": self.layer_of[node.name],
        }

    def sdp(self, stage: Stage, cubes: dict[str, Cube]) -> None:
        assert stage.sdp is not None
        source, output = cubes[stage.inputs[0]], cubes[stage.output]
        fields = self.sdp_fields(stage.node.name, stage.sdp, source.stored_channels, 0, 0, cubes)
        extra = [cubes[name] for name in stage.inputs[1:]]
        self.memory_to_memory(Unit.SDP, stage, source, output, extra, **fields)

    def copy(self, stage: Stage, source: Cube, output: Cube) -> None:
        self.memory_to_memory(Unit.SDP, stage, source, output, [])

    def rubik(self, stage: Stage, source: Cube, output: Cube) -> None:
        """Spread channels over pixels: as many atoms out as in, written through without gaps."""
        packed = replace(output, shape=source.shape, segments=source.segments)
        fields = {"dst_line_stride": packed.line_stride, "dst_surface_stride": packed.surface_stride}
        self.memory_to_memory(Unit.RUBIK, stage, source, output, [], **fields)

    def pool(self, stage: Stage, source: Cube, output: Cube) -> None:
        node = stage.node
        if node.images == 1:
            self.memory_to_memory(Unit.PDP, stage, source, output, [], **pool_fields(node, output))
            return
        lines, rows = source.shape.height // node.images, output.shape.height // node.images
        for image in range(node.images):
            first, out = image * lines, image * rows
            part = {
                "height": lines, "src": place(source, first), "surface_packed": 0,
                "out_height": rows, "dst": place(output, out), "pool_out_height": rows,
            }  # fmt: skip
            touches = [touch(source, False, first, lines), touch(output, True, out, rows)]
            fields = self._moved(node, source, output) | pool_fields(node, output) | part
            self.recorder.op(Unit.PDP, touches, **fields)

    def lrn(self, stage: Stage, source: Cube, output: Cube) -> None:
        size = stage.node.factor
        self.memory_to_memory(Unit.CDP, stage, source, output, [], lrn_size=size, lrn_product=1)
