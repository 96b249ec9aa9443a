"""The host's cost per request, queue depth, and the exact skipping of long streams."""

import heapq

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw_models.flash.params import Flash
from hw_models.flash.reader import Reader

KIB = 1024
US = 10**6  # ps


def instant(**host):
    """A device whose flash and link take next to nothing: what is left is the host."""
    fields = {
        "preset": "nvme_gen4_ssd",
        "read_time": "1 ns",
        "bus_rate": "1000000 GB/s",
        "link_rate": "1000000 GB/s",
        "controller_time": "10 us",
        "sequential_depth": 1,
        "host": {"submit": "0 us", "serial": "0 us", "serial_rate": "0 B/s", "complete": "0 us", **host},
    }
    return Flash(**fields)


def test_the_serial_section_limits_many_threads_whatever_the_device():
    """32 threads, 5 us each under a lock: 200,000 requests a second."""
    reader = Reader(instant(serial="5 us", submit="1 us", complete="1 us"))
    done = reader.batch(np.arange(2000) * 16 * KIB, np.full(2000, 16 * KIB), threads=32)
    assert done.max() == pytest.approx(2000 * 5 * US, rel=0.02)


def test_bytes_under_the_lock_take_time_too():
    reader = Reader(instant(serial="5 us", serial_rate="10 GB/s"))
    done = reader.batch(np.arange(2000) * 16 * KIB, np.full(2000, 16 * KIB), threads=32)
    assert done.max() == pytest.approx(2000 * (5 + 1.6384) * US, rel=0.02)


def test_costs_of_a_thread_overlap_with_other_threads():
    """Each request: 3 + 10 + 4 us, and the 0.3 us that commands take on the buses; 4 threads share the work."""
    reader = Reader(instant(submit="3 us", complete="4 us"))
    done = reader.batch(np.arange(400) * 16 * KIB, np.full(400, 16 * KIB), threads=4)
    assert done.max() == pytest.approx(100 * 17.3 * US, rel=0.01)


def test_throughput_grows_with_the_request_until_the_link_is_full():
    """The point of the block: at 8 to 32 KiB the host's cost limits an M1 Max, not its flash."""
    params = Flash(preset="m1_max_ssd")
    rates = []
    for size in (8 * KIB, 16 * KIB, 32 * KIB, 256 * KIB):
        address = np.random.default_rng(0).integers(0, 2**33 // size, 2000) * size
        done = Reader(params).batch(address, np.full(2000, size), threads=32)
        rates.append(2000 * size / done.max() * 1e3)
    assert rates[:3] == pytest.approx([1.25, 2.25, 3.96], rel=0.05)
    assert 5.5 < rates[3] < 6.15


def test_no_more_requests_than_the_queue_depth_are_in_the_device():
    params = instant().model_copy(update={"queue_depth": 2})
    done = Reader(params).batch(np.arange(100) * 16 * KIB, np.full(100, 16 * KIB), threads=32)
    assert done.max() == pytest.approx(50 * 10.3 * US, rel=0.01)


def test_requests_start_at_their_earliest_time_and_in_the_order_of_their_thread():
    reader = Reader(instant())
    done = reader.batch(
        [0, 16384, 32768], [16384] * 3, thread=[0, 0, 1], earliest=[50 * US, 0, 5 * US], threads=2
    )
    assert done[2] == pytest.approx(15.3 * US, rel=0.01)
    assert done[0] == pytest.approx(60.3 * US, rel=0.01)
    assert done[1] == pytest.approx(70.6 * US, rel=0.01)


def twin(threads, depth, submit, serial, complete, latency, count):
    """The host, the short way: every thread's step in order of time; the device takes ``latency``."""
    steps = [(0, t, "start") for t in range(threads)]
    lock, finished, started, entered, done = 0, [], 0, 0, []
    heapq.heapify(steps)
    while steps:
        time, thread, what = heapq.heappop(steps)
        if what == "start" and started < count:
            started += 1
            lock = max(time + submit, lock) + serial
            heapq.heappush(steps, (lock, thread, "ring"))
        elif what == "ring":
            if entered >= depth:
                time = max(time, finished[entered - depth])
            entered += 1
            finished.append(time + latency)
            done.append(time + latency + complete)
            heapq.heappush(steps, (done[-1], thread, "start"))
    return sorted(done)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    threads=st.integers(1, 12),
    depth=st.integers(1, 12),
    submit=st.integers(0, 8),
    serial=st.integers(1, 5),
    complete=st.integers(0, 8),
)
def test_threads_agree_with_the_twin(threads, depth, submit, serial, complete):
    """Reads of pages that nobody wrote: the device answers each one after exactly the same time."""
    params = instant(submit=f"{submit} us", serial=f"{serial} us", complete=f"{complete} us")
    params = Flash.model_validate(
        {**params.model_dump(mode="json", by_alias=True), "preload": "0 %", "queue_depth": depth}
    )
    one = Reader(params).batch([0], [16384], threads=1)[0]
    latency = int(one) - (submit + serial + complete) * US
    done = Reader(params).batch(np.arange(60) * 16384, np.full(60, 16384), threads=threads)
    expected = twin(threads, depth, submit * US, serial * US, complete * US, latency, 60)
    assert (
        np.abs(np.sort(done) - expected).max() < 2000
    )  # ps: a command's time on the link is not quite nothing


@pytest.mark.parametrize("preset", ["m1_max_ssd", "m2_ultra_ssd", "nvme_gen4_ssd", "ufs3_1"])
@pytest.mark.parametrize(("chunk", "depth"), [(2**20, 4), (2**20, 1), (128 * KIB, 7), (64 * KIB, 32)])
def test_skipped_streams_equal_the_same_streams_request_by_request(preset, chunk, depth):
    """End, every counter and what comes after are the same to the picosecond."""
    params = Flash(preset=preset)
    ends, readers = [], [Reader(params), Reader(params)]
    for every, reader in zip((False, True), readers):
        end = reader.sequential(3 * chunk, 300 * chunk + 5000, chunk=chunk, depth=depth, every_request=every)
        after = reader.batch([0, 2**30], [16384, 65536], threads=2, start_ps=end)
        ends.append((end, after.tolist()))
    assert ends[0] == ends[1]
    assert readers[0].counters == readers[1].counters


def test_a_stream_of_a_whole_model_is_cheap():
    """13.4 GB, the naive policy's read for one token: a few hundred of its 12,780 requests are simulated."""
    reader = Reader(Flash(preset="m1_max_ssd"))
    end = reader.sequential(0, 13_400_000_000)
    assert end * 1e-12 == pytest.approx(2.196, rel=0.01)
    assert reader.counters["read_bytes"] == 13_400_000_000


def test_a_longer_stream_takes_the_steady_rate_longer():
    reader = Reader(Flash(preset="m1_max_ssd"))
    short = reader.sequential(0, 2**30)
    long = Reader(Flash(preset="m1_max_ssd")).sequential(0, 2**33)
    assert (long - short) / short == pytest.approx(7, rel=0.01)
