"""Running the short program of a sampled job, and the machine of the whole one filled with what it says.

All that a machine counts is looked at when a step begins. What was counted between two looks belongs to the
step of the first, and counts as often as `workloads.lowering.sample.Sampled.weights` says. The machine of the
whole program, which never ran, gets the sums: what is told of it needs not know that it was sampled.
"""

import numpy as np

from hw_models.units import LARGEST
from simulator.config.sampling import cache_bytes
from simulator.kernel import ledger
from simulator.kernel.driver import DONE, RUNNING
from simulator.progress import Progress
from simulator.results.summary import settle
from simulator.soc.build import build_machine
from simulator.soc.clerk import Clerk
from simulator.soc.machine import Machine, Survey
from simulator.soc.run import run_machine
from workloads.lowering.estimate import Kind, half_width
from workloads.lowering.sample import Sampled, sample_program
from workloads.lowering.target import target_of
from workloads.program import On

COUNTERS = {  # of a machine's tables: what only grows and is told of
    "measures": (
        "reads", "writes", "read_bytes", "write_bytes", "answered_reads", "answered_writes", "latency",
        "latency_rows",
    ),
    "cores": ("finished", "hits", "misses", "stall_cycles"),
    "caches": ("hits", "misses", "merges", "evictions", "writebacks", "blame"),
    "channels": (
        "reads", "writes", "activates", "precharges", "precharge_alls", "refreshes", "row_hits", "row_misses",
        "row_conflicts", "forwarded", "merged", "blame",
    ),
    "buses": ("reads", "writes", "read_bytes", "write_bytes", "busy_cycles", "back_busy_cycles", "blame"),
}  # fmt: skip
OF_RANKS = ("active_cycles", "down_cycles", "active_down_cycles", "self_refresh_cycles")
OF_OPERATIONS = ("read_bytes", "read_bursts", "write_bytes", "write_bursts", "mac_cycles", "stall")
UNLIKE = (
    0.001  # of extrapolated time: what it may be off besides what varies; 0.03 % in all, 0.12 % of one part
)
# have been seen, four layers of Qwen3-8B against the whole run (docs/llm.md)
LEAST_STREAM = 1 << 20  # bytes of a shortened launch, where there is no cache whose state they pass on
OF_IDEALS = ("reads", "writes", "read_bytes", "write_bytes")


def counters(machine: Machine) -> list[np.ndarray]:
    """Return views of all that a machine counts, integers that only grow."""
    tables = [getattr(machine, table)[name] for table, names in COUNTERS.items() for name in names]
    ranks = [machine.channels["rank"][name] for name in OF_RANKS]
    ideals = [machine.wired.ideals[name] for name in OF_IDEALS]
    return [*tables, *ranks, *ideals, machine.system["doors"], machine.system["now_fs"]]


def latency_sums_fs(machine: Machine) -> np.ndarray:
    """Return the latencies of every master's reads together, floating-point: they may be beyond 64 bits."""
    measures = machine.measures
    return measures["latency_carries"] * float(LARGEST) + measures["latency_sum_fs"]


class Surveyor(Clerk):
    """Keeps the books of a short program, and looks at all counters whenever a step begins.

    The loop asks for a clerk when its ledger is full, which it looks at when a master turns to another step:
    so the ledger is always full.
    """

    def __init__(self, machine: Machine, weights: np.ndarray) -> None:
        super().__init__(machine)
        self.weights = weights  # (steps,)
        self.last = [view.copy() for view in counters(machine)]
        self.sums = [np.zeros(view.shape) for view in self.last]
        self.last_latency_fs = latency_sums_fs(machine)
        self.latency_fs = np.zeros(len(self.last_latency_fs))
        self.begun_fs: list[int] = []  # when each step began
        machine.ledger.used[0] = ledger.ENTRIES

    def turn_page(self) -> None:
        book = self.machine.ledger
        self.pages.append(book.entries[ledger.ENTRIES : book.used[0]].copy())
        book.used[0] = ledger.ENTRIES

    def serve(self) -> None:
        super().serve()
        begun = int((self.machine.records["status"] >= RUNNING).sum())  # one after the other
        if begun > len(self.begun_fs):
            self.look()
            self.begun_fs += [int(self.machine.system[0]["now_fs"])] * (begun - len(self.begun_fs))

    def close(self) -> None:
        super().close()
        self.look()
        self.begun_fs.append(int(self.machine.system[0]["now_fs"]))

    def look(self) -> None:
        """Add what was counted since the last look, for the step that began then."""
        self._note_open_rows()
        weight = self.weights[max(len(self.begun_fs) - 1, 0)]
        for total, last, view in zip(self.sums, self.last, counters(self.machine)):
            total += weight * (view - last)
            last[...] = view
        latency_fs = latency_sums_fs(self.machine)
        self.latency_fs += weight * (latency_fs - self.last_latency_fs)
        self.last_latency_fs = latency_fs

    def _note_open_rows(self) -> None:
        """Count the cycles with open rows up to now, which DRAM does when they are closed."""
        for channel in self.machine.channels:
            ranks = channel["rank"]
            now = int(self.machine.system[0]["now_fs"]) // max(int(channel["period_fs"]), 1)
            since = (ranks["open_banks"] > 0) & (ranks["open_since"] < now)
            ranks["active_cycles"][since] += now - ranks["open_since"][since]
            ranks["open_since"][since] = now


def run_sampled(whole: Machine, progress: Progress | None = None) -> float:
    """Fill ``whole`` with what a short program says of it; run it all if that would not be shorter.

    Return the kernel's own seconds.
    """
    (plan,), sample = whole.plans, whole.config.simulation.sample
    assert sample is not None
    stream_bytes = sample.stream_bytes or max(cache_bytes(whole.config.system), LEAST_STREAM)
    target = target_of(whole.config.system.accelerators[whole.accelerator_names[plan.accelerator]])
    sampled = sample_program(plan.program, target, sample.layers, stream_bytes)
    if sampled is None:
        wall_s = run_machine(whole, progress)
        close_books(whole)
        return wall_s
    short = build_machine(whole.config, sampled.program)
    short.clerk = Surveyor(short, sampled.weights())
    wall_s = run_machine(short, progress)
    close_books(short)
    whole.survey = fill(whole, short, sampled)
    return wall_s


def close_books(machine: Machine) -> None:
    """Count what is due at the end of a run."""
    settle(machine)
    machine.clerk.close()


def fill(whole: Machine, short: Machine, sampled: Sampled) -> Survey:
    """Give the machine of the whole program what the run of the short one says; its books are closed."""
    clerk = short.clerk
    sample = whole.config.simulation.sample
    assert isinstance(clerk, Surveyor)
    assert sample is not None
    for view, summed in zip(counters(whole), clerk.sums):
        view[...] = np.maximum(np.rint(summed), 0)
    for row, total_fs, seen in zip(whole.measures, clerk.latency_fs.tolist(), short.measures):
        row["latency_carries"], row["latency_sum_fs"] = divmod(max(round(total_fs), 0), LARGEST)
        row["latency_max_fs"] = seen["latency_max_fs"]
    whole.system[0]["events"] = short.system[0]["events"]
    _fill_steps(whole, short, sampled, clerk.begun_fs)
    _fill_operations(whole, short, sampled)
    whole.clerk.take(_entries(whole, short, sampled))
    lengths_fs = np.diff(clerk.begun_fs)
    of_group = sampled.group_of[:, None] == np.arange(len(sampled.groups))
    known = sampled.itself >= 0
    counted = zip(sampled.groups, of_group[~known].sum(0).tolist(), of_group[known].sum(0).tolist())
    kinds = [Kind(group, lengths_fs[group.steps], *counts) for group, *counts in counted]
    return Survey(
        requests=int(short.measures["reads"].sum() + short.measures["writes"].sum()),
        layers=sampled.layers,
        half_width_fs=round(
            half_width(kinds, sample.layers) + UNLIKE * float(spread(sampled, lengths_fs)[~known].sum())
        ),
        itself=sampled.itself,
    )


def spread(sampled: Sampled, counts: np.ndarray) -> np.ndarray:
    """Return what each step of the whole program counted, shape (steps, ...), floating-point.

    ``counts``: what each step of the short one did, shape (its steps, ...).
    """
    of_group = np.stack([np.tensordot(g.shares(), counts[g.steps], 1) for g in sampled.groups])
    return np.where(
        (sampled.itself >= 0).reshape(-1, *[1] * (counts.ndim - 1)),
        counts[sampled.itself],
        of_group[sampled.group_of],
    )


def _fill_steps(whole: Machine, short: Machine, sampled: Sampled, begun_fs: list[int]) -> None:
    """Put the steps one behind the other, and the frame's end behind the last."""
    seen, records = short.records, whole.records
    lengths_fs = np.rint(spread(sampled, np.diff(begun_fs)))
    begin_fs = begun_fs[0] + np.concatenate([[0], np.cumsum(lengths_fs)])
    records["status"] = DONE
    for name in ("start_fs", "end_fs", "ready_fs"):
        records[name] = begin_fs[:-1] + np.rint(spread(sampled, seen[name] - np.array(begun_fs[:-1])))
    records["stall_cycles"] = np.maximum(np.rint(spread(sampled, seen["stall_cycles"])), 0)
    job = whole.jobs[0]
    job["frame"], job["oldest"] = 1, job["first_step"] + job["step_count"]
    whole.latencies[0, 0] = whole.finished[0, 0] = begin_fs[-1]
    whole.system[0]["now_fs"] = begin_fs[-1]


def _fill_operations(whole: Machine, short: Machine, sampled: Sampled) -> None:
    (plan,) = whole.plans
    mine, its = (m.fleets[plan.kind].records for m in (whole, short))
    of_step = [on_accelerator(m) for m in (whole, short)]
    for name in OF_OPERATIONS:
        counts = np.zeros((len(short.steps), *its[name].shape[1:]))
        counts[of_step[1]] = its[name][short.steps["index"][of_step[1]]]
        estimated = np.maximum(np.rint(spread(sampled, counts)), 0)
        mine[name][whole.steps["index"][of_step[0]]] = estimated[of_step[0]]


def on_accelerator(machine: Machine) -> np.ndarray:
    """Return the numbers of the steps that the accelerator does."""
    return np.flatnonzero(machine.steps["on"] == On.ACCELERATOR)


def _entries(whole: Machine, short: Machine, sampled: Sampled) -> np.ndarray:
    """Return the ledger's entries of the whole program: waits and lines by step.

    The tables of waits become what the steps' entries add up to; masters without steps have them from there.
    """
    seen = short.clerk.entries()
    stepless = {
        m for m in range(len(whole.master_names)) if not (seen["step"][seen["victim"] == m] >= 0).any()
    }
    names = ("victim", "table", "culprit", "cause")
    found, inverse = np.unique(seen[list(names)], return_inverse=True)
    counts = np.zeros((len(sampled.program.steps), len(found)))
    mine = seen["step"] >= 0
    np.add.at(counts, (seen["step"][mine], inverse[mine]), seen["cycles"][mine])
    estimated = np.maximum(np.rint(spread(sampled, counts)), 0)
    rows = [np.zeros(0, ledger.ENTRY)]
    for column, key in enumerate(found):
        if int(key["victim"]) in stepless:
            continue
        steps = np.flatnonzero(estimated[:, column])
        entries = np.zeros(len(steps), ledger.ENTRY)
        for name in names:
            entries[name] = key[name]
        entries["step"], entries["cycles"] = steps, estimated[steps, column]
        rows.append(entries)
    of_steps = np.concatenate(rows)
    return np.concatenate([of_steps, *_settle_tables(whole, of_steps, stepless)])


def _settle_tables(whole: Machine, of_steps: np.ndarray, stepless: set[int]) -> list[np.ndarray]:
    """Make the tables of waits what the steps' entries add up to; return entries of masters without steps."""
    rows = []
    for number, charges in enumerate(whole.charges()):
        mine = of_steps[of_steps["table"] == number]
        kept = charges.table[sorted(stepless)]
        charges.table[...] = 0
        charges.table[sorted(stepless)] = kept
        np.add.at(charges.table, (mine["victim"], mine["culprit"], mine["cause"]), mine["cycles"])
        for victim in sorted(stepless):
            places = np.argwhere(charges.table[victim])
            entries = np.zeros(len(places), ledger.ENTRY)
            entries["victim"], entries["table"], entries["step"] = victim, number, -1
            entries["culprit"], entries["cause"] = places.T
            entries["cycles"] = charges.table[victim][tuple(places.T)]
            rows.append(entries)
    return rows
