"""ONNX files: from the file to the graph. Weights are looked at for their shapes only.

An operator that is not in `onnx_table.MAKERS` becomes work for a core, with a warning that names it.
"""

from math import prod
from pathlib import Path, PurePosixPath

import onnx
import onnx.inliner
from google.protobuf.message import DecodeError

from hw_models.errors import ConfigError
from workloads.graph import Network, NetworkBuilder, Shape
from workloads.importers.onnx_control import CONTROL
from workloads.importers.onnx_inputs import InputSizes, set_inputs
from workloads.importers.onnx_nodes import At, Dims, default_axis, laid_shape
from workloads.importers.onnx_order import Located
from workloads.importers.onnx_sequences import SEQUENCES
from workloads.importers.onnx_table import MAKERS
from workloads.importers.onnx_walk import FAULTS, Walker
from workloads.importers.prune import without_dead_ends


def read_onnx(path: Path, sizes: InputSizes = None) -> Network:
    """Return the network of an ONNX file; ``sizes`` replaces those of its inputs.

    Raises ConfigError naming the node at fault.
    """
    model = _load(path)
    try:
        return Reader(path, _inlined(model), sizes).network()
    except Located as error:
        raise ConfigError(str(error), file=path, key=error.name) from None
    except ValueError as error:
        raise ConfigError(str(error), file=path) from None
    except RecursionError:
        raise ConfigError("is nested too deeply; export the model again", file=path) from None
    except FAULTS as error:
        said = " ".join(str(error).split())[:200]
        raise ConfigError(f"is damaged ({said}); export or download it again", file=path) from None


def _load(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(str(path), load_external_data=False)
    except FileNotFoundError:
        raise ConfigError("no such file; write the path of an .onnx file", file=path) from None
    except (DecodeError, OSError):
        size = path.stat().st_size if path.is_file() else 0
        message = f"its {size} bytes are not a complete ONNX model; export or download the file again"
        raise ConfigError(message, file=path) from None
    if not model.graph.node:
        raise ConfigError("has no layers; export or download the file again", file=path)
    if not any(entry.domain in ("", "ai.onnx") for entry in model.opset_import):
        raise ConfigError("names no version of the ONNX operators; export the file again", file=path)
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            _check_external(path, tensor)
    return model


def _check_external(path: Path, tensor: onnx.TensorProto) -> None:
    """The weights' own file must hold the bytes that the shape asks for."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = PurePosixPath(entries.get("location", ""))
    if location.is_absolute() or ".." in location.parts:
        message = f"its weights are in {str(location)!r}, outside its folder; keep both together"
        raise ConfigError(message, file=path, key=tensor.name)
    data = path.parent / entries.get("location", "")
    if not data.is_file():
        message = (
            f"its weights are in {entries.get('location', '')!r}, which is not there; keep both together"
        )
        raise ConfigError(message, file=path, key=tensor.name)
    try:
        offset, size = int(entries.get("offset", 0)), data.stat().st_size
        length = int(entries.get("length", size - offset))
    except ValueError:
        raise ConfigError(
            "offset and length of its external data are not numbers; export again", file=path, key=tensor.name
        ) from None
    bits = (
        4 if tensor.data_type in (onnx.TensorProto.INT4, onnx.TensorProto.UINT4) else 8 * item_bytes(tensor)
    )
    need = -(-prod(tensor.dims) * bits // 8)
    if offset < 0 or offset + length > size or length != need:
        message = (
            f"its shape {list(tensor.dims)} needs {need} bytes, and {data.name} has "
            f"{max(min(length, size - offset), 0)} for it; export or download both files again"
        )
        raise ConfigError(message, file=path, key=tensor.name)


def item_bytes(tensor: onnx.TensorProto) -> int:
    return int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)


def _inlined(model: onnx.ModelProto) -> onnx.ModelProto:
    if not model.functions:
        return model
    try:
        return onnx.inliner.inline_local_functions(model)
    except (RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())[:300]
        raise ValueError(f"its local functions cannot be inlined: {said}; export without them") from None


STEERING = CONTROL | SEQUENCES


class Reader:
    """Makes a layer of every node that the walker visits. A tensor may lie in several layouts."""

    def __init__(self, path: Path, model: onnx.ModelProto, sizes: InputSizes):
        self.path, self.model, self.sizes = path, model, sizes
        self.builder = NetworkBuilder(path.stem)
        self.walker = Walker(model, self.visit, self._bounded, self._alias, self._stack, self._take, STEERING)
        self.laid: dict[str, dict[int, str]] = {}  # ONNX name -> axis of the channels -> tensor
        self.parts: dict[str, tuple[str, Dims]] = {}  # outputs after the first: made when they are read
        self.waiting: set[str] = set()  # inputs that nothing has read yet: the first reader says their layout

    def network(self) -> Network:
        graph, network = self.model.graph, self.builder.network
        constants = {tensor.name for tensor in graph.initializer}
        constants |= {tensor.values.name for tensor in graph.sparse_initializer}
        self.walker.types.update(set_inputs(graph, constants, self.sizes, network.notes))
        for value in graph.input:
            if value.name not in constants:
                self.waiting.add(value.name)
        self.walker.run(graph)
        for name in sorted(self.waiting):
            network.notes.append(f"input {name!r} is read by nothing")
        order = {value.name: number for number, value in enumerate(graph.input)}
        network.inputs.sort(key=lambda name: order[name])
        for value in graph.output:
            if value.name in self.walker.constants:
                network.notes.append(f"output {value.name!r} is a constant: nothing to run for it")
            elif value.name not in self.walker.types:
                raise ValueError(f"output {value.name!r} is made by no node; export the model again")
            else:
                network.outputs.append(self.source(value.name))
        if not network.outputs:
            raise ValueError("nothing in it depends on its inputs; export the model again")
        return without_dead_ends(self.builder.finish())

    def visit(self, node: onnx.NodeProto, name: str, operator: str) -> None:
        """Add what a node is. Raises ValueError."""
        self.builder.operator = operator
        at = At(self, node, name)
        maker = MAKERS.get(node.op_type)
        if maker is None or not any(at.is_data(i) for i in range(len(node.input))):
            at.core(node.op_type.lower(), f"operator {node.op_type} is not known")
        else:
            maker(at)
        for number, output in enumerate(node.output):
            if output and number and output not in self.laid:
                self.parts[output] = (node.output[0], at.out_dims(number))

    def _keep(self, name: str, axis: int, tensor: str) -> None:
        self.laid.setdefault(name, {})[axis] = tensor
        dims = self.walker.dims(name)
        self.builder.network.dims.setdefault(tensor, dims)

    def give(self, name: str, axis: int, tensor: str) -> None:
        self._keep(name, axis, tensor)

    def axis(self, name: str) -> int:
        self.source(name)
        return next(iter(self.laid[name]))

    def source(self, name: str, axis: int | None = None) -> str:
        """Return the tensor of an ONNX name, its channels along ``axis``: transposed by a core if need be."""
        if name in self.waiting:
            self.lay_input(name, axis)
        if name not in self.laid:
            first, dims = self.parts[name]
            axis_made = default_axis(dims)
            shape = laid_shape(dims, axis_made)
            self._keep(name, axis_made, self.builder.cpu(name, "result", [self.source(first)], shape))
        made = self.laid[name]
        if axis is None or axis in made:
            return made[next(iter(made)) if axis is None else axis]
        dims, (have, tensor) = self.walker.dims(name), next(iter(made.items()))
        shape = laid_shape(dims, axis)
        if (
            pixel_order(dims, have) == pixel_order(dims, axis)
            and shape.channels == self.shape(tensor).channels
        ):
            made[axis] = tensor
            return tensor
        said, self.builder.operator = self.builder.operator, "(layout)"
        made[axis] = self.builder.cpu(f"{name}.axis{axis}", "transpose", [tensor], shape)
        self.builder.operator = said
        self.builder.network.dims.setdefault(made[axis], dims)
        return made[axis]

    def lay_input(self, name: str, axis: int | None) -> None:
        """A core brings an input into the accelerator's layout: into the one that its first reader wants."""
        if name in self.waiting:
            self.waiting.discard(name)
            dims = self.walker.dims(name)
            at = default_axis(dims) if axis is None else axis
            self._keep(name, at, self.builder.input(name, *laid_shape(dims, at)))

    def shape(self, tensor: str) -> Shape:
        return self.builder.shape(tensor)

    def warn(self, name: str, text: str) -> None:
        self.builder.network.warnings.append(f"{self.path}: {name}: {text}")

    def _bounded(self, name: str, text: str) -> None:
        self.warn(name, f"{text}, which the data decide; the most is taken")

    def _alias(self, name: str, other: str) -> None:
        if other in self.laid:
            self.laid[name] = self.laid[other]
        elif other in self.parts:
            self.parts[name] = self.parts[other]

    def _stack(self, name: str, parts: list[str], axis: int) -> None:
        dims = self.walker.dims(name)
        at = default_axis(dims)
        sources = [self.source(part) for part in parts if part not in self.walker.constants]
        self.builder.operator = "(stack)"
        self._keep(name, at, self.builder.cpu(name, "concat", sources, laid_shape(dims, at)))

    def _take(self, name: str, of: str, axis: int, index: int) -> None:
        dims = self.walker.dims(name)
        at = default_axis(dims)
        self.builder.operator = "(slice)"
        self._keep(name, at, self.builder.cpu(name, "slice", [self.source(of)], laid_shape(dims, at)))


def pixel_order(dims: Dims, axis: int) -> list[int]:
    return [i for i, d in enumerate(dims) if i != axis and d != 1]
