"""The kinds of master. docs/blocks.md says what a kind must do.

A master starts work (`start`), takes answers and goes on (`step_<kind>`), and tells what is done (`done`).
The event loop (`soc.run`) chooses among the steps itself, each with its own rows: passing all tables in one
tuple would count references to every one of them at every event. Requests leave through two FIFOs a port,
reads and writes; answers come back through one.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from hw_models.axi import block as axi
from hw_models.cpu import block as core
from hw_models.jit import apart, inlined, njit
from hw_models.nvdla import block as nvdla
from hw_models.nvdla.mcif import read_followed
from hw_models.nvdla.quiet import following_reads, quiet_answers
from hw_models.pages import translate
from hw_models.port import FIFO_ROWS, front
from hw_models.replay import block as replay
from hw_models.systolic import block as systolic
from simulator.kernel.buses import ask_bus, pass_on
from simulator.kernel.measure import bin_of, note_request, note_response
from simulator.kernel.wakes import (
    seen_fs,
    take,
    to_cycles,
    visible,
    wake_at_edge,
    wake_master,
    wake_reader,
)


class Kind(IntEnum):
    CORE = 0
    NVDLA = 1
    SYSTOLIC = 2
    REPLAY = 3
    EXTERNAL = 4  # stands outside: `simulator.cosim` says what it asks for


class Masters(NamedTuple):
    """The rows of every kind of master, and the tables of the work that they are given.

    Of an accelerator: operations, the RECORD of each once it is done, and the OWNER of each.
    """

    cores: np.ndarray
    tasks: np.ndarray
    nvdlas: np.ndarray
    nvdla_ops: np.ndarray
    nvdla_records: np.ndarray
    nvdla_owners: np.ndarray
    arrays: np.ndarray  # systolic
    array_ops: np.ndarray
    array_records: np.ndarray
    array_owners: np.ndarray
    replays: np.ndarray
    replay_ops: np.ndarray
    replay_records: np.ndarray
    replay_owners: np.ndarray
    externals: np.ndarray


CORE, NVDLA, SYSTOLIC, REPLAY = int(Kind.CORE), int(Kind.NVDLA), int(Kind.SYSTOLIC), int(Kind.REPLAY)
EXTERNAL = int(Kind.EXTERNAL)
TOLD = -1  # for a cycle: it is only told what has happened; this may be between two edges of its clock


@inlined
def note_new(system, fifo, before, measure, number):
    """Count and stamp the requests that a master has pushed behind the first ``before``."""
    for i in range(before, fifo["count"]):
        row = fifo["rows"][(fifo["head"] + i) % FIFO_ROWS]
        row["issued"] = row["time"] * system["period_fs"][system["master_unit"] + number]
        row["master"] = number
        if system["frames"]["on"]:
            row["address"] = translate(system["frames"], row["address"])
        note_request(measure, row)


@inlined
def send_new(system, buses, fifo, before, measure, number):
    """Pass on what a master has pushed behind the first ``before`` rows."""
    if fifo["count"] > before:
        note_new(system, fifo, before, measure, number)
        pass_on(system, buses, fifo)


@inlined
def arrived(system, answers, unit):
    """Return the cycle of ``unit`` from which it could see the oldest answer."""
    if system["one_clock"]:
        return front(answers)["time"]
    return to_cycles(seen_fs(system, answers), system["period_fs"][unit])


@inlined
def begin_again(reads, measure):
    """Count the requests that followed since a master's last call, and let no more. Returns how many."""
    gone = reads["followed"]
    if gone:
        measure["reads"] += gone
        measure["read_bytes"] += gone * reads["rows"][reads["followed_from"]]["bytes"]
        reads["followed"] = 0
    reads["following"] = 0
    return gone


@inlined
def followed_before(state, reads, gone, cycle):
    """Tell an NVDLA of those of its last ``gone`` bursts that followed before ``cycle``. Returns the rest."""
    while gone:
        row = reads["rows"][reads["followed_from"]]
        if row["time"] >= cycle:
            break
        read_followed(state, row["stream"], row["time"])
        reads["followed_from"] = (reads["followed_from"] + 1) % FIFO_ROWS
        gone -= 1
    return gone


@njit
def untold(system, wires, until_fs):
    """Return (unit, time [fs]) of a master that is to be told what happened by ``until_fs``; -1: of none."""
    for unit in range(system["master_unit"], system["job_unit"]):
        node = system["node"][unit]
        if system["wake_fs"][unit] <= system["now_fs"]:
            continue
        if wires["fifo"][node["down"]]["followed"]:
            return unit, system["now_fs"]
        for port in range(node["answer_count"]):
            answers = wires["fifo"][node["answers"][port]]
            if answers["quiet"] and answers["count"]:
                time = arrived(system, answers, unit) * system["period_fs"][unit]
                if time <= until_fs:
                    return unit, max(time, system["now_fs"])
    return -1, until_fs


@apart("boolean")
def step_nvdla(system, wires, buses, measure, state, ops, unit, now):
    """Let an NVDLA take its answers and do all that is due. Returns whether work is done.

    With ``now`` TOLD it takes those that it has left for later and that had arrived by the last edge of its
    clock, and does nothing: nothing is due, and its next edge is the first at which it sees what is new.
    """
    number, node, ports = unit - system["master_unit"], system["node"][unit], 1 + state["cvsram"]
    down, period = node["down"], system["period_fs"][unit]
    reads, writes = wires["fifo"][down], wires["fifo"][down + 1]
    if reads["asks_fs"] and reads["asks_fs"] == system["now_fs"] and now != TOLD:
        ask_bus(system, buses, reads, writes, now)
    gone, last = begin_again(reads, measure), now
    if now == TOLD:
        last = system["now_fs"] // period
    for port in range(ports):
        answers = wires["fifo"][node["answers"][port]]
        while answers["count"] > 0:
            cycle = arrived(system, answers, unit)
            if cycle > last:
                break
            if answers["quiet"] == 0:
                if now == TOLD:
                    break
                cycle = now
            elif now == TOLD:
                answers["quiet"] -= 1
            gone = followed_before(state, reads, gone, cycle)
            note_response(measure, front(answers), cycle * period, bin_of(system, cycle * period))
            nvdla.respond(state, front(answers), cycle)
            take(system, answers)
    followed_before(state, reads, gone, last + 1)
    if now == TOLD:
        return False
    second = down + 2 * state["cvsram"]
    cv_reads, cv_writes = wires["fifo"][second], wires["fifo"][second + 1]
    reads_before, writes_before = reads["count"], writes["count"]
    cv_reads_before, cv_writes_before = cv_reads["count"], cv_writes["count"]
    wake_master(system, unit, nvdla.advance_both(state, ops, now, reads, writes, cv_reads, cv_writes))
    send_new(system, buses, reads, reads_before, measure, number)
    send_new(system, buses, writes, writes_before, measure, number)
    if state["cvsram"]:
        send_new(system, buses, cv_reads, cv_reads_before, measure, number)
        send_new(system, buses, cv_writes, cv_writes_before, measure, number)
    for port in range(ports):
        answers = wires["fifo"][node["answers"][port]]
        answers["quiet"] = quiet_answers(state)
        wake_reader(system, answers)
    if system["one_clock"] and reads["bit"] and not system["frames"]["on"]:
        reads["following"] = following_reads(state, reads, now)
    if reads["asks_fs"]:
        wake_at_edge(system, unit, reads["asks_fs"])
    return state["taken"] < state["done_count"]


@apart("boolean")
def step_systolic(system, wires, buses, measure, state, ops, unit, now):
    """As `step_nvdla`, for a systolic array."""
    number, node = unit - system["master_unit"], system["node"][unit]
    answers = wires["fifo"][node["answers"][0]]
    while visible(system, answers):
        note_response(measure, front(answers), system["now_fs"], bin_of(system, system["now_fs"]))
        systolic.respond(state, front(answers), now)
        take(system, answers)
    wake_reader(system, answers)
    reads, writes = wires["fifo"][node["down"]], wires["fifo"][node["down"] + 1]
    reads_before, writes_before = reads["count"], writes["count"]
    wake_master(system, unit, systolic.advance(state, ops, now, reads, writes))
    send_new(system, buses, reads, reads_before, measure, number)
    send_new(system, buses, writes, writes_before, measure, number)
    return state["taken"] < state["finished"]


@apart("boolean")
def step_replay(system, wires, buses, measure, state, ops, unit, now):
    """As `step_nvdla`, for a recorded bus trace."""
    number, node = unit - system["master_unit"], system["node"][unit]
    answers = wires["fifo"][node["answers"][0]]
    while visible(system, answers):
        note_response(measure, front(answers), system["now_fs"], bin_of(system, system["now_fs"]))
        replay.respond(state, front(answers), now)
        take(system, answers)
    wake_reader(system, answers)
    reads, writes = wires["fifo"][node["down"]], wires["fifo"][node["down"] + 1]
    reads_before, writes_before = reads["count"], writes["count"]
    wake_master(system, unit, replay.advance(state, ops, now, reads, writes))
    send_new(system, buses, reads, reads_before, measure, number)
    send_new(system, buses, writes, writes_before, measure, number)
    return state["taken"] < state["finished"]


@apart("boolean")
def step_core(system, wires, buses, measure, state, tasks, unit, now):
    """As `step_nvdla`, for a core."""
    number, node = unit - system["master_unit"], system["node"][unit]
    answers = wires["fifo"][node["answers"][0]]
    while visible(system, answers):
        note_response(measure, front(answers), system["now_fs"], bin_of(system, system["now_fs"]))
        core.respond(state, front(answers), now)
        take(system, answers)
    wake_reader(system, answers)
    out = wires["fifo"][node["down"]]
    before = out["count"]
    wake_master(system, unit, core.advance(state, tasks, now, out))
    send_new(system, buses, out, before, measure, number)
    return state["done_task"] >= 0


@apart("boolean")
def step_external(system, wires, buses, measure, state, unit, now):
    """As `step_nvdla`, for a master that stands outside: who drives it tells of its work."""
    number, node = unit - system["master_unit"], system["node"][unit]
    answers = wires["fifo"][node["answers"][0]]
    while visible(system, answers):
        note_response(measure, front(answers), system["now_fs"], bin_of(system, system["now_fs"]))
        axi.respond(state, front(answers), now)
        take(system, answers)
    wake_reader(system, answers)
    reads, writes = wires["fifo"][node["down"]], wires["fifo"][node["down"] + 1]
    reads_before, writes_before = reads["count"], writes["count"]
    axi.advance(state, now, reads, writes)
    send_new(system, buses, reads, reads_before, measure, number)
    send_new(system, buses, writes, writes_before, measure, number)
    return False


@inlined
def start(system, masters, unit, work, step, now):
    """Give the master of ``unit`` row ``work`` of its table at cycle ``now``; False while it has no room."""
    row = system["row"][unit]
    if system["kind"][unit] == NVDLA:
        return nvdla.start(masters.nvdlas[row], masters.nvdla_ops, work, now)
    if system["kind"][unit] == SYSTOLIC:
        return systolic.start(masters.arrays[row], masters.array_ops, work, now)
    if system["kind"][unit] == REPLAY:
        return replay.start(masters.replays[row], masters.replay_ops, work, now)
    started = core.start(masters.cores[row], masters.tasks, work, now)
    if started:
        system["step_at_hand"][unit - system["master_unit"]] = step
    return started


@njit
def done(system, masters, unit):
    """Return (found, step, when [fs]): the oldest work that the master is done with and has not told yet.

    The step is -1 for what no job has asked for.
    """
    number, row, step = unit - system["master_unit"], system["row"][unit], np.int64(-1)
    if system["kind"][unit] == NVDLA:
        work, slot, cycle = nvdla.take_done(masters.nvdlas[row])
        if work >= 0:
            masters.nvdla_records[work] = masters.nvdlas[row]["records"][slot]
            step = masters.nvdla_owners[work]["step"]
    elif system["kind"][unit] == SYSTOLIC:
        work, slot, cycle = systolic.take_done(masters.arrays[row])
        if work >= 0:
            masters.array_records[work] = masters.arrays[row]["records"][slot]
            step = masters.array_owners[work]["step"]
    elif system["kind"][unit] == REPLAY:
        work, slot, cycle = replay.take_done(masters.replays[row])
        if work >= 0:
            masters.replay_records[work] = masters.replays[row]["records"][slot]
            step = masters.replay_owners[work]["step"]
    else:
        work, slot, cycle = core.take_done(masters.cores[row])
        if work >= 0:
            step = system["step_at_hand"][number]
            system["step_at_hand"][number] = -1
    return work >= 0, step, (cycle * system["period_fs"][unit] if work >= 0 else system["now_fs"])
