"""Conditions, loops and scans, played as often as they run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from workloads.importers.onnx_order import renamed
from workloads.importers.onnx_standard import attributes_of
from workloads.importers.onnx_walk import Walker

MOST_TRIPS = 10_000  # of a loop


def _if(walker: Walker, node: onnx.NodeProto, name: str) -> None:
    taken = _truth(walker, node.input[0])
    if taken is None:
        raise ValueError(
            f"which branch runs depends on the data ({node.input[0]!r}); "
            "export the model with the condition fixed"
        )
    graph = attributes_of(node)["then_branch" if taken else "else_branch"]
    for output, inner in zip(node.output, _play(walker, graph, name, "", {})):
        walker.same(output, inner)


def _play(walker: Walker, graph: Any, name: str, step: str, bound: dict[str, str]) -> list[str]:
    """Visit a body; return the names of its outputs. ``bound``: its inputs -> names outside."""
    names = dict(bound)
    for tensor in graph.initializer:
        names[tensor.name] = f"{name}/{tensor.name}"
        if names[tensor.name] not in walker.types:
            walker.constant(names[tensor.name], tensor)
    prefix = f"{name}/{step}"
    for node in graph.node:
        names.update({output: prefix + output for output in node.output if output})
    walker.nodes([renamed(node, names) for node in graph.node], prefix)
    return [names.get(value.name, value.name) for value in graph.output]


def _loop(walker: Walker, node: onnx.NodeProto, name: str) -> None:
    body = attributes_of(node)["body"]
    limit = walker.values.get(node.input[0]) if node.input[0] else None
    go = _truth(walker, node.input[1]) if len(node.input) > 1 and node.input[1] else True
    if (node.input[0] and limit is None) or go is None:
        raise ValueError("how often Loop runs depends on the data; export the model with a fixed count")
    carried, stacks, count = list(node.input[2:]), [], 0
    while go and (limit is None or count < int(limit.flat[0])):
        if count == MOST_TRIPS:
            raise ValueError(f"runs more than {MOST_TRIPS} times; export the model with fewer")
        walker.value(f"{name}/{count}/count", np.array(count, np.int64))
        walker.value(f"{name}/{count}/go", np.array(True))
        inputs = [f"{name}/{count}/count", f"{name}/{count}/go", *carried]
        bound = {value.name: given for value, given in zip(body.input, inputs)}
        results = _play(walker, body, name, f"{count}/", bound)
        go = _truth(walker, results[0])
        if go is None:
            raise ValueError("how often Loop runs depends on the data; export it with a fixed count")
        carried = results[1 : 1 + len(carried)]
        stacks.append(results[1 + len(carried) :])
        count += 1
    _finish(walker, node, carried, stacks, [0] * len(node.output))


def _scan(walker: Walker, node: onnx.NodeProto, name: str) -> None:
    attributes = attributes_of(node)
    body, scanned = attributes["body"], attributes["num_scan_inputs"]
    if walker.opsets.get("", 1) < 9:
        raise ValueError("Scan of opset 8 is not read; export the model with opset 9 or newer")
    states, inputs = list(node.input[:-scanned]), list(node.input[-scanned:])
    axes = attributes.get("scan_input_axes", [0] * scanned)
    axes = [axis % len(walker.dims(of)) for axis, of in zip(axes, inputs)]
    stacks = []
    for count in range(walker.dims(inputs[0])[axes[0]]):
        slices = []
        for number, (of, axis) in enumerate(zip(inputs, axes)):
            part = f"{name}/{count}/slice{number}"
            dims = [d for i, d in enumerate(walker.dims(of)) if i != axis]
            walker.types[part] = onnx.helper.make_tensor_type_proto(
                walker.types[of].tensor_type.elem_type, dims
            )
            if of in walker.values:
                walker.value(part, np.take(walker.values[of], count, axis))
            elif of in walker.constants:
                walker.constants.add(part)
            else:
                walker.take(part, of, axis, count)
            slices.append(part)
        bound = {value.name: given for value, given in zip(body.input, [*states, *slices])}
        results = _play(walker, body, name, f"{count}/", bound)
        states = results[: len(states)]
        stacks.append(results[len(states) :])
    along = attributes.get("scan_output_axes", [0] * (len(node.output) - len(states)))
    _finish(walker, node, states, stacks, [0] * len(states) + list(along))


def _finish(
    walker: Walker, node: onnx.NodeProto, last: list[str], stacks: list[list[str]], axes: list[int]
) -> None:
    for number, output in enumerate(node.output):
        if not output:
            continue
        if number < len(last):
            walker.same(output, last[number])
            continue
        parts = [row[number - len(last)] for row in stacks]
        if not parts:
            raise ValueError(f"runs no time, so {output!r} is empty; remove it and export again")
        dims = list(walker.dims(parts[0]))
        axis = axes[number] % (len(dims) + 1)
        dims.insert(axis, len(parts))
        walker.types[output] = onnx.helper.make_tensor_type_proto(
            walker.types[parts[0]].tensor_type.elem_type, dims
        )
        if all(part in walker.values for part in parts):
            walker.value(output, np.stack([walker.values[part] for part in parts], axis))
        elif all(part in walker.constants for part in parts):
            walker.constants.add(output)
        else:
            walker.stack(output, parts, axis)


def _truth(walker: Walker, name: str) -> bool | None:
    value = walker.values.get(name)
    return None if value is None else bool(value.flat[0])


CONTROL: dict[str, Callable[[Walker, onnx.NodeProto, str], None]] = {
    "If": _if,
    "Loop": _loop,
    "Scan": _scan,
}
