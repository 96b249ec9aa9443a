"""ONNX operators, one function each: what a node becomes in the graph."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import onnx

from workloads.graph import NetworkBuilder, Shape, Window

if TYPE_CHECKING:
    from workloads.importers.onnx_file import Reader

Dims = tuple[int, ...]


def as_shape(dims: Dims) -> Shape:
    """Return channels, height, width of one image; more than four dimensions fold into the channels."""
    inner = dims[1:] if len(dims) > 1 else dims
    if len(inner) <= 1:
        return Shape(inner[0] if inner else 1, 1, 1)
    if len(inner) == 2:
        return Shape(inner[0], inner[1], 1)
    return Shape(prod(inner[:-2]), inner[-2], inner[-1])


@dataclass
class At:
    """One node, and what its maker needs."""

    reader: "Reader"
    node: onnx.NodeProto
    name: str

    @property
    def builder(self) -> NetworkBuilder:
        return self.reader.builder

    def fits(self) -> bool:
        """Every maker works on one image: the first dimension is 1."""
        return all(
            self.dims(i)[0] == 1 for i in range(len(self.node.input)) if self.is_data(i) and self.dims(i)
        )

    def dims(self, index: int) -> Dims:
        name = self.node.input[index]
        if name not in self.reader.dims:
            raise ValueError(f"the shape of {name!r} is not known; export the model with fixed sizes")
        return self.reader.dims[name]

    def out_dims(self, index: int = 0) -> Dims:
        name = self.node.output[index]
        if name not in self.reader.dims:
            raise ValueError(f"the shape of {name!r} is not known; export the model with fixed sizes")
        return self.reader.dims[name]

    def is_data(self, index: int) -> bool:
        name = self.node.input[index]
        return bool(name) and name not in self.reader.constants

    def source(self, index: int = 0) -> str:
        return self.reader.tensors[self.node.input[index]]

    def sources(self) -> list[str]:
        return [self.source(i) for i in range(len(self.node.input)) if self.is_data(i)]

    def attribute(self, key: str, default: Any) -> Any:
        for attribute in self.node.attribute:
            if attribute.name == key:
                return onnx.helper.get_attribute_value(attribute)
        return default

    def on_core(self, why: str = "", function: str = "") -> str:
        """Make it work for a core; ``why`` becomes a warning."""
        if why:
            self.builder.network.warnings.append(f"{self.reader.path}: {self.name}: {why}; a core does it")
        shape = as_shape(self.out_dims())
        return self.builder.cpu(self.name, function or self.node.op_type.lower(), self.sources(), shape)

    def window(self, kernel: Dims) -> Window:
        """Return the window, padded at the far sides so that the output has the inferred size.

        One dimension is a height.
        """
        axes = len(kernel)
        rest = (1,) * (2 - axes)
        kernel = (*kernel, *rest)
        strides = (*self.attribute("strides", (1,) * axes), *rest)
        dilations = (*self.attribute("dilations", (1,) * axes), *rest)
        given = list(self.attribute("pads", (0,) * 2 * axes))
        none = [0] * len(rest)
        pads = [*given[:axes], *none, *given[axes:], *none]
        auto = self.attribute("auto_pad", b"NOTSET")
        auto = auto.decode() if isinstance(auto, bytes) else auto
        sizes = (*self.dims(0)[2:], *rest)
        out = (*self.out_dims()[2:], *rest)
        for axis in range(2):
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            total = (out[axis] - 1) * strides[axis] + reach - sizes[axis]
            if auto in ("SAME_UPPER", "SAME_LOWER"):
                small, large = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
                pads[axis], pads[axis + 2] = (small, large) if auto == "SAME_UPPER" else (large, small)
            pads[axis + 2] = max(pads[axis + 2], total - pads[axis])
        top, left, bottom, right = pads
        down, along = dilations
        return Window(kernel[0], kernel[1], strides[0], strides[1], top, bottom, left, right, down, along)


def _conv(at: At) -> str:
    weights = at.dims(1)
    if len(weights) not in (3, 4):
        return at.on_core(f"{at.node.op_type} over {len(weights) - 2} dimensions is not known")
    bias = len(at.node.input) > 2
    window = at.window(weights[2:])
    return at.builder.conv(at.name, at.source(), weights[0], window, at.attribute("group", 1), bias)


def _conv_transpose(at: At) -> str:
    weights = at.dims(1)
    if len(weights) != 4:
        return at.on_core(f"{at.node.op_type} over {len(weights) - 2} dimensions is not known")
    strides = at.attribute("strides", (1, 1))
    shape = as_shape(at.out_dims())
    groups = at.attribute("group", 1)
    window = _transposed_window(at.builder.shape(at.source()), shape, weights[2:], strides)
    return at.builder.deconv(
        at.name, at.source(), weights[1] * groups, window, groups, len(at.node.input) > 2
    )


def _transposed_window(source: Shape, out: Shape, kernel: Dims, strides: Dims) -> Window:
    trim_y = (source.height - 1) * strides[0] + kernel[0] - out.height
    trim_x = (source.width - 1) * strides[1] + kernel[1] - out.width
    top, left = trim_y // 2, trim_x // 2
    return Window(kernel[0], kernel[1], strides[0], strides[1], top, trim_y - top, left, trim_x - left)


def _fc(at: At) -> str:
    if at.is_data(1) or len(at.dims(0)) != 2 or len(at.dims(1)) != 2 or at.attribute("transA", 0):
        return at.on_core(
            f"{at.node.op_type} of shapes {at.dims(0)} and {at.dims(1)} is not a fully connected layer"
        )
    bias = len(at.node.input) > 2
    return at.builder.fc(at.name, at.source(), at.out_dims()[-1], bias)


def _pool(at: At) -> str:
    kernel = at.attribute("kernel_shape", ())
    if len(kernel) not in (1, 2):
        return at.on_core(f"{at.node.op_type} over {len(kernel)} dimensions is not known")
    function = "max" if at.node.op_type == "MaxPool" else "average"
    return at.builder.pool(at.name, at.source(), function, at.window(tuple(kernel)))


def _global_pool(at: At) -> str:
    function = "max" if at.node.op_type == "GlobalMaxPool" else "average"
    return at.builder.global_pool(at.name, at.source(), function)


def _reduce_mean(at: At) -> str:
    axes = at.attribute("axes", None)
    if axes is None and len(at.node.input) > 1:
        axes = at.reader.values.get(at.node.input[1])
    rank = len(at.dims(0))
    if rank != 4 or sorted(axis % rank for axis in axes or ()) != [2, 3]:
        return at.on_core(f"{at.node.op_type} over axes {list(axes or ())} is not known")
    return at.builder.global_pool(at.name, at.source(), "average")


def _activation(at: At) -> str:
    return at.builder.same_shape(at.name, "activation", at.source(), ACTIVATIONS[at.node.op_type])


def _scale(at: At) -> str:
    return at.builder.same_shape(at.name, "scale", at.source())


def _arithmetic(at: At) -> str:
    """Two feature maps, or one and a constant per channel."""
    data = at.sources()
    if len(data) == 1:
        constants = [at.dims(i) for i in range(len(at.node.input)) if not at.is_data(i)]
        shape = at.builder.shape(data[0])
        if all(_per_channel(dims, shape) for dims in constants):
            return at.builder.same_shape(at.name, "scale", data[0])
        return at.on_core(f"{at.node.op_type} with a constant of shape {constants[0]} is not per channel")
    data.sort(key=lambda source: -at.builder.shape(source).elements)  # a value a channel goes last
    full = at.builder.shape(data[0])
    if any(at.builder.shape(source) not in (full, Shape(full.channels, 1, 1)) for source in data):
        return at.on_core(f"{at.node.op_type} of unequal shapes is not known")
    if at.node.op_type not in ELTWISE:
        return at.on_core(f"operator {at.node.op_type} of two feature maps is not known")
    return at.builder.eltwise(at.name, data, ELTWISE[at.node.op_type])


def _per_channel(dims: Dims, shape: Shape) -> bool:
    if prod(dims) == 1:
        return True
    trimmed = dims[1:] if len(dims) == 4 and dims[0] == 1 else dims
    spatial = (1, 1) if shape.height * shape.width > 1 or len(trimmed) == 3 else ()
    return trimmed == (shape.channels, *spatial)


def _concat(at: At) -> str:
    axis = at.attribute("axis", 1) % len(at.out_dims())
    if axis != 1 or len(at.sources()) != len(at.node.input):
        return at.on_core(f"{at.node.op_type} along axis {axis} is not known")
    return at.builder.concat(at.name, at.sources())


def _view(at: At) -> str:
    return at.builder.view(at.name, at.source(), as_shape(at.out_dims()))


def _same(at: At) -> str:
    return at.source()


def _softmax(at: At) -> str:
    return at.builder.same_shape(at.name, "softmax", at.source())


def _lrn(at: At) -> str:
    return at.builder.same_shape(at.name, "lrn", at.source(), factor=at.attribute("size", 5))


def _resize(at: At) -> str:
    source, shape = at.builder.shape(at.source()), as_shape(at.out_dims())
    factor = shape.height // source.height
    if factor < 1 or shape != Shape(source.channels, source.height * factor, source.width * factor):
        return at.on_core(f"{at.node.op_type} from {source} to {shape} is not known")
    return at.builder.upsample(at.name, at.source(), factor)


def _transpose(at: At) -> str:
    return at.on_core(function="transpose")


def _pad(at: At) -> str:
    return at.on_core(function="pad")


def _depth_to_space(at: At) -> str:
    return at.on_core(function="depth_to_space")


def _split(at: At) -> str:
    if at.attribute("axis", 0) % len(at.dims(0)) != 1:
        raise ValueError(
            f"{at.node.op_type} along axis {at.attribute('axis', 0)}; only 1 (channels) is supported"
        )
    first, result = 0, ""
    for index, output in enumerate(at.node.output):
        channels = at.out_dims(index)[1]
        tensor = at.builder.slice(f"{at.name}.{index}", at.source(), first, channels)
        at.reader.tensors[output] = tensor
        result, first = result or tensor, first + channels
    return result


def _slice(at: At) -> str:
    values = [at.reader.values.get(name) for name in at.node.input[1:4]]
    start = values[0] or list(at.attribute("starts", ()))
    axes = (values[2] if len(values) > 2 else None) or list(at.attribute("axes", range(len(start))))
    if len(axes) != 1 or axes[0] % len(at.dims(0)) != 1 or start[0] < 0 or len(at.node.input) > 4:
        return at.on_core(f"{at.node.op_type} along axes {list(axes)} is not known")
    return at.builder.slice(at.name, at.source(), start[0], at.out_dims()[1])


ELTWISE = {"Add": "add", "Sum": "add", "Sub": "add", "Mul": "mul", "Max": "max", "Min": "min"}
ACTIVATIONS = {
    "Relu": "relu",
    "Clip": "clip",
    "LeakyRelu": "leaky",
    "PRelu": "prelu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Elu": "elu",
    "Selu": "selu",
    "HardSigmoid": "hardsigmoid",
    "HardSwish": "hardswish",
    "Mish": "mish",
    "Gelu": "gelu",
}
MAKERS: dict[str, Callable[[At], str]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _fc,
    "MatMul": _fc,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalMaxPool": _global_pool,
    "GlobalAveragePool": _global_pool,
    "ReduceMean": _reduce_mean,
    **dict.fromkeys(ACTIVATIONS, _activation),
    "BatchNormalization": _scale,
    **dict.fromkeys((*ELTWISE, "Div"), _arithmetic),
    "Concat": _concat,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _view),
    **dict.fromkeys(("Identity", "Dropout", "Cast", "QuantizeLinear", "DequantizeLinear"), _same),
    "Softmax": _softmax,
    "LRN": _lrn,
    **dict.fromkeys(("Resize", "Upsample"), _resize),
    "Transpose": _transpose,
    "Pad": _pad,
    "DepthToSpace": _depth_to_space,
    "Split": _split,
    "Slice": _slice,
}
