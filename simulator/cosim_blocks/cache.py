"""The whole cache beside `rtl/cache.sv`: requests, answers, rows to memory and counters, in every cycle."""

from typing import Any

import numpy as np

from hw_models.cache.block import accept, advance, respond, take_acks
from hw_models.cache.build import build_cache
from hw_models.cache.names import Conflict, Placement, Prefetch, Replacement
from hw_models.cache.params import Cache
from hw_models.cache.standalone import UP, build_wiring
from hw_models.cache.state import WRITEBACK
from hw_models.port import REQUEST, front, pop
from simulator.cosim_blocks.bench import copied, packed
from simulator.cosim_blocks.cache_coverage import COUNTERS, LINE, MASTERS, Watched

STREAMS, DEPTH = 4, 8  # as the RTL's parameters
SETTINGS = (  # that model and RTL call the same
    "split",
    "conflict",
    "hit_when_full",
    "placement",
    "prefetch",
    "degree",
    "entry_latency",
    "hit_latency",
    "fill_latency",
    "miss_latency",
    "overhead",
    "probe",
    "width_shift",
    "target_limit",
    "writeback_limit",
)


class Bench(Watched):
    episode_cycles = 300

    def begin(self, episode: int) -> dict[str, int]:
        pick, flip = self.random.choice, self.random.random
        self.ways, self.sets = self.parameters["WAYS"], self.parameters["SETS"]
        self.replacement = list(Replacement)[episode % len(Replacement)]
        self.conflict = pick(list(Conflict))
        self.placement = list(Placement)[episode // 2 % 3]
        self.kind = list(Prefetch)[episode // 3 % 3]
        settings = {
            "size": f"{self.ways * self.sets * LINE} B",
            "ways": self.ways,
            "replacement": self.replacement,
            "conflict": self.conflict,
            "placement": self.placement,
            "prefetch": self.kind,
            "prefetch_degree": self.random.randint(1, 4),
            "order": pick(["split", "arrival"]),
            "hit_when_full": pick([True, True, False]),
            "mshrs": self.parameters["MSHRS"] - pick([0, 0, 0, 1, 2, 3]),
            "targets": self.random.randint(1, 4),
            "queue": self.random.randint(1, 4),
            "writebacks": pick([0, 0, 1, 2, 4]),
            "data_width": pick(["16 B", "32 B", "64 B"]),
            "probe": f"{pick([0, 5])} cycles",
        }
        for name, least in (("entry", 0), ("hit", 1), ("fill", 1), ("miss", 1)):
            settings[f"{name}_latency"] = f"{self.random.randint(least, 4)} cycles"
        settings["access_overhead"] = f"{pick([0, 0, 2])} cycles"
        names = [f"m{master}" for master in range(MASTERS)]
        if flip() < 0.5:
            cut = self.random.randint(1, self.ways - 1)
            settings["partition"] = {"m0": list(range(cut)), "m1": list(range(cut, self.ways))}
        settings["bypass"] = {"m0": [3], "m1": [2]} if flip() < 0.5 else {}
        settings["discard"] = {"m0": [1], "m1": [1, 2]} if flip() < 0.7 else {}
        self.banks, self.ports, self.channels = (self._count(name) for name in ("BANKS", "PORTS", "CHANNELS"))
        self.ports = min(self.ports, self.banks)
        settings |= {"banks": self.banks, "ports": self.ports}
        params = Cache.model_validate(settings)
        seed, whole = self.random.randrange(2**16), self.sets * LINE  # a line and its victim are so far apart
        turn = pick([LINE, whole, whole, whole]) if self.channels > 1 else LINE
        state, self.tags = build_cache(params, names, seed, self.channels, turn)
        self.model = state[0]
        self.wires = build_wiring(DEPTH)[0]
        self.downs = [self.wires["fifo"][channel] for channel in range(self.parameters.get("CHANNELS", 1))]
        self.ups = [self.wires["fifo"][UP + port] for port in range(self.parameters.get("PORTS", 1))]
        limits = pick([2, 2, 3, DEPTH]), self.random.randint(1, DEPTH)
        for fifos, limit in zip((self.downs, self.ups), limits):
            for fifo in fifos:
                fifo["limit"] = limit
        self._traffic()
        return self._straps()

    def _count(self, name: str) -> int:
        """Return how many of the RTL's banks, ports or channels an episode uses."""
        most = self.parameters.get(name, 1)
        return self.random.choice([most, most, most // 2]) if most > 1 else 1

    def _traffic(self) -> None:
        pick = self.random.choice
        self.load, self.up_rate = pick([0.4, 0.8, 1.0]), pick([1.0, 1.0, 0.7, 0.2])
        self.down_rates, self.latency = [pick([1.0, 1.0, 0.3]) for _ in self.downs], pick([2, 10, 30])
        if self.channels > 1:
            self.down_rates[0] = pick([0.05, 1.0])
        self.lines = pick([2, 4]) * self.ways * self.sets
        self.writes, self.local = pick([0.1, 0.6]), pick([0.3, 0.8])
        self.wide = STREAMS  # streams of a master
        if self.kind == Prefetch.STRIDE:  # long enough to have one
            self.wide, self.local = 2, 0.9
        # of each channel: [earliest cycle of the answer, row that memory has taken]
        self.memory: list[list[Any]] = [[] for _ in self.downs]
        self.next: Any = None  # request that waits for its port
        self.offered: list[Any] = [None for _ in self.ups]
        self.answers: list[Any] = [None for _ in self.downs]
        self.tag, self.streams = 0, dict.fromkeys(range(MASTERS * STREAMS), (0, 1))
        self.up_ready, self.down_ready = [False], [False]

    def _straps(self) -> dict[str, int]:
        model = self.model
        return {
            **{name: model[name] for name in SETTINGS},
            "policy": model["policy"]["kind"],
            "seed": model["policy"]["lfsr"],
            "queue_limit": model["queue"],
            "mshr_limit": model["mshr_count"],
            "bank_mask": self.banks - 1,
            "port_mask": self.ports - 1,
            "channel_mask": self.channels - 1,
            "channel_shift": model["channel_shift"],
            "down_limit": self.downs[0]["limit"],
            "up_limit": self.ups[0]["limit"],
            "allowed": packed(model["allowed"][:MASTERS], self.ways),
            "bypass": packed(model["bypass"][:MASTERS, :STREAMS].ravel(), 1),
            "discard": packed(model["discard"][:MASTERS, :STREAMS].ravel(), 1),
            "req_valid": 0,
            "up_ready": 0,
            "down_ready": 0,
            "rsp_valid": 0,
        }

    def drive(self, cycle: int) -> dict[str, int]:
        flip = self.random.random
        for _ in self.ups:
            if self.next is None and None in self.offered and flip() < self.load:
                self.next = self._request()
            if self.next is not None and self.offered[self._port_of(self.next)] is None:
                self.offered[self._port_of(self.next)], self.next = self.next, None
        self.answers = [self._answer(channel, cycle) for channel in range(len(self.downs))]
        self.up_ready = [flip() < self.up_rate for _ in self.ups]
        self.down_ready = [flip() < rate for rate in self.down_rates]
        given = {
            "req_valid": packed([row is not None for row in self.offered], 1),
            "up_ready": packed(self.up_ready, 1),
            "down_ready": packed(self.down_ready, 1),
            "rsp_valid": packed([answer is not None for answer in self.answers], 1),
        }
        for prefix, rows in (("req", self.offered), ("rsp", self.answers)):
            for field, width in self._widths(prefix).items():
                values = [0 if row is None else row[field] for row in rows]
                if prefix == "rsp" and field == "tag":
                    values = [self._short(value) for value in values]
                given[f"{prefix}_{field}"] = packed(values, width)
        return given

    def _widths(self, prefix: str) -> dict[str, int]:
        """Return the RTL's fields of a row and their bits."""
        widths = {"address": 18, "bytes": 7, "write": 1, "master": 1, "stream": 2, "tag": 8}
        mshr = {"tag": (self.parameters["MSHRS"] - 1).bit_length() + 1}
        if prefix == "down":
            return widths | mshr
        if prefix == "rsp":
            return {"bytes": 7, "write": 1} | mshr
        return widths if prefix == "req" else {"bytes": 7, "write": 1, "master": 1, "tag": 8}

    def _bank_of(self, row: Any) -> int:
        return int(row["address"]) // LINE % self.banks

    def _port_of(self, row: Any) -> int:
        return self._bank_of(row) % self.ports

    def _short(self, tag: int) -> int:
        """Return a tag as the RTL writes it: write-backs come behind its own MSHRs."""
        return int(tag if tag < WRITEBACK else tag - WRITEBACK + self.parameters["MSHRS"])

    def _request(self) -> Any:
        row: Any = np.zeros(1, REQUEST)[0]
        master, stream = self.random.randrange(MASTERS), self.random.randrange(self.wide)
        line, step = self.streams[master * STREAMS + stream]
        if self.random.random() < self.local:
            line = (line + self.random.choice([0, step, step, step, step])) % self.lines
        else:
            line, step = self.random.randrange(self.lines), self.random.choice([0, 1, 2, -1, -1, -2, 5])
            line = line % 8 if step < 0 else line  # down to the first line
        self.streams[master * STREAMS + stream] = line, step
        offset, size = self.random.choice([(0, LINE), (0, LINE), (0, 32), (32, 32), (8, 8)])
        row["address"], row["bytes"] = line * LINE + offset, size
        row["write"] = self.random.random() < self.writes
        row["master"], row["stream"], row["tag"] = master, stream, self.tag
        self.tag = (self.tag + 1) % 256
        return row

    def _answer(self, channel: int, cycle: int) -> Any:
        """Return a row that a channel answers in this cycle: a write, a read or part of one, or None."""
        ready = [entry for entry in self.memory[channel] if entry[0] <= cycle]
        if not ready or self.random.random() < 0.1:
            return None
        entry = self.random.choice(ready)
        row = copied(entry[1])
        half = entry[1]["bytes"] // 2
        if not row["write"] and half and self.random.random() < 0.3:
            row["bytes"] = half
            entry[1]["bytes"] -= half
            self.reach("a fill comes in parts")
        else:
            self.memory[channel] = [other for other in self.memory[channel] if other is not entry]
        return row

    def check(self, cycle: int) -> dict[str, int]:
        model = self.model
        take_acks(model, cycle)  # the first thing that `advance` does; the RTL has done it at the clock edge
        said: dict[str, int] = {
            "req_ready": packed([self._has_place(row) for row in self.offered], 1),
            "mshrs_used": model["mshrs_used"],
            "writebacks_used": model["writebacks_used"],
            **{name: packed(model[name][:MASTERS], 16) for name in COUNTERS},
        }
        shown = {}
        for name, fifos in (("up", self.ups), ("down", self.downs)):
            shown[name] = [fifo["count"] > 0 and front(fifo)["time"] <= cycle for fifo in fifos]
            said[f"{name}_valid"] = packed(shown[name], 1)
            rows = [front(fifo) if there else None for fifo, there in zip(fifos, shown[name])]
            for field, width in self._widths(name).items():
                values = [0 if row is None else row[field] for row in rows]
                if name == "down" and field == "tag":
                    values = [self._short(value) for value in values]
                said[f"{name}_{field}"] = packed(values, width)
        self._step(cycle, shown["up"], shown["down"])
        return said

    def _has_place(self, row: Any) -> bool:
        bank, write = (0, 0) if row is None else (self._bank_of(row), int(row["write"]))
        ring = self.model["bank"][bank]["rings"][write * int(self.model["split"])]
        return bool(ring["count"] < self.model["queue"])

    def _step(self, cycle: int, ups: list[bool], downs: list[bool]) -> None:
        """Do in the model what the cycle's clock edge does: the banks' work, then what comes in and goes."""
        free = [self._has_place(row) for row in self.offered]
        before = self.look()
        advance(self.model, self.tags, cycle, self.wires, 0, UP)
        self.cover(before, self.look(), cycle)
        taken = [row is not None and place for row, place in zip(self.offered, free)]
        self.reach("a request is refused", any(row is not None for row in self.offered) and not all(free))
        self.reach("two ports hand over requests in a cycle", sum(taken) > 1)
        self.reach("two channels answer in a cycle", sum(row is not None for row in self.answers) > 1)
        for port, takes in enumerate(taken):
            if takes:
                accept(self.model, self.tags, self.offered[port], cycle + 1)
                self.offered[port] = None
                self.transactions += 1
        for answer in self.answers:
            if answer is not None:
                respond(self.model, self.tags, answer, cycle + 1)
        popped = [there and ready for there, ready in zip(ups, self.up_ready)]
        self.reach("two ports take answers in a cycle", sum(popped) > 1)
        for up, pops in zip(self.ups, popped):
            if pops:
                pop(up)
        for channel, down in enumerate(self.downs):
            if downs[channel] and self.down_ready[channel]:
                late = cycle + 1 + self.random.randint(0, self.latency)
                self.memory[channel].append([late, copied(front(down))])
                pop(down)
