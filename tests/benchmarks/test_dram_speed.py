"""Requests per second of the DRAM channel alone, beside a calibration loop and the fastest of four simulators.

Run with `pytest --benchmark-only tests/benchmarks/test_dram_speed.py -s`.
"""

import time

import pytest

from hw_models.dram import reference_runs as references
from hw_models.dram.build import build_channels
from hw_models.dram.standalone import drive
from simulator.validate.dram import _requests, calibration_s, memory

FASTEST = {
    trace: max(float(r["req_per_s_cpu_med"]) for r in references.table("speed.csv") if r["trace"] == trace)
    for trace in dict.fromkeys(r["trace"] for r in references.table("speed.csv"))
    if trace in references.trace_names()
}


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("trace", FASTEST)
def test_requests_per_second(benchmark, trace):
    dram, rows = memory("DDR4", "ref"), _requests(trace, None)

    def fresh():
        return (dram, build_channels(dram), rows), {}

    drive(*fresh()[0])  # compiles
    loop = min(calibration_s() for _ in range(3))
    benchmark.pedantic(drive, setup=fresh, rounds=5)
    rate = rows.size / benchmark.stats.stats.min
    ratio = rate / FASTEST[trace]
    benchmark.extra_info |= {"requests_per_s": rate, "ratio_to_fastest": ratio, "calibration_s": loop}
    print(
        f"\n{trace}: {rate / 1e6:.2f} M requests/s, {ratio:.1f} times the fastest reference, loop {loop * 1e3:.1f} ms"
    )
    assert ratio > 5
