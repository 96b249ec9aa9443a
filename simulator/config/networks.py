"""The networks of a config, read and lowered: what `run` would refuse, without running."""

from hw_models.errors import ConfigError
from hw_models.replay.params import Replay
from simulator.config.memory_map import MemoryMap
from simulator.config.model import Config
from workloads import lower
from workloads.bus.params import TraceJob
from workloads.llm.check import check
from workloads.llm.kv import flash_end
from workloads.llm.params import LlmJob
from workloads.lowering.homes import Homes
from workloads.lowering.layout import round_up
from workloads.lowering.storage import add_storage
from workloads.params import NetworkJob
from workloads.program import Program

JOB_SPACE = 1 << 32  # addresses a job may use; co-runners come behind the jobs


def network_program(
    config: Config, name: str, job: NetworkJob, base_address: int = 0, homes: Homes | None = None
) -> Program:
    """Return the program of a network job. Raises ConfigError with the key and line of what is wrong."""
    simd = config.system.cores[job.fallback].simd if job.fallback else 1
    accelerator = config.system.accelerators[job.on]
    if isinstance(accelerator, Replay):
        message = f"{job.on} is of kind replay, which computes nothing; write a trace, or another accelerator"
        raise ConfigError(message, key=f"workloads.{name}.on")
    try:
        program = lower(job, accelerator, base_address, simd, homes)
    except ConfigError as error:
        raise error.under(f"workloads.{name}") from None
    if job.fallback is None and len(program.tasks):
        raise ConfigError(
            f"the network has layers that {job.on} cannot run; write fallback: and a core",
            key=f"workloads.{name}.fallback",
        )
    alone = len(config.workloads) == 1 and not config.system.masters
    if program.memory.span_bytes > JOB_SPACE and not alone:
        raise ConfigError(
            f"needs {program.memory.span_bytes} B of memory; a job beside others has {JOB_SPACE}; "
            "write a smaller input, or the job alone",
            key=f"workloads.{name}.network",
        )
    return program


def trace_program(config: Config, name: str, job: TraceJob, base_address: int = 0) -> Program:
    """Return the program of a job that replays a bus trace. Raises ConfigError as `network_program`."""
    from workloads.bus.program import lower_trace

    replay = config.system.accelerators[job.on]
    if not isinstance(replay, Replay):
        message = f"{job.on} is of kind {replay.kind}, which replays no trace; write one of kind replay"
        raise ConfigError(message, key=f"workloads.{name}.on")
    try:
        return lower_trace(job, replay, base_address, JOB_SPACE)
    except ConfigError as error:
        raise error.under(f"workloads.{name}") from None


def room_on_flash(config: Config, name: str, used: int, size: int) -> int:
    """Return where the next job's data begin on flash. Raises ConfigError if there is no room."""
    if size == 0:
        return used
    flash, job = config.system.flash, config.workloads[name]
    if flash is None:
        raise ConfigError(
            "asks for flash, and there is none; write system.flash", key=f"workloads.{name}.storage"
        )
    end = used + round_up(size, flash.page_bytes)
    if end > flash.capacity_bytes:
        message = f"{name} needs {size} B on flash; {flash.capacity_bytes - used} B are left"
        raise ConfigError(message, key="system.flash")
    if isinstance(job, NetworkJob) and job.storage and job.storage.record_bytes and not flash.writable:
        message = "records, and the device can only be read; write writable: true"
        raise ConfigError(message, key="system.flash.writable")
    return end


def check_corunners(config: Config, memory_map: MemoryMap) -> None:
    """Raise ConfigError for two co-runners on a core, and for memory out of reach or taken."""
    taken = set[str]()
    for number, corunner in sorted(enumerate(config.corunners), key=lambda item: item[1].on):
        if corunner.on in taken:
            raise ConfigError(f"two co-runners on {corunner.on}; a core runs one", key="corunners")
        taken.add(corunner.on)
        memory_map.address_of(corunner, number)


def check_networks(config: Config) -> None:
    """Raise what running the config's jobs and co-runners would raise before its first cycle."""
    memory_map, on_flash = MemoryMap(config), 0
    try:
        for name in sorted(config.workloads):
            job, size = config.workloads[name], 0
            if isinstance(job, NetworkJob):
                program = network_program(config, name, job, 0, memory_map.homes(name))
                size = add_storage(program, job.storage, 0, on_flash) if job.storage is not None else 0
            elif isinstance(job, TraceJob):
                trace_program(config, name, job)
            elif isinstance(job, LlmJob):
                plan, _, reads_flash = check(name, job, config.system)
                size = flash_end(plan) if reads_flash else 0
            on_flash = room_on_flash(config, name, on_flash, size)
        check_corunners(config, memory_map)
    except ConfigError as error:
        raise config.locate(error) from None
