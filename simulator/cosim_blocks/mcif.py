"""NVDLA's memory interface beside `nvdla/rtl/mcif.sv`: the same bursts in the same cycles."""

from typing import Any

import numpy as np

from hw_models.cache.standalone import build_wiring
from hw_models.nvdla.block import see_room
from hw_models.nvdla.build import build
from hw_models.nvdla.mcif import (
    beat_returned,
    read_room,
    read_step,
    request_read,
    request_write,
    return_credit,
    write_acknowledged,
    write_step,
)
from hw_models.nvdla.presets import NV_LARGE
from hw_models.port import front, pop
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.bench import packed

REQUESTS, OUT = 4, 4  # as the RTL's parameters
DBB = 8  # bytes of a beat
SLOT = 0  # of the records: one launch
EARLY = 3  # cycles that a credit is known ahead of its time, at most
LATENESS = 30


class Bench(bench.Bench):
    goals = (
        "reads of two or more clients",
        "writes of two or more clients",
        "a request is cut in bursts",
        "a burst begins within a longest one",
        "a request's time is still to come",
        "a client has no room for more reads",
        "a client has no room for more writes",
        "a latency buffer has no room",
        "room in a latency buffer is known ahead",
        "too many read beats in flight",
        "too many write beats in flight",
        "the way out of reads is full",
        "the way out of writes is full",
        "a write takes its channel for several beats",
    )
    episode_cycles = 400

    def begin(self, episode: int) -> dict[str, int]:
        pick, number = self.random.choice, self.random.randint
        self.clients = self.parameters["CLIENTS"]
        self.client_bits = (self.clients - 1).bit_length()
        self.longest = pick([1, 2, 4, 8])
        self.outstanding = [number(self.longest, pick([16, 64])) for _ in range(2)]
        preset = NV_LARGE | {"dbb_bytes": DBB, "burst_beats": self.longest, "cvsram": 0}
        preset |= dict(zip(("outstanding_reads", "outstanding_writes"), self.outstanding))
        self.state: Any = build(preset)[0]
        self.mcif = self.state["mcif"][0]
        self.buffers = [pick([-1, number(self.longest, 3 * self.longest)]) for _ in range(self.clients)]
        self.mcif["readers"]["credit"][: self.clients] = self.buffers
        record = self.state["records"][SLOT]
        self.counters = [
            record[name] for name in ("read_bursts", "write_bursts", "read_bytes", "write_bytes")
        ]
        self.ways = [build_wiring(OUT)[0]["fifo"][n] for n in range(2)]
        self.limit = number(1, OUT)
        for way in self.ways:
            way["limit"] = self.limit
        self._traffic()
        return {
            "burst_shift": self.longest.bit_length() - 1,
            "outstanding": packed(self.outstanding, 10),
            "out_limit": self.limit,
            "has_credits": packed([buffer >= 0 for buffer in self.buffers], 1),
            "credits": packed([max(0, buffer) for buffer in self.buffers], 8),
            **dict.fromkeys(("req_valid", "out_ready", "returned", "passed_on", "acknowledged"), 0),
        }

    def _traffic(self) -> None:
        pick = self.random.choice
        self.load, self.rate = pick([0.02, 0.1, 0.4, 1.0]), pick([0.3, 1.0, 1.0])
        self.latency, self.delay = pick([1, LATENESS]), pick([0, 5])
        self.passing = pick([0.2, 0.8])
        self.offered: list[list[Any]] = [[None] * self.clients for _ in range(2)]
        self.reads: list[tuple[int, int]] = []  # (earliest cycle, client) of each beat
        self.writes: list[tuple[int, int, int]] = []  # (earliest cycle, client, beats)
        self.held = [0] * self.clients  # beats in a latency buffer
        self.passed: list[list[int]] = [[] for _ in range(self.clients)]  # cycles of credits known ahead
        self.ready = 0

    def drive(self, cycle: int) -> dict[str, int]:
        flip = self.random.random
        self.offered = [
            [self._request(w) if row is None and flip() < self.load else row for row in offered]
            for w, offered in enumerate(self.offered)
        ]
        self.ready = sum(1 << w for w in range(2) if flip() < self.rate)
        self.back = self._due(self.reads, cycle)
        self.ack = self._due(self.writes, cycle)
        credits = [1 if passed and passed[0] == cycle + 1 else 0 for passed in self.passed]
        flat = [row for offered in self.offered for row in offered]
        return {
            "req_valid": packed([row is not None for row in flat], 1),
            **{
                f"req_{name}": packed([0 if row is None else row[k] for row in flat], width)
                for k, (name, width) in enumerate((("address", 16), ("beats", 5), ("delay", 4)))
            },
            "out_ready": self.ready,
            "returned": self.back is not None,
            "acknowledged": 0 if self.ack is None else self.ack[2],
            "passed_on": packed(credits, 1),
        }

    def _request(self, write: int) -> tuple[int, int, int]:
        """Return (address in beats, beats, delay): a burst if it is a write."""
        address = self.random.randrange(1 << 12)
        most = self.longest - address % self.longest if write else 8
        return address, self.random.randint(1, most), self.random.randint(0, self.delay)

    def _due(self, waiting: list[Any], cycle: int) -> Any:
        """Take what memory gives back now, the oldest first."""
        if waiting and waiting[0][0] <= cycle and self.random.random() < 0.9:
            return waiting.pop(0)
        return None

    def check(self, cycle: int) -> dict[str, int]:
        tops = [front(way) if way["count"] else None for way in self.ways]
        rooms = [self._room(0, c) > 0 for c in range(self.clients)]
        rooms += [self._room(1, c) > 0 for c in range(self.clients)]
        said = {
            "req_ready": packed(rooms, 1),
            "out_valid": packed([top is not None for top in tops], 1),
            "out_client": packed(
                [0 if t is None else t["stream"] for t in tops], (self.clients - 1).bit_length()
            ),
            "out_address": packed([0 if t is None else t["address"] // DBB for t in tops], 16),
            "out_beats": packed([0 if t is None else t["bytes"] // DBB for t in tops], 5),
            "bursts": packed([n for counter in self.counters[:2] for n in counter[: self.clients]], 24),
            "beats": packed([n // DBB for counter in self.counters[2:] for n in counter[: self.clients]], 24),
            "most_in_flight": self.mcif["max_reads_in_flight"],
        }
        self._step(cycle, rooms)
        return said

    def _room(self, write: int, client: int) -> int:
        if write:
            writer = self.mcif["writers"][client]
            return int(REQUESTS - writer["count"])
        return int(read_room(self.state, client))

    def _step(self, cycle: int, rooms: list[bool]) -> None:
        """Do in the model what the cycle's clock edge does: a burst each way, then what comes in."""
        for write, way in enumerate(self.ways):
            if way["count"] and self.ready >> write & 1:
                self._to_memory(write, way, cycle)
        self._cover(cycle)
        self._send(cycle)
        self._come_in(cycle + 1, rooms)

    def _to_memory(self, write: int, way: Any, cycle: int) -> None:
        row, late = front(way), cycle + 1 + self.random.randint(0, self.latency)
        beats = int(row["bytes"] // DBB)
        if write:
            self.writes.append((late, int(row["stream"]), beats))
        else:
            self.reads += [(late + beat, int(row["stream"])) for beat in range(beats)]
        pop(way)

    def _send(self, cycle: int) -> None:
        mcif, (reads, writes) = self.mcif, self.ways
        see_room(self.state, mcif, reads, writes, cycle)
        if mcif["read_wake"] <= cycle:
            read_step(self.state, 0, max(cycle, mcif["next_read"]), reads)
        if mcif["write_wake"] <= cycle:
            write_step(self.state, 0, max(cycle, mcif["next_write"]), writes)

    def _come_in(self, now: int, rooms: list[bool]) -> None:
        """Let the model have what came in this cycle, which counts from ``now`` on."""
        if self.back is not None:
            client = self.back[1]
            beat_returned(self.state, self.mcif, client, now)
            self.held[client] += 1
        if self.ack is not None:
            write_acknowledged(self.state, self.mcif, self.ack[1], self.ack[2], now)
        for client, passed in enumerate(self.passed):
            if passed and passed[0] == now:
                passed.pop(0)
            if self.held[client] and self.random.random() < self.passing:
                self.held[client] -= 1
                self._pass_on(client, passed, now)
        for place, granted in enumerate(rooms):
            write, client = divmod(place, self.clients)
            row = self.offered[write][client]
            if row is not None and granted:
                address, beats, delay = row
                ask = request_write if write else request_read
                ask(self.state, client, address * DBB, beats, now + delay, SLOT)
                self.offered[write][client] = None
                self.transactions += 1
                self.reach("a request's time is still to come", delay)
            names = ("a client has no room for more reads", "a client has no room for more writes")
            self.reach(names[write], row is not None and not granted)

    def _pass_on(self, client: int, passed: list[int], now: int) -> None:
        """A beat leaves a latency buffer: the model hears of it now, the RTL when it happens."""
        if self.buffers[client] < 0:
            return
        at = max(now + 1 + self.random.randint(0, EARLY), passed[-1] + 1 if passed else 0)
        passed.append(at)
        return_credit(self.state, client, at)
        self.reach("room in a latency buffer is known ahead", at > now + 1)

    def _cover(self, cycle: int) -> None:
        mcif, reach = self.mcif, self.reach
        readers, writers = mcif["readers"], mcif["writers"]
        reach("reads of two or more clients", np.count_nonzero(readers["count"]) > 1)
        reach("writes of two or more clients", np.count_nonzero(writers["count"]) > 1)
        for reader in readers[: self.clients]:
            if reader["count"] == 0 or reader["time"][reader["head"]] > cycle:
                continue
            beats, place = reader["beats"][reader["head"]], reader["address"][reader["head"]] // DBB
            reach("a request is cut in bursts", beats > self.longest)
            reach("a burst begins within a longest one", place % self.longest)
            least = min(beats, self.longest - place % self.longest)
            reach("a latency buffer has no room", 0 <= reader["credit"] < least)
        reach("too many read beats in flight", mcif["read_limited"])
        reach("too many write beats in flight", mcif["write_limited"])
        reach("the way out of reads is full", mcif["read_full"])
        reach("the way out of writes is full", mcif["write_full"])
        reach("a write takes its channel for several beats", mcif["next_write"] > cycle + 1)
