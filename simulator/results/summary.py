"""From the kernel's counters to the summary, the table of operations and the timeline."""

from typing import Any

import numpy as np

from hw_models.cache.statistics import llc_summary
from hw_models.cpu.statistics import core_summary
from hw_models.dram.params import Dram
from hw_models.dram.statistics import channel_summary
from hw_models.ideal.statistics import memory_summary
from hw_models.interconnect.statistics import interconnect_summary
from hw_models.port import REFRESH
from hw_models.units import FS
from simulator.kernel import nodes
from simulator.kernel.measure import bucket_low, latency_sum_fs
from simulator.kernel.soc_state import Kind
from simulator.results.blame import step_layer
from simulator.results.frames import frame_figures
from simulator.results.levels import layer_bytes
from simulator.soc.accelerators import KINDS
from simulator.soc.machine import JobPlan, Machine
from simulator.soc.phases import phases_fs
from simulator.soc.wires import Part
from workloads.lowering.account import account
from workloads.program import On


def latency_quantile_s(master: np.ndarray, share: float) -> float | None:
    """Return the latency [s] that ``share`` of the answers stay within: the lower end of its bucket.

    None without an answer.
    """
    total = int(master["latency_rows"])
    if total == 0:
        return None
    bucket = int(np.searchsorted(np.cumsum(master["latency"]), share * total))
    cycles = bucket_low(min(bucket, master["latency"].size - 1))
    return min(cycles * int(master["period_fs"]), int(master["latency_max_fs"])) * FS


def master_summary(master: np.ndarray, seconds: float) -> dict[str, Any]:
    rows = int(master["latency_rows"])
    moved = int(master["answered_reads"] + master["answered_writes"])
    return {
        "reads": int(master["reads"]),
        "writes": int(master["writes"]),
        "read_bytes": int(master["read_bytes"]),
        "write_bytes": int(master["write_bytes"]),
        "bandwidth_bytes_per_s": moved / seconds if seconds else 0.0,
        "read_latency_s": {
            "mean": latency_sum_fs(master) / rows * FS if rows else None,
            "p50": latency_quantile_s(master, 0.50),
            "p95": latency_quantile_s(master, 0.95),
            "p99": latency_quantile_s(master, 0.99),
            "max": int(master["latency_max_fs"]) * FS if rows else None,
        },
    }


def phases(machine: Machine, plan: JobPlan, begin_fs: int) -> dict[str, float]:
    """Return where the time of a frame went, the mean of all that are over; before, of what is done."""
    book = machine.clerk.books[plan.index]
    if book.frames:
        return {f"{name}_s": total * FS / book.frames for name, total in book.phases_fs.items()}
    rows = slice(plan.first_step, plan.first_step + plan.step_count)
    split = phases_fs(machine.steps[rows], machine.records[rows], begin_fs)
    return {f"{name}_s": taken * FS for name, taken in split.items()}


def macs_since(machine: Machine, plan: JobPlan, begin_fs: int) -> int:
    """Return the MACs of the accelerator's operations that began since ``begin_fs`` and came to their end."""
    steps = machine.steps[plan.first_step : plan.first_step + plan.step_count]
    records = machine.records[plan.first_step : plan.first_step + plan.step_count]
    done = (steps["on"] == On.ACCELERATOR) & (records["end_fs"] > 0) & (records["start_fs"] >= begin_fs)
    return int(machine.fleets[plan.kind].ops[steps["index"][done]]["macs"].sum()) if done.any() else 0


def job_summary(machine: Machine, plan: JobPlan) -> dict[str, Any]:
    done = plan.frames_done(machine)
    latencies, finished = machine.latencies[plan.index][:done], machine.finished[plan.index][:done]
    counted = KINDS[plan.kind].statistics.job_summary(machine.op_records_of(plan))
    ops = machine.ops_of(plan)
    macs = int(ops["macs"].sum())
    begin_fs = plan.last_begin_fs(machine)
    split = phases(machine, plan, begin_fs)
    done_macs = macs if done else macs_since(machine, plan, begin_fs)
    peak = machine.peak_macs_per_s(plan.accelerator) if plan.accelerator >= 0 else 0.0
    summary: dict[str, Any] = {
        **frame_figures(latencies, finished, plan.deadline_fs, plan.open_fs(machine)),
        "phases": split,
        "macs": macs + plan.core_macs,
        "mac_utilization": done_macs / (split["accelerator_s"] * peak)
        if split["accelerator_s"] and peak
        else 0.0,
        "read_bytes": counted["read_bytes"] + machine.task_bytes(plan, "read_bytes"),
        "write_bytes": counted["write_bytes"] + machine.task_bytes(plan, "write_bytes"),
        "traffic_bytes": counted["traffic_bytes"],
        "stall_cycles": counted["stall_cycles"],
        "memory": {
            "weight_bytes": plan.memory.weight_bytes,
            "activation_bytes": plan.memory.activation_bytes,
            "activation_lower_bound_bytes": plan.memory.activation_lower_bound_bytes,
            "planner": plan.memory.planner,
            **({"placed": plan.placed} if plan.placed else {}),
        },
    }
    moved = layer_bytes(machine, plan)
    if moved:
        summary["layer_bytes"] = moved
    waits_s = core_waits_s(machine, plan)
    if waits_s:
        summary["core_waits_s"] = waits_s
    network = account(plan.layers, plan.weights, plan.notes, plan.warnings)
    if network["layers"]:
        summary["network"] = network
    return summary


def core_waits_s(machine: Machine, plan: JobPlan) -> dict[str, float]:
    """Return for each layer on a core the time in which the core waited for memory, of the slowest frame."""
    frame = machine.clerk.slowest(plan)
    cycles: dict[str, int] = {}
    steps = machine.steps[plan.first_step : plan.first_step + plan.step_count]
    for k in np.flatnonzero(steps["on"] == On.CORE):
        name = step_layer(machine, plan, int(k))
        cycles[name] = cycles.get(name, 0) + int(frame.records[k]["stall_cycles"])
    return {name: waited * machine.core_period_fs(plan.core) * FS for name, waited in cycles.items()}


def interference(machine: Machine) -> dict[str, dict[str, Any]]:
    """Return victim -> culprit -> {delay_s, causes}; a victim's own row is what it did to itself."""
    total: dict[str, np.ndarray] = {}  # cause -> (victim, culprit) [fs], which may be beyond 64 bits
    for charges in machine.charges():
        for cause, name in enumerate(charges.causes):
            waited_fs = charges.table[:, :, cause].astype(object) * charges.period_fs
            total[name] = total.get(name, 0) + waited_fs
    names = machine.user_names
    result: dict[str, dict[str, Any]] = {}
    for v, victim in enumerate(names):
        row: dict[str, Any] = {}
        for c, culprit in [*enumerate(names), (REFRESH, "refresh")]:
            waits = {name: int(table[v, c]) for name, table in total.items() if table[v, c]}
            if waits:
                by_cause = {name: waited * FS for name, waited in waits.items()}
                row[culprit] = {"delay_s": sum(waits.values()) * FS, "causes": by_cause}
        result[victim] = row
    return result


def core_summaries(machine: Machine) -> dict[str, Any]:
    """Return the counters of the config's cores by name, under `cores`; nothing without."""
    cores = [name for name in machine.core_names if name in machine.config.system.cores]
    counters = {name: core_summary(machine.cores[machine.core_names.index(name)]) for name in cores}
    return {"cores": counters} if counters else {}


def settle(machine: Machine) -> None:
    """Let every DRAM and cache do what is due up to now: refreshes, and what its counters need."""
    system, wires, buses = machine.system[0], machine.nodes.wires, machine.nodes.buses
    for part in machine.wired.parts.values():
        now = _cycles(machine, part)
        if part.kind == Kind.DRAM:
            for channel in machine.channels[part.row : part.row + part.units]:
                nodes.settle_dram(system, wires, buses, channel, now)
        elif part.kind == Kind.CACHE:
            cache = machine.caches[part.row]
            nodes.settle_cache(system, wires, buses, cache, machine.nodes.tags, part.unit, now)


def node_summaries(machine: Machine) -> dict[str, Any]:
    """Return the counters of what lies below the masters: of the usual tree at the top, others by name."""
    summary: dict[str, Any] = {}
    for part in machine.wired.parts.values():
        if part.kind == Kind.CACHE:
            counters = llc_summary(machine.caches[part.row], machine.master_names)
        elif part.kind == Kind.DRAM:
            counters = dram_summary(machine, part)
        elif part.kind == Kind.IDEAL:
            counters = memory_summary(machine.wired.ideals[part.row])
        else:
            counters = interconnect_summary(machine.buses[part.row], _cycles(machine, part))
        holder = summary if len(part.node.keys) == 2 else summary.setdefault(part.node.keys[1], {})
        holder[part.node.name] = counters
    order = ("interconnects", "interconnect", "caches", "llc", "memories", "memory", "dram")
    return {name: summary[name] for name in order if name in summary}


def _cycles(machine: Machine, part: Part) -> int:
    return int(machine.system[0]["now_fs"]) // machine.wired.period_fs(part.node.name)


def dram_summary(machine: Machine, part: Part) -> dict[str, Any]:
    """Return the counters of every channel of a DRAM under its number."""
    dram = part.node.params
    assert isinstance(dram, Dram)
    channels, cycles = machine.channels[part.row : part.row + part.units], _cycles(machine, part)
    return {
        str(index): channel_summary(channel, dram, cycles, max(cycles, int(channel["data_end"])))
        for index, channel in enumerate(channels)
    }


def flash_summary(machine: Machine) -> dict[str, Any]:
    """Return the counters of the flash device that the jobs share, under `flash`; nothing without."""
    counters = machine.storage.summary() if machine.storage is not None else {}
    return {"flash": counters} if counters else {}
