"""The convolution core beside `nvdla/rtl/conv_core.sv`: the same in every cycle and in every bit."""

from collections import deque
from random import Random

from hw_models.nvdla.cbuf import lines_in_work
from hw_models.nvdla.kept import Kept
from hw_models.nvdla.names import Block, Stall
from hw_models.nvdla.op import InBuffer
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.timing import POP_TO_MAC
from hw_models.port import NEVER
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.bench import packed
from simulator.cosim_blocks.conv_cdma import Cdma
from simulator.cosim_blocks.conv_launches import Task, random_task
from simulator.cosim_blocks.conv_model import Model
from simulator.cosim_blocks.conv_registers import registers_of
from simulator.cosim_blocks.kept_launches import KEPT_GOALS

CHANCES = (1.0, 1.0, 0.5, 0.1, 0.02)  # that a neighbour does in a cycle what it could do
WAITS = {"data_waits": Stall.DATA, "weight_waits": Stall.WEIGHTS, "output_waits": Stall.OUTPUT}
BLOCKS = (Block.CSC, Block.CACC)
NARROW_BITS = 24  # results of more, and their sums, do not saturate with launches as short as these
SMALL_ENTRIES = 1024  # of CBUF; a larger one is filled in few episodes


class Bench(bench.Bench):
    goals = (
        "both register groups are taken",
        "a launch begins as soon as it may",
        "a new split of data and weights",
        "a new split of weights alone",
        "CDMA waits for CSC",
        "CSC waits for CDMA",
        "lines are left and dropped",
        "lines arrive last",
        "kernels arrive last",
        "a later kernel group is late",
        "a stripe waits for the delivery buffer",
        "the delivery buffer is full",
        "the delivery buffer is empty",
        "SDP refuses a pixel",
        "the last group has one kernel",
        "the last block is not full",
        "a stripe of one pixel",
        "a stripe as long as it may be",
        "a stripe of atomic-K with more behind it",
        "image",
        "padding on the left",
        "padding on top",
        "strides",
        "dilation",
        "the data ring wraps around",
        "the weight ring wraps around",
        "results saturate",
        "sums saturate",
        *KEPT_GOALS,
    )
    episode_cycles = 4000

    def __init__(self, parameters: dict[str, int], random: Random):
        super().__init__(parameters, random)
        size = parameters["ATOMIC_C"]
        self.preset = dict(PRESETS["nv_small"]) | {
            **dict.fromkeys(("atomic_c", "atom_bytes", "dbb_bytes", "cbuf_entry_bytes"), size),
            "atomic_k": parameters["ATOMIC_K"],
            "sdp_elements": parameters["SDP_ELEMENTS"],
            "cbuf_banks": parameters["BANKS"],
            "cbuf_depth": parameters["DEPTH"],
        }
        self.bits = parameters["ACC_BITS"], parameters["OUT_BITS"]
        if self.bits[1] > NARROW_BITS:
            del self.reached["results saturate"], self.reached["sums saturate"]
        self.is_small = parameters["BANKS"] * parameters["DEPTH"] <= SMALL_ENTRIES
        if not self.is_small:
            del self.reached["the data ring wraps around"], self.reached["the weight ring wraps around"]

    def begin(self, episode: int) -> dict[str, int]:
        self.model = Model(self.preset)
        self.cdma = Cdma(self.random, self.preset["cbuf_depth"])
        self.chances = {who: self.random.choice(CHANCES) for who in ("sdp", "driver", "cdma")}
        self.kept, self.last_op = Kept(), None
        self.next_task = self._new_task()
        self.results: deque[list[int]] = deque()  # pixels that SDP is to get
        self.beats: deque[int] = deque()  # of the pixel under way
        self.in_macs: deque[range] = deque()  # cycles in which data are to reach the MACs
        self.ending: tuple[int, dict[str, int]] = (-1, {})  # cycle, and what the RTL is to have counted
        idle = dict.fromkeys(
            ("enable", "write", "lines_update", "kernels_update", "cdma_pends", "sdp_ready"), 0
        )
        return idle | self._registers(self.next_task)

    def _new_task(self) -> Task:
        task = random_task(self.random, self.preset, self.model.state, self.kept, self.last_op, self.bits)
        self.last_op = task.op
        return task

    def _registers(self, task: Task) -> dict[str, int]:
        return {
            "registers": registers_of(task.op, task.launch, self.preset["cbuf_entry_bytes"]),
            "truncate": task.launch["CACC"]["CLIP_TRUNCATE"],
        }

    def drive(self, cycle: int) -> dict[str, int]:
        """Decide what the neighbours do in this cycle; tell the model."""
        model, random, cdma = self.model, self.random, self.cdma
        if random.random() < 0.004:
            self.chances = {who: random.choice(CHANCES) for who in self.chances}
        cdma.eager = self.chances["cdma"]
        self.rooms = [model.room(block) for block in BLOCKS]
        enable = all(self.rooms) and random.random() < self.chances["driver"]
        inputs = {"enable": int(enable)}
        if enable:
            task = self.next_task
            inputs |= self._registers(task)
            cdma.queue.append((task, model.enable(task.op, cycle)))
            self.results.extend(task.pixels)
            self._cover_task(task)
            self.next_task = self._new_task()
        lines, group = cdma.hand_over()
        model.hand_over(lines, group, cycle)
        pends = cdma.begin() if random.random() < cdma.eager else None
        if pends:
            model.pend(*pends, cycle)
            self.reach("a new split of data and weights", pends[1])
            self.reach("a new split of weights alone", not pends[1])
            self.reach("CSC waits for CDMA", cycle > model.pend_after)
            self.reach("CDMA waits for CSC", cycle <= model.pend_after)
        writes = cdma.write(8 * self.preset["cbuf_entry_bytes"])
        model.ready = random.random() < self.chances["sdp"]
        inputs |= {
            "lines_update": lines,
            "kernels_update": int(group),
            "cdma_pends": int(cdma.pending is not None),
            "sdp_ready": int(model.ready),
        }
        return inputs | self._writes(writes)

    def _writes(self, writes: list[tuple[int, int] | None]) -> dict[str, int]:
        """Return what CDMA writes of data and weights as inputs."""
        preset = self.preset
        entry_bits = (preset["cbuf_banks"] * preset["cbuf_depth"] - 1).bit_length()
        places, words = zip(*(found or (0, 0) for found in writes))
        return {
            "write": packed([found is not None for found in writes], 1),
            "write_entry": packed(places, entry_bits),
            "write_data": packed(words, 8 * preset["cbuf_entry_bytes"]),
        }

    def check(self, cycle: int) -> dict[str, int]:
        """Step the model; return what the RTL is to show in this cycle."""
        model = self.model
        counts = [model.count(block) for block in BLOCKS]
        idle, due, credits = model.idle, model.due(cycle), model.credits_at(cycle)
        model.step(cycle)
        done = [model.count(block) < count for block, count in zip(BLOCKS, counts)]
        pop = model.pop_at(cycle)
        if pop:
            self.in_macs.append(range(cycle + POP_TO_MAC, cycle + POP_TO_MAC + pop))
        if self.in_macs and self.in_macs[0].stop <= cycle:
            self.in_macs.popleft()
        if model.takes:
            pixel, lanes = self.results.popleft(), self.preset["sdp_elements"]
            self.beats.extend(packed(pixel[i : i + lanes], self.bits[1]) for i in range(0, len(pixel), lanes))
            self.transactions += 1
        agreed = cycle == model.agreed_at
        expected: dict[str, int] = {
            "csc_room": self.rooms[0],
            "cacc_room": self.rooms[1],
            "begins": idle and not model.idle,
            "pends": cycle > model.pend_after,
            "agreed": agreed,
            "pop": pop > 0,
            "csc_done": done[0],
            "cacc_done": done[1],
            "sdp_valid": due or bool(self.beats),
            "sdp_first": due,
            "credits": credits,
            "mac_data": bool(self.in_macs) and cycle in self.in_macs[0],
        }
        expected |= self._released(cycle)
        if self.beats:
            expected["sdp_data"] = self.beats.popleft()
        if cycle in (model.weights_at - 1, model.weights_at):
            expected["mac_weights"] = cycle == model.weights_at
        if self.ending[0] == cycle:
            expected |= self.ending[1]
        if done[0]:
            self.ending = cycle + 1, {name: model.stall(reason) for name, reason in WAITS.items()}
        if agreed:
            model.pend_after = model.agreed_at = int(NEVER)
            self.cdma.agree()
        self._cover_cycle(cycle, due, credits)
        return expected

    def _released(self, cycle: int) -> dict[str, int]:
        """Give the entries that the model frees back to CDMA; return what the RTL is to free."""
        data, weights = self.model.released_data(cycle), self.model.released_weights(cycle)
        self.cdma.data.ring.used -= data
        self.cdma.weights.ring.used -= weights
        found = {"release_data": int(data > 0), "release_weights": int(weights > 0)}
        if data:
            found["release_data_entries"] = data
        if weights:
            found["release_weight_entries"] = weights
        return found

    def _cover_task(self, task: Task) -> None:
        op, k = task.op, self.preset["atomic_k"]
        for goal, reached in task.goals.items():
            self.reach(goal, reached)
        channels = op["channels"] * (op["kernel_width"] if op["image"] else 1)
        pixels = int(op["out_width"] if op["image"] else op["out_width"] * op["out_height"])
        last = (1 << (self.bits[1] - 1)) - 1
        self.reach("both register groups are taken", not self.model.room(Block.CSC))
        self.reach("a launch begins as soon as it may", self.model.count(Block.CSC) == 2)
        left = op["release"] and op["release"] < lines_in_work(op) and not op["keep"] & InBuffer.DATA
        self.reach("lines are left and dropped", left)
        self.reach("the last group has one kernel", op["kernels"] % k == 1)
        self.reach("the last block is not full", channels % self.preset["atomic_c"])
        self.reach("a stripe of one pixel", pixels == 1)
        self.reach("a stripe as long as it may be", pixels >= 2 * k)
        self.reach("a stripe of atomic-K with more behind it", 2 * k < pixels < 4 * k and not op["image"])
        self.reach("image", op["image"])
        self.reach("padding on the left", op["pad_left"])
        self.reach("padding on top", op["pad_top"])
        self.reach("strides", op["stride_x"] > 1 and op["stride_y"] > 1)
        self.reach("dilation", op["dilation_x"] > 1 or op["dilation_y"] > 1)
        self.reach("results saturate", any(last in pixel or -last - 1 in pixel for pixel in task.pixels))
        if task.launch["CACC"]["CLIP_TRUNCATE"] == self.bits[0] - self.bits[1] + 1:
            most = 1 << (self.bits[1] - 2)  # what the largest and the smallest sum are rounded to
            self.reach("sums saturate", any(most in pixel or -most in pixel for pixel in task.pixels))

    def _cover_cycle(self, cycle: int, due: bool, credits: int) -> None:
        model, counted = self.model, self.ending[1]
        self.reach("SDP refuses a pixel", due and not model.ready)
        self.reach("the delivery buffer is full", credits == 0)
        self.reach("the delivery buffer is empty", credits == 2 * self.preset["atomic_k"])
        if self.is_small:
            self.reach("the data ring wraps around", self.cdma.data.ring.wraps)
            self.reach("the weight ring wraps around", self.cdma.weights.ring.wraps)
        if self.ending[0] == cycle + 1:
            self.reach("lines arrive last", counted["data_waits"])
            self.reach("a later kernel group is late", model.late_groups)
            self.reach("kernels arrive last", counted["weight_waits"] and not model.late_groups)
            self.reach("a stripe waits for the delivery buffer", counted["output_waits"])
