"""Requests per second of the DRAM channel alone, beside a calibration loop and the fastest of four simulators.

Run with `pytest --benchmark-only -o addopts= tests/benchmarks/test_dram_speed.py -s`: every trace of speed.csv,
under the policies of Ramulator and of DRAMsim3. "raw" is our requests per CPU second over the fastest
reference's as measured on its machine; "beside the loop" multiplies it by how much longer the loop, a million
additions in Python, takes here.
"""

import time

import pytest

from hw_models.dram import reference_runs as references
from hw_models.dram.build import build_channels
from hw_models.dram.standalone import drive
from simulator.validate.dram import CONFIG_OF, _requests, calibration_s, memory

ROWS = references.table("speed.csv")
FASTEST = {
    trace: max(float(row["req_per_s_cpu_med"]) for row in ROWS if row["trace"] == trace)
    for trace in dict.fromkeys(row["trace"] for row in ROWS)
}
REFERENCE_LOOP_S = 13.5e-3  # the loop on the references' machine
LEAST = {"r2_ddr4_match": 10, "ds3_ddr4_match": 5}  # times the fastest, beside the loop


def test_every_trace_is_at_hand():
    assert set(FASTEST) <= set(references.trace_names())


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("policy", LEAST)
@pytest.mark.parametrize("trace", FASTEST)
def test_requests_per_second(benchmark, trace, policy):
    policies = dict(CONFIG_OF[policy])
    dram, rows = memory(str(policies.pop("standard")), "ref", **policies), _requests(trace, None)

    def fresh():
        return (dram, build_channels(dram), rows), {}

    drive(*fresh()[0])  # compiles
    loops = [calibration_s()]
    benchmark.pedantic(drive, setup=fresh, rounds=9)
    loops += [calibration_s(), calibration_s()]
    rate = rows.size / benchmark.stats.stats.min
    raw = rate / FASTEST[trace]
    beside = raw * min(loops) / REFERENCE_LOOP_S
    benchmark.extra_info |= {"requests_per_s": rate, "raw": raw, "beside_the_loop": beside}
    print(
        f"\n{policy.split('_')[0]} {trace}: {rate / 1e6:.2f} M requests/s, {raw:.1f} times the fastest reference raw, "
        f"{beside:.1f} beside the loop ({min(loops) * 1e3:.1f} ms)"
    )
    assert beside > LEAST[policy]
