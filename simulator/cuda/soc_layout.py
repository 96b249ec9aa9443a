"""How a GPU keeps the state of one SoC: what its config uses of every record, and no more.

On the CPU each record has room for the largest design. Here arrays end where a config's own do: a `Shape`
says how many there are of what, a layout follows from it, and points of one shape share a kernel. Tables of
which there are more or fewer with every network or size of cache (`VARIABLE`) are arrays of all points.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from hw_models.blame import CAUSES
from hw_models.cache.names import STREAMS
from hw_models.cache.replacement import SET
from hw_models.cache.state import CACHE
from hw_models.cpu.state import CORE
from hw_models.cpu.task import TASK
from hw_models.dram.state import CHANNEL
from hw_models.dram.state import KINDS as COMMANDS
from hw_models.ideal.state import MEMORY
from hw_models.interconnect.names import IDS, TRACKERS
from hw_models.interconnect.state import GRANTS, INTERCONNECT
from hw_models.pages import REGIONS
from hw_models.port import MASTERS, WIRING
from simulator.cuda.dram_layout import known_of
from simulator.cuda.hot import HOT
from simulator.cuda.layout import cut, packed
from simulator.kernel.driver import JOB, STEP_RECORD
from simulator.kernel.ledger import ACCOUNT, ENTRY
from simulator.kernel.measure import MASTER
from simulator.kernel.soc_state import BUSES, DOOR_CAUSES, OWNER, SYSTEM, Kind
from simulator.soc.accelerators import KINDS
from simulator.soc.machine import Machine
from workloads.program import STEP

CULPRITS = MASTERS + 1
INDEX = np.dtype(np.int64)
LINE = 128  # bytes of a GPU's caches: records begin at one
ENTRIES = 512  # of the ledger, until the clerk is asked for


# what a kernel is compiled for, beside its shape: it says which ways through the code there are
KNOWN = {
    "system": ("master_unit", "job_unit", "one_clock", "dma"),
    "buses": (
        *("sources", "ports", "route_count", "channels", "cut_through", "trackers", "caches"),
        *("write_lead", "masters"),
    ),
    "caches": (
        *("masters", "banks", "ports", "channels", "reads_astray", "split", "hit_when_full", "mask_writes"),
        *("placement", "probe", "prefetch"),
    ),
}
WITHIN = {"buses": "bus"}  # the records that have these fields
Known = tuple[tuple[str, int], ...]


class Shape(NamedTuple):
    """How many there are of what. Points of a shape share a kernel, so some are rounded up."""

    units: int
    nodes: int
    masters: int
    inputs: int  # FIFOs that a unit reads, of requests or of answers
    frames: int  # 1: pages are placed
    fifos: int
    buses: int
    sources: int  # of an interconnect
    ports: int
    tracks: int  # 1: it has a hub
    caches: int
    cache_banks: int
    mshrs: int
    ways: int
    channels: int
    banks: int
    groups: int
    ranks: int
    ideals: int
    cores: int
    nvdlas: int
    interfaces: int  # of an NVDLA
    arrays: int
    replays: int
    jobs: int
    latencies: int  # frames of a job
    known: tuple[tuple[str, Known], ...]  # fields of `layout_of` -> those of their records, and values


def shape_of(machine: Machine) -> Shape:
    """Return the shape of a machine that has just been built."""
    system, wired = machine.system[0], machine.wired
    units, nodes = int(system["units"]), int(system["master_unit"])
    buses = sum(part.kind == Kind.BUS for part in wired.parts.values())
    bus, caches, channels = machine.buses[: max(1, buses)], machine.caches, machine.channels
    counts = system["node"][["request_count", "answer_count"]][:units].tolist()
    nvdla = machine.fleets["nvdla"].states
    there = {part.kind for part in wired.parts.values()}  # an array of none has an idle row
    accelerators = {machine.accelerator_kind(k) for k in range(len(machine.accelerator_names))}
    fleets = [len(fleet.states) * (kind in accelerators) for kind, fleet in machine.fleets.items()]
    return Shape(
        units=units,
        nodes=nodes,
        masters=max(1, len(machine.master_names)),
        inputs=_ceil(max(1, *map(max, counts))),
        frames=int(system["frames"]["on"]),
        fifos=_even(len(wired.fifo_names)),
        buses=max(1, buses),
        sources=_even(int(bus["sources"].max())),
        ports=_ceil(int(bus["ports"].max())),
        tracks=int(bus["trackers"].max() > 0),
        caches=len(caches) * (Kind.CACHE in there),
        cache_banks=_ceil(int(caches["banks"].max())),
        mshrs=max(8, _ceil(int(caches["mshr_count"].max()))),
        ways=max(8, _ceil(int(caches["policy"]["ways"].max()))),
        channels=len(channels) * (Kind.DRAM in there),
        banks=max(16, _ceil(int(channels["bank_count"].max()))),
        groups=max(4, _ceil(int((channels["ranks"] * channels["groups"]).max()))),
        ranks=_even(int(channels["ranks"].max())),
        ideals=len(machine.wired.ideals) * (Kind.IDEAL in there),
        cores=len(machine.cores) * bool(machine.core_names),
        nvdlas=fleets[0],
        interfaces=1 + int(nvdla["cvsram"].max()),
        arrays=fleets[1],
        replays=fleets[2],
        jobs=len(machine.jobs),
        latencies=max(4, _ceil(machine.latencies.shape[1])),
        known=tuple(_known(machine, there, max(1, buses))),
    )


def _known(machine: Machine, there: set[Kind], buses: int) -> Iterator[tuple[str, Known]]:
    """Yield what is the same of all units of a kind, as far as kernels are compiled for it."""
    tables = {"system": machine.system, "buses": machine.buses[:buses]}
    if Kind.CACHE in there:
        tables["caches"] = machine.caches
    for name, rows in tables.items():
        alike = [field for field in KNOWN[name] if len({*rows[field].tolist()}) == 1]
        yield name, tuple((field, int(rows[field][0])) for field in alike)
    if Kind.DRAM in there:
        first, *others = [known_of(machine.channels[k]) for k in range(len(machine.channels))]
        yield "channels", tuple(pair for pair in first if all(pair in other for other in others))


def _ceil(count: int) -> int:
    """Return the power of two at or above a count, at least 1."""
    return 1 << max(0, count - 1).bit_length()


def _even(count: int) -> int:
    return max(2, count + count % 2)


FLEETS = ("nvdla", "array", "replay")  # as `KINDS`, in the names of the kernel's arguments
# tables of all points; each point has a part of its own, or shares one with others whose is the same
OWN = ("tags", "records", *(f"{fleet}_records" for fleet in FLEETS), "entries")
SHARED = ("tasks", "steps", "deps", *(f"{fleet}_{what}" for fleet in FLEETS for what in ("ops", "owners")))
# what a point has one of: fields of its record
STATES = (
    *("system", "wires", "buses", "measures", "caches", "channels", "ideals", "cores"),
    *("nvdlas", "arrays", "replays", "jobs", "latencies", "finished", "accounts", "known", "lines", "used"),
)


@cache
def layout_of(shape: Shape) -> np.dtype:
    """Return the record of one point."""
    s, kinds = shape, list(KINDS.values())
    rows: list[tuple[Any, ...]] = [
        ("system", _record(cut(SYSTEM, _system(s)))),
        ("used", INDEX, (2,)),
        ("jobs", _record(JOB), (s.jobs,)),
        ("measures", _record(MASTER), (s.masters,)),
        ("channels", _record(cut(CHANNEL, _channel(s))), (s.channels,)),
        ("ideals", _record(MEMORY), (s.ideals,)),
        ("caches", _record(cut(CACHE, _cache(s))), (s.caches,)),
        ("cores", _record(CORE), (s.cores,)),
        ("nvdlas", _record(cut(kinds[0].state, {"mcif": (s.interfaces,)})), (s.nvdlas,)),
        ("arrays", _record(kinds[1].state), (s.arrays,)),
        ("replays", _record(kinds[2].state), (s.replays,)),
        ("buses", _record(cut(BUSES, {"bus": (s.buses,), "bus.": _bus(s)}))),
        ("wires", _record(cut(WIRING, {"fifo": (s.fifos,)}))),
        ("latencies", INDEX, (s.jobs, s.latencies)),
        ("finished", INDEX, (s.jobs, s.latencies)),
        ("accounts", _record(ACCOUNT), (s.masters,)),
        ("lines", INDEX, (s.nodes, s.masters, 2)),
        ("known", INDEX, (2 * s.nodes, s.masters, CULPRITS, CAUSES)),
    ]
    names, formats, offsets, end = [], [], [], 0
    for name, kind, *counts in rows:
        if counts != [(0,)]:
            names.append(name)
            formats.append(np.dtype((kind, *(counts or [()]))))
            offsets.append(end)
            end += -(-formats[-1].itemsize // LINE) * LINE
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": end})


@cache
def tables_of(shape: Shape) -> dict[str, np.dtype]:
    """Return the rows of the tables of all points."""
    found = {
        "tags": _record(cut(SET, dict.fromkeys(SET.names or (), (shape.ways,)))),
        "records": STEP_RECORD,
        "entries": ENTRY,
        "tasks": TASK,
        "steps": STEP,
        "deps": INDEX,
    }
    for fleet, kind in zip(FLEETS, KINDS.values(), strict=True):
        found |= {
            f"{fleet}_ops": _record(kind.op),
            f"{fleet}_owners": OWNER,
            f"{fleet}_records": _record(kind.record),
        }
    return found


def _record(dtype: np.dtype) -> np.dtype:
    return packed(dtype, hot=HOT)


def _system(s: Shape) -> dict[str, Any]:
    units = (s.units,)
    return {
        **dict.fromkeys(("kind", "row", "unoffered", "offered", "period_fs", "wake_fs"), units),
        "clock": units,
        "node": units,
        "node.": {"requests": (s.inputs,), "answers": (s.inputs,)},
        "step_at_hand": (s.masters,),
        "doors": (s.nodes, s.masters, CULPRITS, DOOR_CAUSES),
        "frames": {} if s.frames else {"region": (1,)},
    }


def _blame(s: Shape) -> dict[str, Any]:
    return {"blame": (s.masters, CULPRITS, CAUSES)}


def _channel(s: Shape) -> dict[str, Any]:
    return _blame(s) | {
        "asking_banks": (2, COMMANDS, s.banks),
        "banks": (s.banks,),
        "group": (s.groups,),
        "rank": (s.ranks,),
        "busy_banks": (s.banks,),
        "soonest": (s.banks,),
        "in_line": (2, s.banks),
        "bank_held": (s.banks, CULPRITS),
        "log": (1,),
    }


def _cache(s: Shape) -> dict[str, Any]:
    return _blame(s) | {
        "bypass": (s.masters, STREAMS),
        "discard": (s.masters, STREAMS),
        "strides": (s.masters, STREAMS),
        "bank": (s.cache_banks,),
        "mshrs": (s.mshrs,),
        "last_up": (s.cache_banks,),
    }


def _bus(s: Shape) -> dict[str, Any]:
    sources, lanes, buses = (s.sources,), (2 * s.sources,), (2 * s.ports,)
    trackers = TRACKERS if s.tracks else 1
    per_source = (
        *("alone", "entry", "response_latency", "caching", "grants", "probes", "taken", "probe_next"),
        *("released", "turn_from", "limit", "ids", "id_limit", "fifo", "fifo_release", "fifo_head"),
        *("fifo_since", "port_shift", "write_turn"),
    )
    return _blame(s) | {
        **dict.fromkeys(per_source, sources),
        **dict.fromkeys(("lanes", "lane_flight", "link_free", "seen"), lanes),
        **dict.fromkeys(
            (
                *("arbiters", "wants", "bus_free", "bus_owner", "back_free", "back_owner", "gone"),
                *("busy_cycles", "back_busy_cycles"),
            ),
            buses,
        ),
        **dict.fromkeys(("id_flight", "oldest", "newest"), (*lanes, IDS)),
        **dict.fromkeys(("tracked", "tracked_until", "tracked_by"), (s.ports, trackers)),
        **dict.fromkeys(("probe_time", "probe_of"), (*sources, trackers)),
        **dict.fromkeys(
            (
                "unanswered",
                "answered",
                "foreseen_from",
                "staged",
                "staged_address",
                "staged_soonest",
                "staged_way",
            ),
            (trackers,),
        ),
        "latency": (*sources, 2),
        "granted_from": (*sources, GRANTS),
        "fifo_until": (*sources, IDS),
        "port_flight": (2, s.ports),
        "port_share": (2, s.ports, MASTERS),
    }


assert INTERCONNECT["oldest"].shape[1] == IDS
assert REGIONS > 1
