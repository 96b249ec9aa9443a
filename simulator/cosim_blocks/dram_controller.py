"""The DRAM controller beside `rtl/dram_channel.sv`: commands, answers and marks, in every cycle."""

from collections import deque
from typing import Any

import numpy as np

from hw_models.cache.standalone import build_wiring
from hw_models.dram.block import accept, advance
from hw_models.dram.build import build_channels
from hw_models.dram.names import Command, Page, Protect, Refresh, WriteResponse
from hw_models.port import FIFO_ROWS, REQUEST, front, pop
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.dram_device import RULE_GOALS, Device
from simulator.cosim_blocks.dram_episodes import MASTERS, SCHEDULERS, random_dram
from simulator.cosim_blocks.dram_settings import check_twin, place, priorities, twin_inputs

COUNTERS = (
    "reads",
    "writes",
    "activates",
    "precharges",
    "precharge_alls",
    "closed_by_all",
    "refreshes",
    "row_hits",
    "row_misses",
    "row_conflicts",
    "forwarded",
    "merged",
)
COLUMN = (Command.READ, Command.WRITE, Command.READ_AUTO, Command.WRITE_AUTO)


class Bench(bench.Bench):
    goals = (
        *(f"scheduler {kind}: a row conflict" for kind in SCHEDULERS),
        *(f"protect {kind}: a row conflict" for kind in Protect),
        "page closed: RD and WR close their row",
        "page timeout: an unused row is closed",
        "page adaptive: a row closed too early doubles the timeout",
        "page adaptive: a conflict halves the timeout",
        "page adaptive: the timeout is at its shortest",
        "a row is closed that has had its share",
        "another hit goes before the row's opener",
        "rows are not reserved",
        "refresh all_bank: open rows are closed together",
        "refresh all_bank: one comes",
        "refresh per_bank: a row is closed for it",
        "refresh per_bank: one comes",
        "one rank owes a refresh, another is served",
        "two ranks owe a refresh",
        "a rank owes two refreshes",
        "a rank refreshes before its interval is over",
        "writes are drained: they are many",
        "writes are drained: no read waits",
        "reads go on: few writes are left",
        "one queue for both",
        "requests hide behind the window",
        "the queue of reads is full",
        "the queue of writes is full",
        "the queue for both is full",
        "the most unanswered reads",
        "the most unanswered writes",
        "a request takes the place just left",
        "a read is answered from the queue",
        "and waits for the reads before it",
        "a write is merged",
        *(f"a write is answered once {kind}" for kind in WriteResponse),
        "two answers are ready",
        "an answer is not taken",
        "ranks are pseudo-channels",
        "the bank is hashed",
        "a broken rule is told",
        *RULE_GOALS.values(),
    )
    episode_cycles = 500

    def begin(self, episode: int) -> dict[str, int]:
        pick = self.random.choice
        self.dram = random_dram(self.random, self.parameters, episode)
        check_twin(self.dram, self.parameters)
        names = [f"m{master}" for master in range(MASTERS)]
        self.model = build_channels(self.dram, names)[0]
        self.model["masters"], self.model["log_on"] = 0, 1
        self.up = build_wiring(FIFO_ROWS)[0]["fifo"][0]
        strict = episode % 4 < 3
        raised = {} if strict else {rule: 2 for rule in RULE_GOALS if pick([0, 0, 1])}
        self.device = Device(self.dram, raised)
        self._traffic()
        return {
            **twin_inputs(self.model),
            **self.device.inputs(),
            "priorities": priorities(self.model, MASTERS),
            "req_valid": 0,
            "up_ready": 0,
        }

    def _traffic(self) -> None:
        pick, number = self.random.choice, self.random.randint
        self.load, self.up_rate = pick([0.06, 0.3, 1.0, 1.0, 1.0]), pick([1.0, 1.0, 0.5])
        self.writes, self.local = pick([0.1, 0.5, 0.9]), pick([0.2, 0.6, 0.9])
        chip = self.dram.chip
        widths = {"rank": self.dram.all_ranks, "group": chip.bank_groups, "bank": chip.banks_per_group}
        spots = pick([2, 6, 64, 64])
        self.places = [
            {**{name: number(0, width - 1) for name, width in widths.items()}, "channel": 0}
            for _ in range(spots)
        ]
        self.rows = pick([1, 2, 5])
        self.columns = self.dram.row_bytes // self.dram.burst_bytes
        self.stream = dict(self.places[0], row=0, column=0)
        self.recent: deque[int] = deque(maxlen=6)
        self.offered: Any = None
        self.tag, self.moved = 0, True
        self.conflicts, self.writing, self.timeout = 0, 0, dict[int, int]()
        self.inputs = {"req_valid": 0, "up_ready": 0}

    def drive(self, cycle: int) -> dict[str, int]:
        flip = self.random.random
        if self.offered is None and flip() < self.load:
            self.offered = self._request()
        self.inputs = {
            "req_valid": int(self.offered is not None and self._has_places()),
            "up_ready": int(flip() < self.up_rate),
        }
        given = dict(self.inputs)
        if self.offered is not None:
            for name in ("address", "write", "master", "tag"):
                given[f"req_{name}"] = self.offered[name]
        return given

    def _has_places(self) -> bool:
        """Tell whether the RTL's tables have places: the model's have 256."""
        model = self.model
        pending = int(model["pending"])
        answers = int(model["done_count"]) + int(self.up["count"])
        return pending < self.parameters["ENTRIES"] - 1 and pending + answers < self.parameters["ANSWERS"] - 1

    def _request(self) -> Any:
        flip, number = self.random.random, self.random.randint
        row: Any = np.zeros(1, REQUEST)[0]
        if flip() < self.local:
            self.stream["column"] = (self.stream["column"] + 1) % self.columns
        else:
            where = self.random.choice(self.places)
            self.stream = dict(where, row=number(0, self.rows), column=number(0, self.columns - 1))
        row["address"] = place(self.dram, self.stream)
        if self.recent and flip() < 0.1:
            row["address"] = self.random.choice(self.recent)
        row["write"], row["bytes"] = flip() < self.writes, self.dram.burst_bytes
        row["master"], row["tag"] = number(0, MASTERS - 1), self.tag
        if row["write"]:
            self.recent.append(int(row["address"]))
        self.tag = (self.tag + 1) % 256
        return row

    def check(self, cycle: int) -> dict[str, int]:
        model, up, now = self.model, self.up, cycle + 1
        ranks = model["rank"][: model["ranks"]]
        owed = [int(rank["owed"]) + int(rank["due"] <= now) for rank in ranks]
        size = [int(entries) for entries in model["size"]]
        said: dict[str, int] = {
            "reads_queued": size[0],
            "writes_queued": size[1],
            "refreshes_owed": sum(owed),
        }
        if self.moved:  # else the counters stay as they were
            said.update({name: model[name] for name in COUNTERS})
        model["log_count"] = 0
        advance(model, now, up)
        said["draining"] = int(model["writing"] if model["next"] > now else model["writing_next"])
        said["cmd_valid"] = int(model["log_count"])
        self.moved = bool(said["cmd_valid"])
        if said["cmd_valid"]:
            line = model["log"][0]
            said |= self._command(line) | self.device.check(line)
            self._cover_command(line, said, owed)
        said["up_valid"] = int(up["count"] > 0 and front(up)["time"] <= now)
        if said["up_valid"]:
            said["up_write"], said["up_tag"] = int(front(up)["write"]), int(front(up)["tag"])
        self._cover_queues(said, size)
        if self.inputs["req_valid"]:
            self._offer(now, said)
        if said["up_valid"]:
            self._cover_answer(now)
            if self.inputs["up_ready"]:
                pop(up)
        return said

    def _offer(self, now: int, said: dict[str, int]) -> None:
        """Offer the model the request, after the command of the cycle."""
        model, reach, kind = self.model, self.reach, "writes" if self.offered["write"] else "reads"
        write, size = int(self.offered["write"]), int(model["size"].sum())
        forwarded, merged = int(model["forwarded"]), int(model["merged"])
        said["req_ready"] = int(accept(model, self.offered, now))
        if not said["req_ready"]:
            limited = 0 < model["outstanding"][write] <= model["waiting"][write]
            reach(f"the most unanswered {kind}", limited)
            reach("the queue for both is full", not limited and model["unified"])
            reach(f"the queue of {kind} is full", not limited and not model["unified"])
            return
        was_full = said[f"{kind}_queued"] >= model["capacity"][write]
        reach("a request takes the place just left", was_full and model["size"].sum() > size)
        reach("a read is answered from the queue", model["forwarded"] > forwarded)
        late = model["last_read_done"] > now + 1
        reach("and waits for the reads before it", model["forwarded"] > forwarded and late)
        reach("a write is merged", model["merged"] > merged)
        self.offered = None
        self.transactions += 1
        self.moved = True

    def _cover_command(self, line: Any, said: dict[str, int], owed: list[int]) -> None:
        model, reach, dram = self.model, self.reach, self.dram
        command, rank = Command(said["cmd"]), int(line["rank"])
        bank = model["banks"][said["cmd_bank"]]
        conflict = model["row_conflicts"] > self.conflicts
        self.conflicts = int(model["row_conflicts"])
        reach(f"scheduler {dram.scheduler}: a row conflict", conflict)
        reach(f"protect {dram.protect}: a row conflict", conflict)
        reach("page closed: RD and WR close their row", command >= Command.READ_AUTO)
        if command in COLUMN:
            reach("another hit goes before the row's opener", bank["active"] >= 0)
            reach("ranks are pseudo-channels", not model["shared_bus"])
            reach("the bank is hashed", "^=" in dram.mapping_text)
            reach("one queue for both", dram.unified_queue)
            reach("requests hide behind the window", model["window"] < model["size"].sum())
            reach("one rank owes a refresh, another is served", owed[rank] == 0 and sum(owed))
            reach("rows are not reserved", not dram.reserve_rows)
        if command == Command.PRECHARGE:
            reach("a row is closed that has had its share", 0 < dram.row_hit_cap <= bank["hits"])
            reach("refresh per_bank: a row is closed for it", owed[rank] and dram.refresh == Refresh.PER_BANK)
            reach("page timeout: an unused row is closed", dram.page == Page.TIMEOUT and not conflict)
        place, timeout = said["cmd_bank"], int(bank["timeout"])
        before = self.timeout.get(place, timeout)
        reach("page adaptive: a row closed too early doubles the timeout", timeout > before)
        reach("page adaptive: a conflict halves the timeout", timeout < before)
        reach("page adaptive: the timeout is at its shortest", timeout == dram.page_timeout_cycles // 4)
        self.timeout[place] = timeout
        reach("refresh all_bank: open rows are closed together", command == Command.PRECHARGE_ALL)
        reach("refresh all_bank: one comes", command == Command.REFRESH)
        reach("refresh per_bank: one comes", command == Command.REFRESH_BANK)
        reach("two ranks owe a refresh", min(owed) > 0 and len(owed) > 1)
        reach("a rank owes two refreshes", max(owed) > 1)
        reach("a rank refreshes before its interval is over", said["early"])
        reach("a broken rule is told", said["broken"])
        for place, goal in RULE_GOALS.items():
            reach(goal, said["met"] >> place & 1)

    def _cover_queues(self, said: dict[str, int], size: list[int]) -> None:
        model, reach, writing = self.model, self.reach, said["draining"]
        if writing != self.writing and not model["unified"]:
            reach("writes are drained: they are many", writing and size[1] > model["high"])
            reach("writes are drained: no read waits", writing and size[0] == 0)
            reach("reads go on: few writes are left", not writing)
        self.writing = writing

    def _cover_answer(self, now: int) -> None:
        up, reach = self.up, self.reach
        if front(up)["write"]:
            reach(f"a write is answered once {self.dram.write_response}")
        second = up["rows"][(up["head"] + 1) % FIFO_ROWS]
        reach("two answers are ready", up["count"] > 1 and second["time"] <= now)
        reach("an answer is not taken", not self.inputs["up_ready"])

    def _command(self, line: Any) -> dict[str, int]:
        """Return a command of the model's log as the RTL's outputs."""
        rank, group, bank = int(line["rank"]), int(line["group"]), int(line["bank"])
        place = rank * int(self.model["banks_per_rank"])
        if bank >= 0:
            place += group * int(self.model["banks_per_group"]) + bank
        said = {"cmd": int(line["command"]), "cmd_bank": place}
        if line["row"] >= 0:
            said["cmd_row"] = int(line["row"])
        if line["column"] >= 0:
            said["cmd_column"] = int(line["column"])
        return said
