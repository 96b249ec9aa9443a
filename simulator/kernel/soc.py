"""The event loop: masters -> bus -> LLC -> memory and back, and the drivers that feed the accelerators.

Units are numbered densely in the order memory channels, LLC, bus, masters, jobs; each has one wake time
[fs]. The loop takes the earliest (lowest number on a tie), lets it take what has arrived in its FIFOs,
calls its `advance`, and wakes whoever reads what it pushed. Nothing is polled.

FIFOs: ``requests`` two a master (reads, writes; a core uses the first for both), ``answers`` one a
master, ``bus_downs`` one a port of the bus, ``llc_downs`` and ``memory_ups`` one a channel, ``llc_ups`` one.
"""

import numpy as np

from hw_models.cache import cache
from hw_models.cpu import core
from hw_models.dram import controller
from hw_models.ideal import memory as ideal
from hw_models.interconnect import bus
from hw_models.jit import njit
from hw_models.nvdla import accelerator as nvdla
from hw_models.nvdla.state import DONES
from hw_models.port import FIFO_ROWS, MASTERS, NEVER, front, pop
from simulator.kernel import driver
from simulator.kernel.measure import BINS, merge_bins, note_request, note_response

OWNER = np.dtype([("job", np.int64), ("step", np.int64)])  # of an accelerator's operation
UNITS = 8 + 2 + MASTERS + 8
RUNNING, DONE, STUCK, OUT_OF_TIME = 0, 1, 2, 3

SYSTEM = np.dtype(
    [
        ("channels", np.int64),
        ("ideal", np.int64),  # 1: the memory is ideal, 0: DRAM
        ("has_llc", np.int64),
        ("has_bus", np.int64),
        ("masters", np.int64),
        ("accelerators", np.int64),  # masters [0, accelerators) are accelerators, the rest cores
        ("jobs", np.int64),
        ("jobs_left", np.int64),
        # first unit of each kind
        ("llc_unit", np.int64),
        ("bus_unit", np.int64),
        ("master_unit", np.int64),
        ("job_unit", np.int64),
        ("units", np.int64),
        ("period_fs", np.int64, (UNITS,)),
        ("wake_fs", np.int64, (UNITS,)),
        ("now_fs", np.int64),
        ("events", np.int64),
        ("bin_fs", np.int64),
        ("core_step", np.int64, (MASTERS,)),  # step that a core works on, -1: none
        ("core_seen", np.int64, (MASTERS,)),  # its tasks known to be finished
        ("done_seen", np.int64, (MASTERS,)),  # an accelerator's completions known
    ]
)


@njit
def wake(system, unit, time):
    """Wake ``unit`` at the first edge of its clock at or after ``time`` [fs]."""
    period = system["period_fs"][unit]
    edge = (time + period - 1) // period * period
    if edge < system["wake_fs"][unit]:
        system["wake_fs"][unit] = edge


@njit
def wake_reader(system, fifo, writer, reader):
    """Wake the reader of a FIFO for its oldest row."""
    if fifo["count"] > 0:
        wake(system, reader, max(system["now_fs"], front(fifo)["time"] * system["period_fs"][writer]))


@njit
def visible(system, fifo, writer):
    """May the reader see the oldest row now?"""
    return fifo["count"] > 0 and front(fifo)["time"] * system["period_fs"][writer] <= system["now_fs"]


@njit
def take(system, fifo, writer):
    """Drop the oldest row; a writer that found the FIFO full may go on."""
    if fifo["count"] >= fifo["limit"]:
        wake(system, writer, system["now_fs"])
    pop(fifo)


@njit
def set_wake(system, unit, next_cycle):
    if next_cycle < NEVER:
        wake(system, unit, max(system["now_fs"], next_cycle * system["period_fs"][unit]))


@njit
def feed_memory(system, fifo, writer, channels, ideals, unit, now):
    """Let channel ``unit`` take what it can from one FIFO; wake it for what it must wait for."""
    while visible(system, fifo, writer):
        if system["ideal"]:
            if not ideal.accept(ideals[unit], front(fifo), now):
                set_wake(system, unit, max(now + 1, ideal.free_at(ideals[unit])))
                return
        elif not controller.accept(channels[unit], front(fifo), now):
            return
        take(system, fifo, writer)
    wake_reader(system, fifo, writer, unit)


@njit
def step_memory(system, requests, bus_downs, llc_downs, memory_ups, channels, ideals, unit, now):
    up = memory_ups[unit]
    if system["has_llc"]:
        feed_memory(system, llc_downs[unit], system["llc_unit"], channels, ideals, unit, now)
        reader = system["llc_unit"]
    elif system["has_bus"]:
        feed_memory(system, bus_downs[unit], system["bus_unit"], channels, ideals, unit, now)
        reader = system["bus_unit"]
    else:
        reader = system["master_unit"]
        feed_memory(system, requests[0], reader, channels, ideals, unit, now)
        feed_memory(system, requests[1], reader, channels, ideals, unit, now)
    if system["ideal"]:
        set_wake(system, unit, ideal.advance(ideals[unit], now, up))
    else:
        set_wake(system, unit, controller.advance(channels[unit], now, up))
    wake_reader(system, up, unit, reader)


@njit
def step_llc(system, bus_downs, llc_downs, llc_ups, memory_ups, llcs, lines, unit, now):
    down = bus_downs[0]
    for channel in range(system["channels"]):
        up = memory_ups[channel]
        while visible(system, up, channel):
            cache.respond(llcs[0], lines, front(up), now)
            take(system, up, channel)
        wake_reader(system, up, channel, unit)
    while visible(system, down, system["bus_unit"]):
        if not cache.accept(llcs[0], lines, front(down), now):
            break
        take(system, down, system["bus_unit"])
    set_wake(system, unit, cache.advance(llcs[0], lines, now, llc_downs, llc_ups))
    if not visible(system, down, system["bus_unit"]):
        wake_reader(system, down, system["bus_unit"], unit)
    for channel in range(system["channels"]):
        wake_reader(system, llc_downs[channel], unit, channel)
    wake_reader(system, llc_ups[0], unit, system["bus_unit"])


@njit
def collect(system, fifo, writer, buses, answers, unit, now):
    """Hand what has come up to the bus."""
    while visible(system, fifo, writer):
        set_wake(system, unit, bus.respond(buses[0], front(fifo), now, answers))
        take(system, fifo, writer)
    wake_reader(system, fifo, writer, unit)


@njit
def step_bus(system, requests, answers, bus_downs, llc_ups, memory_ups, buses, unit, now):
    if system["has_llc"]:
        collect(system, llc_ups[0], system["llc_unit"], buses, answers, unit, now)
    else:
        for channel in range(system["channels"]):
            collect(system, memory_ups[channel], channel, buses, answers, unit, now)
    for i in range(2 * system["masters"]):
        fifo = requests[i]
        writer = system["master_unit"] + i // 2
        while visible(system, fifo, writer):
            if not bus.accept(buses[0], front(fifo), now):
                break
            take(system, fifo, writer)
        if not visible(system, fifo, writer):
            wake_reader(system, fifo, writer, unit)
    set_wake(system, unit, bus.advance(buses[0], now, bus_downs, answers))
    for port in range(bus_downs.shape[0]):
        wake_reader(system, bus_downs[port], unit, system["llc_unit"] if system["has_llc"] else np.int64(port))
    for master in range(system["masters"]):
        wake_reader(system, answers[master], unit, system["master_unit"] + master)


@njit
def deliver(system, fifo, writer, measures, master, accelerators, cores, ops, now):
    """Hand the responses that have arrived to their master."""
    while visible(system, fifo, writer):
        response = front(fifo)
        while system["now_fs"] // system["bin_fs"] >= BINS:
            merge_bins(measures)
            system["bin_fs"] *= 2
        note_response(measures[master], response, system["now_fs"], system["now_fs"] // system["bin_fs"])
        if master < system["accelerators"]:
            nvdla.respond(accelerators[master], ops, response, now)
        else:
            core.respond(cores[master - system["accelerators"]], response, now)
        take(system, fifo, writer)
    wake_reader(system, fifo, writer, system["master_unit"] + master)


@njit
def note_new(system, fifo, before, measures, master):
    """Count and stamp the requests that the master has pushed behind the first ``before``."""
    for i in range(before, fifo["count"]):
        row = fifo["rows"][(fifo["head"] + i) % FIFO_ROWS]
        row["issued"] = row["time"] * system["period_fs"][system["master_unit"] + master]
        row["master"] = master
        note_request(measures[master], row)


@njit
def step_master(
    system, requests, answers, memory_ups, measures, accelerators, cores,
    ops, op_records, tasks, owners, jobs, records, unit, now,
):  # fmt: skip
    master = unit - system["master_unit"]
    if system["has_bus"]:
        deliver(
            system, answers[master], system["bus_unit"], measures, master, accelerators, cores, ops, now
        )
    else:
        deliver(system, memory_ups[0], np.int64(0), measures, master, accelerators, cores, ops, now)
    reads, writes = requests[2 * master], requests[2 * master + 1]
    reads_before, writes_before = reads["count"], writes["count"]
    if master < system["accelerators"]:
        set_wake(system, unit, nvdla.advance(accelerators[master], ops, now, reads, writes))
        settle_accelerator(system, accelerators[master], master, op_records, owners, jobs, records)
    else:
        index = master - system["accelerators"]
        set_wake(system, unit, core.advance(cores[index], tasks, now, reads))
        settle_core(system, cores[index], index, jobs, records)
    note_new(system, reads, reads_before, measures, master)
    note_new(system, writes, writes_before, measures, master)
    reader = system["bus_unit"] if system["has_bus"] else np.int64(0)
    wake_reader(system, reads, unit, reader)
    wake_reader(system, writes, unit, reader)


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
        wake(system, system["job_unit"] + owner["job"], max(system["now_fs"], finished))


@njit
def settle_core(system, state, index, jobs, records):
    """Tell the driver of a task that the core has finished."""
    if state["finished"] > system["core_seen"][index]:
        system["core_seen"][index] = state["finished"]
        step = system["core_step"][index]
        system["core_step"][index] = -1
        if step >= 0:
            for j in range(system["jobs"]):
                job = jobs[j]
                if job["first_step"] <= step < job["first_step"] + job["step_count"]:
                    driver.complete(job, records, step, system["now_fs"])
                    wake(system, system["job_unit"] + j, system["now_fs"])


@njit
def step_job(
    system, accelerators, cores, ops, tasks, steps, deps, jobs, records, latencies, finished, unit
):  # fmt: skip
    index = unit - system["job_unit"]
    job = jobs[index]
    time = system["now_fs"]
    while True:
        action, step, next_fs = driver.advance(job, steps, deps, ops, records, time)
        if action == driver.NOTHING:
            break
        row = steps[step]["index"]
        if action == driver.ENABLE:
            target = system["master_unit"] + job["accelerator"]
            accelerator = accelerators[job["accelerator"]]
            started = nvdla.enable(accelerator, ops, row, time // system["period_fs"][target])
        else:
            target = system["master_unit"] + system["accelerators"] + job["core"]
            started = core.start(cores[job["core"]], tasks, row, time // system["period_fs"][target])
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


@njit
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
    system, requests, answers, bus_downs, llc_downs, llc_ups, memory_ups, measures,
    accelerators, cores, buses, llcs, lines, channels, ideals,
    ops, op_records, tasks, steps, deps, owners, jobs, records, latencies, finished, limit_fs, max_events,
):  # fmt: skip
    """Simulate up to ``max_events`` events. Returns RUNNING, DONE, STUCK or OUT_OF_TIME (past ``limit_fs``)."""
    for _ in range(max_events):
        if system["jobs_left"] == 0:
            return DONE
        unit = earliest(system)
        time = system["wake_fs"][unit]
        if time >= NEVER:
            return STUCK
        if time > limit_fs:
            return OUT_OF_TIME
        system["wake_fs"][unit] = NEVER
        system["now_fs"] = time
        system["events"] += 1
        now = time // system["period_fs"][unit]
        if unit >= system["job_unit"]:
            step_job(
                system, accelerators, cores, ops, tasks, steps, deps, jobs, records, latencies, finished, unit
            )  # fmt: skip
        elif unit >= system["master_unit"]:
            step_master(
                system, requests, answers, memory_ups, measures, accelerators, cores,
                ops, op_records, tasks, owners, jobs, records, unit, now,
            )  # fmt: skip
        elif unit == system["bus_unit"]:
            step_bus(system, requests, answers, bus_downs, llc_ups, memory_ups, buses, unit, now)
        elif unit == system["llc_unit"]:
            step_llc(system, bus_downs, llc_downs, llc_ups, memory_ups, llcs, lines, unit, now)
        else:
            step_memory(system, requests, bus_downs, llc_downs, memory_ups, channels, ideals, unit, now)
    return RUNNING
