"""Networks written in a config, layer by layer."""

from collections.abc import Callable
from typing import Any

from hw_models.errors import ConfigError
from workloads.graph import Network, NetworkBuilder, Window
from workloads.params import AnyLayer, InlineLayer


def read_inline(layers: tuple[AnyLayer, ...]) -> Network:
    """Return the network of inline layers. Raises ConfigError with the key of the layer."""
    builder = NetworkBuilder("inline")
    named: dict[str, str] = {}
    last = ""
    for index, item in enumerate(layers):
        layer: InlineLayer = getattr(item, item.kind)
        name = layer.name or f"{item.kind}_{index}"
        key = f"layers.{index}.{item.kind}"
        sources = _sources(builder, layer, last, named, name, key)
        if item.kind in ("add", "concat") and len(sources) == 1 and last:
            sources = [last, *sources]
        try:
            last = _MAKERS[item.kind](builder, name, sources, layer)
        except ValueError as error:
            raise ConfigError(str(error), key=key) from None
        named[name] = last
    return builder.finish()


def _sources(
    builder: NetworkBuilder, layer: InlineLayer, last: str, named: dict[str, str], name: str, key: str
) -> list[str]:
    if layer.input is not None:
        width, height, channels = layer.input
        return [builder.input(f"{name}.input", channels, height, width)]
    wanted = (layer.source,) if isinstance(layer.source, str) else layer.source or ()
    for source in wanted:
        if source not in named:
            raise ConfigError(
                f"{source!r} is no earlier layer; write one of {', '.join(named)}", key=f"{key}.from"
            )
    sources = [named[source] for source in wanted]
    if not last and not sources:
        raise ConfigError("the first layer has no input; add `input: [WIDTH, HEIGHT, CHANNELS]`", key=key)
    return sources or [last]


def _window(layer: Any) -> Window:
    kernel, stride, pad = layer.kernel, layer.stride or layer.kernel, layer.padding
    dilation = getattr(layer, "dilation", (1, 1))
    return Window(
        kernel[1], kernel[0], stride[1], stride[0], pad[1], pad[1], pad[0], pad[0], dilation[1], dilation[0]
    )


def _activated(builder: NetworkBuilder, name: str, tensor: str, function: str) -> str:
    if function in ("linear", ""):
        return tensor
    return builder.same_shape(f"{name}.{function}", "activation", tensor, function)


def _conv(builder: NetworkBuilder, name: str, sources: list[str], layer: Any) -> str:
    tensor = builder.conv(name, sources[0], layer.kernels, _window(layer), layer.groups, layer.bias)
    return _activated(builder, name, tensor, layer.activation)


def _deconv(builder: NetworkBuilder, name: str, sources: list[str], layer: Any) -> str:
    tensor = builder.deconv(name, sources[0], layer.kernels, _window(layer), layer.groups, layer.bias)
    return _activated(builder, name, tensor, layer.activation)


def _fc(builder: NetworkBuilder, name: str, sources: list[str], layer: Any) -> str:
    return _activated(
        builder, name, builder.fc(name, sources[0], layer.kernels, layer.bias), layer.activation
    )


def _pool(builder: NetworkBuilder, name: str, sources: list[str], layer: Any) -> str:
    if layer.kernel is None:
        return builder.global_pool(name, sources[0], layer.function)
    return builder.pool(name, sources[0], layer.function, _window(layer))


_MAKERS: dict[str, Callable[[NetworkBuilder, str, list[str], Any], str]] = {
    "conv": _conv,
    "deconv": _deconv,
    "fc": _fc,
    "pool": _pool,
    "add": lambda builder, name, sources, layer: builder.eltwise(name, sources),
    "concat": lambda builder, name, sources, layer: builder.concat(name, sources),
    "upsample": lambda builder, name, sources, layer: builder.upsample(name, sources[0], layer.factor),
    "lrn": lambda builder, name, sources, layer: builder.same_shape(
        name, "lrn", sources[0], factor=layer.size
    ),
    "activation": lambda builder, name, sources, layer: builder.same_shape(
        name, "activation", sources[0], layer.function
    ),
    "softmax": lambda builder, name, sources, layer: builder.same_shape(name, "softmax", sources[0]),
    "yolo": lambda builder, name, sources, layer: builder.same_shape(name, "yolo", sources[0]),
}
