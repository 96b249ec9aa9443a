"""Launches and memory contents of a lowered network, step by step."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hw_models.errors import ConfigError
from hw_models.nvdla.encode import Fields, launch_of
from hw_models.nvdla.launch import Launch
from hw_models.nvdla.values.cubes import Cube as StoredCube
from hw_models.nvdla.values.cubes import read_cube, write_cube
from hw_models.nvdla.values.execute import Executor
from hw_models.nvdla.values.memory import Memory
from hw_models.nvdla.values.packing import pack_weights
from workloads.graph import Node
from workloads.lowering.layout import Cube
from workloads.lowering.record import Origin
from workloads.program import On, Program
from workloads.values.host import compute
from workloads.values.postprocess import Post, PostMaker
from workloads.values.quantisation import Quantisation

AVERAGE, MAXIMUM, ONE = 0, 1, 1 << 16  # pooling methods; 1 in a reciprocal
OPERANDS = (("x1", "x1_address"), ("x2", "x2_address"), ("y", "y_address"))


@dataclass
class Step:
    """One step of the program: a launch, or work of a core (an origin) that makes values."""

    number: int
    launch: Launch | None
    origin: Origin | None


class ValuePlan:
    """Values of a lowered program; ``memory`` has its constants from the start."""

    def __init__(self, program: Program, preset: Mapping[str, int], quantisation: Quantisation):
        if not program.origins:
            raise ConfigError("values of this kind of network are not computed", key="network")
        _check_nodes([node for origin in program.origins.values() for node in origin.nodes])
        self.program, self.preset, self.quantisation = program, preset, quantisation
        self.memory = Memory()
        self.floats: dict[str, np.ndarray] = {}  # tensors that a core holds as real numbers
        self.written: set[int] = set()
        self.steps = [self._step(number) for number in range(len(program.steps))]

    def _step(self, number: int) -> Step:
        step = self.program.steps[number]
        origin = self.program.origins.get(number)
        if step["on"] != On.ACCELERATOR or origin is None:
            return Step(number, None, origin)
        return Step(number, self._launch(self.program.ops[step["index"]], origin), origin)

    def _launch(self, op: np.void, origin: Origin) -> Launch:
        extra: Fields = {}
        tables = {}
        if origin.kind in ("conv", "sdp", "copy"):
            post = self._post(op, origin)
            extra["SDP"] = post.sdp
            if post.reader:
                extra["SDP_RDMA"] = post.reader
            if post.tables is not None:
                tables["SDP"] = post.tables
        pool = origin.pool if origin.kind == "conv" else origin.nodes[0] if origin.kind == "pool" else None
        if pool is not None:
            extra["PDP"] = self._pooling(pool, origin)
        if origin.kind == "lrn":
            raise ConfigError(f"layer {origin.nodes[0].name!r}: values of LRN are not computed", key="values")
        if origin.kind == "rubik":
            node, source = origin.nodes[0], self.program.cubes[origin.inputs[0]].shape
            step = self.program.cubes[origin.output].shape.height // source.height
            channels = self.program.cubes[origin.output].shape.channels
            extra["RBK"] = {
                "DECONV_X_STRIDE": step - 1,
                "DECONV_Y_STRIDE": step - 1,
                "DATAOUT_CHANNEL": channels - 1,
            }
            assert node.function == "depth_to_space"
        try:
            return launch_of(op, self.preset, extra, tables)
        except ValueError as error:
            raise ConfigError(f"layer {origin.nodes[0].name!r}: {error}", key="values") from None

    # SDP: where its numbers come from

    def _post(self, op: np.void, origin: Origin) -> Post:
        source = self.program.cubes[origin.inputs[0]]
        made = origin.pool.inputs[0] if origin.pool is not None else origin.output
        node = origin.nodes[0]
        kernels = int(op["out_channels"])
        unit = np.full(kernels, self.quantisation.scale(origin.inputs[0]))
        bias: np.ndarray | None = None
        if origin.kind == "conv":
            channels = source.shape.channels
            first, last = origin.first_kernel, min(origin.first_kernel + kernels, node.kernels)
            scales = self.quantisation.weight_scales(self._dense(node, source), channels)
            unit[: last - first] *= scales[first:last]
            unit[last - first :] *= scales[-1]
            if node.bias or any(n.kind == "scale" for n in origin.nodes):
                bias = np.zeros(kernels)
                bias[: last - first] = self.quantisation.bias(node, channels)[first:last]
            self._weights(op, origin, self._dense(node, source), source)
        post = PostMaker(origin, self.quantisation, unit, made).make(bias)
        for key, address in OPERANDS:
            if key in post.operands:
                self.memory.write(int(op[address]), post.operands[key])
        return post

    def _dense(self, node: Node, source: Cube) -> Node:
        """Return a fully connected layer as the convolution that it is."""
        if node.kind != "fc":
            return node
        window = node.window._replace(height=source.shape.height, width=source.shape.width)
        return Node(node.name, "conv", node.inputs, node.output, window, node.kernels, 1, node.bias)

    def _weights(self, op: np.void, origin: Origin, node: Node, source: Cube) -> None:
        """Store a launch's weights, with zeros where channels or groups leave gaps."""
        if int(op["weights"]) in self.written:
            return
        self.written.add(int(op["weights"]))
        channels = self._logical_channels(source)
        weights = self.quantisation.weights(node, channels)
        kernels, rows, columns = int(op["kernels"]), node.window.height, node.window.width
        stored = np.zeros((kernels, rows, columns, int(op["channels"])), np.int8)
        places = np.array(stored_channels(source)) - origin.first_channel
        group_channels, group_kernels = channels // node.groups, max(1, node.kernels // node.groups)
        for k in range(min(kernels, node.kernels - origin.first_kernel)):
            kernel = origin.first_kernel + k
            first = kernel // group_kernels * group_channels
            stored[k][:, :, places[first : first + group_channels]] = weights[kernel].transpose(1, 2, 0)
        if op["image"]:
            stored = stored.reshape(kernels, rows, 1, -1)
        packed = pack_weights(stored, self.preset["atomic_c"], self.preset["atomic_k"])
        self.memory.write(int(op["weights"]), packed)

    def _logical_channels(self, source: Cube) -> int:
        return sum(source.segments)

    def _pooling(self, node: Node, origin: Origin) -> dict[str, int]:
        source, output = (self.quantisation.scale(name) for name in (node.inputs[0], node.output))
        if node.function != "average":
            if not np.isclose(source, output):
                message = f"layer {node.name!r}: a maximum cannot change the scale; quantise both sides alike"
                raise ConfigError(message, key="values")
            return {"POOLING_METHOD": MAXIMUM}
        window = node.window
        across = round(ONE / window.width * source / output)
        return {
            "POOLING_METHOD": AVERAGE,
            "RECIP_KERNEL_WIDTH": across,
            "RECIP_KERNEL_HEIGHT": round(ONE / window.height),
        }

    # running

    def run(self) -> Iterator[Step]:
        """Execute step after step; yields each when it is done."""
        executor = Executor(self.preset, self.memory)
        for step in self.steps:
            if step.launch is not None:
                executor.run(step.launch)
            elif step.origin is not None:
                compute(self, step.origin)
            yield step

    def stored(self, cube: Cube) -> StoredCube:
        """Return where a cube lies. Image cubes have their pixels side by side."""
        address = self.program.memory.tensors[cube.buffer][0] + cube.offset
        shape = cube.shape
        return StoredCube(
            address, shape.width, shape.height, cube.stored_channels, cube.line_stride, cube.surface_stride
        )

    def read(self, tensor: str) -> np.ndarray:
        """Return a tensor, shape (height, width, channels) int8."""
        cube = self.program.cubes[tensor]
        place = self.stored(cube)
        if not cube.pixels:
            return read_cube(self.memory, place, cube.atom)[:, :, stored_channels(cube)]
        row = cube.shape.width * cube.shape.channels
        rows = [self.memory.read(place.address + y * cube.line_stride, row) for y in range(cube.shape.height)]
        pixels = np.stack(rows).view(np.int8).reshape(cube.shape.height, cube.shape.width, -1)
        return pixels[:, :, : sum(cube.segments)]

    def write(self, tensor: str, data: np.ndarray) -> None:
        """Store a tensor (height, width, channels) int8 where its cube lies."""
        cube = self.program.cubes[tensor]
        place = self.stored(cube)
        if not cube.pixels:
            stored = np.zeros((*data.shape[:2], cube.stored_channels), np.int8)
            stored[:, :, stored_channels(cube)] = data
            write_cube(self.memory, place, stored, cube.atom)
            return
        pixels = np.zeros((cube.shape.height, cube.shape.width, cube.shape.channels), np.int8)
        pixels[:, :, : data.shape[2]] = data
        for y in range(cube.shape.height):
            self.memory.write(place.address + y * cube.line_stride, pixels[y])


def _check_nodes(nodes: Iterable[Node]) -> None:
    """Raise ConfigError for a batch, and for weights that layers share: neither has values here."""
    owners: dict[str, str] = {}
    for node in nodes:
        if node.images > 1:
            message = f"layer {node.name!r}: values of a batch are not computed; export it for one image"
            raise ConfigError(message, key="network")
        other = owners.setdefault(node.parameters or node.name, node.name)
        if node.parameters and node.kind in ("conv", "fc") and other != node.name:
            message = f"layers {other!r} and {node.name!r} share weights; values of such are not computed"
            raise ConfigError(message, key="network")


def stored_channels(cube: Cube) -> list[int]:
    """Return where each channel lies among those stored."""
    places: list[int] = []
    at = 0
    for channels in cube.segments:
        places += range(at, at + channels)
        at += -(-channels // cube.atom) * cube.atom
    return places
