"""A clock of the design under test: who serves its edges, and where the signals of its buses are."""

import ctypes
import os
from typing import Any, Protocol

import numpy as np
from cocotb.triggers import First

from hw_models.axi.params import External
from hw_models.axi.state import Drive, Pin
from simulator.cosim.calls import every_rise
from simulator.cosim.edge import CLOCK
from simulator.cosim.errors import CosimError
from simulator.cosim.memory import Memory
from simulator.cosim.native import AT_EDGE, EVENTS, FAULT, IN_SOC, compiled_edge, compiled_run
from simulator.cosim.python_port import PythonPort
from simulator.cosim.toggling import main_program, rises_of, toggled
from simulator.kernel.soc import RUNNING
from simulator.soc.machine import Machine
from simulator.soc.run import run_slice

SKIP = "DLASIM_COSIM_SKIP"
C_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)


class Bus(Protocol):
    """What the system must know of an agent: `simulator.cosim.agent.MemoryAgent`."""

    name: str
    params: External
    row: np.void  # AGENT
    clock: Any
    reset: Any
    signals: dict[str, Any]
    port: PythonPort


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
        self.place = self.at_edge.ctypes.data
        self.in_soc = IN_SOC.put((self.row, *system.arguments))
        self.beside = C_FUNCTION(self._run_beside)
        self.row["beside"] = ctypes.cast(self.beside, ctypes.c_void_p).value
        alone = system.machine.storage is None  # else flash and backends have events of their own
        self.row["run"] = compiled_run().address if alone else self.row["beside"]
        self.row["run_argument"] = self.in_soc.ctypes.data
        self.number = -1
        self.kind = ""
        self.asleep: int | None = None  # rising edges when it fell asleep

    @property
    def cycle(self) -> int:
        """Return the number of the cycle that is under way."""
        if self.asleep is not None:
            rises = self.rises()
            self.row["cycle"] += rises - self.asleep
            self.asleep = rises
        return int(self.row["cycle"])

    @property
    def now_fs(self) -> int:
        return self.cycle * self.period_fs

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
            if main_program() is not None and Verilator.wire(agent):
                place = (self.edge.address, self.drive.address, self.place)
                self.number = main_program().dlasim_serve(self.handle._name.encode(), *place)
                if self.number >= 0:
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

    def is_quiet(self) -> bool:
        """Tell whether its edges may be counted unseen: cocotb toggles it, and nothing can happen."""
        for agent in self.agents:
            if not agent.port.is_quiet():
                return False
        return bool(self.row["skip"] and not self.row["fault"]) and toggled(self.handle) is not None

    def rises(self) -> int:
        """Return how many rising edges cocotb has made of it that have been seen."""
        now, level = rises_of(self.handle)
        return now - (level and str(self.handle.value) != "1")

    def release(self) -> None:
        """Serve it no more."""
        for agent in self.agents:
            agent.port.writer.forget()
        if self.number >= 0:
            main_program().dlasim_release(self.number)
            self.number = -1

    def serve(self) -> None:
        """Serve an edge from Python."""
        for agent in self.agents:
            agent.port.hear()
        said = self.call(self.place)
        if said >= FAULT:
            self.system.check()
        if said:
            for agent in self.agents:
                agent.port.show()


async def serve_all(clocks: list[Clock]) -> None:
    """Serve from Python the edges of all clocks that need it; at one time in the order of ``clocks``."""
    while True:
        count, served = len(clocks), [clock for clock in clocks if clock.kind == "cocotb"]
        if count == len(served) == 1:
            await serve_one(served[0], clocks)
            continue
        if all(clock.is_quiet() for clock in served):
            await sleep(served)
        before = [str(clock.handle.value) for clock in served]
        await First(*(clock.handle.value_change for clock in served))
        for clock, level in zip(served, before):
            if level != "1" and str(clock.handle.value) == "1":
                clock.serve()


async def serve_one(clock: Clock, clocks: list[Clock]) -> None:
    """Serve the edges of the only clock, until there is another."""

    def serve() -> bool:
        clock.serve()
        return len(clocks) == 1 and not clock.is_quiet()

    while len(clocks) == 1:
        if clock.is_quiet():
            await sleep([clock])
        await every_rise(clock.handle, serve)


async def sleep(clocks: list[Clock]) -> None:
    """Let edges pass at which nothing can happen, and count them."""
    for clock in clocks:
        clock.asleep = clock.rises()
    signals = [signal for clock in clocks for agent in clock.agents for signal in agent.port.wakers()]
    await First(*(signal.value_change for signal in signals))
    for clock in clocks:
        assert clock.cycle >= 0  # counted
        clock.asleep = None


class Verilator:
    """The main program that `dlasim cosim` builds Verilated designs with, if this process is one."""

    @classmethod
    def wire(cls, agent: Bus) -> bool:
        """Note where the simulator keeps the signals of a bus; False if one is no port of the top."""
        row, program = agent.row, main_program()
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
