"""What each layer asked of memory behind the caches, and what every level can carry: for the rooflines."""

from collections import defaultdict
from typing import Any

from hw_models.cache.params import Cache
from hw_models.dram.params import Dram
from hw_models.interconnect.params import Interconnect
from simulator.results.blame import step_layer
from simulator.soc.machine import JobPlan, Machine
from simulator.soc.wires import Part, clock_hz

ASKED = "asked for"  # the level of what masters ask for; the others are behind a cache


def last_caches(machine: Machine) -> list[Part]:
    """Return the caches that have nothing but memory below."""
    nodes = machine.wired.topology.nodes
    parts = [part for part in machine.wired.parts.values() if isinstance(part.node.params, Cache)]
    return [part for part in parts if all(nodes[name].is_memory for name in part.node.below)]


def dram_peak(machine: Machine, name: str) -> float:
    """Return the bytes a second that the channels of a DRAM can move, 0 of another memory."""
    part = machine.wired.parts[name]
    if not isinstance(part.node.params, Dram):
        return 0.0
    dram, channels = part.node.params, machine.channels[part.row : part.row + part.units]
    lanes = sum(1 if channel["shared_bus"] else int(channel["ranks"]) for channel in channels)
    return lanes * dram.burst_bytes / (dram.beats * dram.clock_fs * 1e-15)


def asked_peak(machine: Machine) -> float:
    """Return the bytes a second that the accelerators' ports, and what they are wired to, can carry.

    Reads and writes have wires of their own.
    """
    topology, most = machine.wired.topology, 0.0
    for master in topology.masters:
        if master.name in machine.accelerator_names:
            ports = max(1, len(master.below))
            peak = 2.0 * ports * master.port_bytes * master.clock_hz
            below = [topology.nodes[name] for name in master.below]
            buses = [node for node in below if isinstance(node.params, Interconnect)]
            if len(buses) == len(below) == 1:
                width = buses[0].params.width_bytes * sum(topology.nodes[n].entries for n in buses[0].below)
                peak = min(peak, 2.0 * width * clock_hz(topology, buses[0]))
                memory = [dram_peak(machine, name) for name in buses[0].below]
                if all(memory):  # no cache between
                    peak = min(peak, sum(memory))
            most = max(most, peak)
    return most


def peaks(machine: Machine) -> dict[str, float]:
    """Return level -> bytes a second at most."""
    found = {ASKED: asked_peak(machine)}
    for part in last_caches(machine):
        peak = sum(dram_peak(machine, name) for name in part.node.below)
        if peak:
            found[f"behind {part.node.name}"] = peak
    return {level: peak for level, peak in found.items() if peak}


def layer_bytes(machine: Machine, plan: JobPlan) -> dict[str, dict[str, int]]:
    """Return layer -> level behind a cache -> bytes fetched and written back, of the slowest frame."""
    frame = machine.clerk.slowest(plan).number
    entries = machine.clerk.entries()
    steps = (entries["step"] >= plan.first_step) & (entries["step"] < plan.first_step + plan.step_count)
    found: dict[str, Any] = defaultdict(lambda: defaultdict(int))
    for part in last_caches(machine):
        mine = entries[steps & (entries["table"] == -1 - part.unit) & (entries["frame"] == frame)]
        for step, lines in zip(mine["step"].tolist(), mine["cycles"].tolist()):
            layer = step_layer(machine, plan, step - plan.first_step)
            found[layer][f"behind {part.node.name}"] += lines * part.node.params.line_bytes
    return {layer: dict(levels) for layer, levels in found.items()}
