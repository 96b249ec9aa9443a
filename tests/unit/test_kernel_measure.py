"""Latency histogram and bandwidth bins."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hw_models.port import REQUEST
from hw_models.units import END_FS
from simulator.kernel.measure import (
    BINS,
    MASTER,
    bucket_low,
    bucket_of,
    latency_sum_fs,
    merge_bins,
    note_response,
)


@given(st.integers(0, 2**40))
def test_a_bucket_holds_its_latency_within_its_width(cycles):
    bucket = bucket_of(cycles)
    assert bucket_low(bucket) <= cycles < bucket_low(bucket + 1)
    assert bucket_low(bucket + 1) - bucket_low(bucket) <= max(1, bucket_low(bucket) // 64)


def test_merging_bins_keeps_every_byte():
    masters = np.zeros(2, MASTER)
    masters["traffic"][:] = np.arange(2 * BINS).reshape(2, BINS)
    before = masters["traffic"].sum(axis=1)
    merge_bins(masters)
    assert (masters["traffic"].sum(axis=1) == before).all()
    assert masters["traffic"][0, 0] == 0 + 1
    assert not masters["traffic"][:, BINS // 2 :].any()


def test_a_response_is_counted_with_its_latency():
    master, response = np.zeros(1, MASTER)[0], np.zeros(1, REQUEST)[0]
    master["period_fs"] = 1000
    response["bytes"], response["issued"] = 32, 5000
    note_response(master, response, 25_000, 3)
    assert (master["latency_sum_fs"], master["latency"][20], master["traffic"][3]) == (20_000, 1, 32)
    assert master["answered_reads"] == 32


def test_latencies_add_up_beyond_64_bits():
    master, response = np.zeros(1, MASTER)[0], np.zeros(1, REQUEST)[0]
    master["period_fs"] = 1_000_000_000
    for _ in range(10):  # of an hour each
        note_response(master, response, END_FS, 1)
    assert latency_sum_fs(master) == 10 * END_FS > 2**63
