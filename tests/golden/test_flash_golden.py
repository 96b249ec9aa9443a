"""Exact times of whole runs, in ps. A change here is a change of the model and belongs in the changelog."""

import numpy as np
import pytest

from hw_models.flash.build import build
from hw_models.flash.params import Flash
from hw_models.flash.reader import Reader
from hw_models.flash.standalone import replay
from simulator.trace.flash import simulate
from simulator.validate.flash import closed_loop

CLOSED_LOOPS = {  # (mapping, KiB, depth, sequential): mean latency in us, single, mapping and multi-plane reads
    ("cached", 4, 1, False): (165, 2000, 1000, 0),
    ("cached", 4, 16, False): (219, 1998, 1000, 1),
    ("cached", 128, 4, True): (467, 16404, 404, 0),
    ("cached", 1024, 16, True): (8719, 1078, 1078, 64000),
    ("resident", 8, 16, True): (124, 1000, 0, 0),
    ("resident", 64, 16, False): (702, 7392, 0, 304),
    ("resident", 512, 2, False): (693, 63808, 0, 96),
}
BATCHES = {  # preset: end of 2000 random 16 KiB reads by 32 threads, end of a 256 MiB stream
    "m1_max_ssd": (14316068476, 58462965507),
    "m2_ultra_ssd": (4255326659, 47392291523),
    "nvme_gen4_ssd": (4751715357, 47173352361),
    "ufs3_1": (14443140615, 130564508873),
}
MQSIM = {  # (share of reads, map): mean response in us of `oltp` in MQSim (7ec40e3), device cache off
    (1.0, "cached"): 205.5,
    (1.0, "resident"): 120.0,
    (0.0, "cached"): 12142.6,
    (0.0, "resident"): 10054.0,
    (0.6, "cached"): 1128.1,
    (0.6, "resident"): 806.2,
}
MIXED = (1173263946761052, 3419, 2765, 4328, 426, 2329)


@pytest.mark.parametrize("case", CLOSED_LOOPS)
def test_closed_loops(case):
    mapping, kib, depth, sequential = case
    latency, counters = closed_loop(mapping, kib * 1024, depth, 1000, sequential)
    found = (latency, counters["single_reads"], counters["map_reads"], counters["multiplane_reads"])
    assert found == CLOSED_LOOPS[case]


def oltp(read_share, count=4000):
    """Return rows (arrival ns, address, bytes, write): hot pages, and requests that are no whole pages."""
    rng = np.random.default_rng(1)
    arrival = np.cumsum(rng.exponential(40_000, count).astype(np.int64))
    page = rng.integers(0, 1 << 24, count)
    hot = rng.integers(0, 2000, count) * 7919
    page = np.where(rng.random(count) < 0.5, hot, page)
    whole = rng.random(count) < 0.7
    sector = page * 16 + np.where(whole, 0, rng.integers(0, 16, count))
    sectors = np.where(whole, 16 * rng.integers(1, 4, count), rng.integers(1, 33, count))
    write = 1 - (rng.random(count) < read_share).astype(np.int64)
    return np.stack([arrival, sector * 512, sectors * 512, write], 1)


@pytest.mark.parametrize(("read_share", "mapping"), MQSIM)
def test_replayed_traces_take_the_time_that_mqsim_says(read_share, mapping):
    requests = oltp(read_share)
    _, done, summary = simulate(Flash(preset="mqsim_default", mapping=mapping), requests)
    mean_us = float((done - requests[:, 0] * 1000).mean()) / 1e6
    assert mean_us == pytest.approx(MQSIM[read_share, mapping], rel=0.01)
    assert summary["flash"]["violations"] == 0


@pytest.mark.parametrize("preset", BATCHES)
def test_reads_of_a_workload(preset):
    assert reads(preset) == BATCHES[preset]


def reads(preset):
    reader = Reader(Flash(preset=preset))
    address = np.random.default_rng(7).integers(0, 2**19, 2000) * 16384
    end = int(reader.batch(address, np.full(2000, 16384), threads=32).max())
    return end, reader.sequential(0, 2**28, start_ps=end)


def test_mixed_reads_and_writes_with_garbage_collection():
    assert mixed() == MIXED


def mixed():
    """Return the sum of completion times, and what was done, of 3000 requests to a small device."""
    params = Flash(
        preset="nvme_gen4_ssd", channels=2, chips=1, dies=2, planes=2, blocks=16, pages=16, writable=True,
        overprovisioning="30 %", gc="cost_benefit", queue_depth=32,
    )  # fmt: skip
    states, memory = build(params)
    rng = np.random.default_rng(3)
    arrival = np.cumsum(rng.integers(0, 400_000_000, 3000))
    page = rng.integers(0, params.logical_pages - 2, 3000)
    size = rng.integers(1, 64, 3000) * 512
    write = (rng.random(3000) < 0.6).astype(np.int64)
    accepted, done, version = (np.zeros(3000, np.int64) for _ in range(3))
    replay(states[0], memory, arrival, page * 16384, size, write, 2**62, accepted, done, version)
    state = states[0]
    assert state["violations"] == 0
    names = ("page_reads", "page_programs", "gc_programs", "erases", "suspends")
    return int(done.sum()), *(int(state[name]) for name in names)
