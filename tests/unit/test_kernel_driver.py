"""The accelerator's driver: register groups, dependencies, interrupts, submissions, frames."""

import heapq

import numpy as np

from hw_models.port import NEVER
from simulator.kernel import driver
from workloads.program import STEP, On


def run_job(step_rows, dep_rows=(), op_time=1000, registers=0, frames=1, frame_period=0, **costs):
    """Run a job on an accelerator that takes ``op_time`` an operation, in order, and a core likewise.

    Returns ([(step, start, end)], latencies).
    """
    n = len(step_rows)
    steps, records = np.zeros(n, STEP), np.zeros(n, driver.STEP_RECORD)
    for i, row in enumerate(step_rows):
        steps[i] = (*row, 0, registers)
    deps = np.array(dep_rows or [0], np.int64)
    job = np.zeros(1, driver.JOB)[0]
    job["step_count"], job["frames"], job["submitted"] = n, frames, -1
    job["frame_period_fs"] = frame_period
    for name, value in costs.items():
        job[name] = value
    latencies = np.zeros(frames, np.int64)
    finishing, free, now, log = [], 0, 0, []
    while job["frame"] < frames:
        action, step, wake = driver.advance(job, steps, deps, records, now)
        if action != driver.NOTHING:
            driver.began(job, steps, deps, records, step, now)
            free = max(free, now) + op_time
            heapq.heappush(finishing, (free, int(step)))
            log.append((int(step), now, free))
            continue
        if driver.frame_is_done(job):
            now = max(now, int(driver.next_frame(job, records, latencies, now)))
            continue
        now = int(min(wake, finishing[0][0] if finishing else NEVER))
        assert now < NEVER, "stuck"
        while finishing and finishing[0][0] <= now:
            driver.complete(job, records, heapq.heappop(finishing)[1], now)
    return log, latencies


ACCELERATOR, CORE = int(On.ACCELERATOR), int(On.CORE)


def chain(n, on=ACCELERATOR):
    """n steps, each depending on the one before."""
    return [(on, i, max(0, i - 1), min(i, 1), 0) for i in range(n)], list(range(n - 1))


def test_without_costs_dependent_operations_follow_at_once():
    log, latencies = run_job(*chain(4))
    assert [start for _, start, _ in log] == [0, 1000, 2000, 3000]
    assert latencies[0] == 4000


def test_independent_operations_fill_both_register_groups():
    log, _ = run_job([(ACCELERATOR, i, 0, 0, 0) for i in range(4)])
    assert [start for _, start, _ in log] == [0, 0, 1000, 2000]


def test_the_interrupt_and_the_programming_of_the_operation_after_next_stand_in_between():
    log, _ = run_job(*chain(4), registers=10, register_write_fs=3, interrupt_fs=200)
    assert [start for _, start, _ in log] == [60, 60 + 1000 + 200 + 30, 1290 + 1230, 2520 + 1200]


def test_a_core_step_waits_for_its_dependencies():
    steps = [(ACCELERATOR, 0, 0, 0, 0), (CORE, 0, 0, 1, 0), (ACCELERATOR, 1, 1, 1, 0)]
    log, _ = run_job(steps, [0, 1])
    assert log == [(0, 0, 1000), (1, 1000, 2000), (2, 2000, 3000)]


def test_a_submission_costs_once_and_waits_for_the_last_one():
    steps = [(ACCELERATOR, 0, 0, 0, 0), (ACCELERATOR, 1, 0, 0, 0), (ACCELERATOR, 2, 0, 0, 1)]
    log, _ = run_job(steps, submit_fs=500)
    assert log == [(0, 500, 1500), (1, 500, 2500), (2, 3000, 4000)]


def test_frames_follow_each_other_or_their_period():
    _, back_to_back = run_job(*chain(2), frames=3)
    assert list(back_to_back) == [2000] * 3
    _, late = run_job(*chain(2), frames=3, frame_period=1500)
    assert list(late) == [2000, 2500, 3000]
    _, early = run_job(*chain(2), frames=3, frame_period=5000)
    assert list(early) == [2000] * 3


def test_jitter_moves_a_frame_by_less_than_its_limit_and_repeats():
    steps, deps = chain(2)
    runs = [
        run_job(steps, deps, frames=30, frame_period=10**9, jitter_fs=2**20, random=seed)[0]
        for seed in (7, 7, 8)
    ]
    late = [start % 10**9 for _, start, _ in runs[0]][2::2]
    assert runs[0] == runs[1] != runs[2]
    assert 0 <= min(late) < max(late) < 2**20
