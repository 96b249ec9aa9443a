"""What is wired to what: the block diagram of an SoC as its config draws it, checked before it is built.

`interconnect`, `llc`, `dram` and `memory` are the short form of the usual tree, and nodes of those names:
masters above the interconnect, that above the LLC, that above memory. Named parts say what is `below`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hw_models.cache.params import Cache
from hw_models.cpu.params import WIDE_PORT, Core
from hw_models.dram.params import Dram
from hw_models.ideal.params import IdealMemory
from hw_models.interconnect.params import Interconnect
from simulator.config.errors import not_one_of
from simulator.config.system import System
from workloads.llm.params import LlmJob

USUAL = ("interconnect", "llc", "dram", "memory")  # the short form, from masters to memory
DMA = "flash"  # the master that moves data between flash and memory
Wrong = list[tuple[tuple[str | int, ...], str]]  # keys and what is wrong there


@dataclass(frozen=True)
class Master:
    """A master as the wiring sees it: what each of its ports is wired to."""

    name: str
    keys: tuple[str, ...]  # where the config speaks of it
    port_bytes: int
    request_bytes: int  # its longest request, which lies within a block of that size
    clock_hz: int
    below: tuple[str, ...] = ()


@dataclass
class Node:
    """An interconnect, a cache or a memory."""

    name: str
    keys: tuple[str, ...]
    params: Any  # Dram, IdealMemory, Cache or Interconnect
    below: tuple[str, ...] = ()
    above: list[tuple[str, int]] = field(default_factory=list)  # (master or node, its port)

    @property
    def is_memory(self) -> bool:
        return isinstance(self.params, Dram | IdealMemory)

    @property
    def window(self) -> tuple[int, int] | None:
        """Return the [first, end) addresses of a memory that has its own, written with `at`."""
        first = getattr(self.params, "base_address", None)
        return None if first is None else (first, first + self.params.capacity_bytes)

    @property
    def entries(self) -> int:
        """Return how many FIFOs bring requests from one thing above."""
        if isinstance(self.params, Dram):
            return self.params.channels
        return self.params.ports if isinstance(self.params, Cache) else 1

    @property
    def entry_bytes(self) -> int:
        """Return after how many bytes the next of the entries has its turn."""
        if isinstance(self.params, Dram) and self.params.channels > 1:
            return 1 << self.params.channel_shift
        return self.params.line_bytes if isinstance(self.params, Cache) else 64


@dataclass
class Topology:
    masters: list[Master]  # accelerators, cores, those outside, each by name: their numbers
    nodes: dict[str, Node]  # by name, in the order of their units: memories first, what is above later

    def part(self, name: str) -> "Master | Node":
        """Return a master or a node by name."""
        return self.nodes[name] if name in self.nodes else next(m for m in self.masters if m.name == name)

    def memories_below(self, name: str) -> list[Node]:
        """Return the memories that a node leads to, itself if it is one, each once."""
        node = self.nodes[name]
        if node.is_memory:
            return [node]
        found = [memory for below in node.below for memory in self.memories_below(below)]
        return list({memory.name: memory for memory in found}.values())

    def of(self, kind: type) -> list[Node]:
        """Return the nodes with parameters of ``kind``."""
        return [node for node in self.nodes.values() if isinstance(node.params, kind)]


def shape_below(below: list[Node]) -> tuple[int, int, int | None]:
    """Return the ports below an interconnect, the bytes until the next has its turn, the shortest line."""
    turn = min([node.entry_bytes for node in below if node.entries > 1], default=64)
    lines = [node.params.line_bytes for node in below if isinstance(node.params, Cache)]
    return sum(node.entries for node in below), turn, min(lines, default=None)


def cores_of(system: System, workloads: Mapping[str, Any]) -> dict[str, Core]:
    """Return every master that runs tasks: the cores, backends in the system's memory, and flash's DMA."""
    shared = {name: WIDE_PORT for name in backends_of(workloads) if system.shares_memory(name)}
    dma = uses_flash(system, workloads) and not own_backends(system, workloads)
    return {**system.cores, **shared, **({DMA: WIDE_PORT} if dma else {})}


def backends_of(workloads: Mapping[str, Any]) -> list[str]:
    """Return the backends that run language models, by name."""
    return sorted({job.on for job in workloads.values() if isinstance(job, LlmJob)})


def own_backends(system: System, workloads: Mapping[str, Any]) -> list[str]:
    """Return those of them that have a memory of their own; then the system has no other."""
    return [name for name in backends_of(workloads) if not system.shares_memory(name)]


def uses_flash(system: System, workloads: Mapping[str, Any]) -> bool:
    """Tell whether a job may move data between DRAM and flash."""
    return system.flash is not None and any(
        isinstance(job, LlmJob) or getattr(job, "storage", None) is not None for job in workloads.values()
    )


def masters_of(system: System, workloads: Mapping[str, Any]) -> list[Master]:
    """Return the masters in the order of their numbers."""
    masters = []
    for name, accelerator in sorted(system.accelerators.items()):
        place = ("system", "accelerators", name)
        width, longest = accelerator.port_bytes, accelerator.request_bytes
        masters.append(Master(name, place, width, longest, accelerator.clock_hz))
    for name, core in sorted(cores_of(system, workloads).items()):
        holder = "backends" if name in system.backends else "cores"
        keys: tuple[str, ...] = ("system", "flash") if name == DMA else ("system", holder, name)
        masters.append(Master(name, keys, core.line_bytes, core.line_bytes, core.clock_hz))
    for name, external in sorted(system.masters.items()):
        width, longest = external.port_bytes, external.request_bytes
        masters.append(Master(name, ("system", "masters", name), width, longest, external.clock_hz))
    return masters


def topology_of(system: System, workloads: Mapping[str, Any]) -> tuple[Topology, Wrong]:
    """Return the wiring of a system, and what is wrong with it; the wiring is of use only if nothing is."""
    drawing = _Drawing(system, masters_of(system, workloads))
    return drawing.topology(), drawing.wrong


class _Drawing:
    """Draws the lines of `below`, the usual ones where nothing is written, and gathers what is wrong."""

    def __init__(self, system: System, masters: list[Master]):
        self.wrong: Wrong = []
        self.nodes = {node.name: node for node in _nodes_of(system)}
        self.usual = [name for name in USUAL if name in self.nodes]
        self.masters = [self.wired(system, master) for master in masters]
        for node in self.nodes.values():
            if isinstance(node.params, Cache | Interconnect):
                node.below = self.lines(node.keys, node.params.below, node.name)

    def wired(self, system: System, master: Master) -> Master:
        """Return a master with what its ports are wired to."""
        part: Any = system
        for key in master.keys[1:]:
            part = part[key] if isinstance(part, dict) else getattr(part, key)
        below = self.lines(master.keys, part.below)
        second = getattr(part, "cvsram", None)
        if second is not None:
            if second not in self.nodes:
                self.add((*master.keys, "cvsram"), not_one_of(second, sorted(self.nodes)))
            below += (second,)
        return replace(master, below=below)

    def topology(self) -> Topology:
        """Return the nodes from memory upwards, each with what is above it."""
        heights = {name: self.height(name, ()) for name in self.nodes}
        ordered = sorted(self.nodes.values(), key=lambda node: (heights[node.name], node.name))
        parts: list[Master | Node] = [*self.masters, *ordered]
        for above in parts:
            for port, name in enumerate(above.below):
                if name in self.nodes:
                    self.nodes[name].above.append((above.name, port))
        return Topology(self.masters, {node.name: node for node in ordered})

    def add(self, keys: tuple[str | int, ...], message: str) -> None:
        self.wrong.append((keys, message))

    def lines(self, keys: tuple[str, ...], below: str | list[str] | None, name: str = "") -> tuple[str, ...]:
        """Return what is written below a part, or what is usually there."""
        choices = sorted(set(self.nodes) - {name})
        if below is None:
            usual = self.usual[:1]
            if name:
                usual = self.usual[self.usual.index(name) + 1 :][:1] if name in self.usual else []
            if not usual:
                self.add(keys, f"nothing is below it; write below: and one of {', '.join(choices)}")
            return tuple(usual)
        written = [below] if isinstance(below, str) else below
        for found in written:
            if found not in choices:
                self.add((*keys, "below"), not_one_of(found, choices))
        return tuple(written)

    def height(self, name: str, path: tuple[str, ...]) -> int:
        """Return how many nodes lie between a node and memory; a circle is an error, told once."""
        node = self.nodes[name]
        if name in path:
            circle = path[path.index(name) :]
            if name == min(circle) and not any("circle" in message for _, message in self.wrong):
                way = " -> ".join((*circle, name))
                self.add((*node.keys, "below"), f"a circle, {way}; below must lead to memory")
            return 0
        below = [self.height(b, (*path, name)) for b in node.below if b in self.nodes]
        return 1 + max(below, default=0) if below else 0


def _nodes_of(system: System) -> list[Node]:
    parts = {name: getattr(system, name) for name in USUAL}
    nodes = [Node(name, ("system", name), part) for name, part in parts.items() if part is not None]
    for holder in ("interconnects", "caches", "memories"):
        named = sorted(getattr(system, holder).items())
        nodes += [Node(name, ("system", holder, name), part) for name, part in named]
    return nodes
