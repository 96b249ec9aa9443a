"""Counters that the kernel fills while it runs: traffic and latency per master, bandwidth over time."""

import numpy as np

from hw_models.jit import inlined, njit
from hw_models.known import parameters
from hw_models.units import LARGEST

LINEAR = 1024  # latencies below this many cycles have a bucket each
OCTAVE = 64  # above, each doubling has this many buckets: 1.6 % wide
BUCKETS = LINEAR + 32 * OCTAVE
BINS = 1024  # bandwidth over time; when full, neighbours merge and the bin doubles

MASTER = np.dtype(
    [
        ("period_fs", np.int64),
        ("reads", np.int64),
        ("writes", np.int64),
        ("read_bytes", np.int64),
        ("write_bytes", np.int64),
        ("answered_reads", np.int64),  # bytes; conservation: equal to the bytes asked for
        ("answered_writes", np.int64),
        ("latency_sum_fs", np.int64),  # carries: 64 requests that wait have 2**63 fs together in 144 s
        ("latency_carries", np.int64),
        ("latency_max_fs", np.int64),
        ("latency_rows", np.int64),
        ("latency", np.int64, (BUCKETS,)),  # in cycles of the master, see `bucket_of`
        ("traffic", np.int64, (BINS,)),  # bytes a bin
    ]
)
parameters("MASTER", MASTER, ["period_fs"])


@inlined
def bucket_of(cycles):
    """Return the histogram bucket of a latency [cycles]."""
    if cycles < LINEAR:
        return cycles
    octave = 0
    top = cycles // LINEAR
    while top > 1:
        top //= 2
        octave += 1
    low = LINEAR << octave
    return min(BUCKETS - 1, LINEAR + octave * OCTAVE + (cycles - low) * OCTAVE // low)


def bucket_low(bucket: int) -> int:
    """Return the smallest latency [cycles] that falls into ``bucket``."""
    if bucket < LINEAR:
        return bucket
    octave, part = divmod(bucket - LINEAR, OCTAVE)
    return (LINEAR << octave) + part * (LINEAR << octave) // OCTAVE


def latency_sum_fs(master: np.ndarray) -> int:
    """Return the latencies of all rows of read data together [fs], which may be beyond 64 bits."""
    return int(master["latency_carries"]) * LARGEST + int(master["latency_sum_fs"])


@njit
def merge_bins(masters):
    """Halve the resolution of the bandwidth record of all masters."""
    for master in masters:
        traffic = master["traffic"]
        for i in range(BINS // 2):
            traffic[i] = traffic[2 * i] + traffic[2 * i + 1]
        for i in range(BINS // 2, BINS):
            traffic[i] = 0


@inlined
def note_request(master, request):
    """Count a request that a master hands to the system."""
    if request["write"]:
        master["writes"] += 1
        master["write_bytes"] += request["bytes"]
    else:
        master["reads"] += 1
        master["read_bytes"] += request["bytes"]


@inlined
def bin_of(system, now):
    """Return the bin of ``now`` [fs]: as a rule that of the response before."""
    if not system["bin_end_fs"] - system["bin_fs"] <= now < system["bin_end_fs"]:
        system["bin"] = now // system["bin_fs"]
        system["bin_end_fs"] = (system["bin"] + 1) * system["bin_fs"]
    return system["bin"]


@njit
def note_response(master, response, now, its_bin):
    """Count a response row delivered to its master at ``now`` [fs]."""
    master["traffic"][its_bin] += response["bytes"]
    if response["write"]:
        master["answered_writes"] += response["bytes"]
        return
    latency = now - response["issued"]
    master["answered_reads"] += response["bytes"]
    master["latency_sum_fs"] += latency
    if master["latency_sum_fs"] >= LARGEST:
        master["latency_sum_fs"] -= LARGEST
        master["latency_carries"] += 1
    master["latency_rows"] += 1
    master["latency_max_fs"] = max(master["latency_max_fs"], latency)
    master["latency"][bucket_of(latency // master["period_fs"])] += 1
