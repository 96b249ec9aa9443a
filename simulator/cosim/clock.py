"""A clock of the design under test: who serves its edges, and where the signals of its buses are."""

import ctypes
import os
from typing import Any, Protocol

import cocotb
import numpy as np
from cocotb.triggers import First, RisingEdge, Timer
from cocotb.utils import get_sim_time

from hw_models.axi.params import External
from hw_models.axi.state import Drive, Pin
from simulator.cosim.edge import CLOCK
from simulator.cosim.errors import CosimError
from simulator.cosim.memory import Memory
from simulator.cosim.native import AT_EDGE, EVENTS, IN_SOC, compiled_edge, compiled_run
from simulator.kernel.soc import RUNNING
from simulator.soc.machine import Machine
from simulator.soc.run import run_slice

SKIP = "DLASIM_COSIM_SKIP"
C_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
POLL_CYCLES = 1000  # between two looks whether compiled code has met a fault


class Bus(Protocol):
    """What the system must know of an agent: `simulator.cosim.agent.MemoryAgent`."""

    name: str
    params: External
    row: np.void  # AGENT
    clock: Any
    reset: Any
    signals: dict[str, Any]

    def hear(self) -> None: ...
    def show(self) -> None: ...


class Soc(Protocol):
    """What a clock must know of its system: `simulator.cosim.system.System`."""

    machine: Machine
    arguments: tuple[Any, ...]
    memory: Memory
    patience: int
    front_end: str

    def at_edge(self, clock: np.void) -> tuple[Any, ...]: ...
    def check(self) -> None: ...


class Clock:
    """A clock of the design, and the agents whose buses it clocks."""

    def __init__(self, system: Soc, handle: Any, period: int):
        self.system, self.handle, self.period_fs = system, handle, period
        self.agents: list[Bus] = []
        self.rows = np.zeros(1, CLOCK)
        self.row = self.rows[0]
        self.row["period_fs"], self.row["patience"] = period, system.patience
        self.row["skip"] = os.environ.get(SKIP, "1") != "0"
        self.edge, self.drive = compiled_edge()
        self.at_edge = AT_EDGE.put(system.at_edge(self.row))
        self.in_soc = IN_SOC.put((self.row, *system.arguments))
        self.beside = C_FUNCTION(self._run_beside)
        self.row["beside"] = ctypes.cast(self.beside, ctypes.c_void_p).value
        alone = system.machine.storage is None  # else flash and backends have events of their own
        self.row["run"] = compiled_run().address if alone else self.row["beside"]
        self.row["run_argument"] = self.in_soc.ctypes.data
        self.number = -1
        self.kind = ""

    @property
    def now_fs(self) -> int:
        return int(self.row["cycle"]) * self.period_fs

    def add(self, agent: Bus) -> None:
        self.row["row"][self.row["agents"]] = self.system.machine.external_names.index(agent.name)
        self.row["agents"] += 1
        self.agents.append(agent)
        if not self.kind:
            self.kind = self._begin(agent)
        elif self.kind == "verilator" and not Verilator.wire(agent):
            raise CosimError(f"{agent.name}: its bus is no port of the top; write --front-end cocotb")

    def _begin(self, agent: Bus) -> str:
        """Begin to serve the clock; return by which front end."""
        wanted = self.system.front_end
        if wanted in ("auto", "verilator"):
            if Verilator.library() is not None and Verilator.wire(agent):
                place = (self.edge.address, self.drive.address, self.at_edge.ctypes.data)
                self.number = Verilator.library().dlasim_serve(self.handle._name.encode(), *place)
                if self.number >= 0:
                    cocotb.start_soon(self._watch())
                    return "verilator"
        if wanted == "verilator":
            raise CosimError(
                "clock and buses are no ports of a top that `dlasim cosim` has built with Verilator"
            )
        self.call = C_FUNCTION(self.edge.address)
        return "cocotb"

    def _run_beside(self, _: int) -> int:
        """Run the SoC with what runs beside it; return 1 if time stands still."""
        until_fs = int(self.row["until_fs"])
        status = run_slice(self.system.machine, self.system.arguments, until_fs, EVENTS)
        return int(status == RUNNING)

    def release(self) -> None:
        if self.number >= 0:
            Verilator.library().dlasim_release(self.number)
            self.number = -1

    def serve(self) -> None:
        """Serve an edge from Python."""
        for agent in self.agents:
            agent.hear()
        if self.call(self.at_edge.ctypes.data):
            self.system.check()
            for agent in self.agents:
                agent.show()

    async def _watch(self) -> None:
        """Look from time to time whether compiled code has met a fault."""
        await RisingEdge(self.handle)
        first = get_sim_time("step")
        await RisingEdge(self.handle)
        pause = POLL_CYCLES * max(1, int(get_sim_time("step") - first))
        while True:
            self.system.check()
            await Timer(pause, unit="step")


async def serve_all(clocks: list[Clock]) -> None:
    """Serve from Python the edges of all clocks that need it; at one time in the order of ``clocks``."""
    while True:
        served = [clock for clock in clocks if clock.kind == "cocotb"]
        if len(served) == 1:
            await RisingEdge(served[0].handle)
            served[0].serve()
            continue
        before = [str(clock.handle.value) for clock in served]
        await First(*(clock.handle.value_change for clock in served))
        for clock, level in zip(served, before):
            if level != "1" and str(clock.handle.value) == "1":
                clock.serve()


class Verilator:
    """The main program that `dlasim cosim` builds Verilated designs with, if this process is one."""

    @staticmethod
    def library() -> Any:
        program = ctypes.CDLL(None)
        if not hasattr(program, "dlasim_serve"):
            return None
        program.dlasim_serve.argtypes = [ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64]
        return program

    @classmethod
    def wire(cls, agent: Bus) -> bool:
        """Note where the simulator keeps the signals of a bus; False if one is no port of the top."""
        row, program = agent.row, cls.library()
        places = {pin.name.lower(): row["pin_signal"][pin] for pin in Pin}
        places |= {drive.name.lower(): row["drive_signal"][drive] for drive in Drive}
        places |= {name: row[f"{name}_signal"] for name in ("wdata", "wstrb", "rdata", "reset")}
        signals = dict(agent.signals) | ({"reset": agent.reset} if agent.reset is not None else {})
        found = {}
        for name, handle in signals.items():
            address, size = ctypes.c_int64(), ctypes.c_int64()
            top = handle._path.count(".") == 1
            if not top or not program.dlasim_signal(
                handle._name.encode(), ctypes.byref(address), ctypes.byref(size)
            ):
                return False
            found[name] = (address.value, size.value)
        for name, place in found.items():
            places[name]["address"], places[name]["bytes"] = place
        return True
