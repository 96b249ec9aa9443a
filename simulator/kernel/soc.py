"""The event loop: masters -> bus -> LLC -> memory and back, and the drivers that feed the accelerators.

Every unit (`soc_state`) has one wake time [fs]. The loop takes the earliest (lowest number on a tie), lets it
take what has arrived in its FIFOs, calls its `advance`, and wakes whoever reads what it pushed. Nothing is
polled.

Helpers on the way of a request take records, not arrays: a record is a bare pointer, while an array
argument costs two atomic reference counts a call, which is more than the work itself.
"""

import numpy as np

from hw_models.cache import block as cache
from hw_models.cpu import block as core
from hw_models.dram import block as controller
from hw_models.ideal import block as ideal
from hw_models.interconnect import block as bus
from hw_models.jit import inlined, njit
from hw_models.nvdla import block as nvdla
from hw_models.nvdla.state import DONES
from hw_models.pages import translate
from hw_models.port import FIFO_ROWS, NEVER, front
from simulator.kernel import driver
from simulator.kernel.measure import BINS, merge_bins, note_request, note_response
from simulator.kernel.soc_state import ANSWERS, BUS_DOWN, LLC_DOWN, LLC_UP, MEMORY_UP, REQUESTS, STARTED
from simulator.kernel.wakes import (
    admit,
    set_wake,
    take,
    to_cycles,
    visible,
    wake,
    wake_reader,
)
from workloads.program import On

ON_FLASH = int(On.FLASH)
RUNNING, DONE, STUCK, OUT_OF_TIME, ASKS_STORAGE = 0, 1, 2, 3, 4


@inlined
def feed_memory(system, fifo, writer, channel, memory, unit, now):
    """Let channel ``unit`` take what it can from one FIFO; wake it for what it must wait for."""
    while visible(system, fifo, writer):
        if system["ideal"]:
            if not ideal.accept(memory, front(fifo), now):
                set_wake(system, unit, max(now + 1, ideal.free_at(memory)))
                return
            master = front(fifo)["master"]
            admit(system, fifo, writer, unit, False)
            fifo["blocker"] = master  # whose turn it is
            continue
        if not controller.accept(channel, front(fifo), now):
            fifo["blocker"] = channel["holder"]
            return
        admit(system, fifo, writer, unit, True)
    wake_reader(system, fifo, writer, unit)


@inlined
def step_memory(system, wires, channel, memory, state, unit, now):
    up = wires["fifo"][MEMORY_UP + unit]
    if system["has_llc"]:
        feed_memory(system, wires["fifo"][LLC_DOWN + unit], system["llc_unit"], channel, memory, unit, now)
    elif system["has_bus"]:
        feed_memory(system, wires["fifo"][BUS_DOWN + unit], system["bus_unit"], channel, memory, unit, now)
    else:
        feed_memory(system, wires["fifo"][REQUESTS], system["master_unit"], channel, memory, unit, now)
        feed_memory(system, wires["fifo"][REQUESTS + 1], system["master_unit"], channel, memory, unit, now)
    if system["ideal"]:
        set_wake(system, unit, ideal.advance(memory, now, up))
    else:
        set_wake(system, unit, controller.advance(channel, now, up))
    if system["has_llc"]:
        wake_reader(system, up, unit, system["llc_unit"])
    elif system["channels"] > 1:
        wake_reader(system, up, unit, system["bus_unit"])
    elif system["has_bus"]:
        answer_bus(system, wires, up, unit, state)
    else:
        wake_reader(system, up, unit, system["master_unit"])


@inlined
def step_llc(system, wires, llc, lines, state, unit, now):
    down = wires["fifo"][BUS_DOWN]
    writer = system["bus_unit"]
    for channel in range(system["channels"]):
        up = wires["fifo"][MEMORY_UP + channel]
        while visible(system, up, channel):
            cache.respond(llc, lines, front(up), now)
            take(system, up, channel)
        wake_reader(system, up, channel, unit)
    while visible(system, down, writer):
        if not cache.accept(llc, lines, front(down), now):
            down["blocker"] = llc["culprit"]
            break
        admit(system, down, writer, unit, False)
    set_wake(system, unit, cache.advance(llc, lines, now, wires, LLC_DOWN, LLC_UP))
    if not visible(system, down, writer):
        wake_reader(system, down, writer, unit)
    for channel in range(system["channels"]):
        wake_reader(system, wires["fifo"][LLC_DOWN + channel], unit, channel)
    answer_bus(system, wires, wires["fifo"][LLC_UP], unit, state)


@inlined
def answer_bus(system, wires, fifo, writer, state):
    """Hand the bus the answers of its only port as soon as they are known: only their own times count."""
    unit = system["bus_unit"]
    period = system["period_fs"][unit]
    while fifo["count"] > 0:
        row = front(fifo)
        cycle = row["time"]
        if not system["one_clock"]:
            cycle = to_cycles(cycle * system["period_fs"][writer], period)
        set_wake(system, unit, bus.respond(state, row, cycle, wires, ANSWERS))
        master = row["master"]
        wake_reader(system, wires["fifo"][ANSWERS + master], unit, system["master_unit"] + master)
        take(system, fifo, writer)


@njit
def collect(system, wires, state, unit, now):
    """Take what several memory ports have answered, each at its time: they share the way back."""
    for channel in range(system["channels"]):
        up = wires["fifo"][MEMORY_UP + channel]
        while visible(system, up, channel):
            master = front(up)["master"]
            set_wake(system, unit, bus.respond(state, front(up), now, wires, ANSWERS))
            wake_reader(system, wires["fifo"][ANSWERS + master], unit, system["master_unit"] + master)
            take(system, up, channel)
        wake_reader(system, up, channel, unit)


@inlined
def offer(system, fifo, writer, state, now):
    """Let the bus queue the requests that are there."""
    while visible(system, fifo, writer):
        if not bus.accept(state, front(fifo), now):
            fifo["blocker"] = state["blocker"]
            return
        admit(system, fifo, writer, system["bus_unit"], False)
    wake_reader(system, fifo, writer, system["bus_unit"])


@inlined
def step_bus(system, wires, state, unit, now):
    if system["channels"] > 1 and not system["has_llc"]:
        collect(system, wires, state, unit, now)
    unoffered = system["unoffered"] if system["offered"] < now else np.int64(0)
    system["offered"] = now
    i = 0
    while unoffered >> i:
        if unoffered >> i & 1:
            fifo = wires["fifo"][REQUESTS + i]
            offer(system, fifo, system["master_unit"] + i // 2, state, now)
            if fifo["count"] == 0:
                system["unoffered"] ^= 1 << i
        i += 1
    if not bus.is_due(state, now):
        set_wake(system, unit, state["due"])
        return
    held = state["held"]
    set_wake(system, unit, bus.advance(state, now, wires, BUS_DOWN, ANSWERS))
    if system["has_llc"]:
        wake_reader(system, wires["fifo"][BUS_DOWN], unit, system["llc_unit"])
    else:
        for port in range(system["channels"]):
            wake_reader(system, wires["fifo"][BUS_DOWN + port], unit, port)
    if held > 0:
        for master in range(system["masters"]):
            wake_reader(system, wires["fifo"][ANSWERS + master], unit, system["master_unit"] + master)


@inlined
def note_new(system, fifo, before, measure, master):
    """Count and stamp the requests that the master has pushed behind the first ``before``."""
    for i in range(before, fifo["count"]):
        row = fifo["rows"][(fifo["head"] + i) % FIFO_ROWS]
        row["issued"] = row["time"] * system["period_fs"][system["master_unit"] + master]
        row["master"] = master
        if system["frames"]["on"]:
            row["address"] = translate(system["frames"], row["address"])
        note_request(measure, row)


@inlined
def pass_on(system, fifo, number, unit, state, reader):
    """Let the bus, or without one the memory, have the new requests of a master's FIFO."""
    if system["has_bus"]:
        period = system["period_fs"][reader]
        if system["one_clock"] or system["now_fs"] % period == 0:
            offer(system, fifo, unit, state, system["now_fs"] // period)
            set_wake(system, reader, state["due"])
            if fifo["count"] > 0:
                system["unoffered"] |= 1 << number
            return
        system["unoffered"] |= 1 << number
    wake_reader(system, fifo, unit, reader)


@njit
def step_accelerator(system, wires, measure, state, ops, bus_state, master, now):
    unit = system["master_unit"] + master
    writer = system["bus_unit"] if system["has_bus"] else np.int64(0)
    answers = wires["fifo"][ANSWERS + master] if system["has_bus"] else wires["fifo"][MEMORY_UP]
    while visible(system, answers, writer):
        note_response(measure, front(answers), system["now_fs"], system["bin_fs"])
        nvdla.respond(state, front(answers), now)
        take(system, answers, writer)
    wake_reader(system, answers, writer, unit)
    reads, writes = wires["fifo"][REQUESTS + 2 * master], wires["fifo"][REQUESTS + 2 * master + 1]
    reads_before, writes_before = reads["count"], writes["count"]
    set_wake(system, unit, nvdla.advance(state, ops, now, reads, writes))
    if reads["count"] > reads_before:
        note_new(system, reads, reads_before, measure, master)
        pass_on(system, reads, 2 * master, unit, bus_state, writer)
    if writes["count"] > writes_before:
        note_new(system, writes, writes_before, measure, master)
        pass_on(system, writes, 2 * master + 1, unit, bus_state, writer)


@njit
def step_core(system, wires, measure, state, tasks, bus_state, master, now):
    unit = system["master_unit"] + master
    writer = system["bus_unit"] if system["has_bus"] else np.int64(0)
    answers = wires["fifo"][ANSWERS + master] if system["has_bus"] else wires["fifo"][MEMORY_UP]
    while visible(system, answers, writer):
        note_response(measure, front(answers), system["now_fs"], system["bin_fs"])
        core.respond(state, front(answers), now)
        take(system, answers, writer)
    wake_reader(system, answers, writer, unit)
    out = wires["fifo"][REQUESTS + 2 * master]
    before = out["count"]
    set_wake(system, unit, core.advance(state, tasks, now, out))
    if out["count"] > before:
        note_new(system, out, before, measure, master)
        pass_on(system, out, 2 * master, unit, bus_state, writer)


@njit
def settle_accelerator(system, accelerator, index, op_records, owners, jobs, records):
    """Tell the drivers of the operations that the accelerator has finished."""
    while system["done_seen"][index] < accelerator["done_count"]:
        slot = system["done_seen"][index] % DONES
        system["done_seen"][index] += 1
        op = accelerator["done_op"][slot]
        op_records[op] = accelerator["records"][accelerator["done_slot"][slot]]
        finished = accelerator["done_time"][slot] * system["period_fs"][system["master_unit"] + index]
        owner = owners[op]
        driver.complete(jobs[owner["job"]], records, owner["step"], finished)
        for j in range(system["jobs"]):  # another job may wait for the register groups
            if jobs[j]["accelerator"] == index:
                wake(system, system["job_unit"] + j, max(system["now_fs"], finished))


@njit
def settle_core(system, state, index, jobs, records):
    """Tell the driver of a task that the core has finished."""
    system["core_seen"][index] = state["finished"]
    step = system["core_step"][index]
    system["core_step"][index] = -1
    for j in range(system["jobs"]):
        job = jobs[j]
        if job["first_step"] <= step < job["first_step"] + job["step_count"]:
            driver.complete(job, records, step, system["now_fs"])
        if job["core"] == index:  # another job may wait for the core
            wake(system, system["job_unit"] + j, system["now_fs"])


@njit
def step_job(
    system, accelerators, cores, ops, tasks, steps, deps, jobs, records, latencies, finished, unit
):  # fmt: skip
    index = unit - system["job_unit"]
    job = jobs[index]
    time = system["now_fs"]
    while True:
        action, step, next_fs = driver.advance(job, steps, deps, records, time)
        if action == driver.NOTHING:
            break
        row = steps[step]["index"]
        if steps[step]["on"] == ON_FLASH:
            if system["started"] == STARTED:
                break
            system["started_step"][system["started"]] = step
            system["started"] += 1
            system["asks"] = 1
            driver.began(job, steps, deps, records, step, time)
            continue
        if action == driver.ENABLE:
            target = system["master_unit"] + job["accelerator"]
            accelerator = accelerators[job["accelerator"]]
            started = nvdla.start(accelerator, ops, row, to_cycles(time, system["period_fs"][target]))
        else:
            target = system["master_unit"] + system["accelerators"] + job["core"]
            started = core.start(cores[job["core"]], tasks, row, to_cycles(time, system["period_fs"][target]))
            if started:
                system["core_step"][job["core"]] = step
        if not started:
            break
        driver.began(job, steps, deps, records, step, time)
        wake(system, target, time)
    if next_fs < NEVER:
        wake(system, unit, next_fs)
    if driver.frame_is_done(job) and job["frame"] < job["frames"]:
        finished[index, job["frame"]] = time
        next_fs = driver.next_frame(job, records, latencies[index], time)
        if job["frame"] < job["frames"]:
            wake(system, unit, max(time, next_fs))
        else:
            system["jobs_left"] -= 1


@inlined
def earliest(system):
    """Return the unit to run next: the least wake time, the lowest number on a tie."""
    wakes = system["wake_fs"]
    best = 0
    for unit in range(1, system["units"]):
        if wakes[unit] < wakes[best]:
            best = unit
    return best


@njit
def run(
    system, wires, measures, accelerators, cores, buses, llcs, lines, channels, ideals,
    ops, op_records, tasks, steps, deps, owners, jobs, records, latencies, finished, limit_fs, max_events,
):  # fmt: skip
    """Simulate up to ``max_events`` events.

    Returns RUNNING, DONE, STUCK, OUT_OF_TIME (the next event is past ``limit_fs``) or ASKS_STORAGE.
    """
    for _ in range(max_events):
        if system["jobs_left"] == 0:
            return DONE
        if system["asks"]:
            return ASKS_STORAGE
        unit = earliest(system)
        time = system["wake_fs"][unit]
        if time >= NEVER:
            return STUCK
        if time > limit_fs:
            return OUT_OF_TIME
        system["wake_fs"][unit] = NEVER
        system["now_fs"] = time
        system["events"] += 1
        while time >= BINS * system["bin_fs"]:
            merge_bins(measures)
            system["bin_fs"] *= 2
        now = time // system["period_fs"][unit]
        if unit >= system["job_unit"]:
            step_job(
                system, accelerators, cores, ops, tasks, steps, deps, jobs, records, latencies, finished, unit
            )  # fmt: skip
        elif unit >= system["master_unit"]:
            master = unit - system["master_unit"]
            if master < system["accelerators"]:
                state = accelerators[master]
                step_accelerator(system, wires, measures[master], state, ops, buses[0], master, now)
                if system["done_seen"][master] < state["done_count"]:
                    settle_accelerator(system, state, master, op_records, owners, jobs, records)
            else:
                index = master - system["accelerators"]
                step_core(system, wires, measures[master], cores[index], tasks, buses[0], master, now)
                if cores[index]["finished"] > system["core_seen"][index]:
                    system["asks"] |= index == system["dma"]
                    settle_core(system, cores[index], index, jobs, records)
        elif unit == system["bus_unit"]:
            step_bus(system, wires, buses[0], unit, now)
        elif unit == system["llc_unit"]:
            step_llc(system, wires, llcs[0], lines, buses[0], unit, now)
        else:
            step_memory(system, wires, channels[unit], ideals[unit], buses[0], unit, now)
    return RUNNING
