"""The jobs and co-runners of a config as the kernel's tables: operations, tasks, steps, dependencies."""

from typing import Any, NamedTuple

import numpy as np

from hw_models.cpu.params import KINDS, Corunner, Driver
from hw_models.cpu.task import FRAME_SHIFT, TASK
from hw_models.errors import ConfigError
from hw_models.nvdla.ram_types import add_ram_types
from simulator.config.memory_map import MemoryMap
from simulator.config.model import Config
from simulator.config.networks import JOB_SPACE, network_program, room_on_flash, trace_program
from simulator.kernel.driver import JOB
from simulator.kernel.soc_state import OWNER
from simulator.soc.accelerators import KINDS as ACCELERATORS
from simulator.soc.machine import JobPlan
from workloads.bus.params import TraceJob
from workloads.llm.params import LlmJob
from workloads.llm.program import llm_program
from workloads.lowering.layout import ceil_div
from workloads.lowering.storage import add_storage
from workloads.params import NetworkJob
from workloads.program import STEP, On, Program


def stack(rows: list[np.ndarray], dtype: np.dtype) -> np.ndarray:
    """Return the rows as one array; one idle row where there is none, since kernels take no empty arrays."""
    return np.concatenate(rows) if rows else np.zeros(1, dtype)


def lower_jobs(
    config: Config,
    accelerators: list[str],
    cores: list[str],
    memory_map: MemoryMap,
    short: Program | None = None,
) -> tuple[list[JobPlan], "Tables", list[Program]]:
    """Return the plan of every job, by name, the tables of all of them, and their programs.

    ``short``: a program that stands for that of the only job.
    """
    plans: list[JobPlan] = []
    programs: list[Program] = []
    on_flash = 0
    placed: dict[str, dict[str, int]]
    for index, name in enumerate(sorted(config.workloads)):
        job = config.workloads[name]
        if isinstance(job, LlmJob):
            program, size, llm = llm_program(
                name, job, config.system, config.simulation.seed, index * JOB_SPACE, on_flash
            )
            kind, placed = "nvdla", {}  # of its operations, of which there are none
            core = cores.index(job.on) if job.on in cores else -1
            run: dict[str, Any] = {"accelerator": -1, "core": core, "backend": job.on, "llm": llm}
        elif isinstance(job, TraceJob):
            program, placed = trace_program(config, name, job, index * JOB_SPACE), {}
            kind, size = config.system.accelerators[job.on].kind, 0
            run = {"accelerator": accelerators.index(job.on), "core": -1, **_frames(job)}
        else:
            assert isinstance(job, NetworkJob)  # who serves is not run here
            homes, placed = memory_map.homes(name), {}
            program = short or network_program(config, name, job, index * JOB_SPACE, homes)
            if homes is not None and short is None:
                placed = homes.placed
                for first, end in memory_map.windows_behind(job.on):
                    add_ram_types(program.ops, first, end)
            kind, size = config.system.accelerators[job.on].kind, 0
            if job.storage is not None:
                size = add_storage(program, job.storage, index * JOB_SPACE, on_flash)
            run = {
                "accelerator": accelerators.index(job.on),
                "core": cores.index(job.fallback) if job.fallback else -1,
                **_frames(job),
            }
        on_flash = room_on_flash(config, name, on_flash, size)
        plans.append(
            JobPlan(
                name=name,
                index=index,
                kind=kind,
                layers=program.layers,
                memory=program.memory,
                placed=placed,
                warnings=program.warnings,
                notes=program.notes,
                core_macs=program.core_macs,
                weights=program.weights,
                program=program,
                first_step=sum(len(p.steps) for p in programs),
                step_count=len(program.steps),
                first_op=sum(len(p.ops) for p, other in zip(programs, plans) if other.kind == kind),
                op_count=len(program.ops),
                **run,
            )
        )
        programs.append(program)
    return plans, _join(programs, [plan.kind for plan in plans]), programs


def _frames(job: NetworkJob | TraceJob) -> dict[str, int | None]:
    """Return how often a job runs, and when."""
    return {
        "frames": job.frames,
        "deadline_fs": job.deadline_fs,
        "period_fs": job.period_fs or 0,
        "jitter_fs": job.jitter_fs,
    }


class Tables(NamedTuple):
    """All programs' rows behind each other."""

    tasks: np.ndarray
    steps: np.ndarray
    deps: np.ndarray
    ops: dict[str, np.ndarray]  # by kind of accelerator
    owners: dict[str, np.ndarray]


def _join(programs: list[Program], kinds: list[str]) -> Tables:
    """Return the tables, indices made global (dependencies stay a job's own)."""
    ops: dict[str, list[np.ndarray]] = {kind: [] for kind in ACCELERATORS}
    owners: dict[str, list[np.ndarray]] = {kind: [] for kind in ops}
    tasks: list[np.ndarray] = []
    steps: list[np.ndarray] = []
    deps: list[np.ndarray] = []
    batches = spans = 0
    for job, (program, kind) in enumerate(zip(programs, kinds)):
        step = program.steps.copy()
        step["index"] += np.choose(step["on"], [_total(ops[kind]), _total(tasks), batches, spans])
        step["first_dep"] += _total(deps)
        numbers = np.flatnonzero(step["on"] == On.ACCELERATOR)
        launched = program.ops[program.steps["index"][numbers]]
        step["unit"][numbers], step["registers"][numbers] = launched["unit"], launched["registers"]
        owner = np.zeros(len(program.ops), OWNER)
        owner["job"] = job
        owner["step"][program.steps["index"][numbers]] = _total(steps) + numbers
        ops[kind].append(program.ops)
        owners[kind].append(owner)
        tasks.append(program.tasks)
        steps.append(step)
        deps.append(program.deps.astype(np.int64))
        batches += len(program.batches)
        spans += len(program.spans_fs)
    return Tables(
        stack([t for t in tasks if len(t)], TASK),
        stack([s for s in steps if len(s)], STEP),
        stack([d for d in deps if len(d)], np.dtype(np.int64)),
        {name: stack([o for o in ops[name] if len(o)], kind.op) for name, kind in ACCELERATORS.items()},
        {name: stack([o for o in owners[name] if len(o)], OWNER) for name in ACCELERATORS},
    )


def _total(tables: list[np.ndarray]) -> int:
    return sum(len(table) for table in tables)


def corunner_task(corunner: Corunner, base: int, seed: int = 0) -> np.ndarray:
    """Return the endless task of a co-runner, shape (1,) TASK. ``seed``: of where its page frames lie."""
    task = np.zeros(1, TASK)
    pattern, writes = KINDS[corunner.kind]
    task["pattern"] = int(pattern)
    task["write_address" if writes else "read_address"] = base
    task["write_bytes" if writes else "read_bytes"] = corunner.footprint_bytes
    task["rate_bytes_per_s"] = corunner.rate_bytes_per_s or 0
    task["jitter_cycles"] = corunner.jitter_cycles
    task["busy_fs"], task["idle_fs"] = corunner.busy_fs or 0, corunner.idle_fs or 0
    if corunner.frames_bytes is not None:
        task["frame_bits"] = (corunner.frames_bytes >> FRAME_SHIFT).bit_length() - 1
        task["frame_key"] = seed * 2654435761 & (1 << 31) - 1
    return task


def corunner_tasks(
    config: Config, tasks: np.ndarray, cores: list[str], memory_map: MemoryMap, plans: list[JobPlan]
) -> tuple[np.ndarray, dict[int, int]]:
    """Return (tasks with the co-runners' behind, core index -> its task). One co-runner a core."""
    rows, of_core = [tasks], {}
    outside = any(isinstance(job, TraceJob) for job in config.workloads.values())
    taken = [ceil_div(plan.index * JOB_SPACE + plan.memory.span_bytes, JOB_SPACE) for plan in plans]
    spaces = max(len(plans), *taken, 0) + (not outside)  # one for masters outside: a trace has its own
    base = spaces * JOB_SPACE
    for number, corunner in sorted(enumerate(config.corunners), key=lambda c: c[1].on):
        core = cores.index(corunner.on)
        if core in of_core:
            raise ConfigError(f"two co-runners on {corunner.on}; a core runs one", key="corunners")
        of_core[core] = _total(rows)
        address = memory_map.address_of(corunner, number)
        first = base + core * JOB_SPACE if address is None else address
        rows.append(corunner_task(corunner, first, config.simulation.seed + 97 * core))
    return np.concatenate(rows), of_core


def build_jobs(config: Config, plans: list[JobPlan], first_core: int) -> np.ndarray:
    """Return the JOB rows; ``first_core``: number of the first core among the masters."""
    jobs = np.zeros(max(1, len(plans)), JOB)
    for plan in plans:
        job = jobs[plan.index]
        on = config.workloads[plan.name].on
        driver = config.system.accelerators[on].driver if plan.accelerator >= 0 else Driver()
        job["accelerator"] = plan.accelerator
        job["core"] = first_core + plan.core if plan.core >= 0 else -1
        job["register_write_fs"] = driver.register_write_fs
        job["interrupt_fs"] = driver.interrupt_fs
        job["submit_fs"] = driver.submit_fs
        job["first_step"], job["step_count"] = plan.first_step, plan.step_count
        job["oldest"] = plan.first_step
        job["frames"], job["frame_period_fs"] = plan.frames, plan.period_fs
        job["jitter_fs"] = plan.jitter_fs
        job["random"] = (config.simulation.seed * 69621 + plan.index * 48271 + 1) & (2**31 - 1)
        job["submitted"] = -1
    return jobs
