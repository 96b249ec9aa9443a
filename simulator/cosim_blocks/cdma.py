"""CDMA beside `nvdla/rtl/cdma.sv`: the same in every cycle and in every bit."""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from hw_models.cache.standalone import build_wiring
from hw_models.nvdla import cdma_weights
from hw_models.nvdla.block import advance, new_record, respond
from hw_models.nvdla.build import build
from hw_models.nvdla.cdma import end_pend
from hw_models.nvdla.groups import group_push, group_room
from hw_models.nvdla.kept import Kept
from hw_models.nvdla.mcif import beat_returned, read_room, request_read, wake
from hw_models.nvdla.names import Block, Client, Mark, Part, Phase
from hw_models.nvdla.op import OP
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.timing import IMAGE_LINES_TO_DATA_DONE, LINES_TO_DATA_DONE
from hw_models.nvdla.values.memory import Memory
from hw_models.port import REQUEST, front, pop
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.cdma_csc import Csc
from simulator.cosim_blocks.cdma_goals import GOALS, SMALL_ENTRIES, WITH_LITTLE_ROOM, reached_by
from simulator.cosim_blocks.cdma_launches import Task, random_task
from simulator.cosim_blocks.cdma_writes import Writes

OPS = 64  # rows, used in turn
OUT = 4  # bursts on the way out, as the RTL's memory interface
CDMA = int(Block.CDMA)
OTHER, DATA, WEIGHT = int(Client.BDMA), int(Client.CDMA_DATA), int(Client.CDMA_WEIGHT)
NUMBERS = {OTHER: 0, DATA: 1, WEIGHT: 2}  # of the clients, in the RTL
IDLE = (
    "enable",
    "other_valid",
    "read_ready",
    "beat_valid",
    "agreed",
    "release_data",
    "release_weights",
)
CHANCES = (1.0, 1.0, 1.0, 0.5, 0.1)  # that a neighbour does in a cycle what it could do
SLOW = (1.0, 0.1, 0.03, 0.02)  # likewise, that CSC goes on by a kernel group
BUSY = (0.0, 0.0, 0.05, 0.5)  # likewise, that another client asks
LATENCIES = (1, 1, 20, 100)


class Bench(bench.Bench):
    goals = GOALS
    episode_cycles = 3000

    def __init__(self, parameters: dict[str, int], random: Random):
        super().__init__(parameters, random)
        atom = parameters["ATOM"]
        self.preset = dict(PRESETS["nv_small"]) | {
            **dict.fromkeys(("atomic_c", "atomic_k", "atom_bytes", "dbb_bytes", "cbuf_entry_bytes"), atom),
            "cbuf_banks": parameters["BANKS"],
            "cbuf_depth": parameters["DEPTH"],
        }
        if parameters["BANKS"] * parameters["DEPTH"] > SMALL_ENTRIES:
            for goal in WITH_LITTLE_ROOM:
                del self.reached[goal]

    def begin(self, episode: int) -> dict[str, int]:
        random = self.random
        longest = random.choice([1, 1, 2, 4, 8])
        outstanding = random.choice([256, random.randint(longest, 40)])
        self.preset |= {"burst_beats": longest, "outstanding_reads": outstanding}
        self.state: Any = build(self.preset)[0]
        self.mcif, self.cbuf = self.state["mcif"][0], self.state["cbuf"]
        other = self.mcif["readers"][OTHER]
        other["owner"], other["credit"] = int(Part.DONE), -1  # nobody is behind it, nor a latency buffer
        self.data, self.weight = self.state["cdma_data"], self.state["cdma_weight"]
        self.reads, self.writes = (build_wiring(OUT)[0]["fifo"][n] for n in range(2))
        self.reads["limit"] = random.choice([1, 2, OUT])
        self.ops = np.zeros(OPS, OP)
        self.launches = 0
        self.memory = Memory()
        self.kept, self.last_op = Kept(), None
        self.next_task = self._new_task()
        self._draw_chances()
        self.csc = Csc()
        self.groups_seen = 0
        self.pend = False  # CDMA waits for a new split
        self.beats: deque[tuple[int, Any]] = deque()  # (earliest cycle, burst) of each beat, and its content
        self.contents: deque[int] = deque()
        self.on_bus: tuple[Any, int, int] | None = None  # burst, content, cycle in which it is to be taken
        self.other: tuple[int, int] | None = None
        self.cbuf_writes = Writes(self.preset["cbuf_depth"], self.preset["atom_bytes"])
        self.dones: dict[str, set[int]] = {"data": set(), "weights": set()}
        self.lines_due = 0  # of the launch, on their way to CSC
        self._watch_writes()
        return {
            "burst_shift": longest.bit_length() - 1,
            "outstanding": outstanding,
            "out_limit": int(self.reads["limit"]),
            **dict.fromkeys(IDLE, 0),
        }

    def _draw_chances(self) -> None:
        chances = {who: self.random.choice(CHANCES) for who in ("driver", "bus", "beats", "agree")}
        self.chances = chances | {"other": self.random.choice(BUSY), "csc": self.random.choice(SLOW)}
        self.latency = self.random.choice(LATENCIES)

    def _watch_writes(self) -> None:
        """Note the cycles in which weights are written; not where the model is compiled."""
        original: Callable[..., None] = getattr(cdma_weights, "original_announce", cdma_weights._announce)
        self.sees_weights = not hasattr(original, "py_func")
        if self.sees_weights:

            def noted(state: Any, weight: Any, at: int) -> None:
                self.cbuf_writes.take_weight(int(at))
                original(state, weight, at)

            vars(cdma_weights).update(original_announce=original, _announce=noted)

    def _new_task(self) -> Task:
        task = random_task(self.random, self.preset, self.state, self.kept, self.last_op, self.memory)
        self.last_op = task.op
        return task

    def drive(self, cycle: int) -> dict[str, int]:
        random = self.random
        if random.random() < 0.004:
            self._draw_chances()
        flip = {who: random.random() < chance for who, chance in self.chances.items()}
        self.room = bool(group_room(self.state, CDMA))
        self.enable = self.room and flip["driver"]
        self.read_ready = flip["bus"]
        hurries = self._weights_come(cycle) and random.random() < 0.3
        self.released = self.csc.release(flip["csc"] or hurries)
        pended, self.pend = self.pend, bool(self.weight["phase"] == Phase.PEND)
        self.pending = pended and self.pend  # the RTL may take a cycle more
        self.begins = bool(self.weight["phase"] == Phase.IDLE and self.state["groups"][CDMA]["count"])
        self.agreed = self.pending and flip["agree"] and not any(self.released) and self._may_agree()
        if self.other is None and flip["other"]:
            address = random.randrange(1 << 20)
            self.other = address, random.randint(1, 8)
        self.fresh = self.on_bus is None and bool(self.beats) and self.beats[0][0] <= cycle and flip["beats"]
        if self.fresh:
            self.on_bus = self.beats.popleft()[1], self.contents.popleft(), -1
        inputs = {
            "enable": int(self.enable),
            "other_valid": int(self.other is not None),
            "read_ready": int(self.read_ready),
            "beat_valid": int(self.on_bus is not None),
            "agreed": int(self.agreed),
            "release_data": int(self.released.data > 0),
            "release_data_entries": self.released.data,
            "release_weights": int(self.released.weights > 0),
            "release_weight_entries": self.released.weights,
        }
        if self.enable:
            inputs["registers"] = self.next_task.registers
        if self.other is not None:
            inputs |= {"other_address": self.other[0], "other_beats": self.other[1]}
        if self.on_bus is not None:
            inputs |= {"beat_client": NUMBERS[int(self.on_bus[0]["stream"])], "beat_data": self.on_bus[1]}
        return inputs

    def _may_agree(self) -> bool:
        """Tell whether CSC is done with all before, and the data side waits too, if it is to."""
        op, csc = self.ops[int(self.weight["op"])], self.csc
        ready = op["data_banks"] == self.data["last_banks"] or self.data["phase"] == Phase.PEND
        return bool(ready and csc.begun and len(csc.launches) == self.state["groups"][CDMA]["count"])

    def check(self, cycle: int) -> dict[str, int]:
        expected = {"room": int(self.room)} | self._bursts()
        other_room = read_room(self.state, OTHER) > 0
        expected["other_ready"] = int(other_room)
        if (
            self.pending == self.pend and not self.begins
        ):  # the model may take some, until the one before is done
            expected["pends"] = int(self.pending)
        self._take_burst(cycle, expected)
        self._step(cycle)
        expected |= {"lines_update": self._lines(), "kernels_update": self._kernels()}
        if self.other is not None and other_room:
            request_read(
                self.state, OTHER, self.other[0] * self.preset["dbb_bytes"], self.other[1], cycle + 1, 0
            )
            self.other = None
        expected |= self._beat(cycle)
        expected |= {f"{who}_done": int(cycle in cycles) for who, cycles in self.dones.items()}
        expected |= self.cbuf_writes.data_in(cycle)
        if self.sees_weights:
            expected |= self.cbuf_writes.weights_in(cycle)
        self._cover_cycle()
        return expected

    def _bursts(self) -> dict[str, int]:
        if not self.reads["count"]:
            return {"read_valid": 0}
        row, dbb = front(self.reads), self.preset["dbb_bytes"]
        return {
            "read_valid": 1,
            "read_client": NUMBERS[int(row["stream"])],
            "read_address": int(row["address"]) // dbb,
            "read_beats": int(row["bytes"]) // dbb,
        }

    def _take_burst(self, cycle: int, expected: dict[str, int]) -> None:
        """Memory takes a burst, and will answer."""
        if not expected["read_valid"] or not self.read_ready:
            return
        row, dbb = bench.copied(front(self.reads)), self.preset["dbb_bytes"]
        pop(self.reads)
        earliest = cycle + self.random.randint(1, self.latency)
        self.reach("another client takes its turn", expected["read_client"] == 0)
        self.reach("bursts of several beats", expected["read_beats"] > 1)
        for beat in range(expected["read_beats"]):
            self.beats.append((earliest, row))
            stored = self.memory.read(int(row["address"]) + beat * dbb, dbb)
            self.contents.append(int.from_bytes(stored.tobytes(), "little"))

    def _step(self, cycle: int) -> None:
        """Let the model have what came in, and do what is due."""
        state = self.state
        if self.enable:
            self._enable(cycle)
        if self.released.data:
            self.cbuf["data_release_time"][0] = cycle
            self.cbuf["data_release_entries"][0] = self.released.data
            wake(state, int(Part.CDMA_DATA), cycle)
        if self.released.weights:
            row = self.cbuf["weight_release_head"]
            self.cbuf["weight_release_time"][row] = cycle
            self.cbuf["weight_release_beats"][row] = self.released.weights
            self.cbuf["weight_release_count"] = 1
            self.reach("room comes while weights are on their way", self._weights_come(cycle))
            wake(state, int(Part.CDMA_WEIGHT), cycle)
        if self.agreed:
            self.reach("a new split of data and weights", self.data["phase"] == Phase.PEND)
            self.reach("a new split of weights alone", self.data["phase"] != Phase.PEND)
            end_pend(state, self.ops, cycle)
        marks = state["records"][int(self.weight["slot"])]["mark"]
        advance(state, self.ops, cycle, self.reads, self.writes)
        if marks[Mark.WT_DONE] > cycle:
            self.dones["weights"].add(int(marks[Mark.WT_DONE]))
        for who, side in (("data", self.data), ("weights", self.weight)):
            if side["phase"] == Phase.KEPT:
                self.dones[who].add(int(side["done_at"]))

    def _weights_come(self, cycle: int) -> bool:
        """Tell whether weights that will find the banks full are between the bus and CDMA."""
        return bool(self.weight["waiting"] and (self.weight["door"] > cycle).any())

    def _enable(self, cycle: int) -> None:
        task, row = self.next_task, self.launches % OPS
        self.launches += 1
        self.ops[row] = task.op
        slot = int(new_record(self.state, self.ops[row], row, cycle))
        group_push(self.state, CDMA, row, slot, cycle)
        wake(self.state, int(Part.CDMA_DATA), cycle)
        wake(self.state, int(Part.CDMA_WEIGHT), cycle)
        self.csc.launches.append(task)
        around = self.cbuf_writes.launch(task)
        self.reach("the data ring wraps around", around[0])
        self.reach("the weight ring wraps around", around[1])
        self.reach("both register groups are taken", not group_room(self.state, CDMA))
        self.reach("a launch begins while CSC works on the one before", self.csc.used)
        for goal, reached in (reached_by(task, self.preset) | task.goals).items():
            self.reach(goal, reached)
        self.next_task = self._new_task()

    def reach(self, goal: str, happened: object = True) -> None:
        """Count one of the goals that this size of CBUF can reach."""
        if goal in self.reached:
            super().reach(goal, happened)

    def _lines(self) -> int:
        """Take the lines that the model hands over."""
        lines = int(self.cbuf["lines"])
        self.cbuf["lines"] = 0
        self.csc.lines += lines
        return lines

    def _kernels(self) -> int:
        """Take the kernel groups that the model hands over."""
        groups = int(self.cbuf["groups"]) - self.groups_seen
        self.groups_seen += groups
        self.csc.groups += groups
        return groups

    def _beat(self, cycle: int) -> dict[str, int]:
        """Put a beat in front of the model; return whether it is taken in this cycle."""
        if self.on_bus is None:
            return {}
        row, content, at = self.on_bus
        if self.fresh:
            at = self._respond(row, cycle + 1) - 1
            self.on_bus = row, content, at
        self.reach("the bus waits for the buffer", at > cycle)
        if at == cycle:
            self.on_bus = None
        return {"beat_ready": int(at == cycle)}

    def _respond(self, row: Any, now: int) -> int:
        """Let the model have a beat at ``now``. Returns when it is taken from the bus."""
        client = int(row["stream"])
        if client == OTHER:
            at = max(now, int(self.mcif["last_beat"]) + 1)
            beat_returned(self.state, self.mcif, client, at)
            return at
        answer = np.zeros(1, REQUEST)[0]
        for name in ("stream", "tag"):
            answer[name] = row[name]
        answer["bytes"] = self.preset["dbb_bytes"]
        updates = int(self.data["update_count"])
        respond(self.state, answer, now)
        self.transactions += 1
        if client == DATA:
            op = self.ops[int(self.data["op"])]
            self.cbuf_writes.take_atom(op, int(self.data["line_entries"]), int(self.data["accepted"]))
            if self.data["update_count"] > updates:
                self._note_lines()
        return int(self.mcif["last_beat"])

    def _note_lines(self) -> None:
        """Lines are on their way to CSC: with the last ones CDMA's data are done."""
        row = (self.data["update_head"] + self.data["update_count"] - 1) % len(self.data["update_time"])
        self.lines_due += int(self.data["update_lines"][row])
        if self.lines_due == self.data["height"]:
            self.lines_due = 0
            late = IMAGE_LINES_TO_DATA_DONE if self.data["image"] else LINES_TO_DATA_DONE
            self.dones["data"].add(int(self.data["update_time"][row]) + late)

    def _cover_cycle(self) -> None:
        data, weight = self.data, self.weight
        self.reach("data wait for room", data["waits_for_room"])
        self.reach("weights wait for room", weight["waits_for_room"])
        self.reach("weights wait at the full banks", weight["waiting"])
        for client in (DATA, WEIGHT):
            self.reach("the memory interface has no room", not read_room(self.state, client))
        self.reach("data are in last", data["phase"] == Phase.BUSY and weight["phase"] == Phase.DONE)
        self.reach("weights are in last", weight["phase"] == Phase.BUSY and data["phase"] == Phase.DONE)
        self.reach("too many beats in flight", self.mcif["read_limited"])
