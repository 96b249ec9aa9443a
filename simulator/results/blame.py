"""Who made which layer wait, where and why: the entries of the clerk's books as blame.csv."""

from typing import Any

import numpy as np

from hw_models.port import REFRESH
from hw_models.units import FS
from simulator.soc.machine import JobPlan, Machine
from workloads.program import On

COLUMNS = ("victim", "job", "frame", "layer", "culprit", "level", "cause", "time_s")


def step_layer(machine: Machine, plan: JobPlan, k: int) -> str:
    """Return the name of the layer that a job's step ``k`` is part of."""
    if plan.llm is not None:
        layer = plan.llm.phases[k].layer
        return f"layer_{layer}" if layer >= 0 else "output"
    step = machine.steps[plan.first_step + k]
    if step["on"] == On.CORE:
        number = machine.tasks[step["index"]]["layer"]
    elif step["on"] == On.FLASH:
        assert machine.storage is not None
        number = machine.storage.batches[step["index"]].layer
    else:
        number = machine.fleets[plan.kind].ops[step["index"]]["layer"]
    return plan.layers[int(number)].name


def blame_fs(machine: Machine) -> dict[tuple[str, str, int, str, str, str, str], int]:
    """Return the waits [fs] by the first seven of COLUMNS; without a job its name is empty and the frame -1.

    The clerk has closed the books.
    """
    entries, charges, names = machine.clerk.entries(), machine.charges(), machine.user_names
    entries = entries[entries["table"] >= 0]
    if not len(entries):
        return {}
    places: dict[tuple[str, str], int] = {}  # (job, layer), in the order of the steps
    place_of = np.array([places.setdefault(each, len(places)) for each in _places(machine)], np.int64)
    causes = list(dict.fromkeys(cause for each in charges for cause in each.causes))
    levels = list(dict.fromkeys(each.level for each in charges))
    cause_of = np.zeros((len(charges), max(len(each.causes) for each in charges)), np.int64)
    for row, each in zip(cause_of, charges):
        row[: len(each.causes)] = [causes.index(cause) for cause in each.causes]
    level_of = np.array([levels.index(each.level) for each in charges])
    keys = np.stack(
        [
            entries["victim"], place_of[entries["step"]], np.where(entries["step"] < 0, -1, entries["frame"]),
            entries["culprit"], level_of[entries["table"]], cause_of[entries["table"], entries["cause"]],
            entries["table"],
        ], axis=1,
    )  # fmt: skip
    found, inverse = np.unique(keys, axis=0, return_inverse=True)
    waits = sums_by_key(inverse.reshape(-1), entries["cycles"], len(found))
    of_place = list(places)
    waits_fs: dict[tuple[str, str, int, str, str, str, str], int] = {}  # all together may be beyond 64 bits
    for (v, p, frame, c, level, cause, table), waited in zip(found.tolist(), waits):
        culprit = "refresh" if c == REFRESH else names[c]
        job, layer = of_place[p]
        key = names[v], job, frame, layer, culprit, levels[level], causes[cause]
        waits_fs[key] = waits_fs.get(key, 0) + waited * charges[table].period_fs
    return waits_fs


def sums_by_key(keys: np.ndarray, numbers: np.ndarray, count: int) -> list[int]:
    """Return the sums by key of numbers that are not negative; a sum may be beyond 64 bits."""
    halves = np.zeros((2, count), np.int64)
    np.add.at(halves[0], keys, numbers & 0xFFFFFFFF)
    np.add.at(halves[1], keys, numbers >> 32)
    return [low + (high << 32) for low, high in halves.T.tolist()]


def _places(machine: Machine) -> list[tuple[str, str]]:
    """Return (job, layer) of every step, behind them that of no step."""
    steps = [
        (plan.name, step_layer(machine, plan, k)) for plan in machine.plans for k in range(plan.step_count)
    ]
    return [*steps, *[("", "")] * (max(1, len(machine.steps)) - len(steps) + 1)]


def blame_table(machine: Machine) -> dict[str, list[Any]]:
    """Return blame.csv's columns: by victim, then job and layer in their order, frame, and the others."""
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for key, waited_fs in blame_fs(machine).items():
        for name, value in zip(COLUMNS, (*key, waited_fs * FS)):
            columns[name].append("" if value == -1 else value)  # no job's frame
    return columns
