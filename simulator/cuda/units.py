"""The event loop and the steps of its units as one program, as a GPU has it.

On the CPU a unit's step is a program of its own (`hw_models.apart`). Here it is a part like any other; of
kinds of units that no point has, whose rows are therefore of the CPU's types, a part that does nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core.compiler_lock import global_compiler_lock

from hw_models.jit import njit
from simulator.cuda.layout import PackedRecord, Record
from simulator.kernel import buses, masters, nodes


@njit
def no_master(system, wires, buses, measure, state, table, unit, now):
    return False


@njit
def no_external(system, wires, buses, measure, state, unit, now):
    return False


@njit
def no_cache(system, wires, buses, state, tags, unit, now):
    return None


@njit
def no_memory(system, wires, buses, state, unit, now):
    return None


UNITS = (
    *((step, no_master) for step in (masters.step_nvdla, masters.step_systolic, masters.step_replay)),
    (masters.step_core, no_master),
    (masters.step_external, no_external),
    (nodes.step_cache, no_cache),
    (nodes.step_dram, no_memory),
    (nodes.step_ideal, no_memory),
    *((step, None) for step in (buses.step_bus, buses.bus_offer, buses.bus_respond)),
)


@contextmanager
def one_program() -> Iterator[None]:
    """Have numba take the steps of units for parts of what calls them, meanwhile."""
    with global_compiler_lock:  # no thread compiles for the CPU meanwhile
        kept = [(step, step.get_call_template, step.get_overload) for step, _ in UNITS]
        try:
            for step, instead in UNITS:
                chosen = _Chosen(step, instead)
                step.get_call_template, step.get_overload = chosen.get_call_template, chosen.get_overload
            yield
        finally:
            for step, template, overload in kept:
                step.get_call_template, step.get_overload = template, overload


class _Chosen:
    """What answers numba for a step: itself, or what stands for it, by the types that it is called with."""

    def __init__(self, step: Any, instead: Any):
        self._step, self._instead = step, instead

    def _part(self, args: tuple) -> Any:
        plain = any(isinstance(a, Record) and not isinstance(a, PackedRecord) for a in args)
        return (self._instead if plain and self._instead is not None else self._step).part

    def get_call_template(self, args: tuple, kws: dict) -> tuple:
        return self._part(args).get_call_template(args, kws)

    def get_overload(self, args: tuple) -> Any:
        return self._part(args).get_overload(args)
