"""What must hold of every run, whatever the SoC."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from hw_models.interconnect.params import Interconnect
from hw_models.units import FS
from simulator.fuzz.conservation import balances
from simulator.results.result import Result
from simulator.soc.accelerators import KINDS
from simulator.soc.machine import JobPlan, Machine

SIGNED = ("worst_slack_s",)  # figures that may be below zero
SHARES = ("utilization", "hit_rate")  # ends of names of figures from 0 to 1
ROUNDING = 1e-9


def violations(machine: Machine, result: Result) -> list[str]:
    """Return what does not hold of a run that ended, a clause each."""
    found = [
        *_figures(result.summary),
        *_rows(result.ops),
        *_bytes(machine),
        *_rows_open(machine),
        *_bounds(machine),
        *balances(machine),
    ]
    return list(dict.fromkeys(found))


def _figures(data: Any, path: str = "summary") -> Iterator[str]:
    """No figure is negative or not finite; shares lie within 0 and 1."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _figures(value, f"{path}.{key}")
    elif isinstance(data, list):
        for value in data:
            yield from _figures(value, f"{path}[]")
    elif isinstance(data, int | float) and not isinstance(data, bool):
        name = path.rpartition(".")[2]
        if not math.isfinite(data) or (data < 0 and name not in SIGNED):
            yield f"{path} = {data}"
        if name.endswith(SHARES) and data > 1 + ROUNDING:
            yield f"{path} = {data}, above 1"


def _rows(ops: Mapping[str, Any]) -> Iterator[str]:
    """Every operation ends after it starts, and nothing of it is negative."""
    for name, column in ops.items():
        for value in column:
            bad = isinstance(value, int | float) and (not math.isfinite(value) or value < 0)
            if bad and name not in ("token", "layer"):
                yield f"ops.{name} has {value}"
                break
    if any(end < start for start, end in zip(ops.get("start_s", ()), ops.get("end_s", ()))):
        yield "an operation ends before it starts"


def _bytes(machine: Machine) -> Iterator[str]:
    """What a master asked for it has got; a core's last lines may be under way when the jobs are done."""
    endless = {c.on for c in machine.config.corunners}
    timed = isinstance(machine.config.simulation.until, int)
    lines = machine.cores["outstanding_limit"] + machine.cores["writeback_limit"]
    under_way = dict(zip(machine.core_names, (lines * machine.cores["line_bytes"]).tolist()))
    for name, measure in zip(machine.master_names, machine.measures):
        for way in ("read", "write"):
            asked, got = int(measure[f"{way}_bytes"]), int(measure[f"answered_{way}s"])
            if got > asked:
                yield f"{name}: {got} B of {way}s answered, {asked} asked for"
            elif asked - got > under_way.get(name, 0) and not timed and name not in endless:
                yield f"{name}: {asked - got} B of {way}s never answered"


def _rows_open(machine: Machine) -> Iterator[str]:
    """Rows that were opened and not closed, one by one or by a precharge of all banks, are open."""
    for number, channel in enumerate(machine.channels):
        open_rows = int(channel["rank"]["open_banks"][: int(channel["ranks"])].sum())
        counted = int(channel["activates"]) - int(channel["precharges"]) - int(channel["closed_by_all"])
        if int(channel["activates"]) and counted != open_rows:
            yield f"channel {number}: {counted} rows opened and not closed, {open_rows} are open"


def _bounds(machine: Machine) -> Iterator[str]:
    """No frame is faster than its multiply-accumulates at the array's peak, or its bytes at its ports'."""
    for plan in machine.plans:
        done = plan.frames_done(machine)
        peak = machine.peak_macs_per_s(plan.accelerator) if plan.accelerator >= 0 else 0.0
        if peak == 0.0 or done == 0:
            continue
        least_s = int(machine.ops_of(plan)["macs"].sum()) / peak
        latency_s = int(machine.latencies[plan.index][:done].min()) * FS
        if latency_s < least_s * (1 - ROUNDING):
            yield f"{plan.name}: a frame of {latency_s} s, its MACs take {least_s} s"
        if done == plan.frames:
            latency_s = int(machine.latencies[plan.index][done - 1]) * FS
            least_s = _moving_s(machine, plan)
            if latency_s < least_s * (1 - ROUNDING):
                yield f"{plan.name}: a frame of {latency_s} s, its bytes take {least_s} s"


def _moving_s(machine: Machine, plan: JobPlan) -> float:
    """Return the least time [s] for the last frame's bytes to pass the job's ports, reads beside writes."""
    master = machine.wired.topology.masters[plan.accelerator]
    bytes_per_s = 0.0
    for name in master.below:
        params = machine.wired.topology.nodes[name].params
        rate = master.port_bytes / (machine.accelerator_period_fs(plan.accelerator) * FS)
        if isinstance(params, Interconnect):
            ways = int(machine.buses[machine.wired.parts[name].row]["ports"])
            rate = min(rate, params.width_bytes * ways / (machine.wired.period_fs(name) * FS))
        bytes_per_s += rate
    counted = KINDS[plan.kind].statistics.job_summary(machine.op_records_of(plan))
    return max(counted["read_bytes"], counted["write_bytes"]) / bytes_per_s
