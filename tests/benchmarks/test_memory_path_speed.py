"""Nanoseconds a 32-byte request through interconnect and LLC, beside a calibration loop in the same run.

pytest tests/benchmarks/test_memory_path_speed.py --benchmark-only -s
"""

import time

import numpy as np
import pytest

from hw_models.cache import block as cache
from hw_models.cache.build import build_cache
from hw_models.cache.params import Cache
from hw_models.interconnect import block as bus
from hw_models.interconnect.build import build_interconnect
from hw_models.interconnect.params import Interconnect
from hw_models.jit import njit
from hw_models.port import NEVER, REQUEST, WIRING, front, pop

COUNT = 200_000
BUS_DOWN, BUS_UP, LLC_DOWN, LLC_UP = 0, 16, 32, 48
MEMORY_CYCLES = 60
NAMES = ["nvdla0", "core0", "core1"]


@njit
def calibrate(rounds):
    x = np.int64(1)
    for i in range(rounds):
        x = (x * 3 + i) ^ (x >> 3)
    return x


@njit
def run(bus_state, cache_state, tags, wires, requests):
    """Send all requests as fast as they are taken; returns (cycles, answers)."""
    now, entered, answers = np.int64(0), 0, 0
    llc_down, llc_up, bus_down = wires["fifo"][LLC_DOWN], wires["fifo"][LLC_UP], wires["fifo"][BUS_DOWN]
    while answers < requests.size:
        wake = NEVER
        while entered < requests.size and bus.accept(
            bus_state, requests[entered], requests[entered]["master"], now
        ):
            entered += 1
        wake = min(wake, bus.advance(bus_state, now, wires, BUS_DOWN, BUS_UP))
        while bus_down["count"] > 0:
            if not cache.accept(cache_state, tags, front(bus_down), max(now, front(bus_down)["time"])):
                break
            pop(bus_down)
        wake = min(wake, cache.advance(cache_state, tags, now, wires, LLC_DOWN, LLC_UP))
        while llc_down["count"] > 0:
            done = front(llc_down)["time"] + MEMORY_CYCLES
            wake = min(wake, cache.respond(cache_state, tags, front(llc_down), done))
            pop(llc_down)
        while llc_up["count"] > 0:
            wake = min(
                wake,
                bus.respond(bus_state, front(llc_up), front(llc_up)["time"], now, wires, BUS_DOWN, BUS_UP),
            )
            pop(llc_up)
        for master in range(bus_state["masters"]):
            up = wires["fifo"][BUS_UP + master]
            answers += up["count"]
            up["count"] = 0
        now = wake
    return now, answers


def traffic(footprint):
    """Return one accelerator's stream with two cores in between, 30 % writes."""
    rng = np.random.default_rng(0)
    requests = np.zeros(COUNT, REQUEST)
    requests["master"] = np.where(rng.random(COUNT) < 0.8, 0, rng.integers(1, 3, COUNT))
    requests["address"] = np.arange(COUNT) * 32 % footprint + (requests["master"] << 28)
    requests["bytes"], requests["write"] = 32, rng.random(COUNT) < 0.3
    requests["stream"], requests["tag"] = rng.integers(0, 8, COUNT), np.arange(COUNT)
    return requests


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("footprint", [2**19, 2**26], ids=["hits", "misses"])
def test_nanoseconds_a_request(benchmark, footprint):
    requests = traffic(footprint)

    def fresh():
        interconnect = build_interconnect(
            Interconnect(width="8 B", latency="20 cycles"), NAMES, [32, 32, 32], line_bytes=64
        )
        state, tags = build_cache(Cache(size="2 MiB", replacement="random"), NAMES)
        wires = np.zeros(1, WIRING)
        wires["fifo"]["limit"] = 64
        return (interconnect[0], state[0], tags, wires[0], requests), {}

    run(*fresh()[0])
    calibrate(1)
    started = time.process_time()
    calibrate(10**7)
    calibration_ns = (time.process_time() - started) * 100  # a round of the loop
    benchmark.pedantic(run, setup=fresh, rounds=5)
    nanoseconds = benchmark.stats.stats.min / COUNT * 1e9
    benchmark.extra_info["ns a request"] = round(nanoseconds, 1)
    benchmark.extra_info["rounds of the calibration loop"] = round(nanoseconds / calibration_ns)
    print(f"\n{nanoseconds:.0f} ns a request, {nanoseconds / calibration_ns:.0f} calibration rounds")
