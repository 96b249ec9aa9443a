"""Compile the kernels on two cores: while the caller compiles, a second process does memory side and cores.

Both write to the cache on disk, where each looks before it compiles; `python -m simulator.kernel.warm` is the
second process.
"""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from hw_models.cache.replacement import SET
from hw_models.cache.state import CACHE
from hw_models.cpu.state import CORE
from hw_models.cpu.task import TASK
from hw_models.dram.state import CHANNEL
from hw_models.ideal.state import MEMORY
from hw_models.interconnect.state import INTERCONNECT
from hw_models.jit import numba, ready
from hw_models.kernel_cache import folder_of
from hw_models.kernel_levels import places
from hw_models.port import FIFO, REQUEST, WIRING
from simulator.kernel import masters, nodes, soc
from simulator.kernel.buses import bus_offer, bus_respond, step_bus
from simulator.kernel.loop_types import loop_types, record, table
from simulator.kernel.measure import MASTER
from simulator.kernel.soc_state import BUSES, NODE, SYSTEM, Kind
from simulator.under_way import PROCESSES

PATIENCE_S = 60  # for the second process to end once it is told to


def is_cold() -> bool:
    """Tell whether the event loop has to be compiled from these sources, and can be kept."""
    if numba.config.DISABLE_JIT:
        return False
    try:
        folder = folder_of(Path(soc.__file__))
    except RuntimeError:  # no home
        return False
    there = any(any(place.glob("unit.soc.step_events-*.nbc")) for place in places(folder))
    return os.access(folder, os.W_OK) and not there


@contextmanager
def second_compiler(kinds: set[Kind], own: set[masters.Kind]) -> Iterator[set[masters.Kind]]:
    """Let a second process compile nodes of ``kinds`` meanwhile, if the cache is cold, and wait for it.

    It compiles cores too where there are others. Yields what is left of the masters' kinds, ``own``.
    """
    helper, left = None, own
    if is_cold():
        theirs = {masters.Kind.CORE} & own if len(own) > 1 else set()
        names = [kind.name for kind in (*sorted(kinds), *theirs)]
        command = [sys.executable, "-m", "simulator.kernel.warm", *names]
        with suppress(OSError):
            helper = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            PROCESSES.add(helper)
            left = own - theirs
    try:
        yield left
        if helper is not None:
            helper.wait()
    finally:
        if helper is not None:
            helper.terminate()
            helper.wait(PATIENCE_S)
            PROCESSES.discard(helper)


def kinds_of(system: np.ndarray) -> tuple[set[Kind], set[masters.Kind]]:
    """Return the kinds of nodes and of masters that a system, shape (1,) SYSTEM, has."""
    first, end = int(system[0]["master_unit"]), int(system[0]["job_unit"])
    kinds = system[0]["kind"]
    return {Kind(kind) for kind in kinds[:first]}, {masters.Kind(kind) for kind in kinds[first:end]}


def memory_side(kinds: set[Kind]) -> list[tuple[Any, tuple]]:
    """Return the units of the memory side, and the types of their arguments, of systems with such nodes."""
    index = numba.int64
    system, wires, buses, bus = record(SYSTEM), record(WIRING), record(BUSES), record(INTERCONNECT)
    ahead, place = (system, wires, buses), (index, index)
    units: dict[Kind, list] = {
        Kind.BUS: [
            (step_bus, (system, wires, bus, *place)),
            (bus_offer, (system, record(FIFO), bus, index)),
            (bus_respond, (bus, record(REQUEST), *place, wires, record(NODE))),
        ],
        Kind.CACHE: [(nodes.step_cache, (*ahead, record(CACHE), table(SET), *place))],
        Kind.DRAM: [(nodes.step_dram, (*ahead, record(CHANNEL), *place))],
        Kind.IDEAL: [(nodes.step_ideal, (*ahead, record(MEMORY), *place))],
    }
    return [unit for kind, found in units.items() if kind in kinds for unit in found]


def compile_memory_side(kinds: set[Kind]) -> None:
    """Have the units of the memory side in place that systems with such nodes need."""
    for unit, types in memory_side(kinds):
        ready(unit, types)
    ahead = record(SYSTEM), record(WIRING), record(BUSES)
    if Kind.DRAM in kinds:
        ready(nodes.settle_dram, (*ahead, record(CHANNEL), numba.int64))
    if Kind.CACHE in kinds:
        ready(nodes.settle_cache, (*ahead, record(CACHE), table(SET), numba.int64, numba.int64))


def compile_loop() -> None:
    """Have the event loop in place."""
    ready(soc.step_events, loop_types())


def masters_side(kinds: set[masters.Kind], measures: np.ndarray, fleets: Any) -> list[tuple[Any, tuple]]:
    """Return the units of masters of ``kinds``, for these rows of theirs (`Masters`), as `memory_side`."""
    index = numba.int64
    ahead = (record(SYSTEM), record(WIRING), record(BUSES), record(measures.dtype))
    rows = {
        masters.Kind.NVDLA: (masters.step_nvdla, "nvdlas", "nvdla_ops"),
        masters.Kind.SYSTOLIC: (masters.step_systolic, "arrays", "array_ops"),
        masters.Kind.REPLAY: (masters.step_replay, "replays", "replay_ops"),
        masters.Kind.EXTERNAL: (masters.step_external, "externals"),
        masters.Kind.CORE: (masters.step_core, "cores", "tasks"),
    }
    units = []
    for kind in sorted(kinds):
        step, states, *tables = rows[kind]
        work = tuple(table(getattr(fleets, each).dtype) for each in tables)
        units.append((step, (*ahead, record(getattr(fleets, states).dtype), *work, index, index)))
    return units


def compile_masters(kinds: set[masters.Kind], measures: np.ndarray, fleets: Any) -> None:
    """Have the units of masters in place (`masters_side`)."""
    for unit, types in masters_side(kinds, measures, fleets):
        ready(unit, types)


def compile_cores() -> None:
    """Have the unit of cores in place."""
    fleets = SimpleNamespace(cores=np.zeros(1, CORE), tasks=np.zeros(1, TASK))
    compile_masters({masters.Kind.CORE}, np.zeros(1, MASTER), fleets)


if __name__ == "__main__":
    gc.disable()  # it ends soon
    asked = set(sys.argv[1:])
    compile_memory_side({kind for kind in Kind if kind.name in asked})
    if masters.Kind.CORE.name in asked:
        compile_cores()
