"""A SoC's machine as rows of a GPU's memory, and back."""

from typing import NamedTuple

import numpy as np

from simulator.cuda.arguments import CODE, Values
from simulator.cuda.layout import WORD, fill, pack
from simulator.cuda.soc_kernels import RUN
from simulator.cuda.soc_layout import ENTRIES, FLEETS, Shape, layout_of, shape_of, tables_of
from simulator.kernel import ledger
from simulator.kernel.tuned import parameters_of
from simulator.soc.machine import Machine
from simulator.soc.run import kernel_arguments, limit_of


def tables_used(shape: Shape) -> dict[str, np.dtype]:
    """Return the rows of the tables that systems of a shape have."""
    without = [fleet for fleet in FLEETS if not getattr(shape, f"{fleet}s")]
    return {name: rows for name, rows in tables_of(shape).items() if name.partition("_")[0] not in without}


def why_not(machine: Machine) -> str:
    """Return why a machine cannot run on a GPU, empty if it can."""
    if machine.storage is not None:
        return "flash or a backend runs beside the event loop"
    return "masters stand outside" if machine.external_names else ""


def states_of(machine: Machine) -> dict[str, np.ndarray]:
    """Return what a kernel changes of a machine, by the names of its arguments, of shape (1, ...)."""
    m, wired, book = machine, machine.wired, machine.ledger
    alone = {"system": wired.system, "wires": wired.wires, "buses": wired.buses}
    rows = {
        **{"caches": wired.caches, "channels": wired.channels, "ideals": wired.ideals, "cores": m.cores},
        **{"measures": m.measures, "jobs": m.jobs, "latencies": m.latencies, "finished": m.finished},
        **{"accounts": book.accounts, "known": book.known, "lines": book.lines, "used": book.used},
        **{f"{fleet}s": kept.states for fleet, kept in zip(FLEETS, machine.fleets.values(), strict=True)},
    }
    return alone | {name: array[None] for name, array in rows.items()}


def tables_of_its_own(machine: Machine) -> dict[str, np.ndarray]:
    """Return the tables that a kernel changes of a machine."""
    found = {"tags": machine.wired.tags, "records": machine.records, "entries": machine.ledger.entries}
    for fleet, kept in zip(FLEETS, machine.fleets.values(), strict=True):
        found[f"{fleet}_records"] = kept.records
    return found


def shared_of(machine: Machine) -> dict[str, np.ndarray]:
    """Return what kernels only read of a machine."""
    found = {"tasks": machine.tasks, "steps": machine.steps, "deps": machine.deps}
    for fleet, kept in zip(FLEETS, machine.fleets.values(), strict=True):
        found |= {f"{fleet}_ops": kept.ops, f"{fleet}_owners": kept.owners}
    return found


class Point(NamedTuple):
    """A machine as a device keeps it; of what is many zeros, the words that are none."""

    shape: Shape
    limit_fs: int
    values: Values  # of its parameters
    state: "Words"
    own: dict[str, "Words"]
    shared: dict[str, np.ndarray]

    @property
    def bytes(self) -> int:
        """Return how much of a device's memory it takes at most."""
        own = sum(words.size for words in self.own.values())
        read = sum(table.nbytes for table in self.shared.values())
        return int(self.state.size + own + read + RUN.itemsize + CODE.itemsize)


class Words(NamedTuple):
    """Rows as the places and values of the words that are not zero."""

    size: int  # bytes
    places: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> "Words":
        words = rows.view(np.uint8).reshape(-1).view(np.int64)
        places = np.flatnonzero(words).astype(np.int32)
        return cls(rows.nbytes, places, words[places])

    def spread(self) -> np.ndarray:
        """Return the rows as words."""
        words = np.zeros(self.size // WORD, np.int64)
        words[self.places] = self.values
        return words


def rows_of(machine: Machine, shape: Shape) -> dict[str, np.ndarray]:
    """Return a machine in the layouts of its shape: the ``point``, and its own tables."""
    layout, states = layout_of(shape), states_of(machine)
    point = np.zeros(1, layout)
    for name in layout.names or ():
        fill(point[name], states[name], name)
    tables, rows = tables_used(shape), {"point": point}
    for name, table in tables_of_its_own(machine).items():
        if name == "entries":
            rows[name] = table[: machine.ledger.used[0]]
        elif name in tables:
            rows[name] = pack(table, tables[name])
    return rows


def point_of(machine: Machine) -> Point:
    """Return a machine as a device is given it."""
    shape = shape_of(machine)
    rows, tables = rows_of(machine, shape), tables_used(shape)
    rows["point"]["used"][0, 1] = ENTRIES
    entries = np.zeros(ENTRIES + len(machine.ledger.entries) - ledger.ENTRIES, tables["entries"])
    entries[: rows["entries"].size] = rows["entries"]
    own = {name: Words.of(table) for name, table in (rows | {"entries": entries}).items() if name != "point"}
    shared = {name: pack(table, tables[name]) for name, table in shared_of(machine).items() if name in tables}
    values = parameters_of(*kernel_arguments(machine)[:4])
    return Point(shape, limit_of(machine)[0], values, Words.of(rows["point"]), own, shared)


def restore(machine: Machine, rows: dict[str, np.ndarray]) -> None:
    """Have a machine be as ``rows`` say (`rows_of`)."""
    states = states_of(machine)
    for name in rows["point"].dtype.names or ():
        fill(states[name], rows["point"][name], name)
    for name, table in tables_of_its_own(machine).items():
        if name in rows:
            fill(table[: len(rows[name])], rows[name], name)
