"""A register-level program as a workload: its launches become operations, its waits dependencies.

A command that waits for an interrupt holds back the launches behind it. What the driver does between them
(register writes, interrupts) is the config's `driver`, as for any network.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hw_models.cpu.task import TASK
from hw_models.errors import ConfigError
from hw_models.nvdla.decode import op_of
from hw_models.nvdla.kept import kept_fault
from hw_models.nvdla.launch import Enabler, Launch
from hw_models.nvdla.modes import check_modes
from hw_models.nvdla.op import Unit
from hw_models.nvdla.values.memory import Memory
from workloads.program import STEP, Layer, MemoryPlan, On, Program
from workloads.traces.cfg import read_cfg
from workloads.traces.check import check_launch
from workloads.traces.commands import PATTERNS, Command, Fill, Load, Notify, Poll, Store, Wait, Write
from workloads.traces.images import load_image
from workloads.traces.never import check_poll, check_syncs
from workloads.traces.txn import read_txn

READERS = {".cfg": read_cfg, ".txn": read_txn}
SPACE = 1 << 32  # addresses that a program may use
STATUS = ("S_INTR_STATUS", "S_STATUS", "STATUS")  # registers that are polled until a unit is done
ADDRESSES = ("src", "dst", "weights", "wmb", "wgs", "x1_address", "x2_address", "y_address")
KINDS = {
    Unit.CONV: "conv",
    Unit.SDP: "sdp",
    Unit.PDP: "pool",
    Unit.CDP: "lrn",
    Unit.RUBIK: "rubik",
    Unit.BDMA: "copy",
}


@dataclass
class Script:
    """A program's commands with the launches that they make."""

    path: Path
    commands: list[Command]
    launches: list[Launch] = field(default_factory=list)
    at: list[int] = field(default_factory=list)  # command that completes each launch
    writes: list[int] = field(default_factory=list)  # register writes that come with each launch
    after: list[set[int]] = field(default_factory=list)  # launches that each one waits for


def read_program(path: Path) -> list[Command]:
    """Return the commands of a `.cfg` or `.txn` file. Raises ConfigError."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(f"{path.name} is neither a .cfg nor a .txn register program", file=path)
    return reader(path)


def script_of(path: Path) -> Script:
    """Return a program's launches in order. Raises ConfigError."""
    script = Script(path, read_program(path))
    enabler = Enabler()
    came: dict[str, set[int]] = {}  # sync -> launches that are done when it comes
    held: set[int] = set()  # launches that all later ones wait for
    taken: set[tuple[int, str]] = set()  # interrupts that were waited for
    writes = 0
    for number, command in enumerate(script.commands):
        if isinstance(command, Write):
            writes += 1
            for launch in enabler.write(command.unit, command.register, command.value, command.line):
                script.launches.append(launch)
                script.at.append(number)
                script.writes.append(writes)
                script.after.append(set(held))
                writes = 0
        elif isinstance(command, Notify):
            done = _notified(script, command.source, taken)
            came.setdefault(command.sync, set()).update(done)
            if not command.sync:  # .txn: the program itself waits
                held |= done
        elif isinstance(command, Wait):
            held |= came.get(command.sync, set())
        elif isinstance(command, Poll):
            check_poll(command, enabler.file, path)
            if command.register in STATUS:
                held |= set(range(len(script.launches)))
    if waiting := enabler.unfinished():
        raise ConfigError(
            f"{', '.join(waiting)} enabled, and the units it works with are not; enable those as well",
            file=path,
        )
    if not script.launches:
        raise ConfigError("enables no operation; write D_OP_ENABLE of every unit it needs", file=path)
    check_syncs(script.commands, script.launches, path)
    return script


def _notified(script: Script, source: str, taken: set[tuple[int, str]]) -> set[int]:
    """Return the launches whose interrupt is waited for: the oldest of the unit, all where none is named."""
    if not source:
        return set(range(len(script.launches)))
    name, _, group = source.rpartition("_")
    unit = "RBK" if name == "RUBIK" else name
    for number, launch in enumerate(script.launches):
        if (number, unit) not in taken and str(launch.groups.get(unit)) == group:
            taken.add((number, unit))
            return {number}
    return set()


def read_register_program(path: Path, preset: Any, base_address: int = 0) -> Program:
    """Return a program as operations; ``preset``: the accelerator's numbers. Raises ConfigError."""
    script = script_of(path)
    ops = np.concatenate([op_of(launch, preset["atom_bytes"]) for launch in script.launches])
    ops["registers"] = script.writes
    ops["layer"] = np.arange(len(ops))
    for launch, op in zip(script.launches, ops):
        check_launch(launch, op, preset, path)
    try:
        check_modes(ops, preset)
    except ConfigError as error:
        raise ConfigError(error.message, file=path) from None
    index, fault = kept_fault(ops, preset)
    if fault:
        raise ConfigError(fault, file=path, line=script.launches[index].line)
    _check_addresses(script, ops)
    for name in ADDRESSES:
        ops[name] += base_address
    after = [sorted(deps) for deps in script.after]
    steps = np.zeros(len(ops), STEP)
    steps["on"], steps["index"] = int(On.ACCELERATOR), np.arange(len(ops))
    steps["dep_count"] = [len(deps) for deps in after]
    steps["first_dep"] = np.cumsum(steps["dep_count"]) - steps["dep_count"]
    deps = np.array([dep for part in after for dep in part], np.int64)
    layers = [Layer(f"{path.stem}.{i}", KINDS[launch.unit]) for i, launch in enumerate(script.launches)]
    conv = ops["unit"] == Unit.CONV
    weights = int(ops["weight_bytes"][conv].sum())
    plan = MemoryPlan(weights, 0, 0, "program", span_bytes=_extent(script, ops))
    return Program(path.stem, layers, ops, np.zeros(0, TASK), steps, deps, plan)


def _check_addresses(script: Script, ops: np.ndarray) -> None:
    for name in ADDRESSES:
        beyond = np.flatnonzero(ops[name] >= SPACE)
        if beyond.size:
            value, line = int(ops[name][beyond[0]]), script.launches[beyond[0]].line
            message = f"operation at {value:#x}; a program may use addresses below {SPACE:#x}"
            raise ConfigError(message, file=script.path, line=line)


def _extent(script: Script, ops: np.ndarray) -> int:
    """Return the bytes from address 0 to the last that the program names."""
    ends = [int((ops["src"] + ops["src_surface_stride"]).max()), int((ops["dst"]).max())]
    ends += [c.address + c.size for c in script.commands if isinstance(c, Fill | Load)]
    return min(max(ends), SPACE)


def apply(command: Command, memory: Memory, missing_is_error: bool = True) -> None:
    """Do what a command does to memory."""
    if isinstance(command, Fill):
        fill(command, memory)
    elif isinstance(command, Load) and (missing_is_error or command.file.is_file()):
        load_image(memory, command.file, command.address, command.size)
    elif isinstance(command, Store):
        data = memory.read(command.address, len(command.data))
        for i, byte in enumerate(command.data):
            data[i] = byte if command.mask >> i & 1 else data[i]
        memory.write(command.address, data)


def fill(command: Fill, memory: Memory) -> None:
    """Set a range to a pattern; what nobody wrote is zero already."""
    value = PATTERNS[command.pattern]
    if command.pattern == "ADDR":
        memory.write(
            command.address, np.arange(command.address, command.address + command.size).astype(np.uint8)
        )
    elif value is not None and (value or memory.holds(command.address, command.size)):
        memory.write(command.address, np.full(command.size, value, np.uint8))
