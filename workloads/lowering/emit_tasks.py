"""Layers and conversions that a core does: memory traffic from the shapes, cycles from a table.

The steps are those of the published YOLOv3 runs on this accelerator (networks/reference/README.md): the
core quantises the image, copies between submissions, upsamples, converts to floating point, and computes
the detection heads. Cycles per element are those of an in-order core, one table, here.
"""

from workloads.graph import Network, Node, Shape, node_macs, node_weights
from workloads.lowering.costs import COPIES, INT8_FUNCTIONS, PARTS, compute_cycles
from workloads.lowering.fuse import Stage
from workloads.lowering.layout import Cube
from workloads.lowering.record import Origin, Place, Recorder, Touch, place, touch

FLOAT_BYTES = 4


class HostEmitter:
    """Writes tasks for a core; knows of every tensor whether it exists as INT8, as fp32 or both."""

    def __init__(
        self,
        recorder: Recorder,
        network: Network,
        cubes: dict[str, Cube],
        threads: int,
        simd: int = 1,
        on_bytes: tuple[str, ...] = INT8_FUNCTIONS,
    ):
        """``on_bytes``: functions that a core does without converting to fp32."""
        self.recorder, self.network, self.cubes = recorder, network, cubes
        self.threads, self.simd, self.on_bytes = threads, simd, on_bytes
        self.layer = 0
        self.as_float: dict[str, str] = {}  # tensor -> buffer of fp32 values

    def network_input(self, name: str, staging: bool) -> None:
        """Quantise an image and bring it into the accelerator's layout. ``staging``: through a copy."""
        cube = self.cubes[name]
        elements = cube.shape.elements
        raw = self.recorder.buffer(f"{name}.fp32", elements * FLOAT_BYTES)
        planar = self.recorder.buffer(f"{name}.planar", elements)
        size = cube.bytes
        self._task("quantise", elements, (raw, elements * FLOAT_BYTES), (planar, elements))
        if staging:
            ready = self.recorder.buffer(f"{name}.ready", size)
            self._task("interleave", elements, (planar, elements), (ready, size))
            self._task("memcpy", size, (ready, size), cube)
        else:
            self._task("interleave", elements, (planar, elements), cube)
        self.recorder.computes(Origin("input", (), (), name))

    def stage(self, stage: Stage, layer: int, wanted_int8: bool) -> None:
        """Work of one node on a core. ``wanted_int8``: the accelerator or an INT8 step reads the result."""
        self.layer = layer
        node = stage.node
        self.recorder.core_macs += node_macs(self.network, node)
        function = node.function if node.kind == "cpu" else node.kind
        shape = self.network.tensors[stage.output]
        if function in self.on_bytes:
            self._copies(function, stage)
            self._computes(function, stage)
            return
        for name in stage.inputs:
            self.to_float(name)
        self._weights(node)
        target = self.recorder.buffer(f"{stage.output}.fp32", shape.elements * FLOAT_BYTES)
        if function in ("yolo", "softmax"):  # in place in the published software
            target = self.as_float[stage.inputs[0]]
        for number, name in enumerate(stage.inputs):
            last = number == len(stage.inputs) - 1
            values = self.network.tensors[name].elements
            size = (min(values, shape.elements) if function in PARTS else values) * FLOAT_BYTES
            out = (target, shape.elements * FLOAT_BYTES) if last else None
            macs = self._arithmetic(node, shape) if last else 0
            elements = shape.elements if function in PARTS else max(shape.elements, values)
            self._task(function, elements, (self.as_float[name], size), out, macs)
        self.as_float[stage.output] = target
        if wanted_int8:
            self.to_int8(stage.output, shape)
        self._computes(function, stage)

    def _computes(self, function: str, stage: Stage) -> None:
        self.recorder.computes(Origin(function, tuple(stage.nodes), tuple(stage.inputs), stage.output))

    def view(self, stage: Stage) -> None:
        """The same values in the same order: what is there of one is there of the other."""
        if stage.inputs[0] in self.as_float:
            self.as_float[stage.output] = self.as_float[stage.inputs[0]]

    def _copies(self, function: str, stage: Stage) -> None:
        """Move INT8 values: what is not copied whole costs by the value, however it is padded."""
        output, shape = self.cubes[stage.output], self.network.tensors[stage.output]
        for number, name in enumerate(stage.inputs):
            cube, last = self.cubes[name], number == len(stage.inputs) - 1
            whole = output.bytes if last else cube.bytes
            values = shape.elements if last else 0  # of a concatenation: all are counted at its end
            elements = whole if function in COPIES else values
            part = min(cube.bytes, output.bytes) if function in PARTS else cube.bytes
            macs = self._arithmetic(stage.node, shape) if last and function not in INT8_FUNCTIONS else 0
            self._task(function, elements, (cube, part), output if last else None, macs)

    def _weights(self, node: Node) -> None:
        """Read the constants of a layer that a core computes: fp32, as they lie in the file."""
        values = node.weights if node.kind == "cpu" else node_weights(self.network, node)
        if values:
            self.recorder.stored_weights[self.layer] = values * FLOAT_BYTES
            self._constant(f"{node.parameters or node.name}.weights.fp32", values)
        if node.operands:
            self._constant(f"{node.name}.operands.fp32", node.operands)

    def _constant(self, name: str, values: int) -> None:
        at = self.recorder.constant(name, values * FLOAT_BYTES)
        self.recorder.task(
            [],
            read_address=at,
            read_bytes=values * FLOAT_BYTES,
            write_address=at,
            write_bytes=0,
            compute_cycles=1,
            layer=self.layer,
        )

    def _arithmetic(self, node: Node, shape: Shape) -> int:
        """Return the multiply-accumulates, or comparisons and additions, of a layer."""
        if node.kind == "pool":
            return shape.elements * node.window.height * node.window.width
        return node_macs(self.network, node) if node.inputs else 0

    def to_float(self, name: str) -> None:
        """Convert a tensor to planar fp32, once."""
        if name in self.as_float:
            return
        elements = self.network.tensors[name].elements
        self.as_float[name] = self.recorder.buffer(f"{name}.fp32", elements * FLOAT_BYTES)
        self._task("dequantise", elements, self.cubes[name], (self.as_float[name], elements * FLOAT_BYTES))

    def to_int8(self, name: str, shape: Shape) -> None:
        planar = self.recorder.buffer(f"{name}.planar", shape.elements)
        size = shape.elements * FLOAT_BYTES
        self._task("quantise", shape.elements, (self.as_float[name], size), (planar, shape.elements))
        self._task("interleave", shape.elements, (planar, shape.elements), self.cubes[name])

    def _task(
        self,
        function: str,
        elements: int,
        reads: "Where",
        writes: "Where | None",
        macs: int = 0,
    ) -> None:
        read_at, read_bytes, read_touch = _range(reads, False)
        touches = [read_touch]
        write_at, write_bytes = read_at, 0
        if writes is not None:
            write_at, write_bytes, write_touch = _range(writes, True)
            touches.append(write_touch)
        source = reads if isinstance(reads, Cube) else reads[0]
        atom = source.atom if isinstance(source, Cube) else 1  # costs by the atom are those of cubes
        self.recorder.task(
            touches,
            read_address=read_at,
            read_bytes=read_bytes,
            write_address=write_at,
            write_bytes=write_bytes,
            compute_cycles=compute_cycles(function, elements, atom, self.threads, self.simd, macs),
            layer=self.layer,
        )


Where = Cube | tuple[str, int] | tuple[Cube, int]  # a cube, bytes of a buffer, or bytes of a cube


def _range(where: Where, write: bool) -> tuple[Place, int, Touch]:
    if isinstance(where, Cube):
        return place(where), where.bytes, touch(where, write)
    home, size = where
    if isinstance(home, Cube):
        return place(home), size, touch(home, write)
    return Place(home), size, Touch(home, write)
