"""What must balance on the way of a request: bytes from level to level, accesses, and waits with charges."""

from collections.abc import Iterator

import numpy as np

from hw_models.blame import Cause
from hw_models.interconnect.names import LANE_ROWS
from hw_models.port import FIFO_ROWS
from simulator.config.topology import Master, Node
from simulator.kernel.soc_state import Kind
from simulator.soc.machine import Machine
from simulator.soc.wires import Part


def balances(machine: Machine) -> Iterator[str]:
    """Say what does not balance in a run that ended, a clause each."""
    yield from _levels(machine)
    for part in machine.wired.parts.values():
        if part.kind == Kind.BUS:
            yield from _bus_waits(machine, part)
        elif part.kind == Kind.CACHE:
            yield from _cache(machine, part)
    for number, channel in enumerate(machine.channels):
        charged, waited = int(channel["blame"].sum()), int(channel["waited"])
        if charged != waited:
            yield f"channel {number}: {charged} cycles are charged, requests waited {waited}"


def _levels(machine: Machine) -> Iterator[str]:
    """What a level hands down is what the next one has taken, and what is on the wires between them."""
    for above, below in _joints(machine):
        parts = [machine.wired.parts[name] for name in below]
        if any(part.kind == Kind.DRAM for part in parts):
            continue  # it counts bursts
        sent = sum(_sent(machine, name) for name in above)
        taken = sum(_taken(machine, part) + _between(machine, part) for part in parts)
        if any(part.kind == Kind.IDEAL for part in parts):  # it does not know masters
            sent, taken = np.sum(sent), np.sum(taken)
        if np.any(sent != taken):
            names = f"{' and '.join(sorted(above))} to {' and '.join(sorted(below))}"
            yield f"{names}: {np.sum(sent)} B handed down, {np.sum(taken)} B taken or on the way"


def _joints(machine: Machine) -> list[tuple[set[str], set[str]]]:
    """Return (names above, names below) of each set of wires that no other wire of a level joins."""
    topology = machine.wired.topology
    joints: list[tuple[set[str], set[str]]] = []
    uppers: list[Master | Node] = [*topology.masters, *topology.nodes.values()]
    for upper in uppers:
        if not upper.below:
            continue
        above, below = {upper.name}, set(upper.below)
        for joint in [joint for joint in joints if joint[1] & below]:
            joints.remove(joint)
            above, below = above | joint[0], below | joint[1]
        joints.append((above, below))
    return joints


def _sent(machine: Machine, name: str) -> np.ndarray:
    """Return the bytes that a master or a node has handed down, by master."""
    names = machine.master_names
    if name in names:
        sent = np.zeros(len(names), np.int64)
        measure = machine.measures[names.index(name)]
        sent[names.index(name)] = measure["read_bytes"] + measure["write_bytes"]
        return sent
    part = machine.wired.parts[name]
    if part.kind == Kind.CACHE:
        row = machine.caches[part.row]
        return (row["fill_bytes"] + row["writeback_bytes"] + row["bypass_bytes"])[: len(names)]
    bus, waiting = machine.buses[part.row], np.zeros(len(names), np.int64)
    for lane in bus["lanes"]:
        for request in _rows(lane, LANE_ROWS):
            waiting[request["master"]] += request["bytes"]
        if lane["count"]:
            waiting[lane["rows"][lane["head"]]["master"]] -= lane["sent"]
    for piece in bus["slots"][bus["staged"][bus["staged"] >= 0]] if bus["caches"] else ():  # in the hub
        waiting[piece["request"]["master"]] += piece["bytes"]
    return _taken(machine, part) - waiting


def _taken(machine: Machine, part: Part) -> np.ndarray:
    """Return the bytes that a node has taken in, by master; of an ideal memory of all, at the first."""
    count = len(machine.master_names)
    if part.kind == Kind.IDEAL:
        row = machine.wired.ideals[part.row]
        return np.array([row["read_bytes"] + row["write_bytes"]] + [0] * (count - 1))
    if part.kind == Kind.CACHE:
        return machine.caches[part.row]["access_bytes"][:count]
    row = machine.buses[part.row]
    return (row["read_bytes"] + row["write_bytes"])[:count]


def _between(machine: Machine, part: Part) -> np.ndarray:
    """Return the bytes of requests on the wires above a node, by master."""
    waiting = np.zeros(len(machine.master_names), np.int64)
    node = machine.system[0]["node"][part.unit]
    for index in node["requests"][: node["request_count"]]:
        for request in _rows(machine.wires[0]["fifo"][index], FIFO_ROWS):
            waiting[request["master"]] += request["bytes"]
    return waiting


def _rows(queue: np.void, size: int) -> list[np.void]:
    """Return the requests in a queue, oldest first."""
    return [queue["rows"][(int(queue["head"]) + n) % size] for n in range(int(queue["count"]))]


def _bus_waits(machine: Machine, part: Part) -> Iterator[str]:
    """What requests waited in a bus's queues is what it has charged; it charges answers as BUS_BUSY."""
    row, count = machine.buses[part.row], len(machine.master_names)
    waited = row["waited"][:count].copy()
    for lane in row["lanes"]:
        for request in _rows(lane, LANE_ROWS):
            waited[request["master"]] += max(0, int(lane["since"] - request["time"]))
    charged = row["blame"][:count].sum(axis=(1, 2)) - row["blame"][:count, :, Cause.BUS_BUSY].sum(axis=1)
    yield from _compared(machine, part, charged, waited)


def _cache(machine: Machine, part: Part) -> Iterator[str]:
    """Each access is one hit, miss or merge; what it waited is charged, what an eviction costs beside it."""
    row, count = machine.caches[part.row], len(machine.master_names)
    queued, waited = np.zeros(count, np.int64), row["waited"][:count].copy()
    for ring in row["bank"]["rings"].ravel():
        for request in _rows(ring, ring["rows"].size):
            queued[request["master"]] += 1
            waited[request["master"]] += max(0, int(ring["since"] - request["time"]))
    looked_up = (row["hits"] + row["misses"] + row["merges"])[:count]
    for name, found, taken, left in zip(machine.master_names, looked_up, row["accesses"], queued):
        if found + left != taken:
            yield f"{part.node.name}: {found} hits, misses and merges of {name}, {taken - left} accesses"
    charged = row["blame"][:count].sum(axis=(1, 2)) - row["blame"][:count, :, Cause.EVICTION].sum(axis=1)
    yield from _compared(machine, part, charged, waited)


def _compared(machine: Machine, part: Part, charged: np.ndarray, waited: np.ndarray) -> Iterator[str]:
    for name, charge, wait in zip(machine.master_names, charged.tolist(), waited.tolist()):
        if charge != wait:
            yield f"{part.node.name}: {charge} cycles of {name} are charged, its requests waited {wait}"
