"""Where the energy of a run goes and what the chip's area is, to first order (`hw_models.energy`).

Every unit's dynamic energy and leakage are split over the layers that cause them: an accelerator's and a
core's by its own work and time, that of what is shared by the bytes asked for. What no layer causes
(co-runners, idle accelerators) has a row of its own, so that rows add up to the total.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hw_models.cache.params import Cache
from hw_models.dram.params import Dram
from hw_models.energy import model, tables
from hw_models.interconnect.params import Interconnect
from hw_models.nvdla.params import Nvdla
from hw_models.replay.params import Replay
from hw_models.systolic.params import Systolic
from hw_models.units import FS
from simulator.config.topology import DMA
from simulator.results.blame import step_layer
from simulator.soc.machine import JobPlan, Machine
from workloads.program import On

COLUMNS = ("job", "layer", "unit", "dynamic_j", "leakage_j")
PJ = 1e-12
STRIPE = 16  # atomic operations for which an NVDLA holds its weights, at least (hardware manual)
BACKGROUND = ("active_standby", "precharge_standby", "power_down", "self_refresh", "refresh")  # of DRAM
Layer = tuple[str, str]  # job and layer; without a job what else it is
Shares = Mapping[Layer, float]  # what a unit did for whom, in any measure


class Part(NamedTuple):
    """One item of a unit's energy, and who caused it."""

    unit: str
    dynamic_j: float
    leakage_j: float
    shares: Shares
    low: float = 1.0  # factors within which it lies
    high: float = 1.0


class Work(NamedTuple):
    """What the jobs' steps did, summed over all their runs."""

    seconds: dict[str, dict[Layer, float]]  # by unit
    macs: dict[str, dict[Layer, float]]
    buffer_bytes: dict[str, dict[Layer, float]]  # read from and written to an accelerator's buffers
    asked_bytes: dict[str, dict[Layer, float]]  # of memory, by master
    flash_bytes: dict[Layer, float]


def energy_figures(
    machine: Machine, summary: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Return the summary's `energy` and energy.csv's columns; both empty unless the config names a node."""
    if machine.config.system.energy is None:
        return {}, {}
    node, work = machine.config.system.energy.node_nm, work_of(machine)
    parts = list(_parts(machine, node, work, summary))
    rows: dict[tuple[Layer, str], list[float]] = {}
    for part in parts:
        whole = sum(part.shares.values())
        shares = part.shares if whole else {("", "idle"): 1.0}
        for layer, share in shares.items():
            row = rows.setdefault((layer, part.unit), [0.0, 0.0])
            row[0] += part.dynamic_j * share / (whole or 1.0)
            row[1] += part.leakage_j * share / (whole or 1.0)
    table: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for (whose, unit), joules in rows.items():
        for name, value in zip(COLUMNS, (*whose, unit, *joules) if any(joules) else ()):
            table[name].append(value)
    return _summary(machine, node, parts, table), table


def _summary(
    machine: Machine, node: int, parts: list[Part], table: Mapping[str, list[Any]]
) -> dict[str, Any]:
    total = sum(p.dynamic_j + p.leakage_j for p in parts)
    by_unit: dict[str, dict[str, float]] = {}
    for part in parts:
        unit = by_unit.setdefault(part.unit, {"dynamic_j": 0.0, "leakage_j": 0.0})
        unit["dynamic_j"] += part.dynamic_j
        unit["leakage_j"] += part.leakage_j
    seconds = int(machine.system[0]["now_fs"]) * FS
    areas = areas_mm2(machine, node)
    return {
        "node_nm": node,
        "total_j": total,
        "low_j": sum(p.low * (p.dynamic_j + p.leakage_j) for p in parts),
        "high_j": sum(p.high * (p.dynamic_j + p.leakage_j) for p in parts),
        "dynamic_j": sum(p.dynamic_j for p in parts),
        "leakage_j": sum(p.leakage_j for p in parts),
        "average_w": total / seconds if seconds else 0.0,
        "by_unit": by_unit,
        "by_job": {plan.name: _job(machine, plan, table) for plan in machine.plans},
        "area_mm2": areas | {"total": sum(areas.values())},
    }


def _job(machine: Machine, plan: JobPlan, table: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Return a job's joules; a frame has its part of the dynamic energy, of leakage by its latency."""
    mine = [i for i, job in enumerate(table["job"]) if job == plan.name]
    dynamic, leakage = (sum(table[f"{kind}_j"][i] for i in mine) for kind in ("dynamic", "leakage"))
    done = plan.frames_done(machine)
    found: dict[str, Any] = {"total_j": dynamic + leakage}
    if done and not plan.llm:
        latencies = machine.latencies[plan.index][:done].astype(float)
        frames: list[float] = (dynamic / done + leakage * latencies / latencies.sum()).tolist()
        found |= {"frame_j": (dynamic + leakage) / done, "frames_j": frames}
    return found


def work_of(machine: Machine) -> Work:
    """Return what every job's steps did."""
    tables: tuple[dict[str, dict[Layer, float]], ...] = tuple(
        defaultdict(lambda: defaultdict(float)) for _ in range(4)
    )
    seconds, macs, buffers, asked = tables
    flash: dict[Layer, float] = defaultdict(float)
    for plan in machine.plans:
        book = machine.clerk.books[plan.index]
        counted = book.runs(machine.records[plan.first_step : plan.first_step + plan.step_count])
        runs, spent_fs = (column.tolist() for column in counted)
        for k in range(plan.step_count):
            step, layer = machine.steps[plan.first_step + k], (plan.name, step_layer(machine, plan, k))
            if step["on"] == On.ACCELERATOR:
                unit = machine.accelerator_names[plan.accelerator]
                op = machine.fleets[plan.kind].ops[step["index"]]
                moved = _moved(machine, plan, int(step["index"]) - plan.first_op)
                macs[unit][layer] += runs[k] * int(op["macs"])
                buffers[unit][layer] += runs[k] * buffer_bytes(machine, plan, int(op["macs"]), moved)
                asked[unit][layer] += runs[k] * moved
            elif step["on"] == On.CORE:
                unit, task = machine.core_names[plan.core], machine.tasks[step["index"]]
                asked[unit][layer] += runs[k] * int(task["read_bytes"] + task["write_bytes"])
            elif step["on"] == On.FLASH and machine.storage is not None:
                size = int(machine.storage.batches[step["index"]].transfers["bytes"].sum())
                unit = DMA
                asked[DMA][layer] += runs[k] * size
                flash[layer] += runs[k] * size
            else:
                continue
            seconds[unit][layer] += spent_fs[k] * FS
    return Work(seconds, macs, buffers, asked, flash)


def _moved(machine: Machine, plan: JobPlan, op: int) -> int:
    """Return the bytes that an accelerator's operation asked memory for."""
    record = machine.op_records_of(plan)[op]
    fields = ("read_bytes", "write_bytes", "input_bytes", "weight_bytes", "output_bytes")
    return sum(int(record[name].sum()) for name in fields if name in (record.dtype.names or ()))


def buffer_bytes(machine: Machine, plan: JobPlan, macs: int, moved: int) -> float:
    """Return the bytes that an operation reads from the accelerator's buffers and writes to them.

    NVDLA: an atom of data serves all kernels at work, a weight a stripe. Systolic: an input serves a row of
    columns, a partial sum of 4 B is read and written a column of rows. What is fetched is written once.
    """
    if not macs:
        return 0.0
    params = machine.config.system.accelerators[machine.accelerator_names[plan.accelerator]]
    if isinstance(params, Nvdla):
        return macs / params.atomic_k + macs / STRIPE + moved
    assert isinstance(params, Systolic)
    return macs / params.columns + 2 * 4 * macs / params.rows + moved


def _parts(machine: Machine, node: int, work: Work, summary: Mapping[str, Any]) -> Iterator[Part]:
    seconds = int(machine.system[0]["now_fs"]) * FS
    yield from _accelerators(machine, node, work, seconds)
    yield from _cores(machine, node, work, seconds)
    shared = shared_bytes(machine, work)
    for part in machine.wired.parts.values():
        name, params = part.node.name, part.node.params
        counters = _counters(summary, part.node.keys, name)
        if isinstance(params, Interconnect):
            moved = counters["read_bytes"] + counters["write_bytes"]
            wire = tables.WIRE_PJ_PER_BYTE_MM
            yield Part(name, moved * model.wire_pj_per_byte(node) * PJ, 0.0, shared, wire.low, wire.high)
        elif isinstance(params, Cache):
            yield from _cache(name, params, counters, node, seconds, shared)
        elif isinstance(params, Dram):
            yield from _dram(name, params, counters, shared)
        elif getattr(params, "capacity_bytes", None):
            moved = counters["read_bytes"] + counters["write_bytes"]
            yield from _sram(name, params.capacity_bytes, moved, node, seconds, shared)
    if machine.config.system.flash is not None and summary.get("flash"):
        yield from _flash(machine, summary["flash"], work)


def _counters(summary: Mapping[str, Any], keys: tuple[str, ...], name: str) -> Mapping[str, Any]:
    return summary[name] if len(keys) == 2 else summary[keys[1]][name]


def _accelerators(machine: Machine, node: int, work: Work, seconds: float) -> Iterator[Part]:
    mac, logic = tables.MAC_PJ, tables.LOGIC_LEAKAGE_MW_PER_MM2
    for name, params in machine.config.system.accelerators.items():
        if isinstance(params, Replay):
            continue
        macs, moved = work.macs.get(name, {}), work.buffer_bytes.get(name, {})
        time = dict(work.seconds.get(name, {}))
        time["", name] = max(seconds - sum(time.values()), 0.0)
        area = accelerator_mm2(params, node)
        leakage = model.logic_leakage_w(area["macs"] + area.get("rest", 0.0)) * seconds
        yield Part(f"{name}.macs", sum(macs.values()) * model.mac_pj(node) * PJ, 0.0, macs, mac.low, mac.high)
        yield Part(f"{name}.logic", 0.0, leakage, time, logic.low, logic.high)
        size, bank = buffer_sizes(params)
        dynamic = sum(moved.values()) * model.sram_pj_per_byte(node, bank) * PJ
        sram, leak = tables.SRAM_PJ_PER_64_BITS[8 * 2**10], tables.SRAM_LEAKAGE_MW_PER_MIB
        yield Part(f"{name}.buffer", dynamic, 0.0, moved, sram.low, sram.high)
        yield Part(f"{name}.buffer", 0.0, model.sram_leakage_w(size) * seconds, time, leak.low, leak.high)


def buffer_sizes(params: Any) -> tuple[int, int]:
    """Return the bytes of an accelerator's buffers, and those of one bank."""
    if params.kind == "nvdla":
        bank = params.cbuf_depth * params.cbuf_entry_bytes
        return params.cbuf_banks * bank, bank
    size = params.input_bytes + params.weight_bytes + params.accumulator_bytes
    return size, params.input_bytes // 2


def accelerator_mm2(params: Any, node: int) -> dict[str, float]:
    """Return an accelerator's area: macs, buffer, and of an NVDLA the rest."""
    size, _ = buffer_sizes(params)
    if params.kind == "nvdla":
        return model.nvdla_mm2(node, params.atomic_c * params.atomic_k, size)
    return model.systolic_mm2(node, params.rows * params.columns, size)


def _cores(machine: Machine, node: int, work: Work, seconds: float) -> Iterator[Part]:
    core, logic = tables.CORE_PJ, tables.LOGIC_LEAKAGE_MW_PER_MM2
    corunners = {corunner.on for corunner in machine.config.corunners}
    for name in machine.config.system.cores:
        time = dict(work.seconds.get(name, {}))
        idle = max(seconds - sum(time.values()), 0.0)
        hz = 1e15 / machine.core_period_fs(machine.core_names.index(name))
        leakage = model.logic_leakage_w(model.core_mm2(node)) * seconds
        yield Part(name, 0.0, leakage, time | {("", name): idle}, logic.low, logic.high)
        busy = time | ({("", name): idle} if name in corunners else {})
        dynamic = sum(busy.values()) * hz * model.core_pj_per_cycle(node) * PJ
        yield Part(name, dynamic, 0.0, busy, core.low, core.high)


def shared_bytes(machine: Machine, work: Work) -> Shares:
    """Return the bytes that each layer asked the shared memory for; those of no job by master."""
    found: dict[Layer, float] = defaultdict(float)
    for name, measure in zip(machine.master_names, machine.measures):
        moved = int(measure["read_bytes"] + measure["write_bytes"])
        asked = work.asked_bytes.get(name, {})
        whole = sum(asked.values())
        for layer, share in asked.items() if whole else ():
            found[layer] += moved * share / whole
        if not whole and moved:
            found["", name] += moved
    return found


def _sram(name: str, size: int, moved: float, node: int, seconds: float, shares: Shares) -> Iterator[Part]:
    sram, leak = tables.SRAM_PJ_PER_64_BITS[2**20], tables.SRAM_LEAKAGE_MW_PER_MIB
    yield Part(name, moved * model.sram_pj_per_byte(node, size) * PJ, 0.0, shares, sram.low, sram.high)
    yield Part(name, 0.0, model.sram_leakage_w(size) * seconds, shares, leak.low, leak.high)


def _cache(
    name: str, cache: Cache, counters: Mapping[str, Any], node: int, seconds: float, shares: Shares
) -> Iterator[Part]:
    """An access moves a line of the data array; so do a fill and a write-back."""
    lines = sum(counters[kind] for kind in ("hits", "misses", "merges"))
    lines += counters["misses"] + counters["writebacks"]
    return _sram(name, cache.size_bytes, lines * cache.line_bytes, node, seconds, shares)


def _dram(name: str, dram: Dram, counters: Mapping[str, Any], shares: Shares) -> Iterator[Part]:
    """The chips by their currents (standby and refresh stand for leakage), and the pins."""
    channels = [channel for channel in counters.values() if isinstance(channel, Mapping)]
    causes = [item for channel in channels for item in channel["energy_by_cause_j"].items()]
    standing = sum(joules for cause, joules in causes if cause in BACKGROUND)
    yield Part(name, sum(joules for _, joules in causes) - standing, standing, shares)
    moved = sum(channel["reads"] + channel["writes"] for channel in channels) * dram.burst_bytes
    pins = model.dram_io(dram.standard)
    yield Part(
        f"{name}.io", moved * model.dram_io_pj_per_byte(dram.standard) * PJ, 0.0, shares, pins.low, pins.high
    )


def _flash(machine: Machine, counters: Mapping[str, Any], work: Work) -> Iterator[Part]:
    flash = machine.config.system.flash
    assert flash is not None
    pages = {
        flash.read_fs: counters["page_reads"] + counters["map_reads"] + counters["gc_reads"],
        flash.program_fs: counters["page_programs"] + counters["gc_programs"] + counters["map_writes"],
    }
    cells = sum(model.flash_cell_j(time_fs) * count for time_fs, count in pages.items())
    cells += model.flash_cell_j(flash.erase_fs) * counters["erases"]
    bus = sum(pages.values()) * flash.page_bytes * tables.FLASH_BUS_PJ_PER_BYTE
    link = (counters["read_bytes"] + counters["write_bytes"]) * tables.FLASH_LINK_PJ_PER_BYTE
    yield Part("flash.cells", cells, 0.0, work.flash_bytes, *tables.FLASH_RANGE)
    yield Part("flash.link", (bus + link) * PJ, 0.0, work.flash_bytes, *tables.FLASH_RANGE)


def areas_mm2(machine: Machine, node: int) -> dict[str, float]:
    """Return the area of accelerators, cores, caches and on-chip memories."""
    areas: dict[str, float] = {}
    for name, params in machine.config.system.accelerators.items():
        if isinstance(params, Replay):
            continue
        areas |= {f"{name}.{kind}": area for kind, area in accelerator_mm2(params, node).items()}
    areas |= dict.fromkeys(machine.config.system.cores, model.core_mm2(node))
    for part in machine.wired.parts.values():
        params = part.node.params
        if isinstance(params, Cache):
            areas[part.node.name] = model.sram_mm2(node, params.size_bytes)
        elif not isinstance(params, Dram | Interconnect) and getattr(params, "capacity_bytes", None):
            areas[part.node.name] = model.sram_mm2(node, params.capacity_bytes)
    return areas
