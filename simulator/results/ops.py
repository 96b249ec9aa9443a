"""The table of operations: a row per hardware operation and core task."""

from typing import Any

from hw_models.units import FS
from simulator.soc.accelerators import KINDS
from simulator.soc.books import Frame
from simulator.soc.machine import JobPlan, Machine
from workloads.llm.program import LlmProgram
from workloads.program import On


def op_table(machine: Machine) -> dict[str, Any]:
    """Return ops.csv's columns: a row a step of each frame that is told of, jobs in the order of their names.

    With jobs of several frames the last column says which; of a sampled run, what was not simulated itself.
    """
    stalls = dict.fromkeys(stall_columns(machine), 0)
    rows = [
        stalls | (llm_row(machine, plan, plan.llm, k) if plan.llm else op_row(machine, plan, frame, k))
        for plan in machine.plans
        for frame in machine.clerk.shown(plan)
        for k in range(plan.step_count)
    ]
    names = [
        "unit", "job", "op", "layer", "kind", "start_s", "end_s", "cycles", "macs", "mac_utilization",
        "read_bytes", "write_bytes",
        *stalls,
    ]  # fmt: skip
    columns = {name: [row[name] for row in rows] for name in names}
    if any(plan.llm for plan in machine.plans):
        columns["token"] = [row.get("token", -1) for row in rows]
        columns["kv_held_bytes"] = [row.get("kv_held_bytes", 0) for row in rows]
    if machine.survey is not None:
        columns["extrapolated"] = (machine.survey.itself < 0).astype(int).tolist()
    if any(plan.frames > 1 for plan in machine.plans):
        columns["frame"] = [row.get("frame", 0) for row in rows]
    return columns


def llm_row(machine: Machine, plan: JobPlan, llm: LlmProgram, k: int) -> dict[str, Any]:
    """Return the row of a language model's phase."""
    step, record = machine.steps[plan.first_step + k], machine.records[plan.first_step + k]
    phase = llm.phases[k]
    start, end = int(record["start_fs"]), int(record["end_fs"])
    moved = phase.flash
    way = "" if moved is None else "write_" if moved.write else "read_"
    peak = llm.machine.peak_flop_per_s[llm.plan.job.precision] / 2
    return {
        "unit": plan.backend if moved is None or moved.host else "flash", "job": plan.name, "op": k,
        "layer": f"layer_{phase.layer}" if phase.layer >= 0 else "output",
        "kind": f"{way}{phase.op}",
        "start_s": start * FS, "end_s": end * FS,
        "cycles": (end - start) // machine.core_period_fs(plan.core) if step["on"] == On.CORE else 0,
        "macs": phase.work.macs,
        "mac_utilization": phase.work.macs / (peak * (end - start) * FS) if end > start else 0.0,
        "read_bytes": moved.bytes if moved is not None and not moved.write else phase.work.read_bytes,
        "write_bytes": moved.bytes if moved is not None and moved.write else phase.work.write_bytes,
        "token": phase.token,
        "kv_held_bytes": llm.kv_held_bytes[k],
    }  # fmt: skip


def stall_columns(machine: Machine) -> list[str]:
    """Return the names of what the accelerators of the machine wait for, and of the driver."""
    kinds = {machine.accelerator_kind(i) for i in range(len(machine.accelerator_names))}
    causes = [cause for name, kind in KINDS.items() if name in kinds for cause in kind.statistics.STALLS]
    return [f"stall_{cause}_cycles" for cause in dict.fromkeys([*causes, "driver"])]


def op_row(machine: Machine, plan: JobPlan, frame: Frame, k: int) -> dict[str, Any]:
    """Return the row of a network's step in one frame."""
    step, record = machine.steps[plan.first_step + k], frame.records[k]
    start, end = int(record["start_fs"]), int(record["end_fs"])
    row: dict[str, Any] = {
        "job": plan.name, "op": k, "frame": frame.number, "start_s": start * FS, "end_s": end * FS,
    }  # fmt: skip
    if step["on"] == On.CORE:
        task = machine.tasks[step["index"]]
        layer = plan.layers[int(task["layer"])]
        period = machine.core_period_fs(plan.core)
        return row | {
            "unit": machine.core_names[plan.core], "layer": layer.name, "kind": f"cpu_{layer.kind}",
            "cycles": (end - start) // period, "macs": 0, "mac_utilization": 0.0,
            "read_bytes": int(task["read_bytes"]), "write_bytes": int(task["write_bytes"]),
        }  # fmt: skip
    if step["on"] == On.FLASH:
        assert machine.storage is not None
        batch = machine.storage.batches[step["index"]]
        moved = int(batch.transfers["bytes"].sum())
        return row | {
            "unit": "flash", "layer": plan.layers[batch.layer].name,
            "kind": "flash_write" if batch.write else "flash_read",
            "cycles": (end - start) // machine.core_period_fs(machine.storage.dma), "macs": 0,
            "mac_utilization": 0.0,
            "read_bytes": 0 if batch.write else moved, "write_bytes": moved if batch.write else 0,
        }  # fmt: skip
    op, done = machine.fleets[plan.kind].ops[step["index"]], frame.op_records[step["index"] - plan.first_op]
    layer = plan.layers[int(op["layer"])]
    period = machine.accelerator_period_fs(plan.accelerator)
    cycles = (end - start) // period
    peak = machine.peak_macs_per_cycle(plan.accelerator)
    return (
        row
        | {
            "unit": machine.accelerator_names[plan.accelerator],
            "layer": layer.name,
            "cycles": cycles,
            "macs": int(op["macs"]),
            "mac_utilization": int(op["macs"]) / (cycles * peak) if cycles * peak else 0.0,
            "stall_driver_cycles": max(start - int(record["ready_fs"]), 0) // period,
        }
        | KINDS[plan.kind].statistics.op_row(op, done)
    )
