"""SDP with PDP behind it beside `nvdla/rtl/sdp_pdp.sv`: SDP's results pooled on the fly, in every cycle."""

from random import Random
from typing import ClassVar

from hw_models.nvdla.names import Block, Client
from hw_models.nvdla.op import Operand
from hw_models.nvdla.post import post_room
from hw_models.nvdla.post_state import SDP_CLIENTS
from hw_models.nvdla.post_timing import PDP_OUTPUTS
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.values.pdp import AVERAGE, MAXIMUM
from simulator.cosim_blocks import model_interface
from simulator.cosim_blocks.sdp_pdp_launches import SDP_UNIT, Task, random_task
from simulator.cosim_blocks.sdp_tables import random_tables
from simulator.cosim_blocks.unit_launches import BOTH_UNITS, PDP_UNIT

SDP, PDP = int(Block.SDP), int(Block.PDP)
CHANCES = (1.0, 1.0, 1.0, 0.5, 0.1)  # that a neighbour does in a cycle what it could do
RARELY = 0.02  # and now and then, for what takes or acknowledges writes
LATENCIES = (1, 5, 40)
KINDS = {BOTH_UNITS: "SDP hands to PDP", SDP_UNIT: "SDP writes to memory", PDP_UNIT: "PDP reads memory"}
IDLE = ("enable", "table_write", "read_ready", "write_ready", "beat_valid", "acknowledge")


class Bench(model_interface.Bench):
    goals: ClassVar[tuple[str, ...]] = (
        *KINDS.values(),
        *(f"{what} behind SDP" for what in ("average", "maximum", "minimum")),
        "nothing is on in SDP",
        "all sub-units are on",
        *(f"operands of {what} from memory" for what in ("kernels", "elements")),
        "SDP waits for PDP",
        "SDP waits for PDP to write",
        "PDP is at the launch before SDP's",
        "SDP is at the launch behind PDP's",
        "SDP to memory and PDP from memory at once",
        "windows of a stride beyond the edge",
        "several surfaces",
        "writes wait for the bus",
        "the longest burst",
        "both register groups are taken",
    )
    episode_cycles = 2500
    readers = (*SDP_CLIENTS, int(Client.PDP))
    writers = (int(Client.SDP), int(Client.PDP))

    def __init__(self, parameters: dict[str, int], random: Random):
        super().__init__(parameters, random)
        atom, elements = parameters["ATOM"], parameters["SDP_ELEMENTS"]
        self.preset = dict(PRESETS["nv_small"]) | {
            **dict.fromkeys(("atomic_c", "atomic_k", "atom_bytes", "dbb_bytes", "cbuf_entry_bytes"), atom),
            **dict.fromkeys(("sdp_elements", "sdp_ew_elements"), elements),
            "pdp_elements": parameters["PDP_ELEMENTS"],
            "burst_beats": parameters["BURST"],
            "sdp_main_fifo_atoms": parameters["SDP_FIFO"],
            "sdp_operand_fifo_atoms": parameters["OPERAND_FIFO"],
            "pdp_fifo_atoms": parameters["PDP_FIFO"],
            "lut": 1,
        }

    def begin(self, episode: int) -> dict[str, int]:
        self.reset()
        self.tables = random_tables(self.random)
        self.table_writes = self.tables.writes()
        self.number = 0
        self._new_pace()
        self.next_task = self._new_task()
        return dict.fromkeys(IDLE, 0) | {"lut": self.tables.packed}

    def _new_pace(self) -> None:
        self.chances = {
            who: self.random.choice(CHANCES) for who in ("driver", "bus", "beats", "writes", "memory")
        }
        self.latency = self.random.choice(LATENCIES)
        if self.random.random() < 0.3:
            self.chances |= dict.fromkeys(self.chances, 1.0) | {
                self.random.choice(("writes", "memory")): RARELY
            }

    def _new_task(self) -> Task:
        task = random_task(self.random, self.preset, self.tables, self.memory, self.number)
        self.executor.run(task.launch)
        self.number += 1
        return task

    def delay(self, beats: int, write: bool) -> int:
        return self.random.randint(1, self.latency)

    def flip(self, who: str) -> bool:
        return self.random.random() < self.chances[who]

    def drive(self, cycle: int) -> dict[str, int]:
        """Step the model; return what it did that the twin must be told of."""
        self.expected: dict[str, int] = {}
        if self.table_writes:
            return self.table_writes.popleft()
        if self.random.random() < 0.004:
            self._new_pace()
        state, inputs = self.state, dict.fromkeys(IDLE, 0)
        groups, pdp = state["groups"], state["pdp"]
        freed = bool(pdp["ended"]) and pdp["free_at"] <= cycle
        rooms = [groups[SDP]["count"] < 2, groups[PDP]["count"] - freed < 2]
        inputs |= self.answer(cycle)
        begun = int(state["sdp"]["begun"]) if state["sdp"]["busy"] else -1
        before = bool(pdp["busy"]), int(pdp["slot"])
        held = int(groups[SDP]["count"])
        if post_room(state, self.next_task.op) and self.flip("driver"):
            task = self.next_task
            inputs |= {"enable": task.units, **task.inputs}
            self.enable(task.op, task.done, cycle)
            held += task.units & SDP_UNIT
            self._cover_task(task)
            self.next_task = self._new_task()
        did, shown = self.advance(cycle)
        sdp_begins = bool(state["sdp"]["busy"]) and state["sdp"]["begun"] == cycle != begun
        pdp_begins = bool(pdp["busy"]) and before != (True, int(pdp["slot"]))
        self.expected = shown | {
            "room": int(rooms[0]) | int(rooms[1]) << 1,
            "begins": int(sdp_begins) | int(pdp_begins) << 1,
            "hands_over": int(groups[SDP]["count"] < held),
        }
        if cycle:
            back = [(reader["credit_time"] == cycle).any() for reader in self.reading]
            self.expected["credit"] = sum(int(credit) << place for place, credit in enumerate(back))
        inputs |= did
        self.moved = sum(inputs[name].bit_count() for name in ("beat_valid", "write_ready"))
        self._cover_cycle(cycle, shown["write_valid"] & ~did["write_ready"])
        return inputs

    def check(self, cycle: int) -> dict[str, int]:
        if self.expected:
            self.transactions += self.moved
        return self.expected

    def _cover_task(self, task: Task) -> None:
        op = task.op
        self.reach(KINDS[task.units])
        self.reach("both register groups are taken", self.state["groups"][SDP]["count"] == 2)
        if task.units != BOTH_UNITS:
            return
        method = task.launch["PDP"]["POOLING_METHOD"]
        self.reach(f"{ {AVERAGE: 'average', MAXIMUM: 'maximum'}.get(method, 'minimum') } behind SDP")
        self.reach("nothing is on in SDP", not (op["x1"] or op["x2"] or op["y"]))
        self.reach("all sub-units are on", op["x1"] and op["x2"] and op["y"])
        for what, kind in (("kernels", Operand.PER_KERNEL), ("elements", Operand.PER_ELEMENT)):
            self.reach(f"operands of {what} from memory", kind in (op["x1"], op["x2"], op["y"]))
        self.reach("several surfaces", op["out_channels"] > self.preset["atom_bytes"])

    def _cover_cycle(self, cycle: int, waiting: int) -> None:
        sdp, pdp = self.state["sdp"], self.state["pdp"]
        self.reach("writes wait for the bus", waiting)
        self.reach("the longest burst", _longest(self.expected, self.parameters["BURST"]))
        self.reach("windows of a stride beyond the edge", pdp["busy"] and pdp["flush_x"] and pdp["flying"])
        if not (sdp["busy"] and pdp["busy"]):
            return
        waits = bool(sdp["to_pdp"] and sdp["wait_count"])
        self.reach("SDP waits for PDP to write", waits and pdp["outputs"] >= PDP_OUTPUTS)
        if sdp["slot"] == pdp["slot"]:
            self.reach("SDP waits for PDP", waits and pdp["next_take"] - sdp["latency"] > cycle + 1)
        else:
            self.reach("PDP is at the launch before SDP's", waits and pdp["flying"])
            self.reach("SDP is at the launch behind PDP's", pdp["flying"])
            both = not sdp["to_pdp"] and not pdp["flying"]
            self.reach("SDP to memory and PDP from memory at once", both)


def _longest(shown: dict[str, int], most: int) -> bool:
    """Tell whether a burst is as long as may be."""
    return any(shown.get("write_atoms", 0) >> 4 * place & 15 == most for place in range(2))
