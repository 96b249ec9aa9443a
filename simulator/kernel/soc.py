"""The event loop: masters -> bus -> LLC -> memory and back, and the drivers that feed the accelerators.

Units are numbered densely in the order memory channels, LLC, bus, masters, jobs; each has one wake time
[fs]. The loop takes the earliest (lowest number on a tie), lets it take what has arrived in its FIFOs,
calls its `advance`, and wakes whoever reads what it pushed. Nothing is polled.
"""

import numpy as np

from hw_models.cache import cache
from hw_models.cpu import core
from hw_models.dram import controller
from hw_models.ideal import memory as ideal
from hw_models.interconnect import bus
from hw_models.jit import njit
from hw_models.nvdla import engine
from hw_models.nvdla.state import DONES
from hw_models.port import MASTERS, NEVER, front, pop
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
        # FIFOs: [0, masters) requests, [masters, 2 masters) responses, then these
        ("bus_down", np.int64),
        ("llc_down", np.int64),
        ("llc_up", np.int64),
        ("memory_up", np.int64),  # first of one a channel
        ("channel_shift", np.int64),  # address bits below the channel number
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
def channel_of(system, address):
    return (address >> system["channel_shift"]) % system["channels"]


@njit
def wake_memory(system, fifo, writer):
    """Wake the channel that the oldest row is for."""
    if fifo["count"] > 0:
        wake_reader(system, fifo, writer, channel_of(system, front(fifo)["address"]))


@njit
def memory_source(system):
    """Return (FIFO, unit that writes it) of the requests to memory."""
    if system["has_llc"]:
        return system["llc_down"], system["llc_unit"]
    if system["has_bus"]:
        return system["bus_down"], system["bus_unit"]
    return np.int64(0), system["master_unit"]


@njit
def step_memory(system, fifos, channels, ideals, unit, now):
    source, writer = memory_source(system)
    down = fifos[source]
    up = fifos[system["memory_up"] + unit]
    while visible(system, down, writer) and channel_of(system, front(down)["address"]) == unit:
        if system["ideal"]:
            taken = ideal.accept(ideals[unit], front(down), now)
        else:
            taken = controller.accept(channels[unit], front(down), now)
        if not taken:
            break
        take(system, down, writer)
    if system["ideal"]:
        set_wake(system, unit, ideal.advance(ideals[unit], now, up))
    else:
        set_wake(system, unit, controller.advance(channels[unit], now, up))
    wake_memory(system, down, writer)
    if system["has_llc"]:
        wake_reader(system, up, unit, system["llc_unit"])
    elif system["has_bus"]:
        wake_reader(system, up, unit, system["bus_unit"])
    else:
        wake_reader(system, up, unit, system["master_unit"])


@njit
def step_llc(system, fifos, llcs, lines, unit, now):
    bus_down, llc_down, llc_up = (
        fifos[system["bus_down"]],
        fifos[system["llc_down"]],
        fifos[system["llc_up"]],
    )
    state = llcs[0]
    for channel in range(system["channels"]):
        up = fifos[system["memory_up"] + channel]
        while visible(system, up, channel):
            cache.respond(state, lines, front(up), now)
            pop(up)
        wake_reader(system, up, channel, unit)
    while visible(system, bus_down, system["bus_unit"]):
        if not cache.accept(state, lines, front(bus_down), now):
            break
        take(system, bus_down, system["bus_unit"])
    set_wake(system, unit, cache.advance(state, lines, now, llc_down, llc_up))
    if bus_down["count"] > 0 and not visible(system, bus_down, system["bus_unit"]):
        wake_reader(system, bus_down, system["bus_unit"], unit)
    wake_memory(system, llc_down, unit)
    wake_reader(system, llc_up, unit, system["bus_unit"])


@njit
def step_bus(system, fifos, buses, unit, now):
    state = buses[0]
    masters = system["masters"]
    if system["has_llc"]:
        up = fifos[system["llc_up"]]
        while visible(system, up, system["llc_unit"]):
            bus.respond(state, front(up), now)
            take(system, up, system["llc_unit"])
        wake_reader(system, up, system["llc_unit"], unit)
    else:
        for channel in range(system["channels"]):
            up = fifos[system["memory_up"] + channel]
            while visible(system, up, channel):
                bus.respond(state, front(up), now)
                pop(up)
            wake_reader(system, up, channel, unit)
    for master in range(masters):
        requests = fifos[master]
        writer = system["master_unit"] + master
        while visible(system, requests, writer):
            if not bus.accept(state, front(requests), now):
                break
            take(system, requests, writer)
        if requests["count"] > 0 and not visible(system, requests, writer):
            wake_reader(system, requests, writer, unit)
    down = fifos[system["bus_down"]]
    set_wake(system, unit, bus.advance(state, now, down, fifos[masters : 2 * masters]))
    if system["has_llc"]:
        wake_reader(system, down, unit, system["llc_unit"])
    else:
        wake_memory(system, down, unit)
    for master in range(masters):
        wake_reader(system, fifos[masters + master], unit, system["master_unit"] + master)


@njit
def deliver(system, fifos, measures, master, accelerators, cores, now):
    """Hand the responses that have arrived to their master."""
    up = fifos[system["masters"] + master]
    writer = system["bus_unit"] if system["has_bus"] else np.int64(0)
    if not system["has_bus"]:
        up = fifos[system["memory_up"]]
    while visible(system, up, writer):
        response = front(up)
        while system["now_fs"] // system["bin_fs"] >= BINS:
            merge_bins(measures)
            system["bin_fs"] *= 2
        note_response(measures[master], response, system["now_fs"], system["now_fs"] // system["bin_fs"])
        if master < system["accelerators"]:
            engine.respond(accelerators[master], response, now)
        else:
            core.respond(cores[master - system["accelerators"]], response, now)
        take(system, up, writer)
    wake_reader(system, up, writer, system["master_unit"] + master)


@njit
def step_master(
    system, fifos, measures, accelerators, cores, ops, op_records, tasks, owners, jobs, records, unit, now
):  # fmt: skip
    master = unit - system["master_unit"]
    deliver(system, fifos, measures, master, accelerators, cores, now)
    out = fifos[master]
    before = out["count"]
    if master < system["accelerators"]:
        set_wake(system, unit, engine.advance(accelerators[master], ops, now, out))
        settle_accelerator(system, accelerators[master], master, op_records, owners, jobs, records)
    else:
        index = master - system["accelerators"]
        set_wake(system, unit, core.advance(cores[index], tasks, now, out))
        settle_core(system, cores[index], index, owners, jobs, records)
    for i in range(before, out["count"]):
        row = out["rows"][(out["head"] + i) % out["rows"].shape[0]]
        row["issued"] = row["time"] * system["period_fs"][unit]
        row["master"] = master
        note_request(measures[master], row)
    if system["has_bus"]:
        wake_reader(system, out, unit, system["bus_unit"])
    else:
        wake_memory(system, out, unit)


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
def settle_core(system, state, index, owners, jobs, records):
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
            started = engine.enable(accelerator, ops, row, time // system["period_fs"][target])
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
    system, fifos, measures, accelerators, cores, buses, llcs, lines, channels, ideals,
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
            )
        elif unit >= system["master_unit"]:
            step_master(
                system, fifos, measures, accelerators, cores, ops, op_records, tasks, owners, jobs, records, unit, now
            )  # fmt: skip
        elif unit == system["bus_unit"]:
            step_bus(system, fifos, buses, unit, now)
        elif unit == system["llc_unit"]:
            step_llc(system, fifos, llcs, lines, unit, now)
        else:
            step_memory(system, fifos, channels, ideals, unit, now)
    return RUNNING
