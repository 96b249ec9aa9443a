"""What became of every layer: its shapes, MACs and weights, and where it runs."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hw_models.nvdla.op import Unit
from workloads.graph import Network, Node, network_weights, node_macs, node_weights
from workloads.lowering.fuse import Stage
from workloads.lowering.record import Recorder
from workloads.program import Layer, Program

UNITS: dict[int, str] = {
    Unit.CONV: "convolution",
    Unit.SDP: "SDP",
    Unit.PDP: "PDP",
    Unit.CDP: "CDP",
    Unit.RUBIK: "RUBIK",
    Unit.BDMA: "BDMA",
}
WHY = {  # what needs no warning: exact work that a core has in every flow
    "yolo": "detection heads run in software",
    "softmax": "no unit computes it",
    "upsample": "no unit computes it",
}


def add_account(
    program: Program,
    network: Network,
    rides: Mapping[str, str],
    recorder: Recorder,
    target: str,
    units: Mapping[int, str] = UNITS,
) -> Program:
    """Return ``program`` with details of its layers. ``rides``: nodes done with another -> that one."""
    program.layers = _described(network, rides, recorder, program.layers, target, units)
    program.notes = list(network.notes)
    program.weights = network_weights(network)
    program.core_macs = recorder.core_macs
    return program


def rides_of(stages: Iterable[Stage]) -> dict[str, str]:
    """Return the nodes that are done with another -> that one."""
    listed = list(stages)
    rides = {node.name: stage.node.name for stage in listed for node in stage.nodes[1:]}
    return rides | {stage.pool.name: stage.node.name for stage in listed if stage.pool is not None}


def _described(
    network: Network,
    rides: Mapping[str, str],
    recorder: Recorder,
    layers: list[Layer],
    target: str,
    units: Mapping[int, str],
) -> list[Layer]:
    """Return the layers with their details; those that lowering added stay as they are."""
    numbers = {layer.name: number for number, layer in enumerate(layers)}
    own = [*network.inputs, *(node.name for node in network.nodes)]
    places = _places(recorder, layers, numbers, own, units)
    result = list(layers)
    for name in network.inputs:
        number = numbers[name]
        dims = shape_of(network, name)
        result[number] = replace(layers[number], operator="input", output=dims, runs_on=_said(places, number))
    for node in network.nodes:
        number = numbers[node.name]
        where = _said(places, number)
        if not where:
            where = f"with {rides[node.name]}" if node.name in rides else _without_work(node)
        result[number] = replace(
            _layer_of(network, node, layers[number]),
            stored_weight_bytes=recorder.stored_weights.get(number, 0),
            runs_on=where,
            why=_why(node, where, target),
        )
    return result


def _layer_of(network: Network, node: Node, layer: Layer) -> Layer:
    return replace(
        layer,
        operator=node.operator or node.function or node.kind,
        inputs=tuple(shape_of(network, name) for name in node.inputs),
        output=shape_of(network, node.output),
        macs=node_macs(network, node),
        weights=node_weights(network, node),
    )


def shape_of(network: Network, tensor: str) -> tuple[int, ...]:
    """Return the shape as the source has it, else channels, height, width."""
    return network.dims.get(tensor, tuple(network.tensors[tensor]))


def _places(
    recorder: Recorder,
    layers: list[Layer],
    numbers: dict[str, int],
    names: list[str],
    units: Mapping[int, str],
) -> dict[int, list[str]]:
    """Return, for every layer, the units that work for it, and those for what lowering added to it."""
    own = {numbers[name] for name in names}
    found: dict[int, dict[str, None]] = {}
    worked = [(op["layer"], units[int(op.get("unit", 0))]) for op in recorder.ops]
    worked += [(task["layer"], "core") for task in recorder.tasks]
    for number, where in worked:
        found.setdefault(number, {})[where] = None
        name = layers[number].name
        while number not in own and "." in name:
            name = name.rpartition(".")[0]
            if name in numbers:
                found.setdefault(numbers[name], {})[where] = None
                break
    return {number: list(names) for number, names in found.items()}


def _said(places: dict[int, list[str]], number: int) -> str:
    return ", ".join(places.get(number, []))


def _without_work(node: Node) -> str:
    return "nowhere: stays in place" if node.kind in ("view", "slice", "concat") else "folded"


def _why(node: Node, where: str, target: str) -> str:
    if "core" not in where.split(", "):
        return ""
    if node.why:
        return node.why
    if node.kind in ("pool", "activation", "scale", "eltwise") and where == "core":
        return f"more than {target} can do"
    return WHY.get(node.kind, "")


def as_read(network: Network) -> list[Layer]:
    """Return the layers of a network that was not lowered: all but where they run."""
    inputs = [
        Layer(name, "input", "input", output=shape_of(network, name), runs_on="refused")
        for name in network.inputs
    ]
    return inputs + [
        replace(_layer_of(network, node, Layer(node.name, node.kind)), runs_on="refused")
        for node in network.nodes
    ]


def account(layers: Iterable[Layer], weights: int, notes: list[str], warnings: list[str]) -> dict[str, Any]:
    """Return what was read, layer by layer, as plain values. ``weights``: shared ones count once."""
    shown = [layer for layer in layers if layer.operator]
    return {
        "macs": sum(layer.macs for layer in shown),
        "weights": weights,
        "layers": [
            {
                "name": layer.name,
                "operator": layer.operator,
                "inputs": [list(shape) for shape in layer.inputs],
                "output": list(layer.output),
                "macs": layer.macs,
                "weights": layer.weights,
                "stored_weight_bytes": layer.stored_weight_bytes,
                "runs_on": layer.runs_on,
                "why": layer.why,
            }
            for layer in shown
        ],
        "notes": list(notes),
        "warnings": list(warnings),
    }


def text_of(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "1"
