"""`dlasim validate yolov3-ops`: our lowering of YOLOv3 beside a published loadable for nv_large.

Layer by layer under the loadable's own strategy, then totals, then (not counted in the closing line) what
the strategy with the fewest bytes makes of the same network.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from simulator.validate.figure import Figure
from workloads import lower
from workloads.lowering.target import Target, target_of
from workloads.params import LoadableFile, NetworkJob
from workloads.program import Program
from workloads.traffic import Traffic, mac_cycles, op_traffic

REFERENCE = (
    Path(__file__).resolve().parents[2] / "workloads" / "networks" / "reference" / "yolov3_loadable_ops.csv"
)
PRESET = "nv_large"


class Folded(NamedTuple):
    """A layer: all its launches together."""

    name: str
    kind: str  # conv, sdp
    shape: str  # of one launch's output, full width and all channels
    launches: int
    cycles: int
    traffic: Traffic


def fold(program: Program, target: Target) -> list[Folded]:
    """Return the layers of a program in the order of their first launch; a copy is a layer of its own."""
    layers: list[Folded] = []
    for op in program.ops:
        name, kind = program.layers[op["layer"]].name, "conv" if op["unit"] == 0 else "sdp"
        new = Folded(
            name,
            kind,
            f"{op['out_width']}x{op['out_channels']}",
            1,
            mac_cycles(op, target),
            op_traffic(op, target),
        )
        last = layers[-1] if layers else None
        if last and kind == "conv" and (last.name, last.kind) == (name, kind):
            layers[-1] = last._replace(
                launches=last.launches + 1,
                cycles=last.cycles + new.cycles,
                traffic=last.traffic.plus(new.traffic),
            )
        else:
            layers.append(new)
    return layers


def figures(table: Path | None = None, **options: Any) -> Iterator[Figure]:
    """Yield launches, MAC cycles and bytes by kind: every layer, then totals. Raises ConfigError."""
    target = target_of(PRESET)
    loadable = NetworkJob(
        network=LoadableFile(loadable=str(table or REFERENCE)), on="nvdla0", fallback="core0"
    )
    reference = fold(lower(loadable, PRESET), target)
    ours = fold(_yolov3("nvidia"), target)
    for theirs, mine in zip(reference, ours):
        row = {"layer": mine.name, "key": theirs.name, "kind": theirs.kind, "output": theirs.shape}
        yield from _compare(row, [theirs], [mine], True)
    yield from _compare({"layer": "total", "key": "nvidia", "kind": "", "output": ""}, reference, ours, True)
    best = fold(_yolov3("traffic"), target)
    yield from _better(reference, best)
    yield from _compare(
        {"layer": "total", "key": "traffic", "kind": "", "output": ""}, reference, best, False
    )


def _yolov3(strategy: Any) -> Program:
    return lower(NetworkJob(network="yolov3", on="nvdla0", fallback="core0", strategy=strategy), PRESET)


QUANTITIES = ("conv_launches", "sdp_launches", "mac_cycles", *Traffic._fields, "total_bytes")


def _compare(
    row: dict[str, Any],
    theirs: list[Folded],
    mine: list[Folded],
    counted: bool,
    quantities: tuple[str, ...] = QUANTITIES,
) -> Iterator[Figure]:
    for quantity in quantities:
        reference, ours = _quantity(theirs, quantity), _quantity(mine, quantity)
        if reference or ours:
            yield Figure(row, quantity, reference, ours, counted)


def _quantity(layers: list[Folded], quantity: str) -> int:
    if quantity == "conv_launches":
        return sum(layer.launches for layer in layers if layer.kind == "conv")
    if quantity == "sdp_launches":  # each convolution has one behind it
        return sum(layer.launches for layer in layers)
    if quantity == "mac_cycles":
        return sum(layer.cycles for layer in layers)
    return sum(getattr(layer.traffic, quantity) for layer in layers)


def _better(reference: list[Folded], best: list[Folded]) -> Iterator[Figure]:
    """Yield what the strategy with the fewest bytes makes of every convolution that it cuts otherwise."""
    convolutions = [layer for layer in reference if layer.kind == "conv"]
    for theirs, mine in zip(convolutions, (layer for layer in best if layer.kind == "conv")):
        if theirs.launches != mine.launches:
            row = {"layer": mine.name, "key": "traffic", "kind": "conv", "output": theirs.shape}
            yield from _compare(
                row, [theirs], [mine], False, ("conv_launches", "weight_bytes", "feature_bytes")
            )
