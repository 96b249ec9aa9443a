"""The convolution pipeline beside `nvdla/rtl/conv_pipe.sv`: the whole accelerator's model, in every cycle."""

from collections import deque
from random import Random
from typing import Any, ClassVar

import numpy as np

from hw_models.cache.standalone import build_wiring
from hw_models.nvdla.block import advance, respond, start
from hw_models.nvdla.build import build
from hw_models.nvdla.cbuf import lines_in_work
from hw_models.nvdla.names import Block, Client, Mark, Phase
from hw_models.nvdla.op import OP, InBuffer
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.values.execute import Executor
from hw_models.nvdla.values.memory import Memory
from hw_models.port import REQUEST, front, pop
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.conv_pipe_launches import Task, random_task
from simulator.cosim_blocks.kept_launches import KEPT_GOALS, reached_by_keeping

OPS = 64  # rows, used in turn
BLOCKS = (Block.CDMA, Block.CSC, Block.CACC, Block.SDP)
NUMBERS = {int(Client.CDMA_DATA): 1, int(Client.CDMA_WEIGHT): 2}  # of the clients, in the RTL
CHANCES = (1.0, 1.0, 1.0, 0.5, 0.1)  # that a neighbour does in a cycle what it could do
LATENCIES = (1, 20, 100)
PATIENT = 0.2  # of the launches: they come when all units are idle
IDLE = ("enable", "read_ready", "write_ready", "beat_valid", "acknowledge")


class Bench(bench.Bench):
    goals: ClassVar[tuple[str, ...]] = (
        "both register groups are taken",
        "a new split of data and weights",
        "a new split of weights alone",
        "image",
        "an image is padded",
        "several surfaces",
        "several kernel groups",
        "a launch begins while the one before is at work",
        "CDMA is a launch ahead of CSC",
        "lines are left and dropped",
        "acknowledgements are late",
        "memory refuses a burst of writes",
        "writes wait for those in flight",
        "negative results are halved",
        "all is reused by a launch that finds the units idle",
        *KEPT_GOALS,
    )
    episode_cycles = 8000

    def __init__(self, parameters: dict[str, int], random: Random, preset: str = "nv_small"):
        super().__init__(parameters, random)
        atom = parameters["ATOM"]
        channels = parameters.get("CHANNELS", atom)
        if channels > atom:
            for goal in ("image", "an image is padded"):
                self.reached.pop(goal, None)
        self.preset = dict(PRESETS[preset]) | {
            **dict.fromkeys(("atomic_k", "atom_bytes", "dbb_bytes"), atom),
            **dict.fromkeys(("atomic_c", "cbuf_entry_bytes"), channels),
            "sdp_elements": parameters["SDP_ELEMENTS"],
            "cbuf_banks": parameters["BANKS"],
            "cbuf_depth": parameters["DEPTH"],
            "burst_beats": parameters["BURST"],
        }

    def begin(self, episode: int) -> dict[str, int]:
        least = self.preset["burst_beats"]
        self.preset["outstanding_writes"] = self.random.choice(
            [256, 256, self.random.randint(least, 8 * least)]
        )
        self.reset(out_limit=self.random.choice([1, 2, 4]))
        self._draw_chances()
        self.next_task: Task | None = self.new_task()
        return self.idle()

    def reset(self, out_limit: int) -> None:
        """Build model and memory anew."""
        self.state: Any = build(self.preset)[0]
        self.reads, self.writes = (build_wiring(4)[0]["fifo"][n] for n in range(2))
        self.reads["limit"], self.writes["limit"] = out_limit, 1
        self.ops = np.zeros(OPS, OP)
        self.launches = 0
        self.memory = Memory()
        self.executor = Executor(self.preset, self.memory)
        self.last_op: Any = None
        self.last_split = (0, 0)
        self.beats: deque[tuple[int, Any, int]] = deque()  # earliest cycle, burst, content
        self.on_bus: tuple[Any, int, int] | None = None  # burst, content, cycle in which it is to be taken
        self.answers: deque[tuple[int, Any]] = deque()  # earliest cycle of an acknowledgement, burst
        self.dones: dict[str, set[int]] = {"weights_done": set(), "done": set()}
        self.slots: list[int] = []  # records of launches whose done cycle is not known
        self.patient = False  # whether the next launch waits until all units are idle

    def idle(self) -> dict[str, int]:
        outstanding = self.preset["outstanding_reads"]
        writes, limit = self.preset["outstanding_writes"], int(self.reads["limit"])
        settings = {"outstanding": outstanding, "write_outstanding": writes, "out_limit": limit}
        return settings | dict.fromkeys(IDLE, 0)

    def _draw_chances(self) -> None:
        neighbours = ("driver", "bus", "beats", "memory", "writes")
        self.chances = {who: self.random.choice(CHANCES) for who in neighbours}
        self.latency = self.random.choice(LATENCIES)

    def new_task(self) -> Task | None:
        """Return the next launch, its results in memory; None: there is none."""
        kept = self.executor.buffer.kept
        task = random_task(self.random, self.preset, self.state, kept, self.last_op, self.memory)
        self.patient = self.random.random() < PATIENT
        for goal, reached in (goals := reached_by_keeping(kept, task.op)).items():
            self.reach(goal, reached)
        rests = self.patient and goals["lines and kernels are reused"]
        self.reach("all is reused by a launch that finds the units idle", rests)
        self.last_op = task.op
        self.executor.run(task.launch)
        if task.halves:
            atoms = self.memory.read(
                int(task.op["dst"]), int(task.op["out_width"]) * self.preset["atom_bytes"]
            )
            self.reach("negative results are halved", (atoms.view(np.int8) < 0).any())
        return task

    def delays(self, beats: int) -> tuple[int, int]:
        """Return the cycles from a burst of reads to its first beat, and of writes to its acknowledgement."""
        return self.random.randint(1, self.latency), self.random.randint(1, self.latency)

    def flip(self, who: str) -> bool:
        return self.random.random() < self.chances[who]

    def drive(self, cycle: int) -> dict[str, int]:
        if self.random.random() < 0.002:
            self._draw_chances()
        return self.inputs(cycle)

    def inputs(self, cycle: int) -> dict[str, int]:
        """Decide what driver and memory do in this cycle."""
        counts = [self.state["groups"][int(block)]["count"] for block in BLOCKS]
        self.room = max(counts) < 2
        waits = self.patient and any(counts)
        self.enable = self.room and not waits and self.next_task is not None and self.flip("driver")
        self.read_ready, self.write_ready = self.flip("bus"), self.flip("writes")
        ready = self.on_bus is None and bool(self.beats) and self.beats[0][0] <= cycle
        self.fresh = ready and self.flip("beats")
        if self.fresh:
            _, row, content = self.beats.popleft()
            self.on_bus = row, content, -1
        due = bool(self.answers) and self.answers[0][0] <= cycle
        self.acknowledge = due and self.flip("memory")
        inputs = {
            "enable": int(self.enable),
            "read_ready": int(self.read_ready),
            "write_ready": int(self.write_ready),
            "beat_valid": int(self.on_bus is not None),
            "acknowledge": int(self.acknowledge),
        }
        if self.enable and self.next_task is not None:
            inputs |= self.next_task.inputs
        if self.on_bus is not None:
            inputs |= {"beat_client": NUMBERS[int(self.on_bus[0]["stream"])], "beat_data": self.on_bus[1]}
        return inputs

    def check(self, cycle: int) -> dict[str, int]:
        expected = self.step(cycle)
        self.transactions += expected["write_valid"] and self.write_ready
        if cycle % 8 == 0:
            ahead = self.state["cdma_data"]["slot"] != self.state["csc"]["slot"]
            self.reach("CDMA is a launch ahead of CSC", ahead and self.state["csc"]["phase"] == Phase.BUSY)
        return expected

    def step(self, cycle: int) -> dict[str, int]:
        """Step the model; return what the RTL is to show in this cycle."""
        expected = {"room": int(self.room)} | self._bursts(cycle)
        if self.acknowledge:
            respond(self.state, self.answers.popleft()[1], cycle)
        if self.enable:
            self._enable(cycle)
        advance(self.state, self.ops, cycle, self.reads, self.writes)
        expected |= self._written(cycle) | self._beat(cycle)
        self._note_dones()
        return expected | {name: int(cycle in cycles) for name, cycles in self.dones.items()}

    def _bursts(self, cycle: int) -> dict[str, int]:
        """Return the burst of reads on the bus; memory takes it, perhaps, and will answer."""
        if not self.reads["count"]:
            return {"read_valid": 0}
        row, dbb = bench.copied(front(self.reads)), self.preset["dbb_bytes"]
        count = int(row["bytes"]) // dbb
        if self.read_ready:
            pop(self.reads)
            earliest = cycle + self.delays(count)[0]
            for beat in range(count):
                stored = self.memory.read(int(row["address"]) + beat * dbb, dbb)
                self.beats.append((earliest, row, int.from_bytes(stored.tobytes(), "little")))
        return {
            "read_valid": 1,
            "read_client": NUMBERS[int(row["stream"])],
            "read_address": int(row["address"]) // dbb,
            "read_beats": count,
        }

    def _written(self, cycle: int) -> dict[str, int]:
        """Return the burst of writes on the bus, with its data; memory takes it, perhaps."""
        self.reach("writes wait for those in flight", self.state["mcif"][0]["write_limited"])
        if not self.writes["count"]:
            return {"write_valid": 0}
        row, atom = bench.copied(front(self.writes)), self.preset["atom_bytes"]
        count = int(row["bytes"]) // atom
        self.reach("memory refuses a burst of writes", not self.write_ready)
        if self.write_ready:
            pop(self.writes)
            earliest = cycle + self.delays(count)[1]
            self.reach("acknowledgements are late", len(self.answers) > 4)
            self.answers.append((max(earliest, self.answers[-1][0] if self.answers else 0), row))
        stored = self.memory.read(int(row["address"]), int(row["bytes"]))
        return {
            "write_valid": 1,
            "write_address": int(row["address"]),
            "write_atoms": count,
            "write_data": int.from_bytes(stored.tobytes(), "little"),
        }

    def _beat(self, cycle: int) -> dict[str, int]:
        """Put a beat in front of the model; return whether it is taken in this cycle."""
        if self.on_bus is None:
            return {}
        row, content, at = self.on_bus
        if self.fresh:
            answer = np.zeros(1, REQUEST)[0]
            for name in ("stream", "tag"):
                answer[name] = row[name]
            answer["bytes"] = self.preset["dbb_bytes"]
            respond(self.state, answer, cycle + 1)
            at = int(self.state["mcif"][0]["last_beat"]) - 1
            self.on_bus = row, content, at
        if at == cycle:
            self.on_bus = None
        return {"beat_ready": int(at == cycle)}

    def _enable(self, cycle: int) -> None:
        task, row = self.next_task, self.launches % OPS
        assert task is not None
        self.launches += 1
        self.ops[row] = task.op
        self.slots.append(int(self.state["launched"]) % len(self.state["records"]))
        assert start(self.state, self.ops, row, cycle)
        self._cover(task.op)
        self.next_task = self.new_task()

    def _note_dones(self) -> None:
        """Note when launches are to be done, as soon as it is known."""
        records = self.state["records"]
        for slot in self.slots:
            self.dones["weights_done"].add(int(records[slot]["mark"][Mark.WT_DONE]))
            self.dones["done"].add(int(records[slot]["done"]))
        self.slots = [slot for slot in self.slots if records[slot]["done"] < 0]

    def _cover(self, op: Any) -> None:
        groups = self.state["groups"]
        split = int(op["data_banks"]), int(op["weight_banks"])
        self.reach("both register groups are taken", groups[int(Block.CDMA)]["count"] == 2)
        self.reach("a new split of data and weights", split[0] != self.last_split[0])
        self.reach(
            "a new split of weights alone", split[0] == self.last_split[0] and split != self.last_split
        )
        self.last_split = split
        self.reach("image", op["image"])
        self.reach("an image is padded", op["image"] and op["pad_left"] and op["pad_right"])
        self.reach("several surfaces", op["channels"] > self.preset["atom_bytes"] and not op["image"])
        self.reach("several kernel groups", op["kernels"] > self.preset["atomic_k"])
        self.reach("a launch begins while the one before is at work", groups[int(Block.CSC)]["count"] > 1)
        left = op["release"] < lines_in_work(op) and not op["keep"] & InBuffer.DATA
        self.reach("lines are left and dropped", left)
