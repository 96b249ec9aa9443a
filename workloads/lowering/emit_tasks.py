"""Layers and conversions that a core does: memory traffic from the shapes, cycles from a table.

The steps are those of the published YOLOv3 runs on this accelerator (networks/reference/README.md): the
core quantises the image, copies between submissions, upsamples, converts to floating point, and computes
the detection heads. Cycles per element are those of an in-order core, one table, here.
"""

from typing import NamedTuple

from workloads.graph import Network, Shape
from workloads.lowering.fuse import Stage
from workloads.lowering.layout import Cube
from workloads.lowering.record import Place, Recorder, Touch, place, touch

FLOAT_BYTES = 4


class Cost(NamedTuple):
    cycles: float  # of the core's clock, per unit
    unit: str  # "element", or "atom": a copy of one memory atom
    parallel: bool  # OpenMP loop in the published software


# All assumed: no source states them; to be calibrated once for a system. The order of magnitude is that of
# compiled scalar loops on a five-stage in-order core with a pipelined FPU (load-use 2, FP add/multiply 4).
COSTS = {
    "quantise": Cost(18, "element", False),  # scale, round, clamp, fp32 -> int8
    "interleave": Cost(12, "element", True),  # planar to pixel or surface layout, address arithmetic
    "memcpy": Cost(0.25, "element", False),  # 8 B load and store: 2 cycles
    "upsample": Cost(24, "atom", False),  # memcpy call of one atom
    "dequantise": Cost(24, "element", True),  # int8 -> fp32, surface to planar
    "repack": Cost(12, "element", False),
    "reshape": Cost(12, "element", False),
    "transpose": Cost(12, "element", False),
    "yolo": Cost(156, "element", True),  # logistic in double precision: exp, division; calibrated, 90 .. 250
    "softmax": Cost(90, "element", True),
    "pool": Cost(12, "element", True),
    "": Cost(12, "element", False),  # anything else, per output element and per input element
}
INT8_FUNCTIONS = ("memcpy", "upsample", "repack", "reshape", "transpose", "slice", "pad", "depth_to_space")


def compute_cycles(function: str, elements: int, atom: int, threads: int) -> int:
    cost = COSTS.get(function, COSTS[""])
    units = elements if cost.unit == "element" else -(-elements // atom)
    return max(1, round(units * cost.cycles / (threads if cost.parallel else 1)))


class HostEmitter:
    """Writes tasks for a core; knows of every tensor whether it exists as INT8, as fp32 or both."""

    def __init__(
        self,
        recorder: Recorder,
        network: Network,
        cubes: dict[str, Cube],
        threads: int,
        on_bytes: tuple[str, ...] = INT8_FUNCTIONS,
    ):
        """``on_bytes``: functions that a core does without converting to fp32."""
        self.recorder, self.network, self.cubes, self.threads = recorder, network, cubes, threads
        self.on_bytes = on_bytes
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
        if not staging:
            self._task("interleave", elements, (planar, elements), cube)
            return
        ready = self.recorder.buffer(f"{name}.ready", size)
        self._task("interleave", elements, (planar, elements), (ready, size))
        self._task("memcpy", size, (ready, size), cube)

    def stage(self, stage: Stage, layer: int, wanted_int8: bool) -> None:
        """Work of one node on a core. ``wanted_int8``: the accelerator or an INT8 step reads the result."""
        self.layer = layer
        node = stage.node
        function = node.function if node.kind == "cpu" else node.kind
        shape = self.network.tensors[stage.output]
        if function in self.on_bytes:
            reads = [self.cubes[name] for name in stage.inputs]
            for number, cube in enumerate(reads):
                last = number == len(reads) - 1
                elements = self.cubes[stage.output].bytes if last else cube.bytes
                self._task(function, elements, cube, self.cubes[stage.output] if last else None)
            return
        for name in stage.inputs:
            self.to_float(name)
        target = self.recorder.buffer(f"{stage.output}.fp32", shape.elements * FLOAT_BYTES)
        if function in ("yolo", "softmax"):  # in place in the published software
            target = self.as_float[stage.inputs[0]]
        for number, name in enumerate(stage.inputs):
            size = self.network.tensors[name].elements * FLOAT_BYTES
            out = (target, shape.elements * FLOAT_BYTES) if number == len(stage.inputs) - 1 else None
            elements = max(shape.elements, self.network.tensors[name].elements)
            self._task(function, elements, (self.as_float[name], size), out)
        self.as_float[stage.output] = target
        if wanted_int8:
            self.to_int8(stage.output, shape)

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
        reads: "Cube | tuple[str, int]",
        writes: "Cube | tuple[str, int] | None",
    ) -> None:
        read_at, read_bytes, read_touch = _range(reads, False)
        touches = [read_touch]
        write_at, write_bytes = read_at, 0
        if writes is not None:
            write_at, write_bytes, write_touch = _range(writes, True)
            touches.append(write_touch)
        atom = reads.atom if isinstance(reads, Cube) else 1  # costs by the atom are those of cubes
        self.recorder.task(
            touches,
            read_address=read_at,
            read_bytes=read_bytes,
            write_address=write_at,
            write_bytes=write_bytes,
            compute_cycles=compute_cycles(function, elements, atom, self.threads),
            layer=self.layer,
        )


def _range(where: "Cube | tuple[str, int]", write: bool) -> tuple[Place, int, Touch]:
    if isinstance(where, Cube):
        return place(where), where.bytes, touch(where, write)
    return Place(where[0]), where[1], Touch(where[0], write)
