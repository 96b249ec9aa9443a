"""The host side: threads that read, each request with its cost in the operating system.

A thread has one request in flight: it spends `submit` on its own, then the serial section (one thread at a
time, first come first served: fixed part and bytes at a rate), rings the doorbell, waits, spends `complete`
on its own, and goes on to its next request. At most `depth` requests are in the device.
"""

import numpy as np

from hw_models.flash.device import next_event, step
from hw_models.flash.params import Flash
from hw_models.flash.requests import free_request, pop_done, room, submit
from hw_models.flash.state import NONE, PERIOD_FS, REQUESTS, ZERO
from hw_models.jit import njit
from hw_models.port import NEVER
from hw_models.units import FS_PER_S

THREADS = 1024

HOST = np.dtype(
    [
        ("threads", np.int64),
        ("depth", np.int64),
        ("submit_ps", np.int64),
        ("serial_ps", np.int64),
        ("serial_fs_per_byte", np.int64),
        ("complete_ps", np.int64),
        ("shared", np.int64),  # 1: any free thread takes the next request; 0: requests name their thread
        ("lock_free", np.int64),  # time at which the serial section is free
        ("rung", np.int64),  # doorbells so far
        ("completed", np.int64),
        ("completion", np.int64, (REQUESTS,)),  # times of the last completions: each frees a place
        ("time", np.int64, (THREADS,)),  # when the thread does its next step, NEVER while it waits for data
        ("request", np.int64, (THREADS,)),  # request whose doorbell it rings at `time`, -1 before that
        ("following", np.int64, (THREADS,)),  # its next request, -1 when it has none left
    ]
)


def host(params: Flash, threads: int, *, shared: bool = False, start_ps: int = 0) -> np.ndarray:
    """Return an array of one HOST row for ``threads`` threads with the costs of ``params.host``."""
    hosts = np.zeros(1, HOST)
    row = hosts[0]
    cost = params.host
    row["threads"] = threads
    row["depth"] = min(params.queue_depth, params.queue_fetch)
    row["submit_ps"] = cost.submit_fs // PERIOD_FS
    row["serial_ps"] = cost.serial_fs // PERIOD_FS
    row["serial_fs_per_byte"] = round(FS_PER_S / cost.serial_bytes_per_s) if cost.serial_bytes_per_s else 0
    row["complete_ps"] = cost.complete_fs // PERIOD_FS
    row["shared"] = int(shared)
    row["time"][:threads] = start_ps
    row["request"][:] = -1
    row["lock_free"] = start_ps
    return hosts


@njit
def take_done(state, hosts):
    """Take the oldest known completion and let its thread go on. Return (tag, doorbell, time it goes on)."""
    row = hosts[0]
    r = pop_done(state)
    request = state["request"][r]
    time = request["done"] + row["complete_ps"]
    row["time"][request["stream"]] = time
    row["completion"][row["completed"] % REQUESTS] = request["done"]
    row["completed"] += 1
    free_request(state, r)
    return request["tag"], request["submit"], time


@njit
def ring(state, hosts, t, time, address, size, master):
    """Thread ``t`` rings the doorbell of its request at ``time``, or when the queue has a place for it."""
    row = hosts[0]
    if row["rung"] >= row["depth"]:
        time = max(time, row["completion"][(row["rung"] - row["depth"]) % REQUESTS])
    submit(state, time, address, size, ZERO, master, t, row["request"][t], ZERO)
    row["rung"] += 1
    row["time"][t] = NEVER
    row["request"][t] = -1


@njit
def next_thread(hosts, count, cursor, earliest):
    """Return the thread whose next step comes first and when, lowest number first; (-1, NEVER) if none."""
    row = hosts[0]
    best, best_time = NONE, NEVER
    for t in range(row["threads"]):
        time = row["time"][t]
        if time >= best_time:
            continue
        if row["request"][t] >= 0:
            if row["rung"] - row["completed"] >= row["depth"]:
                continue
        else:
            k = cursor if row["shared"] == 1 else row["following"][t]
            if k < 0 or k >= count:
                continue
            time = max(time, earliest[min(k, earliest.size - 1)])
        if time < best_time:
            best, best_time = np.int64(t), time
    return best, best_time


@njit
def serial_time(hosts, size):
    """Return how long a request of ``size`` bytes is in the serial section, in ps."""
    row = hosts[0]
    return row["serial_ps"] + size * row["serial_fs_per_byte"] // PERIOD_FS


@njit
def start_request(state, hosts, t, time, k, size):
    """Thread ``t`` starts request ``k`` at ``time``: system call, serial section, doorbell."""
    row = hosts[0]
    start = max(time + row["submit_ps"], row["lock_free"])
    row["lock_free"] = start + serial_time(hosts, size)
    row["time"][t] = row["lock_free"]
    row["request"][t] = k


@njit
def chain(hosts, thread, link_next):
    """Link the requests of each thread in order: `following` of the host row is each thread's first."""
    row = hosts[0]
    row["following"][:] = -1
    for k in range(thread.size - 1, -1, -1):
        link_next[k] = row["following"][thread[k]]
        row["following"][thread[k]] = k


@njit
def run_reads(state, memory, hosts, address, size, thread, earliest, master, submitted, done):
    """Run the reads to the end; fill ``submitted`` (doorbell) and ``done`` (thread may go on) in ps.

    All arrays have shape (requests,), int64. Requests of one thread are issued in order, none before its
    ``earliest``. Return the time at which the last one is done.
    """
    row = hosts[0]
    count = address.size
    link_next = np.empty(count, np.int64)
    if row["shared"] == 0:
        chain(hosts, thread, link_next)
    finished, cursor, stale, end = ZERO, ZERO, True, ZERO
    t, time = NONE, NEVER
    while finished < count:
        if stale:
            t, time = next_thread(hosts, count, cursor, earliest)
            stale = False
        event = next_event(state)
        if t >= 0 and time < event:
            k = row["request"][t]
            if k < 0:
                k = cursor if row["shared"] == 1 else row["following"][t]
                start_request(state, hosts, t, time, k, size[k])
                if row["shared"] == 1:
                    cursor += 1
                else:
                    row["following"][t] = link_next[k]
                stale = True
                continue
            if room(state, address[k], size[k]):
                ring(state, hosts, t, time, address[k], size[k], master)
                stale = True
                continue
        if event == NEVER:
            raise RuntimeError("flash: requests are left, but nothing is in flight")
        step(state, memory, event)
        while state["done_count"] > 0:
            tag, doorbell, time = take_done(state, hosts)
            submitted[tag] = doorbell
            done[tag] = time
            end = max(end, time)
            finished += 1
            stale = True
    return end
