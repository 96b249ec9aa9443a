"""Layers of Caffe, one function each, with Caffe's own rounding: convolutions down, poolings up.

Source: src/caffe/layers of github.com/BVLC/caffe.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import NamedTuple, Protocol

from workloads.graph import CoreWork, NetworkBuilder, Shape, Window
from workloads.importers.caffe_text import Message

Dims = tuple[int, ...]  # without the batch
SIDES = ("pad", "kernel_size", "stride", "dilation")
PAIRS = ("pad_h", "pad_w", "kernel_h", "kernel_w", "stride_h", "stride_w")
FILLERS = ("weight_filler", "bias_filler", "filler", "engine")


class Blob(NamedTuple):
    tensor: str
    dims: Dims


def shape_of(dims: Dims) -> Shape:
    if len(dims) <= 3:
        return Shape(*dims, *(1,) * (3 - len(dims)))
    return Shape(dims[0], prod(dims[1:-1]), dims[-1])


class Net(Protocol):
    """What is known of the net so far: a `workloads.importers.caffe.Reader`."""

    builder: NetworkBuilder
    size: tuple[int, int] | None  # of its image, if it is to have another
    blobs: dict[str, Blob]

    def input(self, name: str, dims: list[int], at: Message) -> None: ...


@dataclass
class At:
    """One layer and what its maker needs."""

    reader: Net
    block: Message
    name: str
    bottoms: list[Blob]

    @property
    def builder(self) -> NetworkBuilder:
        return self.reader.builder

    @property
    def dims(self) -> Dims:
        return self.bottoms[0].dims

    @property
    def source(self) -> str:
        return self.bottoms[0].tensor

    def give(self, tensor: str, dims: Dims | None = None, index: int = 0) -> None:
        tops = self.block.all("top")
        if index < len(tops):
            shape = self.builder.shape(tensor)
            self.reader.blobs[str(tops[index])] = Blob(tensor, tuple(shape) if dims is None else dims)

    def parameters(self, key: str, *known: str) -> Message:
        found = self.block.message(key)
        found.only((*known, *FILLERS))
        return found

    def shared(self) -> str:
        """Return the name of the weights, where the layer gives them one to share them by."""
        for found in self.block.all("param")[:1]:
            return found.text("name") if isinstance(found, Message) else str(found)
        return ""

    def image(self) -> Dims:
        if len(self.dims) != 3:
            raise ValueError(f"reads {list(self.dims)}; it works on channels, height and width")
        return self.dims

    def core(self, function: str, dims: Dims, why: str = "") -> None:
        if why:
            warning = f"{self.block.file}:{self.block.line}: {self.name}: {why}; a core does it"
            self.builder.network.warnings.append(warning)
        sources = list(dict.fromkeys(blob.tensor for blob in self.bottoms))
        self.give(
            self.builder.cpu(self.name, function, sources, shape_of(dims), work=CoreWork(why=why)), dims
        )


def _sides(found: Message, key: str, default: int, first: str = "") -> tuple[int, int]:
    """Return a setting down and along: one number for both, two, or fields of their own."""
    least = 0 if key == "pad" else 1
    short = first or key
    if f"{short}_h" in found.fields or f"{short}_w" in found.fields:
        return found.whole(f"{short}_h", default, least), found.whole(f"{short}_w", default, least)
    values = found.wholes(key, least)
    if len(values) > 2:
        raise found.fail(f"{values}; write one number, or two for height and width", key)
    return (values[0], values[-1]) if values else (default, default)


def _conv_window(found: Message) -> Window:
    (high, wide), (down, along) = _sides(found, "kernel_size", 0, "kernel"), _sides(found, "stride", 1)
    if not high or not wide:
        raise found.fail("no kernel_size; the file may be cut off here, add `kernel_size: NUMBER`")
    (pad_y, pad_x), (far_y, far_x) = _sides(found, "pad", 0), _sides(found, "dilation", 1)
    return Window(high, wide, down, along, pad_y, pad_y, pad_x, pad_x, far_y, far_x)


def _convolution(at: At) -> None:
    at.image()
    found = at.parameters(
        "convolution_param", "num_output", "bias_term", "group", "axis", "force_nd_im2col", *SIDES, *PAIRS
    )
    make = at.builder.deconv if at.builder.operator == "Deconvolution" else at.builder.conv
    kernels, groups = found.whole("num_output", None, 1), found.whole("group", 1, 1)
    bias = found.flag("bias_term", True)
    window = _conv_window(found)
    at.give(make(at.name, at.source, kernels, window, groups, bias, parameters=at.shared()))


def _pooling(at: At) -> None:
    _, height, width = at.image()
    keys = ("pool", "global_pooling", "round_mode", "kernel_size", "stride", "pad")
    found = at.parameters("pooling_param", *keys, *PAIRS)
    method = found.text("pool", "MAX")
    function = {"MAX": "max", "0": "max", "AVE": "average", "1": "average"}.get(method)
    if function is None:
        raise found.fail(f"{method!r} is no pooling that is known; write MAX or AVE", "pool")
    if found.flag("global_pooling", False):
        at.give(at.builder.global_pool(at.name, at.source, function))
        return
    (high, wide), (down, along) = _sides(found, "kernel_size", 0, "kernel"), _sides(found, "stride", 1)
    if not high or not wide:
        raise found.fail("no kernel_size; the file may be cut off here, add `kernel_size: NUMBER`")
    pad_y, pad_x = _sides(found, "pad", 0)
    up = found.text("round_mode", "CEIL") in ("CEIL", "0")
    bottom, right = _far(height, high, down, pad_y, up), _far(width, wide, along, pad_x, up)
    window = Window(high, wide, down, along, pad_y, bottom, pad_x, right)
    at.give(at.builder.pool(at.name, at.source, function, window))


def _far(length: int, kernel: int, stride: int, pad: int, up: bool) -> int:
    """Return the padding at the far side: Caffe rounds up, but no window starts in it."""
    room = length + 2 * pad - kernel
    out = (-(-room // stride) if up else room // stride) + 1
    if pad and (out - 1) * stride >= length + pad:
        out -= 1
    return max((out - 1) * stride + kernel - length - pad, pad if not up else 0)


def _inner_product(at: At) -> None:
    found = at.parameters("inner_product_param", "num_output", "bias_term", "axis", "transpose")
    if found.whole("axis", 1) != 1:
        raise found.fail(f"{found.whole('axis')} is an axis that is not known; only 1 is", "axis")
    kernels, bias = found.whole("num_output", None, 1), found.flag("bias_term", True)
    at.give(at.builder.fc(at.name, at.source, kernels, bias, parameters=at.shared()), (kernels,))


def _activation(function: str) -> "Maker":
    def make(at: At) -> None:
        chosen = function
        if function == "relu" and any(at.block.message("relu_param").all("negative_slope")):
            chosen = "leaky"
        at.give(at.builder.same_shape(at.name, "activation", at.source, chosen), at.dims)

    return make


def _simple(function: str) -> "Maker":
    def make(at: At) -> None:
        at.core(function, at.dims, f"layer {at.builder.operator} is not known")

    return make


def _kept(kind: str) -> "Maker":
    def make(at: At) -> None:
        at.give(at.builder.same_shape(at.name, kind, at.source), at.dims)

    return make


def _scale(at: At) -> None:
    """By constants, or, with a second bottom, by one value a channel."""
    if len(at.bottoms) == 1:
        at.give(at.builder.same_shape(at.name, "scale", at.source), at.dims)
        return
    other = at.bottoms[1]
    if prod(other.dims) != at.dims[0] or shape_of(other.dims) != Shape(at.dims[0], 1, 1):
        at.core("eltwise", at.dims, f"a product of {list(at.dims)} and {list(other.dims)} is not known")
        return
    at.give(at.builder.eltwise(at.name, [at.source, other.tensor], "mul"), at.dims)


def _lrn(at: At) -> None:
    found = at.parameters("lrn_param", "local_size", "alpha", "beta", "k", "norm_region")
    if found.text("norm_region", "ACROSS_CHANNELS") not in ("ACROSS_CHANNELS", "0"):
        at.core("norm", at.dims, "LRN within a channel is not known")
        return
    factor = found.whole("local_size", 5, 1)
    at.give(at.builder.same_shape(at.name, "lrn", at.source, factor=factor), at.dims)


def _concat(at: At) -> None:
    found = at.parameters("concat_param", "axis", "concat_dim")
    axis = _axis(found, "axis" if "axis" in found.fields else "concat_dim", len(at.dims))
    dims = list(at.dims)
    for blob in at.bottoms:
        if len(blob.dims) != len(dims) or any(
            a != b for i, (a, b) in enumerate(zip(blob.dims, dims)) if i != axis
        ):
            raise ValueError(
                f"inputs of shapes {[list(b.dims) for b in at.bottoms]}; they differ beside the axis"
            )
    dims[axis] = sum(blob.dims[axis] for blob in at.bottoms)
    if axis == 0 and len({blob.tensor for blob in at.bottoms}) == len(at.bottoms):
        at.give(at.builder.concat(at.name, [blob.tensor for blob in at.bottoms]), tuple(dims))
    else:
        at.core("concat", tuple(dims))


def _axis(found: Message, key: str, rank: int) -> int:
    """Return an axis without the batch."""
    value = found.all(key)[0] if found.all(key) else 1
    if not isinstance(value, int) or not -rank <= value <= rank or value == 0:
        raise found.fail(f"{value!r} is no axis of one image; write 1 to {rank}", key)
    return value - 1 if value > 0 else rank + value


def _slice(at: At) -> None:
    found = at.parameters("slice_param", "axis", "slice_dim", "slice_point")
    axis = _axis(found, "axis" if "axis" in found.fields else "slice_dim", len(at.dims))
    tops, points = at.block.all("top"), found.wholes("slice_point", 1)
    whole = at.dims[axis]
    if not points and whole % len(tops):
        raise found.fail(f"{whole} values do not divide into {len(tops)} tops; write slice_point", "axis")
    ends = [*points, whole] if points else [whole // len(tops) * (i + 1) for i in range(len(tops))]
    first = 0
    if len(ends) != len(tops) or ends != sorted(set(ends)):
        raise found.fail(f"{points} does not cut {whole} values into {len(tops)} parts", "slice_point")
    for index, end in enumerate(ends):
        dims = (*at.dims[:axis], end - first, *at.dims[axis + 1 :])
        name = f"{at.name}.{index}"
        if axis == 0:
            tensor = at.builder.slice(name, at.source, first, end - first)
        else:
            tensor = at.builder.cpu(name, "slice", [at.source], shape_of(dims))
        at.give(tensor, dims, index)
        first = end


def _split(at: At) -> None:
    for index in range(len(at.block.all("top"))):
        at.give(at.source, at.dims, index)


def _eltwise(at: At) -> None:
    found = at.parameters("eltwise_param", "operation", "coeff", "stable_prod_grad")
    function = {"PROD": "mul", "0": "mul", "SUM": "add", "1": "add", "MAX": "max", "2": "max"}.get(
        found.text("operation", "SUM")
    )
    if function is None:
        raise found.fail(f"{found.text('operation')!r} is not known; write PROD, SUM or MAX", "operation")
    at.give(at.builder.eltwise(at.name, [blob.tensor for blob in at.bottoms], function), at.dims)


def _same(at: At) -> None:
    at.give(at.source, at.dims)


def _flatten(at: At) -> None:
    at.parameters("flatten_param", "axis", "end_axis")
    dims = (prod(at.dims),)
    at.give(at.builder.view(at.name, at.source, shape_of(dims)), dims)


def _reshape(at: At) -> None:
    """0 keeps a size, -1 takes what is left; the batch comes first."""
    found = at.parameters("reshape_param", "shape", "axis", "num_axes")
    if "axis" in found.fields or "num_axes" in found.fields:
        raise found.fail("axis and num_axes are not known; write the whole shape", "axis")
    given = found.message("shape").all("dim")[1:]
    if not given or not all(isinstance(d, int) and d >= -1 for d in given):
        raise found.fail("no shape; write `shape { dim: 0 dim: -1 }`", "shape")
    dims = [at.dims[i] if d == 0 and i < len(at.dims) else d for i, d in enumerate(given)]
    if dims.count(-1) == 1:
        known = prod(d for d in dims if d != -1)
        dims[dims.index(-1)] = prod(at.dims) // known if known else 0
    if prod(dims) != prod(at.dims):
        raise ValueError(f"{list(at.dims)} cannot be seen as {dims}: the number of values differs")
    at.give(at.builder.view(at.name, at.source, shape_of(tuple(dims))), tuple(dims))


def _permute(at: At) -> None:
    order = at.parameters("permute_param", "order").wholes("order")
    if sorted(order) != list(range(len(at.dims) + 1)) or order[0] != 0:
        raise ValueError(f"order {order} is not known; the batch stays first, every axis stands once")
    at.core("transpose", tuple(at.dims[axis - 1] for axis in order[1:]))


def _crop(at: At) -> None:
    if len(at.bottoms) < 2:
        raise ValueError("reads one blob; the second says the size")
    axis = at.parameters("crop_param", "axis", "offset").whole("axis", 2, 1)
    at.bottoms, other = at.bottoms[:1], at.bottoms[1]
    at.core("slice", (*at.dims[: axis - 1], *other.dims[axis - 1 :]))


def _input(at: At) -> None:
    shapes = [
        shape for shape in at.parameters("input_param", "shape").all("shape") if isinstance(shape, Message)
    ]
    tops = at.block.all("top")
    if len(shapes) not in (1, len(tops)):
        raise ValueError(f"{len(tops)} tops and {len(shapes)} shapes; write a shape for each")
    for number, top in enumerate(tops):
        at.reader.input(str(top), shapes[number % len(shapes)].wholes("dim", 1), at.block)


def _data(at: At) -> None:
    """Read from a database: only its crop says a size."""
    crop = at.block.message("transform_param").whole("crop_size", 0)
    size = at.reader.size or (crop, crop)
    if not min(size):
        message = (
            "the size of its images is not in the file; write `input: WIDTHxHEIGHT`, or use the deploy file"
        )
        raise at.block.fail(message)
    gray = at.block.message("transform_param").flag("force_gray", False)
    at.reader.input(str(at.block.all("top")[0]), [1, 1 if gray else 3, size[1], size[0]], at.block)


def _nothing(at: At) -> None:
    pass


Maker = Callable[[At], None]
SOURCES = ("Input", "Data", "ImageData", "MemoryData", "DummyData", "HDF5Data", "WindowData")
NO_WORK = ("Accuracy", "Silence", "EuclideanLoss", "HingeLoss", "InfogainLoss", "ContrastiveLoss",
           "MultinomialLogisticLoss", "SigmoidCrossEntropyLoss", "SoftmaxWithLoss", "ArgMaxLoss")  # fmt: skip
KINDS: dict[str, Maker] = {
    "Input": _input,
    **dict.fromkeys(SOURCES[1:], _data),
    "Convolution": _convolution,
    "ConvolutionDepthwise": _convolution,
    "DepthwiseConvolution": _convolution,
    "Deconvolution": _convolution,
    "Pooling": _pooling,
    "InnerProduct": _inner_product,
    "ReLU": _activation("relu"),
    "ReLU6": _activation("relu6"),
    "PReLU": _activation("prelu"),
    "ELU": _activation("elu"),
    "Sigmoid": _activation("sigmoid"),
    "TanH": _activation("tanh"),
    "Swish": _activation("swish"),
    "AbsVal": _simple("simple"),
    "Exp": _simple("transcendental"),
    "Log": _simple("transcendental"),
    "BNLL": _simple("transcendental"),
    "Power": _kept("scale"),
    "MVN": _simple("norm"),
    "Normalize": _simple("norm"),
    "BatchNorm": _kept("scale"),
    "Scale": _scale,
    "Bias": _kept("scale"),
    "LRN": _lrn,
    "Softmax": _kept("softmax"),
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "Eltwise": _eltwise,
    "Dropout": _same,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "Crop": _crop,
}
