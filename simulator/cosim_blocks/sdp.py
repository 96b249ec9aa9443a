"""SDP beside `nvdla/rtl/sdp.sv`, from CACC or memory: the same in every cycle and in every bit."""

from collections import deque
from random import Random
from typing import Any

import numpy as np

from hw_models.nvdla.block import new_record
from hw_models.nvdla.build import build
from hw_models.nvdla.groups import group_push
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Block, Client, Part
from hw_models.nvdla.op import OP, Operand, Unit
from hw_models.nvdla.post_state import CHAINS, ENDING, SDP_CLIENTS
from hw_models.nvdla.post_timing import RDMA_BEFORE_CDMA, SDP_ATOMS_TO_BUS
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.sdp import rdma_beat, sdp_ready, sdp_step, sdp_take, sdp_written
from hw_models.nvdla.sdp_rdma import needs_rdma, rdma_step
from hw_models.nvdla.sdp_write import sdp_acknowledged
from hw_models.nvdla.values.memory import Memory
from simulator.cosim_blocks import memory_side
from simulator.cosim_blocks.bench import packed
from simulator.cosim_blocks.memory_side import Reads, Writes
from simulator.cosim_blocks.sdp_launches import Task, random_task
from simulator.cosim_blocks.sdp_tables import random_tables

OPS = 64  # rows, used in turn
SDP, P_SDP = int(Block.SDP), int(Part.SDP)
RDMA, P_RDMA = int(Block.SDP_RDMA), int(Part.SDP_RDMA)
CACC_SIDE = ("cacc", "driver", "mcif", "memory")
IDLE = ("enable", "read_ready", "beat_valid")
LATENCIES = (1, 5, 40)
CHANCES = (1.0, 1.0, 0.5, 0.1, 0.02)  # that a neighbour does in a cycle what it could do
RARELY = 0.002  # and now and then for long, for what takes writes


class Reader(Reads):
    """One of SDP's readers: what memory has where it asks comes back."""

    def __init__(self, state: Any, chain: int, memory: Memory, preset: dict[str, int]):
        credits = preset["sdp_operand_fifo_atoms" if chain else "sdp_main_fifo_atoms"]
        super().__init__(state["mcif"][0]["readers"][SDP_CLIENTS[chain]], credits)
        self.memory, self.atom = memory, preset["atom_bytes"]

    def accept(self) -> None:
        address, beats = (int(self.reader[name][int(self.reader["head"])]) for name in ("address", "beats"))
        for beat in range(beats):
            stored = self.memory.read(address + beat * self.atom, self.atom)
            self.cube.append(int.from_bytes(stored.tobytes(), "little"))
        super().accept()


class Bench(memory_side.Bench):
    goals = (
        "both register groups are taken",
        "nothing is on",
        "all sub-units are on",
        *(f"{unit} {what}" for unit in ("X1", "X2") for what in ("ALU", "multiplier", "ReLU", "PReLU")),
        "Y ALU",
        "Y multiplier",
        "Y converts",
        "Y compares",
        "look-up",
        "a pixel of CACC finds the way full",
        "writes wait for the bus",
        "as many launches wait for acknowledgements as may",
        "atoms from memory",
        *(f"{unit} for {what} from memory" for unit in ("X1", "X2", "Y") for what in ("kernels", "elements")),
        "operands of one byte for ALU and multiplier",
        "operands of kernels wait for the slots",
        "pixels of CACC wait for an operand",
        "readers are a launch ahead",
        "the latency FIFO is full",
        "one pixel, several surfaces",
        "the longest burst",
        "a pixel of the next launch waits",
        "results saturate",
    )
    episode_cycles = 2000

    def __init__(self, parameters: dict[str, int], random: Random):
        super().__init__(parameters, random)
        atom, elements = parameters["ATOM"], parameters["ELEMENTS"]
        self.beats = atom // elements
        self.preset = dict(PRESETS["nv_small"]) | {
            **dict.fromkeys(("atomic_c", "atomic_k", "atom_bytes", "dbb_bytes", "cbuf_entry_bytes"), atom),
            **dict.fromkeys(("sdp_elements", "sdp_ew_elements"), elements),
            "burst_beats": parameters["BURST"],
            "sdp_main_fifo_atoms": parameters["FIFO"],
            "sdp_operand_fifo_atoms": parameters["OPERAND_FIFO"],
            "lut": 1,
        }

    def begin(self, episode: int) -> dict[str, int]:
        self.state: Any = build(self.preset)[0]
        self.ops = np.zeros(OPS, OP)
        writer = self.state["mcif"][0]["writers"][int(Client.SDP)]
        self.writes = Writes(writer, self.parameters["ATOM"])
        self.memory = Memory()
        self.readers = [Reader(self.state, chain, self.memory, self.preset) for chain in range(CHAINS)]
        self.tables = random_tables(self.random)
        self.table_writes = self.tables.writes()
        self._new_pace()
        self.launches = 0
        self.pixels: deque[tuple[int, list[int]]] = deque()  # record, results
        self.beat = 0  # of the pixel under way, 0: none is
        self.offers = False
        self.next_offer = 0
        self.dones: set[int] = set()
        self.next_task = self._new_task()
        names = (*IDLE, "table_write", "cacc_valid", "write_ready", "acknowledge")
        return dict.fromkeys(names, 0) | {"lut": self.tables.packed}

    def _new_pace(self) -> None:
        self.chances = {who: self.random.choice(CHANCES) for who in (*CACC_SIDE, "reads")}
        self.latency = self.random.choice(LATENCIES)
        if self.random.random() < 0.2:
            self.chances |= dict.fromkeys(CACC_SIDE, 1.0) | {self.random.choice(("mcif", "memory")): RARELY}

    def _new_task(self) -> Task:
        return random_task(self.random, self.preset, self.tables, self.memory, self.launches)

    def drive(self, cycle: int) -> dict[str, int]:
        random = self.random
        self.loading = bool(self.table_writes)
        if self.loading:
            return self.table_writes.popleft()
        if random.random() < 0.004:
            self._new_pace()
        self.room = bool(self.state["groups"][SDP]["count"] < 2)
        self.enable = self.room and random.random() < self.chances["driver"]
        if not self.offers and self.beat == 0 and cycle >= self.next_offer and self.pixels:
            self.offers = random.random() < self.chances["cacc"]
        self.write_ready = random.random() < self.chances["mcif"]
        self.acknowledge = self.writes.open > 0 and random.random() < self.chances["memory"]
        self.arrives = [reader.back(cycle) for reader in self.readers]
        self.bus_takes = [random.random() < self.chances["reads"] for _ in self.readers]
        inputs = {
            "table_write": 0,
            "enable": int(self.enable),
            "read_ready": packed(self.bus_takes, 1),
            "beat_valid": packed(self.arrives, 1),
            "cacc_valid": int(self.offers),
            "write_ready": int(self.write_ready),
            "acknowledge": int(self.acknowledge),
        }
        if self.enable:
            inputs["registers"] = self.next_task.registers
            inputs["reader_registers"] = self.next_task.readers
        if any(self.arrives):
            cubes = [reader.cube[0] if beat else 0 for reader, beat in zip(self.readers, self.arrives)]
            inputs["beat_data"] = packed(cubes, 8 * self.parameters["ATOM"])
        if self.offers or self.beat:
            inputs |= self._beat()
        return inputs

    def _beat(self) -> dict[str, int]:
        """Return the elements of the beat that CACC drives."""
        elements = self.parameters["ELEMENTS"]
        first = self.beat * elements
        return {"cacc_data": packed(self.pixels[0][1][first : first + elements], 32)}

    def check(self, cycle: int) -> dict[str, int]:
        if self.loading:
            return {}
        state, group = self.state, self.state["groups"][SDP]
        busy, finished = bool(state["sdp"]["busy"]), int(state["done_pending"])
        if self.acknowledge:
            self.writes.open -= 1
            sdp_acknowledged(state, cycle)
            if state["done_pending"] > finished:
                slot = state["done_slot"][(state["done_count"] + state["done_pending"] - 1) % 64]
                self.dones.add(int(state["records"][int(slot)]["done"]))
        busy_after = bool(state["sdp"]["busy"])
        self._step_beats(cycle)
        if self.enable:
            self._enable(cycle)
        if state["wake"][P_RDMA] <= cycle:
            rdma_step(state, self.ops, cycle)
        launches = int(group["count"])
        if state["wake"][P_SDP] <= cycle:
            sdp_step(state, self.ops, cycle)
        begins = not busy and bool(state["sdp"]["busy"])
        expected = {"room": int(self.room), "begins": int(begins), "done": int(cycle in self.dones)}
        if self.offers:
            expected["cacc_ready"] = int(bool(sdp_ready(state, cycle, self.pixels[0][0])))
        self._step_cacc(cycle, expected.get("cacc_ready", 0))
        expected |= self._step_reads(cycle)
        expected |= self.step_writes(cycle, lambda beats: sdp_written(self.state, beats, cycle))
        waiting = [c["on"] and c["per_kernel"] and c["held"] and c["count"] for c in state["sdp"]["chains"]]
        self.reach("operands of kernels wait for the slots", any(waiting))
        handed = (busy and not busy_after) or int(group["count"]) < launches
        ending = state["sdp"]["ending_count"]
        self.reach("as many launches wait for acknowledgements as may", ending == ENDING)
        return expected | {"hands_over": int(handed)}

    def _enable(self, cycle: int) -> None:
        task, row = self.next_task, self.launches % OPS
        self.launches += 1
        self.ops[row] = task.op
        slot = int(new_record(self.state, self.ops[row], row, cycle))
        group_push(self.state, SDP, row, slot, cycle)
        wake(self.state, P_SDP, cycle)
        if needs_rdma(self.ops[row]):
            flying = task.op["unit"] == Unit.CONV
            group_push(self.state, RDMA, row, slot, cycle - RDMA_BEFORE_CDMA if flying else cycle)
            wake(self.state, P_RDMA, cycle)
        self.pixels.extend((slot, results) for results in task.pixels)
        self.writes.atoms.extend(task.atoms)
        self._cover(task)
        self.next_task = self._new_task()

    def _step_beats(self, cycle: int) -> None:
        """Give the model the beats of this cycle."""
        sdp = self.state["sdp"]
        for chain, beat in enumerate(self.arrives):
            if beat:
                self.readers[chain].take()
                rdma_beat(self.state, chain, cycle)
                self.transactions += chain == 0
                self.reach("readers are a launch ahead", sdp["busy"] and sdp["rdma_slot"] != sdp["slot"])

    def _step_reads(self, cycle: int) -> dict[str, int]:
        """Play the read side. Returns what must be shown."""
        found = [reader.request(cycle) for reader in self.readers]
        for reader, shown, ready in zip(self.readers, found, self.bus_takes):
            if shown["read_valid"] and ready:
                reader.accept()
                rdma_step(self.state, self.ops, cycle)
            shown["credit"] = int(reader.credit(cycle))
            self.reach("the latency FIFO is full", reader.asked and not reader.credits)
            reader.fetch(cycle, self.chances["reads"], self.latency, self.random)
        widths = {"read_valid": 1, "read_address": 32, "read_beats": 16, "credit": 1}
        return {
            name: packed((shown.get(name, 0) for shown in found), width) for name, width in widths.items()
        }

    def _step_cacc(self, cycle: int, taken: int) -> None:
        if taken:
            sdp_take(self.state, cycle)
            self.offers, self.beat = False, 1
            self.next_offer = cycle + self.beats + 1
            self.transactions += 1
        elif self.beat:
            self.beat += 1
            waits = self.state["sdp"]["wait_count"] > 0
            self.reach("pixels of CACC wait for an operand", waits)
        elif self.offers:
            sdp = self.state["sdp"]
            self.reach("a pixel of the next launch waits", self.pixels[0][0] != sdp["slot"])
            self.reach("a pixel of CACC finds the way full", sdp["in_pipe"] == SDP_ATOMS_TO_BUS)
        if self.beat == self.beats:
            self.beat = 0
            self.pixels.popleft()

    def _cover(self, task: Task) -> None:
        op = task.op
        self.reach("both register groups are taken", self.state["groups"][SDP]["count"] == 2)
        self.reach("nothing is on", not (op["x1"] or op["x2"] or op["y"]))
        self.reach("all sub-units are on", op["x1"] and op["x2"] and op["y"])
        for name in ("x1", "x2"):
            work = max(0, int(op[f"{name}_work"]))
            self.reach(f"{name.upper()} ALU", work & 1)
            self.reach(f"{name.upper()} multiplier", work & 2)
            self.reach(f"{name.upper()} ReLU", op[f"{name}_relu"] == 1)
            self.reach(f"{name.upper()} PReLU", op[f"{name}_relu"] == 2)
        for what in ("ALU", "multiplier", "converts", "compares"):
            self.reach(f"Y {what}", op["y"] and task.does[what])
        self.reach("operands of one byte for ALU and multiplier", task.does["small factors"])
        self.reach("look-up", op["lut"])
        self.reach("atoms from memory", op["unit"] == Unit.SDP)
        for name in ("x1", "x2", "y"):
            self.reach(f"{name.upper()} for kernels from memory", op[name] == Operand.PER_KERNEL)
            self.reach(f"{name.upper()} for elements from memory", op[name] == Operand.PER_ELEMENT)
        self.reach(
            "one pixel, several surfaces", op["out_width"] == op["out_height"] == 1 and len(task.atoms) > 1
        )
        size = self.parameters["ATOM"]
        ends = {b for atom in task.atoms for b in atom.to_bytes(size, "little")}
        self.reach("results saturate", 0x7F in ends and 0x80 in ends)
