"""Who waits for whom when nothing can go on: the FIFO, the block that does not take from it, the key."""

from collections.abc import Iterator

import numpy as np

from hw_models.blame import Cause
from hw_models.port import NEVER
from hw_models.units import FS
from simulator.kernel.soc_state import Kind
from simulator.soc.machine import Machine
from simulator.soc.wires import Part

WAYS = ("read", "write")


def who_waits(machine: Machine, what: str) -> str:
    """Say ``what`` is the matter, at which time, and what each unit is waiting for."""
    now_fs = int(machine.system[0]["now_fs"])
    waits = []
    for plan in machine.plans:
        job = machine.jobs[plan.index]
        if job["frame"] < job["frames"]:
            step = int(job["oldest"] - job["first_step"])
            waits.append(f"job {plan.name} waits for step {step} of {plan.step_count}")
    waits += unanswered(machine)
    waits += _fifos(machine)
    for part in machine.wired.parts.values():
        if part.kind == Kind.BUS:
            waits += _bus(machine, part)
        elif part.kind == Kind.CACHE:
            waits += _cache(machine, part)
        elif part.kind == Kind.DRAM:
            waits += _dram(machine, part)
    if machine.storage is not None:
        waits += machine.storage.waits()
    return f"{what} at {now_fs * FS:.9f} s: " + "; ".join(waits or ["nobody waits"])


def unanswered(machine: Machine) -> list[str]:
    """Say which masters wait for answers."""
    waits = []
    for name, measure in zip(machine.master_names, machine.measures):
        reads = int(measure["read_bytes"] - measure["answered_reads"])
        writes = int(measure["write_bytes"] - measure["answered_writes"])
        if reads or writes:
            waits.append(f"{name} waits for {reads} B of reads and {writes} B of writes to be answered")
    return waits


def _fifos(machine: Machine) -> Iterator[str]:
    """Say which FIFOs hold rows, and who does not take them."""
    first = int(machine.system[0]["master_unit"])
    readers = {first + number: name for number, name in enumerate(machine.master_names)}
    for part in machine.wired.parts.values():
        readers |= dict.fromkeys(range(part.unit, part.unit + part.units), part.node.name)
    for name, fifo in zip(machine.wired.fifo_names, machine.wires[0]["fifo"]):
        if fifo["count"]:
            rows = f"{int(fifo['count'])} of {int(fifo['limit'])} rows"
            yield f"{rows} wait as {name} for {readers.get(int(fifo['reader']), 'nobody')}"


def _key(part: Part, *keys: str) -> str:
    return ".".join((*map(str, part.node.keys), *keys))


def _bus(machine: Machine, part: Part) -> Iterator[str]:
    """Say why the oldest requests in an interconnect's queues stay there."""
    row = machine.buses[part.row]
    for lane in np.flatnonzero(row["lanes"]["count"]):
        source, way = lane >> 1, lane & 1
        above = part.node.above[source][0]
        count = int(row["lanes"]["count"][lane])
        said = f"{part.node.name} holds {count} {WAYS[way]}s of {above}"
        yield f"{said}: {_bus_reason(row, part, int(lane), above)}"


def _bus_reason(row: np.void, part: Part, lane: int, above: str) -> str:
    source, way = lane >> 1, lane & 1
    port = int(row["lanes"]["port"][lane])
    if row["lanes"]["cause"][lane] == Cause.REGULATION:
        return f"its budget is spent, see {_key(part, 'masters', above, 'budget')}"
    if row["lane_flight"][lane] >= row["limit"][source]:
        return f"{int(row['limit'][source])} are in flight, see {_key(part, 'masters', above, 'outstanding')}"
    if row["id_flight"][lane].max() >= row["id_limit"][source]:
        return f"an id has no more in flight, see {_key(part, 'masters', above, 'outstanding_per_id')}"
    if row["port_flight"][way, port] >= row["port_limit"][way]:
        return f"{int(row['port_limit'][way])} are in flight, see {_key(part, WAYS[way] + 's_in_flight')}"
    if row["free_slot"] < 0:
        return f"all places in flight are taken, see {_key(part, 'masters', above, 'outstanding')}"
    if row["trackers"] and (row["tracked_until"][port, : row["trackers"]] == NEVER).all():
        return f"all trackers are taken, see {_key(part, 'hub', 'trackers')}"
    return f"{part.node.below[min(port, len(part.node.below) - 1)]} below it takes no more"


def _cache(machine: Machine, part: Part) -> Iterator[str]:
    """Say what a cache with waiting requests has none of."""
    row = machine.caches[part.row]
    if not row["waiting"]:
        return
    said = f"{part.node.name} holds {int(row['waiting'])} requests"
    reasons = []
    if row["mshrs_used"] >= row["mshr_count"]:
        reasons.append(f"all {int(row['mshr_count'])} MSHRs are taken, see {_key(part, 'mshrs')}")
    if row["writeback_limit"] and row["writebacks_used"] >= row["writeback_limit"]:
        taken = int(row["writeback_limit"])
        reasons.append(f"all {taken} places of write-backs are taken, see {_key(part, 'writebacks')}")
    yield f"{said}: " + (" and ".join(reasons) or f"{part.node.below[0]} below it takes no more")


def _dram(machine: Machine, part: Part) -> Iterator[str]:
    """Say what a channel with queued requests has none of."""
    for number in range(part.units):
        row = machine.channels[part.row + number]
        queued = int(row["pending"])
        if not queued and not row["refused"]:
            continue
        name = f"{part.node.name} {number}" if part.units > 1 else part.node.name
        reasons = []
        for way, kind in enumerate(WAYS):
            if row["size"][way] >= row["capacity"][way] > 0:
                reasons.append(f"its {kind} queue is full, see {_key(part, kind + '_queue')}")
            if 0 < row["outstanding"][way] <= row["waiting"][way]:
                reasons.append(f"as many {kind}s as it takes are under way, see {_key(part, f'max_{kind}s')}")
        yield f"{name} holds {queued} bursts: " + (" and ".join(reasons) or f"see {_key(part, 'scheduler')}")
