"""Where a training step's activations lie: lifetimes of what layers leave, offsets for them, and the bound.

A step is a layer's forward pass, its repetition or its backward pass, in the order in which they run. Offsets
are those of the planner that networks have (`workloads.lowering.planner`).
"""

from fractions import Fraction
from math import ceil
from typing import NamedTuple

from workloads.llm.dtypes import bytes_of
from workloads.llm.model import Transformer
from workloads.llm.train_params import TrainJob
from workloads.llm.training import layer_values
from workloads.lowering.planner import Lifetime, lower_bound, plan_bytes, plan_memory


class MemoryPlan(NamedTuple):
    """Bytes of all cards together."""

    planned: int  # up to the end of the last tensor
    lower_bound: int  # most alive at one step


def memory_plan(model: Transformer, job: TrainJob, planner: str = "greedy_by_size") -> MemoryPlan:
    """Return what the activations of a step that trains all take."""
    buffers = lifetimes(model, job)
    return MemoryPlan(plan_bytes(buffers, plan_memory(buffers, planner)), lower_bound(buffers))


def lifetimes(model: Transformer, job: TrainJob) -> list[Lifetime]:
    """Return the tensors that layers leave for their backward pass."""
    layers, policy = model.shape.layers, job.activations.policy
    if policy == "recompute":
        segment = job.activations.segment
        segments = [(first, min(segment, layers - first)) for first in range(0, layers, segment)]
        return recomputed([_sizes(model, job)] * layers, segments)
    found = []
    for layer in range(layers):
        forward, backward = layer, 2 * layers - 1 - layer
        for name, size in _sizes(model, job).items():
            if (
                policy == "swap" and layer + 1 < layers
            ):  # out while the next layer runs, back while the one behind it does
                found.append(Lifetime(f"{layer}.{name}", size, forward, forward + 1))
                found.append(Lifetime(f"{layer}.{name} again", size, backward - 1, backward))
            else:
                found.append(Lifetime(f"{layer}.{name}", size, forward, backward))
    return found


def recomputed(sizes: list[dict[str, int]], segments: list[tuple[int, int]]) -> list[Lifetime]:
    """Return the input of each segment, and of each layer what its second forward pass leaves.

    ``sizes``: of what each layer leaves, bytes by name, its "input" among them. ``segments``: first layer and
    how many, in order. The second passes begin once all layers have run.
    """
    found, step = [], len(sizes)
    for first, many in reversed(segments):
        found.append(Lifetime(f"{first}.input", sizes[first]["input"], first, step + 2 * many - 1))
        for k in range(many):
            for name, size in sizes[first + k].items():
                if k > 0 or name != "input":
                    again, backward = step + k, step + 2 * many - 1 - k
                    found.append(Lifetime(f"{first + k}.{name}", size, again, backward))
        step += 2 * many
    return found


def _sizes(model: Transformer, job: TrainJob) -> dict[str, int]:
    """Return the bytes of what a layer leaves: its input, and the rest up to and behind its residual."""
    values, width = layer_values(model), model.shape.width
    tokens = job.train.sequence * job.train.sequences
    ffn = (3 if model.shape.gated else 2) * model.shape.ffn
    parts: dict[str, Fraction | int] = {
        "input": width,
        "attention": values.total - 3 * width - ffn,
        "residual": 2 * width,  # and its norm
        "ffn": ffn,
    }
    if job.activations.rank is not None:
        lost = 1 - job.activations.rank
        inputs = {"attention": values.linear_inputs - width - model.shape.ffn, "residual": width}
        inputs["ffn"] = model.shape.ffn
        parts |= {name: parts[name] - lost * many for name, many in inputs.items()}
    return {name: bytes_of(ceil(many * tokens), job.precision) for name, many in parts.items()}
