"""Code for one design: a run that takes long has its units compiled anew for the parameters that it has.

A second process compiles them meanwhile, `python -m simulator.kernel.tuned`: unit by unit, those that take
most of the time first, and goes on for some seconds if the run ends before. Each is used from when it is
there, and kept for later runs of that design. Nothing but the time that a run takes depends on it.
"""

import gc
import json
import multiprocessing
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from hw_models.jit import LINKED, numba
from hw_models.kernel_cache import folder_of
from hw_models.known import agreed
from hw_models.nvdla.op import OP
from hw_models.nvdla.state import NVDLA
from simulator.kernel import masters, soc
from simulator.kernel.loop_types import loop_types
from simulator.kernel.measure import MASTER
from simulator.kernel.soc_state import Kind
from simulator.kernel.warm import masters_side, memory_side
from simulator.under_way import PROCESSES

SHORT_S = 0.1  # of a run for which it is not worth while to look what there is: that takes 10 ms
LONG_S = 2.0  # of a run that is worth compiling for
NICE = 10  # of the second process: whatever else runs goes first
HELPERS: list[subprocess.Popen] = []  # the latest second process
ORDER = (
    "step_bus",
    "step_cache",
    "step_dram",
    "step_events",
    "step_nvdla",
    "bus_respond",
    "bus_offer",
)


def parameters_of(
    systems: np.ndarray, measures: np.ndarray, nodes: Any, table: masters.Masters
) -> tuple[tuple[str, int], ...]:
    """Return (name, value) of the parameters in which all blocks of a kind agree, of what `soc.run` takes."""
    system = systems[0]
    units = system["kind"][: system["master_unit"]]
    rows = {kind: system["row"][: len(units)][units == kind] for kind in Kind}
    buses, caches = nodes.buses[0]["bus"][rows[Kind.BUS]], nodes.caches[rows[Kind.CACHE]]
    channels = nodes.channels[rows[Kind.DRAM]]
    arbiters = [bus["arbiters"][: bus["ports"] * bus["channels"]] for bus in buses]
    kinds = system["kind"][system["master_unit"] : system["job_unit"]]
    return agreed(
        {
            "SYSTEM": systems,
            "FRAMES": system["frames"].reshape(1),
            "MASTER": measures,
            "INTERCONNECT": buses,
            "REGULATION": buses["regulation"],
            "ARBITER": np.concatenate(arbiters) if arbiters else buses["arbiters"],
            "CACHE": caches,
            "POLICY": caches["policy"],
            "CHANNEL": channels,
            "TIMING": channels["t"],
            "NVDLA": table.nvdlas[: int((kinds == masters.NVDLA).sum())],
        }
    )


def units_for(kinds: set[Kind], nvdla: bool) -> list[tuple[Any, tuple]]:
    """Return the units that are worth it, and the types of their arguments, the slowest first."""
    table: Any = SimpleNamespace(nvdlas=np.zeros(1, NVDLA), nvdla_ops=np.zeros(1, OP))
    own = masters_side({masters.Kind.NVDLA} if nvdla else set(), np.zeros(1, MASTER), table)
    units = [each for each in memory_side(kinds) + own if each[0].__name__ in ORDER]
    units.append((soc.step_events, loop_types()))
    return sorted(units, key=lambda each: ORDER.index(each[0].__name__))


class Tuned:
    """The code of the units while one machine runs; what others run is as it was before and after."""

    def __init__(self, *machine: Any):
        """``machine``: system, measures, nodes and masters, as `soc.run` takes them."""
        self._machine = machine
        self._units: list[tuple[Any, tuple]] = []
        self._used: list[tuple[Any, tuple]] = []
        self._begun = self._asked = False

    def __enter__(self) -> "Tuned":
        return self

    def begin(self) -> None:
        """Find out which units are worth it, and use the code that is there."""
        self._begun = True
        if numba.config.DISABLE_JIT or not LINKED:
            return
        self._known = parameters_of(*self._machine)
        system = self._machine[0][0]
        units = system["kind"][: system["job_unit"]]
        first = int(system["master_unit"])
        self.kinds = {Kind(kind) for kind in units[:first]}
        self._nvdla = masters.NVDLA in units[first:]
        self._units = units_for(self.kinds, self._nvdla)
        self._take()

    def __exit__(self, *raised: Any) -> None:
        for unit, types in self._used:
            unit.unit.ready(types)

    @property
    def left(self) -> int:
        """Return how many units there is no code for yet."""
        return len(self._units)

    def look(self, spent_s: float) -> None:
        """Take what has been compiled before or meanwhile, or have it compiled, ``spent_s`` into the run."""
        if not self._begun and spent_s >= SHORT_S:
            self.begin()
        if not self._units or spent_s < LONG_S:
            return
        if self._asked:
            self._take()
        elif may_compile():
            self._asked = True
            start(self.kinds, self._nvdla, self._known)

    def _take(self) -> None:
        """Use the code that is there."""
        found = [each for each in self._units if each[0].unit.ready(each[1], self._known, only_kept=True)]
        self._used += found
        self._units = [each for each in self._units if each not in found]


def may_compile() -> bool:
    """Tell whether a second process is wanted, and would find a core and a place for what it makes."""
    if os.environ.get("DLASIM_TUNE") == "0" or (os.cpu_count() or 1) < 2:
        return False
    if multiprocessing.parent_process() is not None:  # of a pool: its others have the cores
        return False
    if any(helper.poll() is None for helper in HELPERS):
        return False
    try:
        return os.access(folder_of(Path(soc.__file__)), os.W_OK)
    except RuntimeError:  # no home
        return False


def start(kinds: set[Kind], nvdla: bool, known: tuple[tuple[str, int], ...]) -> None:
    """Let a second process compile units for values of parameters, if there can be one."""
    asked = json.dumps([[kind.name for kind in kinds], nvdla, known])
    command, nowhere = [sys.executable, "-m", "simulator.kernel.tuned", asked], subprocess.DEVNULL
    PROCESSES.difference_update(HELPERS)
    with suppress(OSError):
        HELPERS[:] = [subprocess.Popen(command, stdout=nowhere, stderr=nowhere)]
        PROCESSES.update(HELPERS)


def compile_all(kinds: set[Kind], nvdla: bool, known: tuple[tuple[str, int], ...]) -> None:
    """Compile the units for values of parameters."""
    for unit, types in units_for(kinds, nvdla):
        unit.unit.ready(types, known)


if __name__ == "__main__":
    gc.disable()  # it ends soon
    with suppress(OSError):
        os.nice(NICE)
    names, with_nvdla, values = json.loads(sys.argv[1])
    compile_all({Kind[name] for name in names}, with_nvdla, tuple((name, value) for name, value in values))
