"""The run as Chrome trace events, for Perfetto: frames, operations, co-runners, bandwidth, queues.

Format: "Trace Event Format" (Chromium project): complete slices (X), instants (i), counters (C), flows (s, f)
and metadata (M); times in microseconds. Every track has a number of its own, whatever its process.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hw_models.units import FS
from simulator.kernel.measure import BINS
from simulator.results.frames import frame_table
from simulator.results.result import told
from simulator.results.tracks import tracks
from simulator.soc.machine import JobPlan, Machine

Event = dict[str, Any]
FRAMES, OPERATIONS, CORUNNERS, MEMORY = 1, 2, 3, 4  # processes, in the order in which they are shown
PROCESSES = {FRAMES: "frames", OPERATIONS: "operations", CORUNNERS: "co-runners", MEMORY: "memory"}
INSIDE = 0.999  # of a slice: where a flow leaves it
PS = 6  # digits behind the point of a time: picoseconds


def timeline(machine: Machine, ops: Mapping[str, Sequence[Any]]) -> list[Event]:
    """Return all events of a run: those of the operations of ``ops``, and what the run measured."""
    numbers = Tracks()
    slices = operation_slices(ops, numbers)
    events = [
        *frame_events(frame_table(machine), numbers),
        *(event for i in range(len(slices)) for event in (slices[i], *stall_slices(ops, i, slices[i]))),
        *flows(machine, ops, slices),
        *corunner_slices(machine, numbers),
        *counters(bandwidth(machine)),
        *queue_counters(machine.queues.series()),
    ]
    return [*numbers.metadata(), *events]


class Tracks:
    """The numbers of tracks, given in the order in which they are asked for."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, str], int] = {}

    def of(self, process: int, name: str) -> int:
        return self.found.setdefault((process, name), len(self.found))

    def metadata(self) -> Iterator[Event]:
        """Yield the names of processes and tracks, and the order in which they are shown."""
        for process, name in PROCESSES.items():
            yield {"ph": "M", "pid": process, "tid": 0, "name": "process_name", "args": {"name": name}}
            yield {
                "ph": "M",
                "pid": process,
                "tid": 0,
                "name": "process_sort_index",
                "args": {"sort_index": process},
            }
        for (process, name), number in self.found.items():
            at: Event = {"ph": "M", "pid": process, "tid": number}
            yield at | {"name": "thread_name", "args": {"name": name}}
            yield at | {"name": "thread_sort_index", "args": {"sort_index": number}}


def us(seconds: float) -> float:
    return round(seconds * 1e6, PS)


def slice_of(process: int, track: int, kind: str, name: str, start: float, end: float, args: Event) -> Event:
    """Return a complete slice from ``start`` to ``end`` [us]; ``kind``: its category."""
    return {
        "ph": "X", "cat": kind, "pid": process, "tid": track, "name": name,
        "ts": start, "dur": round(max(end - start, 0.0), PS), "args": args,
    }  # fmt: skip


def operation_slices(ops: Mapping[str, Sequence[Any]], numbers: Tracks) -> list[Event]:
    """Return a slice an operation, in the rows' order; a track a unit, more where its operations overlap."""
    on_track = tracks(dict(ops))
    for track in sorted(set(on_track)):
        numbers.of(OPERATIONS, track)
    stalls = [name for name in ops if name.startswith("stall_")]
    shown = [name for name in ("job", "frame", "op", "macs", "read_bytes", "write_bytes") if name in ops]
    slices = []
    for i, track in enumerate(on_track):
        args = {name: ops[name][i] for name in (*shown, *(name for name in stalls if ops[name][i]))}
        name, number = f"{ops['layer'][i]} {ops['kind'][i]}", numbers.of(OPERATIONS, track)
        slices.append(
            slice_of(OPERATIONS, number, "op", name, us(ops["start_s"][i]), us(ops["end_s"][i]), args)
        )
    return slices


def stall_slices(ops: Mapping[str, Sequence[Any]], i: int, parent: Event) -> Iterator[Event]:
    """Yield slices in an operation's slice, one a cause, from its start on.

    How long each is was measured, not when: an operation's stalls lie one behind the other, most first.
    The driver's is none of them: it is over when the operation starts.
    """
    cycles = ops["cycles"][i]
    found = [
        (ops[name][i], name) for name in ops if name.startswith("stall_") and name != "stall_driver_cycles"
    ]
    counted = [(waited, name) for waited, name in found if isinstance(waited, int | float) and waited > 0]
    at, end = parent["ts"], parent["ts"] + parent["dur"]
    for waited, name in sorted(counted, key=lambda each: (-each[0], each[1])) if cycles else ():
        until = min(round(at + parent["dur"] * float(waited) / float(cycles), PS), end)
        if until > at:
            said = f"waits: {name.removeprefix('stall_').removesuffix('_cycles').replace('_', ' ')}"
            yield slice_of(parent["pid"], parent["tid"], "stall", said, at, until, {"cycles": waited})
        at = until


def frame_events(frames: Mapping[str, Sequence[Any]], numbers: Tracks) -> Iterator[Event]:
    """Yield a slice a frame, from its release to its end, and an instant at its deadline.

    A job's frames lie on a second track where one is released before the one before is done.
    """
    rows = {"unit": frames["job"], "start_s": frames["release_s"], "end_s": frames["end_s"]}
    for i, track in enumerate(tracks(rows)):
        number, limit = numbers.of(FRAMES, f"frames of {track}"), frames["deadline_s"][i]
        frame, release, latency = frames["frame"][i], frames["release_s"][i], frames["latency_s"][i]
        args: Event = {"frame": frame, "latency_s": latency}
        if limit != "":
            args |= {"deadline_s": limit, "met": bool(latency <= limit)}
        yield slice_of(FRAMES, number, "frame", f"frame {frame}", us(release), us(frames["end_s"][i]), args)
        if limit != "":
            at: Event = {"ph": "i", "cat": "frame", "pid": FRAMES, "tid": number, "s": "t"}
            yield at | {"name": f"deadline of frame {frame}", "ts": us(release + limit)}


def flows(machine: Machine, ops: Mapping[str, Sequence[Any]], slices: Sequence[Event]) -> Iterator[Event]:
    """Yield an arrow from the operation that made something to each that needs it, in each frame."""
    plans = {plan.name: plan for plan in machine.plans}
    keys = list(zip(ops["job"], ops.get("frame", [0] * len(slices)), ops["op"]))
    place = {key: i for i, key in enumerate(keys)}
    number = 0
    for i, (job, frame, step) in enumerate(keys):
        for producer in dependencies(machine, plans[job], int(step)):
            if (found := place.get((job, frame, producer))) is not None:
                yield from _arrow(slices[found], slices[i], number)
                number += 1


def dependencies(machine: Machine, plan: JobPlan, step: int) -> list[int]:
    """Return the steps of the job that ``step`` waits for."""
    row = machine.steps[plan.first_step + step]
    first = int(row["first_dep"])
    return [int(each) for each in machine.deps[first : first + int(row["dep_count"])]]


def _arrow(producer: Event, consumer: Event, number: int) -> Iterator[Event]:
    both: Event = {"cat": "dependency", "name": "data", "id": number}
    leaves = round(producer["ts"] + INSIDE * producer["dur"], PS)
    yield {"ph": "s", "pid": producer["pid"], "tid": producer["tid"], "ts": leaves, **both}
    yield {"ph": "f", "bp": "e", "pid": consumer["pid"], "tid": consumer["tid"], "ts": consumer["ts"], **both}


def corunner_slices(machine: Machine, numbers: Tracks) -> Iterator[Event]:
    """Yield a slice a co-runner: it makes its traffic from the start to the end of the run."""
    end = us(int(machine.system[0]["now_fs"]) * FS)
    for corunner in machine.config.corunners:
        track, kind = numbers.of(CORUNNERS, corunner.on), corunner.kind.replace("_", " ")
        yield slice_of(CORUNNERS, track, "corunner", kind, 0.0, end, {"core": corunner.on})


def counters(series: Mapping[str, Sequence[float]]) -> Iterator[Event]:
    """Yield the bytes/s of every master that moved any, a track each, where they change."""
    times = series["time_s"]
    half = (times[1] - times[0]) / 2 if len(times) > 1 else sum(times)
    begins = [max(time - half, 0.0) for time in times]
    for name, values in told(series).items():
        yield from _changes(f"{name} bytes/s", "bytes/s", begins, values, round)


def queue_counters(series: Mapping[str, Sequence[float]]) -> Iterator[Event]:
    """Yield the requests in each DRAM queue and the MSHRs in use, a track each, where they change."""
    for name, values in told(series).items():
        yield from _changes(name, name.split()[-1], series["time_s"], values)


def _changes(
    name: str,
    unit: str,
    times: Sequence[float],
    values: Sequence[float],
    shown: Callable[[float], float] = lambda value: value,
) -> Iterator[Event]:
    """Yield a counter where it changes."""
    last = None
    for time, value in zip(times, values):
        if value != last:
            yield {
                "ph": "C",
                "pid": MEMORY,
                "tid": 0,
                "name": name,
                "ts": us(time),
                "args": {unit: shown(value)},
            }
        last = value


def bandwidth(machine: Machine) -> dict[str, list[float]]:
    """Return ``time_s`` (middle of the bin) and bytes/s of every master over time."""
    bin_fs = int(machine.system[0]["bin_fs"])
    used = min(BINS, -(-int(machine.system[0]["now_fs"]) // bin_fs) or 1)
    series: dict[str, list[float]] = {"time_s": [(i + 0.5) * bin_fs * FS for i in range(used)]}
    for name, measure in zip(machine.master_names, machine.measures):
        series[name] = [int(b) / (bin_fs * FS) for b in measure["traffic"][:used]]
    return series
