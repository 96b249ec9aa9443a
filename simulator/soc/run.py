"""Running a machine until its jobs are done, the time is up, or nothing can go on."""

import time
from typing import Any

from hw_models.errors import ConfigError, StuckError
from hw_models.flash.limits import within_limits
from hw_models.jit import entry
from hw_models.port import NEVER
from hw_models.units import END_FS, FS, FS_PER_S, TIME_UNITS, format_quantity
from simulator.kernel import soc
from simulator.kernel.masters import Masters
from simulator.kernel.soc_state import ASKS_CLERK, ASKS_STORAGE
from simulator.kernel.tuned import Tuned
from simulator.kernel.warm import (
    compile_loop,
    compile_masters,
    compile_memory_side,
    kinds_of,
    second_compiler,
)
from simulator.progress import Progress
from simulator.soc.machine import Machine
from simulator.soc.who_waits import unanswered, who_waits

USUAL_FS = 10 * FS_PER_S
SLICE_S = 0.2  # of the kernel between two looks of Python: at signals, and of the progress bar
FEWEST_EVENTS = 50_000  # of a slice; never so many at one time of the simulation


def kernel_arguments(machine: Machine) -> tuple[Any, ...]:
    """Return the kernel's arguments up to the limits, in its order."""
    m = machine
    fleets = [table for fleet in m.fleets.values() for table in fleet]
    tables = [m.cores, m.tasks, *fleets, m.externals]
    return (
        m.system,
        m.measures,
        m.nodes._replace(wires=m.wired.wires, buses=m.wired.buses),
        Masters(*tables),
        soc.Jobs(m.jobs, m.steps, m.deps, m.records, m.latencies, m.finished, m.ledger),
    )


def compiled(machine: Machine) -> tuple[Any, ...]:
    """Compile the kernel for ``machine``, or load what was compiled. Returns its `kernel_arguments`."""
    arguments = kernel_arguments(machine)
    nodes, masters = kinds_of(machine.system)
    with second_compiler(nodes, masters) as left:
        compile_masters(left, arguments[1], arguments[3])
        compile_loop()
        soc.run(*arguments, 0, 0)
        if machine.storage is not None:
            with within_limits():
                machine.storage.load_kernels()
    compile_memory_side(nodes)
    compile_masters(masters, arguments[1], arguments[3])
    return arguments


def run_machine(machine: Machine, progress: Progress | None = None) -> float:
    """Run until the jobs are done or the time is up; return the kernel's own seconds."""
    limit_fs, timed = limit_of(machine)
    arguments = compiled(machine)
    started, spent, events = time.perf_counter(), 0.0, FEWEST_EVENTS
    status = soc.RUNNING
    with Tuned(*arguments[:4]) as tuned:
        while status == soc.RUNNING:
            since_fs, before = int(machine.system[0]["now_fs"]), spent
            status = run_slice(machine, arguments, limit_fs, events)
            spent = time.perf_counter() - started
            if status == soc.RUNNING and int(machine.system[0]["now_fs"]) == since_fs:
                raise StuckError(who_waits(machine, f"time stands still: {events} events"))
            events = max(FEWEST_EVENTS, min(2 * events, int(events * SLICE_S / max(spent - before, 1e-6))))
            if progress is not None:
                progress(
                    fraction_done(machine, timed), int(machine.system[0]["now_fs"]) * FS, requests_of(machine)
                )
            tuned.look(spent)
    ended(machine, status)
    return spent


def limit_of(machine: Machine) -> tuple[int, int | None]:
    """Return when a run is to end [fs], and when the config says that it ends, None: when its jobs do."""
    simulation = machine.config.simulation
    if isinstance(simulation.until, int):
        return simulation.until, simulation.until
    usual_fs = END_FS if machine.own_names else USUAL_FS
    return (usual_fs if simulation.max_time_fs is None else simulation.max_time_fs), None


def ended(machine: Machine, status: int) -> None:
    """Take how a run has ended: at its limit time stands there. Raises StuckError, ConfigError."""
    limit_fs, timed = limit_of(machine)
    if status == soc.STUCK and (timed is None or unanswered(machine)):
        raise StuckError(who_waits(machine, "nothing can go on"))
    if timed is not None and status in (soc.OUT_OF_TIME, soc.STUCK):
        machine.system[0]["now_fs"] = timed
    elif status == soc.OUT_OF_TIME:
        done, total = steps_done(machine)
        raise ConfigError(
            f"{format_quantity(limit_fs, TIME_UNITS)} of simulated time passed with {done} of {total} steps "
            "done; raise it, or shorten the run",
            key="simulation.max_time",
        )


def run_slice(machine: Machine, arguments: tuple[Any, ...], limit_fs: int, events: int) -> int:
    """Run ``events`` of the simulation, the shared flash with it. Returns what `soc.run` says of it."""
    storage, system, run = machine.storage, machine.system[0], entry(soc.run)
    end = int(system["events"]) + events
    while (left := end - int(system["events"])) > 0:
        next_fs = storage.next_fs() if storage is not None else int(NEVER)
        status = run(*arguments, min(limit_fs, next_fs), min(left, machine.queues.events_to_next()))
        machine.queues.look()
        if status == soc.RUNNING:
            continue
        if status == soc.ASKS:
            with within_limits():
                answer(machine)
        elif storage is None:
            return status
        elif status in (soc.OUT_OF_TIME, soc.STUCK) and next_fs <= limit_fs and next_fs < NEVER:
            with within_limits():
                storage.advance(next_fs)
        elif status == soc.STUCK and next_fs < NEVER:
            return soc.OUT_OF_TIME
        else:
            return status
    return soc.RUNNING


def answer(machine: Machine) -> None:
    """Do what the event loop asks for."""
    asks = int(machine.system[0]["asks"])
    if asks & ASKS_CLERK:
        machine.clerk.serve()
    if asks & ASKS_STORAGE and machine.storage is not None:
        machine.storage.serve()


def requests_of(machine: Machine) -> int:
    """Return the requests so far to the system's memory; without one, to flash."""
    if machine.own_names and machine.storage is not None:
        return int(machine.storage.summary().get("requests", 0))
    return int(machine.measures["reads"].sum() + machine.measures["writes"].sum())


def steps_done(machine: Machine) -> tuple[int, int]:
    """Return (steps done, steps in all) over all frames of all jobs."""
    done = total = 0
    for plan in machine.plans:
        job = machine.jobs[plan.index]
        total += plan.frames * plan.step_count
        done += int(job["frame"]) * plan.step_count
        if job["frame"] < job["frames"]:
            done += int(job["oldest"] - job["first_step"])
    return done, total


def fraction_done(machine: Machine, timed: int | None) -> float:
    if timed is not None:
        return min(1.0, int(machine.system[0]["now_fs"]) / timed)
    done, total = steps_done(machine)
    return done / total if total else 1.0
