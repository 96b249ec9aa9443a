"""Simulation speed of the flash device, against MQSim's on the same requests.

MQSim needs 1 / 103,000 s of CPU time a request at 4 KiB random reads, depth 16, with its default mapping
cache, set-up left out; a calibration loop tells how fast this machine is at the moment. Our set-up, left out
too, is building the device and touching the memory that its map will use.
"""

import time

import numpy as np
import pytest

from hw_models.flash.build import build
from hw_models.flash.host import host, run_reads
from hw_models.flash.params import Flash
from hw_models.flash.reader import Reader
from simulator.validate.dram import calibration_s

MQSIM_REQUESTS_PER_CPU_S = 103_000
CALIBRATION_S = 0.0135  # of `calibration_s` on a core like the reference's
COUNT = 200_000


def closed_loop(mapping="cached", size=4096, depth=16, count=COUNT):
    params = Flash(preset="mqsim_default", mapping=mapping, queue_depth=depth)
    states, memory = build(params)
    places = params.capacity_bytes // 2 // size
    address = (np.random.default_rng(0).random(count) * places).astype(np.int64) * size
    zeros = np.zeros(count, np.int64)
    sizes = np.full(count, size, np.int64)
    submitted, done = zeros.copy(), zeros.copy()
    hosts = host(params, depth, shared=True)
    memory[: int(states[0]["at_map"]) + 80 * count] = 0
    start = time.process_time()
    run_reads(states[0], memory, hosts, address, sizes, zeros, zeros, 0, submitted, done)
    return count / (time.process_time() - start)


def test_ten_times_faster_than_mqsim(benchmark):
    closed_loop(count=100)
    loop = min(calibration_s() for _ in range(3))
    rates = [closed_loop() for _ in range(3)]
    benchmark.extra_info["requests_per_cpu_s"] = max(rates)
    benchmark.extra_info["times_mqsim"] = max(rates) / MQSIM_REQUESTS_PER_CPU_S
    benchmark.pedantic(closed_loop, rounds=1)
    print(f"\n{max(rates) / 1e6:.2f} M requests/s, loop {loop * 1e3:.1f} ms")
    assert max(rates) > 10 * MQSIM_REQUESTS_PER_CPU_S * CALIBRATION_S / max(loop, CALIBRATION_S)


@pytest.mark.parametrize("every_request", [True, False])
def test_a_model_of_13_gb_read_in_sequence(benchmark, every_request):
    """The naive policy's stream, simulated page by page and with whole periods skipped."""
    params = Flash(preset="m1_max_ssd")
    Reader(params).sequential(0, 2**26, every_request=every_request)
    _beside_loop(benchmark, lambda: Reader(params).sequential(0, 13_400_000_000, every_request=every_request))


def test_a_token_of_bundled_neuron_reads(benchmark):
    """12,684 random reads of 16 KiB by 32 threads."""
    params = Flash(preset="m1_max_ssd")
    address = np.random.default_rng(0).integers(0, 2**19, 12_684) * 16384
    sizes = np.full(12_684, 16384)
    _beside_loop(benchmark, lambda: Reader(params).batch(address, sizes, threads=32))


def _beside_loop(benchmark, read):
    """Measure ``read``, and say how many calibration loops of this machine, at the moment, it takes."""
    loop_s = min(calibration_s() for _ in range(3))
    benchmark(read)
    benchmark.extra_info["calibration_loops"] = round(benchmark.stats.stats.min / loop_s, 3)
