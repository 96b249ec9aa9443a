"""From a network to a program of a systolic array: convolutions and full connections; a core has the rest.

Feature maps lie pixel by pixel, all channels of a pixel side by side. A scale and an activation of the ReLU
family behind a convolution are done on the way out of the array.
"""

from itertools import product

from hw_models.systolic.op import OP
from hw_models.systolic.params import Systolic
from workloads.graph import Network, Node, Window
from workloads.lowering.account import add_account
from workloads.lowering.assemble import assemble
from workloads.lowering.costs import INT8_FUNCTIONS
from workloads.lowering.emit_ops import MacShares
from workloads.lowering.emit_tasks import HostEmitter
from workloads.lowering.fuse import Stage
from workloads.lowering.homes import Homes
from workloads.lowering.layout import Cube, feature_cube
from workloads.lowering.lower import LoweringOptions, NeedsCore
from workloads.lowering.record import Place, Recorder, touch
from workloads.lowering.rewrite import transposed
from workloads.program import Layer, Program
from workloads.systolic.cut import Convolution, Cut, cut_convolution

ON_THE_WAY_OUT = ("", "linear", "identity", "relu", "relu6", "clip", "leaky", "prelu")
ON_BYTES = (*INT8_FUNCTIONS, "eltwise", "pool", "activation", "scale")  # by a core, without fp32
REGISTERS = 24  # written for one launch: the fields of an operation; assumed


def lower_network(
    network: Network,
    array: Systolic,
    options: LoweringOptions,
    base_address: int = 0,
    homes: Homes | None = None,
) -> Program:
    """Return the program of one image. Raises NeedsCore for a layer that only a core can do, without one."""
    return _Lowering(network, array, options).program(base_address, homes)


class _Lowering:
    def __init__(self, network: Network, array: Systolic, options: LoweringOptions):
        self.network, self.array, self.options = network, array, options
        self.nodes = [
            part
            for node in network.nodes
            for part in (transposed(network, node) if node.kind == "deconv" else [node])
        ]
        self.readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                self.readers.setdefault(name, []).append(node)
        self.layers = [Layer(name, "input") for name in network.inputs]
        self.layers += [Layer(node.name, node.function or node.kind) for node in self.nodes]
        self.recorder = Recorder(dtype=OP)
        self.cubes: dict[str, Cube] = {}
        self.host = HostEmitter(self.recorder, network, self.cubes, options.threads, options.simd, ON_BYTES)
        self.folded: dict[str, str] = {}  # nodes done on the way out of an earlier one -> that one

    def program(self, base_address: int, homes: Homes | None) -> Program:
        for number, name in enumerate(self.network.inputs):
            self._cube(name)
            if self.options.core:
                self.host.layer = number
                self.host.network_input(name, staging=False)
        for number, node in enumerate(self.nodes, len(self.network.inputs)):
            if node.name not in self.folded:
                self._node(node, number)
        for name in self.network.outputs if self.options.core else ():
            self.host.to_float(name)
            self.recorder.results.add(self.host.as_float[name])
        program = assemble(
            self.network.name,
            self.layers,
            self.recorder,
            self.options.planner,
            self.options.dependencies,
            base_address,
            list(self.network.warnings),
            homes=homes,
        )
        return add_account(program, self.network, self.folded, self.recorder, "the array", {0: "array"})

    def _cube(self, name: str, buffer: str = "") -> Cube:
        """Return the cube of a tensor, in a buffer of its own unless one is given."""
        shape = self.network.tensors[name]
        cube = feature_cube(buffer or name, shape, shape.channels)
        self.recorder.buffer(cube.buffer, cube.bytes)
        self.cubes[name] = cube
        return cube

    def _node(self, node: Node, layer: int) -> None:
        if node.kind == "view":
            self._cube(node.output, self.cubes[node.inputs[0]].buffer)
            self.host.view(Stage("view", [node], list(node.inputs), node.output))
            return
        if node.kind in ("conv", "fc"):
            conv = self._convolution(node)
            cut = cut_convolution(conv, self.array)
            if cut is not None:
                self._launch(node, layer, conv, cut)
                return
            self.network.warnings.append(
                f"layer {node.name!r} fits the scratchpads of the array in no cut; a core does it"
            )
        if not self.options.core:
            raise NeedsCore(f"layer {node.name!r} ({node.function or node.kind}) needs a core")
        self._cube(node.output)
        wanted = any(
            reader.kind != "cpu" or reader.function in ON_BYTES
            for reader in self.readers.get(node.output, [])
        )
        self.host.stage(Stage("host", [node], list(node.inputs), node.output), layer, wanted)

    def _convolution(self, node: Node) -> Convolution:
        """Return one group of a convolution; a fully connected layer sees one pixel of all its inputs."""
        shape = self.network.tensors[node.inputs[0]]
        if node.kind == "fc":
            return Convolution(shape.elements, 1, 1, node.kernels, Window())
        groups = node.groups
        return Convolution(
            shape.channels // groups,
            shape.height // node.images,
            shape.width,
            node.kernels // groups,
            node.window,
        )

    def _launch(self, node: Node, layer: int, conv: Convolution, cut: Cut) -> None:
        """One operation for every group of a convolution, of every image."""
        source, output = self.cubes[node.inputs[0]], self._cube(self._on_the_way_out(node))
        pixel = conv.channels * node.groups
        lines, columns = conv.out
        size = conv.taps * conv.channels * conv.kernels
        macs = MacShares(node, size * lines * columns * node.groups)
        owner = node.parameters or node.name
        self.recorder.stored_weights[layer] = size * node.groups
        for image, group in product(range(node.images), range(node.groups)):
            self.recorder.op(
                0,
                [touch(source, False), touch(output, True)],
                src=Place(
                    source.buffer,
                    source.offset + image * pixel * conv.width * conv.height + group * conv.channels,
                ),
                width=conv.width,
                height=conv.height,
                channels=conv.channels,
                src_pixel_stride=pixel,
                src_line_stride=pixel * conv.width,
                kernel_height=conv.window.height,
                kernel_width=conv.window.width,
                stride_x=conv.window.stride_x,
                stride_y=conv.window.stride_y,
                dilation_x=conv.window.dilation_x,
                dilation_y=conv.window.dilation_y,
                pad_left=conv.window.left,
                pad_top=conv.window.top,
                kernels=conv.kernels,
                weights=self.recorder.constant(f"{owner}.weights.{group}", size),
                weight_bytes=size,
                out_width=columns,
                out_height=lines,
                dst=Place(output.buffer, image * node.kernels * columns * lines + group * conv.kernels),
                dst_pixel_stride=node.kernels,
                dst_line_stride=node.kernels * columns,
                **cut._asdict(),
                layer=layer,
                macs=macs.next(size * lines * columns),
                registers=REGISTERS,
            )

    def _on_the_way_out(self, node: Node) -> str:
        """Fold what follows a convolution into it; return the tensor that it leaves in memory."""
        name = node.output
        while name not in self.network.outputs and len(self.readers.get(name, [])) == 1:
            follower = self.readers[name][0]
            fits = follower.kind == "scale" or (
                follower.kind == "activation" and follower.function in ON_THE_WAY_OUT
            )
            if not fits:
                break
            self.folded[follower.name] = node.name
            name = follower.output
        return name
