"""State of the memory interface: requests, beats and answers of every client."""

import numpy as np

from hw_models.nvdla.names import CLIENTS

REQUESTS = 8  # DMA requests a client may have waiting at the memory interface
CREDIT_RING = 512  # more than any latency buffer holds
RETURNS = 1024  # power of two, more than beats in flight
TAKEN_BEATS = 16  # data beats remembered, more than RETURN_BUFFER_BEATS
WRITES = 64  # write bursts a client may have waiting

READER = np.dtype(
    [
        # DMA requests waiting to be split into bursts
        ("head", np.int64),
        ("count", np.int64),
        ("address", np.int64, (REQUESTS,)),
        ("beats", np.int64, (REQUESTS,)),
        ("time", np.int64, (REQUESTS,)),  # first cycle at which its first burst may be on the bus
        ("slot", np.int64, (REQUESTS,)),
        ("limit", np.int64),  # how many may wait
        ("owner", np.int64),  # Part that is woken when there is room again
        ("id_limit", np.int64),  # most bursts in flight of this id; 0: no limit
        ("bursts_in_flight", np.int64),
        ("burst_beats_left", np.int64),  # beats of the oldest burst that have come back
        ("part_bytes", np.int64),  # bytes that came back of a beat that is not yet whole
        ("credit", np.int64),  # beats that its latency buffer can still hold; -1: no credits
        # credits that are known to come back at a later cycle, in the order of their times
        ("credit_head", np.int64),
        ("credit_count", np.int64),
        ("credit_time", np.int64, (CREDIT_RING,)),
    ]
)

WRITER = np.dtype(
    [
        ("head", np.int64),
        ("count", np.int64),
        ("address", np.int64, (WRITES,)),
        ("beats", np.int64, (WRITES,)),
        ("time", np.int64, (WRITES,)),  # first cycle at which it may be on the bus
        ("slot", np.int64, (WRITES,)),
    ]
)

BEATS = np.dtype(  # of a direction: under way, and back
    [
        ("in_flight", np.int64),  # those included that are back and not yet seen to be
        ("back", np.int64, (RETURNS,)),  # cycles at which they came back, or were acknowledged
        ("head", np.int64),
        ("count", np.int64),
    ]
)

MCIF = np.dtype(
    [
        ("readers", READER, (CLIENTS,)),
        ("writers", WRITER, (CLIENTS,)),
        ("asking", np.int64),  # clients with requests for reads, a bit each
        ("telling", np.int64),  # and for writes
        ("heeded", np.int64),  # bursts under way whose every answer counts: not CDMA's reads and SDP's writes
        ("last_reader", np.int64),  # round robin
        ("last_writer", np.int64),
        ("next_read", np.int64),  # cycle from which the next burst may leave
        ("next_write", np.int64),
        ("read_wake", np.int64),  # when to look for one again
        ("write_wake", np.int64),
        ("reads", BEATS),
        ("writes", BEATS),
        ("max_reads_in_flight", np.int64),
        ("last_beat", np.int64),  # cycle of the last read beat taken
        ("read_limited", np.int64),  # 1: the limit of beats in flight holds the next burst back
        ("write_limited", np.int64),
        ("read_full", np.int64),  # 1: the way out is full
        ("write_full", np.int64),
        ("taken", np.int64, (TAKEN_BEATS,)),  # cycles at which CDMA took its last data beats
        ("taken_count", np.int64),
    ]
)
