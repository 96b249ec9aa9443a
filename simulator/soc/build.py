"""A config made into the arrays that the kernel runs on.

Masters are numbered by name, accelerators first, then cores; jobs by name: the order in which a config
lists them changes nothing.
"""

import numpy as np

from hw_models.axi.build import build_agent
from hw_models.axi.state import AGENT
from hw_models.cpu.block import start_background
from hw_models.cpu.build import build_core
from hw_models.cpu.state import CORE
from hw_models.width import check_width
from simulator.config.memory_map import MemoryMap
from simulator.config.model import Config
from simulator.config.networks import JOB_SPACE
from simulator.config.topology import cores_of, own_backends
from simulator.config.wiring_rules import is_wide
from simulator.kernel.driver import STEP_RECORD
from simulator.kernel.ledger import new_ledger
from simulator.kernel.masters import Kind
from simulator.kernel.measure import MASTER
from simulator.soc.accelerators import KINDS, Fleet
from simulator.soc.beside import Backends
from simulator.soc.clerk import Clerk
from simulator.soc.jobs import Tables, build_jobs, corunner_tasks, lower_jobs, stack
from simulator.soc.machine import Machine
from simulator.soc.pages import frames_of
from simulator.soc.storage import Storage, dma_row
from simulator.soc.wires import build_wires
from workloads.program import Program

FIRST_BIN_FS = 10**9  # bandwidth over time starts with bins of 1 us


def build_machine(config: Config, short: Program | None = None) -> Machine:
    """Return the machine of ``config``, with every job lowered. Raises ConfigError.

    ``short``: a program that stands for that of the only job.
    """
    system = config.system
    check_width(is_wide(system, config.workloads))
    core_table = cores_of(system, config.workloads)
    accelerator_names, core_names = sorted(system.accelerators), sorted(core_table)
    external_names = sorted(system.masters)
    masters = accelerator_names + core_names + external_names
    memory_map = MemoryMap(config)
    plans, tables, programs = lower_jobs(config, accelerator_names, core_names, memory_map, short)
    tasks, endless = corunner_tasks(config, tables.tasks, core_names, memory_map, plans)
    first_core = len(accelerator_names)
    cores = stack(
        [
            build_core(core_table[name], first_core + i, config.simulation.seed)
            for i, name in enumerate(core_names)
        ],
        CORE,
    )
    wired = build_wires(memory_map.topology, config.simulation.seed)
    machine = Machine(
        config=config,
        accelerator_names=accelerator_names,
        core_names=core_names,
        external_names=external_names,
        plans=plans,
        wired=wired,
        fleets=_fleets(config, accelerator_names, tables),
        cores=cores,
        externals=stack(
            [
                build_agent(
                    system.masters[name], first_core + len(core_names) + i, *_room(config, core_names)
                )
                for i, name in enumerate(external_names)
            ],
            AGENT,
        ),
        tasks=dma_row(tasks),
        spans_fs=[span for program in programs for span in program.spans_fs],
        own_names=own_backends(system, config.workloads),
        ledger=new_ledger(wired.master_unit, max(1, len(masters))),
        steps=tables.steps,
        deps=tables.deps,
        measures=np.zeros(max(1, len(masters)), MASTER),
        jobs=build_jobs(config, plans, first_core),
        records=np.zeros(max(1, len(tables.steps)), STEP_RECORD),
        latencies=np.zeros((max(1, len(plans)), max([p.frames for p in plans], default=1)), np.int64),
        finished=np.zeros((max(1, len(plans)), max([p.frames for p in plans], default=1)), np.int64),
    )
    machine.clerk = Clerk(machine)
    _number(machine)
    batches = [batch for program in programs for batch in program.batches]
    if batches and system.flash is not None:
        storage = Storage(system.flash, batches, machine)
        machine.storage = storage
        machine.system[0]["dma"] = first_core + storage.dma if storage.dma >= 0 else -1
    elif machine.spans_fs:
        machine.storage = Backends(batches, machine)
    if config.system.dram is not None and config.system.dram.partition:
        machine.system[0]["frames"] = frames_of(machine, endless)
    _start(machine, endless)
    return machine


def _room(config: Config, core_names: list[str]) -> tuple[int, int]:
    """Return where addresses of outside masters lie: behind the jobs; from 4 GiB on behind co-runners too."""
    jobs = len(config.workloads) * JOB_SPACE
    return jobs, jobs + len(core_names) * JOB_SPACE


def _fleets(config: Config, names: list[str], tables: Tables) -> dict[str, Fleet]:
    """Return the accelerators of every kind; ``names``: of all of them, in the order of their numbers."""
    accelerators = config.system.accelerators
    fleets = {}
    for kind, made in KINDS.items():
        states = [
            made.build(accelerators[name], master=number)
            for number, name in enumerate(names)
            if accelerators[name].kind == kind
        ]
        ops = tables.ops[kind]
        records = np.zeros(len(ops), made.record)
        fleets[kind] = Fleet(stack(states, made.state), ops, records, tables.owners[kind])
    return fleets


def _number(machine: Machine) -> None:
    """Number the jobs' units behind the masters', and set up what is counted."""
    row, masters = machine.system[0], len(machine.master_names)
    row["jobs"] = row["jobs_left"] = len(machine.plans)
    if machine.external_names or (not machine.plans and machine.config.simulation.until != "workloads"):
        row["jobs_left"] += 1  # whoever stands outside says when; co-runners alone: until the time is up
    row["job_unit"] = row["master_unit"] + masters
    row["units"] = row["job_unit"] + len(machine.plans)
    for number in range(masters):
        unit, core = row["master_unit"] + number, number - len(machine.accelerator_names)
        external = core - len(machine.core_names)
        if external >= 0:
            row["kind"][unit], row["row"][unit] = Kind.EXTERNAL, external
            continue
        kind = "core" if core >= 0 else machine.accelerator_kind(number)
        row["kind"][unit] = Kind[kind.upper()]
        row["row"][unit] = core if core >= 0 else machine.row_in_fleet(number)
        if row["kind"][unit] == Kind.NVDLA and row["one_clock"]:
            for fifo in machine.nodes.wires["fifo"][row["node"][unit]["down"] :][:2]:
                fifo["asks"] = fifo["bit"] > 0
    row["bin_fs"] = FIRST_BIN_FS
    periods = row["period_fs"]
    machine.measures["period_fs"][:masters] = periods[row["master_unit"] : row["master_unit"] + masters]


def _start(machine: Machine, endless: dict[int, int]) -> None:
    """Wake the jobs and the co-runners at time zero."""
    row = machine.system[0]
    for plan in machine.plans:
        row["wake_fs"][row["job_unit"] + plan.index] = 0
    for core, task in endless.items():
        start_background(machine.cores[core], machine.tasks, task, 0)
        row["wake_fs"][row["master_unit"] + len(machine.accelerator_names) + core] = 0
