"""The event loop: masters, interconnects, caches and memories in any tree, and the drivers of jobs.

Every unit (`soc_state`) has one wake time [fs]. The loop takes the earliest (lowest number on a tie), lets it
take what has arrived in its FIFOs, calls its `advance`, and wakes whoever reads what it pushed. Nothing is
polled.

Helpers on the way of a request take records, not arrays: a record is a bare pointer, while an array
argument costs two atomic reference counts a call, which is more than the work itself.
"""

from typing import Any, NamedTuple

import numpy as np

from hw_models.jit import apart, aside, inlined, njit
from hw_models.port import NEVER
from simulator.kernel import driver, ledger, masters
from simulator.kernel.buses import step_bus
from simulator.kernel.ledger import Ledger
from simulator.kernel.masters import CORE, EXTERNAL, NVDLA, REPLAY, SYSTOLIC
from simulator.kernel.measure import BINS, merge_bins
from simulator.kernel.nodes import step_cache, step_dram, step_ideal
from simulator.kernel.soc_state import ASKS_CLERK, ASKS_STORAGE, INVERSE_BITS, STARTED, Kind
from simulator.kernel.wakes import to_cycles, wake, whole_cycles
from workloads.program import On

ON_FLASH = int(On.FLASH)
DRAM, IDEAL, CACHE = int(Kind.DRAM), int(Kind.IDEAL), int(Kind.CACHE)
RUNNING, DONE, STUCK, OUT_OF_TIME, ASKS = 0, 1, 2, 3, 4
TELLS = 5  # inside the loop: a master is told what it has left for later


class Nodes(NamedTuple):
    """What lies between masters and memory, and the FIFOs between all units."""

    wires: Any  # WIRING
    buses: Any  # BUSES
    caches: np.ndarray  # CACHE
    tags: np.ndarray  # SET, of all caches
    channels: np.ndarray  # CHANNEL
    ideals: np.ndarray  # MEMORY


class Jobs(NamedTuple):
    """The jobs, the steps that they consist of, and what came of both."""

    rows: np.ndarray  # JOB
    steps: np.ndarray  # STEP
    deps: np.ndarray
    records: np.ndarray  # STEP_RECORD of each step
    latencies: np.ndarray  # (jobs, frames) [fs]
    finished: np.ndarray  # (jobs, frames) [fs]
    ledger: Ledger


@njit
def settle(system, nodes, table, jobs, unit):
    """Tell the drivers of the work that the master of ``unit`` has finished."""
    number = unit - system["master_unit"]
    while True:
        found, step, finished = masters.done(system, table, unit)
        if not found:
            return
        for j in range(system["jobs"]):
            job = jobs.rows[j]
            if job["first_step"] <= step < job["first_step"] + job["step_count"]:
                driver.complete(job, jobs.records, step, finished)
                if system["kind"][unit] == CORE:
                    core = table.cores[system["row"][unit]]
                    jobs.records[step]["stall_cycles"] = core["stall_cycles"] - core["stall_before"]
                ledger.end(system, nodes, jobs.ledger, number, step)
            if job["accelerator"] == number or job["core"] == number:  # it may have waited for the room
                wake(system, system["job_unit"] + j, max(system["now_fs"], finished))


@njit
def step_job(system, nodes, table, jobs, unit):
    index = unit - system["job_unit"]
    job, steps, deps, records = jobs.rows[index], jobs.steps, jobs.deps, jobs.records
    time = system["now_fs"]
    while True:
        action, step, next_fs = driver.advance(job, steps, deps, records, time)
        if action == driver.NOTHING:
            break
        if steps[step]["on"] >= ON_FLASH:  # or on a backend: beside this loop
            if system["started"] == STARTED:
                break
            system["started_step"][system["started"]] = step
            system["started"] += 1
            system["asks"] |= ASKS_STORAGE
            driver.began(job, steps, deps, records, step, time)
            continue
        target = system["master_unit"]
        target += job["accelerator"] if action == driver.ENABLE else job["core"]
        cycle = to_cycles(time, system["period_fs"][target])
        if not masters.start(system, table, target, steps[step]["index"], step, cycle):
            break
        driver.began(job, steps, deps, records, step, time)
        ledger.begin(system, nodes, jobs.ledger, target - system["master_unit"], step, job["frame"])
        wake(system, target, time)
    if next_fs < NEVER:
        wake(system, unit, next_fs)
    if driver.frame_is_done(job) and job["frame"] < job["frames"]:
        jobs.finished[index, job["frame"]] = time
        next_fs = driver.next_frame(job, records, jobs.latencies[index], time)
        if job["frames"] > 1:
            system["asks"] |= ASKS_CLERK
        if job["frame"] < job["frames"]:
            wake(system, unit, max(time, next_fs))
        else:
            system["jobs_left"] -= 1


@inlined
def earliest(system):
    """Return the unit to run next and when: the least wake time, the lowest number on a tie.

    Masters and jobs, which come last, are looked at only if one of them may be the next.
    """
    wakes, first = system["wake_fs"], system["master_unit"]
    best, least = 0, wakes[0]
    for unit in range(1, first):
        time = wakes[unit]
        if time < least:
            best, least = unit, time
    if least <= system["masters_fs"]:
        return best, least
    who, far = first, wakes[first]
    for unit in range(first + 1, system["units"]):
        time = wakes[unit]
        if time < far:
            who, far = unit, time
    system["masters_fs"] = far
    return (who, far) if far < least else (best, least)


@inlined
def stops(system):
    """Tell whether the loop is to return at once: no job is left, or Python is asked for."""
    return system["jobs_left"] == 0 or system["asks"] != 0


@inlined
def next_event(system, wires, limit_fs):
    """Return (status, unit, time): RUNNING with who runs next, or why nobody does."""
    unit, time = earliest(system)
    if time <= limit_fs and not stops(system):
        return RUNNING, unit, time
    return before_end(system, wires, limit_fs, time)


@aside
def before_end(system, wires, limit_fs, time):
    """Return (status, unit, time) where a run is to end or to stop, and the next unit's ``time`` would be.

    Before it does, masters are told what they have left for later: TELLS with whom, and by when.
    """
    if stops(system):
        status, until_fs = DONE if system["jobs_left"] == 0 else ASKS, system["now_fs"]
    else:
        status, until_fs = STUCK if time >= NEVER else OUT_OF_TIME, limit_fs
    unit, time = masters.untold(system, wires, until_fs)
    return TELLS if unit >= 0 else status, unit, time


@inlined
def begin(system, measures, status, unit, time):
    """Go on to an event of `next_event`: bins that reach so far, the time, and the count of events."""
    reach(system, measures, time)
    go_on(system, status, unit, time)
    system["events"] += 1


@inlined
def reach(system, measures, time):
    """Have the bins of the traffic's record reach up to ``time``."""
    while time >= BINS * system["bin_fs"]:
        merge_bins(measures)
        system["bin_fs"] *= 2
        system["bin_end_fs"] = 0


@inlined
def go_on(system, status, unit, time):
    """Go on to an event's time."""
    if status == RUNNING:
        system["wake_fs"][unit] = NEVER
    system["now_fs"] = time


@inlined
def horizon(system, limit_fs):
    """Return up to when one event follows the other with no look at a run's end or at bins."""
    return np.int64(-1) if stops(system) else min(limit_fs, BINS * system["bin_fs"] - 1)


@inlined
def cycle_at(system, unit, time):
    """Return a hardware unit's cycle at ``time``, which is an edge of its clock.

    With several clocks it is counted from the unit's last one: a division by a number that the compiler does
    not know would be a tenth of what the loop itself takes.
    """
    if system["one_clock"]:
        return whole_cycles(time, system["one_period_fs"])
    clock = system["clock"][unit]
    gap = time - clock["edge_fs"]
    if gap < clock["near_fs"]:
        clock["cycle"] += gap * clock["inverse"] >> INVERSE_BITS
    else:
        clock["cycle"] = time // system["period_fs"][unit]
    clock["edge_fs"] = time
    return clock["cycle"]


@inlined
def tell(system, nodes, table, jobs, unit):
    """Tell the drivers of what a master has done."""
    system["asks"] |= ASKS_STORAGE * (unit - system["master_unit"] == system["dma"])
    settle(system, nodes, table, jobs, unit)


@njit
def run(systems, measures, nodes, table, jobs, limit_fs, max_events):
    """Simulate up to ``max_events`` events: ``nodes`` Nodes, ``table`` Masters, ``jobs`` Jobs.

    ``systems``, ``wires`` and ``buses`` are arrays of one record: numba takes an array from Python as it is,
    but has numpy spell out all fields of a record. Returns RUNNING, DONE, STUCK, OUT_OF_TIME (the next event
    is past ``limit_fs``) or ASKS (Python is to do what `asks` says).
    """
    if max_events == 0:
        return RUNNING
    inside = Nodes(nodes.wires[0], nodes.buses[0], nodes.caches, nodes.tags, nodes.channels, nodes.ideals)
    return step_events(systems[0], measures, inside, table, jobs, limit_fs, max_events)


@apart("int64")
def step_events(system, measures, nodes, table, jobs, limit_fs, max_events):
    """Do what `run` says: a unit, so that long runs have it compiled for their design."""
    wires, buses, caches, tags = nodes.wires, nodes.buses, nodes.caches, nodes.tags
    channels, ideals, cores, tasks = nodes.channels, nodes.ideals, table.cores, table.tasks
    nvdlas, nvdla_ops, arrays, array_ops = table.nvdlas, table.nvdla_ops, table.arrays, table.array_ops
    replays, replay_ops, externals = table.replays, table.replay_ops, table.externals
    sure_fs = horizon(system, limit_fs)
    for event in range(max_events):
        unit, time = earliest(system)
        if time > sure_fs:
            status, unit, time = next_event(system, wires, limit_fs)
            if status != RUNNING and status != TELLS:
                system["events"] += event
                return status
            reach(system, measures, time)
            sure_fs = horizon(system, limit_fs)
            if status == TELLS:
                go_on(system, status, unit, time)
                row, measure = system["row"][unit], measures[unit - system["master_unit"]]
                masters.step_nvdla(system, wires, buses, measure, nvdlas[row], nvdla_ops, unit, masters.TOLD)
                continue
        go_on(system, RUNNING, unit, time)
        if unit >= system["job_unit"]:
            step_job(system, nodes, table, jobs, unit)
            sure_fs = horizon(system, limit_fs)
            continue
        now = cycle_at(system, unit, time)
        if unit >= system["master_unit"]:
            row, measure = system["row"][unit], measures[unit - system["master_unit"]]
            if system["kind"][unit] == NVDLA:
                told = masters.step_nvdla(system, wires, buses, measure, nvdlas[row], nvdla_ops, unit, now)
            elif system["kind"][unit] == SYSTOLIC:
                told = masters.step_systolic(system, wires, buses, measure, arrays[row], array_ops, unit, now)
            elif system["kind"][unit] == REPLAY:
                told = masters.step_replay(system, wires, buses, measure, replays[row], replay_ops, unit, now)
            elif system["kind"][unit] == EXTERNAL:
                told = masters.step_external(system, wires, buses, measure, externals[row], unit, now)
            else:
                told = masters.step_core(system, wires, buses, measure, cores[row], tasks, unit, now)
            if told:
                tell(system, nodes, table, jobs, unit)
                sure_fs = horizon(system, limit_fs)
        else:
            kind, row = system["kind"][unit], system["row"][unit]
            if kind == DRAM:
                step_dram(system, wires, buses, channels[row], unit, now)
            elif kind == IDEAL:
                step_ideal(system, wires, buses, ideals[row], unit, now)
            elif kind == CACHE:
                step_cache(system, wires, buses, caches[row], tags, unit, now)
            else:
                step_bus(system, wires, buses["bus"][row], unit, now)
    system["events"] += max_events
    return RUNNING
