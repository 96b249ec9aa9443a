"""CDP beside `nvdla/rtl/cdp.sv`: the same in every cycle and in every bit."""

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

import hw_models.nvdla.cdp as model
from hw_models.nvdla.block import new_record
from hw_models.nvdla.build import build
from hw_models.nvdla.groups import group_push
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Block, Client, Part, Stall
from hw_models.nvdla.op import OP
from hw_models.nvdla.post_state import REORDERED
from hw_models.nvdla.post_timing import CDP_OUTPUTS, CDP_PARTS, CDP_REORDER_ATOMS
from hw_models.nvdla.presets import PRESETS
from simulator.cosim_blocks import memory_side
from simulator.cosim_blocks.cdp_launches import STRIPE, Task, random_cdp_tables, random_task
from simulator.cosim_blocks.memory_side import Reads, Writes

OPS = 64  # rows, used in turn
CDP, P_CDP, CLIENT = int(Block.CDP), int(Part.CDP), int(Client.CDP)
CHANCES = (1.0, 1.0, 0.5, 0.1, 0.03)  # that a neighbour does in a cycle what it could do
BUS_CHANCES = (*CHANCES, 0.01)  # for writes
LATENCIES = (1, 1, 20, 100)


class Bench(memory_side.Bench):
    goals = (
        "both register groups are taken",
        *(f"squares of {size} channels" for size in (3, 5, 7, 9)),
        "values are looked up",
        "no product",
        "several stripes",
        "a narrower stripe",
        "the next line is wider than the last stripe",
        "several surfaces",
        "channels that do not count",
        "an exponential table",
        "a linear table",
        "results saturate",
        "the core waits for data",
        "the latency FIFO is full",
        "the reorder FIFOs are full",
        "too many outputs are on their way",
        "too many parts are on their way",
        "writes wait for the bus",
        "the longest burst",
    )
    episode_cycles = 2500

    def __init__(self, parameters: dict[str, int], random: Random):
        super().__init__(parameters, random)
        atom = parameters["ATOM"]
        self.preset = dict(PRESETS["nv_small"]) | {
            **dict.fromkeys(("atomic_c", "atomic_k", "atom_bytes", "dbb_bytes", "cbuf_entry_bytes"), atom),
            "cdp_elements": parameters["ELEMENTS"],
            "burst_beats": parameters["BURST"],
            "cdp_fifo_atoms": parameters["FIFO"],
        }

    def begin(self, episode: int) -> dict[str, int]:
        self.state: Any = build(self.preset)[0]
        self.unit = self.state["cdp"]
        self.ops = np.zeros(OPS, OP)
        self.reads = Reads(self.state["mcif"][0]["readers"][CLIENT], self.parameters["FIFO"])
        self.writes = Writes(self.state["mcif"][0]["writers"][CLIENT], self.parameters["ATOM"])
        self.tables = random_cdp_tables(self.random)
        self.table_writes = self.tables.writes()
        self._choose_pace()
        self.launches = 0
        self.seen_left = 0
        self.atoms_done: set[int] = set()
        self.parts_done: set[int] = set()
        self.dones: dict[int, int] = {}  # cycle: cycles waited for data
        self._watch_parts()
        self.next_task = random_task(self.random, self.preset, self.tables)
        names = ("enable", "table_write", "read_ready", "beat_valid", "write_ready", "acknowledge")
        return dict.fromkeys(names, 0) | {"lut": self.tables.packed}

    def _watch_parts(self) -> None:
        """Note the cycles in which parts are complete; not where the model is compiled."""
        original: Callable[..., None] = getattr(model, "original_complete", model._complete)
        self.sees_parts = not hasattr(original, "py_func")
        if self.sees_parts:

            def noted(state: Any, time: int) -> None:
                self.parts_done.add(int(time))
                original(state, time)

            vars(model).update(original_complete=original, _complete=noted)

    def _choose_pace(self) -> None:
        self.chances = {who: self.random.choice(CHANCES) for who in ("driver", "memory", "reads")}
        self.chances["mcif"] = self.random.choice(BUS_CHANCES)
        self.latency = self.random.choice(LATENCIES)

    def drive(self, cycle: int) -> dict[str, int]:
        random = self.random
        self.loading = bool(self.table_writes)
        if self.loading:
            return self.table_writes.popleft()
        if random.random() < 0.004:
            self._choose_pace()
        freed = bool(self.unit["ended"]) and self.unit["free_at"] <= cycle
        self.room = bool(self.state["groups"][CDP]["count"] - freed < 2)
        self.enable = self.room and random.random() < self.chances["driver"]
        self.read_ready = random.random() < self.chances["reads"]
        self.write_ready = random.random() < self.chances["mcif"]
        self.acknowledge = self.writes.open > 0 and random.random() < self.chances["memory"]
        self.beat = self.reads.back(cycle)
        inputs = {
            "table_write": 0,
            "enable": int(self.enable),
            "read_ready": int(self.read_ready),
            "beat_valid": int(self.beat),
            "write_ready": int(self.write_ready),
            "acknowledge": int(self.acknowledge),
        }
        if self.enable:
            inputs["registers"] = self.next_task.registers
        if self.beat:
            inputs["beat_data"] = self.reads.cube[0]
        return inputs

    def check(self, cycle: int) -> dict[str, int]:
        if self.loading:
            return {}
        state, unit = self.state, self.unit
        finished = int(state["done_pending"])
        if self.acknowledge:
            self.writes.open -= 1
            model.cdp_acknowledged(state, cycle)
        if self.beat:
            self.reads.take()
            model.cdp_beat(state, cycle)
        expected = {"room": int(self.room), "begins": int(self._step_launches(cycle))}
        expected |= self.step_reads(cycle, lambda: model.cdp_step(self.state, self.ops, cycle))
        expected |= self.step_writes(cycle, lambda _: model.cdp_written(self.state, cycle))
        self._note_atoms()
        if state["done_pending"] > finished:
            slot = int(state["done_slot"][(state["done_count"] + state["done_pending"] - 1) % 64])
            record = state["records"][slot]
            self.dones[int(record["done"])] = int(record["stall"][Stall.DATA])
            self.reach("the core waits for data", record["stall"][Stall.DATA])
        expected |= {"atom_done": int(cycle in self.atoms_done), "done": int(cycle in self.dones)}
        if self.sees_parts:
            expected["part_done"] = int(cycle in self.parts_done)
        if cycle in self.dones:
            expected["waited"] = self.dones[cycle]
        self.reach("the reorder FIFOs are full", unit["pops"] - unit["left"] == CDP_REORDER_ATOMS)
        waits = unit["column"] == 0 and unit["entered"] < unit["pops"]
        self.reach(
            "too many outputs are on their way", waits and unit["outputs"] + unit["columns"] > CDP_OUTPUTS
        )
        self.reach("too many parts are on their way", waits and unit["parts_count"] == CDP_PARTS)
        return expected

    def _step_launches(self, cycle: int) -> bool:
        """Free a register group, take another launch, begin the next. Returns whether one begins."""
        state, unit = self.state, self.unit
        before = (bool(unit["busy"]), int(unit["slot"]))
        if state["wake"][P_CDP] <= cycle:
            model.cdp_step(state, self.ops, cycle)
        if self.enable:
            self._enable(cycle)
            model.cdp_step(state, self.ops, cycle)
        begins = bool(unit["busy"]) and before != (True, int(unit["slot"]))
        if begins:
            self.seen_left = 0
        return begins

    def _enable(self, cycle: int) -> None:
        task, row = self.next_task, self.launches % OPS
        self.launches += 1
        self.ops[row] = task.op
        slot = int(new_record(self.state, self.ops[row], row, cycle))
        group_push(self.state, CDP, row, slot, cycle)
        wake(self.state, P_CDP, cycle)
        self.reads.cube.extend(task.inputs)
        self.writes.atoms.extend(task.outputs)
        self._cover(task)
        self.next_task = random_task(self.random, self.preset, self.tables)

    def _note_atoms(self) -> None:
        left = int(self.unit["left"])
        for number in range(self.seen_left, left):
            self.atoms_done.add(int(self.unit["leave_time"][number % REORDERED]))
        self.transactions += left - self.seen_left
        self.seen_left = left

    def _cover(self, task: Task) -> None:
        op = task.op
        width, atom = int(op["width"]), self.parameters["ATOM"]
        narrow = width > STRIPE and width % STRIPE > 0
        self.reach("both register groups are taken", self.state["groups"][CDP]["count"] == 2)
        self.reach(f"squares of {op['lrn_size']} channels" if op["lrn_size"] else "values are looked up")
        self.reach("no product", not op["lrn_product"])
        self.reach("several stripes", width > STRIPE)
        self.reach("a narrower stripe", narrow)
        self.reach("the next line is wider than the last stripe", narrow and op["height"] > 1)
        self.reach("several surfaces", op["channels"] > atom)
        self.reach("channels that do not count", op["channels"] % atom)
        self.reach("a linear table" if self.tables.settings["LUT_LE_FUNCTION"] else "an exponential table")
        self.reach("results saturate", task.saturates)
