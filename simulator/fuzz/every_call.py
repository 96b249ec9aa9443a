"""Calls that the event loop saves where they show nowhere, made after all."""

from simulator.soc.machine import Machine


def make_every_call(machine: Machine) -> None:
    """Let a machine that was not run yet make every call: its run takes longer, all its figures stay.

    But for two that show where parts have clocks or widths of their own: a DRAM that keeps answers to their
    time (who is charged at its door), and what an NVDLA is told late (a few cycles).
    """
    machine.nodes.buses["bus"]["foresees"] = 0
    machine.nodes.caches["late"] = 0
    for name in ("delay", "asks"):
        machine.nodes.wires["fifo"][name] = 0
