"""The simulator's CSC and CACC, stepped by themselves between an environment's CDMA and SDP.

Whether SDP takes a pixel and what CDMA has handed over is set in the state where they would set it.
"""

from collections import deque
from typing import Any

import numpy as np

from hw_models.nvdla.block import new_record
from hw_models.nvdla.build import build
from hw_models.nvdla.cacc import cacc_step
from hw_models.nvdla.conv_state import RELEASES, STRIPES
from hw_models.nvdla.csc import csc_step
from hw_models.nvdla.groups import group_pop, group_push
from hw_models.nvdla.mcif import wake
from hw_models.nvdla.names import Block, Mark, Part, Phase, Stall
from hw_models.nvdla.op import OP
from hw_models.nvdla.post_state import LONG_AGO
from hw_models.nvdla.timing import ENABLE_TO_BUSY, MAC_TO_CACC_OUT, POP_TO_MAC
from hw_models.port import NEVER

OPS = 64  # rows, used in turn
CSC, CACC, CDMA = int(Part.CSC), int(Part.CACC), int(Block.CDMA)


class Model:
    """One accelerator's convolution core; `step` acts at a cycle, what it does is then in its fields."""

    def __init__(self, preset: dict[str, int]):
        self.preset = preset
        self.state: Any = build(preset)[0]
        self.ops = np.zeros(OPS, OP)
        self.cbuf, self.csc, self.cacc = self.state["cbuf"], self.state["csc"], self.state["cacc"]
        self.beats = preset["atomic_k"] // preset["sdp_elements"]
        self.launches = 0
        self.ready = False  # SDP, in this cycle
        self.pend_after = int(NEVER)  # cycle after which CSC waits for a new split of CBUF
        self.agreed_at = int(NEVER)  # cycle at which it is agreed upon
        self.takes = False  # SDP takes a pixel in this cycle
        self.pops: dict[int, tuple[int, bool]] = {}  # by cycle: pixels, whether a stripe ends
        self.credits = 2 * preset["atomic_k"]  # of the cycles before
        self.credit_times: deque[int] = deque()  # of returns under way
        self.late_groups = False  # a kernel group behind the first came late, of the launch in work
        self.weights_at = -1  # cycle in which a launch's first weights reach the MACs, the last one known
        sdp = self.state["sdp"]
        sdp["depth"], sdp["history"] = 1, LONG_AGO

    @property
    def idle(self) -> bool:
        return bool(self.csc["phase"] == Phase.IDLE)

    def count(self, block: Block) -> int:
        """Return the register groups in use."""
        return int(self.state["groups"][int(block)]["count"])

    def room(self, block: Block) -> bool:
        return self.count(block) < 2

    def stall(self, reason: Stall) -> int:
        return int(self.state["records"][int(self.csc["slot"])]["stall"][int(reason)])

    def credits_at(self, now: int) -> int:
        while self.credit_times and self.credit_times[0] <= now:
            self.credit_times.popleft()
            self.credits += 1
        return self.credits

    def pop_at(self, now: int) -> int:
        """Return the pixels of the package that is popped at ``now``, 0 when none is."""
        pixels, ends = self.pops.pop(now, (0, False))
        if ends:
            self.credits -= pixels
        return pixels

    def enable(self, op: Any, now: int) -> int:
        """Set the op-enable bits of CSC and CACC; return the launch's record."""
        row = self.launches % OPS
        self.launches += 1
        self.ops[row] = op
        slot = new_record(self.state, self.ops[row], row, now)
        for block in (Block.CSC, Block.CACC):
            group_push(self.state, int(block), row, slot, now)
        wake(self.state, CSC, now)
        return int(slot)

    def pend(self, slot: int, data: bool, now: int) -> None:
        """CDMA waits for a new split of CBUF, for weights or for data as well."""
        group_push(self.state, CDMA, int(self.state["records"][slot]["op"]), slot, now)
        for name in ("cdma_data", "cdma_weight") if data else ("cdma_weight",):
            unit = self.state[name]
            unit["phase"], unit["slot"], unit["pend_since"] = int(Phase.PEND), slot, now
        wake(self.state, CSC, now)

    def hand_over(self, lines: int, group: bool, now: int) -> None:
        cbuf = self.cbuf
        if lines:
            cbuf["lines"] += lines
            cbuf["lines_time"] = now
        if group:
            cbuf["group_time"][cbuf["groups"] % RELEASES] = now
            cbuf["groups"] += 1
        if lines or group:
            wake(self.state, CSC, now)

    def due(self, now: int) -> bool:
        """Tell whether CACC offers SDP the first beat of a pixel."""
        if not self.cacc["count"]:
            return False
        first = self.cacc["first"][self.cacc["head"]] + self.cacc["pixel"]
        return bool(max(first, self.cacc["next_pixel"]) <= now)

    def step(self, now: int) -> None:
        """Do what is due at ``now``, in the order of the simulator's parts."""
        state, wakes, sdp = self.state, self.state["wake"], self.state["sdp"]
        sdp["busy"], sdp["slot"] = self.ready, self.cacc["slot"][self.cacc["head"]]
        sdp["wait_count"] = 0
        if self.ready and self.cacc["blocked_since"] >= 0:  # as SDP does when it takes pixels again
            self.cacc["blocked_since"] = -1
            wake(state, CACC, now)
        returned = int(self.cacc["credits_returned"])
        while min(wakes[CSC], wakes[CACC]) <= now:
            if wakes[CSC] <= now:
                self._step_csc(now)
            else:
                cacc_step(state, self.ops, now)
        self.takes = bool(self.cacc["credits_returned"] > returned)
        if self.takes:
            self.credit_times.append(now + self.beats)

    def _step_csc(self, now: int) -> None:
        stripes, was_set_up = int(self.cacc["count"]), bool(self.csc["pending_package"])
        was_idle, pended = self.idle, bool(self.csc["phase"] == Phase.PEND)
        waited = 0 if was_idle else self.stall(Stall.WEIGHTS)
        csc_step(self.state, self.ops, now)
        if was_idle:
            self.late_groups = False
        elif self.csc["group"] and self.stall(Stall.WEIGHTS) > waited:
            self.late_groups = True
        if not was_idle or not self.idle:
            self._note_split(was_idle, pended, now)
            mark = self.state["records"][int(self.csc["slot"])]["mark"][int(Mark.MAC_WT_FIRST)]
            self.weights_at = max(self.weights_at, int(mark))
        for i in range(stripes, int(self.cacc["count"])):
            row = (self.cacc["head"] + i) % STRIPES
            popped = int(self.cacc["first"][row]) - MAC_TO_CACC_OUT - POP_TO_MAC
            self.pops[popped] = int(self.cacc["pixels"][row]), True
        if self.csc["pending_package"] and (not was_set_up or self.cacc["count"] > stripes):
            length, first = int(self.csc["stripe"]), int(self.csc["next_package"]) - POP_TO_MAC
            for i in range(int(self.csc["packages"]) - 1):
                self.pops[first + i * max(length, self.preset["atomic_k"])] = length, False

    def _note_split(self, was_idle: bool, pended: bool, now: int) -> None:
        """Note when CSC begins to wait for a new split, and when it is agreed upon."""
        since = int(self.csc["busy_since"])
        pends = bool(self.csc["phase"] == Phase.PEND)
        if was_idle and (pends or since != now + ENABLE_TO_BUSY):
            self.pend_after, pended = now, True
        if pended and not pends:
            self.agreed_at = since
            group_pop(self.state, CDMA)
            for name in ("cdma_data", "cdma_weight"):
                self.state[name]["phase"] = int(Phase.BUSY)

    def released_weights(self, now: int) -> int:
        """Take the entries that become free at ``now``, as CDMA does."""
        head = self.cbuf["weight_release_head"]
        if not self.cbuf["weight_release_count"] or self.cbuf["weight_release_time"][head] != now:
            return 0
        self.cbuf["weight_release_head"] = (head + 1) % RELEASES
        self.cbuf["weight_release_count"] -= 1
        return int(self.cbuf["weight_release_beats"][head])

    def released_data(self, now: int) -> int:
        """Take the entries of lines that become free at ``now``, as CDMA does."""
        due = self.cbuf["data_release_time"] == now
        self.cbuf["data_release_time"][due] = NEVER
        return int(self.cbuf["data_release_entries"][due].sum())
