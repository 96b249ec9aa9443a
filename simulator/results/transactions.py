"""What a replayed bus trace did in this run: a recording that can be replayed in its turn."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.soc.accelerators import KINDS
from simulator.soc.machine import Machine


def transactions(machine: Machine) -> dict[str, Mapping[str, Sequence[Any]]]:
    """Return the columns of every trace's transactions of its last frame, by job, where one is done."""
    tables = {}
    for plan in machine.plans:
        columns = getattr(KINDS[plan.kind].statistics, "transactions", None)
        if columns is not None and plan.frames_done(machine):
            tables[plan.name] = columns(machine.ops_of(plan), machine.op_records_of(plan))
    return tables
