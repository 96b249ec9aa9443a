"""Walks an ONNX graph node by node: every shape and every constant known before a node is made a layer.

Shapes are ONNX's own inference, constants its reference evaluator; local functions are inlined by its inliner
before. Conditions, loops and scans are played as often as they run.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from workloads.graph import MOST_VALUES
from workloads.importers.onnx_order import Located, in_order
from workloads.importers.onnx_standard import attributes_of, standard

Dims = tuple[int, ...]
MOST_FOLDED = 2**16  # values of a constant that is worked out
MOST_NODES = 50_000  # nodes that are visited, loops unrolled
UNREPEATABLE = (
    "RandomNormal",
    "RandomUniform",
    "RandomNormalLike",
    "RandomUniformLike",
    "Bernoulli",
    "Multinomial",
)
FAULTS = (  # of ONNX's own code and of makers, on attributes and inputs that do not fit
    onnx.shape_inference.InferenceError, onnx.checker.ValidationError, RuntimeError, TypeError, KeyError,
    IndexError, ZeroDivisionError, AttributeError, StopIteration,
)  # fmt: skip


def most_found(op_type: str, dims: list[Dims], values: list[np.ndarray | None]) -> list[Dims] | None:
    """Return the largest shapes of outputs whose sizes depend on the data; None where no bound is known."""
    if op_type == "NonZero":
        return [(max(len(dims[0]), 1), prod(dims[0]))]
    if op_type == "NonMaxSuppression":
        images, boxes, classes = dims[0][0], dims[0][1], dims[1][1]
        limit = values[2] if len(values) > 2 else None
        each = min(boxes, int(limit.flat[0])) if limit is not None and limit.size else boxes
        return [(images * classes * each, 3)]
    if op_type == "Unique":
        return [(prod(dims[0]),)] * 4
    if op_type == "Compress":
        return [(prod(dims[0]),)]
    return None


@dataclass
class Walker:
    """What is known of every tensor. ``visit`` is called with each node that works on data."""

    model: onnx.ModelProto
    visit: Callable[[onnx.NodeProto, str, str], None]  # node, its name, the operator as the file has it
    bounded: Callable[[str, str], None]  # a node's output depends on the data and was taken at its largest
    alias: Callable[[str, str], None]  # a name is another name for a tensor
    stack: Callable[[str, list[str], int], None]  # a tensor is others side by side along a new axis
    take: Callable[[str, str, int, int], None]  # a tensor is one slice of another: name, of, axis, index
    special: Mapping[str, Callable[["Walker", onnx.NodeProto, str], None]]  # operators that steer the walk
    types: dict[str, onnx.TypeProto] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    values: dict[str, np.ndarray] = field(default_factory=dict)
    tensors: dict[str, onnx.TensorProto] = field(default_factory=dict)  # small constants as the file has them
    sequences: dict[str, list[str]] = field(default_factory=dict)  # name -> its tensors
    visited: int = 0
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.opsets = {entry.domain or "": entry.version for entry in self.model.opset_import}
        self.imports = [onnx.helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]

    def dims(self, name: str) -> Dims:
        shape = self.types[name].tensor_type.shape.dim
        return tuple(dim.dim_value for dim in shape)

    def constant(self, name: str, tensor: onnx.TensorProto) -> None:
        if any(dim < 0 for dim in tensor.dims):
            raise ValueError(f"constant {name!r} has the shape {list(tensor.dims)}; export the model again")
        self.types[name] = onnx.helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims))
        self.constants.add(name)
        external = tensor.data_location == onnx.TensorProto.EXTERNAL
        if prod(tensor.dims) <= MOST_FOLDED and not external:
            self.value(name, onnx.numpy_helper.to_array(tensor))

    def value(self, name: str, value: np.ndarray) -> None:
        self.constants.add(name)
        self.values[name] = value
        self.tensors[name] = onnx.numpy_helper.from_array(np.asarray(value), name)
        tensor = self.tensors[name]
        self.types[name] = onnx.helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims))

    def sparse(self, tensor: onnx.SparseTensorProto) -> None:
        name = tensor.values.name
        self.types[name] = onnx.helper.make_tensor_type_proto(tensor.values.data_type, list(tensor.dims))
        self.constants.add(name)

    def run(self, graph: onnx.GraphProto) -> None:
        """Visit the nodes of the main graph; its inputs' types are there already."""
        for tensor in graph.initializer:
            self.constant(tensor.name, tensor)
        for sparse in graph.sparse_initializer:
            self.sparse(sparse)
        self.nodes(graph.node, "")

    def nodes(self, nodes: Iterable[onnx.NodeProto], prefix: str) -> None:
        for index, node in enumerate(in_order(list(nodes), self.types)):
            self.visited += 1
            if self.visited > MOST_NODES:
                raise ValueError(f"more than {MOST_NODES} nodes run; export the model with fewer repetitions")
            name = self._unique(prefix + (node.name or f"{node.op_type.lower()}_{index}"))
            try:
                for number, part in enumerate(standard(node, name)):
                    self._node(part, name if number == 0 else f"{name}.{part.op_type.lower()}", node.op_type)
            except (Located, MemoryError, RecursionError):
                raise
            except ValueError as error:
                raise Located(name, str(error)) from None
            except FAULTS as error:
                said = " ".join(str(error).split())[:300]
                raise Located(name, f"{node.op_type} does not fit its inputs: {said}") from None

    def _unique(self, name: str) -> str:
        """Return ``name``, with a number behind it where it is taken."""
        number, found = 2, name
        while found in self.names:
            number, found = number + 1, f"{name}.{number}"
        self.names.add(found)
        return found

    def _node(self, node: onnx.NodeProto, name: str, operator: str) -> None:
        special = self.special.get(node.op_type)
        if special is not None and not node.domain:
            return special(self, node, name)
        if node.op_type == "Identity" and node.input[0] in self.sequences:
            return self.same(node.output[0], node.input[0])
        known = all(input in self.constants for input in node.input if input)
        if node.op_type in ("Shape", "Size") and not node.domain:
            return self._shape(node)
        outputs = self._infer(node, name, known, operator != node.op_type)
        if known and node.op_type != "Constant" and self._evaluate(node, outputs):
            return None
        if known:
            self.constants.update(output for output in node.output if output)
            return self._constant(node) if node.op_type == "Constant" else None
        for output in filter(None, node.output):
            if 0 in self.dims(output):
                raise ValueError(
                    f"{output!r} has the shape {list(self.dims(output))}: it is empty; "
                    "write sizes that leave at least one value"
                )
            if prod(self.dims(output)) > MOST_VALUES:
                raise ValueError(
                    f"{output!r} has the shape {list(self.dims(output))}: "
                    f"at most {MOST_VALUES} values fit memory; write smaller sizes"
                )
        self.visit(node, name, operator)
        return None

    def _shape(self, node: onnx.NodeProto) -> None:
        dims = self.dims(node.input[0])
        if node.op_type == "Size":
            return self.value(node.output[0], np.array(prod(dims), np.int64))
        attributes = attributes_of(node)
        start, end = attributes.get("start", 0), attributes.get("end", len(dims))
        return self.value(node.output[0], np.array(dims[start:end], np.int64))

    def _constant(self, node: onnx.NodeProto) -> None:
        for attribute in node.attribute:
            if attribute.name == "value":
                self.constant(node.output[0], attribute.t)
            elif attribute.name == "sparse_value":
                attribute.sparse_tensor.values.name = node.output[0]
                self.sparse(attribute.sparse_tensor)
            elif attribute.name.startswith("value_"):
                found = onnx.helper.get_attribute_value(attribute)
                kind: Any = {"value_int": np.int64, "value_ints": np.int64}.get(attribute.name)
                kind = kind or {"value_float": np.float32, "value_floats": np.float32}.get(attribute.name)
                self.value(node.output[0], np.array(found, kind) if kind else np.array(found, object))

    def _infer(self, node: onnx.NodeProto, name: str, known: bool, as_float_too: bool) -> list[Dims]:
        if node.op_type == "Constant":
            return []
        for input in filter(None, node.input):
            if input not in self.types:
                raise ValueError(f"reads {input!r}, which nothing makes; export the model again")
        domain = "" if node.domain == "ai.onnx" else node.domain
        try:
            schema = schema_of(node.op_type, self.opsets.get(domain, 1), domain)
        except onnx.defs.SchemaError:
            raise ValueError(
                f"operator {node.op_type} of domain {node.domain or 'ai.onnx'!r} is not known, so the shapes "
                "behind it are not; export the model with operators of ONNX"
            ) from None
        if node.op_type in (
            "QuantizeLinear",
            "DequantizeLinear",
        ):  # data are kept as if they were never quantised
            self.types[node.output[0]] = as_float(self.types[node.input[0]])
            return [self.dims(node.output[0])]
        types = {input: self.types[input] for input in node.input if input}
        if not known and as_float_too:
            types = {input: as_float(kind) for input, kind in types.items()}
        data = {input: self.tensors[input] for input in node.input if input in self.tensors}
        found = onnx.shape_inference.infer_node_outputs(
            schema, node, types, data, opset_imports=self.imports, ir_version=self.model.ir_version or 7
        )
        dims: list[Dims] = []
        for number, output in enumerate(node.output):
            if not output:
                continue
            kind = found.get(output, onnx.TypeProto())
            if not complete(kind) and node.op_type == "Dropout":  # its mask
                kind = self.types[node.input[0]]
            elif not complete(kind):
                kind = self._bound(node, name, number, kind, known)
            self.types[output] = as_float(kind) if node.op_type == "DynamicQuantizeLinear" else kind
            dims.append(self.dims(output))
        return dims

    def _bound(self, node: onnx.NodeProto, name: str, number: int, kind: Any, known: bool) -> Any:
        output = node.output[number]
        inputs = [self.dims(input) if input else () for input in node.input]
        most = most_found(node.op_type, inputs, [self.values.get(input) for input in node.input])
        if most is None:
            if kind.HasField("sequence_type") or kind.HasField("optional_type"):
                raise ValueError(f"{node.op_type} makes a sequence, which is not read; export tensors only")
            raise ValueError(
                f"the shape of {output!r} depends on the data; export the model with fixed sizes"
            )
        if not known:
            self.bounded(name, f"{node.op_type} finds at most {prod(most[number])} values")
        return onnx.helper.make_tensor_type_proto(kind.tensor_type.elem_type or 1, most[number])

    def _evaluate(self, node: onnx.NodeProto, outputs: list[Dims]) -> bool:
        """Work a constant out where it is small. False if it is not."""
        if node.op_type in UNREPEATABLE or any(prod(dims) > MOST_FOLDED for dims in outputs):
            return False
        if any(name not in self.values for name in node.input if name):
            return False
        inputs = {name: self.values[name] for name in node.input if name}
        try:
            with np.errstate(all="ignore"):
                results = ReferenceEvaluator(node, opsets=self.opsets).run(None, inputs)
        except Exception:  # an operator that the evaluator lacks: its shape is known, its value is not
            return False
        for name, result in zip(node.output, results):
            if name:
                self.value(name, np.asarray(result))
        return True

    def same(self, name: str, other: str) -> None:
        if other in self.sequences:
            self.sequences[name] = self.sequences[other]
            return
        self.types[name] = self.types[other]
        if other in self.constants:
            self.constants.add(name)
        if other in self.values:
            self.value(name, self.values[other])
        self.alias(name, other)

    def made(
        self,
        operator: str,
        inputs: list[str],
        outputs: list[str],
        name: str,
        attributes: dict[str, Any],
        numbers: tuple[str, list[int]] | None,
    ) -> None:
        """Visit a node that the file does not have. ``numbers``: an attribute, an input since opset 13."""
        node = onnx.helper.make_node(operator, inputs, outputs, **attributes)
        if numbers is not None and self.opsets.get("", 1) < 13:
            node.attribute.append(onnx.helper.make_attribute(*numbers))
        elif numbers is not None:
            self.value(f"{name}/{numbers[0]}", np.array(numbers[1], np.int64))
            node.input.append(f"{name}/{numbers[0]}")
        self._node(node, name, operator)


def schema_of(op_type: str, version: int, domain: str) -> Any:
    """Return the operator's definition in ``version``; the newest where it is younger than that."""
    try:
        return onnx.defs.get_schema(op_type, version, domain)
    except onnx.defs.SchemaError:
        return onnx.defs.get_schema(op_type, domain)


def as_float(kind: onnx.TypeProto) -> onnx.TypeProto:
    dims = [dim.dim_value for dim in kind.tensor_type.shape.dim]
    return onnx.helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, dims)


def complete(kind: onnx.TypeProto) -> bool:
    shape = kind.tensor_type
    return shape.HasField("shape") and all(dim.HasField("dim_value") for dim in shape.shape.dim)
