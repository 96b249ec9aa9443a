"""What a job's frames say: rate, quantiles, deadline."""

import numpy as np
import pytest
from test_frames_told import SYSTEM

import simulator
from simulator.results.frames import frame_figures
from simulator.results.numbers import deadline_text

MS = 10**12  # fs
LAYER = {"conv": {"input": [16, 8, 8], "kernels": 16, "kernel": 3, "padding": 1}}


def figures(latencies_ms, period_ms=20, deadline_ms=None):
    latencies = np.array(latencies_ms) * MS
    finished = np.arange(len(latencies)) * period_ms * MS + latencies
    return frame_figures(latencies, finished, None if deadline_ms is None else deadline_ms * MS)


def test_the_frame_rate_is_that_of_the_job_and_not_of_its_latency():
    of = figures([8, 9, 8, 9], period_ms=20)
    assert of["frames_per_s"] == pytest.approx(4 / 0.069)
    assert of["per_latency_per_s"] == pytest.approx(1 / 0.0085)


def test_one_frame_has_one_rate():
    of = figures([8])
    assert of["frames_per_s"] == of["per_latency_per_s"] == pytest.approx(125)


def test_the_deadline_says_who_missed_it_and_by_how_much():
    of = figures([11, 13, 14, 12], deadline_ms=12)
    expected = {
        "limit_s": 0.012,
        "met": False,
        "frames": 4,
        "misses": 2,
        "worst_frame": 2,
        "worst_slack_s": -0.002,
    }
    assert of["deadline"] == pytest.approx(expected)
    assert deadline_text(of) == "deadline 12 ms: missed 2 of 4, worst +2 ms (frame 2)"
    assert deadline_text(figures([10, 11], deadline_ms=12)) == "deadline 12 ms: met, worst -1 ms (frame 1)"
    assert deadline_text(figures([11])) == ""


def test_frames_under_way_that_are_late_already_have_missed_their_deadline():
    done, released = np.array([11, 10]) * MS, np.array([0, 20]) * MS
    of = frame_figures(done, released + done, 12 * MS, [13 * MS, 12 * MS])
    assert (of["frames"], of["deadline"]["misses"]) == (2, 1)
    assert deadline_text(of) == "deadline 12 ms: missed 1 of 3, worst +1 ms (frame 2, under way)"
    of = frame_figures(done[:0], done[:0], 12 * MS, [30 * MS, 13 * MS, 2 * MS])
    assert deadline_text(of) == "deadline 12 ms: missed 2 of 2, worst +18 ms (frame 0, under way)"
    assert "deadline" not in frame_figures(done[:0], done[:0], 12 * MS, [2 * MS])


def test_a_run_that_ends_at_a_time_counts_who_is_late_then():
    """Frames are released twice as fast as they are done, so that some wait behind the one under way."""
    config = {
        "system": SYSTEM,
        "workloads": {"net": {"on": "nvdla0", "fallback": "core0", "layers": [LAYER], "frames": 9}},
    }
    took_s = simulator.run(config).summary["workloads"]["net"]["latency_min_s"]
    period_s = took_s / 2
    timed = {"period": f"{period_s * 1e9:.0f} ns", "deadline": f"{period_s * 1e9:.0f} ns"}
    config["workloads"]["net"] |= timed
    config["simulation"] = {"until": f"{3.2 * took_s * 1e9:.0f} ns"}
    job = simulator.run(config).summary["workloads"]["net"]
    released = 7  # at 0, 0.5, ... 3 times what a frame takes
    late = [k for k in range(released) if 3.2 - 0.5 * k > 0.5]
    assert 1 <= job["frames"] <= 3
    assert job["deadline"]["misses"] == job["deadline"]["frames"] == len(late)
    jittered = config | {"workloads": {"net": config["workloads"]["net"] | {"jitter": timed["period"]}}}
    missed = simulator.run(jittered).summary["workloads"]["net"]["deadline"]["misses"]
    assert len(late) - 2 <= missed <= len(late)


def test_quantiles_are_frames_that_were():
    of = figures(list(range(1, 101)))
    assert of["latency_quantiles_s"] == pytest.approx({"p50": 0.050, "p95": 0.095, "p99": 0.099})
    assert of["latency_max_s"] == pytest.approx(0.1)


def test_a_job_without_a_finished_frame_has_zeros():
    assert figures([])["frames_per_s"] == 0.0
