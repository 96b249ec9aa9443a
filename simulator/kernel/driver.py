"""The software that feeds an accelerator: programs register groups, enables operations, takes interrupts.

One job is one network's program, run for a number of frames. The driver is a serial thread: it does one
thing at a time, each with its price (`hw_models.cpu.params.Driver`). Its order is that of NVIDIA's kernel
driver (nvdla/sw kmd, engine scheduler): a completion first, then the registers of the operation after
next, then the enable of the next operation whose dependencies are done. Times are femtoseconds.
"""

import numpy as np

from hw_models.jit import njit
from hw_models.port import NEVER
from workloads.program import On

ON_ACCELERATOR = int(On.ACCELERATOR)
REGISTER_GROUPS = 2  # per unit of the accelerator (NVDLA hardware manual, ping-pong register groups)
WINDOW = 24  # steps behind the oldest unfinished one that the driver looks at
UNITS = 8
PENDING = 64

WAITING, PROGRAMMED, RUNNING, DONE = 0, 1, 2, 3
NOTHING, ENABLE, START = 0, 1, 2  # what the driver asks the kernel to do
IDLE, INTERRUPT, PROGRAM, SUBMIT = 0, 1, 2, 3  # what its thread is busy with

JOB = np.dtype(
    [
        ("accelerator", np.int64),  # number of the master that runs its operations, -1: none
        ("core", np.int64),  # number of the master that runs its tasks, -1: none
        ("register_write_fs", np.int64),
        ("interrupt_fs", np.int64),
        ("submit_fs", np.int64),
        ("first_step", np.int64),
        ("step_count", np.int64),
        ("frames", np.int64),
        ("frame_period_fs", np.int64),  # 0: the next frame starts when the last one is done
        ("jitter_fs", np.int64),  # a frame starts at random up to this much after its time
        ("random", np.int64),
        ("frame", np.int64),  # frames finished
        ("due_fs", np.int64),  # when the current frame would start without jitter
        ("release_fs", np.int64),  # when it starts; its latency counts from here
        ("oldest", np.int64),  # first step that is not done
        ("submitted", np.int64),  # highest runtime submission entered in this frame
        ("activity", np.int64),
        ("activity_step", np.int64),
        ("activity_end_fs", np.int64),
        ("busy_fs", np.int64),  # time that the driver's thread worked
        ("completed", np.int64, (PENDING,)),  # steps whose interrupt waits to be served
        ("completed_fs", np.int64, (PENDING,)),
        ("completed_head", np.int64),
        ("completed_count", np.int64),
        ("in_groups", np.int64, (UNITS,)),  # operations programmed or running, by unit
    ]
)

STEP_RECORD = np.dtype(
    [
        ("status", np.int64),
        ("began_fs", np.int64),  # of the run under way or, where none is, of the last one
        ("dependencies_fs", np.int64),
        ("start_fs", np.int64),  # of the last run that came to its end
        ("end_fs", np.int64),
        ("ready_fs", np.int64),
        ("stall_cycles", np.int64),  # of a core's task: in which it waited for memory
    ]
)


@njit
def complete(job, records, step, now):
    """The hardware has finished ``step`` at ``now``; its interrupt goes up."""
    records[step]["start_fs"] = records[step]["began_fs"]
    records[step]["ready_fs"] = records[step]["dependencies_fs"]
    records[step]["end_fs"] = now
    slot = (job["completed_head"] + job["completed_count"]) % PENDING
    job["completed"][slot] = step
    job["completed_fs"][slot] = now
    job["completed_count"] += 1


@njit
def dependencies_done(steps, deps, records, job, step):
    first = steps[step]["first_dep"]
    for i in range(first, first + steps[step]["dep_count"]):
        if records[job["first_step"] + deps[i]]["status"] != DONE:
            return False
    return True


@njit
def begin(job, activity, step, now, cost):
    job["activity"] = activity
    job["activity_step"] = step
    job["activity_end_fs"] = now + cost
    job["busy_fs"] += cost


@njit
def finish_activity(job, steps, records):
    """The thread is through with what it was busy with: let it take effect."""
    step = job["activity_step"]
    if job["activity"] == INTERRUPT:
        records[step]["status"] = DONE
        if steps[step]["on"] == ON_ACCELERATOR:
            job["in_groups"][steps[step]["unit"]] -= 1
        end = job["first_step"] + job["step_count"]
        while job["oldest"] < end and records[job["oldest"]]["status"] == DONE:
            job["oldest"] += 1
    elif job["activity"] == PROGRAM:
        records[step]["status"] = PROGRAMMED
    elif job["activity"] == SUBMIT:
        job["submitted"] = steps[step]["submit"]
    job["activity"] = IDLE


@njit
def choose(job, steps, deps, records, now):
    """Pick the thread's next activity, or an action for the kernel. Returns (action, step)."""
    if job["completed_count"] > 0:
        head = job["completed_head"]
        step = job["completed"][head]
        job["completed_head"] = (head + 1) % PENDING
        job["completed_count"] -= 1
        cost = job["interrupt_fs"] if steps[step]["on"] == ON_ACCELERATOR else 0
        begin(job, INTERRUPT, step, now, cost)
        return NOTHING, step
    end = min(job["first_step"] + job["step_count"], job["oldest"] + WINDOW)
    enable = -1
    for step in range(job["oldest"], end):
        record = records[step]
        if record["status"] == WAITING:
            if steps[step]["submit"] > job["submitted"]:
                if step > job["oldest"]:
                    break
                begin(job, SUBMIT, step, now, job["submit_fs"])
                return NOTHING, step
            if steps[step]["on"] != ON_ACCELERATOR:
                if enable < 0 and dependencies_done(steps, deps, records, job, step):
                    enable = step
                continue
            unit = steps[step]["unit"]
            if job["in_groups"][unit] < REGISTER_GROUPS:
                job["in_groups"][unit] += 1
                begin(job, PROGRAM, step, now, steps[step]["registers"] * job["register_write_fs"])
                return NOTHING, step
        elif record["status"] == PROGRAMMED and enable < 0:
            if dependencies_done(steps, deps, records, job, step):
                enable = step
    if enable < 0:
        return NOTHING, enable
    return (ENABLE if steps[enable]["on"] == ON_ACCELERATOR else START), enable


@njit
def advance(job, steps, deps, records, now):
    """Let the driver's thread work until ``now``. Returns (action, step, next wake [fs]).

    ENABLE asks the kernel to enable a programmed operation, START to start a core's or the storage's work;
    the kernel calls `began` when it could, and otherwise asks again after the next completion.
    """
    if job["frame"] >= job["frames"] or now < job["release_fs"]:
        return NOTHING, np.int64(-1), (NEVER if job["frame"] >= job["frames"] else job["release_fs"])
    while True:
        if job["activity"] != IDLE:
            if job["activity_end_fs"] > now:
                return NOTHING, np.int64(-1), job["activity_end_fs"]
            finish_activity(job, steps, records)
        if job["oldest"] == job["first_step"] + job["step_count"]:
            return NOTHING, np.int64(-1), NEVER
        action, step = choose(job, steps, deps, records, now)
        if job["activity"] == IDLE:
            return action, step, NEVER


@njit
def began(job, steps, deps, records, step, now):
    """The kernel has started ``step``; what it depended on had been ready since ``dependencies_fs``."""
    ready = job["release_fs"]
    first = steps[step]["first_dep"]
    for i in range(first, first + steps[step]["dep_count"]):
        ready = max(ready, records[job["first_step"] + deps[i]]["end_fs"])
    records[step]["status"] = RUNNING
    records[step]["began_fs"] = now
    records[step]["dependencies_fs"] = ready


@njit
def frame_is_done(job):
    return job["activity"] == IDLE and job["oldest"] == job["first_step"] + job["step_count"]


@njit
def next_frame(job, records, latencies, now):
    """Note the frame's latency and set up the next one; return the time at which it is due."""
    latencies[job["frame"]] = now - job["release_fs"]
    job["frame"] += 1
    if job["frame"] < job["frames"]:
        for step in range(job["first_step"], job["first_step"] + job["step_count"]):
            records[step]["status"] = WAITING
    job["oldest"] = job["first_step"]
    job["submitted"] = -1
    job["due_fs"] = job["due_fs"] + job["frame_period_fs"] if job["frame_period_fs"] else now
    job["release_fs"] = job["due_fs"]
    if job["jitter_fs"] > 0:
        job["random"] = (job["random"] * 1103515245 + 12345) & (2**31 - 1)
        job["release_fs"] += (job["random"] >> 15) * (job["jitter_fs"] >> 16)
    return job["release_fs"]
