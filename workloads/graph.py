"""Networks before lowering: nodes over named tensors of shape (channels, height, width), one image at a time.

Importers and builders speak to `NetworkBuilder`; shapes are worked out as nodes are added, and a node that
does not fit raises ValueError with what would be right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

MOST = 2**20  # of anything counted in a layer: what is more is a slip of the pen
MOST_VALUES = 2**32  # of a tensor: the addresses that a job may use, in bytes


class Shape(NamedTuple):
    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.channels}x{self.height}x{self.width}"

    @property
    def elements(self) -> int:
        return self.channels * self.height * self.width


class Window(NamedTuple):
    """A sliding window: kernel of a convolution or of a pooling."""

    height: int = 1
    width: int = 1
    stride_y: int = 1
    stride_x: int = 1
    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0
    dilation_y: int = 1
    dilation_x: int = 1

    @property
    def reach_y(self) -> int:
        """Input lines that one output line sees."""
        return (self.height - 1) * self.dilation_y + 1

    @property
    def reach_x(self) -> int:
        return (self.width - 1) * self.dilation_x + 1

    def output(self, height: int, width: int) -> tuple[int, int]:
        return (
            (height + self.top + self.bottom - self.reach_y) // self.stride_y + 1,
            (width + self.left + self.right - self.reach_x) // self.stride_x + 1,
        )


ONE_PIXEL = Window()


class CoreWork(NamedTuple):
    """What a layer on a core has beside its values; fields as those of `Node`."""

    macs: int = 0
    weights: int = 0
    parameters: str = ""
    why: str = ""
    operands: int = 0


@dataclass(frozen=True)
class Node:
    """One layer. ``kind`` says which of the other fields mean something."""

    name: str
    kind: str  # conv deconv fc pool scale activation eltwise concat upsample lrn softmax yolo slice view cpu
    inputs: tuple[str, ...]
    output: str
    window: Window = ONE_PIXEL
    kernels: int = 0  # conv, deconv, fc
    groups: int = 1
    bias: bool = False
    function: str = (
        ""  # activation: relu, leaky, sigmoid, ...; pool: max, average; eltwise: add, mul; cpu: name
    )
    factor: int = 1  # upsample: scale; lrn: window in channels
    first_channel: int = 0  # slice
    images: int = 1  # conv, deconv, pool: images that lie one below the other in a tensor's height
    macs: int = 0  # cpu: multiply-accumulates
    weights: int = 0  # cpu: values of its constant operand
    operands: int = 0  # cpu: values of other constants that it reads
    parameters: str = ""  # the constant operand, where layers share one; its own otherwise
    operator: str = ""  # the word that the source has for it
    why: str = ""  # cpu: why a core does it


@dataclass
class Network:
    name: str
    inputs: list[str]
    tensors: dict[str, Shape]
    nodes: list[Node]
    outputs: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # what is only approximated
    notes: list[str] = field(default_factory=list)  # what was folded, left out or filled in, exactly
    dims: dict[str, tuple[int, ...]] = field(default_factory=dict)  # shapes as the source has them

    def finish(self) -> "Network":
        """Fill in ``outputs`` (what nobody reads) where the source names none."""
        if not self.outputs:
            read = {name for node in self.nodes for name in node.inputs}
            self.outputs = [node.output for node in self.nodes if node.output not in read]
        return self


def node_macs(network: Network, node: Node) -> int:
    """Return the multiply-accumulates of a node, without any padding of channels."""
    shape, source = network.tensors[node.output], network.tensors[node.inputs[0]]
    if node.kind == "conv":
        return shape.elements * node.window.height * node.window.width * (source.channels // node.groups)
    if node.kind == "deconv":
        return source.elements * node.window.height * node.window.width * (node.kernels // node.groups)
    if node.kind == "fc":
        return source.elements * node.kernels
    return node.macs


def node_weights(network: Network, node: Node) -> int:
    """Return the values of a node's kernels or matrix: no biases, no normalisation, no padding."""
    source, taps = network.tensors[node.inputs[0]], node.window.height * node.window.width
    if node.kind in ("conv", "deconv"):
        return node.kernels * taps * (source.channels // node.groups)
    if node.kind == "fc":
        return node.kernels * source.elements
    return node.weights


def network_weights(network: Network) -> int:
    """Return the weights of all nodes, those that several share once."""
    shared = {node.parameters: node_weights(network, node) for node in network.nodes if node.parameters}
    return sum(shared.values()) + sum(node_weights(network, n) for n in network.nodes if not n.parameters)


class NetworkBuilder:
    """Adds nodes one by one; every method returns the name of the tensor it makes."""

    def __init__(self, name: str):
        self.network = Network(name, [], {}, [])
        self.operator = ""  # the source's word for what is being added

    def shape(self, tensor: str) -> Shape:
        return self.network.tensors[tensor]

    def input(self, name: str, channels: int, height: int, width: int) -> str:
        self._check_size(name, Shape(channels, height, width))
        self.network.inputs.append(name)
        self.network.tensors[name] = Shape(channels, height, width)
        return name

    def _check_size(self, name: str, shape: Shape) -> None:
        if shape.elements > MOST_VALUES:
            raise ValueError(f"{name}: {shape} is {shape.elements} values; at most {MOST_VALUES} fit memory")

    def add(self, node: Node, shape: Shape) -> str:
        if min(shape) < 1:
            raise ValueError(
                f"{node.name}: output would be {shape}; its kernel is larger than its padded input"
            )
        self._check_size(node.name, shape)
        if node.output in self.network.tensors:
            raise ValueError(f"{node.name}: tensor {node.output!r} is made twice; names must differ")
        self.network.nodes.append(replace(node, operator=node.operator or self.operator))
        self.network.tensors[node.output] = shape
        return node.output

    def conv(
        self,
        name: str,
        source: str,
        kernels: int,
        window: Window,
        groups: int = 1,
        bias: bool = True,
        output: str = "",
        images: int = 1,
        parameters: str = "",
    ) -> str:
        channels, height, width = self.shape(source)
        self._check_groups(name, channels, kernels, groups)
        node = Node(name, "conv", (source,), output or name, window, kernels, groups, bias)
        node = replace(node, images=images, parameters=parameters)
        high, wide = window.output(height // images, width)
        return self.add(node, Shape(kernels, high * images, wide))

    @staticmethod
    def _check_groups(name: str, channels: int, kernels: int, groups: int) -> None:
        if groups < 1 or channels % groups or kernels % groups:
            raise ValueError(
                f"{name}: {channels} channels and {kernels} kernels do not divide into groups={groups}"
            )

    def deconv(
        self,
        name: str,
        source: str,
        kernels: int,
        window: Window,
        groups: int = 1,
        bias: bool = True,
        output: str = "",
        images: int = 1,
        parameters: str = "",
    ) -> str:
        channels, height, width = self.shape(source)
        self._check_groups(name, channels, kernels, groups)
        out_height = (height // images - 1) * window.stride_y + window.reach_y - window.top - window.bottom
        out_width = (width - 1) * window.stride_x + window.reach_x - window.left - window.right
        node = Node(name, "deconv", (source,), output or name, window, kernels, groups, bias)
        node = replace(node, images=images, parameters=parameters)
        return self.add(node, Shape(kernels, out_height * images, out_width))

    def fc(
        self, name: str, source: str, kernels: int, bias: bool = True, output: str = "", parameters: str = ""
    ) -> str:
        node = Node(name, "fc", (source,), output or name, kernels=kernels, bias=bias, parameters=parameters)
        return self.add(node, Shape(kernels, 1, 1))

    def pool(
        self, name: str, source: str, function: str, window: Window, output: str = "", images: int = 1
    ) -> str:
        channels, height, width = self.shape(source)
        node = Node(name, "pool", (source,), output or name, window, function=function, images=images)
        high, wide = window.output(height // images, width)
        return self.add(node, Shape(channels, high * images, wide))

    def global_pool(self, name: str, source: str, function: str, output: str = "", images: int = 1) -> str:
        _, height, width = self.shape(source)
        return self.pool(name, source, function, Window(height // images, width), output, images)

    def eltwise(self, name: str, sources: Sequence[str], function: str = "add", output: str = "") -> str:
        """Every operand after the first has its shape, or one value a channel."""
        shapes = [self.shape(source) for source in sources]
        if any(shape not in (shapes[0], Shape(shapes[0].channels, 1, 1)) for shape in shapes):
            found = ", ".join(map(str, sorted(set(shapes))))
            raise ValueError(f"{name}: inputs of shapes {found}; they must be equal")
        return self.add(Node(name, "eltwise", tuple(sources), output or name, function=function), shapes[0])

    def concat(self, name: str, sources: Sequence[str], output: str = "") -> str:
        shapes = [self.shape(source) for source in sources]
        if len({(shape.height, shape.width) for shape in shapes}) > 1:
            raise ValueError(
                f"{name}: inputs of shapes {', '.join(map(str, shapes))}; heights and widths must be equal"
            )
        total = sum(shape.channels for shape in shapes)
        return self.add(
            Node(name, "concat", tuple(sources), output or name),
            Shape(total, shapes[0].height, shapes[0].width),
        )

    def slice(self, name: str, source: str, first_channel: int, channels: int, output: str = "") -> str:
        have, height, width = self.shape(source)
        if first_channel < 0 or channels < 1 or first_channel + channels > have:
            raise ValueError(f"{name}: channels {first_channel} to {first_channel + channels} of {have}")
        node = Node(name, "slice", (source,), output or name, first_channel=first_channel)
        return self.add(node, Shape(channels, height, width))

    def upsample(self, name: str, source: str, factor: int, output: str = "") -> str:
        channels, height, width = self.shape(source)
        node = Node(name, "upsample", (source,), output or name, factor=factor)
        return self.add(node, Shape(channels, height * factor, width * factor))

    def same_shape(
        self, name: str, kind: str, source: str, function: str = "", factor: int = 1, output: str = ""
    ) -> str:
        """Add an activation, scale (batch normalisation), lrn, softmax or yolo node."""
        node = Node(name, kind, (source,), output or name, function=function, factor=factor)
        return self.add(node, self.shape(source))

    def view(self, name: str, source: str, shape: Shape, output: str = "", function: str = "") -> str:
        """See a tensor in another shape. ``function`` "pixels": every channel keeps its values in order."""
        if shape.elements != self.shape(source).elements:
            raise ValueError(
                f"{name}: {self.shape(source)} cannot be seen as {shape}: the number of elements differs"
            )
        return self.add(Node(name, "view", (source,), output or name, function=function), shape)

    def cpu(
        self,
        name: str,
        function: str,
        sources: Sequence[str],
        shape: Shape,
        output: str = "",
        work: CoreWork | None = None,
    ) -> str:
        """Add work for a core that the accelerator cannot do."""
        node = Node(name, "cpu", tuple(sources), output or name, function=function)
        return self.add(replace(node, **(work or CoreWork())._asdict()), shape)

    def finish(self) -> Network:
        return self.network.finish()
