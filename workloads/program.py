"""What lowering hands to the kernel: hardware operations, core tasks, and the order in which they may run."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np


class On(IntEnum):
    ACCELERATOR = 0
    CORE = 1
    FLASH = 2
    BACKEND = 3  # a processor with a memory of its own


STEP = np.dtype(
    [
        ("on", np.int64),
        ("index", np.int64),  # row of `ops`, `tasks`, `batches` or `spans_fs`, in the order of On
        ("first_dep", np.int64),  # deps[first_dep : first_dep + dep_count] must be done before it starts
        ("dep_count", np.int64),
        ("submit", np.int64),  # runtime submission (subgraph) it belongs to: 0, 1, ...
        ("unit", np.int64),  # of the accelerator: each has register groups of its own
        ("registers", np.int64),  # that the driver writes to launch it
    ]
)


TRANSFER = np.dtype(  # one request to the flash device
    [
        ("address", np.int64),  # on flash
        ("bytes", np.int64),
        ("dram_address", np.int64),  # where the data goes, or comes from
    ]
)


@dataclass(frozen=True)
class Batch:
    """Requests to flash that one step asks for at once; as many are under way as there are threads."""

    transfers: np.ndarray  # (n,) TRANSFER, n > 0
    threads: int
    write: bool = False  # from DRAM to flash
    layer: int = 0
    in_order: bool = False  # the transfers are one stream of reads


@dataclass(frozen=True)
class Layer:
    name: str  # as in the network's file: "conv_12"
    kind: str  # "conv", "add", "maxpool", "upsample", "yolo", ...
    # of what the source has; empty for what lowering added
    operator: str = ""  # the source's own word
    inputs: tuple[tuple[int, ...], ...] = ()
    output: tuple[int, ...] = ()
    macs: int = 0
    weights: int = 0  # values
    stored_weight_bytes: int = 0  # as they lie in memory: padding and alignment too
    runs_on: str = ""  # units and core
    why: str = ""  # on a core


@dataclass
class MemoryPlan:
    """Where tensors lie. Sizes in bytes."""

    weight_bytes: int
    activation_bytes: int  # what the planner reached
    activation_lower_bound_bytes: int  # most bytes alive at once
    planner: str
    tensors: dict[str, tuple[int, int]] = field(default_factory=dict)  # name -> (address, bytes)
    span_bytes: int = 0  # all that the program uses, from its base address on


@dataclass
class Program:
    name: str
    layers: list[Layer]
    ops: np.ndarray  # (n,) OP of the accelerator's kind: hw_models/<kind>/op.py
    tasks: np.ndarray  # (m,) hw_models.cpu.task.TASK
    steps: np.ndarray  # (n + m + batches,) STEP, in submission order
    deps: np.ndarray  # (k,) int64, indices of steps, always smaller than the step that names them
    memory: MemoryPlan
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what was folded or filled in, exactly
    core_macs: int = 0
    weights: int = 0  # values of all kernels and matrices, those that layers share once
    batches: list[Batch] = field(default_factory=list)
    origins: dict[int, Any] = field(default_factory=dict)  # step -> lowering.record.Origin, for values
    cubes: dict[str, Any] = field(default_factory=dict)  # tensor -> lowering.layout.Cube
    spans_fs: list[int] = field(default_factory=list)  # how long a backend is at each piece of its work
