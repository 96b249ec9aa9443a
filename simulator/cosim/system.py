"""The SoC around the designs of a cocotb test: its clocks run with theirs, its memory is what they read."""

import os
import re
import time
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.task import current_task
from cocotb.triggers import Event
from cocotb.utils import get_sim_time

from hw_models.axi.state import LOG, RECORD
from hw_models.axi.statistics import fault_text, waits_of
from hw_models.units import FS, period_fs
from simulator.config.model import Config, load
from simulator.cosim.clock import Bus, Clock, serve_all
from simulator.cosim.edge import CLOCK, Held
from simulator.cosim.errors import CosimError
from simulator.cosim.guard import guard, waits_for
from simulator.cosim.limits import Limits
from simulator.cosim.memory import Memory, untouched
from simulator.cosim.native import AT_EDGE, IN_SOC, compiled_edge, compiled_run
from simulator.cosim.toggling import toggled
from simulator.report.run import Run
from simulator.simulate import result_of
from simulator.soc.build import build_machine
from simulator.soc.run import compiled, run_slice
from simulator.soc.who_waits import who_waits
from workloads.bus.recording import Recording, empty
from workloads.bus.table import TIMES
from workloads.bus.table import write_table as write_trace

CONFIG, OUT, FRONT_END = (f"DLASIM_COSIM_{name}" for name in ("CONFIG", "OUT", "FRONT_END"))
BLOCK = 4096  # bytes: a trace's transactions lie within one
MOST_RECORDS = 2**20  # bursts that are logged
MOST_SLICES = 20_000  # of them in the timeline, the first
PATIENCE = 1_000_000  # cycles without a handshake while bursts are in flight
CYCLES = [f"{name}_cycle" for name in ("issue", "begin", "first", "last", "end")]


class System:
    """The SoC of ``config``; of what `dlasim cosim` was called with if absent.

    It comes to its end with the test that made it; `finish` does so before. ``memory``: a `Memory`, what its
    masters read and write; ``patience``: cycles without any handshake while bursts are in flight, after
    which the test fails with who waits for whom.
    """

    def __init__(self, config: Any = None, *, patience: int = PATIENCE, front_end: str | None = None):
        written = os.environ.get(CONFIG) if config is None else config
        if written is None:
            raise CosimError("no config; run `dlasim cosim --config FILE`, or write System(FILE)")
        self.config: Config = load(Path(written) if isinstance(written, str) else written)
        if not self.config.system.masters:
            raise CosimError(
                "the config has no outside master; write system.masters: {dut: {kind: external}}"
            )
        self.front_end = front_end or os.environ.get(FRONT_END) or "auto"
        self.memory = Memory()
        self.machine = build_machine(self.config)
        self.arguments = compiled(self.machine)
        self.records = untouched(MOST_RECORDS * RECORD.itemsize).view(RECORD)
        self.log = np.zeros(1, LOG)
        self.patience = patience
        self.clocks: list[Clock] = []
        self.agents: list[Bus] = []
        self.result: Run | None = None
        self.is_serving = False  # from Python
        self._compile()
        self.started, self.begin_ns = time.perf_counter(), get_sim_time("ns")
        self.task = current_task()
        self.name = re.sub(r"\W+", "_", self.task.get_name().removeprefix("Test "))
        cocotb.start_soon(guard(self, Limits.of_environment()))
        _end_with_the_test(self)

    def at_edge(self, clock: np.void) -> tuple[Any, ...]:
        """Return what an edge of ``clock`` works on; see `simulator.cosim.edge.edge`."""
        memory = self.memory
        held = Held(memory.store[0], memory.keys, memory.pool, self.records, self.log[0])
        systems, _, nodes, masters, _ = self.arguments
        return clock, systems[0], nodes.wires[0], masters.externals, held

    def _compile(self) -> None:
        clock = np.zeros(1, CLOCK)[0]
        AT_EDGE.put(self.at_edge(clock))
        IN_SOC.put((clock, *self.arguments))
        compiled_run()
        compiled_edge()

    def master(self, name: str | None) -> str:
        """Return the name of an outside master; of the only one if it is left out. Raises CosimError."""
        names = self.machine.external_names
        taken = {agent.name for agent in self.agents}
        if name is None and len(names) == 1:
            name = names[0]
        if name not in names:
            raise CosimError(f"{name!r} is no outside master of the config; write one of {', '.join(names)}")
        if name in taken:
            raise CosimError(f"{name} has an agent already; write another master of the config for each bus")
        return name

    @property
    def rows(self) -> list[np.void]:
        """Return the AGENT rows of all masters that have an agent."""
        return [agent.row for agent in self.agents]

    def rows_of(self, name: str) -> np.ndarray:
        """Return the row of a master, shape (1,) AGENT."""
        index = self.machine.external_names.index(name)
        return self.machine.externals[index : index + 1]

    @property
    def now_s(self) -> float:
        return max((clock.now_fs for clock in self.clocks), default=0) * FS

    def attach(self, agent: Bus) -> None:
        """Serve an agent from the next rising edge of its clock on."""
        if self.result is not None:
            raise CosimError("the system has come to its end; make another")
        self.agents.append(agent)
        period = period_fs(agent.params.clock_hz)
        for clock in self.clocks:
            if clock.handle._path == agent.clock._path:
                if clock.period_fs != period:
                    raise CosimError(
                        f"{clock.handle._name} is the clock of {clock.agents[0].name} and {agent.name}, "
                        "whose clock: differs in the config; write the same"
                    )
                clock.add(agent)
                return
        clock = Clock(self, agent.clock, period)
        self.clocks.append(clock)
        for other in self.clocks:
            other.row["lag"] = len(self.clocks) > 1
        clock.add(agent)
        if clock.kind == "cocotb" and not self.is_serving:
            self.is_serving = True
            cocotb.start_soon(serve_all(self.clocks))

    def check(self) -> None:
        """Raise CosimError if a master asked for what cannot be served, or nothing goes on."""
        for clock in self.clocks:
            if not clock.row["fault"]:
                continue
            for agent in clock.agents:
                if agent.row["fault"]:
                    raise CosimError(f"{agent.name}: {fault_text(agent.row)}")
            raise CosimError(self.who_waits(clock))

    def who_waits(self, clock: Clock) -> str:
        """Say who waits for whom, at the buses and in the SoC."""
        waits = [f"{agent.name}: {text}" for agent in self.agents for text in waits_of(agent.row)]
        at = "; ".join([f"cycle {clock.cycle}", *waits, waits_for(self.task)])
        return f"nothing moves on the bus: {at}; {who_waits(self.machine, 'in the SoC')}"

    def finish(self) -> Run:
        """End the SoC; write the run folder where `dlasim cosim` wants it. Returns the result."""
        if self.result is not None:
            return self.result
        for clock in self.clocks:
            clock.release()
        end_fs = max((clock.now_fs for clock in self.clocks), default=0)
        run_slice(self.machine, self.arguments, end_fs, 2**62)
        system = self.machine.system[0]
        system["now_fs"] = max(int(system["now_fs"]), end_fs)
        result = result_of(self.machine, time.perf_counter() - self.started)
        result.timeline += self._slices()
        self.result = Run.of(result)
        if os.environ.get(OUT):
            self._write(Path(os.environ[OUT]))
        return self.result

    def bursts(self) -> dict[str, list[Any]]:
        """Return the columns of all bursts that are done, in the order of their ends."""
        log = self.records[: min(int(self.log[0]["count"]), len(self.records))]
        names = self.machine.master_names
        columns: dict[str, list[Any]] = {"master": [names[m] for m in log["master"]]}
        columns["kind"] = ["write" if w else "read" for w in log["write"]]
        for name in ("id", "beats", *CYCLES):
            columns[name] = log[name].tolist()
        columns["beat_bytes"] = (1 << log["size"]).tolist()
        columns["burst"] = [("fixed", "incr", "wrap")[k] for k in log["kind"]]
        columns["address"] = [int(a) % 2**64 for a in log["address"]]
        return columns

    def recording(self, master: str) -> Recording:
        """Return what went over a master's bus as a recording that `dlasim run` replays."""
        log = self.records[: min(int(self.log[0]["count"]), len(self.records))]
        log = log[log["master"] == self.machine.master_names.index(master)]
        rows = empty(len(log))
        for name in ("write", "id", "address"):
            rows[name] = log[name] & (2**62 - 1)
        rows["bytes"] = log["beats"] << log["size"]
        rows["bytes"] -= log["address"] & ((1 << log["size"]) - 1)
        rows["bytes"] = np.minimum(rows["bytes"], BLOCK - rows["address"] % BLOCK)  # WRAP and FIXED
        for name, cycle in zip(TIMES, CYCLES):
            rows[name] = log[cycle]
        written = rows["write"] == 1  # address and first beat
        rows["accept"][written] = np.maximum(rows["accept"], rows["first"])[written]
        return Recording(rows[np.lexsort((rows["write"], rows["issue"]))], has_dependencies=False)

    def _slices(self) -> list[dict[str, Any]]:
        """Return the timeline's slices of the bursts: a track of reads and one of writes a master."""
        bursts, slices = self.bursts(), []
        periods = {agent.name: period_fs(agent.params.clock_hz) for agent in self.agents}
        numbers: dict[tuple[str, str], int] = {}
        for i, name in enumerate(bursts["master"][:MOST_SLICES]):
            kind, period_us = bursts["kind"][i], periods[name] * 1e-9
            track = numbers.setdefault((name, kind), 1000 + len(numbers))
            begin, end = bursts["issue_cycle"][i] * period_us, (bursts["end_cycle"][i] + 1) * period_us
            args = {key: bursts[key][i] for key in ("id", "beats", "beat_bytes", "burst")}
            event = {"pid": 1, "tid": track, "cat": "bus", "name": f"{kind} {bursts['address'][i]:#x}"}
            slices.append({"ph": "b", "id": i, "ts": begin, "args": args, **event})
            slices.append({"ph": "e", "id": i, "ts": end, **event})
        heads = [
            {"ph": "M", "pid": 1, "tid": track, "name": "thread_name", "args": {"name": f"{name} {kind}s"}}
            for (name, kind), track in numbers.items()
        ]
        return heads + slices

    def _write(self, folder: Path) -> None:
        from simulator.results.run_folder import write_data, write_json, write_table

        assert self.result is not None
        target = folder / self.name
        while target.exists():
            target = target.with_name(f"{target.name}_again")
        target.mkdir(parents=True)
        write_data(self.result, target)
        write_table(target / "bursts.csv", self.bursts())
        for agent in self.agents:
            write_trace(target / f"bus_{agent.name}.csv", self.recording(agent.name))
        clocks = {
            clock.handle._name: {
                "front_end": clock.kind,
                "cycles": clock.cycle,
                "served": int(clock.row["edges"]),
            }
            for clock in self.clocks
        }
        passed_ns = get_sim_time("ns") - self.begin_ns
        periods = [it.period_ns for clock in self.clocks if (it := toggled(clock.handle)) is not None]
        cycle_ns = passed_ns / max([1, *(clock.cycle for clock in self.clocks)])
        write_json(target / "clocks.json", {"cycle_ns": max(periods, default=cycle_ns), "clocks": clocks})


def _end_with_the_test(system: System) -> None:
    """Let the system end when cocotb ends the test that made it."""

    async def until_the_end() -> None:
        try:
            await Event().wait()
        finally:
            system.finish()

    cocotb.start_soon(until_the_end())
