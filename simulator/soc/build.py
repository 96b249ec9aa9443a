"""A config made into the arrays that the kernel runs on.

Masters are numbered by name, accelerators first, then cores; jobs by name: the order in which a config
lists them changes nothing.
"""

import numpy as np

from hw_models.cache.build import build_cache
from hw_models.cache.build import down_limit as llc_down_limit
from hw_models.cache.replacement import SET
from hw_models.cache.state import CACHE
from hw_models.cpu.block import start_background
from hw_models.cpu.build import build_core
from hw_models.cpu.state import CORE
from hw_models.dram.build import build_channels, channel_shift
from hw_models.errors import ConfigError
from hw_models.ideal.build import build as build_ideal
from hw_models.ideal.state import MEMORY
from hw_models.interconnect.build import build_interconnect, down_limit
from hw_models.interconnect.state import INTERCONNECT
from hw_models.nvdla.build import build as build_accelerator
from hw_models.nvdla.state import NVDLA, RECORD
from hw_models.port import FIFO_ROWS, MASTERS, NEVER, WIRING
from hw_models.units import period_fs
from simulator.config.model import Config
from simulator.kernel.driver import STEP_RECORD
from simulator.kernel.measure import MASTER
from simulator.kernel.soc_state import (
    ANSWERS,
    BUS_DOWN,
    LLC_DOWN,
    LLC_UP,
    REQUESTS,
    SYSTEM,
)
from simulator.soc.jobs import build_jobs, cores_of, corunner_tasks, lower_jobs, stack, uses_flash
from simulator.soc.machine import Machine
from simulator.soc.pages import frames_of
from simulator.soc.storage import DMA, Storage, dma_row

REQUEST_ROWS = 2  # of a master's request FIFO: a skid buffer at its port
QUEUE_ROWS = 8  # of the FIFO into the LLC or memory, beside what is on the way
FIRST_BIN_FS = 10**9  # bandwidth over time starts with bins of 1 us


def build_machine(config: Config) -> Machine:
    """Return the machine of ``config``, with every job lowered. Raises ConfigError."""
    system = config.system
    core_table = cores_of(config)
    accelerator_names, core_names = sorted(system.accelerators), sorted(core_table)
    masters = accelerator_names + core_names
    _check_shape(config, masters)
    plans, tables, batches = lower_jobs(config, accelerator_names, core_names)
    tasks, endless = corunner_tasks(config, tables["tasks"], core_names)
    accelerators = stack(
        [
            build_accelerator(system.accelerators[name].values(), master=i)
            for i, name in enumerate(accelerator_names)
        ],
        NVDLA,
    )
    first_core = len(accelerator_names)
    cores = stack(
        [
            build_core(core_table[name], first_core + i, config.simulation.seed)
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
        tasks=dma_row(tasks),
        system=np.zeros(1, SYSTEM),
        wires=_build_wires(config),
        measures=np.zeros(max(1, len(masters)), MASTER),
        jobs=build_jobs(config, plans),
        records=np.zeros(max(1, len(tables["steps"])), STEP_RECORD),
        op_records=np.zeros(max(1, len(tables["ops"])), RECORD),
        latencies=np.zeros((max(1, len(plans)), max([p.frames for p in plans], default=1)), np.int64),
        finished=np.zeros((max(1, len(plans)), max([p.frames for p in plans], default=1)), np.int64),
        **{k: v for k, v in tables.items() if k != "tasks"},
        **{k: v for k, v in memory.items() if k != "count"},
    )
    _wire(machine, memory["count"])
    if batches and system.flash is not None:
        storage = Storage(system.flash, batches, machine)
        machine.storage, machine.system[0]["dma"] = storage, storage.dma
    if config.system.dram is not None and config.system.dram.partition:
        machine.system[0]["frames"] = frames_of(machine, endless)
    _start(machine, endless)
    return machine


def _check_shape(config: Config, masters: list[str]) -> None:
    system = config.system
    if uses_flash(config) and DMA in {*system.accelerators, *system.cores, *system.backends}:
        raise ConfigError(f"{DMA!r} is the name of the DMA of flash; choose another", key="system")
    if len(masters) > MASTERS:
        raise ConfigError(f"{len(masters)} accelerators and cores; at most {MASTERS} fit", key="system")
    if system.interconnect is None and (len(masters) > 1 or system.llc is not None):
        raise ConfigError(
            f"absent, yet {len(masters)} masters{' and an LLC' if system.llc else ''} need one; "
            "write interconnect: {width: 8 B, latency: 20 cycles}",
            key="system.interconnect",
        )


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
    core_table = cores_of(config)
    widths += [core_table[n].line_bytes for n in sorted(core_table)]
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
    if not machine.plans and config.simulation.until != "workloads":
        row["jobs_left"] = 1  # co-runners alone, until the time is up
    row["llc_unit"], row["bus_unit"], row["master_unit"] = channels, channels + 1, channels + 2
    row["job_unit"] = channels + 2 + masters
    row["units"] = row["job_unit"] + len(machine.plans)
    row["wake_fs"] = NEVER
    row["core_step"] = row["offered"] = row["dma"] = -1
    row["bin_fs"] = FIRST_BIN_FS
    clocks = [_clock_hz(config, "memory")] * channels
    clocks += [_clock_hz(config, "llc"), _clock_hz(config, "bus")]
    clocks += [system.accelerators[name].clock_hz for name in machine.accelerator_names]
    clocks += [cores_of(config)[name].clock_hz for name in machine.core_names]
    periods = row["period_fs"]
    periods[:] = 1
    periods[: len(clocks)] = [period_fs(clock) for clock in clocks]
    if system.dram is not None:
        periods[:channels] = machine.channels[0]["period_fs"]
    row["one_clock"] = len(set(periods[: len(clocks)].tolist())) == 1
    machine.measures["period_fs"][:masters] = periods[row["master_unit"] : row["master_unit"] + masters]


def _start(machine: Machine, endless: dict[int, int]) -> None:
    """Wake the jobs and the co-runners at time zero."""
    row = machine.system[0]
    for plan in machine.plans:
        row["wake_fs"][row["job_unit"] + plan.index] = 0
    for core, task in endless.items():
        start_background(machine.cores[core], machine.tasks, task, 0)
        row["wake_fs"][row["master_unit"] + len(machine.accelerator_names) + core] = 0
