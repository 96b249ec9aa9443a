"""What a maker of layers sees of an ONNX node, and how ONNX's shapes lie in channels, height and width.

A tensor of any rank is stored with one of its axes as the channels; the others, in order, are its pixels.
Images of a batch lie one below the other.
"""

from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np
import onnx

from workloads.graph import CoreWork, NetworkBuilder, Shape, Window
from workloads.importers.onnx_standard import attributes_of
from workloads.importers.onnx_walk import Dims, Walker


def default_axis(dims: Dims) -> int:
    return min(1, max(len(dims) - 1, 0))


def laid_shape(dims: Dims, axis: int) -> Shape:
    """Return the shape of a tensor whose channels are ``axis``; a single other dimension is a height."""
    if not dims:
        return Shape(1, 1, 1)
    rest = [size for i, size in enumerate(dims) if i != axis]
    if rest and axis != 0 and dims[0] == 1:
        rest = rest[1:]
    if len(rest) < 2:
        return Shape(dims[axis], rest[0] if rest else 1, 1)
    return Shape(dims[axis], prod(rest[:-1]), rest[-1])


class Tensors(Protocol):
    """What is known of the tensors so far: a `workloads.importers.onnx_file.Reader`."""

    builder: NetworkBuilder
    walker: Walker
    laid: dict[str, dict[int, str]]  # ONNX name -> axis of the channels -> tensor

    def axis(self, name: str) -> int: ...
    def source(self, name: str, axis: int | None = None) -> str: ...
    def give(self, name: str, axis: int, tensor: str) -> None: ...
    def lay_input(self, name: str, axis: int | None) -> None: ...
    def warn(self, name: str, text: str) -> None: ...


@dataclass
class At:
    """One node, and what its maker needs."""

    reader: Tensors
    node: onnx.NodeProto
    name: str

    def __post_init__(self) -> None:
        self.attributes = attributes_of(self.node)

    @property
    def builder(self) -> NetworkBuilder:
        return self.reader.builder

    @property
    def operator(self) -> str:
        return self.node.op_type

    def has(self, index: int) -> bool:
        return index < len(self.node.input) and bool(self.node.input[index])

    def is_data(self, index: int) -> bool:
        return self.has(index) and self.node.input[index] not in self.reader.walker.constants

    def is_constant(self, index: int) -> bool:
        return self.has(index) and not self.is_data(index)

    def data(self) -> list[int]:
        return [i for i in range(len(self.node.input)) if self.is_data(i)]

    def dims(self, index: int = 0) -> Dims:
        return self.reader.walker.dims(self.node.input[index])

    def out_dims(self, index: int = 0) -> Dims:
        return self.reader.walker.dims(self.node.output[index])

    def value(self, index: int) -> np.ndarray | None:
        return self.reader.walker.values.get(self.node.input[index]) if self.has(index) else None

    def numbers(self, index: int, attribute: str) -> list[int] | None:
        """Return whole numbers from an attribute or, since later opsets, from a constant input."""
        if attribute in self.attributes:
            found = self.attributes[attribute]
            return [int(n) for n in (found if isinstance(found, list | tuple) else [found])]
        value = self.value(index)
        return None if value is None else [int(n) for n in np.asarray(value).flatten()]

    def axis(self, index: int = 0) -> int:
        return self.reader.axis(self.node.input[index])

    def source(self, index: int = 0, axis: int | None = None) -> str:
        return self.reader.source(self.node.input[index], axis)

    def attribute(self, key: str, default: Any) -> Any:
        return self.attributes.get(key, default)

    def give(self, tensor: str, axis: int, index: int = 0) -> None:
        """The node's output is ``tensor``, its channels along ``axis``."""
        self.reader.give(self.node.output[index], axis, tensor)

    def weights(self, *indices: int) -> int:
        """Return the values of those inputs that are constants."""
        return sum(prod(self.dims(i)) for i in indices if self.is_constant(i))

    def core(
        self, function: str, why: str = "", macs: int = 0, weights: int = 0, parameters: str = ""
    ) -> None:
        """Make it work for a core; ``why`` becomes a warning."""
        if why:
            self.reader.warn(self.name, f"{why}; a core does it")
        dims, data = self.out_dims(), self.data()
        axis = self.axis(data[0]) if data else default_axis(dims)
        if not data or len(dims) != len(self.dims(data[0])) or dims[axis] != self.dims(data[0])[axis]:
            axis = default_axis(dims)
        sources = list(dict.fromkeys(self.source(i) for i in data))
        operands = self.weights(*range(len(self.node.input))) - weights
        work = CoreWork(macs, weights, parameters, why, operands)
        tensor = self.builder.cpu(self.name, function, sources, laid_shape(dims, axis), work=work)
        self.give(tensor, axis)

    def window(self, kernel: Dims) -> Window:
        """Return the window, padded at the far sides so that the output has the inferred size.

        One dimension is a height, or, with several images, a width.
        """
        axes = len(kernel)
        wide = axes == 1 and self.dims(0)[0] > 1
        strides = tuple(self.attribute("strides", (1,) * axes))
        dilations = tuple(self.attribute("dilations", (1,) * axes))
        given = list(self.attribute("pads", (0,) * 2 * axes))
        auto = self.attribute("auto_pad", b"NOTSET").decode()
        sizes, out = self.dims(0)[2:], self.out_dims()[2:]
        before, after = given[:axes], given[axes:]
        for axis in range(axes):
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            total = (out[axis] - 1) * strides[axis] + reach - sizes[axis]
            if auto in ("SAME_UPPER", "SAME_LOWER"):
                small, large = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
                before[axis], after[axis] = (small, large) if auto == "SAME_UPPER" else (large, small)
            after[axis] = max(after[axis], total - before[axis])
        pairs = [kernel, strides, before, after, dilations]
        one = [1, 1, 0, 0, 1]
        if axes == 1:
            pairs = [[one[i], pair[0]] if wide else [pair[0], one[i]] for i, pair in enumerate(pairs)]
        (high, width), (down, along), (top, left), (bottom, right), (far_y, far_x) = pairs
        return Window(high, width, down, along, top, bottom, left, right, far_y, far_x)

    def images(self) -> int:
        """Return the images of a batch that lie below each other in a tensor with channels along axis 1."""
        return self.dims(0)[0] if len(self.dims(0)) > 3 else 1
