"""From the drawing of an SoC to the kernel's wiring: units numbered, FIFOs joined, every node's row built."""

from dataclasses import dataclass, field

import numpy as np

from hw_models.cache.build import build_cache
from hw_models.cache.build import down_limit as cache_down_limit
from hw_models.cache.params import Cache
from hw_models.cache.replacement import SET
from hw_models.cache.state import CACHE
from hw_models.dram.build import build_channels
from hw_models.dram.params import Dram
from hw_models.dram.state import CHANNEL
from hw_models.ideal.build import build as build_ideal
from hw_models.ideal.params import IdealMemory
from hw_models.ideal.state import MEMORY
from hw_models.interconnect.build import build_interconnect, down_limit, may_foresee, may_go_ahead
from hw_models.interconnect.params import Interconnect
from hw_models.interconnect.state import BIT_SHIFT
from hw_models.port import FIFO_ROWS, NEVER, WIRES, WIRING
from hw_models.units import period_fs
from simulator.config.topology import Master, Node, Topology, shape_below
from simulator.kernel.soc_state import BUSES, SYSTEM, UNITS, Kind, clock_of
from simulator.soc.routes import fill_routes

REQUEST_ROWS = 2  # of a master's request FIFO: a skid buffer at its port
QUEUE_ROWS = 8  # of the FIFO into a cache or memory, beside what is on the way
KINDS = ((Dram, Kind.DRAM), (IdealMemory, Kind.IDEAL), (Cache, Kind.CACHE), (Interconnect, Kind.BUS))


@dataclass
class Part:
    """Where a node lies in the kernel's arrays."""

    node: Node
    kind: Kind
    unit: int  # its first; a memory has one a channel
    row: int  # its first in the array of its kind
    units: int = 1


@dataclass
class Wires:
    """The kernel's arrays of all that lies between masters and memory."""

    topology: Topology
    parts: dict[str, Part]
    master_unit: int
    system: np.ndarray
    wires: np.ndarray
    buses: np.ndarray
    caches: np.ndarray
    tags: np.ndarray
    channels: np.ndarray
    ideals: np.ndarray
    fifo_names: list[str] = field(default_factory=list)

    def period_fs(self, name: str) -> int:
        """Return the clock period of a node."""
        return int(self.system[0]["period_fs"][self.parts[name].unit])


def build_wires(topology: Topology, seed: int) -> Wires:
    """Return the wired nodes, all idle. Raises ConfigError for names that do not exist."""
    parts, unit = {}, 0
    rows = dict.fromkeys(Kind, 0)
    for node in topology.nodes.values():
        kind = next(kind for params, kind in KINDS if isinstance(node.params, params))
        units = node.entries if node.is_memory else 1
        parts[node.name] = Part(node, kind, unit, rows[kind], units)
        unit, rows[kind] = unit + units, rows[kind] + units
    names = [master.name for master in topology.masters]
    wired = Wires(
        topology,
        parts,
        unit,
        np.zeros(1, SYSTEM),
        np.zeros(1, WIRING),
        np.zeros(1, BUSES),
        *_caches(topology, names, seed),
        _rows([build_channels(node.params, names) for node in topology.of(Dram)], CHANNEL),
        _rows([_ideal(topology, node) for node in topology.of(IdealMemory)], MEMORY),
    )
    for number, node in enumerate(topology.of(Interconnect)):
        wired.buses[0]["bus"][number] = _bus(topology, node, len(names))
    _number(wired)
    _Joiner(wired).join_all()
    for node in topology.of(Dram):
        _tell_channels(wired, parts[node.name])
    for node in topology.of(Cache):
        _tell_cache(wired, parts[node.name])
    return wired


def _tell_channels(wired: Wires, part: Part) -> None:
    """Tell a DRAM's channels of their FIFOs of requests; they have fewer calls where those show nowhere."""
    for k in range(part.units):
        channel, node = wired.channels[part.row + k], wired.system[0]["node"][part.unit + k]
        channel["askers"] = node["request_count"]
        if _asks_little(wired.topology, part.node):
            channel["hold"] = 0
        if channel["gated"] and node["request_count"] == 1 and wired.system[0]["one_clock"]:
            wired.wires[0]["fifo"][node["requests"][0]]["delay"] = 1


def _tell_cache(wired: Wires, part: Part) -> None:
    """Tell a cache of what is above it; with one bank below one interconnect it has fewer calls."""
    system, cache = wired.system[0], wired.caches[part.row]
    node = system["node"][part.unit]
    writer = wired.wires[0]["fifo"][node["requests"][0]]["writer"]
    cache["askers"] = node["request_count"]
    alone = cache["askers"] == cache["banks"] == 1 and system["kind"][writer] == Kind.BUS
    cache["late"] = system["one_clock"] and alone
    answers = wired.wires[0]["fifo"][node["up"] : node["up"] + node["up_count"]]
    cache["brief"] = (system["kind"][answers["reader"]] == Kind.BUS).all()
    wired.wires[0]["fifo"][node["requests"][0]]["shut_mask"] = cache["set_mask"] << cache["line_shift"]


def _rows(rows: list[np.ndarray], dtype: np.dtype) -> np.ndarray:
    """Return the rows as one array; one idle row where there is none, since kernels take no empty arrays."""
    return np.concatenate(rows) if rows else np.zeros(1, dtype)


def _caches(topology: Topology, masters: list[str], seed: int) -> tuple[np.ndarray, np.ndarray]:
    states, tags, first = [], [], 0
    for node in topology.of(Cache):
        below = topology.nodes[node.below[0]]
        key = ".".join(map(str, node.keys))
        state, sets = build_cache(node.params, masters, seed, below.entries, below.entry_bytes, key)
        state[0]["first_set"] = first
        first += len(sets)
        states.append(state)
        tags.append(sets)
    return _rows(states, CACHE), _rows(tags, SET)


def _asks_little(topology: Topology, node: Node) -> bool:
    """Tell whether what is above a DRAM never has more unanswered than that admits: places are no matter."""
    caches = [topology.nodes[name].params for name, _ in node.above if name in topology.nodes]
    if len(caches) < len(node.above) or not all(isinstance(cache, Cache) for cache in caches):
        return False
    reads = sum(cache.mshrs for cache in caches)
    writes = reads + sum(cache.writebacks for cache in caches)
    dram = node.params
    return reads <= (dram.max_reads or reads) and writes <= (dram.max_writes or writes)


def _ideal(topology: Topology, node: Node) -> np.ndarray:
    """Return an ideal memory: a beat is as wide as the interconnect or master that it serves."""
    assert isinstance(node.params, IdealMemory)
    server = served_by(topology, node)
    beat = server.port_bytes if isinstance(server, Master) else server.params.width_bytes
    return build_ideal(node.params.timings(beat))


def served_by(topology: Topology, node: Node) -> Master | Node:
    """Return the nearest interconnect above a node, or its master where there is none."""
    name = node.above[0][0]
    above = topology.nodes.get(name)
    if above is None:
        return next(master for master in topology.masters if master.name == name)
    return above if isinstance(above.params, Interconnect) else served_by(topology, above)


def clock_hz(topology: Topology, node: Node) -> int:
    """Return a node's clock: its own, or that of the nearest interconnect or master above."""
    own = getattr(node.params, "clock_hz", None)
    if own is not None:
        return own
    server = served_by(topology, node)
    return server.clock_hz if isinstance(server, Master) else server.params.clock_hz


def masters_above(topology: Topology, name: str) -> set[int]:
    """Return the numbers of the masters that a node, or a master itself, carries requests of."""
    numbers = {master.name: i for i, master in enumerate(topology.masters)}
    if name in numbers:
        return {numbers[name]}
    above = topology.nodes[name].above
    return set().union(*(masters_above(topology, upper) for upper, _ in above))


def _bus(topology: Topology, node: Node, masters: int) -> np.ndarray:
    params, below = node.params, [topology.nodes[name] for name in node.below]
    assert isinstance(params, Interconnect)
    of_name = {master.name: master for master in topology.masters}
    widths, alone = [], []
    for name, _ in node.above:
        behind = masters_above(topology, name)
        alone.append(behind.pop() if len(behind) == 1 else -1)
        widths.append(of_name[name].port_bytes if name in of_name else port_bytes(topology.nodes[name]))
    ports, turn, line = shape_below(below)
    state = build_interconnect(
        params,
        [name for name, _ in node.above],
        widths,
        ports=ports,
        interleave_bytes=turn,
        line_bytes=line,
        alone=alone,
        masters=masters,
        key=".".join(map(str, node.keys)),
    )
    state[0]["foresees"] = may_foresee(state[0])
    state[0]["ahead"] = may_go_ahead(state[0], down_limit(params, QUEUE_ROWS))
    if len(below) > 1:
        fill_routes(state[0], topology, node)
    return state[0]


def port_bytes(node: Node) -> int:
    """Return the width of the port by which a node hands on its requests."""
    return node.params.data_width_bytes if isinstance(node.params, Cache) else node.params.width_bytes


def _number(wired: Wires) -> None:
    """Give every unit its kind, row and clock."""
    system, topology = wired.system[0], wired.topology
    system["wake_fs"], system["period_fs"] = NEVER, 1
    system["offered"] = system["dma"] = system["step_at_hand"] = -1
    system["master_unit"], system["masters"] = wired.master_unit, len(topology.masters)
    for part in wired.parts.values():
        params = part.node.params
        for k in range(part.units):
            system["kind"][part.unit + k], system["row"][part.unit + k] = part.kind, part.row + k
            own = isinstance(params, Dram)
            system["period_fs"][part.unit + k] = (
                params.clock_fs if own else period_fs(clock_hz(topology, part.node))
            )
    for number, master in enumerate(topology.masters):
        system["period_fs"][wired.master_unit + number] = period_fs(master.clock_hz)
    clocks = system["period_fs"][: wired.master_unit + len(topology.masters)]
    system["one_clock"] = len(set(clocks.tolist())) == 1
    system["one_period_fs"] = system["period_fs"][0]
    for unit, period in enumerate(clocks.tolist()):
        system["clock"][unit] = clock_of(period)
    assert wired.master_unit + len(topology.masters) <= UNITS


class _Joiner:
    """Gives out FIFOs: each unit writes a range of its own, and lists those that it reads."""

    def __init__(self, wired: Wires):
        self.wired, self.topology = wired, wired.topology
        self.system, self.fifos = wired.system[0], wired.wires[0]["fifo"]
        self.unit_of = {name: part.unit for name, part in wired.parts.items()}
        for number, master in enumerate(self.topology.masters):
            self.unit_of[master.name] = wired.master_unit + number
        self.number_of = {master.name: i for i, master in enumerate(self.topology.masters)}

    def join_all(self) -> None:
        for master in self.topology.masters:
            unit = self.unit_of[master.name]
            self.system["node"][unit]["down"] = len(self.wired.fifo_names)
            for port in range(max(1, len(master.below))):
                of = master.name if port == 0 else f"{master.name} (port {port})"
                self.add(unit, self.master_limit(master, port), f"read requests of {of}")
                self.add(unit, self.master_limit(master, port), f"write requests of {of}")
        for part in self.wired.parts.values():
            if not part.node.is_memory:
                self.range_down(part)
            for k in range(part.units):
                self.range_up(part, part.unit + k)
        for part in self.wired.parts.values():
            self.read_requests(part)
            self.send_answers(part)
        for part in self.wired.parts.values():
            if part.kind == Kind.BUS:
                self.take_early(part)

    def add(self, writer: int, limit: int, name: str) -> int:
        """Return the index of a FIFO that ``writer`` writes."""
        index = len(self.wired.fifo_names)
        self.wired.fifo_names.append(name)
        assert index < WIRES
        self.fifos[index]["writer"], self.fifos[index]["limit"] = writer, limit
        return index

    def master_limit(self, master: Master, port: int) -> int:
        """Return the rows of a master's FIFO: one straight at memory; a core sends two requests at once."""
        below = self.topology.nodes[master.below[port]]
        is_core = master.keys[1] not in ("accelerators", "masters")
        return REQUEST_ROWS if is_core or isinstance(below.params, Interconnect) else 1

    def range_down(self, part: Part) -> None:
        node, params = self.system["node"][part.unit], part.node.params
        node["down"] = len(self.wired.fifo_names)
        node["down_count"] = sum(self.topology.nodes[name].entries for name in part.node.below)
        limit = down_limit if isinstance(params, Interconnect) else cache_down_limit
        for port in range(node["down_count"]):
            self.add(part.unit, limit(params, QUEUE_ROWS), f"requests below port {port} of {part.node.name}")

    def range_up(self, part: Part, unit: int) -> None:
        node = self.system["node"][unit]
        node["up"] = len(self.wired.fifo_names)
        node["up_count"] = {Kind.BUS: len(part.node.above), Kind.CACHE: part.node.entries}.get(part.kind, 1)
        for k in range(node["up_count"]):
            if part.kind == Kind.BUS:
                name = f"answers of {part.node.name} to {part.node.above[k][0]}"
            else:
                port = unit - part.unit + k
                name = f"answers of {part.node.name}" + (f" {port}" if part.node.entries > 1 else "")
            self.add(unit, FIFO_ROWS, name)

    def read_requests(self, part: Part) -> None:
        """List the FIFOs of requests that a node reads, in the order of what is above."""
        for source, (name, port) in enumerate(part.node.above):
            first = int(self.system["node"][self.unit_of[name]]["down"])
            if name in self.number_of:
                indices = [first + 2 * port, first + 2 * port + 1]
            else:
                below = self.topology.nodes[name].below
                first += sum(self.topology.nodes[b].entries for b in below[:port])
                indices = [first + k for k in range(part.node.entries)]
            for k, index in enumerate(indices):
                unit = part.unit + (k if part.node.is_memory and part.units > 1 else 0)
                self.reads(unit, index, "request")
                self.fifos[index]["source"] = source
                if part.kind == Kind.BUS:
                    place = int(self.system["node"][unit]["request_count"]) - 1
                    self.fifos[index]["bit"] = 1 << (place >> BIT_SHIFT)

    def reads(self, unit: int, index: int, what: str, port: int = 0) -> None:
        """Note that ``unit`` reads a FIFO; a master finds its answers by port."""
        node = self.system["node"][unit]
        place = port if unit >= self.wired.master_unit else node[f"{what}_count"]
        node[f"{what}s"][place] = index
        node[f"{what}_count"] += 1
        self.fifos[index]["reader"] = unit

    def send_answers(self, part: Part) -> None:
        """Say who reads each FIFO of answers."""
        for k in range(part.units):
            node = self.system["node"][part.unit + k]
            for i in range(node["up_count"]):
                above, port = part.node.above[i if part.kind == Kind.BUS else 0]
                self.reads(self.unit_of[above], int(node["up"]) + i, "answer", port)

    def take_early(self, part: Part) -> None:
        """Let an interconnect with one port below take answers early, where they come in order of time."""
        node = self.system["node"][part.unit]
        first = self.fifos[int(node["answers"][0])]
        if node["answer_count"] == 1 and self.system["kind"][first["writer"]] != Kind.BUS:
            first["early"] = 1
        else:
            self.wired.buses[0]["bus"][part.row]["collects"] = 1
