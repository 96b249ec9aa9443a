"""The rows of a systolic array: parameters, the operation under way, its loads, folds and stores."""

from enum import IntEnum

import numpy as np

QUEUE = 2  # operations that it holds: one at work and the next (double-buffered registers)
RECORDS = 4  # counters kept of the latest operations, more than are under way and not yet taken
IN_FLIGHT = 256  # most bursts each way


class Stream(IntEnum):
    """Streams of the memory port: answers are in order within each."""

    READ = 0
    WRITE = 1


class Stall(IntEnum):
    """What kept the array from working."""

    DATA = 0  # inputs or weights not yet in their scratchpad
    OUTPUT = 1  # both halves of the accumulators wait for their stores
    ACKNOWLEDGE = 2  # the array is through: last results on their way out, responses outstanding


STALLS = 3

TRANSFER = np.dtype(  # lines x pixels runs of bytes, and how far the DMA is
    [
        ("address", np.int64),
        ("lines", np.int64),
        ("line_stride", np.int64),
        ("pixels", np.int64),
        ("pixel_stride", np.int64),
        ("run", np.int64),  # bytes side by side
        ("line", np.int64),
        ("pixel", np.int64),
        ("done", np.int64),  # bytes of the run, from the start of its first beat
    ]
)

RECORD = np.dtype(
    [
        ("op", np.int64),
        ("enabled", np.int64),
        ("start", np.int64),
        ("end", np.int64),
        ("input_bytes", np.int64),
        ("weight_bytes", np.int64),
        ("output_bytes", np.int64),
        ("busy_cycles", np.int64),  # of the array
        ("stall", np.int64, (STALLS,)),
    ]
)

SYSTOLIC = np.dtype(
    [
        # parameters
        ("rows", np.int64),
        ("columns", np.int64),
        ("port_bytes", np.int64),
        ("burst_bytes", np.int64),
        ("outstanding_reads", np.int64),
        ("outstanding_writes", np.int64),
        ("master", np.int64),
        # operations: `started` ever taken, `finished` ever done, `taken` of those told; row = number % ring
        ("started", np.int64),
        ("finished", np.int64),
        ("taken", np.int64),
        ("records", RECORD, (RECORDS,)),
        # the loop nest of the one under way
        ("busy", np.int64),
        ("kernel_tiles", np.int64),
        ("line_tiles", np.int64),
        ("column_tiles", np.int64),
        ("channel_tiles", np.int64),
        ("steps", np.int64),
        # loads: a step's weights, then its inputs; two steps' worth of scratchpad
        ("load_step", np.int64),  # step whose loads go out
        ("loading", np.int64),  # 1: its transfers are set up
        ("transfer", np.int64),  # which of them
        ("load", TRANSFER, (2,)),
        ("loaded_step", np.int64),  # first step whose loads are not all there
        ("wanted", np.int64, (2,)),  # bytes received from which a step is loaded, by step % 2
        ("loaded_at", np.int64, (2,)),
        ("requested", np.int64),  # bytes, ever
        ("received", np.int64),
        ("part", np.int64),  # bytes received of the oldest burst in flight
        ("reads_in_flight", np.int64),
        ("next_read", np.int64),
        # the array
        ("compute_step", np.int64),  # next step
        ("free_at", np.int64),  # when the array takes the next step
        ("computed_at", np.int64, (2,)),  # when a step has read its scratchpads, by step % 2
        ("drained_at", np.int64, (2,)),  # when an output tile is complete, by its number % 2
        ("stored_at", np.int64, (2,)),  # when its half of the accumulators is free again
        # stores
        ("store_tile", np.int64),
        ("storing", np.int64),
        ("store", TRANSFER),
        ("writes_in_flight", np.int64),
        ("next_write", np.int64),
    ]
)
