"""A language model's program made short: some of its equal layers, and of long streams of weights a part.

What is left of a stream is a launch with fewer kernels and else the same. Launches of two lengths alternate:
a line through them says what a launch begins with and what a kernel adds (`workloads.lowering.estimate`).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from hw_models.nvdla.op import Unit
from workloads.lowering.estimate import Group
from workloads.lowering.layout import ceil_div
from workloads.lowering.shorten import Shortening
from workloads.lowering.target import Target
from workloads.program import On, Program

LENGTHS = (1, 3)  # of the streams of shortened launches, in turn, as multiples of what was asked for
AHEAD = 2  # steps behind a launch that tell in its time: the driver programs the operation after next
FEWEST = 2  # that are kept of a row of equal launches, besides the first
WHERE = {  # what launches and tasks may have different and are equal all the same
    "src", "weights", "wmb", "wgs", "dst", "x1_address", "x2_address", "y_address", "read_address",
    "write_address", "layer", "macs",
}  # fmt: skip
GOLDEN = 0.6180339887498949  # its multiples, without their whole parts, lie evenly however many there are
_REPEATED = re.compile(r"(.*?\D)(\d+)\.")  # "layers.12." of a layer's name

Key = tuple[tuple[str, bytes], bytes, bytes]  # part of a layer and what it does; what its neighbours do


@dataclass
class Sampled:
    """A short program, and what each step of the whole one is estimated from."""

    program: Program
    groups: list[Group]
    group_of: np.ndarray  # (steps,) of the whole program
    itself: np.ndarray  # (steps,) the step of the short program that is this very step, -1: none
    layers: tuple[int, int]  # repeated layers that are simulated, and all

    def estimated(self) -> dict[int, int]:
        """Return group -> how many steps of the whole program are estimated from it."""
        return dict(Counter(self.group_of[self.itself < 0].tolist()))

    def weights(self) -> np.ndarray:
        """Return how often each step of the short program counts, shape (its steps,); may be negative."""
        total = np.zeros(len(self.program.steps))
        total[self.itself[self.itself >= 0]] = 1
        for number, count in self.estimated().items():
            group = self.groups[number]
            total[group.steps] += count * group.shares()
        return total


class Stretch(NamedTuple):
    """Steps that follow each other and belong to one of several equal layers, or to none."""

    first: int
    end: int
    repeated: bool
    kind: int  # of equal ones the same


def sample_program(program: Program, target: Target, layers: int, stream_bytes: int) -> Sampled | None:
    """Return the short program with ``layers`` of each kind of equal layers; None if nothing can be left out.

    ``stream_bytes``: of the weights of a shortened launch, at least.
    """
    signatures = _signatures(program)
    stretches = _stretches(program, signatures)
    kinds = Counter(stretch.kind for stretch in stretches)
    chosen = {kind: _spread(count, layers) for kind, count in kinds.items()}
    seen: Counter[int] = Counter()
    kept: dict[int, bool] = {}  # step -> whether it speaks for others
    for stretch in stretches:
        number, seen[stretch.kind] = seen[stretch.kind], seen[stretch.kind] + 1
        if number in chosen[stretch.kind]:
            typical = number > 0 or len(chosen[stretch.kind]) == kinds[stretch.kind]
            steps = range(stretch.first, stretch.end)
            kept |= dict.fromkeys(_needed(program, signatures, steps, stream_bytes), typical)
    shortening = Shortening(target, stream_bytes)
    for k in kept:
        op = _launch(program, k)
        kept[k] |= op is not None and shortening.kernels(op) < op["kernels"]
    repeated = Counter(stretch.kind for stretch in stretches if stretch.repeated)
    simulated = sum(len(chosen[kind]) for kind in repeated)
    short = _Short(program, shortening, layers, _groups_of(program, signatures, kept))
    return short.sampled(kept, (simulated, repeated.total()))


def _signatures(program: Program) -> list[bytes]:
    """Return what a step does, wherever its data lie, of each."""
    tables = []
    for table in (program.ops, program.tasks):
        bare = table.copy()
        for name in WHERE & set(bare.dtype.names or ()):
            bare[name] = 0
        tables.append(bare)
    return [bytes([step["on"]]) + tables[step["on"]][step["index"]].tobytes() for step in program.steps]


def _layer(program: Program, k: int) -> str:
    step = program.steps[k]
    table = program.tasks if step["on"] == On.CORE else program.ops
    return program.layers[int(table[step["index"]]["layer"])].name


def _stretches(program: Program, signatures: list[bytes]) -> list[Stretch]:
    found: list[Stretch] = []
    kinds: dict[tuple[bool, tuple[bytes, ...]], int] = {}
    owners = [
        match[0] if (match := _REPEATED.match(_layer(program, k))) else "" for k in range(len(signatures))
    ]
    first = 0
    for k in range(1, len(owners) + 1):
        if k == len(owners) or owners[k] != owners[first]:
            kind = kinds.setdefault((bool(owners[first]), tuple(signatures[first:k])), len(kinds))
            found.append(Stretch(first, k, bool(owners[first]), kind))
            first = k
    return found


def _spread(count: int, wanted: int) -> set[int]:
    """Return ``wanted`` of ``count`` numbers, the first and others evenly behind it; all if they are no more.

    Not the last: tensors behind it may lie where none was before, which no other layer meets.
    """
    return {i * count // wanted for i in range(wanted)} if wanted < count else set(range(count))


def _needed(program: Program, signatures: list[bytes], steps: range, stream_bytes: int) -> Iterator[int]:
    """Yield those of ``steps`` that are kept: of a row of equal launches the first and some of the last."""
    starts = [k for k in steps if k == steps.start or signatures[k] != signatures[k - 1]]
    for first, end in zip(starts, [*starts[1:], steps.stop]):
        op, last = _launch(program, first), end - first
        if op is not None:
            last = max(FEWEST, ceil_div(stream_bytes, int(op["weight_bytes"])))
        yield from (k for k in range(first, end) if k == first or k >= end - last)


def _launch(program: Program, k: int) -> np.void | None:
    """Return the operation of a step if it is a launch that reads weights."""
    step = program.steps[k]
    op = program.ops[step["index"]] if step["on"] == On.ACCELERATOR else None
    return op if op is not None and op["unit"] == Unit.CONV and op["weight_bytes"] else None


def _groups_of(program: Program, signatures: list[bytes], kept: Mapping[int, bool]) -> np.ndarray:
    """Return the number of each step's group: the same part of a layer, between the same neighbours.

    A step whose group has nobody that speaks for it goes to another of the same part.
    """
    around = [b"", *signatures, b""]
    parts = [(_REPEATED.sub("", _layer(program, k)), each) for k, each in enumerate(signatures)]
    keys = [(part, around[k], around[k + 2]) for k, part in enumerate(parts)]
    speaking = {parts[k]: keys[k] for k, typical in kept.items() if typical}
    of_groups = {keys[k] for k, typical in kept.items() if typical}
    numbers: dict[Key, int] = {}
    return np.array(
        [
            numbers.setdefault(key if key in of_groups else speaking.get(part, key), len(numbers))
            for key, part in zip(keys, parts)
        ]
    )


class _Short:
    """The short program while it is written."""

    def __init__(self, program: Program, shortening: Shortening, layers: int, group_of: np.ndarray):
        self.program, self.shortening, self.layers = program, shortening, layers
        self.written: list[tuple[int, np.void]] = []  # step of the whole program, its operation or task
        self.group_of = group_of
        self.groups = [Group() for _ in range(group_of.max() + 1)]
        for k, number in enumerate(group_of):
            op = _launch(program, k)
            self.groups[number].size = int(op["kernels"]) if op is not None else 0
        self.itself = np.full(len(program.steps), -1)

    def sampled(self, kept: Mapping[int, bool], layers: tuple[int, int]) -> Sampled | None:
        """Write the steps of ``kept``, True: they speak for others. None if that is the whole program."""
        speaking = Counter(int(self.group_of[k]) for k, typical in kept.items() if typical)
        for k, typical in kept.items():
            self._write(k, typical, speaking[int(self.group_of[k])])
        if (self.itself >= 0).all():
            return None
        return Sampled(self._program(), self.groups, self.group_of, self.itself, layers)

    def _write(self, k: int, typical: bool, speaking: int) -> None:
        """Write a step; a shortened launch several times if those ``speaking`` for its group are too few."""
        group, op = self.groups[self.group_of[k]], _launch(self.program, k)
        if op is None:
            step = self.program.steps[k]
            table = self.program.tasks if step["on"] == On.CORE else self.program.ops
            self._note(k, table[step["index"]], group.size, typical)
            return
        number, lengths = len(group.steps), [self.shortening.kernels(op, times) for times in LENGTHS]
        chosen = [lengths[number % len(lengths)]]
        if lengths[0] < group.size and speaking < self.layers:
            chosen = [lengths[0], *(lengths[i % len(lengths)] for i in range(self.layers)), lengths[0]]
        for i, kernels in enumerate(chosen):
            part = self.shortening.part(op, kernels, (number + i) * GOLDEN % 1)
            self._note(k, part, kernels, typical, behind=i > 0, before=i < len(chosen) - AHEAD)

    def _note(
        self, k: int, row: np.void, size: int, typical: bool, behind: bool = False, before: bool = False
    ) -> None:
        """Write an operation or task of so many kernels; note it in its group if it speaks for others."""
        group = self.groups[self.group_of[k]]
        if size == group.size and not behind and not before:
            self.itself[k] = len(self.written)
        if typical:
            group.add(len(self.written), size, behind, before)
        self.written.append((k, row))

    def _program(self) -> Program:
        program, whole = self.program, np.array([k for k, _ in self.written])
        steps = program.steps[whole]
        tables = {On.ACCELERATOR: program.ops[:0], On.CORE: program.tasks[:0]}
        for on, table in tables.items():
            chosen = np.flatnonzero(steps["on"] == on)
            steps["index"][chosen] = np.arange(len(chosen))
            if len(chosen):
                tables[on] = np.array([self.written[i][1] for i in chosen], table.dtype)
        calls = np.diff(program.steps["submit"], prepend=0)[whole]  # of the runtime, as many a step as ever
        steps["submit"] = np.cumsum(np.where(np.diff(whole, prepend=-1) > 0, calls, 0))
        steps["first_dep"] = np.maximum(np.arange(len(steps)) - 1, 0)
        steps["dep_count"] = np.arange(len(steps)) > 0
        return replace(
            program,
            ops=tables[On.ACCELERATOR],
            tasks=tables[On.CORE],
            steps=steps,
            deps=np.arange(len(steps) - 1),
        )
