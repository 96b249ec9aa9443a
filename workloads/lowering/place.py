"""Where tensors lie: which buffer, which surfaces of it, with which gaps between runs of channels."""

from dataclasses import dataclass, field, replace

from workloads.graph import Network, Node, Shape
from workloads.lowering.cbuf import DoesNotFit
from workloads.lowering.cut import Cut, cut_convolution
from workloads.lowering.fuse import Sdp, Stage
from workloads.lowering.layout import Cube, feature_cube, merged_segments
from workloads.lowering.target import Target

PIXEL_CHANNELS = {1: 1, 2: 4, 3: 4, 4: 4}  # input channels -> channels stored a pixel (R8, A8B8G8R8)


@dataclass
class Placement:
    stages: list[Stage]
    cubes: dict[str, Cube]
    cuts: dict[str, list[Cut]] = field(default_factory=dict)  # convolutions by node name
    copies: dict[tuple[str, str], Cube] = field(default_factory=dict)  # (concat output, input) -> place in it


def place_tensors(
    stages: list[Stage], network: Network, target: Target, strategy: str, copy: bool
) -> Placement:
    """Return a cube for every tensor. ``copy``: concatenate by copying, else by writing to the place."""
    placer = _Placer(network, target, strategy)
    for stage in stages:
        placer.forward(stage)
    placement = Placement(placer.stages, placer.cubes, placer.cuts)
    _join(placement, network, copy)
    return placement


class _Placer:
    """Walks forward: shapes as stored, gaps, and the copies that a core makes where layouts disagree."""

    def __init__(self, network: Network, target: Target, strategy: str):
        self.network, self.target, self.strategy = network, target, strategy
        self.stages: list[Stage] = []
        self.cubes: dict[str, Cube] = {}
        self.cuts: dict[str, list[Cut]] = {}
        self.pooled: set[str] = set()  # pool nodes done on the fly
        for name in network.inputs:
            self.cubes[name] = self._input_cube(name)

    def _input_cube(self, name: str) -> Cube:
        shape, atom = self.network.tensors[name], self.target.atom_bytes
        readers = [node for node in self.network.nodes if name in node.inputs]
        if shape.channels in PIXEL_CHANNELS and all(n.kind == "conv" and n.groups == 1 for n in readers):
            stored = Shape(PIXEL_CHANNELS[shape.channels], shape.height, shape.width)
            return Cube(name, 0, stored, (shape.channels,), atom, pixels=True)
        return feature_cube(name, shape, atom)

    def forward(self, stage: Stage) -> None:
        kind = stage.kind
        if kind == "pool" and stage.node.name in self.pooled:
            return
        if kind == "view":
            self._view(stage)
        elif kind == "slice":
            self._slice(stage)
            return
        elif kind == "concat":
            stage.inputs = [self._shaped(name) for name in stage.inputs]
            runs = tuple(run for name in stage.inputs for run in self.cubes[name].segments)
            self._make(stage.output, merged_segments(runs, self.target.atom_bytes))
        elif kind == "conv":
            self._convolution(stage)
            return
        elif kind == "rubik":
            stage.inputs = [self._shaped(name) for name in stage.inputs]
            self._make(stage.output, ())
        elif kind in ("sdp", "pool", "lrn", "copy"):
            stage.inputs = self._alike([self._shaped(name) for name in stage.inputs], stage.sdp)
            self._make(stage.output, self.cubes[stage.inputs[0]].segments)
        else:
            self._make(stage.output, ())
        self.stages.append(stage)

    def _make(self, name: str, segments: tuple[int, ...]) -> None:
        shape = self.network.tensors[name]
        self.cubes[name] = feature_cube(name, shape, self.target.atom_bytes, segments)

    def _shaped(self, name: str) -> str:
        """Return ``name``, or a copy of it by a core if it lies in memory in another shape."""
        cube, shape = self.cubes[name], self.network.tensors[name]
        if not cube.pixels and cube.shape == shape:
            return name
        return self._repacked(name, "reshape")

    def _alike(self, names: list[str], sdp: Sdp | None) -> list[str]:
        """Return operands with equal gaps, copied by a core where they differ."""
        if len({self.cubes[name].segments for name in names}) == 1:
            return names
        plain = [n if len(self.cubes[n].segments) == 1 else self._repacked(n, "repack") for n in names]
        for name, copy in zip(names, plain):
            _rename_operand(sdp, name, copy)
        return plain

    def _repacked(self, name: str, function: str) -> str:
        copy = f"{name}.{function}"
        if copy not in self.cubes:
            self.network.tensors[copy] = self.network.tensors[name]
            node = Node(copy, "cpu", (name,), copy, function=function)
            self.stages.append(Stage("host", [node], [name], copy))
            self._make(copy, ())
        return copy

    def _view(self, stage: Stage) -> None:
        """The same bytes; where every channel keeps its values in order, with other lines."""
        cube, shape = self.cubes[stage.inputs[0]], self.network.tensors[stage.output]
        if stage.node.function == "pixels" and not cube.pixels and cube.shape.channels == shape.channels:
            if cube.shape.elements == shape.elements:
                cube = replace(cube, shape=shape, view=cube.view or cube.shape != shape)
        self.cubes[stage.output] = cube

    def _slice(self, stage: Stage) -> None:
        node = stage.node
        source = self.cubes[stage.inputs[0]]
        if node.first_channel % self.target.atom_bytes or len(source.segments) > 1 or source.pixels:
            self._make(stage.output, ())
            self.stages.append(Stage("host", stage.nodes, stage.inputs, stage.output))
            return
        shape = self.network.tensors[stage.output]
        self.cubes[stage.output] = source.at_channel(node.first_channel, shape, (shape.channels,))
        self.stages.append(stage)

    def _convolution(self, stage: Stage) -> None:
        node, residual = stage.node, stage.inputs[1:]
        if node.kind != "fc" and not self.cubes[stage.inputs[0]].pixels:
            stage.inputs[0] = self._shaped(stage.inputs[0])
        source = self.cubes[stage.inputs[0]]
        if node.groups > 1 and len(source.segments) > 1:
            stage.inputs[0] = self._repacked(stage.inputs[0], "repack")
            source = self.cubes[stage.inputs[0]]
        self.cuts[node.name] = cuts = cut_convolution(node, source, self.target, self.strategy)
        for name in residual:
            if len(self.cubes[name].segments) > 1 or self.cubes[name].shape != self.network.tensors[name]:
                self._swap_residual(stage, name)
        apart = cuts[0].kernels_a_surface
        if stage.pool and apart == self.target.atom_bytes and self._pools_behind(stage, source):
            self.pooled.add(stage.pool.name)
            stage.output = stage.pool.output
        else:
            stage.pool = None
        if apart == self.target.atom_bytes:
            self._make(stage.output, ())
            self.stages.append(stage)
            return
        # launches of less than an atom of kernels: each fills a surface of its own, a core packs them
        packed, stage.output = stage.output, f"{stage.output}.apart"
        shape = self.network.tensors[stage.output] = self.network.tensors[packed]
        whole, rest = divmod(shape.channels, apart)
        self._make(stage.output, (apart,) * whole + ((rest,) if rest else ()))
        self.stages.append(stage)
        pack = Node(f"{packed}.pack", "cpu", (stage.output,), packed, function="repack")
        self.stages.append(Stage("host", [pack], [stage.output], packed))
        self._make(packed, ())

    def _pools_behind(self, stage: Stage, source: Cube) -> bool:
        """Pooling on the fly needs whole windows in each launch: all rows, or cuts between windows."""
        node, pool = stage.node, stage.pool
        assert pool is not None
        if node.images > 1 or len({cut.first_column for cut in self.cuts[node.name]}) > 1:
            return False
        if _whole_height(self.cuts[node.name]):
            return True
        window = pool.window
        if self.strategy == "nvidia" or window.height > window.stride_y or window.top:
            return False
        try:
            cuts = cut_convolution(node, source, self.target, self.strategy, window.stride_y)
        except DoesNotFit:
            return False
        self.cuts[node.name] = cuts
        return True

    def _swap_residual(self, stage: Stage, name: str) -> None:
        copy = self._repacked(name, "repack")
        stage.inputs = [stage.inputs[0], *(copy if n == name else n for n in stage.inputs[1:])]
        _rename_operand(stage.sdp, name, copy)


def _whole_height(cuts: list[Cut]) -> bool:
    return all(tile.rows == cut.conv.out_height for cut in cuts for tile in cut.tiles)


def _rename_operand(sdp: Sdp | None, name: str, copy: str) -> None:
    for step in sdp.steps if sdp else ():
        if step.tensor == name:
            step.tensor = copy


def _join(placement: Placement, network: Network, copy: bool) -> None:
    """Move the inputs of concatenations into the output's buffer, the last concatenation first."""
    home = {stage.output: stage for stage in placement.stages}
    aliased = {
        name for s in placement.stages if s.kind in ("view", "slice") for name in (*s.inputs, s.output)
    }
    placed: set[str] = set(network.inputs) | aliased
    for stage in reversed([stage for stage in placement.stages if stage.kind == "concat"]):
        parent, channel = placement.cubes[stage.output], 0
        for name in stage.inputs:
            cube = placement.cubes[name]
            part = parent.at_channel(channel, cube.shape, cube.segments)
            channel += cube.surfaces * cube.atom
            moved = not copy and name not in placed and home[name].kind != "view"
            if moved:
                placement.cubes[name] = replace(cube, buffer=parent.buffer, offset=part.offset)
                placed.add(name)
            else:
                placement.copies[stage.output, name] = part
