"""A config made into the arrays that the kernel runs on.

Masters are numbered by name, accelerators first, then cores; jobs by name: the order in which a config
lists them changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hw_models.cache.replacement import SET
from hw_models.cache.state import CACHE, build_cache
from hw_models.cache.state import down_limit as llc_down_limit
from hw_models.cpu.core import CORE, build_core, start_background
from hw_models.cpu.params import KINDS, Corunner
from hw_models.cpu.task import TASK
from hw_models.dram.build import build_channels, channel_shift
from hw_models.errors import ConfigError
from hw_models.ideal.memory import MEMORY
from hw_models.ideal.memory import build as build_ideal
from hw_models.interconnect.state import INTERCONNECT, build_interconnect, down_limit
from hw_models.nvdla.op import OP
from hw_models.nvdla.state import NVDLA, RECORD
from hw_models.nvdla.state import build as build_accelerator
from hw_models.port import FIFO_ROWS, MASTERS, NEVER, WIRING
from simulator.config import Config
from simulator.kernel.driver import JOB, STEP_RECORD
from simulator.kernel.measure import MASTER
from simulator.kernel.soc import (
    ANSWERS,
    BUS_DOWN,
    LLC_DOWN,
    LLC_UP,
    OWNER,
    REQUESTS,
    SYSTEM,
)
from workloads import lower
from workloads.params import NetworkJob
from workloads.program import STEP, Layer, MemoryPlan, Program

REQUEST_ROWS = 2  # of a master's request FIFO: a skid buffer at its port
QUEUE_ROWS = 8  # of the FIFO into the LLC or memory, beside what is on the way
JOB_SPACE = 1 << 32  # addresses a job may use; co-runners come behind the jobs
FIRST_BIN_FS = 10**9  # bandwidth over time starts with bins of 1 us


@dataclass
class JobPlan:
    """Where a job's rows lie in the kernel's tables."""

    name: str
    index: int
    accelerator: int
    core: int
    layers: list[Layer]
    memory: MemoryPlan
    warnings: list[str]
    frames: int
    deadline_fs: int | None
    period_fs: int
    first_step: int
    step_count: int
    first_op: int
    op_count: int

    def frames_done(self, machine: "Machine") -> int:
        return int(machine.jobs[self.index]["frame"])

    def last_release_fs(self, machine: "Machine") -> int:
        """Return when the last finished frame became due."""
        done = self.frames_done(machine)
        if done == 0:
            return 0
        return int(machine.finished[self.index][done - 1] - machine.latencies[self.index][done - 1])


@dataclass
class Machine:
    config: Config
    accelerator_names: list[str]
    core_names: list[str]
    plans: list[JobPlan]
    system: np.ndarray
    wires: np.ndarray
    measures: np.ndarray
    accelerators: np.ndarray
    cores: np.ndarray
    buses: np.ndarray
    llcs: np.ndarray
    lines: np.ndarray
    channels: np.ndarray
    ideals: np.ndarray
    ops: np.ndarray
    op_records: np.ndarray
    tasks: np.ndarray
    steps: np.ndarray
    deps: np.ndarray
    owners: np.ndarray
    jobs: np.ndarray
    records: np.ndarray
    latencies: np.ndarray  # (jobs, frames) [fs]
    finished: np.ndarray  # (jobs, frames) [fs]

    @property
    def master_names(self) -> list[str]:
        return self.accelerator_names + self.core_names

    def accelerator_period_fs(self, index: int) -> int:
        return int(self.measures[index]["period_fs"])

    def core_period_fs(self, index: int) -> int:
        return int(self.measures[len(self.accelerator_names) + index]["period_fs"])

    def peak_macs_per_cycle(self, index: int) -> int:
        return int(self.accelerators[index]["atomic_c"] * self.accelerators[index]["atomic_k"])

    def peak_macs_per_s(self, index: int) -> float:
        return self.peak_macs_per_cycle(index) * 1e15 / self.accelerator_period_fs(index)

    def task_bytes(self, plan: JobPlan, field: str) -> int:
        """Return the bytes that a job's core tasks ask their core for."""
        steps = self.steps[plan.first_step : plan.first_step + plan.step_count]
        return int(self.tasks[steps["index"][steps["on"] == 1]][field].sum())

    def blames(self) -> Iterator[tuple[np.ndarray, int]]:
        """Yield every block's blame table with its cycle [fs]."""
        system = self.system[0]
        if system["has_bus"]:
            yield self.buses[0]["blame"], int(system["period_fs"][system["bus_unit"]])
        if system["has_llc"]:
            yield self.llcs[0]["blame"], int(system["period_fs"][system["llc_unit"]])
        if not system["ideal"]:
            for channel in range(int(system["channels"])):
                yield self.channels[channel]["blame"], int(system["period_fs"][channel])


def period_fs(clock_hz: int) -> int:
    return 10**15 // clock_hz


def build_machine(config: Config) -> Machine:
    """Return the machine of ``config``, with every job lowered. Raises ConfigError."""
    system = config.system
    accelerator_names, core_names = sorted(system.accelerators), sorted(system.cores)
    masters = accelerator_names + core_names
    _check_shape(config, masters)
    plans, tables = _lower_jobs(config, accelerator_names, core_names)
    tasks, corunner_tasks = _corunner_tasks(config, tables["tasks"], core_names)
    accelerators = _stack(
        [
            build_accelerator(system.accelerators[name].values(), master=i)
            for i, name in enumerate(accelerator_names)
        ],
        NVDLA,
    )
    first_core = len(accelerator_names)
    cores = _stack(
        [
            build_core(system.cores[name], first_core + i, config.simulation.seed)
            for i, name in enumerate(core_names)
        ],
        CORE,
    )
    memory = _build_memory(config, masters)
    machine = Machine(
        config=config,
        accelerator_names=accelerator_names,
        core_names=core_names,
        plans=plans,
        accelerators=accelerators,
        cores=cores,
        tasks=tasks,
        system=np.zeros(1, SYSTEM),
        wires=_build_wires(config),
        measures=np.zeros(max(1, len(masters)), MASTER),
        jobs=_build_jobs(config, plans),
        records=np.zeros(max(1, len(tables["steps"])), STEP_RECORD),
        op_records=np.zeros(max(1, len(tables["ops"])), RECORD),
        latencies=np.zeros((max(1, len(plans)), max([p.frames for p in plans], default=1)), np.int64),
        finished=np.zeros((max(1, len(plans)), max([p.frames for p in plans], default=1)), np.int64),
        **{k: v for k, v in tables.items() if k != "tasks"},
        **{k: v for k, v in memory.items() if k != "count"},
    )
    _wire(machine, memory["count"])
    _start(machine, corunner_tasks)
    return machine


def _check_shape(config: Config, masters: list[str]) -> None:
    system = config.system
    if len(masters) > MASTERS:
        raise ConfigError(f"{len(masters)} accelerators and cores; at most {MASTERS} fit", key="system")
    if system.interconnect is None and (len(masters) > 1 or system.llc is not None):
        raise ConfigError(
            f"absent, yet {len(masters)} masters{' and an LLC' if system.llc else ''} need one; "
            "write interconnect: {width: 8 B, latency: 20 cycles}",
            key="system.interconnect",
        )


def _stack(rows: list[np.ndarray], dtype: np.dtype) -> np.ndarray:
    """Return the rows as one array; one idle row where there is none, since kernels take no empty arrays."""
    return np.concatenate(rows) if rows else np.zeros(1, dtype)


def _lower_jobs(
    config: Config, accelerators: list[str], cores: list[str]
) -> tuple[list[JobPlan], dict[str, np.ndarray]]:
    plans: list[JobPlan] = []
    programs: list[Program] = []
    for index, name in enumerate(sorted(config.workloads)):
        job = config.workloads[name]
        if not isinstance(job, NetworkJob):
            continue
        try:
            program = lower(job, config.system.accelerators[job.on], base_address=index * JOB_SPACE)
        except ConfigError as error:
            raise error.under(f"workloads.{name}") from None
        plans.append(
            JobPlan(
                name=name,
                index=len(plans),
                accelerator=accelerators.index(job.on),
                core=cores.index(job.fallback) if job.fallback else -1,
                layers=program.layers,
                memory=program.memory,
                warnings=program.warnings,
                frames=job.frames,
                deadline_fs=job.deadline_fs,
                period_fs=job.period_fs or 0,
                first_step=sum(len(p.steps) for p in programs),
                step_count=len(program.steps),
                first_op=sum(len(p.ops) for p in programs),
                op_count=len(program.ops),
            )
        )
        programs.append(program)
        if plans[-1].core < 0 and len(program.tasks):
            raise ConfigError(
                f"the network has layers that {job.on} cannot run; write fallback: and a core",
                key=f"workloads.{name}.fallback",
            )
    return plans, _join(programs)


def _join(programs: list[Program]) -> dict[str, np.ndarray]:
    """Return all programs' tables behind each other, indices made global (dependencies stay a job's own)."""
    ops: list[np.ndarray] = []
    tasks: list[np.ndarray] = []
    steps: list[np.ndarray] = []
    deps: list[np.ndarray] = []
    owners: list[np.ndarray] = []
    for job, program in enumerate(programs):
        step = program.steps.copy()
        on_core = step["on"] == 1
        step["index"] += np.where(on_core, _total(tasks), _total(ops))
        step["first_dep"] += _total(deps)
        owner = np.zeros(len(program.ops), OWNER)
        owner["job"] = job
        numbers = np.flatnonzero(~on_core)
        owner["step"][program.steps["index"][numbers]] = _total(steps) + numbers
        ops.append(program.ops)
        tasks.append(program.tasks)
        steps.append(step)
        deps.append(program.deps.astype(np.int64))
        owners.append(owner)
    return {
        "ops": _stack([o for o in ops if len(o)], OP),
        "tasks": _stack([t for t in tasks if len(t)], TASK),
        "steps": _stack([s for s in steps if len(s)], STEP),
        "deps": _stack([d for d in deps if len(d)], np.dtype(np.int64)),
        "owners": _stack([o for o in owners if len(o)], OWNER),
    }


def _total(tables: list[np.ndarray]) -> int:
    return sum(len(table) for table in tables)


def corunner_task(corunner: Corunner, base: int) -> np.ndarray:
    """Return the endless task of a co-runner, shape (1,) TASK."""
    task = np.zeros(1, TASK)
    pattern, writes = KINDS[corunner.kind]
    task["pattern"] = int(pattern)
    task["write_address" if writes else "read_address"] = base
    task["write_bytes" if writes else "read_bytes"] = corunner.footprint_bytes
    task["rate_bytes_per_s"] = corunner.rate_bytes_per_s or 0
    task["busy_fs"], task["idle_fs"] = corunner.busy_fs or 0, corunner.idle_fs or 0
    return task


def _corunner_tasks(config: Config, tasks: np.ndarray, cores: list[str]) -> tuple[np.ndarray, dict[int, int]]:
    """Return (tasks with the co-runners' behind, core index -> its task). One co-runner a core."""
    rows, of_core = [tasks], {}
    base = (len(config.workloads) + 1) * JOB_SPACE
    for corunner in sorted(config.corunners, key=lambda c: c.on):
        core = cores.index(corunner.on)
        if core in of_core:
            raise ConfigError(f"two co-runners on {corunner.on}; a core runs one", key="corunners")
        of_core[core] = _total(rows)
        rows.append(corunner_task(corunner, base + core * JOB_SPACE))
    return np.concatenate(rows), of_core


def _build_jobs(config: Config, plans: list[JobPlan]) -> np.ndarray:
    jobs = np.zeros(max(1, len(plans)), JOB)
    for plan in plans:
        job = jobs[plan.index]
        driver = config.system.accelerators[config.workloads[plan.name].on].driver
        job["accelerator"], job["core"] = plan.accelerator, plan.core
        job["register_write_fs"] = driver.register_write_fs
        job["interrupt_fs"] = driver.interrupt_fs
        job["submit_fs"] = driver.submit_fs
        job["first_step"], job["step_count"] = plan.first_step, plan.step_count
        job["oldest"] = plan.first_step
        job["frames"], job["frame_period_fs"] = plan.frames, plan.period_fs
        job["submitted"] = -1
    return jobs


def _clock_hz(config: Config, key: str) -> int:
    """Return the clock of the LLC or of an ideal memory: its own, or that of what it serves."""
    system = config.system
    if key == "llc" and system.llc is not None and system.llc.clock_hz is not None:
        return system.llc.clock_hz
    if system.interconnect is not None:
        return system.interconnect.clock_hz
    clocks = [accelerator.clock_hz for accelerator in system.accelerators.values()]
    return min(clocks + [core.clock_hz for core in system.cores.values()])


def _build_memory(config: Config, masters: list[str]) -> dict:
    """Return the bus, the LLC and the channels, with an idle row for each that is absent."""
    system = config.system
    widths = [system.accelerators[n].dbb_bytes for n in sorted(system.accelerators)]
    widths += [system.cores[n].line_bytes for n in sorted(system.cores)]
    channels = build_channels(system.dram, masters)
    count = len(channels) if system.dram else 1
    interleave = 1 << channel_shift(system.dram) if system.dram and count > 1 else 64
    llcs, lines = np.zeros(1, CACHE), np.zeros(1, SET)
    if system.llc is not None:
        llcs, lines = build_cache(system.llc, masters, config.simulation.seed, count, interleave)
    buses = np.zeros(1, INTERCONNECT)
    if system.interconnect is not None:
        buses = build_interconnect(
            system.interconnect,
            masters,
            widths,
            ports=1 if system.llc else count,
            interleave_bytes=interleave,
            line_bytes=system.llc.line_bytes if system.llc else None,
        )
    beat = widths[0] if system.interconnect is None else system.interconnect.width_bytes
    ideals = build_ideal(system.memory.timings(beat)) if system.memory else np.zeros(count, MEMORY)
    return {
        "buses": buses,
        "llcs": llcs,
        "lines": lines,
        "channels": channels,
        "ideals": ideals,
        "count": count,
    }


def _build_wires(config: Config) -> np.ndarray:
    """Return the FIFOs between the blocks, each with its capacity."""
    system, wires = config.system, np.zeros(1, WIRING)
    limits = wires[0]["fifo"]["limit"]
    limits[:] = FIFO_ROWS
    limits[REQUESTS:ANSWERS] = REQUEST_ROWS if system.interconnect else 1
    if system.interconnect is not None:
        limits[BUS_DOWN:LLC_DOWN] = down_limit(system.interconnect, QUEUE_ROWS)
    if system.llc is not None:
        limits[LLC_DOWN:LLC_UP] = llc_down_limit(system.llc, QUEUE_ROWS)
    return wires


def _wire(machine: Machine, channels: int) -> None:
    """Number the units and set their clocks."""
    config, row = machine.config, machine.system[0]
    system = config.system
    masters = len(machine.master_names)
    row["channels"], row["ideal"] = channels, system.dram is None
    row["has_llc"], row["has_bus"] = system.llc is not None, system.interconnect is not None
    row["masters"], row["accelerators"] = masters, len(machine.accelerator_names)
    row["jobs"] = row["jobs_left"] = len(machine.plans)
    row["llc_unit"], row["bus_unit"], row["master_unit"] = channels, channels + 1, channels + 2
    row["job_unit"] = channels + 2 + masters
    row["units"] = row["job_unit"] + len(machine.plans)
    row["wake_fs"] = NEVER
    row["core_step"] = -1
    row["bin_fs"] = FIRST_BIN_FS
    clocks = [_clock_hz(config, "memory")] * channels
    clocks += [_clock_hz(config, "llc"), _clock_hz(config, "bus")]
    clocks += [system.accelerators[name].clock_hz for name in machine.accelerator_names]
    clocks += [system.cores[name].clock_hz for name in machine.core_names]
    periods = row["period_fs"]
    periods[:] = 1
    periods[: len(clocks)] = [period_fs(clock) for clock in clocks]
    if system.dram is not None:
        periods[:channels] = machine.channels[0]["period_fs"]
    machine.measures["period_fs"][:masters] = periods[row["master_unit"] : row["master_unit"] + masters]


def _start(machine: Machine, corunner_tasks: dict[int, int]) -> None:
    """Wake the jobs and the co-runners at time zero."""
    row = machine.system[0]
    for plan in machine.plans:
        row["wake_fs"][row["job_unit"] + plan.index] = 0
    for core, task in corunner_tasks.items():
        start_background(machine.cores[core], machine.tasks, task, 0)
        row["wake_fs"][row["master_unit"] + len(machine.accelerator_names) + core] = 0
