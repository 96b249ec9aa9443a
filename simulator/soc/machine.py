"""All state of one simulated SoC, and the plans of its jobs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from hw_models.blame import BLAME_SHAPE, Cause
from simulator.config.model import Config
from simulator.config.topology import DMA
from simulator.kernel import ledger
from simulator.kernel.ledger import Ledger
from simulator.kernel.soc import Nodes
from simulator.kernel.soc_state import Kind
from simulator.soc.accelerators import KINDS, Fleet
from simulator.soc.books import Book, Frame
from simulator.soc.queues import Queues
from simulator.soc.wires import Wires
from workloads.llm.program import LlmProgram
from workloads.program import Batch, Layer, MemoryPlan, On, Program


class Beside(Protocol):
    """What runs beside the event loop, which asks for it: `simulator.soc.beside`, `simulator.soc.storage`."""

    batches: list[Batch]
    dma: int  # core that moves its data, -1: none

    def load_kernels(self) -> None: ...
    def next_fs(self) -> int: ...
    def serve(self) -> None: ...
    def advance(self, until_fs: int) -> None: ...
    def waits(self) -> list[str]: ...
    def summary(self) -> dict[str, Any]: ...
    def blames(self) -> Iterator[tuple[np.ndarray, int, list[str]]]: ...


class Accounts(Protocol):
    """Whose waits for flash are whose: `simulator.soc.storage_accounts`."""

    def begin(self, user: int, step: int, frame: int) -> None: ...
    def end(self, user: int, step: int) -> None: ...


class Books(Protocol):
    """Who keeps what is told of a run by frame and by step: `simulator.soc.clerk`."""

    frames: str
    books: list[Book]  # by job

    @property
    def storage(self) -> Accounts: ...
    def serve(self) -> None: ...
    def turn(self, master: int, step: int, frame: int) -> None: ...
    def close(self) -> None: ...
    def take(self, entries: np.ndarray) -> None: ...
    def entries(self) -> np.ndarray: ...
    def shown(self, plan: "JobPlan") -> list[Frame]: ...
    def slowest(self, plan: "JobPlan") -> Frame: ...


@dataclass
class JobPlan:
    """Where a job's rows lie in the kernel's tables."""

    name: str
    index: int
    kind: str  # of the accelerator; without one, of the (no) operations
    accelerator: int  # -1: none
    core: int  # -1: none
    layers: list[Layer]
    memory: MemoryPlan
    placed: dict[str, dict[str, int]]  # in memories with addresses of their own: weights, activations [bytes]
    warnings: list[str]
    notes: list[str]
    core_macs: int  # of layers on a core
    weights: int  # values of all kernels and matrices
    program: Program
    first_step: int
    step_count: int
    first_op: int
    op_count: int
    frames: int = 1
    deadline_fs: int | None = None
    period_fs: int = 0
    jitter_fs: int = 0
    backend: str = ""  # of a language model
    llm: LlmProgram | None = None

    def frames_done(self, machine: "Machine") -> int:
        return int(machine.jobs[self.index]["frame"])

    def open_fs(self, machine: "Machine") -> list[int]:
        """Return how long ago each frame was released that is not done; at least, if its jitter is open."""
        job, now_fs = machine.jobs[self.index], int(machine.system[0]["now_fs"])
        left = int(job["frames"]) - int(job["frame"])
        if left <= 0:
            return []
        ages_fs = [now_fs - int(job["release_fs"])]
        if self.period_fs:
            next_fs = now_fs - int(job["due_fs"]) - self.jitter_fs
            count = min(left - 1, max(0, next_fs // self.period_fs))
            ages_fs += [next_fs - k * self.period_fs for k in range(1, count + 1)]
        return [age_fs for age_fs in ages_fs if age_fs > 0]

    def last_begin_fs(self, machine: "Machine") -> int:
        """Return when the last finished frame had its turn: it was due, and the one before was done."""
        done = self.frames_done(machine)
        if done == 0:
            return 0
        finished, latencies = machine.finished[self.index], machine.latencies[self.index]
        due = int(finished[done - 1] - latencies[done - 1])
        return max(due, int(finished[done - 2])) if done > 1 else due


@dataclass(frozen=True)
class Survey:
    """How the figures of a machine that was sampled came about."""

    requests: int  # that were simulated
    layers: tuple[int, int]  # that were, and all that are alike
    half_width_fs: int  # of the 95 % interval of the frame's time
    itself: np.ndarray  # (steps,) the step of the sample that was this very one, -1: estimated


@dataclass
class Machine:
    config: Config
    accelerator_names: list[str]
    core_names: list[str]
    external_names: list[str]  # masters that stand outside
    plans: list[JobPlan]
    wired: Wires
    measures: np.ndarray
    fleets: dict[str, Fleet]  # by kind of accelerator, in the order of KINDS
    cores: np.ndarray
    externals: np.ndarray
    tasks: np.ndarray
    steps: np.ndarray
    deps: np.ndarray
    jobs: np.ndarray
    records: np.ndarray
    latencies: np.ndarray  # (jobs, frames) [fs]
    finished: np.ndarray  # (jobs, frames) [fs]
    spans_fs: list[int]  # of what backends with a memory of their own do
    own_names: list[str]  # of these backends
    ledger: Ledger
    storage: Beside | None = field(init=False, default=None)  # flash that jobs share, and such backends
    clerk: Books = field(init=False)
    queues: Queues = field(init=False)
    survey: Survey | None = field(init=False, default=None)  # only if it was sampled

    def __post_init__(self) -> None:
        self.queues = Queues(self.wired)

    @property
    def system(self) -> np.ndarray:
        """Return the event loop's own state, shape (1,) SYSTEM."""
        return self.wired.system

    @property
    def wires(self) -> np.ndarray:
        return self.wired.wires

    @property
    def buses(self) -> np.ndarray:
        """Return the interconnects, shape (MOST_BUSES,) INTERCONNECT, those in use first."""
        return self.wired.buses[0]["bus"]

    @property
    def caches(self) -> np.ndarray:
        return self.wired.caches

    @property
    def channels(self) -> np.ndarray:
        """Return the DRAM channels of all memories, shape (n,) CHANNEL."""
        return self.wired.channels

    @property
    def master_names(self) -> list[str]:
        return self.accelerator_names + self.core_names + self.external_names

    @property
    def user_names(self) -> list[str]:
        """Return who may wait for another: the masters, and backends with a memory of their own."""
        return self.master_names + self.own_names

    def user_of(self, plan: JobPlan) -> int:
        """Return the number of a job's master among `user_names`."""
        return self.user_names.index(plan.backend or self.accelerator_names[plan.accelerator])

    def plan_of(self, step: int) -> JobPlan:
        return next(p for p in self.plans if p.first_step <= step < p.first_step + p.step_count)

    def accelerator_period_fs(self, index: int) -> int:
        return int(self.measures[index]["period_fs"])

    def core_period_fs(self, index: int) -> int:
        return int(self.measures[len(self.accelerator_names) + index]["period_fs"])

    def accelerator_kind(self, index: int) -> str:
        return self.config.system.accelerators[self.accelerator_names[index]].kind

    def row_in_fleet(self, index: int) -> int:
        """Return which of the accelerators of its kind one is."""
        kind = self.accelerator_kind(index)
        return sum(self.accelerator_kind(i) == kind for i in range(index))

    def peak_macs_per_cycle(self, index: int) -> int:
        kind = self.accelerator_kind(index)
        state = self.fleets[kind].states[self.row_in_fleet(index)]
        return int(KINDS[kind].statistics.peak_macs_per_cycle(state))

    def peak_macs_per_s(self, index: int) -> float:
        return self.peak_macs_per_cycle(index) * 1e15 / self.accelerator_period_fs(index)

    def ops_of(self, plan: JobPlan) -> np.ndarray:
        """Return a job's operations, rows of its accelerator's OP."""
        return self.fleets[plan.kind].ops[plan.first_op : plan.first_op + plan.op_count]

    def op_records_of(self, plan: JobPlan) -> np.ndarray:
        """Return what was counted of each of a job's operations, rows of its accelerator's RECORD."""
        return self.fleets[plan.kind].records[plan.first_op : plan.first_op + plan.op_count]

    def task_bytes(self, plan: JobPlan, field: str) -> int:
        """Return the bytes that a job's core tasks ask their core for."""
        return int(self.tasks_of(plan)[field].sum())

    def tasks_of(self, plan: JobPlan) -> np.ndarray:
        """Return a job's core tasks, shape (n,) TASK, in the order of its steps."""
        steps = self.steps[plan.first_step : plan.first_step + plan.step_count]
        return self.tasks[steps["index"][steps["on"] == On.CORE]]

    @property
    def nodes(self) -> Nodes:
        w = self.wired
        return Nodes(w.wires[0], w.buses[0], w.caches, w.tags, w.channels, w.ideals)

    def charges(self) -> list["Charges"]:
        """Return every table of waits, in the order of the ledger's entries."""
        system, causes = self.system[0], [cause.name.lower() for cause in Cause]
        doors = [cause.name.lower() for cause in ledger.DOORS]
        tables = {Kind.BUS: self.buses, Kind.CACHE: self.caches, Kind.DRAM: self.channels}
        own, in_front, none = [], [], np.zeros(BLAME_SHAPE, np.int64)
        for part in self.wired.parts.values():
            for k in range(part.units):
                unit = part.unit + k
                table = tables[part.kind][part.row + k]["blame"] if part.kind in tables else none
                period_fs = int(system["period_fs"][unit])
                own.append(Charges(table, period_fs, causes, part.node.name))
                in_front.append(Charges(system["doors"][unit], period_fs, doors, part.node.name))
        beside = self.storage.blames() if self.storage is not None else ()
        return [*own, *in_front, *(Charges(*each, DMA) for each in beside)]


class Charges(NamedTuple):
    """A table of waits."""

    table: np.ndarray  # (victim, culprit, cause)
    period_fs: int  # what it counts
    causes: list[str]
    level: str  # the node, or flash
