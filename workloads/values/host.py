"""What a core computes between launches, on real numbers or on INT8 as the published software does."""

from typing import Protocol

import numpy as np

from hw_models.errors import ConfigError
from workloads.graph import Node
from workloads.lowering.record import Origin
from workloads.program import Program
from workloads.values.postprocess import activation
from workloads.values.quantisation import Quantisation

SAME = ("memcpy", "repack")


class Values(Protocol):
    """What a core sees of a plan (`plan.ValuePlan`)."""

    program: Program
    quantisation: Quantisation
    floats: dict[str, np.ndarray]

    def read(self, tensor: str) -> np.ndarray: ...
    def write(self, tensor: str, data: np.ndarray) -> None: ...


def compute(plan: Values, origin: Origin) -> None:
    """Do a core's step. Raises ConfigError for a function whose values are not computed."""
    if origin.kind == "input":
        channels = sum(plan.program.cubes[origin.output].segments)
        shape = plan.program.cubes[origin.output].shape._replace(channels=channels)
        plan.write(origin.output, plan.quantisation.input(origin.output, shape))
        return
    if origin.kind in SAME:
        plan.write(origin.output, plan.read(origin.inputs[0]))
        return
    node = origin.nodes[0]
    if origin.kind in ("upsample", "reshape", "transpose", "slice", "depth_to_space"):
        plan.write(origin.output, _moved(plan, node, origin))
        return
    real = [_real(plan, name) for name in origin.inputs]
    plan.floats[origin.output] = _function(node, origin.kind, real)
    cube = plan.program.cubes.get(origin.output)
    if cube is not None and cube.buffer in plan.program.memory.tensors:  # somebody reads it in INT8
        scale = plan.quantisation.scale(origin.output)
        plan.write(origin.output, np.clip(np.rint(plan.floats[origin.output] / scale), -128, 127))


def _real(plan: Values, tensor: str) -> np.ndarray:
    if tensor in plan.floats:
        return plan.floats[tensor]
    return plan.read(tensor) * plan.quantisation.scale(tensor)


def _moved(plan: Values, node: Node, origin: Origin) -> np.ndarray:
    data = plan.read(origin.inputs[0])
    shape = plan.program.cubes[origin.output].shape
    if origin.kind == "upsample":
        return data.repeat(node.factor, axis=0).repeat(node.factor, axis=1)
    if origin.kind == "slice":
        return data[:, :, node.first_channel : node.first_channel + shape.channels]
    if origin.kind == "depth_to_space":
        height, width, channels = data.shape
        step = shape.height // height
        parts = data.reshape(height, width, step, step, channels // step**2)
        return parts.transpose(0, 2, 1, 3, 4).reshape(height * step, width * step, -1)
    planar = data.transpose(2, 0, 1)
    if origin.kind == "transpose":
        raise ConfigError(f"layer {node.name!r}: values of a transposition are not computed", key="values")
    return planar.reshape(shape.channels, shape.height, shape.width).transpose(1, 2, 0)


def _function(node: Node, kind: str, real: list[np.ndarray]) -> np.ndarray:
    if kind == "activation":
        return activation(node, real[0])
    if kind == "eltwise":
        total = real[0]
        for other in real[1:]:
            total = total * other if node.function == "mul" else total + other
        return total
    if kind == "softmax":
        shifted = np.exp(real[0] - real[0].max())
        return shifted / shifted.sum()
    if kind == "yolo":
        return 1 / (1 + np.exp(-real[0]))
    if kind == "pool":
        return _pool(node, real[0])
    raise ConfigError(f"layer {node.name!r}: values of {kind!r} on a core are not computed", key="values")


def _pool(node: Node, data: np.ndarray) -> np.ndarray:
    window = node.window
    height, width = window.output(data.shape[0], data.shape[1])
    filler = -np.inf if node.function == "max" else np.nan
    pads = (window.top, window.bottom), (window.left, window.right), (0, 0)
    padded = np.pad(data, pads, constant_values=filler)
    out = np.zeros((height, width, data.shape[2]))
    for y in range(height):
        for x in range(width):
            part = padded[
                y * window.stride_y : y * window.stride_y + window.height,
                x * window.stride_x : x * window.stride_x + window.width,
            ].reshape(-1, data.shape[2])
            out[y, x] = part.max(axis=0) if node.function == "max" else np.nanmean(part, axis=0)
    return out
