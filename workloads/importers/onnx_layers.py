"""ONNX operators that are layers of the accelerator: convolution, pooling, and what works value by value."""

from math import prod

from workloads.graph import Shape, Window
from workloads.importers.onnx_nodes import At, laid_shape
from workloads.importers.onnx_walk import Dims


def conv(at: At) -> None:
    weights = at.dims(1)
    _check_channels(at, weights[1] * at.attribute("group", 1))
    macs = prod(at.out_dims()) * prod(weights[1:])
    if at.is_data(1):
        return at.core("conv", f"{at.operator} with kernels that the network computes is not known", macs)
    if len(weights) not in (3, 4):
        why = f"{at.operator} over {len(weights) - 2} dimensions is not known"
        return at.core("conv", why, macs, at.weights(1), at.node.input[1])
    tensor = at.builder.conv(
        at.name,
        at.source(0, 1),
        weights[0],
        at.window(weights[2:]),
        at.attribute("group", 1),
        at.has(2),
        images=at.images(),
        parameters=at.node.input[1],
    )
    return at.give(tensor, 1)


def _check_channels(at: At, wanted: int) -> None:
    """ONNX's inference of convolutions does not look at the channels."""
    if at.dims(0)[1] != wanted:
        raise ValueError(
            f"weights {list(at.dims(1))} in {at.attribute('group', 1)} groups are for {wanted} channels, "
            f"and the input {list(at.dims(0))} has {at.dims(0)[1]}; export again"
        )


def conv_transpose(at: At) -> None:
    weights, dims = at.dims(1), at.dims(0)
    _check_channels(at, weights[0])
    macs = prod(dims) * prod(weights[1:])
    if at.is_data(1):
        return at.core("conv", f"{at.operator} with kernels that the network computes is not known", macs)
    if len(weights) not in (3, 4):
        why = f"{at.operator} over {len(weights) - 2} dimensions is not known"
        return at.core("conv", why, macs, at.weights(1), at.node.input[1])
    groups = at.attribute("group", 1)
    tensor = at.builder.deconv(
        at.name,
        at.source(0, 1),
        weights[1] * groups,
        transposed_window(at, weights[2:]),
        groups,
        at.has(2),
        images=at.images(),
        parameters=at.node.input[1],
    )
    return at.give(tensor, 1)


def transposed_window(at: At, kernel: Dims) -> Window:
    """Return the window whose edges trim the output to its inferred size; less than nothing is padding."""
    axes = len(kernel)
    strides = at.attribute("strides", (1,) * axes)
    dilations = at.attribute("dilations", (1,) * axes)
    pads = at.attribute("pads", None)
    sides = []
    for axis in range(axes):
        reach = (kernel[axis] - 1) * dilations[axis] + 1
        trim = (at.dims(0)[2 + axis] - 1) * strides[axis] + reach - at.out_dims()[2 + axis]
        first = pads[axis] if pads else trim // 2
        sides.append((kernel[axis], strides[axis], first, trim - first, dilations[axis]))
    if axes == 1:
        sides = [(1, 1, 0, 0, 1), *sides] if at.dims(0)[0] > 1 else [*sides, (1, 1, 0, 0, 1)]
    (high, down, top, bottom, far_y), (wide, along, left, right, far_x) = sides
    return Window(high, wide, down, along, top, bottom, left, right, far_y, far_x)


def pool(at: At) -> None:
    kernel = tuple(at.attribute("kernel_shape", ()))
    function = "max" if at.operator == "MaxPool" else "average"
    if len(kernel) not in (1, 2):
        return at.core("pool", f"{at.operator} over {len(kernel)} dimensions is not known")
    tensor = at.builder.pool(at.name, at.source(0, 1), function, at.window(kernel), images=at.images())
    return at.give(tensor, 1)


def global_pool(at: At) -> None:
    function = "max" if at.operator == "GlobalMaxPool" else "average"
    if len(at.dims()) > 4 and at.dims()[0] > 1:
        return at.core("pool", f"{at.operator} of several volumes is not known")
    return at.give(at.builder.global_pool(at.name, at.source(0, 1), function, images=at.images()), 1)


def reduce(at: At) -> None:
    """A mean or maximum over all pixels is a pooling."""
    axes = at.numbers(1, "axes")
    rank = len(at.dims())
    axes = sorted(axis % rank for axis in axes) if axes else list(range(rank))
    function = {"ReduceMean": "average", "ReduceMax": "max"}.get(at.operator, "")
    kept = [axis for axis in range(rank) if axis not in axes and at.dims()[axis] > 1]
    if not function or len(kept) > 1:
        return at.core("reduce", "" if not function else f"{at.operator} over axes {axes} is not known")
    axis = kept[0] if kept else at.axis()
    if axis in axes:
        return at.core("reduce", f"{at.operator} over axes {axes} is not known")
    pooled = at.builder.global_pool(at.name, at.source(0, axis), function)
    out = at.out_dims()
    behind = axis if len(out) == rank else sum(1 for i in range(axis) if i not in axes)
    return at.give(pooled, behind)


def activation(at: At) -> None:
    axis = at.axis()
    at.give(at.builder.same_shape(at.name, "activation", at.source(), ACTIVATIONS[at.operator]), axis)


def scale(at: At) -> None:
    at.give(at.builder.same_shape(at.name, "scale", at.source(0, 1)), 1)


def arithmetic(at: At) -> None:
    """Two feature maps, or one and a constant per channel."""
    data = at.data()
    if len(data) == 1:
        return _with_constants(at, data[0])
    out = at.out_dims()
    full = [i for i in data if at.dims(i) == out]
    if not full:
        return at.core("eltwise", f"{at.operator} of {_shapes(at)}, each spread over the other, is not known")
    axis = at.axis(full[0])
    others = [i for i in data if i != full[0]]
    if not all(at.dims(i) == out or per_channel(at.dims(i), out, axis) for i in others):
        return at.core("eltwise", f"{at.operator} of unequal shapes {_shapes(at)} is not known")
    if at.operator not in ELTWISE:
        return at.core("eltwise", f"operator {at.operator} of two feature maps is not known")
    sources = [at.source(full[0])]
    for i in others:
        sources.append(at.source(i, axis) if at.dims(i) == out else _value_a_channel(at, i, out[axis]))
    if any(at.is_constant(i) for i in range(len(at.node.input))):
        return at.core("eltwise", f"{at.operator} of feature maps and constants is not known")
    return at.give(at.builder.eltwise(at.name, sources, ELTWISE[at.operator]), axis)


def _shapes(at: At) -> str:
    return " and ".join(str(list(at.dims(i))) for i in range(len(at.node.input)) if at.has(i))


def _with_constants(at: At, index: int) -> None:
    dims, axis = at.dims(index), at.axis(index)
    if at.out_dims() != dims:
        if prod(at.out_dims()) == prod(dims):
            return at.core("eltwise")
        return at.core("eltwise", f"{at.operator} of {_shapes(at)}, spread over a constant, is not known")
    for i in range(len(at.node.input)):
        if at.is_constant(i) and not per_channel(at.dims(i), dims, axis):
            why = f"{at.operator} with a constant of shape {list(at.dims(i))} is not per channel"
            return at.core("eltwise", why, 0, 0)
    if at.operator in ("Pow", "Mod"):
        return at.core("pow", f"operator {at.operator} is not known")
    return at.give(at.builder.same_shape(at.name, "scale", at.source(index)), axis)


def per_channel(dims: Dims, full: Dims, axis: int) -> bool:
    """Tell whether a tensor has one value, or one a channel, of the one that it is spread over."""
    aligned = (1,) * (len(full) - len(dims)) + dims
    return all(size == 1 or (i == axis and size == full[i]) for i, size in enumerate(aligned))


def _value_a_channel(at: At, index: int, channels: int) -> str:
    """Return a tensor of one value a channel; a single value is spread by a core."""
    dims = at.dims(index)
    wide = next((i for i, size in enumerate(dims) if size > 1), None)
    source = at.source(index, wide)
    shape = Shape(channels, 1, 1)
    if at.builder.shape(source) == shape:
        return source
    if wide is None and channels > 1:
        return at.builder.cpu(f"{at.name}.spread{index}", "expand", [source], shape)
    return at.builder.view(f"{at.name}.view{index}", source, shape)


def softmax(at: At) -> None:
    axis = at.axis()
    at.give(at.builder.same_shape(at.name, "softmax", at.source()), axis)


def lrn(at: At) -> None:
    at.give(at.builder.same_shape(at.name, "lrn", at.source(0, 1), factor=at.attribute("size", 5)), 1)


def resize(at: At) -> None:
    source, dims = at.dims(), at.out_dims()
    mode = at.attribute("mode", b"nearest").decode()
    if source == dims:
        return at.give(at.source(), at.axis())
    if len(dims) == 4 and mode == "nearest" and source[:2] == dims[:2]:
        factor = dims[2] // source[2]
        if factor > 1 and dims[2:] == (source[2] * factor, source[3] * factor):
            return at.give(at.builder.upsample(at.name, at.source(0, 1), factor), 1)
    if mode == "nearest":
        return at.core("resize")
    return at.core("interpolate", f"{at.operator} by {mode} interpolation is not known")


def depth_to_space(at: At) -> None:
    shape = laid_shape(at.out_dims(), 1)
    at.give(at.builder.cpu(at.name, "depth_to_space", [at.source(0, 1)], shape), 1)


ELTWISE = {"Add": "add", "Sum": "add", "Sub": "add", "Mul": "mul", "Max": "max", "Min": "min", "Mean": "add"}
ACTIVATIONS = {
    "Relu": "relu",
    "Clip": "clip",
    "LeakyRelu": "leaky",
    "PRelu": "prelu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Elu": "elu",
    "Selu": "selu",
    "Celu": "elu",
    "HardSigmoid": "hardsigmoid",
    "HardSwish": "hardswish",
    "Mish": "mish",
    "Swish": "swish",
    "Gelu": "gelu",
}
