"""Collects operations, tasks and steps while addresses are still names; resolves them at the end."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from hw_models.cpu.task import TASK
from hw_models.nvdla.op import OP, Unit
from workloads.graph import Node
from workloads.lowering.layout import LINE, WEIGHT_ALIGNMENT, Cube, round_up
from workloads.program import On

REGISTERS = {  # written by the driver for one launch
    Unit.CONV: 74,  # measured on the RTL with the driver's own order (hw_models/nvdla/reference/README.md)
    Unit.SDP: 42,  # assumed: SDP and SDP_RDMA groups of the hardware manual
    Unit.PDP: 32,  # assumed likewise
    Unit.CDP: 24,  # assumed likewise
    Unit.RUBIK: 15,  # assumed likewise
    Unit.BDMA: 13,  # assumed likewise
}


CONSTANT = "constant "  # begins the name of what is no buffer


class Place(NamedTuple):
    """An address that is not known yet."""

    buffer: str
    offset: int = 0


class Touch(NamedTuple):
    """What a step reads or writes: surfaces and rows of a buffer."""

    buffer: str
    write: bool
    first_surface: int = 0
    last_surface: int = 1 << 60
    first_row: int = 0
    last_row: int = 1 << 60

    def meets(self, other: "Touch") -> bool:
        return (
            self.buffer == other.buffer
            and (self.write or other.write)
            and self.first_surface < other.last_surface
            and other.first_surface < self.last_surface
            and self.first_row < other.last_row
            and other.first_row < self.last_row
        )


@dataclass(frozen=True)
class Origin:
    """What a step computes, in the network's words: values are made from it."""

    kind: str  # conv, sdp, copy, pool, lrn, rubik; input, output, or a core's function
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]  # tensors
    output: str
    sdp: Any = None  # fuse.Sdp
    pool: Node | None = None  # on the fly
    first_kernel: int = 0
    first_channel: int = 0  # as stored
    cube: Cube | None = None  # where the result goes, if not where the output tensor lies


@dataclass
class StepRecord:
    on: On
    index: int
    submit: int
    touches: list[Touch]
    origin: Origin | None = None


@dataclass
class Recorder:
    dtype: np.dtype = OP  # of the accelerator's operations
    ops: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    steps: list[StepRecord] = field(default_factory=list)
    buffers: dict[str, int] = field(default_factory=dict)  # name -> bytes
    constants: dict[str, int] = field(default_factory=dict)  # weights and operands: name -> bytes
    core_macs: int = 0  # of layers on a core
    stored_weights: dict[int, int] = field(default_factory=dict)  # layer -> bytes, padding and all
    results: set[str] = field(default_factory=set)  # buffers of the network's outputs
    submit: int = 0

    def buffer(self, name: str, size: int) -> str:
        self.buffers[name] = max(self.buffers.get(name, 0), round_up(size, LINE))
        return name

    def constant(self, name: str, size: int) -> Place:
        """Return the place of a constant of ``size`` bytes, the same for the same name."""
        self.constants.setdefault(CONSTANT + name, round_up(size, WEIGHT_ALIGNMENT))
        return Place(CONSTANT + name)

    def op(self, unit: int, touches: list[Touch], origin: Origin | None = None, **fields: Any) -> None:
        fields["unit"] = int(unit)
        if "registers" not in fields:
            fields["registers"] = REGISTERS[Unit(unit)]
        self.steps.append(StepRecord(On.ACCELERATOR, len(self.ops), self.submit, touches, origin))
        self.ops.append(fields)

    def task(self, touches: list[Touch], **fields: Any) -> None:
        fields.setdefault("passes", 1)
        self.steps.append(StepRecord(On.CORE, len(self.tasks), self.submit, touches))
        self.tasks.append(fields)

    def computes(self, origin: Origin) -> None:
        """The step recorded last is where ``origin`` is done."""
        self.steps[-1].origin = origin

    @property
    def constant_bytes(self) -> int:
        return sum(self.constants.values())

    def in_order_of_use(self) -> dict[str, int]:
        """Return the bytes of every buffer and constant, by the step that names it first."""
        sizes = self.buffers | self.constants
        used: dict[str, int] = {}
        for step in self.steps:
            record = (self.tasks if step.on == On.CORE else self.ops)[step.index]
            places = [value.buffer for value in record.values() if isinstance(value, Place)]
            for name in places + [touch.buffer for touch in step.touches]:
                used.setdefault(name, sizes[name])
        return used

    def tables(self, addresses: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of operations and of tasks with every place resolved."""

        def rows(records: list[dict[str, Any]], dtype: np.dtype) -> np.ndarray:
            table = np.zeros(len(records), dtype)
            for row, record in zip(table, records):
                for key, value in record.items():
                    if isinstance(value, Place):
                        value = addresses[value.buffer] + value.offset
                    row[key] = value
            return table

        return rows(self.ops, self.dtype), rows(self.tasks, TASK)


def touch(cube: Cube, write: bool, first_row: int = 0, rows: int | None = None) -> Touch:
    """Return the touch of a cube's rows, in the surfaces of its buffer."""
    if cube.pixels:
        return Touch(cube.buffer, write)
    first = cube.offset // cube.surface_stride
    if cube.view:
        return Touch(cube.buffer, write, first, first + cube.surfaces)
    end = first_row + (cube.shape.height if rows is None else rows)
    return Touch(cube.buffer, write, first, first + cube.surfaces, first_row, end)


def place(cube: Cube, first_row: int = 0, surface: int = 0, column: int = 0) -> Place:
    offset = first_row * cube.line_stride + surface * cube.surface_stride + column * cube.atom
    return Place(cube.buffer, cube.offset + offset)
