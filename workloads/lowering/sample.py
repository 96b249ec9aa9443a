"""A language model's program made short: some of its equal layers, and of long streams of weights a part.

What is left of a stream is a launch with fewer kernels and else the same. Launches of two lengths alternate:
a line through them says what a launch begins with and what a kernel adds (`workloads.lowering.estimate`).
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from math import gcd, lcm
from typing import NamedTuple

import numpy as np

from hw_models.nvdla.op import Operand, Unit
from workloads.lowering.estimate import Group
from workloads.lowering.layout import WEIGHT_ALIGNMENT, ceil_div
from workloads.lowering.target import Target
from workloads.program import On, Program

LENGTHS = (1, 3)  # of the streams of shortened launches, in turn, as multiples of what was asked for
FEWEST = 2  # that are kept of a row of equal launches, besides the first
WHERE = {  # what launches and tasks may have different and are equal all the same
    "src", "weights", "wmb", "wgs", "dst", "x1_address", "x2_address", "y_address", "read_address",
    "write_address", "layer", "macs",
}  # fmt: skip
GOLDEN = 0.6180339887498949  # its multiples, without their whole parts, lie evenly however many there are
_REPEATED = re.compile(r"(.*?\D)(\d+)\.")  # "layers.12." of a layer's name

Key = tuple[
    int, int, bool
]  # kind of stretch, where in it a row of equal steps begins, whether behind the first


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
    kept = {kind: _spread(count, layers) for kind, count in kinds.items()}
    short = _Short(program, target, layers, stream_bytes)
    seen: Counter[int] = Counter()
    for stretch in stretches:
        number, seen[stretch.kind] = seen[stretch.kind], seen[stretch.kind] + 1
        rows, chosen = _rows(signatures[stretch.first : stretch.end]), kept[stretch.kind]
        typical = number > 0 or len(chosen) == kinds[stretch.kind]
        short.add(stretch, rows, number in chosen, len(chosen), typical)
    repeated = Counter(stretch.kind for stretch in stretches if stretch.repeated)
    return short.sampled((sum(len(kept[kind]) for kind in repeated), repeated.total()))


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


def _rows(signatures: list[bytes]) -> list[tuple[int, int]]:
    """Return [first, end) of each row of equal steps."""
    starts = [i for i in range(len(signatures)) if i == 0 or signatures[i] != signatures[i - 1]]
    return list(zip(starts, [*starts[1:], len(signatures)]))


class _Short:
    """The short program while it is written."""

    def __init__(self, program: Program, target: Target, layers: int, stream_bytes: int):
        self.program, self.target, self.layers, self.stream_bytes = program, target, layers, stream_bytes
        self.written: list[tuple[int, np.void]] = []  # step of the whole program, its operation or task
        self.groups: list[Group] = []
        self.numbers: dict[Key, int] = {}
        self.group_of = np.zeros(len(program.steps), np.int64)
        self.itself = np.full(len(program.steps), -1)

    def add(
        self, stretch: Stretch, rows: list[tuple[int, int]], kept: bool, stretches: int, typical: bool
    ) -> None:
        """Note a stretch; if it is kept, one of ``stretches``, write it without what its rows can spare.

        ``typical``: it speaks for others. The first finds caches in a state that no other does.
        """
        for first, end in rows:
            op = self._launch(stretch.first + first)
            behind = end - first - 1  # the first of the row
            needed = behind
            if op is not None:
                needed = min(behind, max(FEWEST, ceil_div(self.stream_bytes, int(op["weight_bytes"]))))
            for at in range(first, end):
                key = stretch.kind, first, at > first
                if key not in self.numbers:
                    self.numbers[key] = len(self.groups)
                    self.groups.append(Group(int(op["kernels"]) if op is not None else 0))
                k = stretch.first + at
                self.group_of[k] = self.numbers[key]
                if kept and (at == first or at >= end - needed):
                    self._write(k, op is not None, stretches * (needed if at > first else 1), typical)

    def _launch(self, k: int) -> np.void | None:
        """Return the operation of a step if it is a launch that reads weights."""
        step = self.program.steps[k]
        op = self.program.ops[step["index"]] if step["on"] == On.ACCELERATOR else None
        return op if op is not None and op["unit"] == Unit.CONV and op["weight_bytes"] else None

    def _write(self, k: int, launch: bool, like: int, typical: bool) -> None:
        """Write a step; a shortened launch several times if ``like``, of its kind, are too few."""
        step, group = self.program.steps[k], self.groups[self.group_of[k]]
        if not launch:
            table = self.program.tasks if step["on"] == On.CORE else self.program.ops
            self._note(k, table[step["index"]], group.size, typical)
            return
        op, number = self.program.ops[step["index"]], len(group.steps)
        lengths = [self._kernels(op, self.stream_bytes * length) for length in LENGTHS]
        chosen = [lengths[number % len(lengths)]]
        if lengths[0] < group.size and like < self.layers:
            chosen = [lengths[0], *(lengths[i % len(lengths)] for i in range(self.layers))]
        for i, kernels in enumerate(chosen):
            part = self._part(op, kernels, (number + i) * GOLDEN % 1)
            self._note(k, part, kernels, typical or kernels < group.size, again=i > 0)

    def _note(self, k: int, row: np.void, size: int, typical: bool, again: bool = False) -> None:
        """Write an operation or task of so many kernels; note it in its group if it speaks for others."""
        group = self.groups[self.group_of[k]]
        if size == group.size and not again:
            self.itself[k] = len(self.written)
        if typical:
            group.add(len(self.written), size, again)
        self.written.append((k, row))

    def _kernels(self, op: np.void, stream_bytes: int) -> int:
        """Return the fewest kernels whose weights are ``stream_bytes``; all if the launch is no plain one."""
        kernels, stored = int(op["kernels"]), int(op["weight_bytes"])
        special = op["image"] or op["winograd"] or op["batch"] > 1 or op["wmb_bytes"] or op["pool"]
        if special or stored % kernels:
            return kernels
        unit = self._unit(op)
        spare = kernels - ceil_div(stream_bytes, stored // kernels)
        return kernels - max(spare, 0) // unit * unit

    def _unit(self, op: np.void) -> int:
        """Return the kernels that are left out together: whole groups, surfaces, units of stored weights."""
        stored = int(op["weight_bytes"]) // int(op["kernels"])
        return lcm(
            self.target.atomic_k, self.target.atom_bytes, WEIGHT_ALIGNMENT // gcd(WEIGHT_ALIGNMENT, stored)
        )

    def _part(self, op: np.void, kernels: int, place: float) -> np.void:
        """Return a launch of so many of the kernels, ``place`` (0 to 1) of where they may begin."""
        part, all_kernels, unit = op.copy(), int(op["kernels"]), self._unit(op)
        first = int((all_kernels - kernels) // unit * place + 0.5) * unit
        stored, surfaces = int(op["weight_bytes"]) // all_kernels, first // self.target.atom_bytes
        part["kernels"] = part["out_channels"] = kernels
        part["weight_bytes"] = kernels * stored if kernels < all_kernels else op["weight_bytes"]
        part["weights"] += first * stored
        part["dst"] += surfaces * op["dst_surface_stride"]
        part["macs"] = op["macs"] * kernels // all_kernels
        for name in ("x1", "x2", "y"):
            if op[name] == Operand.PER_KERNEL:
                part[f"{name}_address"] += first * op[f"{name}_bytes"]
            elif op[name] == Operand.PER_ELEMENT:
                part[f"{name}_address"] += surfaces * op[f"{name}_surface_stride"]
        return part

    def sampled(self, layers: tuple[int, int]) -> Sampled | None:
        """Return what was written; None if that is the whole program."""
        if (self.itself >= 0).all():
            return None
        program, whole = self.program, [k for k, _ in self.written]
        steps = program.steps[whole]
        tables = {On.ACCELERATOR: program.ops[:0], On.CORE: program.tasks[:0]}
        for on, table in tables.items():
            chosen = np.flatnonzero(steps["on"] == on)
            steps["index"][chosen] = np.arange(len(chosen))
            if len(chosen):
                tables[on] = np.array([self.written[i][1] for i in chosen], table.dtype)
        steps["first_dep"] = np.maximum(np.arange(len(steps)) - 1, 0)
        steps["dep_count"] = np.arange(len(steps)) > 0
        short = replace(
            program,
            ops=tables[On.ACCELERATOR],
            tasks=tables[On.CORE],
            steps=steps,
            deps=np.arange(len(steps) - 1),
        )
        return Sampled(short, self.groups, self.group_of, self.itself, layers)
