"""Scales, weights and biases of an ONNX network in INT8: QDQ form, or QLinearConv and its like.

Symmetric quantisation only: NVDLA's units know no zero point. A tensor without a scale of its own (behind a
maximum or a change of shape) has that of what it was made from.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from hw_models.errors import ConfigError
from workloads.graph import Node
from workloads.values.quantisation import Seeded

SAME_SCALE = (
    "MaxPool",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Relu",
    "Identity",
    "Dropout",
)
LINEAR = {
    "QLinearConv": (3, 4, 5, 8),
    "QGemm": (3, 4, 5, 6),
    "QLinearMatMul": (3, 4, 5, 9),
}  # weight, scale, zero, bias
OUTPUT_SCALE = {"QLinearConv": (6, 7), "QGemm": (7, 8), "QLinearMatMul": (6, 7)}


def is_quantised(path: Path) -> bool:
    """Tell whether a file has scales at all."""
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:  # the importer says what is wrong with it
        return False
    return any(node.op_type == "QuantizeLinear" or node.op_type in LINEAR for node in model.graph.node)


class OnnxQuantised(Seeded):
    """Parameters of the file; inputs are seeded."""

    def __init__(self, path: Path, seed: int):
        super().__init__(None, seed)
        self.path = path
        graph = onnx.load(str(path)).graph
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        self.makers = {name: node for node in graph.node for name in node.output}
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        self.named: dict[str, onnx.NodeProto] = {}
        for index, node in enumerate(graph.node):
            self.named[node.name or f"{node.op_type.lower()}_{index}"] = node
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.inputs = {value.name for value in graph.input}

    def fault(self, name: str, message: str) -> ConfigError:
        return ConfigError(message, file=self.path, key=name)

    def scale(self, tensor: str) -> float:
        """Return a tensor's scale, by the layer that makes it; what lowering adds to a name is left out."""
        name = tensor
        while name not in self.named and name not in self.inputs:
            if "." not in name:
                raise self.fault(tensor, "has no scale in the file")
            name = name.rpartition(".")[0]
        return self._scale_of(name if name in self.inputs else self.named[name].output[0], tensor)

    def _scale_of(self, name: str, asked: str) -> float:
        maker = self.makers.get(name)
        if maker is not None and maker.op_type in OUTPUT_SCALE:
            scale, zero = OUTPUT_SCALE[maker.op_type]
            return self._scalar(maker, scale, zero)
        for node in self.readers.get(name, []):
            if node.op_type == "QuantizeLinear":
                return self._scalar(node, 1, 2)
            if node.op_type in LINEAR and node.input[0] == name:
                return self._scalar(node, 1, 2)
        if maker is not None and maker.op_type in ("QuantizeLinear", "DequantizeLinear"):
            return self._scalar(maker, 1, 2)
        if maker is not None and maker.op_type in SAME_SCALE:
            return self._scale_of(maker.input[0], asked)
        for node in self.readers.get(name, []):  # an activation follows: it carries the scale
            if node.op_type in ("Relu", "Clip", "LeakyRelu", "PRelu"):
                return self._scale_of(node.output[0], asked)
        raise self.fault(asked, "has no scale in the file")

    def _scalar(self, node: onnx.NodeProto, scale: int, zero: int) -> float:
        if len(node.input) > zero and node.input[zero]:
            point = self.constants.get(node.input[zero])
            if point is None or np.any(point) or point.dtype != np.int8:
                message = "its zero point is not 0 of INT8; quantise symmetrically"
                raise self.fault(node.name or node.op_type, message)
        value = self.constants.get(node.input[scale])
        if value is None or value.size != 1:
            raise self.fault(node.name or node.op_type, "the scale of a feature map is not one constant")
        return float(value.reshape(-1)[0])

    def _stored(self, node: Node) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return (weights, their scales, bias as real numbers) of a layer as the file has them."""
        layer = self.named.get(node.name)
        if layer is None:
            raise self.fault(node.name, "is no layer of the file with weights")
        if layer.op_type in LINEAR:
            weight, scale, _, bias = LINEAR[layer.op_type]
            weights = self.constants[layer.input[weight]]
            scales = self.constants[layer.input[scale]].reshape(-1).astype(float)
            if len(layer.input) <= bias or not layer.input[bias]:
                return weights, scales, None
            return weights, scales, self.constants[layer.input[bias]] * scales * self._scalar(layer, 1, 2)
        maker = self.makers.get(layer.input[1])
        if maker is None or maker.op_type != "DequantizeLinear" or maker.input[0] not in self.constants:
            raise self.fault(node.name, "its weights are not INT8 constants behind DequantizeLinear")
        weights = self.constants[maker.input[0]]
        if weights.dtype != np.int8:
            raise self.fault(node.name, f"its weights are {weights.dtype}; they must be int8")
        scales = self.constants[maker.input[1]].reshape(-1).astype(float)
        return weights, scales, self._real(layer.input[2]) if len(layer.input) > 2 else None

    def _real(self, name: str) -> np.ndarray:
        """Return a bias as real numbers, stored as such or quantised."""
        if name in self.constants:
            return self.constants[name].astype(float)
        maker = self.makers[name]
        return self.constants[maker.input[0]].astype(float) * self.constants[maker.input[1]].astype(float)

    def weights(self, node: Node, channels: int) -> np.ndarray:
        stored, _, _ = self._stored(node)
        shape = self._shape(node, channels)
        if stored.ndim == 2:
            layer = self.named[node.name]
            rows_first = any(a.name == "transB" and a.i for a in layer.attribute)
            stored = stored if rows_first else stored.T
        if stored.size != int(np.prod(shape)):
            raise self.fault(node.name, f"its weights have the shape {stored.shape}; {shape} was expected")
        return stored.reshape(shape)

    def weight_scales(self, node: Node, channels: int) -> np.ndarray:
        return np.broadcast_to(self._stored(node)[1], (node.kernels,)).astype(float)

    def bias(self, node: Node, channels: int) -> np.ndarray:
        found = self._stored(node)[2]
        return np.zeros(node.kernels) if found is None else np.asarray(found, float).reshape(-1)

    def slope(self, node: Node) -> float:
        layer = self.named.get(node.name)
        found = [a.f for a in layer.attribute if a.name == "alpha"] if layer is not None else []
        return found[0] if found else 0.01
