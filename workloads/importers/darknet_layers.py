"""Layers of Darknet, one function each, with shapes by Darknet's own rules."""

from collections.abc import Callable
from dataclasses import dataclass, field

from workloads.graph import CoreWork, NetworkBuilder, Shape, Window
from workloads.importers.darknet_file import Values


@dataclass
class Layers:
    builder: NetworkBuilder
    image: str
    outputs: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)  # convolutions by index

    @property
    def last(self) -> str:
        return self.outputs[-1] if self.outputs else self.image

    @property
    def shape(self) -> Shape:
        return self.builder.shape(self.last)

    def index(self, index: int, values: Values, key: str) -> int:
        """Return the absolute index of a layer, counted back from here if negative."""
        absolute = index if index >= 0 else len(self.outputs) + index
        if not 0 <= absolute < len(self.outputs):
            raise values.fail(
                f"{index} names no earlier layer; this is layer {len(self.outputs)}, "
                f"write {-len(self.outputs)} to {max(len(self.outputs) - 1, 0)}",
                key,
            )
        return absolute

    def at(self, index: int, values: Values, key: str) -> str:
        return self.outputs[self.index(index, values, key)]

    def core(
        self,
        name: str,
        function: str,
        sources: list[str],
        shape: Shape,
        why: str = "",
        macs: int = 0,
        weights: int = 0,
        values: Values | None = None,
    ) -> str:
        """Add work for a core; ``why`` becomes a warning."""
        if why and values is not None:
            where = f"{values.file}:{values.section.line}"
            self.builder.network.warnings.append(f"{where}: {name}: {why}; a core does it")
        return self.builder.cpu(name, function, sources, shape, work=CoreWork(macs, weights, why=why))


def _activated(layers: Layers, values: Values, name: str, tensor: str, default: str) -> str:
    function = values.activation(default)
    if function == "linear":
        return tensor
    builder = layers.builder
    if function.startswith("norm"):
        why = f"activation {function} is not known"
        return layers.core(f"{name}.{function}", "norm", [tensor], builder.shape(tensor), why, values=values)
    operator, builder.operator = builder.operator, function
    result = builder.same_shape(f"{name}.{function}", "activation", tensor, function)
    builder.operator = operator
    return result


def _normalised(layers: Layers, name: str, tensor: str) -> str:
    operator, layers.builder.operator = layers.builder.operator, "batch_normalize"
    result = layers.builder.same_shape(f"{name}.norm", "scale", tensor)
    layers.builder.operator = operator
    return result


def _strides(values: Values, default: int = 1) -> tuple[int, int]:
    """Return the strides down and along."""
    stride = values.positive("stride", default)
    return values.positive("stride_y", stride), values.positive("stride_x", stride)


def _window(shape: Shape, size: int, strides: tuple[int, int], pad: int, dilation: int) -> Window:
    """Return a window with Darknet's output size, which the dilation does not change."""
    _, height, width = shape
    ends = []
    for length, stride in ((height, strides[0]), (width, strides[1])):
        out = (length + 2 * pad - size) // stride + 1
        reach = (size - 1) * dilation + 1
        ends.append(max((out - 1) * stride + reach - length - pad * dilation, 0))
    if dilation == 1:
        ends = [pad, pad]
    near = pad * dilation
    return Window(size, size, *strides, near, ends[0], near, ends[1], dilation, dilation)


def _convolutional(layers: Layers, values: Values, name: str) -> str:
    size = values.positive("size")
    strides, blur = _strides(values), values.integer("antialiasing", 0)
    dilation = values.positive("dilation", 1) if size > 1 else 1
    window = _window(layers.shape, size, (1, 1) if blur else strides, values.padding(size), dilation)
    normalised = values.integer("batch_normalize", 0) or values.integer("cbn", 0)
    groups = 1 if values.integer("xnor", 0) else max(values.integer("groups", 1), 1)
    parameters = _shared(layers, values, name)
    filters = values.positive("filters")
    tensor = layers.builder.conv(
        name, layers.last, filters, window, groups, not normalised, parameters=parameters
    )
    if normalised:
        tensor = _normalised(layers, name, tensor)
    tensor = _activated(layers, values, name, tensor, "logistic")
    return _blurred(layers, name, tensor, strides, blur) if blur else tensor


def _shared(layers: Layers, values: Values, name: str) -> str:
    """Return the name of the weights: another layer's under `share_index`."""
    here = len(layers.outputs)
    layers.names[here] = name
    if "share_index" not in values:
        return name
    other = layers.index(values.integer("share_index"), values, "share_index")
    if other not in layers.names:
        raise values.fail(f"layer {other} is no convolution; write the index of one", "share_index")
    layers.names[here] = layers.names[other]
    return layers.names[other]


def _blurred(layers: Layers, name: str, tensor: str, strides: tuple[int, int], blur: int) -> str:
    """Antialiasing: a fixed filter a channel takes the strides."""
    size, pad = (2, 0) if blur == 2 else (3, 1)
    channels = layers.builder.shape(tensor).channels
    window = Window(size, size, *strides, pad, pad, pad, pad)
    return layers.builder.conv(f"{name}.blur", tensor, channels, window, channels, bias=False)


def _deconvolutional(layers: Layers, values: Values, name: str) -> str:
    size, stride = values.positive("size", 1), values.positive("stride", 1)
    pad = values.padding(size)
    window = Window(size, size, stride, stride, pad, pad, pad, pad)
    normalised = values.integer("batch_normalize", 0)
    filters = values.positive("filters")
    tensor = layers.builder.deconv(name, layers.last, filters, window, bias=not normalised)
    if normalised:
        tensor = _normalised(layers, name, tensor)
    return _activated(layers, values, name, tensor, "logistic")


def _connected(layers: Layers, values: Values, name: str) -> str:
    normalised = values.integer("batch_normalize", 0)
    tensor = layers.builder.fc(name, layers.last, values.positive("output"), not normalised)
    if normalised:
        tensor = _normalised(layers, name, tensor)
    return _activated(layers, values, name, tensor, "logistic")


def _local(layers: Layers, values: Values, name: str) -> str:
    """A convolution with weights of its own at every place."""
    size, stride, kernels = (
        values.positive("size", 1),
        values.positive("stride", 1),
        values.positive("filters"),
    )
    channels, height, width = layers.shape
    reach = 1 if values.integer("pad", 0) else size
    shape = Shape(kernels, (height - reach) // stride + 1, (width - reach) // stride + 1)
    macs = shape.elements * size * size * channels
    why = "a layer with weights of its own at every place is not known"
    tensor = layers.core(name, "conv", [layers.last], shape, why, macs, macs, values)
    return _activated(layers, values, name, tensor, "logistic")


def _shortcut(layers: Layers, values: Values, name: str) -> str:
    """Add what overlaps; the shape of the layer before stays."""
    sources = [layers.at(index, values, "from") for index in values.integers("from")]
    tensors = [layers.last, *sources]
    if values.text("weights_type", "none") != "none":
        tensors = [
            layers.builder.same_shape(f"{name}.weight{number}", "scale", tensor)
            for number, tensor in enumerate(tensors)
        ]
    alike = [tensors[0], *(t for t in tensors[1:] if layers.builder.shape(t) == layers.shape)]
    other = [t for t in tensors[1:] if layers.builder.shape(t) != layers.shape]
    tensor = tensors[0]
    if len(alike) > 1:
        tensor = layers.builder.eltwise(f"{name}.equal" if other else name, alike)
    if other:
        shapes = ", ".join(str(layers.builder.shape(t)) for t in other)
        why = f"the overlap of {shapes} is added to {layers.shape}, which is not known"
        tensor = layers.core(name, "eltwise", [tensor, *other], layers.shape, why, values=values)
    return _activated(layers, values, name, tensor, "linear")


def _scale_channels(layers: Layers, values: Values, name: str) -> str:
    """Multiply an earlier map by one value a channel, or, under `scale_wh`, by one a pixel."""
    source = layers.at(values.integer("from"), values, "from")
    full, shape = layers.builder.shape(source), layers.shape
    if values.integer("scale_wh", 0):
        if shape != Shape(1, full.height, full.width):
            raise ValueError(f"{name}: {shape} does not scale the pixels of {full}; 1 channel does")
        why = "a product with one value a pixel is not known"
        tensor = layers.core(name, "eltwise", [source, layers.last], full, why, values=values)
    else:
        if shape != Shape(full.channels, 1, 1):
            raise ValueError(f"{name}: {shape} does not scale the channels of {full}; 1x1 pixels do")
        tensor = layers.builder.eltwise(name, [source, layers.last], "mul")
    return _activated(layers, values, name, tensor, "linear")


def _sam(layers: Layers, values: Values, name: str) -> str:
    source = layers.at(values.integer("from"), values, "from")
    tensor = layers.builder.eltwise(name, [layers.last, source], "mul")
    return _activated(layers, values, name, tensor, "linear")


def _route(layers: Layers, values: Values, name: str) -> str:
    sources = [layers.at(index, values, "layers") for index in values.integers("layers")]
    groups, group = values.positive("groups", 1), values.integer("group_id", 0)
    if not 0 <= group < groups:
        raise values.fail(f"{group} is none of {groups} groups; write 0 to {groups - 1}", "group_id")
    if groups > 1:
        parts = []
        for number, source in enumerate(sources):
            channels = layers.builder.shape(source).channels // groups
            parts.append(layers.builder.slice(f"{name}.part{number}", source, group * channels, channels))
        sources = parts
    return sources[0] if len(sources) == 1 else layers.builder.concat(name, sources)


def _maxpool(layers: Layers, values: Values, name: str) -> str:
    blur, strides = values.integer("antialiasing", 0), _strides(values)
    if values.integer("maxpool_depth", 0):
        _, height, width = layers.shape
        shape = Shape(values.positive("out_channels", 1), height, width)
        why = "a maximum over channels is not known"
        return layers.core(name, "reduce", [layers.last], shape, why, values=values)
    size = values.positive("size", values.positive("stride", 1))
    tensor = _pooled(layers, values, name, "max", size, (1, 1) if blur else strides)
    return _blurred(layers, name, tensor, strides, blur) if blur else tensor


def _local_avgpool(layers: Layers, values: Values, name: str) -> str:
    size = values.positive("size", values.positive("stride", 1))
    return _pooled(layers, values, name, "average", size, _strides(values))


def _pooled(
    layers: Layers, values: Values, name: str, function: str, size: int, strides: tuple[int, int]
) -> str:
    padding = values.integer("padding", size - 1)
    before = padding // 2
    window = Window(size, size, *strides, before, padding - before, before, padding - before)
    return layers.builder.pool(name, layers.last, function, window)


def _avgpool(layers: Layers, values: Values, name: str) -> str:
    return layers.builder.global_pool(name, layers.last, "average")


def _upsample(layers: Layers, values: Values, name: str) -> str:
    """Repeat pixels; a negative stride adds up that many instead."""
    stride = values.integer("stride", 2)
    if stride < 0:
        channels, height, width = layers.shape
        shape = Shape(channels, height // -stride, width // -stride)
        why = f"an upsampling of stride {stride} is not known"
        return layers.core(name, "reduce", [layers.last], shape, why, values=values)
    return layers.builder.upsample(name, layers.last, values.positive("stride", 2))


def _reorg(layers: Layers, values: Values, name: str) -> str:
    stride, (channels, height, width) = values.positive("stride", 1), layers.shape
    if values.integer("flatten", 0):
        return layers.builder.cpu(name, "transpose", [layers.last], layers.shape)
    if values.integer("extra", 0):
        values_each = layers.shape.elements + values.positive("extra")
        return layers.builder.cpu(name, "transpose", [layers.last], Shape(values_each, 1, 1))
    if values.integer("reverse", 0):
        shape = Shape(channels // stride**2, height * stride, width * stride)
    else:
        shape = Shape(channels * stride**2, height // stride, width // stride)
    return layers.builder.cpu(name, "transpose", [layers.last], shape)


def _crop(layers: Layers, values: Values, name: str) -> str:
    shape = Shape(layers.shape.channels, values.positive("crop_height", 1), values.positive("crop_width", 1))
    return layers.builder.cpu(name, "slice", [layers.last], shape)


def _rnn(layers: Layers, values: Values, name: str) -> str:
    inputs, hidden, outputs = (
        layers.shape.elements,
        values.positive("hidden"),
        values.positive("output"),
    )
    return _recurrent(layers, values, name, inputs * hidden + hidden * hidden + hidden * outputs, outputs)


def _gated(gates: int) -> "Maker":
    def make(layers: Layers, values: Values, name: str) -> str:
        outputs = values.positive("output")
        return _recurrent(layers, values, name, gates * outputs * (layers.shape.elements + outputs), outputs)

    return make


def _recurrent(layers: Layers, values: Values, name: str, macs: int, outputs: int) -> str:
    """One time step: as many products as weights."""
    kind = values.section.kind
    why = f"a recurrent layer ({kind}) is not known"
    return layers.core(name, kind, [layers.last], Shape(outputs, 1, 1), why, macs, macs, values)


def _crnn(layers: Layers, values: Values, name: str) -> str:
    hidden = values.positive("hidden_filters" if "hidden_filters" in values else "hidden")
    outputs = values.positive("output_filters" if "output_filters" in values else "output")
    pairs = [(layers.shape.channels, hidden), (hidden, hidden), (hidden, outputs)]
    return _convolutions(layers, values, name, pairs, outputs)


def _conv_lstm(layers: Layers, values: Values, name: str) -> str:
    outputs, channels = values.positive("output"), layers.shape.channels
    pairs = [(channels, outputs)] * 4
    pairs += [(2 * outputs, outputs)] if values.integer("bottleneck", 0) else [(outputs, outputs)] * 4
    pairs += [(outputs, outputs)] * (3 if values.integer("peephole", 0) else 0)
    return _convolutions(layers, values, name, pairs, outputs)


def _convolutions(
    layers: Layers, values: Values, name: str, pairs: list[tuple[int, int]], outputs: int
) -> str:
    """One time step of a recurrent layer made of convolutions: (channels, kernels) of each."""
    size, stride = values.positive("size", 3), values.positive("stride", 1)
    groups = values.positive("groups", 1)
    window = _window(
        layers.shape, size, (stride, stride), values.padding(size), values.positive("dilation", 1)
    )
    height, width = window.output(layers.shape.height, layers.shape.width)
    weights = sum(size * size * (channels // groups) * kernels for channels, kernels in pairs)
    why = f"a recurrent layer ({values.section.kind}) is not known"
    shape = Shape(outputs, height, width)
    return layers.core(name, "conv", [layers.last], shape, why, weights * height * width, weights, values)


def _history(layers: Layers, values: Values, name: str) -> str:
    channels, height, width = layers.shape
    shape = Shape(channels * values.positive("history_size", 4), height, width)
    return layers.builder.cpu(name, "concat", [layers.last], shape)


def _implicit(layers: Layers, values: Values, name: str) -> str:
    """A constant vector: a core brings it into the accelerator's layout."""
    shape = Shape(values.positive("filters", 128), values.positive("atoms", 1), 1)
    return layers.builder.cpu(name, "gather", [layers.image], shape)


def _same(kind: str) -> "Maker":
    def make(layers: Layers, values: Values, name: str) -> str:
        return layers.builder.same_shape(name, kind, layers.last)

    return make


def _normalization(layers: Layers, values: Values, name: str) -> str:
    return layers.builder.same_shape(name, "lrn", layers.last, factor=values.positive("size", 5))


def _activation(layers: Layers, values: Values, name: str) -> str:
    return _activated(layers, values, name, layers.last, "linear")


def _norm(layers: Layers, values: Values, name: str) -> str:
    why = f"[{values.section.written}] is not known"
    return layers.core(name, "norm", [layers.last], layers.shape, why, values=values)


def _nothing(layers: Layers, values: Values, name: str) -> str:
    return layers.last


Maker = Callable[[Layers, Values, str], str]
KINDS: dict[str, Maker] = {
    "convolutional": _convolutional,
    "deconvolutional": _deconvolutional,
    "connected": _connected,
    "local": _local,
    "shortcut": _shortcut,
    "scale_channels": _scale_channels,
    "sam": _sam,
    "route": _route,
    "maxpool": _maxpool,
    "local_avgpool": _local_avgpool,
    "avgpool": _avgpool,
    "upsample": _upsample,
    "reorg": _reorg,
    "reorg3d": _reorg,
    "crop": _crop,
    "rnn": _rnn,
    "gru": _gated(3),
    "lstm": _gated(4),
    "crnn": _crnn,
    "conv_lstm": _conv_lstm,
    "history": _history,
    "implicit": _implicit,
    "normalization": _normalization,
    "batchnorm": _same("scale"),
    "activation": _activation,
    "logistic": _same("softmax"),
    "l2norm": _norm,
    "softmax": _same("softmax"),
    "yolo": _same("yolo"),
    "Gaussian_yolo": _same("yolo"),
    "region": _same("yolo"),
    "detection": _same("yolo"),
    "iseg": _nothing,
    **dict.fromkeys(("dropout", "cost", "empty", "contrastive"), _nothing),
}
