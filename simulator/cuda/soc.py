"""Whole systems, many at a time: threads take the next event of one after the other.

What `simulator.soc.run.run_machine` does on the CPU for one machine after the other is done here in launches
over all machines of a shape: put their states down, run their event loops until all have ended, bring the
states back into machines, of which the results are made as always. Threads that step together take events of
one kind of unit (`simulator.cuda.queues`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from hw_models.axi.state import AGENT
from hw_models.cache.state import CACHE
from hw_models.cpu.state import CORE
from hw_models.dram.state import CHANNEL
from hw_models.errors import ConfigError, StuckError
from hw_models.ideal.state import MEMORY
from simulator.cuda import soc_kernels as steps
from simulator.cuda.arguments import CODE, Absent, All, Argument, Entry, Gathered, Part, Several, Span, Values
from simulator.cuda.doors import WARP
from simulator.cuda.queues import queues
from simulator.cuda.soc_kernels import KINDS as STEPS
from simulator.cuda.soc_kernels import RUN, START
from simulator.cuda.soc_layout import (
    FLEETS,
    OWN,
    SHARED,
    WITHIN,
    Shape,
    layout_of,
)
from simulator.cuda.soc_rows import Point, point_of, restore, tables_used
from simulator.cuda.units import one_program
from simulator.kernel import ledger, soc
from simulator.kernel.masters import Masters
from simulator.kernel.soc_state import OWNER
from simulator.soc.accelerators import KINDS
from simulator.soc.machine import Machine
from simulator.soc.run import answer, ended
from simulator.soc.who_waits import who_waits

EVENTS = 1 << 17  # of a launch
WIDTH = WARP  # points that a warp takes, at most
FEW, MANY = (
    128,
    256,
)  # registers of a thread, so that there are more of them; points of a block that need that
ABSENT = {
    **{"caches": CACHE, "channels": CHANNEL, "ideals": MEMORY, "cores": CORE, "externals": AGENT},
    **{f"{fleet}s": kind.state for fleet, kind in zip(FLEETS, KINDS.values(), strict=True)},
    **{f"{fleet}_ops": kind.op for fleet, kind in zip(FLEETS, KINDS.values(), strict=True)},
    **{f"{fleet}_records": kind.record for fleet, kind in zip(FLEETS, KINDS.values(), strict=True)},
    **{f"{fleet}_owners": OWNER for fleet in FLEETS},
}

# large functions that many events enter, from a place or two: in a function of its own every access to memory
# takes an instruction or two more
ALWAYS_INLINED = (
    *(f"simulator.cuda.soc_kernels.{name}" for name in ("bus", "cache", "dram", "nvdla", "core", "pick")),
    *(f"simulator.kernel.nodes.{name}" for name in ("step_cache", "step_dram")),
    *("simulator.kernel.masters.step_nvdla", "simulator.kernel.measure.note_response"),
    *(f"simulator.kernel.buses.{name}" for name in ("step_bus", "bus_respond", "ask_bus")),
    *(f"simulator.kernel.buses.{name}" for name in ("offer_later", "offer_followers")),
    *("hw_models.interconnect.block.advance", "hw_models.nvdla.cdma_weights.weight_beat"),
    *("hw_models.interconnect.answers.deliver", "hw_models.interconnect.answers.count_out"),
)

# the arrays of a launch, in the order in which the kernel takes them
NODES = ("wires", "buses", "caches", "tags", "channels", "ideals")
MASTERS = (
    *("cores", "tasks"),
    *(f"{fleet}{what}" for fleet in FLEETS for what in ("s", "_ops", "_records", "_owners")),
    "externals",
)
LEDGER = ("accounts", "known", "lines", "entries", "used")
JOBS = ("jobs", "steps", "deps", "records", "latencies", "finished")
NAMES = ("runs", "system", "measures", *NODES, *MASTERS, *JOBS, *LEDGER)


def steps_of(shape: Shape) -> dict[int, Any]:
    """Return the kernels of the kinds of units that systems of a shape have, by kind."""
    there = [
        *((1, steps.START, steps.start), (shape.jobs, steps.JOB, steps.job), (1, steps.BUS, steps.bus)),
        *((shape.caches, steps.CACHE, steps.cache), (shape.channels, steps.DRAM, steps.dram)),
        *((shape.ideals, steps.IDEAL, steps.ideal), (shape.cores, steps.CORE, steps.core)),
        *((shape.nvdlas, steps.NVDLA, steps.nvdla), (shape.arrays, steps.SYSTOLIC, steps.systolic)),
        (shape.replays, steps.REPLAY, steps.replay),
    ]
    return {kind: step for count, kind, step in there if count}


def entry_of(shape: Shape, values: Values = ()) -> Gathered:
    """Return the kernel that runs systems of a shape whose parameters have ``values``."""
    layout, tables, known = layout_of(shape), tables_used(shape), dict(shape.known)

    def argument(name: str) -> Argument:
        if name in (layout.names or ()):
            return Part(layout, name, known.get(name, ()), WITHIN.get(name, ""))
        return Span(tables[name], RUN, name) if name in tables else Absent(ABSENT[name])

    nodes, masters, book, jobs = (tuple(map(argument, names)) for names in (NODES, MASTERS, LEDGER, JOBS))
    arguments = (
        *(All(RUN), argument("system"), argument("measures")),
        *(Several(soc.Nodes, nodes), Several(Masters, masters)),
        Several(soc.Jobs, (*jobs, Several(ledger.Ledger, book))),
    )
    return Gathered(
        "simulate",
        tuple((kind, Entry(step, arguments)) for kind, step in steps_of(shape).items()),
        Entry(steps.pick, arguments),
        "kind",
        values,
        ALWAYS_INLINED,
    )


class Wave:
    """Points of one shape that run together, on a device."""

    def __init__(self, device: Any, points: Sequence[Point]):
        self.device, self.shape, self.count = device, points[0].shape, len(points)
        self.layout, self.tables = layout_of(self.shape), tables_used(self.shape)
        self.runs = np.zeros(self.count, RUN)
        self.runs["limit_fs"] = [point.limit_fs for point in points]
        self.codes = device.zeros(self.count * CODE.itemsize)
        self.states = device.zeros(self.count * self.layout.itemsize)
        self.places: dict[str, Any] = {}
        self.rows: Counter[str] = Counter()
        for name in self.tables:
            if name in SHARED:
                self._share(name, points)
            else:
                self._give(name, points)
        there: dict[int, int] = {}
        for number, point in enumerate(points):
            if id(point) in there:
                self._copy(number, there[id(point)])
            else:
                self.put(number, point)
                there[id(point)] = number

    def _share(self, name: str, points: Sequence[Point]) -> None:
        """Put down a table that points only read, once if it is the same."""
        known: dict[bytes, tuple[int, int]] = {}
        rows: list[np.ndarray] = []
        for number, point in enumerate(points):
            table = point.shared[name]
            content = table.tobytes()
            if content not in known:
                known[content] = self.rows[name], self.rows[name] + len(table)
                rows.append(table.view(np.uint8))
                self.rows[name] += len(table)
            self.runs[number][name] = known[content]
        self.places[name] = self.device.put(np.concatenate(rows))

    def _give(self, name: str, points: Sequence[Point]) -> None:
        """Make room for a table of which each point has its own."""
        size = self.tables[name].itemsize
        ends = np.cumsum([point.own[name].size // size for point in points])
        self.runs[name][:, 0], self.runs[name][:, 1] = np.append(0, ends[:-1]), ends
        self.rows[name] = int(ends[-1])
        self.places[name] = self.device.zeros(self.rows[name] * size)

    def put(self, number: int, point: Point) -> None:
        """Put a point down; it runs."""
        self.device.fill(self.states, number * self.layout.itemsize, point.state.spread())
        for name, words in point.own.items():
            self.device.fill(self.places[name], self._start(name, number), words.spread())
        self.runs[number]["status"] = soc.RUNNING

    def _copy(self, number: int, other: int) -> None:
        """Put a point down that is as another has been put down."""
        size, copy = self.layout.itemsize, self.device.copy
        copy(self.states, number * size, other * size, size)
        for name in OWN:
            if name in self.tables:
                first, last = self.runs[other][name].tolist()
                rows = (last - first) * self.tables[name].itemsize
                copy(self.places[name], self._start(name, number), self._start(name, other), rows)
        self.runs[number]["status"] = soc.RUNNING

    def get(self, number: int) -> dict[str, np.ndarray]:
        """Return a point as it is now, as `rows_of` has it."""
        point = np.empty(1, self.layout)
        self.device.get(self.states, point, number * self.layout.itemsize)
        rows = {"point": point}
        for name in OWN:
            if name in self.tables:
                first, last = self.runs[number][name].tolist()
                count = int(point["used"][0, 0]) if name == "entries" else last - first
                table = np.empty(count, self.tables[name])
                rows[name] = self.device.get(self.places[name], table, self._start(name, number))
        point["used"][0, 1] = ledger.ENTRIES
        return rows

    def _start(self, name: str, number: int) -> int:
        return int(self.runs[number][name][0]) * self.tables[name].itemsize

    def launch(self, function: Any, width: int, events: int) -> None:
        """Run all that is RUNNING for so many events, and wait."""
        self.runs["left"] = events
        waiting = np.flatnonzero(self.runs["status"] == soc.RUNNING)
        place, given = self.device.put(self.runs), []
        for name in NAMES:
            if name == "runs" or name in (self.layout.names or ()):
                given.append((place if name == "runs" else self.states, self.count))
            else:
                given.append((self.places.get(name, self.codes), self.rows[name]))
        words = queues(waiting, START, STEPS, self.device.blocks, min(width, self.device.warp))
        held = self.device.put(words)
        self.device.gather(function, self.codes, [*given, (held, words.size)])
        self.device.wait(self.codes, self.count)
        self.device.get(place, self.runs)
        self.device.free(place, held)


class Systems:
    """Systems on a device. ``build`` makes a machine by its number, as often as it is asked."""

    def __init__(self, device: Any, width: int = WIDTH, registers: int = 0):
        self.device, self.width, self.registers = device, width, registers
        self._kernels: dict[tuple[Shape, int, Values], Any] = {}
        self._values: dict[Shape, Values] = {}

    def kernel(self, wave: Wave) -> Any:
        """Return the kernel that runs a wave, compiled at the first call."""
        registers = self.registers or FEW * (wave.count > MANY * self.device.blocks)
        key = wave.shape, registers, self._values[wave.shape]
        if key not in self._kernels:
            with one_program():
                self._kernels[key] = self.device.load([entry_of(*key[::2])], registers)["simulate"]
        return self._kernels[key]

    def waves(self, points: Sequence[Point]) -> Iterator[list[int]]:
        """Yield numbers of points of one shape that fit together. Raises ConfigError."""
        room = self.device.room()
        of_shape: dict[Shape, list[int]] = {}
        for number, point in enumerate(points):
            of_shape.setdefault(point.shape, []).append(number)
        for shape, numbers in of_shape.items():
            self._values[shape] = _alike(points[k].values for k in numbers)
            wave: list[int] = []
            used = 0
            for number in numbers:
                size = points[number].bytes
                if size > room:
                    what = f"a point takes {size} B of memory, {self.device.name} has {room} B"
                    raise ConfigError(f"{what}; write a smaller system", key="--device")
                if used + size > room:
                    yield wave
                    wave, used = [], 0
                used += size
                wave.append(number)
            yield wave

    def run(
        self, points: Sequence[Point], build: Callable[[int], Machine]
    ) -> Iterator[tuple[int, Machine, Exception | None]]:
        """Yield each point's number, its machine as it has ended, and what is wrong with that."""
        for numbers in self.waves(points):
            wave = Wave(self.device, [points[k] for k in numbers])
            asked: dict[int, Machine] = {}  # those that somebody keeps books of
            still = np.zeros(wave.count, bool)
            while (wave.runs["status"] == soc.RUNNING).any():
                before = wave.runs["now_fs"].copy()
                wave.launch(self.kernel(wave), self.width, EVENTS)
                still = (wave.runs["status"] == soc.RUNNING) & (wave.runs["now_fs"] == before)
                wave.runs["status"][still] = soc.STUCK
                for place in np.flatnonzero(wave.runs["status"] == soc.ASKS).tolist():
                    machine = asked.setdefault(place, build(numbers[place]))
                    restore(machine, wave.get(place))
                    answer(machine)
                    wave.put(place, point_of(machine))
            for place, number in enumerate(numbers):
                machine = asked[place] if place in asked else build(number)
                restore(machine, wave.get(place))
                yield number, machine, _wrong(machine, int(wave.runs[place]["status"]), bool(still[place]))
            self.device.free()


def _alike(values: Iterable[Values]) -> Values:
    """Return the values of parameters that all points have."""
    return tuple(sorted(set.intersection(*map(set, values))))


def _wrong(machine: Machine, status: int, still: bool) -> Exception | None:
    """Return what is wrong with how a machine has ended."""
    if still:
        return StuckError(who_waits(machine, f"time stands still: {EVENTS} events"))
    try:
        ended(machine, status)
    except (ConfigError, StuckError) as error:
        return error
    return None
