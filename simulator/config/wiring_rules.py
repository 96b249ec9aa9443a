"""What can be wired: the rules that a drawing must keep, each told with the key that breaks it."""

from collections.abc import Collection, Mapping
from itertools import combinations
from typing import Any

from hw_models.cache.params import Cache
from hw_models.dram.params import Dram
from hw_models.interconnect.params import Interconnect
from hw_models.limits import NARROW, NARROW_WIRES, WIDE, WIDE_WIRES
from hw_models.units import SIZE_UNITS, format_quantity
from simulator.config.errors import not_one_of
from simulator.config.system import System
from simulator.config.topology import (
    USUAL,
    Master,
    Node,
    Topology,
    Wrong,
    masters_of,
    shape_below,
    topology_of,
)
from workloads.llm.params import LlmJob

# What the kernel's tables hold; a test keeps these equal to its own numbers
MOST_SOURCES = WIDE  # above one interconnect: hw_models.interconnect.state.SOURCES
MOST_PORTS = 16  # below one interconnect: hw_models.interconnect.state.PORTS
MOST_ROUTES = 15  # address ranges below one interconnect, besides the rest: interconnect.routes.ROUTES - 1
MOST_INTERCONNECTS = 8  # simulator.kernel.soc_state.MOST_BUSES
MOST_NODES = 48  # interconnects, caches and channels: simulator.kernel.soc_state.UNITS, less masters and jobs
MOST_WIRES = WIDE_WIRES  # hw_models.port.WIRES
FIRST_WINDOW = 2**39  # bytes: below, jobs and co-runners have their addresses (512 GiB)


def topology_errors(system: System, workloads: Mapping[str, Any], working: Collection[str] = ()) -> Wrong:
    """Return (keys, message) of everything that cannot be wired as written.

    ``working``: the masters that a job or a co-runner runs on.
    """
    if runs_beside_the_chip(system, workloads):
        return []
    topology, wrong = topology_of(system, workloads)
    if not topology.nodes:
        return []  # told as such
    return wrong or _Rules(topology, working).wrong


def is_wide(system: System, workloads: Mapping[str, Any]) -> bool:
    """Tell whether a system that can be wired needs kernels for many masters."""
    if len(masters_of(system, workloads)) > NARROW:
        return True
    if runs_beside_the_chip(system, workloads):
        return False
    topology, _ = topology_of(system, workloads)
    return wires_of(topology) > NARROW_WIRES or any(
        len(node.above) > NARROW for node in topology.of(Interconnect)
    )


def wires_of(topology: Topology) -> int:
    """Return the FIFOs between the parts of a system."""
    wires = sum(2 * len(master.below) for master in topology.masters)
    for node in topology.nodes.values():
        wires += len(node.above) if isinstance(node.params, Interconnect) else node.entries
        wires += sum(topology.nodes[name].entries for name in node.below)
    return wires


def runs_beside_the_chip(system: System, workloads: Mapping[str, Any]) -> bool:
    """Tell whether there are only language models with memories of their own: then nothing is wired."""
    jobs = workloads.values()
    return bool(jobs) and all(isinstance(job, LlmJob) and not system.shares_memory(job.on) for job in jobs)


class _Rules:
    def __init__(self, topology: Topology, working: Collection[str]):
        self.topology, self.working, self.wrong = topology, working, Wrong()
        for node in topology.nodes.values():
            if isinstance(node.params, Interconnect):
                self.interconnect(node)
            else:
                self.one_above(node)
        for master in topology.masters:
            self.ports(master)
        self.windows()
        self.sizes()

    def add(self, keys: tuple[str | int, ...], message: str) -> None:
        self.wrong.append((keys, message))

    def one_above(self, node: Node) -> None:
        """A cache or a memory takes requests from one thing."""
        if not node.above:
            if self.topology.masters:
                self.add(
                    node.keys, f"nothing is above it; write below: {node.name} where its requests come from"
                )
            return
        if len(node.above) == 1:
            self.pair(node, self.topology.part(node.above[0][0]))
            return
        if "interconnect" not in self.topology.nodes and node.name in USUAL:
            self.add(
                ("system", "interconnect"),
                f"absent, yet {len(node.above)} masters need one; "
                "write interconnect: {width: 8 B, latency: 20 cycles}",
            )
            return
        names = ", ".join(sorted({name for name, _ in node.above}))
        self.add(node.keys, f"{names} are above it, and it has one port; write an interconnect in between")

    def pair(self, node: Node, part: Master | Node) -> None:
        """What hands its requests straight to a cache or memory: as many ports, requests within a line."""
        line = node.params.line_bytes if isinstance(node.params, Cache) else None
        if isinstance(part, Master):
            if part.keys[1] == "masters" and isinstance(node.params, Dram):
                self.add(
                    (*part.keys, "below"),
                    f"requests of up to {part.request_bytes} B straight at {node.name}; "
                    "write an interconnect in between",
                )
            elif isinstance(node.params, Dram) and part.request_bytes > (most := node.params.longest_request):
                self.add(
                    part.keys,
                    f"requests of up to {part.request_bytes} B straight at {node.name}, which holds {most}; "
                    "write an interconnect in between, or a shorter burst",
                )
            if node.entries > 1:
                what = "channels" if node.is_memory else "ports"
                self.add(
                    (*node.keys, what),
                    f"{node.entries}, yet {part.name} above it has one port; write {what}: 1, "
                    "or an interconnect in between",
                )
            if line is not None and part.request_bytes > line:
                self.add(
                    (*part.keys, "below"),
                    f"requests of up to {part.request_bytes} B do not fit the {line} B lines of {node.name}; "
                    "write an interconnect in between",
                )
        elif isinstance(part.params, Cache):
            above = part.params.line_bytes
            if line is not None and above > line:
                self.add(
                    (*part.keys, "line"),
                    f"{above} B are more than the {line} B lines of {node.name} below it; "
                    "write at most that, or an interconnect in between",
                )
            if node.is_memory and node.entries > 1 and node.entry_bytes % above:
                self.add(
                    (*part.keys, "line"),
                    f"lines of {above} B do not divide the {node.entry_bytes} B of a memory channel",
                )

    def interconnect(self, node: Node) -> None:
        params, below = node.params, [self.topology.nodes[name] for name in node.below]
        self.sources(node)
        self.slots(node)
        self.budgets(node)
        if not node.above and self.topology.masters and node.keys[1] == "interconnects":
            self.add(node.keys, f"nothing is above it; write below: {node.name} where its requests come from")
        if len(set(node.below)) < len(node.below):
            self.add((*node.keys, "below"), "names one thing twice; write each once")
        if sum(part.entries for part in below) > MOST_PORTS:
            ports = sum(part.entries for part in below)
            self.add((*node.keys, "below"), f"{ports} ports are below it; at most {MOST_PORTS} fit")
        open_ended = [name for name in node.below if self.leads_anywhere(name)]
        if params.interleave_bytes is None:
            if len(open_ended) > 1:
                self.add(
                    (*node.keys, "below"),
                    f"{' and '.join(open_ended)} lead to memories without addresses of their own; "
                    "write at: for all but one of these, or interleave: here",
                )
            return
        size, count = params.interleave_bytes, len(node.below)
        if count & (count - 1) or count < 2:
            self.add((*node.keys, "interleave"), f"{count} below it take turns; write 2, 4 or 8 of them")
        if size & (size - 1) or size < 64:
            self.add(
                (*node.keys, "interleave"), f"{size} B is not a power of two of at least 64 B; write 4 KiB"
            )
        if any(memory.window for name in node.below for memory in self.topology.memories_below(name)):
            self.add(
                (*node.keys, "interleave"),
                "memories with at: are below it, which have their own addresses; leave one of the two out",
            )

    def leads_anywhere(self, name: str) -> bool:
        """Tell whether a node leads to a memory that has no addresses of its own."""
        return any(memory.window is None for memory in self.topology.memories_below(name))

    def sources(self, node: Node) -> None:
        """What an interconnect says of single ports must speak of what is above it."""
        params, known = node.params, [name for name, _ in node.above]
        if len(known) > MOST_SOURCES:
            self.add(node.keys, f"{len(known)} ports are above it; at most {MOST_SOURCES} fit")
        written = [((*node.keys, "masters", name), name) for name in params.masters]
        written += [((*node.keys, "tdm", i), name) for i, name in enumerate(params.tdm)]
        for group, it in params.groups.items():
            place = (*node.keys, "groups", group, "masters")
            written += [((*place, i), name) for i, name in enumerate(it.masters)]
        for keys, name in written:
            if name not in known:
                self.add(keys, f"{not_one_of(name, known)} of what is above {node.name}")

    def slots(self, node: Node) -> None:
        """Whoever has something to send owns a slot of a TDM frame."""
        params = node.params
        for name, _ in node.above if params.tdm else ():
            if name not in params.tdm and self.working_behind(name):
                self.add(
                    (*node.keys, "tdm"),
                    f"{name} has work and no slot, so that it would never be served; add it to the list",
                )

    def budgets(self, node: Node) -> None:
        """A budget lets a piece of the longest kind through in each period."""
        below = [self.topology.nodes[name] for name in node.below]
        piece = node.params.piece_bytes(*shape_below(below))
        for keys, budget in node.params.budgets():
            if budget < piece:
                message = f"{budget} B a period; at least one burst of {piece} B is needed"
                self.add((*node.keys, *keys), message)

    def working_behind(self, name: str) -> bool:
        """Tell whether a master, or one behind a node, runs a job or a co-runner."""
        node = self.topology.nodes.get(name)
        if node is None:
            return name in self.working
        return any(self.working_behind(upper) for upper, _ in node.above)

    def ports(self, master: Master) -> None:
        """The first port leads to the usual memory, a second one to memory with addresses of its own."""
        if not self.leads_anywhere(master.below[0]):
            self.add(
                (*master.keys, "below"),
                "leads only to memories with at:, and jobs lie in those without; leave out one at:",
            )
        for name in master.below[1:]:
            if self.leads_anywhere(name):
                self.add(
                    (*master.keys, "cvsram"),
                    f"{name} leads to memory without addresses of its own; write at: for that, such as "
                    f"at: {format_quantity(FIRST_WINDOW, SIZE_UNITS)}",
                )

    def windows(self) -> None:
        """Addresses of memories lie beyond those of jobs, and apart."""
        windows = [(node, node.window) for node in self.topology.nodes.values() if node.window]
        for node, (first, _) in windows:
            if first < FIRST_WINDOW:
                least = format_quantity(FIRST_WINDOW, SIZE_UNITS)
                self.add((*node.keys, "at"), f"{first} B is where jobs lie; write at least {least}")
        for (one, (first, end)), (other, (begin, stop)) in combinations(windows, 2):
            if first < stop and begin < end:
                self.add((*other.keys, "at"), f"its addresses are also those of {one.name}; write others")

    def sizes(self) -> None:
        """The kernel's tables hold so many units and wires."""
        masters, nodes = len(self.topology.masters), list(self.topology.nodes.values())
        if masters > WIDE:
            self.add(("system",), f"{masters} masters, with flash's DMA; at most {WIDE} fit")
        buses = len(self.topology.of(Interconnect))
        if buses > MOST_INTERCONNECTS:
            self.add(("system",), f"{buses} interconnects; at most {MOST_INTERCONNECTS} fit")
        units = sum(node.entries if isinstance(node.params, Dram) else 1 for node in nodes)
        if units > MOST_NODES:
            self.add(("system",), f"{units} interconnects, caches and channels; at most {MOST_NODES} fit")
        if (wires := wires_of(self.topology)) > MOST_WIRES:
            self.add(("system",), f"{wires} wires between its parts; at most {MOST_WIRES} fit")
        for node in self.topology.of(Interconnect):
            windows = [m for name in node.below for m in self.topology.memories_below(name) if m.window]
            if len(node.below) > 1 and len(windows) > MOST_ROUTES:
                self.add((*node.keys, "below"), f"{len(windows)} address ranges; at most {MOST_ROUTES} fit")
