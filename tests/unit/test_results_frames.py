"""What a job's frames say: rate, quantiles, deadline."""

import numpy as np
import pytest

from simulator.results.frames import frame_figures
from simulator.results.numbers import deadline_text

MS = 10**12  # fs


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
    expected = {"limit_s": 0.012, "met": False, "misses": 2, "worst_frame": 2, "worst_slack_s": -0.002}
    assert of["deadline"] == pytest.approx(expected)
    assert deadline_text(of) == "deadline 12 ms: missed 2 of 4, worst +2 ms (frame 2)"
    assert deadline_text(figures([10, 11], deadline_ms=12)) == "deadline 12 ms: met, worst -1 ms (frame 1)"
    assert deadline_text(figures([11])) == ""


def test_quantiles_are_frames_that_were():
    of = figures(list(range(1, 101)))
    assert of["latency_quantiles_s"] == pytest.approx({"p50": 0.050, "p95": 0.095, "p99": 0.099})
    assert of["latency_max_s"] == pytest.approx(0.1)


def test_a_job_without_a_finished_frame_has_zeros():
    assert figures([])["frames_per_s"] == 0.0
