"""`dlasim compare --fail-if`: which change of which number breaks a limit."""

import pytest

from hw_models.errors import ConfigError
from simulator.report.labels import value_text
from simulator.report.thresholds import broken, read_threshold

BASE = {"workloads": {"a": {"latency_s": 0.010}, "b": {"latency_s": 0.020}}, "llc": {"hit_rate": 0.5}}


def after(**latencies) -> dict:
    return {"workloads": {job: {"latency_s": s} for job, s in latencies.items()}, "llc": {"hit_rate": 0.48}}


@pytest.mark.parametrize(
    ("limit", "jobs"),
    [
        ("workloads.*.latency_s > +5 %", ["b"]),
        ("workloads.*.latency_s > +3.9 %", ["a", "b"]),
        ("workloads.*.latency_s >= +0.39 ms", ["a", "b"]),
        ("workloads.*.latency_s > +0.5ms", ["b"]),
        ("workloads.*.latency_s > 20 ms", ["b"]),
        ("workloads.a.latency_s < -1 %", []),
    ],
)
def test_a_limit_is_on_the_change_or_on_the_value_of_each_job(limit, jobs):
    found = broken([limit], ["old", "new"], [BASE, after(a=0.0104, b=0.022)])
    assert [each.path for each in found] == [f"workloads.{job}.latency_s" for job in jobs]


def test_a_fall_breaks_a_negative_limit():
    (found,) = broken(["llc.hit_rate < -2 %"], ["old", "new"], [BASE, after(a=0.01)])
    assert str(found) == "new: llc.hit_rate is 48 %, against 50 % (llc.hit_rate < -2 %)"


def test_a_number_that_went_missing_breaks_a_limit():
    (found,) = broken(["workloads.*.latency_s > +5 %"], ["old", "new"], [BASE, after(a=0.01)])
    assert str(found) == "new: workloads.b.latency_s is missing (workloads.*.latency_s > +5 %)"


def test_a_limit_on_a_list_is_one_on_each_of_its_values():
    old, new = ({"a": {"frame_latency_s": times}} for times in ([0.01, 0.02], [0.01, 0.03]))
    for path in ("a.frame_latency_s", "a.frame_latency_s.*", "a.frame_latency_s.1"):
        (found,) = broken([f"{path} > +5 %"], ["old", "new"], [old, new])
        assert str(found).startswith("new: a.frame_latency_s.1 is 30 ms, against 20 ms (")


def test_anything_more_than_nothing_is_a_rise():
    assert read_threshold("a.latency_s > +0").breaks(1.1, 1.0)
    assert read_threshold("a.misses > +1").breaks(3.0, 1.0)
    assert read_threshold("x.y > +5 %").breaks(1.0, 0.0)
    assert not read_threshold("x.y > +5 %").breaks(0.0, 0.0)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("latency", "'latency' is no limit; write PATH > +5 %, PATH > +1 ms or PATH > 12 ms"),
        (
            "a.b > 5 %",
            "'a.b > 5 %' has a share without + or -; write PATH > +5 %, PATH > +1 ms or PATH > 12 ms",
        ),
        (
            "jobs.*.latency_s > +5",  # five seconds, to who meant per cent
            "'jobs.*.latency_s > +5' has a change without a unit; write PATH > +5 %, PATH > +1 ms or PATH > 12 ms",
        ),
        (
            "masters.*.read_latency_s.p99 > +5",
            "'masters.*.read_latency_s.p99 > +5' has a change without a unit; write PATH > +5 %, PATH > +1 ms or "
            "PATH > 12 ms",
        ),
        (
            "a.b > 5 parsecs",
            "'a.b > 5 parsecs' is no limit ('5 parsecs' is no number); write PATH > +5 %, PATH > +1 ms or PATH > 12 ms",
        ),
        ("llc.hit_rat > 0", "no run has a number at 'llc.hit_rat'; did you mean 'llc.hit_rate'?"),
    ],
)
def test_a_limit_that_cannot_be_read_is_told(limit, said):
    with pytest.raises(ConfigError) as caught:
        broken([limit], ["old", "new"], [BASE, BASE])
    assert str(caught.value) == f"--fail-if: {said}"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("workloads.a.latency_s", 0.0136, "13.6 ms"),
        ("masters.a.read_latency_s.p99", 2e-7, "200 ns"),
        ("dram.0.energy_j", 0.0623, "62.3 mJ"),
        ("llc.hit_rate", 0.459, "45.9 %"),
        ("masters.a.bandwidth_bytes_per_s", 3.2e9, "3.2 GB/s"),
        ("workloads.a.read_bytes", 17_490_000, "17.49 MB"),
        ("workloads.a.frames", 8, "8"),
        ("workloads.a.deadline.met", True, "yes"),
        ("workloads.a.latency_s", None, "-"),
        ("axis", "LPDDR4", "LPDDR4"),
        ("max(masters.*.read_latency_s.p99)", 2e-7, "200 ns"),
        ("p95(workloads.a.frame_latency_s)", 0.0136, "13.6 ms"),
        ("workloads.a.frame_latency_s.0", 0.0136, "13.6 ms"),
        ("count(masters.*.reads)", 3, "3"),
        ("sum(dram.*.energy_j) * workloads.a.latency_s", 2.5e-8, "2.5e-08"),  # joule seconds
        ("llc.size / workloads.a.latency_s", 10.0, "10"),
    ],
)
def test_a_value_is_shown_in_the_unit_of_its_path(path, value, said):
    assert value_text(path, value) == said
