"""Caffe `.prototxt` files, of `layer` and of the older `layers`: what runs at test time, one image."""

from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from workloads.graph import Network, NetworkBuilder
from workloads.importers.caffe_layers import KINDS, NO_WORK, SOURCES, At, Blob, shape_of
from workloads.importers.caffe_text import Message, read_text
from workloads.importers.prune import without_dead_ends

LEGACY = {  # `layers { type: CONVOLUTION }` -> `layer { type: "Convolution" }`
    "ABSVAL": "AbsVal", "ACCURACY": "Accuracy", "BNLL": "BNLL", "CONCAT": "Concat",
    "CONVOLUTION": "Convolution",
    "DATA": "Data", "DECONVOLUTION": "Deconvolution", "DROPOUT": "Dropout", "ELTWISE": "Eltwise",
    "EXP": "Exp",
    "FLATTEN": "Flatten", "IMAGE_DATA": "ImageData", "INNER_PRODUCT": "InnerProduct", "LRN": "LRN",
    "MEMORY_DATA": "MemoryData", "MVN": "MVN", "POOLING": "Pooling", "POWER": "Power", "RELU": "ReLU",
    "SIGMOID": "Sigmoid", "SLICE": "Slice", "SOFTMAX": "Softmax", "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split", "TANH": "TanH", "SILENCE": "Silence", "DUMMY_DATA": "DummyData",
    "HDF5_DATA": "HDF5Data",
    "WINDOW_DATA": "WindowData", "EUCLIDEAN_LOSS": "EuclideanLoss", "HINGE_LOSS": "HingeLoss",
}  # fmt: skip


def read_caffe(path: Path, size: tuple[int, int] | None = None) -> Network:
    """Return the network of a `.prototxt` file; ``size`` (width, height) replaces that of its input."""
    net = read_text(path)
    net.only(("name", "layer", "layers", "input", "input_dim", "input_shape", "force_backward", "state",
              "debug_info"))  # fmt: skip
    blocks = [block for key in ("layer", "layers") for block, _ in net.fields.get(key, [])]
    if not blocks:
        raise net.fail("no layers; write the path of a .prototxt file that describes a network")
    reader = Reader(NetworkBuilder(path.stem), size)
    reader.legacy_inputs(net)
    for number, block in enumerate(blocks):
        if not isinstance(block, Message):
            raise net.fail(f"{block!r} is no layer; write layer {{ ... }}")
        reader.layer(block, number)
    if not reader.builder.network.inputs:
        raise net.fail('no input; write `input: "data"` and `input_shape { dim: 1 dim: 3 ... }`')
    if size is not None and not reader.resized:
        raise net.fail("no image among its inputs, so WIDTHxHEIGHT is for none; leave it out")
    if not reader.builder.network.nodes:
        raise net.fail("no layers run at test time; write the path of a deploy file")
    return without_dead_ends(reader.builder.finish())


@dataclass
class Reader:
    builder: NetworkBuilder
    size: tuple[int, int] | None
    blobs: dict[str, Blob] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    resized: bool = False

    def legacy_inputs(self, net: Message) -> None:
        """Inputs that stand beside the layers."""
        names, flat = net.all("input"), net.wholes("input_dim", 1)
        shapes = [
            net_shape.wholes("dim", 1)
            for net_shape in net.all("input_shape")
            if isinstance(net_shape, Message)
        ]
        shapes = shapes or [flat[i : i + 4] for i in range(0, len(flat), 4)]
        if len(names) != len(shapes):
            raise net.fail(f"{len(names)} inputs and {len(shapes)} shapes; write a shape for each", "input")
        for name, dims in zip(names, shapes):
            self.input(str(name), dims, net)

    def input(self, name: str, dims: list[int], at: Message) -> None:
        if len(dims) < 2:
            raise at.fail(f"input {name!r} has the shape {dims}; write batch, channels, height, width")
        if dims[0] > 1:
            self.builder.network.notes.append(f"input {name!r}: one image of a batch of {dims[0]}")
        inner = tuple(dims[1:])
        if self.size is not None and len(inner) == 3:
            inner = (inner[0], self.size[1], self.size[0])
            self.resized = True
        self.blobs[name] = Blob(self.builder.input(name, *shape_of(inner)), inner)

    def layer(self, block: Message, number: int) -> None:
        kind = LEGACY.get(block.text("type").upper(), block.text("type"))
        name = self._unique(block.text("name") or f"{kind.lower()}_{number}")
        block.name = name
        if not self._at_test_time(block):
            return
        if kind in NO_WORK:
            return
        if kind not in KINDS:
            close = get_close_matches(kind, KINDS, 1)
            advice = f"did you mean {close[0]!r}?" if close else "remove it, or convert the model to ONNX"
            raise block.fail(f"layer type {kind!r} is not known; {advice}", "type")
        self.builder.operator = kind
        at = At(self, block, name, [self.blob(block, bottom) for bottom in block.all("bottom")])
        if not at.bottoms and kind not in SOURCES:
            raise block.fail("reads nothing; add `bottom:`")
        try:
            KINDS[kind](at)
        except ValueError as error:
            raise block.fail(str(error)) from None

    def blob(self, block: Message, name: str) -> Blob:
        if name not in self.blobs:
            close = get_close_matches(name, self.blobs, 1)
            advice = f"did you mean {close[0]!r}?" if close else "write the top of an earlier layer"
            raise block.fail(f"{name!r} is made by no earlier layer; {advice}", "bottom")
        return self.blobs[name]

    def _unique(self, name: str) -> str:
        found, number = name, 2
        while found in self.names:
            found, number = f"{name}.{number}", number + 1
        self.names.add(found)
        return found

    @staticmethod
    def _at_test_time(block: Message) -> bool:
        include, exclude = block.all("include"), block.all("exclude")
        included = not include or any(rule.text("phase", "TEST") == "TEST" for rule in include)
        return included and not any(rule.text("phase") == "TEST" for rule in exclude)
