"""Memories that a job's tensors may lie in besides the usual one, and what goes there.

A planner for on-chip memory: feature maps that are touched most often, while they live, and weights that are
read most often, as far as there is room. What finds none stays in the usual memory.
"""

from dataclasses import dataclass, field

from workloads.lowering.layout import WEIGHT_ALIGNMENT, round_up
from workloads.lowering.planner import Lifetime, plan_bytes, plan_memory
from workloads.lowering.record import Place, Recorder
from workloads.program import On


@dataclass
class Home:
    """A memory's free bytes: from ``first`` on, ``bytes`` of them."""

    name: str
    first: int
    bytes: int
    core_reaches: bool = False  # the job's core can touch it too

    def take(self, size: int) -> int:
        """Return the address of the next ``size`` bytes, which there are."""
        first, size = self.first, round_up(size, WEIGHT_ALIGNMENT)
        self.first, self.bytes = first + size, self.bytes - size
        return first


@dataclass
class Homes:
    """Where weights and feature maps are to lie; None: in the usual memory. Both may be one Home."""

    weights: Home | None = None
    features: Home | None = None
    placed: dict[str, dict[str, int]] = field(default_factory=dict)  # memory -> what lies there, bytes

    def note(self, home: Home, what: str, size: int) -> None:
        counts = self.placed.setdefault(home.name, {"weight_bytes": 0, "activation_bytes": 0})
        counts[what] += size

    def become(self, other: "Homes") -> None:
        """Have left what ``other``, a copy from which was taken, has left."""
        for home, left in ((self.weights, other.weights), (self.features, other.features)):
            if home is not None and left is not None:
                home.first, home.bytes = left.first, left.bytes
        self.placed = {name: dict(counts) for name, counts in other.placed.items()}


def place_features(
    homes: Homes, recorder: Recorder, lifetimes: list[Lifetime], planner: str
) -> dict[str, int]:
    """Return the address of every buffer that is to lie in the features' home."""
    home = homes.features
    if home is None:
        return {}
    touches: dict[str, int] = {}
    of_core: set[str] = set()
    for step in recorder.steps:
        for touch in step.touches:
            touches[touch.buffer] = touches.get(touch.buffer, 0) + 1
            if step.on != On.ACCELERATOR:
                of_core.add(touch.buffer)
    free = [b for b in lifetimes if home.core_reaches or b.name not in of_core]
    chosen: list[Lifetime] = []
    offsets: dict[str, int] = {}
    for buffer in sorted(free, key=lambda b: (-touches[b.name], b.bytes, b.name)):
        tried = plan_memory(sorted([*chosen, buffer], key=lifetimes.index), planner)
        if plan_bytes([*chosen, buffer], tried) <= home.bytes:
            chosen.append(buffer)
            offsets = tried
    reached = plan_bytes(chosen, offsets)
    homes.note(home, "activation_bytes", reached)
    first = home.take(reached)
    return {name: first + offset for name, offset in offsets.items()}


def place_constants(homes: Homes, recorder: Recorder) -> dict[str, int]:
    """Return the address of every constant that is to lie in the weights' home."""
    home = homes.weights
    if home is None:
        return {}
    uses = dict.fromkeys(recorder.constants, 0)
    for op in recorder.ops:
        for value in op.values():
            if isinstance(value, Place) and value.buffer in uses:
                uses[value.buffer] += 1
    addresses: dict[str, int] = {}
    for name in sorted(uses, key=lambda name: -uses[name]):  # ties: in order of first use
        size = recorder.constants[name]
        if size <= home.bytes:
            addresses[name] = home.take(size)
            homes.note(home, "weight_bytes", size)
    return addresses
