"""The interconnect beside `rtl/crossbar.sv`: pieces to memory, answers to the sources, in every cycle."""

from typing import Any

import numpy as np

from hw_models.blame import Cause
from hw_models.interconnect.block import accept, advance, is_due
from hw_models.interconnect.names import Arbitration
from hw_models.interconnect.responses import respond
from hw_models.interconnect.standalone import UP
from hw_models.port import FIFO_ROWS, REQUEST, front, pop
from simulator.cosim_blocks import crossbar_map, crossbar_masters
from simulator.cosim_blocks.bench import copied, packed
from simulator.cosim_blocks.crossbar_episodes import BURST, TRACKERS, Episodes

LATENESS = 24  # of memory
DOWN_FIELDS = {  # of the RTL: column of the model's row, bits (0: of a master's number)
    "address": ("address", 16),
    "bytes": ("bytes", 9),
    "write": ("write", 1),
    "master": ("master", 0),
    "stream": ("stream", 3),
}
UP_FIELDS = {
    "bytes": ("bytes", 9),
    "write": ("write", 1),
    "master": ("master", 0),
    "stream": ("stream", 3),
    "tag": ("tag", 8),
}


class Bench(Episodes):
    goals = (
        *(f"arbitration {kind}: two or more ask for a bus" for kind in Arbitration),
        "reads and writes share a bus",
        "reads and writes have their own",
        "one memory port",
        "several memory ports",
        "a request is cut in pieces",
        "a write of several beats",
        "a bus narrower than a source's port",
        "a source's port narrower than the bus",
        "a source is at its limit",
        "a port is at its limit",
        "a way to memory is full",
        "a source has no room for its answers",
        "a queue is full",
        "rows to memory overtake each other",
        "answers wait for the response bus",
        "an answer comes in parts",
        "answers come out of order",
        "a fifo source waits for its id's last transaction",
        "a budget holds a source up",
        "a budget with reclaim holds a source up",
        "a source draws from the pool",
        "a group's budget holds its masters up",
        "the hub has no tracker left",
        "a line is under way in the hub",
        "the hub takes its time between two requests",
        *crossbar_masters.GOALS,
        *crossbar_map.GOALS,
    )
    episode_cycles = 300
    watched = ("down_tag",)

    def begin(self, episode: int) -> dict[str, int]:
        straps = super().begin(episode)
        self._traffic()
        return straps

    def _traffic(self) -> None:
        pick = self.random.choice
        self.load, self.up_rate, self.down_rate = (
            pick([0.1, 0.5, 1.0]),
            pick([1.0, 1.0, 0.3]),
            pick([1.0, 0.3]),
        )
        self.latency, self.writes = pick([1, LATENESS]), pick([0.1, 0.4])
        # of each port: [earliest cycle, model's row, RTL's tag]
        self.memory: list[list[Any]] = [[] for _ in self.all_ports]
        self.offered: list[Any] = [None] * self.sources
        self.answers: list[Any] = [None for _ in self.all_ports]
        self.taken: list[Any] = [None for _ in self.all_ports]
        self.tag = 0
        self.tag_bits = (self.parameters.get("SLOTS", 32) - 1).bit_length()
        self.up_ready = self.down_ready = 0
        self.eager = pick([True, False])

    def drive(self, cycle: int) -> dict[str, int]:
        flip = self.random.random
        self.offered = [
            self._request(source) if row is None and flip() < self.load else row
            for source, row in enumerate(self.offered)
        ]
        self.answers = [self._answer(port, cycle) for port in self.all_ports]
        self.up_ready = sum(1 << source for source in range(self.sources) if flip() < self.up_rate)
        self.down_ready = sum(1 << port for port in self.all_ports if flip() < self.down_rate)

        def fields(name: str, width: int) -> int:
            return packed([0 if row is None else row[name] for row in self.offered], width)

        return {
            "req_valid": packed([row is not None for row in self.offered], 1),
            "req_address": fields("address", 16),
            "req_bytes": fields("bytes", 9),
            "req_write": fields("write", 1),
            "req_master": fields("master", self._master_bits()),
            "req_stream": fields("stream", 3),
            "req_tag": fields("tag", 8),
            "up_ready": self.up_ready,
            "down_ready": self.down_ready,
            "rsp_valid": packed([answer is not None for answer in self.answers], 1),
            "rsp_bytes": packed([0 if a is None else a[0]["bytes"] for a in self.answers], 9),
            "rsp_tag": packed([0 if a is None else a[1] for a in self.answers], self.tag_bits),
        }

    def _request(self, source: int) -> Any:
        row: Any = np.zeros(1, REQUEST)[0]
        row["address"] = self.random.randrange(128) * 32
        row["bytes"] = self.random.choice([8, 32, 32, 64, 64, 96])
        row["write"] = self.random.random() < self.writes
        behind = self.behind[source]
        row["master"] = self.random.choice(behind) if len(behind) > 1 else behind[0]
        row["stream"], row["tag"] = self.random.randrange(5), self.tag
        if self.map:
            row["address"] = self.map.address(int(row["bytes"]))
            self.map.cover_request(self.reach, int(row["address"]), int(row["bytes"]))
        self.tag = (self.tag + 1) % 256
        return row

    def _master_bits(self) -> int:
        return (self.masters - 1).bit_length()

    def _answer(self, port: int, cycle: int) -> Any:
        """Return (row, RTL's tag) that a port answers now: a write, a read or part of one, or None."""
        ready = [entry for entry in self.memory[port] if entry[0] <= cycle]
        if not ready or self.random.random() < 0.1:
            return None
        entry = self.random.choice(ready)
        self.reach("answers come out of order", entry is not self.memory[port][0])
        row = copied(entry[1])
        half = entry[1]["bytes"] // 2
        if not row["write"] and half >= 8 and self.random.random() < 0.2:
            row["bytes"] = half
            entry[1]["bytes"] -= half
            self.reach("an answer comes in parts")
        else:
            self.memory[port] = [other for other in self.memory[port] if other is not entry]
        return row, entry[2]

    def check(self, cycle: int) -> dict[str, int]:
        model = self.model
        downs = [down["count"] > 0 and front(down)["time"] <= cycle for down in self.downs]
        ups = [up["count"] > 0 and front(up)["time"] <= cycle for up in self.ups]
        free = [self._has_place(source) for source in range(self.sources)]
        ports = len(self.all_ports)
        known = np.tile(np.arange(TRACKERS) < model["trackers"], ports)
        buses = [model[name][: 2 * ports] for name in ("busy_cycles", "back_busy_cycles")]
        said = {
            "down_valid": packed(downs, 1),
            "up_valid": packed(ups, 1),
            "req_ready": packed(free, 1),
            "busy_cycles": packed(buses[0], 24),
            "back_busy_cycles": packed(buses[1], 24),
            "tracking": packed((model["tracked_until"][:ports, :TRACKERS] > cycle).ravel() & known, 1),
            "staged": packed(model["staged"][:TRACKERS] >= 0, 1),
            "onward_busy": model["onward_free"] > cycle,
        }
        for name in ("reads", "writes", "read_bytes", "write_bytes", "waited"):
            said[name] = packed(model[name][: self.masters], 24)
        for name, fifos, valid, fields in (
            ("down", self.downs, downs, DOWN_FIELDS),
            ("up", self.ups, ups, UP_FIELDS),
        ):
            rows = [front(fifo) if shown else None for fifo, shown in zip(fifos, valid)]
            for field, (column, width) in fields.items():
                values = [0 if row is None else row[column] for row in rows]
                said[f"{name}_{field}"] = packed(values, width or self._master_bits())
        self._step(cycle, downs, ups, free)
        return said

    def _has_place(self, source: int) -> bool:
        row = self.offered[source]
        write = 0 if row is None else int(row["write"])
        return bool(self.model["lanes"][2 * source + write]["count"] < self.model["queue"])

    def _step(self, cycle: int, downs: list[bool], ups: list[bool], free: list[bool]) -> None:
        """Do in the model what the cycle's clock edge does: grants, then what comes in and goes."""
        model = self.model
        waiting = [[int(row["tag"]) for row in rows_of(down)] for down in self.downs]
        busy = int(model["busy_cycles"].sum())
        self._look(cycle)
        self._cover(waiting, int(model["busy_cycles"].sum()) - busy, cycle)
        for port, answer in enumerate(self.answers):
            if answer is not None:
                bus = port * model["channels"] + int(answer[0]["write"]) * (model["channels"] - 1)
                there = cycle + 1 + self.ahead
                self.reach("answers wait for the response bus", model["back_free"][bus] > there)
                respond(model, answer[0], there, cycle, self.wires, 0, UP)
        self.taken = [None for _ in self.all_ports]
        for port in self.all_ports:
            if downs[port] and self.down_ready >> port & 1:
                late = cycle + 1 + self.random.randint(0, self.latency)
                self.taken[port] = [late, copied(front(self.downs[port])), 0]
                self.memory[port].append(self.taken[port])
                pop(self.downs[port])
        for source in range(self.sources):
            if ups[source] and self.up_ready >> source & 1:
                pop(self.ups[source])
            row = self.offered[source]
            if row is not None and free[source]:
                accept(model, row, source, cycle + 1)
                self.offered[source] = None
                self.transactions += 1
                self.reach("a request is cut in pieces", row["bytes"] > BURST)
            self.reach("a queue is full", row is not None and not free[source])

    def _look(self, cycle: int) -> None:
        """Let the model grant its buses, as the RTL does in every cycle or when the model asks for it."""
        if self.eager:
            self.model["lanes_due"] = min(self.model["lanes_due"], cycle)
        if is_due(self.model, cycle):
            advance(self.model, cycle, self.wires, 0, UP)

    def saw(self, outputs: dict[str, int]) -> None:
        for port, entry in enumerate(self.taken):
            if entry is not None:
                entry[2] = outputs["down_tag"] >> self.tag_bits * port & (1 << self.tag_bits) - 1

    def _cover(self, waiting: list[list[int]], moved: int, cycle: int) -> None:
        model, reach = self.model, self.reach
        asking = [int(wants).bit_count() for wants in model["wants"]]
        reach(f"arbitration {self.kind}: two or more ask for a bus", max(asking) > 1)
        if moved:
            reach("reads and writes have their own" if self.separate else "reads and writes share a bus")
            reach("one memory port" if self.ports == 1 else "several memory ports")
            reach("a write of several beats", moved > 2)
            bus = 1 << int(model["width_shift"])
            reach("a bus narrower than a source's port", bus < max(self.widths))
            reach("a source's port narrower than the bus", bus > min(self.widths))
        flying = model["lane_flight"][: 2 * self.sources].reshape(-1, 2)
        reach("a source is at its limit", (flying.max(axis=1) >= model["limit"][: self.sources]).any())
        at_port = model["port_flight"] >= model["port_limit"][:, None]
        reach("a port is at its limit", at_port[:, : self.ports].any())
        reach("a way to memory is full", model["full"])
        reach("a source has no room for its answers", model["held"])
        reach("a fifo source waits for its id's last transaction", model["serialised"])
        reach("the hub has no tracker left", model["awaited"] == -1)
        reach("a line is under way in the hub", model["awaited"] > 0)
        reach("the hub takes its time between two requests", moved and model["accept_interval"] > moved)
        for before, down in zip(waiting, self.downs):
            now = [int(row["tag"]) for row in rows_of(down)]
            reach("rows to memory overtake each other", now[: len(before)] != before)
        for source, behind in enumerate(self.behind):
            if len(behind) > 1:
                crossbar_masters.cover(reach, model, source, cycle)
        if self.map and self.map.turns > 1:
            self.map.cover_hub(reach, model, cycle)
        self._cover_budgets()

    def _cover_budgets(self) -> None:
        regulation = self.model["regulation"]
        for source in range(self.sources):
            own = int(regulation["own"][source])
            rule = regulation["rows"][own]
            if own >= 0 and rule["reclaim"]:
                self.reach("a source draws from the pool", rule["used"] > rule["share"])
            for write in range(2):
                lane = self.model["lanes"][2 * source + write]
                if lane["count"] == 0 or lane["cause"] != Cause.REGULATION:
                    continue
                grouped = regulation["group"][write][source] >= 0
                self.reach("a group's budget holds its masters up", grouped and own < 0)
                self.reach("a budget holds a source up", own >= 0 and not grouped and not rule["reclaim"])
                held = own >= 0 and not grouped and rule["reclaim"]
                self.reach("a budget with reclaim holds a source up", held)


def rows_of(fifo: Any) -> list[Any]:
    """Return the rows of a FIFO, the oldest first."""
    return [fifo["rows"][(fifo["head"] + n) % FIFO_ROWS] for n in range(fifo["count"])]
