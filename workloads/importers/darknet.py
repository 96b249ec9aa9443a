"""Darknet `.cfg` files: sections of `key=value` lines, layers in order, earlier layers by index."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hw_models.errors import ConfigError
from workloads.graph import MOST, Network, NetworkBuilder, Shape, Window


@dataclass
class Section:
    kind: str
    line: int
    values: dict[str, tuple[str, int]] = field(default_factory=dict)  # key -> value, line


class _Reader:
    """Values of one section, with errors that say where."""

    def __init__(self, file: str, section: Section):
        self.file, self.section = file, section

    def fail(self, message: str, key: str | None = None) -> ConfigError:
        line = self.section.values[key][1] if key in self.section.values else self.section.line
        path = f"[{self.section.kind}]" + (f" {key}" if key else "")
        return ConfigError(message, file=self.file, line=line, key=path)

    def integer(self, key: str, default: int | None = None) -> int:
        if key not in self.section.values:
            if default is None:
                raise self.fail(
                    f"no `{key}=` in this section; the file may be cut off here, add `{key}=NUMBER`"
                )
            return default
        text = self.section.values[key][0]
        try:
            return int(text)
        except ValueError:
            raise self.fail(f"{text!r} is not a whole number; write `{key}=NUMBER`", key) from None

    def positive(self, key: str, default: int | None = None) -> int:
        value = self.integer(key, default)
        if value <= 0:
            raise self.fail(f"{value} is too small; write at least 1", key)
        if value > MOST:
            raise self.fail(f"{value} is too large; write at most {MOST}", key)
        return value

    def integers(self, key: str) -> list[int]:
        if key not in self.section.values:
            raise self.fail(f"no `{key}=` in this section; the file may be cut off here, add `{key}=NUMBERS`")
        text = self.section.values[key][0]
        try:
            return [int(part) for part in text.split(",")]
        except ValueError:
            raise self.fail(f"{text!r} is not a list of whole numbers; write `{key}=-1,8`", key) from None

    def text(self, key: str, default: str) -> str:
        return self.section.values.get(key, (default, 0))[0]


def read_sections(path: Path) -> list[Section]:
    """Return the sections of a file. Raises ConfigError with the line of the first fault."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ConfigError("no such file; write the path of a Darknet .cfg file", file=path) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            "cannot be read as text; write the path of a Darknet .cfg file", file=path
        ) from None
    sections: list[Section] = []
    for number, raw in enumerate(lines, 1):
        line = raw.split("#")[0].split(";")[0].strip()
        if not line:
            continue
        if line.startswith("["):
            if not line.endswith("]"):
                raise ConfigError(f"found {line!r}; write a section as [name]", file=path, line=number)
            sections.append(Section(line[1:-1].strip(), number))
            continue
        key, equals, value = line.partition("=")
        if not equals or not sections:
            raise ConfigError(f"found {line!r}; write [section] or key=value", file=path, line=number)
        sections[-1].values[key.strip()] = (value.strip(), number)
    if not sections or sections[0].kind not in ("net", "network"):
        raise ConfigError(
            "does not start with [net]; write the path of a Darknet .cfg file", file=path, line=1
        )
    return sections


def read_darknet(path: Path, size: tuple[int, int] | None = None, name: str = "") -> Network:
    """Return the network of a `.cfg` file; ``size`` (width, height) replaces the one in [net]."""
    sections = read_sections(path)
    net = _Reader(str(path), sections[0])
    width, height = size or (net.positive("width"), net.positive("height"))
    if len(sections) < 2:
        raise net.fail("the network has no layers; the file may be cut off here")
    builder = NetworkBuilder(name or path.stem)
    layers = _Layers(builder, builder.input("image", net.positive("channels", 3), height, width))
    for index, section in enumerate(sections[1:]):
        reader = _Reader(str(path), section)
        try:
            make = KINDS.get(section.kind, _unknown)
            layers.outputs.append(make(layers, reader, f"{SHORT.get(section.kind, section.kind)}_{index}"))
        except ValueError as error:
            raise reader.fail(str(error)) from None
    return builder.finish()


@dataclass
class _Layers:
    builder: NetworkBuilder
    image: str
    outputs: list[str] = field(default_factory=list)

    @property
    def last(self) -> str:
        return self.outputs[-1] if self.outputs else self.image

    def at(self, index: int, reader: _Reader, key: str) -> str:
        """Return the output of layer ``index``, counted back from here if negative."""
        absolute = index if index >= 0 else len(self.outputs) + index
        if not 0 <= absolute < len(self.outputs):
            raise reader.fail(
                f"{index} names no earlier layer; this is layer {len(self.outputs)}, "
                f"write {-len(self.outputs)} to {max(len(self.outputs) - 1, 0)}",
                key,
            )
        return self.outputs[absolute]


SHORT = {"convolutional": "conv", "connected": "fc", "deconvolutional": "deconv"}


def _activated(layers: _Layers, reader: _Reader, name: str, tensor: str, default: str) -> str:
    function = reader.text("activation", default)
    if function == "linear":
        return tensor
    return layers.builder.same_shape(f"{name}.{function}", "activation", tensor, function)


def _convolutional(layers: _Layers, reader: _Reader, name: str) -> str:
    size = reader.positive("size")
    pad = size // 2 if reader.integer("pad", 0) else reader.integer("padding", 0)
    stride, dilation = reader.positive("stride", 1), reader.positive("dilation", 1)
    window = Window(size, size, stride, stride, pad, pad, pad, pad, dilation, dilation)
    normalised = reader.integer("batch_normalize", 0)
    tensor = layers.builder.conv(
        name,
        layers.last,
        reader.positive("filters"),
        window,
        reader.positive("groups", 1),
        bias=not normalised,
    )
    if normalised:
        tensor = layers.builder.same_shape(f"{name}.norm", "scale", tensor)
    return _activated(layers, reader, name, tensor, "logistic")


def _connected(layers: _Layers, reader: _Reader, name: str) -> str:
    tensor = layers.builder.fc(name, layers.last, reader.positive("output"))
    return _activated(layers, reader, name, tensor, "logistic")


def _shortcut(layers: _Layers, reader: _Reader, name: str) -> str:
    sources = [layers.at(index, reader, "from") for index in reader.integers("from")]
    tensor = layers.builder.eltwise(name, [layers.last, *sources])
    return _activated(layers, reader, name, tensor, "linear")


def _route(layers: _Layers, reader: _Reader, name: str) -> str:
    sources = [layers.at(index, reader, "layers") for index in reader.integers("layers")]
    groups, group = reader.positive("groups", 1), reader.integer("group_id", 0)
    if groups > 1:
        parts = []
        for number, source in enumerate(sources):
            channels = layers.builder.shape(source).channels // groups
            parts.append(layers.builder.slice(f"{name}.part{number}", source, group * channels, channels))
        sources = parts
    return sources[0] if len(sources) == 1 else layers.builder.concat(name, sources)


def _maxpool(layers: _Layers, reader: _Reader, name: str) -> str:
    stride = reader.positive("stride", 1)
    size = reader.positive("size", stride)
    padding = reader.integer("padding", size - 1)
    before = padding // 2
    window = Window(size, size, stride, stride, before, padding - before, before, padding - before)
    return layers.builder.pool(name, layers.last, "max", window)


def _avgpool(layers: _Layers, reader: _Reader, name: str) -> str:
    return layers.builder.global_pool(name, layers.last, "average")


def _upsample(layers: _Layers, reader: _Reader, name: str) -> str:
    return layers.builder.upsample(name, layers.last, reader.positive("stride", 2))


def _yolo(layers: _Layers, reader: _Reader, name: str) -> str:
    return layers.builder.same_shape(name, "yolo", layers.last)


def _softmax(layers: _Layers, reader: _Reader, name: str) -> str:
    return layers.builder.same_shape(name, "softmax", layers.last)


def _nothing(layers: _Layers, reader: _Reader, name: str) -> str:
    return layers.last


def _reorg(layers: _Layers, reader: _Reader, name: str) -> str:
    stride = reader.positive("stride", 2)
    channels, height, width = layers.builder.shape(layers.last)
    shape = Shape(channels * stride * stride, height // stride, width // stride)
    return layers.builder.cpu(name, "transpose", [layers.last], shape)


def _unknown(layers: _Layers, reader: _Reader, name: str) -> str:
    kind, shape = reader.section.kind, layers.builder.shape(layers.last)
    layers.builder.network.warnings.append(
        f"{reader.file}:{reader.section.line}: [{kind}] is not known; a core does it, with equal shapes"
    )
    return layers.builder.cpu(name, kind, [layers.last], shape)


KINDS: dict[str, Callable[[_Layers, _Reader, str], str]] = {
    "convolutional": _convolutional,
    "connected": _connected,
    "shortcut": _shortcut,
    "route": _route,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "upsample": _upsample,
    "yolo": _yolo,
    "region": _yolo,
    "detection": _yolo,
    "softmax": _softmax,
    "reorg": _reorg,
    "dropout": _nothing,
    "cost": _nothing,
}
