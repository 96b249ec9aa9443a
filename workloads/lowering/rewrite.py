"""Nodes that the hardware has no launch for, written as nodes that it has.

- a transposed convolution: a convolution that makes stride x stride pixels as channels; a core spreads them.
  Its MACs stay those of the layer: taps that fall outside the kernel are zeros
- pooling over a whole image larger than PDP's window: tiles first, then the tiles
- maximum over a window larger than PDP's at stride 1: several smaller windows behind each other
- x times a function of x (swish, hard swish): one look-up
"""

from dataclasses import replace

from workloads.graph import Network, Node, Shape, Window, node_macs, node_weights
from workloads.lowering.layout import ceil_div
from workloads.lowering.target import Target

POOL_WINDOW_LIMIT = 8  # PDP's kernel registers hold 1 to 8 (NVDLA hardware manual, planar data processor)
GATES = {"sigmoid": "swish", "logistic": "swish", "hardsigmoid": "hardswish"}


def rewritten(network: Network, target: Target) -> list[Node]:
    """Return the network's nodes with those replaced; new tensors are added to ``network.tensors``."""
    nodes: list[Node] = []
    for node in _with_gates(network) if target.lut else network.nodes:
        if node.kind == "deconv":
            nodes.extend(transposed(network, node))
        elif node.kind == "pool" and _pools_a_whole_image(network, node):
            nodes.extend(_two_pools(network, node))
        elif node.kind == "pool" and _chains(node):
            nodes.extend(_chained_pools(network, node))
        else:
            nodes.append(node)
    return nodes


def fits_pdp(node: Node) -> bool:
    window = node.window
    dilated = max(window.dilation_y, window.dilation_x) > 1
    padding_only = max(window.top, window.bottom) >= window.height or (
        max(window.left, window.right) >= window.width
    )
    return not dilated and not padding_only and max(window.height, window.width) <= POOL_WINDOW_LIMIT


def _with_gates(network: Network) -> list[Node]:
    """Return the nodes with every product of a tensor and its own sigmoid as one activation."""
    readers: dict[str, list[Node]] = {}
    for node in network.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    makers = {node.output: node for node in network.nodes}
    gone: set[str] = set()
    swapped: dict[str, Node] = {}
    for node in network.nodes:
        if node.kind != "eltwise" or node.function != "mul" or len(node.inputs) != 2:
            continue
        for source, gated in (node.inputs, node.inputs[::-1]):
            gate = makers.get(gated)
            alone = gate is not None and len(readers[gated]) == 1 and gated not in network.outputs
            if (
                gate
                and alone
                and gate.kind == "activation"
                and gate.inputs == (source,)
                and gate.function in GATES
            ):
                gone.add(gate.name)
                function = GATES[gate.function]
                swapped[node.name] = replace(node, kind="activation", inputs=(source,), function=function)
    return [swapped.get(node.name, node) for node in network.nodes if node.name not in gone]


def transposed(network: Network, node: Node) -> list[Node]:
    window, out = node.window, network.tensors[node.output]
    source = network.tensors[node.inputs[0]]
    pixels = window.stride_y * window.stride_x
    taps_y, taps_x = ceil_div(window.reach_y, window.stride_y), ceil_div(window.reach_x, window.stride_x)
    tall, wide = source.height // node.images, source.width
    high = max(ceil_div(out.height // node.images, window.stride_y), tall - taps_y + 1)
    broad = max(ceil_div(out.width, window.stride_x), wide - taps_x + 1)
    pad_y, pad_x = high + taps_y - 1 - tall, broad + taps_x - 1 - wide
    narrow = Window(taps_y, taps_x, 1, 1, pad_y // 2, pad_y - pad_y // 2, pad_x // 2, pad_x - pad_x // 2)
    inner = f"{node.output}.subpixels"
    network.tensors[inner] = Shape(node.kernels * pixels, high * node.images, broad)
    conv = replace(
        node, kind="conv", output=inner, window=narrow, kernels=node.kernels * pixels,
        macs=node_macs(network, node), weights=node_weights(network, node),
    )  # fmt: skip
    return [conv, Node(f"{node.name}.spread", "cpu", (inner,), node.output, function="depth_to_space")]


def _pools_a_whole_image(network: Network, node: Node) -> bool:
    source = network.tensors[node.inputs[0]]
    whole = (node.window.height, node.window.width) == (source.height // node.images, source.width)
    padded = max(node.window[4:8]) > 0
    return whole and not padded and not fits_pdp(node) and max(node.window[:2]) <= POOL_WINDOW_LIMIT**2


def _two_pools(network: Network, node: Node) -> list[Node]:
    """Padding fills the last tile; the scale of an average is a register."""
    channels, height, width = network.tensors[node.inputs[0]]
    height //= node.images
    tiles_y, tiles_x = ceil_div(height, POOL_WINDOW_LIMIT), ceil_div(width, POOL_WINDOW_LIMIT)
    tall, wide = ceil_div(height, tiles_y), ceil_div(width, tiles_x)
    bottom, right = tall * tiles_y - height, wide * tiles_x - width
    inner = f"{node.output}.tiles"
    network.tensors[inner] = Shape(channels, tiles_y * node.images, tiles_x)
    first = Window(tall, wide, tall, wide, 0, bottom, 0, right)
    tiles = replace(node, name=f"{node.name}.tiles", output=inner, window=first)
    return [tiles, replace(node, inputs=(inner,), window=Window(tiles_y, tiles_x))]


def _chains(node: Node) -> bool:
    size = node.window.height
    same = Window(size, size, 1, 1, *(size // 2,) * 4)
    return node.function == "max" and not fits_pdp(node) and size % 2 == 1 and node.window == same


def _chained_pools(network: Network, node: Node) -> list[Node]:
    """A maximum over n is one over n - 6 behind one over 7: edges are minus infinity in all of them."""
    nodes: list[Node] = []
    source, left = node.inputs[0], node.window.height - 1
    while left > POOL_WINDOW_LIMIT - 2:
        inner = f"{node.output}.{left}"
        network.tensors[inner] = network.tensors[node.output]
        part = f"{node.name}.{left}"
        nodes.append(replace(node, name=part, inputs=(source,), output=inner, window=_same(7)))
        source, left = inner, left - 6
    return [*nodes, replace(node, inputs=(source,), window=_same(left + 1))]


def _same(size: int) -> Window:
    return Window(size, size, 1, 1, *(size // 2,) * 4)
