"""Sequences of tensors whose length is known: lists of names while the graph is walked."""

from collections.abc import Callable

import numpy as np
import onnx

from workloads.importers.onnx_standard import attributes_of
from workloads.importers.onnx_walk import Walker


def construct(walker: Walker, node: onnx.NodeProto, name: str) -> None:
    walker.sequences[node.output[0]] = list(node.input)


def insert(walker: Walker, node: onnx.NodeProto, name: str) -> None:
    items = list(walker.sequences[node.input[0]])
    at = _position(walker, node, 2, len(items), len(items))
    walker.sequences[node.output[0]] = [*items[:at], node.input[1], *items[at:]]


def erase(walker: Walker, node: onnx.NodeProto, name: str) -> None:
    items = list(walker.sequences[node.input[0]])
    del items[_position(walker, node, 1, len(items) - 1, len(items))]
    walker.sequences[node.output[0]] = items


def at(walker: Walker, node: onnx.NodeProto, name: str) -> None:
    items = walker.sequences[node.input[0]]
    walker.same(node.output[0], items[_position(walker, node, 1, 0, len(items))])


def length(walker: Walker, node: onnx.NodeProto, name: str) -> None:
    walker.value(node.output[0], np.array(len(walker.sequences[node.input[0]]), np.int64))


def split(walker: Walker, node: onnx.NodeProto, name: str) -> None:
    """Cut a tensor: into single slices, or into parts of given sizes."""
    attributes = attributes_of(node)
    dims = walker.dims(node.input[0])
    axis = attributes.get("axis", 0) % len(dims)
    sizes, alone = [1] * dims[axis], len(node.input) < 2 or not node.input[1]
    if not alone:
        given = walker.values.get(node.input[1])
        if given is None:
            raise ValueError("how SplitToSequence cuts depends on the data; export it with fixed sizes")
        each = [int(n) for n in given.flatten()]
        whole, rest = divmod(dims[axis], each[0])
        sizes = each if given.ndim else [each[0]] * whole + ([rest] if rest else [])
    parts = [f"{name}/{number}" for number in range(len(sizes))]
    walker.made("Split", [node.input[0]], parts, name, {"axis": axis}, ("split", sizes))
    if alone and not attributes.get("keepdims", 1):
        for part in parts:
            walker.made("Squeeze", [part], [f"{part}.flat"], f"{part}.flat", {}, ("axes", [axis]))
        parts = [f"{part}.flat" for part in parts]
    walker.sequences[node.output[0]] = parts


def concat(walker: Walker, node: onnx.NodeProto, name: str) -> None:
    attributes, parts = attributes_of(node), walker.sequences[node.input[0]]
    axis = attributes["axis"]
    if attributes.get("new_axis", 0):
        rank = len(walker.dims(parts[0])) + 1
        for part in parts:
            new = f"{name}/{part}"
            walker.made("Unsqueeze", [part], [new], new, {}, ("axes", [axis % rank]))
        parts = [f"{name}/{part}" for part in parts]
    walker.made("Concat", parts, list(node.output), name, {"axis": axis}, None)


def _position(walker: Walker, node: onnx.NodeProto, index: int, default: int, length: int) -> int:
    if index >= len(node.input) or not node.input[index]:
        return default
    value = walker.values.get(node.input[index])
    if value is None:
        raise ValueError(f"which item {node.op_type} means depends on the data; export it with a fixed one")
    position = int(value.flat[0])
    if not -length <= position <= length:
        raise ValueError(f"{node.op_type} means item {position} of {length}; export again")
    return position + length if position < 0 else position


SEQUENCES: dict[str, Callable[[Walker, onnx.NodeProto, str], None]] = {
    "SequenceConstruct": construct,
    "SequenceEmpty": construct,
    "SequenceInsert": insert,
    "SequenceErase": erase,
    "SequenceAt": at,
    "SequenceLength": length,
    "SplitToSequence": split,
    "ConcatFromSequence": concat,
}
