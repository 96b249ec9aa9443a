"""Quantised and fused operators, ONNX's own and ONNX Runtime's, as the plain operators that they are.

Scales and zero points are registers of the accelerator: they move no data and are left out.
"""

from typing import Any, NamedTuple

import onnx


class Plain(NamedTuple):
    """The operator that it is, and which of its inputs that one takes."""

    operator: str
    inputs: tuple[int, ...]
    then: tuple[str, ...] = ()  # operators behind it


QUANTISED = {  # ONNX's own
    "QLinearConv": Plain("Conv", (0, 3, 8)),
    "ConvInteger": Plain("Conv", (0, 1)),
    "QLinearMatMul": Plain("MatMul", (0, 3)),
    "MatMulInteger": Plain("MatMul", (0, 1)),
}
RUNTIME = {  # ONNX Runtime's, of the domain com.microsoft (docs/ContribOperators.md)
    "QGemm": Plain("Gemm", (0, 3, 6)),
    "QLinearAdd": Plain("Add", (0, 3)),
    "QLinearMul": Plain("Mul", (0, 3)),
    "QLinearSigmoid": Plain("Sigmoid", (0,)),
    "QLinearLeakyRelu": Plain("LeakyRelu", (0,)),
    "QLinearAveragePool": Plain("AveragePool", (0,)),
    "QLinearGlobalAveragePool": Plain("GlobalAveragePool", (0,)),
    "QLinearSoftmax": Plain("Softmax", (0,)),
    "QLinearReduceMean": Plain("ReduceMean", (0,)),
    "MatMulIntegerToFloat": Plain("MatMul", (0, 1)),
    "DynamicQuantizeMatMul": Plain("MatMul", (0, 1)),
    "FusedConv": Plain("Conv", (0, 1, 2)),
    "FusedGemm": Plain("Gemm", (0, 1, 2)),
    "FusedMatMul": Plain("MatMul", (0, 1)),
    "Gelu": Plain("Gelu", (0,)),
    "FastGelu": Plain("Add", (0, 1), ("Gelu",)),
    "BiasGelu": Plain("Add", (0, 1), ("Gelu",)),
    "QuickGelu": Plain("HardSwish", (0,)),  # x times a sigmoid: one look-up
    "QuantizeLinear": Plain("QuantizeLinear", (0, 1, 2)),
    "DequantizeLinear": Plain("DequantizeLinear", (0, 1, 2)),
}
ACTIVATIONS = ("Relu", "LeakyRelu", "Tanh", "Sigmoid", "Clip", "HardSigmoid")
FUSED = ("alpha", "activation", "activation_params", "ignore_scale")
LAYOUT = ("channels_last", "transBatchA", "transBatchB")


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def standard(node: onnx.NodeProto, name: str) -> list[onnx.NodeProto]:
    """Return the plain operators of a node; the node itself where it is one."""
    if node.domain == "com.microsoft" and node.op_type == "QLinearConcat":
        return [_made("Concat", list(node.input[2::3]), node.output, node)]
    table = RUNTIME if node.domain == "com.microsoft" else QUANTISED if not node.domain else {}
    if node.op_type not in table:
        return [node]
    plain = table[node.op_type]
    attributes = attributes_of(node)
    if any(attributes.get(key) for key in LAYOUT):
        raise ValueError(f"{node.op_type} with channels_last or transBatch is not read; export without it")
    inputs = [node.input[i] for i in plain.inputs if i < len(node.input)]
    while inputs and not inputs[-1]:
        inputs.pop()
    then = list(plain.then)
    if node.op_type == "FastGelu" and len(inputs) == 1:
        return [_made("Gelu", inputs, node.output, node)]
    if plain.operator == "MatMul" and (attributes.get("transA") or attributes.get("transB")):
        raise ValueError(f"{node.op_type} with a transposed operand is not read; export without fusions")
    fused = attributes.get("activation", b"").decode()
    if fused:
        if fused not in ACTIVATIONS:
            raise ValueError(f"activation {fused!r} of {node.op_type} is not known; export without it")
        then.append(fused)
    chain, last = [], inputs
    for number, operator in enumerate([plain.operator, *then]):
        final = number == len(then)
        outputs = list(node.output[:1]) if final else [f"{name}/{number}"]
        chain.append(_made(operator, last, outputs, node if number == 0 else None))
        last = outputs
    if len(node.input) > 2 and node.op_type == "DynamicQuantizeMatMul":
        bias = [i for i in node.input[4:5] if i]
        if bias:
            chain[-1].output[0] = f"{name}/product"
            chain.append(_made("Add", [f"{name}/product", *bias], node.output, None))
    return chain


def _made(operator: str, inputs: list[str], outputs: Any, like: onnx.NodeProto | None) -> onnx.NodeProto:
    node = onnx.helper.make_node(operator, list(inputs), list(outputs))
    for attribute in like.attribute if like is not None else ():
        if attribute.name not in FUSED + LAYOUT and not (
            operator == "Gelu" and like and like.op_type == "FastGelu"
        ):
            node.attribute.append(attribute)
    return node
