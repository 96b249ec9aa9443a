"""Every block behind one face: memories and middles take requests, masters take work. docs/blocks.md."""

import heapq

import numpy as np
from nvdla_post_helpers import cube_op

from hw_models.cache import block as cache
from hw_models.cache.build import build_cache
from hw_models.cache.params import Cache
from hw_models.cpu import block as core
from hw_models.cpu.build import build_core
from hw_models.cpu.params import Core
from hw_models.cpu.task import TASK
from hw_models.dram import block as dram
from hw_models.dram.build import build_channels
from hw_models.dram.params import Dram
from hw_models.flash import block as flash
from hw_models.flash.build import build as build_flash
from hw_models.flash.params import Flash
from hw_models.ideal import block as ideal
from hw_models.ideal.build import build as build_ideal
from hw_models.ideal.params import IdealMemory
from hw_models.interconnect import block as interconnect
from hw_models.interconnect.build import build_interconnect
from hw_models.interconnect.params import Interconnect
from hw_models.mac_engine import block as mac_engine
from hw_models.mac_engine.build import build as build_mac_engine
from hw_models.mac_engine.op import OP as MAC_ENGINE_OP
from hw_models.mac_engine.params import MacEngine
from hw_models.nvdla import block as nvdla
from hw_models.nvdla.build import build as build_nvdla
from hw_models.nvdla.op import Unit
from hw_models.nvdla.presets import PRESETS
from hw_models.port import FIFO, NEVER, REQUEST, WIRING, front, pop
from hw_models.replay import block as replay
from hw_models.replay.build import build as build_replay
from hw_models.replay.op import OP as REPLAY_OP
from hw_models.replay.params import Replay
from hw_models.systolic import block as systolic
from hw_models.systolic.build import build as build_systolic
from hw_models.systolic.op import OP, gemm
from hw_models.systolic.params import Systolic

UP = 32  # first FIFO of a middle's answers
LATENCY = 20  # of the memory behind a middle


def emptied(fifo):
    """Take every row off a FIFO; return copies."""
    rows = []
    while fifo["count"]:
        rows.append(front(fifo).copy())
        pop(fifo)
    return rows


class Memory:
    """A memory: its rows, and one FIFO of answers."""

    line = 64
    writes = True
    retry = 1  # cycles after which a refused request is offered again

    def __init__(self, block, *rows):
        self.block, self.rows = block, rows
        self.up = np.zeros(1, FIFO)[0]
        self.up["limit"] = 64

    def accept(self, request, now):
        return bool(self.block.accept(*self.rows, request, now))

    def advance(self, now):
        return int(self.block.advance(*self.rows, now, self.up))

    def answers(self):
        return emptied(self.up)


class Middle:
    """A middle in front of a memory that answers everything after LATENCY cycles."""

    line = 64
    writes = True
    retry = 1

    def __init__(self, block, *rows):
        self.block, self.rows = block, rows
        self.wires = np.zeros(1, WIRING)[0]
        self.wires["fifo"]["limit"] = 64
        self.behind = []  # (time, order, row) that the memory is to answer
        self.asked = 0

    def accept(self, request, now):
        return bool(self.block.accept(*self.rows, request, now))

    def advance(self, now):
        while self.behind and self.behind[0][0] <= now:
            time, _, row = heapq.heappop(self.behind)
            self.respond(row, time)
        due = int(self.block.advance(*self.rows, now, self.wires, 0, UP))
        for row in emptied(self.wires["fifo"][0]):
            heapq.heappush(self.behind, (int(row["time"]) + LATENCY, self.asked, row))
            self.asked += 1
        return min(due, self.behind[0][0] if self.behind else int(NEVER))

    def respond(self, row, time):
        self.block.respond(*self.rows, row, time)

    def answers(self):
        return [row for fifo in self.wires["fifo"][UP : UP + 2] for row in emptied(fifo)]


class Bus(Middle):
    def accept(self, request, now):
        return bool(self.block.accept(*self.rows, request, int(request["master"]), now))

    def respond(self, row, time):
        self.block.respond(*self.rows, row, time, time, self.wires, 0, UP)


class Device(Memory):
    """Flash works in picoseconds, on pages, and here is only read."""

    line = 8192
    writes = False
    retry = 1_000_000


def build_device():
    params = Flash(preset="mqsim_default", preload="100 %", mapping="resident", blocks=16, queue_depth=8)
    states, memory = build_flash(params)
    return Device(flash, states[0], memory)


def build_llc():
    states, tags = build_cache(Cache(size="4 KiB", ways=4, mshrs=4), ["a", "b"])
    return Middle(cache, states[0], tags)


SERVERS = {
    "dram": lambda: Memory(dram, build_channels(Dram(standard="DDR4-2400R"), ["a", "b"])[0]),
    "ideal": lambda: Memory(ideal, build_ideal(IdealMemory(bandwidth="8 B/cycle").timings(16))[0]),
    "flash": build_device,
    "cache": build_llc,
    "interconnect": lambda: Bus(
        interconnect, build_interconnect(Interconnect(clock="1 GHz", width="16 B"), ["a", "b"])[0]
    ),
}


MEMORY = IdealMemory(latency="30 cycles")  # behind a master; a beat is 64 B
PARAMS = {
    "cpu": Core(clock="1 GHz", outstanding=4),
    "systolic": Systolic.model_validate({"kind": "systolic", "rows": 4, "columns": 4, "burst": "32 B"}),
    "replay": Replay(kind="replay", clock="1 GHz"),
    "mac_engine": MacEngine(clock="1 GHz"),
}


class Master:
    """A master with its table of work, in front of an ideal memory.

    ``limit`` rows fit its way out, from which one is taken every so many cycles.
    """

    def __init__(self, block, state, work, limit, one_way=False):
        self.block, self.state, self.work = block, state, work
        self.every = 1
        self.fifos = np.zeros(3, FIFO)
        self.fifos["limit"] = [limit, limit, 64]
        self.ways = self.fifos[:1] if one_way else self.fifos[:2]
        self.memory = build_ideal(MEMORY.timings(64))[0]
        self.log = []  # (address, bytes, write) of every request

    def start(self, index, now):
        return bool(self.block.start(self.state, self.work, index, now))

    def advance(self, now):
        back = self.fifos[2]
        due = int(ideal.advance(self.memory, now, back))
        for row in emptied(back):
            self.block.respond(self.state, row, now)
        due = min(due, int(self.block.advance(self.state, self.work, now, *self.ways)))
        for way in self.ways:
            assert way["count"] <= way["limit"]
            full = way["count"] == way["limit"]
            while way["count"] and front(way)["time"] <= now and now % self.every == 0:
                if not ideal.accept(self.memory, front(way), now):
                    break
                self.log.append(tuple(int(front(way)[name]) for name in ("address", "bytes", "write")))
                pop(way)
            if full or way["count"]:
                due = min(due, now + 1)
        return min(due, max(now + 1, int(ideal.advance(self.memory, now, back))))

    def done(self):
        """Return (row of the work, cycle) of all that is done and has not been told."""
        told = []
        while (found := self.block.take_done(self.state))[0] >= 0:
            told.append((int(found[0]), int(found[2])))
        return told


def nvdla_master(limit, count):
    ops = np.concatenate([cube_op("nv_small", Unit.SDP, 3 + i % 3, 2, 16) for i in range(count)])
    return Master(nvdla, build_nvdla(PRESETS["nv_small"])[0], ops, limit)


def core_master(limit, count):
    tasks = np.zeros(count, TASK)
    tasks["passes"] = 1
    for i, task in enumerate(tasks):
        task["read_bytes"], task["write_address"], task["write_bytes"] = 512 + 64 * (i % 4), 1 << 20, 256
    state = build_core(PARAMS["cpu"], master=0, seed=1)[0]
    return Master(core, state, tasks, max(limit, 2), one_way=True)


def systolic_master(limit, count):
    ops = np.zeros(count, OP)
    for i, op in enumerate(ops):
        for name, value in (gemm(20 + i % 4, 9, 6) | {"tile_lines": 11, "tile_channels": 4}).items():
            op[name] = value
    return Master(systolic, build_systolic(PARAMS["systolic"])[0], ops, limit)


def replay_master(limit, count):
    """Traces of three reads, and a write that waits for two of them; their heads are the first rows."""
    heads, rows = np.zeros(count, REPLAY_OP), np.zeros((count, 4), REPLAY_OP)
    heads["first"] = count + 3 * np.arange(count)
    heads["count"], heads["limit"] = (3, 1), (2, 2)
    rows["address"] = 256 * np.arange(4 * count).reshape(count, 4)
    rows["bytes"], rows["gap"] = 64 + 64 * (np.arange(4) % 2), 1
    rows["after"][:, 3, :2] = heads["first"][:, None] + (0, 2)
    rows["delay"][:, 3, :2] = 3, 5
    return Master(replay, build_replay(PARAMS["replay"])[0], np.concatenate([heads, rows.ravel()]), limit)


def mac_engine_master(limit, count):
    ops = np.zeros(count, MAC_ENGINE_OP)
    ops["rows"], ops["row_beats"] = 7 + np.arange(count) % 3, 1 + np.arange(count) % 4
    ops["source"], ops["vector"], ops["target"] = 1 << 12, 1 << 16, 1 << 20
    return Master(mac_engine, build_mac_engine(PARAMS["mac_engine"])[0], ops, limit)


MASTERS = {
    "nvdla": nvdla_master,
    "cpu": core_master,
    "systolic": systolic_master,
    "replay": replay_master,
    "mac_engine": mac_engine_master,
}


def requests_of(server, count, seed):
    """Return requests of whole lines by rising time, bursts and gaps, shape (count,) REQUEST."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, REQUEST)
    rows["time"] = np.cumsum(rng.choice([0, 0, 1, 2, 40], count))
    rows["address"] = rng.integers(0, 64, count) * server.line
    rows["bytes"] = server.line
    rows["write"] = rng.random(count) < (0.3 if server.writes else 0)
    rows["master"] = rng.integers(0, 2, count)
    rows["tag"] = np.arange(count)
    return rows
