"""A language model as a program of the SoC: its phases as steps, each after the one before, as in the paper.

A phase on flash is a batch of requests. A phase on the backend is a memory stream with arithmetic, on a port
of its own, where the backend shares the system's memory; with a memory of its own it is a span of time.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hw_models.cpu.params import WIDE_PORT
from hw_models.cpu.task import TASK, Pattern
from hw_models.flash.params import Flash
from hw_models.nvdla.op import OP
from hw_models.roofline.params import Roofline
from hw_models.units import FS_PER_S
from workloads.llm.check import check
from workloads.llm.kv import flash_end
from workloads.llm.params import LlmJob
from workloads.llm.phases import Pass, Phase, Transfers
from workloads.llm.plan import Plan
from workloads.llm.regions import Regions
from workloads.llm.shared_weights import PARTS
from workloads.llm.tokens import LlmRun
from workloads.program import STEP, TRANSFER, Batch, Layer, MemoryPlan, On, Program


@dataclass(frozen=True)
class LlmProgram:
    """What a report says of the steps: a step a phase, in order."""

    plan: Plan
    machine: Roofline
    passes: list[Pass]  # the prompt first
    phases: list[Phase]  # of all passes

    @cached_property
    def kv_held_bytes(self) -> list[int]:
        """Return for each phase the keys, values and states in DRAM when its pass is over."""
        return [each.kv_dram_bytes for each in self.passes for _ in each.phases]


def llm_program(
    name: str, job: LlmJob, system: Any, seed: int, base: int, flash_base: int
) -> tuple[Program, int, LlmProgram]:
    """Return the program of ``job``'s prompt and tokens, its bytes on flash, and what its steps are.

    ``base``, ``flash_base``: its first addresses in DRAM and on flash. Raises ConfigError.
    """
    plan, machine, reads_flash = check(name, job, system)
    passes = LlmRun(plan, machine, seed).passes()
    phases = [phase for each in passes for phase in each.phases]
    regions = Regions(plan, base)
    tasks: list[tuple] = []
    batches: list[Batch] = []
    spans_fs: list[int] = []
    work: list[tuple[On, int]] = []
    for phase in phases:
        if phase.flash is not None and not phase.flash.host:
            work.append((On.FLASH, len(batches)))
            batches.append(_batch(phase, plan, system.flash, regions, flash_base))
        elif system.shares_memory(job.on):
            work.append((On.CORE, len(tasks)))
            tasks += _tasks(phase, plan, machine, regions)
        else:
            work.append((On.BACKEND, len(spans_fs)))
            spans_fs.append(phase.work.fs)
    steps, deps = _chain(work, phases)
    names = ["output", *(f"layer_{i}" for i in range(plan.model.shape.layers))]
    program = Program(
        name=name,
        layers=[Layer(name, "llm") for name in names],
        ops=np.zeros(0, OP),
        tasks=np.array(tasks, TASK),
        steps=steps,
        deps=deps,
        memory=MemoryPlan(regions.end - base, 0, 0, "none"),
        batches=batches,
        spans_fs=spans_fs,
    )
    end = flash_end(plan) + (plan.table_bytes if job.table is not None and job.table.home == "flash" else 0)
    return program, end if reads_flash else 0, LlmProgram(plan, machine, passes, phases)


def _batch(phase: Phase, plan: Plan, flash: Flash, regions: Regions, flash_base: int) -> Batch:
    moved = phase.flash
    assert moved is not None
    moved = _cut(moved, flash.sequential_chunk_bytes) if moved.in_order else moved
    transfers = np.zeros(moved.addresses.size, TRANSFER)
    transfers["address"], transfers["bytes"] = flash_base + moved.addresses, moved.sizes
    layer = phase.layer if phase.owner < 0 else phase.owner
    at = _kv_at(regions, layer) if moved.write else regions.address(phase.op, layer)
    transfers["dram_address"] = at + np.cumsum(moved.sizes) - moved.sizes
    threads = flash.sequential_depth if moved.in_order else plan.job.threads_of(phase.op)
    return Batch(transfers, threads, moved.write, phase.layer + 1, moved.in_order)


def _kv_at(regions: Regions, layer: int) -> int:
    return regions.kv_address(layer, 0, 0)


def _cut(stream: Transfers, chunk: int) -> Transfers:
    """Return the stream as reads of ``chunk`` bytes, and one of what is left."""
    address, size = int(stream.addresses[0]), stream.bytes
    offsets = np.arange(0, size, chunk, dtype=np.int64)
    return stream._replace(addresses=address + offsets, sizes=np.minimum(chunk, size - offsets))


def _tasks(phase: Phase, plan: Plan, machine: Roofline, regions: Regions) -> list[tuple]:
    """Return the task of a phase on the backend, and behind it the runs that it reads, if any."""
    task = _task(phase, plan, machine, regions)
    places = _places(phase, plan, regions, int(task["read_address"]))
    if places is not None and len(places) == 1:
        task["read_address"] = places[0, 0]
    if places is None or len(places) == 1:
        return [tuple(task.tolist())]
    runs = np.zeros(len(places), TASK)
    runs["read_address"], runs["read_bytes"] = places.T
    task["runs"] = runs.size
    return [tuple(task.tolist()), *(tuple(run) for run in runs.tolist())]


def _places(phase: Phase, plan: Plan, regions: Regions, at: int) -> np.ndarray | None:
    """Return (address, bytes) of what a phase reads, in order; None: all of it from ``at`` on.

    Rows of a table, and keys and values that a step retrieves, lie behind what it reads in order.
    """
    if phase.op == "prefill" and phase.layer >= 0:
        return _prompt_weights(phase, plan, regions)
    if phase.rows is not None:
        size = plan.table_row
        apart = np.stack([at + regions.table_offset() + phase.rows * size, np.full(phase.rows.size, size)], 1)
    elif phase.retrieved is not None:
        row = int(regions.kv.token_bytes[phase.layer])
        apart = phase.retrieved * row
        apart[:, 0] += at + regions.kv_offset(phase.layer)
    else:
        return None
    before = phase.work.read_bytes - int(apart[:, 1].sum())
    return np.concatenate([np.array([[at, before]], np.int64)[: int(before > 0)], apart])


def _prompt_weights(phase: Phase, plan: Plan, regions: Regions) -> np.ndarray | None:
    """Return where a prompt reads a layer's weights: where they lie, and its part of the head.

    What is streamed, and neurons and experts, lands in one buffer of all layers.
    """
    layer, left = phase.layer, phase.work.read_bytes
    places = []
    for part, op in enumerate(PARTS):
        streamed = plan.streamed_share > 0 or (op == "ffn" and plan.sparse and plan.ranks[layer] > 0)
        for owner, size in (
            (layer, int(plan.dram.own(part, layer))),
            (int(plan.weight_owner[part, layer]), int(plan.dram.elsewhere[part, layer])),
        ):
            size = min(size, left)
            if size > 0 and not streamed:
                places.append((regions.address(op, owner), size))
                left -= size
    if left > 0:
        behind = plan.dram.head - left
        if plan.streamed_share > 0 or behind < 0:
            places.append((regions.address("prefill", -1), left))
        else:
            places.append((regions.address("head", -1) + min(layer * left, behind), left))
    return np.array(places, np.int64)


def _task(phase: Phase, plan: Plan, machine: Roofline, regions: Regions) -> np.void:
    peak = machine.peak_flop_per_s[plan.job.precision] / 2 * machine.efficiency.gemm
    task = np.zeros(1, TASK)[0]
    task["pattern"] = int(Pattern.STREAM)
    place = phase.layer if phase.weights_of < 0 else phase.weights_of
    op = "attention" if phase.op == "prefill" and phase.layer >= 0 else phase.op  # its first weights
    at = regions.address(op, place) if phase.owner < 0 else _kv_at(regions, phase.owner)
    task["read_address"] = task["write_address"] = at
    task["read_bytes"], task["write_bytes"] = phase.work.read_bytes, phase.work.write_bytes
    if phase.op in ("prefill", "attention") and phase.layer >= 0:  # new keys and values, where they are read
        task["write_address"] = regions.kv_address(phase.layer, phase.token, phase.work.write_bytes)
    task["compute_cycles"] = round(phase.work.macs / peak * WIDE_PORT.clock_hz)
    task["passes"] = 1
    task["rate_bytes_per_s"] = _rate(phase, machine)
    task["layer"] = phase.layer + 1
    return task


def _rate(phase: Phase, machine: Roofline) -> int:
    """Return the bytes/s that the backend reaches when it has the memory to itself."""
    op = phase.op
    if op == "pages":
        return (phase.work.read_bytes + phase.work.write_bytes) * FS_PER_S // max(phase.work.fs, 1)
    if op == "rows":
        return 2 * machine.copy_bandwidth_bytes_per_s
    share = machine.efficiency.gemv * (machine.efficiency.sparse_ffn if op == "ffn" else 1)
    return round(machine.memory_bandwidth_bytes_per_s * share)


def _chain(work: list[tuple[On, int]], phases: list[Phase]) -> tuple[np.ndarray, np.ndarray]:
    """Return a step for each (kind, index), and what each waits for: the step before it.

    Nothing waits for an early step but the first step behind the compute of the layer before it.
    """
    steps = np.zeros(len(work), STEP)
    deps: list[int] = []
    before, early = -1, -1
    for i, phase in enumerate(phases):
        waits = [before] if before >= 0 else []
        if early >= 0 and not phase.early and phase.layer != phases[early].layer - 1:
            waits, early = [*waits, early], -1
        steps[i]["on"], steps[i]["index"] = int(work[i][0]), work[i][1]
        steps[i]["first_dep"], steps[i]["dep_count"] = len(deps), len(waits)
        deps += waits
        before, early = (before, i) if phase.early else (i, early)
    return steps, np.array(deps, np.int64)
