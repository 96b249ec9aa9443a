"""ONNX files. Shapes come from ONNX's own inference; weights are looked at for their shapes only.

An operator that is not in `onnx_nodes.MAKERS` becomes work for a core, with a warning that names it.
"""

from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from hw_models.errors import ConfigError
from workloads.graph import Network, NetworkBuilder
from workloads.importers.onnx_nodes import MAKERS, At, Dims, as_shape


def read_onnx(path: Path, size: tuple[int, int] | None = None) -> Network:
    """Return the network of an ONNX file; ``size`` (width, height) replaces that of its inputs.

    Raises ConfigError naming the node at fault.
    """
    model = _load(path)
    reader = Reader(path, model, size)
    return reader.network()


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
    return model


@dataclass
class Reader:
    path: Path
    model: onnx.ModelProto
    size: tuple[int, int] | None
    dims: dict[str, Dims] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    values: dict[str, list[int]] = field(default_factory=dict)  # small integer constants
    tensors: dict[str, str] = field(default_factory=dict)  # ONNX name -> builder's name

    def __post_init__(self) -> None:
        self.builder = NetworkBuilder(self.path.stem)
        self.names: set[str] = set()

    def network(self) -> Network:
        graph = self.model.graph
        self.constants = {tensor.name for tensor in graph.initializer}
        for tensor in graph.initializer:
            self.dims[tensor.name] = tuple(tensor.dims)
            self._remember(tensor.name, tensor)
        self._fix_inputs()
        self._infer()
        for value in graph.input:
            if value.name not in self.constants:
                self.tensors[value.name] = self.builder.input(value.name, *as_shape(self.dims[value.name]))
        for index, node in enumerate(graph.node):
            if node.op_type in ("Shape", "Size", "Constant") or all(
                name in self.constants for name in node.input if name
            ):
                self._constant(node)
                continue
            self._node(node, index)
        outputs = [self.tensors[value.name] for value in graph.output if value.name in self.tensors]
        self.builder.network.outputs = outputs
        return self.builder.finish()

    def _remember(self, name: str, tensor: onnx.TensorProto) -> None:
        integer = tensor.data_type in (onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.FLOAT)
        small = prod(tensor.dims) <= 16 and tensor.data_location != onnx.TensorProto.EXTERNAL
        if integer and small:
            self.values[name] = [int(value) for value in onnx.numpy_helper.to_array(tensor).flatten()]

    def _constant(self, node: onnx.NodeProto) -> None:
        self.constants.update(node.output)
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    self._remember(node.output[0], attribute.t)

    def _fix_inputs(self) -> None:
        """One image; sizes that the file leaves open come from ``size``."""
        for value in self.model.graph.input:
            if value.name in self.constants:
                continue
            dims = value.type.tensor_type.shape.dim
            if len(dims) > 1 and dims[0].dim_value != 1:
                dims[0].dim_value = 1
            if len(dims) == 4 and self.size:
                dims[2].dim_value, dims[3].dim_value = self.size[1], self.size[0]
            for dim in dims:
                if dim.dim_value < 1:
                    name = dim.dim_param or "?"
                    message = (
                        f"input {value.name!r} has an open dimension {name!r}; write `input: WIDTHxHEIGHT`"
                    )
                    raise ConfigError(message, file=self.path)

    def _infer(self) -> None:
        graph = self.model.graph
        del graph.value_info[:]
        for value in graph.output:
            value.type.tensor_type.ClearField("shape")
        try:
            inferred = onnx.shape_inference.infer_shapes(self.model, data_prop=True)
        except onnx.shape_inference.InferenceError as error:
            message = f"shapes do not fit together: {str(error).strip().splitlines()[-1]}"
            raise ConfigError(message, file=self.path) from None
        for value in (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output):
            dims = value.type.tensor_type.shape.dim
            if value.type.tensor_type.HasField("shape") and all(dim.dim_value > 0 for dim in dims):
                self.dims[value.name] = tuple(dim.dim_value for dim in dims)

    def _node(self, node: onnx.NodeProto, index: int) -> None:
        name = node.name or f"{node.op_type.lower()}_{index}"
        while name in self.names:
            name = f"{name}_{index}"
        self.names.add(name)
        at = At(self, node, name)
        try:
            maker = MAKERS.get(node.op_type)
            output = maker(at) if maker and at.fits() else at.on_core(f"operator {node.op_type} is not known")
        except ValueError as error:
            raise ConfigError(str(error), file=self.path, key=name) from None
        self.tensors[node.output[0]] = output
        if node.op_type != "Split":
            for extra in node.output[1:]:  # masks and indices: nobody reads them at inference
                self.constants.add(extra)
