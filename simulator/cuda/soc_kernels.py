"""The event loop of one SoC in steps: an event of a kind of unit, and what comes next.

`soc.run` on the CPU goes through a point's events in the same order. Here whoever runs the points chooses
when each of them goes on, by what it waits for (`simulator.cuda.queues`).
"""

import numpy as np

from hw_models.jit import inlined, njit
from simulator.cuda.soc_layout import INDEX, OWN, SHARED
from simulator.kernel import buses, masters, nodes, soc

RUN = np.dtype(
    [
        ("status", INDEX),  # what `soc.run` would say; points run while it is RUNNING
        ("limit_fs", INDEX),
        ("left", INDEX),  # events of a launch that are left
        ("now_fs", INDEX),  # how far it came
        ("unit", INDEX),  # whose event is next
        ("kind", INDEX),  # and of which kind
        ("told", INDEX),  # 1: it is only told what it has left for later
        *(
            (name, INDEX, (2,)) for name in (*OWN, *SHARED)
        ),  # its part of a table: first row, one after the last
    ]
)
# kinds of steps: `soc_state.Kind` of nodes, `masters.Kind` of masters behind it, drivers of jobs, the first
DRAM, IDEAL, CACHE, BUS, CORE, NVDLA, SYSTOLIC, REPLAY, EXTERNAL, JOB, START = range(11)
KINDS, MASTERS, ENDED = 11, CORE, -1


@njit
def pick(number, runs, system, measures, lines, table, jobs):
    """Take a point's next event; where it has none, `status` says why."""
    own = runs[number]
    own["now_fs"], own["kind"], own["status"] = system["now_fs"], ENDED, soc.RUNNING
    if own["left"] == 0:
        return
    status, unit, time = soc.next_event(system, lines.wires, own["limit_fs"])
    if status != soc.RUNNING and status != soc.TELLS:
        own["status"] = status
        return
    own["left"] -= 1
    own["unit"], own["told"] = unit, status == soc.TELLS
    soc.begin(system, measures, status, unit, time)
    if unit >= system["job_unit"]:
        own["kind"] = JOB
    else:
        own["kind"] = system["kind"][unit] + MASTERS * (unit >= system["master_unit"])


@inlined
def node(own, system):
    """Return the unit whose event it is, its row, and its cycle."""
    unit = own["unit"]
    now = masters.TOLD if own["told"] else soc.cycle_at(system, unit, system["now_fs"])
    return unit, system["row"][unit], now


@njit
def start(number, runs, system, measures, lines, table, jobs):
    """A point's first step: nothing."""


@njit
def job(number, runs, system, measures, lines, table, jobs):
    soc.step_job(system, lines, table, jobs, runs[number]["unit"])


@njit
def core(number, runs, system, measures, lines, table, jobs):
    unit, row, now = node(runs[number], system)
    measure = measures[unit - system["master_unit"]]
    state = table.cores[row]
    if masters.step_core(system, lines.wires, lines.buses, measure, state, table.tasks, unit, now):
        soc.tell(system, lines, table, jobs, unit)


@njit
def nvdla(number, runs, system, measures, lines, table, jobs):
    unit, row, now = node(runs[number], system)
    measure = measures[unit - system["master_unit"]]
    state, ops = table.nvdlas[row], table.nvdla_ops
    if masters.step_nvdla(system, lines.wires, lines.buses, measure, state, ops, unit, now):
        soc.tell(system, lines, table, jobs, unit)


@njit
def systolic(number, runs, system, measures, lines, table, jobs):
    unit, row, now = node(runs[number], system)
    measure = measures[unit - system["master_unit"]]
    state, ops = table.arrays[row], table.array_ops
    if masters.step_systolic(system, lines.wires, lines.buses, measure, state, ops, unit, now):
        soc.tell(system, lines, table, jobs, unit)


@njit
def replay(number, runs, system, measures, lines, table, jobs):
    unit, row, now = node(runs[number], system)
    measure = measures[unit - system["master_unit"]]
    state, ops = table.replays[row], table.replay_ops
    if masters.step_replay(system, lines.wires, lines.buses, measure, state, ops, unit, now):
        soc.tell(system, lines, table, jobs, unit)


@njit
def dram(number, runs, system, measures, lines, table, jobs):
    unit, row, now = node(runs[number], system)
    nodes.step_dram(system, lines.wires, lines.buses, lines.channels[row], unit, now)


@njit
def ideal(number, runs, system, measures, lines, table, jobs):
    unit, row, now = node(runs[number], system)
    nodes.step_ideal(system, lines.wires, lines.buses, lines.ideals[row], unit, now)


@njit
def cache(number, runs, system, measures, lines, table, jobs):
    unit, row, now = node(runs[number], system)
    nodes.step_cache(system, lines.wires, lines.buses, lines.caches[row], lines.tags, unit, now)


@njit
def bus(number, runs, system, measures, lines, table, jobs):
    unit, row, now = node(runs[number], system)
    buses.step_bus(system, lines.wires, lines.buses["bus"][row], unit, now)
