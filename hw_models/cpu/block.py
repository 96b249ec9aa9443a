"""A core as a source of memory traffic: walks a task's lines through its L1, misses go to the bus.

The L1 is private, so hits are worked off ahead of time and only misses are events. Time is in cycles of
the core. A store miss fetches its line; a dirty victim is written back when its place is taken.
"""

import numpy as np

from hw_models.cpu.frames import place_of
from hw_models.cpu.task import Pattern
from hw_models.jit import njit
from hw_models.port import NEVER, push
from hw_models.units import FS_PER_S

STREAM, CHASE, RANDOM = int(Pattern.STREAM), int(Pattern.CHASE), int(Pattern.RANDOM)
ENDED, MISSED, WALKING, TURNING = 0, 1, 2, 3
HITS_PER_STEP = 4096  # a core that only hits still comes up for air


@njit
def start(state, tasks, index, now):
    """Begin task ``index`` at cycle ``now``, ahead of the background task. False while another one runs."""
    if state["task"] >= 0 and state["task"] != state["background"]:
        return False
    if state["task"] >= 0:
        state["background_position"] = state["position"]
        state["pending_read"] = state["pending_writeback"] = -1
    state["stall_before"] = state["stall_cycles"]
    load(state, tasks, index, now)
    return True


@njit
def start_background(state, tasks, index, now):
    """Give an idle core a task for all its idle time."""
    state["background"] = index
    load(state, tasks, index, now)
    if tasks[index]["jitter_cycles"] > 0:
        state["position"] = next_random(state) % state["lines"]
        state["misses_in_pass"] = 1  # this pass is not a whole one


@njit
def load(state, tasks, index, now):
    task = tasks[index]
    line = state["line_bytes"]
    reads = (task["read_bytes"] + line - 1) // line
    if task["runs"] > 0:
        reads = np.int64(0)
        for k in range(index + 1, index + 1 + task["runs"]):
            reads += lines_of_run(state, tasks[k])
        state["run"], state["run_left"] = index, 0
    writes = (task["write_bytes"] + line - 1) // line
    state["task"] = index
    state["serial"] = state["outstanding_limit"] == 1 or task["pattern"] == CHASE
    state["position"] = 0
    state["read_lines"] = reads
    state["lines"] = max(1, reads + writes)
    state["passes_left"] = task["passes"] if task["passes"] > 0 else -1
    state["misses_in_pass"] = 0
    state["cursor"] = now
    state["next_issue"] = now
    state["blocked_since"] = -1


@njit
def lines_of_run(state, row):
    """Return how many lines the bytes of a run lie in."""
    line = state["line_bytes"]
    return (row["read_address"] + row["read_bytes"] - 1) // line - row["read_address"] // line + 1


@njit
def next_run(state, tasks):
    """Turn to the next run of the task at hand."""
    state["run"] += 1
    row = tasks[state["run"]]
    state["run_line"] = row["read_address"] // state["line_bytes"]
    state["run_left"] = lines_of_run(state, row)


@njit
def next_random(state):
    state["random"] = (state["random"] * 1103515245 + 12345) & (2**31 - 1)
    return state["random"] >> 4


@njit
def line_to_touch(state, task):
    """Return (line address, 1 if written) of the current position; reads and writes interleave evenly."""
    line = state["line_bytes"]
    k, n, reads = state["position"], state["lines"], state["read_lines"]
    if task["pattern"] != STREAM:
        touched = next_random(state) % max(1, reads)
        return (task["read_address"] + place_of(task, touched * line)) // line, 0
    before = k * reads // n
    if (k + 1) * reads // n > before:
        if task["runs"] > 0:
            state["run_line"] += 1
            state["run_left"] -= 1
            return state["run_line"] - 1, 0
        return (task["read_address"] + place_of(task, before * line)) // line, 0
    return (task["write_address"] + place_of(task, (k - before) * line)) // line, 1


@njit
def look_up(state, address, write):
    """Touch a line. Returns (hit, dirty victim's line address or -1); a miss takes the LRU way."""
    base = address % state["sets"] * state["ways"]
    state["touches"] += 1
    oldest = base
    for way in range(base, base + state["ways"]):
        if state["tag"][way] == address:
            state["used"][way] = state["touches"]
            state["dirty"][way] |= write
            return True, np.int64(-1)
        if state["used"][way] < state["used"][oldest]:
            oldest = way
    victim = state["tag"][oldest] if state["dirty"][oldest] else np.int64(-1)
    state["tag"][oldest] = address
    state["dirty"][oldest] = write
    state["used"][oldest] = state["touches"]
    return False, victim


@njit
def active_from(state, task, cycle):
    """Return the first cycle >= ``cycle`` in a busy phase of the task's duty cycle."""
    if task["busy_fs"] == 0:
        return cycle
    whole = task["busy_fs"] + task["idle_fs"]
    into = cycle * state["period_fs"] % whole
    if into < task["busy_fs"]:
        return cycle
    return -(-(cycle * state["period_fs"] + whole - into) // state["period_fs"])


@njit
def walk(state, task):
    """Work off hits until a line misses (MISSED), the task ends (ENDED), or it is time for air (WALKING).

    TURNING: it has come to the end of a run.
    """
    for _ in range(HITS_PER_STEP):
        if state["position"] >= state["lines"] and not next_pass(state):
            return ENDED
        if task["runs"] > 0 and state["run_left"] == 0:
            return TURNING
        address, write = line_to_touch(state, task)
        k, n = state["position"], state["lines"]
        compute = (k + 1) * task["compute_cycles"] // n - k * task["compute_cycles"] // n
        state["cursor"] = active_from(state, task, state["cursor"])
        state["position"] += 1
        state["cursor"] += state["cycles_per_line"] + compute
        if task["jitter_cycles"] > 0:
            state["cursor"] += next_random(state) % (task["jitter_cycles"] + 1)
        if write and not state["write_allocate"]:
            state["pending_read"], state["pending_writeback"] = np.int64(-1), address
        else:
            hit, victim = look_up(state, address, write)
            if hit:
                state["hits"] += 1
                continue
            state["pending_read"], state["pending_writeback"] = address, victim
        state["misses"] += 1
        state["misses_in_pass"] += 1
        if task["rate_bytes_per_s"] > 0:
            state["cursor"] = max(state["cursor"], state["next_issue"])
            both = state["pending_read"] >= 0 and state["pending_writeback"] >= 0
            moved = state["line_bytes"] * (2 if both else 1)
            state["next_issue"] = state["cursor"] + moved * FS_PER_S // (
                task["rate_bytes_per_s"] * state["period_fs"]
            )
        return MISSED
    return WALKING


@njit
def next_pass(state):
    """Start over if the task has passes left. A pass without a miss can never miss again: it is skipped."""
    if state["passes_left"] > 0:
        state["passes_left"] -= 1
    if state["passes_left"] == 0:
        return False
    if state["misses_in_pass"] == 0 and state["passes_left"] < 0:
        state["cursor"] = NEVER
        return False
    state["position"] = 0
    state["misses_in_pass"] = 0
    return True


@njit
def send(state, address, write, out):
    request = state["request"]
    request["address"] = address * state["line_bytes"]
    request["bytes"] = state["line_bytes"]
    request["write"] = write
    request["master"] = state["master"]
    request["stream"] = 0
    request["tag"] = write
    request["issued"] = state["cursor"] * state["period_fs"]
    push(out, request, state["cursor"])


@njit
def blocked(state, out):
    """May the pending miss not leave yet?"""
    if out["count"] + 2 > out["limit"]:
        return True
    if state["pending_read"] >= 0 and state["reads_in_flight"] >= state["outstanding_limit"]:
        return True
    if state["release_first"] and state["pending_writeback"] < 0 and state["writes_in_flight"] > 0:
        return True
    return state["pending_writeback"] >= 0 and state["writes_in_flight"] >= state["writeback_limit"]


@njit
def advance(state, tasks, now, out):
    """Do all that is due at ``now``; return the next cycle of interest, NEVER if only a response helps."""
    while state["task"] >= 0:
        task = tasks[state["task"]]
        if state["serial"] and state["reads_in_flight"] > 0:
            return NEVER
        if state["cursor"] > now:
            return state["cursor"]
        if state["pending_read"] < 0 and state["pending_writeback"] < 0:
            found = walk(state, task)
            if found == ENDED:
                return finish(state, tasks, now)
            if found == TURNING:
                next_run(state, tasks)
                continue
            if found == WALKING or state["cursor"] > now:
                return state["cursor"]
        if blocked(state, out):
            if state["blocked_since"] < 0:
                state["blocked_since"] = now
            return NEVER
        if state["blocked_since"] >= 0:
            state["stall_cycles"] += now - state["blocked_since"]
            state["blocked_since"] = -1
        state["cursor"] = now
        send_miss(state, out)
    return NEVER


@njit
def finish(state, tasks, now):
    """End the task once its last line and last response are through; return the next cycle of interest."""
    if state["cursor"] > now:
        return state["cursor"]
    if state["reads_in_flight"] + state["writes_in_flight"] > 0:
        return NEVER
    state["done_task"], state["task"] = state["task"], -1
    state["finished"] += 1
    state["finished_at"] = now
    if state["background"] < 0:
        return NEVER
    load(state, tasks, state["background"], now)
    state["position"] = state["background_position"]
    state["misses_in_pass"] = 1  # the other task has used the cache: this pass may not be the last
    return now


@njit
def send_miss(state, out):
    if state["release_first"] and state["pending_writeback"] >= 0:
        send(state, state["pending_writeback"], 1, out)
        state["writes_in_flight"] += 1
        state["pending_writeback"] = -1
        return
    if state["pending_read"] >= 0:
        send(state, state["pending_read"], 0, out)
        state["reads_in_flight"] += 1
    if state["pending_writeback"] >= 0:
        send(state, state["pending_writeback"], 1, out)
        state["writes_in_flight"] += 1
    state["pending_read"] = state["pending_writeback"] = -1


@njit
def respond(state, response, now):
    """Take a response: a line, or the part of one that an interconnect of short bursts has cut off.

    A blocking cache goes on when a line is whole.
    """
    way = response["write"]
    state["answered"][way] += response["bytes"]
    if state["answered"][way] < state["line_bytes"]:
        return
    state["answered"][way] -= state["line_bytes"]
    if way:
        state["writes_in_flight"] -= 1
        if state["release_first"] and state["pending_read"] >= 0:
            state["cursor"] = max(state["cursor"], now + state["replay"])
        return
    state["reads_in_flight"] -= 1
    if state["serial"] and state["cursor"] < now:
        state["stall_cycles"] += now - state["cursor"]
        state["cursor"] = now


@njit
def take_done(state):
    """Return (row of the task, 0, cycle) of the task that is done; row -1: none. A core keeps no records."""
    task = state["done_task"]
    state["done_task"] = -1
    return task, 0, state["finished_at"]
