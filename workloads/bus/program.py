"""From a bus trace to a program: one step, whose operation is the trace."""

from pathlib import Path

import numpy as np

from hw_models.cpu.task import TASK
from hw_models.errors import ConfigError
from hw_models.replay.names import IN_FLIGHT
from hw_models.replay.op import OP
from hw_models.replay.params import Replay
from workloads.bus.infer import Dependencies, dependencies_of
from workloads.bus.params import TABLES, TraceJob
from workloads.bus.recording import UNKNOWN, Recording, channels
from workloads.bus.table import read_table
from workloads.program import STEP, Layer, MemoryPlan, On, Program


def read_recording(job: TraceJob) -> Recording:
    """Return what a job's trace holds. Raises ConfigError."""
    path = Path(job.trace)
    if path.name.lower().endswith(TABLES):
        if job.port is not None or job.clock is not None:
            key = "port" if job.port is not None else "clock"
            raise ConfigError("speaks of waves, and the trace is a table; leave it out", key=key)
        return read_table(path)
    from workloads.bus.waves import read_waves

    return read_waves(path, job.port, job.clock)


def lower_trace(job: TraceJob, params: Replay, base_address: int, room_bytes: int) -> Program:
    """Return the program of one frame of a trace. Raises ConfigError.

    An address is taken modulo ``room_bytes``, from ``base_address`` on: the job's own addresses.
    """
    recording = read_recording(job)
    inferred = job.dependencies == "inferred"
    if inferred and not recording.has_times:
        raise ConfigError("the table has no times; write recorded", key="dependencies")
    dependencies = dependencies_of(recording, inferred)
    _check_order(recording, dependencies, job.trace)
    ops = trace_ops(recording, dependencies, params)
    if job.lead_in and recording.has_times:
        first = [1 + int(sum(ops["count"][0, :channel])) for channel in (0, 1) if ops["count"][0, channel]]
        ops["gap"][first] += recording.transactions["issue"].min()
    ops["address"][1:] %= room_bytes
    span = int((ops["address"] + ops["bytes"]).max())
    ops["address"][1:] += base_address
    steps = np.zeros(1, STEP)
    steps["on"] = On.ACCELERATOR
    name = Path(job.trace).name
    return Program(
        name=name,
        layers=[Layer(name, "trace")],
        ops=ops,
        tasks=np.zeros(0, TASK),
        steps=steps,
        deps=np.zeros(0, np.int64),
        memory=MemoryPlan(0, 0, 0, "recorded", span_bytes=span),
    )


def trace_ops(recording: Recording, dependencies: Dependencies, params: Replay) -> np.ndarray:
    """Return the rows of a trace: its head, then reads and writes in order of issue, shape (n + 1,) OP."""
    rows = recording.transactions
    reads, writes = channels(rows)
    order = np.concatenate([reads, writes])
    row_of = np.zeros(len(rows) + 1, np.int64)  # UNKNOWN is the last place: row 0, no predecessor
    row_of[order] = np.arange(1, len(rows) + 1)
    ops = np.zeros(len(rows) + 1, OP)
    ops["first"][0] = 1
    ops["count"][0] = len(reads), len(writes)
    own = params.outstanding_reads, params.outstanding_writes
    ops["limit"][0] = [
        mine or min(seen, IN_FLIGHT) for mine, seen in zip(own, dependencies.limit, strict=True)
    ]
    ops["turnaround"][0] = dependencies.turnaround
    for name in ("address", "bytes"):
        ops[name][1:] = rows[name][order]
    ops["stream"][1:] = rows["id"][order]
    ops["gap"][1:] = dependencies.gap[order]
    ops["after"][1:] = row_of[dependencies.after[order]]
    ops["delay"][1:] = dependencies.delay[order]
    return ops


def _check_order(recording: Recording, dependencies: Dependencies, file: str) -> None:
    """Raise ConfigError where transactions wait for each other in a circle, or for one that is not there."""
    rows, after = recording.transactions, dependencies.after
    beyond = np.flatnonzero((after >= len(rows)).any(axis=1))
    if len(beyond):
        number = int(beyond[0])
        raise ConfigError(
            f"transaction {number} waits for {int(after[number].max())}; there are {len(rows)}", file=file
        )
    orders, at, gone = channels(rows), [0, 0], np.zeros(len(rows) + 1, bool)
    gone[UNKNOWN] = True
    moved = True
    while moved:
        moved = False
        for channel, order in enumerate(orders):
            while at[channel] < len(order) and gone[after[order[at[channel]]]].all():
                gone[order[at[channel]]] = moved = True
                at[channel] += 1
    stuck = [int(order[i]) for order, i in zip(orders, at) if i < len(order)]
    if stuck:
        number = stuck[0]
        names = [int(other) for other in after[number] if not gone[other]]
        raise ConfigError(
            f"transaction {number} waits for {names[0]}, which goes behind it; write one that ends before",
            file=file,
        )
