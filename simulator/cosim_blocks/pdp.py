"""PDP beside `nvdla/rtl/pdp.sv`: the same in every cycle and in every bit."""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

import hw_models.nvdla.pdp as model
from hw_models.nvdla.block import new_record
from hw_models.nvdla.build import build
from hw_models.nvdla.groups import group_push
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Block, Client, Part, Stall
from hw_models.nvdla.op import OP
from hw_models.nvdla.pdp_write import pdp_acknowledged
from hw_models.nvdla.post_state import LONG_AGO, TAKEN
from hw_models.nvdla.post_timing import ACKNOWLEDGE_TO_DONE, PDP_OUTPUTS, PDP_REORDER_ATOMS
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.sdp import sdp_ready
from simulator.cosim_blocks import memory_side
from simulator.cosim_blocks.memory_side import Reads, Writes
from simulator.cosim_blocks.pdp_launches import LONGEST, Task, random_task

OPS = 64  # rows, used in turn
PDP, P_PDP, CLIENT = int(Block.PDP), int(Part.PDP), int(Client.PDP)
CHANCES = (1.0, 1.0, 0.5, 0.1, 0.03)  # that a neighbour does in a cycle what it could do
LATENCIES = (1, 1, 20, 100)


class Bench(memory_side.Bench):
    goals = (
        "both register groups are taken",
        *(f"{what} from {whom}" for what in ("average", "maximum", "minimum") for whom in ("memory", "SDP")),
        "padding on all sides",
        "padding adds to averages",
        "an average of more than 8 bits",
        "the longest window across",
        "the longest window down",
        "a stride of more than a window",
        "windows overlap",
        "several surfaces",
        "a line that is read in parts",
        "windows come with the next line",
        "windows of a line drain",
        "windows come with the next surface",
        "windows drain between surfaces",
        "windows drain behind the cube",
        "draining waits for room",
        "a surface ends behind its last element",
        "input that no window needs comes last",
        "the core waits for data",
        "the latency FIFO is full",
        "the reorder FIFO is full",
        "too many outputs are on their way",
        "writes wait for the bus",
        "the longest burst",
        "SDP is ahead",
        "an atom of the next launch waits",
    )
    episode_cycles = 2000

    def __init__(self, parameters: dict[str, int], random: Random):
        super().__init__(parameters, random)
        atom = parameters["ATOM"]
        self.period = atom // parameters["ELEMENTS"]
        self.chunks = atom // parameters["SDP_ELEMENTS"]
        self.preset = dict(PRESETS["nv_small"]) | {
            **dict.fromkeys(("atomic_c", "atomic_k", "atom_bytes", "dbb_bytes", "cbuf_entry_bytes"), atom),
            "pdp_elements": parameters["ELEMENTS"],
            "sdp_elements": parameters["SDP_ELEMENTS"],
            "burst_beats": parameters["BURST"],
            "pdp_fifo_atoms": parameters["FIFO"],
        }

    def begin(self, episode: int) -> dict[str, int]:
        self.state: Any = build(self.preset)[0]
        self.unit = self.state["pdp"]
        self.ops = np.zeros(OPS, OP)
        sdp = self.state["sdp"]  # its own units bypassed, its input always there
        sdp["busy"] = sdp["to_pdp"] = sdp["depth"] = 1
        sdp["period"], sdp["history"] = self.chunks, LONG_AGO
        self.reads = Reads(self.state["mcif"][0]["readers"][CLIENT], self.parameters["FIFO"])
        self.writes = Writes(self.state["mcif"][0]["writers"][CLIENT], self.parameters["ATOM"])
        self.chances = {
            who: self.random.choice(CHANCES) for who in ("sdp", "driver", "mcif", "memory", "reads")
        }
        self.latency = self.random.choice(LATENCIES)
        self.launches = 0
        self.flying: deque[tuple[int, int]] = deque()  # record, atom
        self.chunk = 0  # of the atom under way, 0: none is
        self.offers, self.next_offer = False, 0
        self.seen_takes = 0
        self.atoms_done: set[int] = set()
        self.rows_done: set[int] = set()
        self.dones: dict[int, int] = {}  # cycle: cycles waited for data
        self._watch_rows()
        self.next_task = random_task(self.random, self.preset)
        return dict.fromkeys(
            ("enable", "read_ready", "beat_valid", "sdp_valid", "write_ready", "acknowledge"), 0
        )

    def _watch_rows(self) -> None:
        """Note the cycles of the rows of windows; not where the model is compiled."""
        original: Callable[..., None] = getattr(model, "original_row_result", model._row_result)
        self.sees_rows = not hasattr(original, "py_func")
        if self.sees_rows:

            def noted(state: Any, time: int) -> None:
                self.rows_done.add(int(time))
                original(state, time)

            vars(model).update(original_row_result=original, _row_result=noted)

    def drive(self, cycle: int) -> dict[str, int]:
        random = self.random
        if random.random() < 0.004:
            self.chances = {who: random.choice(CHANCES) for who in self.chances}
            self.latency = random.choice(LATENCIES)
        freed = bool(self.unit["ended"]) and self.unit["free_at"] <= cycle
        self.room = bool(self.state["groups"][PDP]["count"] - freed < 2)
        self.enable = self.room and random.random() < self.chances["driver"]
        if not self.offers and self.chunk == 0 and cycle >= self.next_offer and self.flying:
            self.offers = random.random() < self.chances["sdp"]
        self.read_ready = random.random() < self.chances["reads"]
        self.write_ready = random.random() < self.chances["mcif"]
        self.acknowledge = self.writes.open > 0 and random.random() < self.chances["memory"]
        self.beat = self.reads.back(cycle)
        inputs = {
            "enable": int(self.enable),
            "read_ready": int(self.read_ready),
            "beat_valid": int(self.beat),
            "sdp_valid": int(self.offers),
            "write_ready": int(self.write_ready),
            "acknowledge": int(self.acknowledge),
        }
        if self.enable:
            inputs["registers"] = self.next_task.registers
        if self.beat:
            inputs["beat_data"] = self.reads.cube[0]
        if self.offers or self.chunk:
            bits = 8 * self.parameters["SDP_ELEMENTS"]
            inputs["sdp_data"] = self.flying[0][1] >> self.chunk * bits & ((1 << bits) - 1)
        return inputs

    def check(self, cycle: int) -> dict[str, int]:
        state, unit = self.state, self.unit
        finished = int(state["done_pending"])
        if self.acknowledge:
            self.writes.open -= 1
            pdp_acknowledged(state, cycle)
        if self.beat:
            self.reads.take()
            model.pdp_beat(state, cycle)
        expected = {"room": int(self.room), "begins": int(self._step_launches(cycle))}
        ready = False
        if self.offers:
            state["sdp"]["slot"] = self.flying[0][0]
            ready = bool(sdp_ready(state, cycle, self.flying[0][0]))
            expected["sdp_ready"] = int(ready)
        self._step_sdp(cycle, ready)
        expected |= self.step_reads(cycle, lambda: model.pdp_step(self.state, self.ops, cycle))
        expected |= self.step_writes(cycle, lambda beats: model.pdp_written(self.state, beats, cycle))
        self._note_takes()
        if state["done_pending"] > finished:
            slot = int(state["done_slot"][(state["done_count"] + state["done_pending"] - 1) % 64])
            record = state["records"][slot]
            self.dones[int(record["done"])] = int(record["stall"][Stall.DATA])
            late = unit["input_done"] > unit["last_ack"] + ACKNOWLEDGE_TO_DONE
            self.reach("input that no window needs comes last", late)
            self.reach("the core waits for data", record["stall"][Stall.DATA])
        expected |= {"atom_done": int(cycle in self.atoms_done), "done": int(cycle in self.dones)}
        if self.sees_rows:
            expected["row_done"] = int(cycle in self.rows_done)
        if cycle in self.dones:
            expected["waited"] = self.dones[cycle]
        self.reach("too many outputs are on their way", unit["outputs"] >= PDP_OUTPUTS)
        self.reach("draining waits for room", unit["drain_x"] or unit["drain_y"])
        self.reach("the reorder FIFO is full", unit["waiting"] == PDP_REORDER_ATOMS)
        self.reach("a surface ends behind its last element", unit["busy"] and unit["z"] > unit["row_z"])
        return expected

    def _step_launches(self, cycle: int) -> bool:
        """Free a register group, take another launch, begin the next. Returns whether one begins."""
        state, unit = self.state, self.unit
        before = (bool(unit["busy"]), int(unit["slot"]))
        if state["wake"][P_PDP] <= cycle:
            model.pdp_step(state, self.ops, cycle)
        if self.enable:
            self._enable(cycle)
            model.pdp_step(state, self.ops, cycle)
        begins = bool(unit["busy"]) and before != (True, int(unit["slot"]))
        if begins:
            self.seen_takes = 0
            self.rows_done = {time for time in self.rows_done if time <= cycle}  # no window needs the others
            self._cover_windows()
        return begins

    def _enable(self, cycle: int) -> None:
        task, row = self.next_task, self.launches % OPS
        self.launches += 1
        self.ops[row] = task.op
        slot = int(new_record(self.state, self.ops[row], row, cycle))
        group_push(self.state, PDP, row, slot, cycle)
        wake(self.state, P_PDP, cycle)
        if task.flying:
            self.flying.extend((slot, atom) for atom in task.inputs)
        else:
            self.reads.cube.extend(task.inputs)
        self.writes.atoms.extend(task.outputs)
        self._cover(task)
        self.next_task = random_task(self.random, self.preset)

    def _step_sdp(self, cycle: int, taken: bool) -> None:
        if taken:
            self.reach("SDP is ahead", self.unit["next_take"] > cycle)
            model.pdp_take(self.state, cycle)
            self.offers, self.chunk = False, 1
            self.next_offer = cycle + self.chunks
        elif self.chunk:
            self.chunk += 1
        elif self.offers:
            self.reach("an atom of the next launch waits", self.flying[0][0] != self.unit["slot"])
        if self.chunk == self.chunks:
            self.chunk = 0
            self.flying.popleft()

    def _note_takes(self) -> None:
        taken = int(self.unit["taken"])
        for number in range(self.seen_takes, taken):
            self.atoms_done.add(int(self.unit["taken_time"][number % TAKEN]) + self.period - 1)
        self.transactions += taken - self.seen_takes
        self.seen_takes = taken

    def _cover_windows(self) -> None:
        unit = self.unit
        many = unit["surfaces"] > 1
        self.reach(
            "windows come with the next line", unit["flush_x"] > unit["pause_x"] and unit["height"] > 1
        )
        self.reach("windows of a line drain", unit["pause_x"])
        self.reach("windows come with the next surface", many and unit["flush_y"] > unit["pause_y"])
        self.reach("windows drain between surfaces", many and unit["pause_y"])
        self.reach("windows drain behind the cube", unit["flush_y"])
        self.reach("several surfaces", many)

    def _cover(self, task: Task) -> None:
        op = task.op
        whom = "SDP" if task.flying else "memory"
        self.reach("both register groups are taken", self.state["groups"][PDP]["count"] == 2)
        self.reach(f"{('average', 'maximum', 'minimum')[task.method]} from {whom}")
        sides = [op[f"pool_pad_{side}"] > 0 for side in ("left", "right", "top", "bottom")]
        self.reach("padding on all sides", all(sides))
        self.reach("the longest window across", op["pool_width"] == LONGEST)
        self.reach("the longest window down", op["pool_height"] == LONGEST)
        self.reach("a stride of more than a window", op["pool_stride_x"] > op["pool_width"])
        self.reach("windows overlap", op["pool_stride_x"] < op["pool_width"])
        self.reach("a line that is read in parts", op["pool_pad_left"] < 0)
        for goal, reached in task.does.items():
            self.reach(goal, reached)
