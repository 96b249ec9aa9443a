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
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.bench import copied, packed

MASTERS, STREAMS, DEPTH = 2, 4, 8  # as the RTL's parameters
LINE = 64
COUNTERS = (
    "hits",
    "misses",
    "merges",
    "bypasses",
    "evictions",
    "writebacks",
    "fills",
    "prefetches",
    "prefetch_hits",
    "recalls",
)
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


class Bench(bench.Bench):
    goals = (
        *(f"replacement {policy}: lines go out" for policy in Replacement),
        *(f"conflict {kind}: a request meets its line on its way" for kind in Conflict),
        *(f"placement {kind}: lines go out" for kind in Placement),
        *(f"prefetch {kind}: lines come and are used" for kind in list(Prefetch)[1:]),
        "a read hits",
        "a write hits",
        "a read merges",
        "a write merges",
        "a miss in a partition",
        "a read passes by",
        "a write passes by",
        "an exclusive read moves its line up",
        "a dirty line is written back through the buffer",
        "a dirty line is written back by its MSHR",
        "all MSHRs are taken",
        "a hit while all MSHRs are taken",
        "the write-back buffer is full",
        "the way up is full",
        "the way to memory is full",
        "a fill comes in parts",
        "a fill answers several",
        "a request is refused",
        "a write goes before a read that waits",
        "a write of part of a missing line",
        "a write of a whole missing line",
        "stalls of a probe",
        "a stride leads below the first line",
    )
    episode_cycles = 500

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
        params = Cache.model_validate(settings)
        state, self.tags = build_cache(params, names, seed=self.random.randrange(2**16))
        self.model = state[0]
        self.wires = build_wiring(DEPTH)[0]
        self.down, self.up = self.wires["fifo"][0], self.wires["fifo"][UP]
        self.down["limit"], self.up["limit"] = self.random.randint(2, DEPTH), self.random.randint(1, DEPTH)
        self._traffic()
        return self._straps()

    def _traffic(self) -> None:
        pick = self.random.choice
        self.load, self.up_rate = pick([0.4, 0.8, 1.0]), pick([1.0, 1.0, 0.7, 0.2])
        self.down_rate, self.latency = pick([1.0, 1.0, 0.3]), pick([2, 10, 30])
        self.lines = pick([2, 4]) * self.ways * self.sets
        self.writes, self.local = pick([0.1, 0.5]), pick([0.3, 0.8])
        self.wide = STREAMS  # streams of a master
        if self.kind == Prefetch.STRIDE:  # long enough to have one
            self.wide, self.local = 2, 0.9
        self.memory: list[Any] = []  # [earliest cycle of the answer, row that memory has taken]
        self.offered: Any = None
        self.answer: Any = None
        self.tag, self.streams = 0, dict.fromkeys(range(MASTERS * STREAMS), (0, 1))
        self.inputs = {"up_ready": 0, "down_ready": 0}

    def _straps(self) -> dict[str, int]:
        model = self.model
        return {
            **{name: model[name] for name in SETTINGS},
            "policy": model["policy"]["kind"],
            "seed": model["policy"]["lfsr"],
            "queue_limit": model["queue"],
            "mshr_limit": model["mshr_count"],
            "down_limit": self.down["limit"],
            "up_limit": self.up["limit"],
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
        if self.offered is None and flip() < self.load:
            self.offered = self._request()
        self.answer = self._answer(cycle)
        self.inputs = {
            "req_valid": int(self.offered is not None),
            "up_ready": int(flip() < self.up_rate),
            "down_ready": int(flip() < self.down_rate),
            "rsp_valid": int(self.answer is not None),
        }
        given = dict(self.inputs)
        if self.offered is not None:
            for name in ("address", "bytes", "write", "master", "stream", "tag"):
                given[f"req_{name}"] = self.offered[name]
        if self.answer is not None:
            given["rsp_bytes"], given["rsp_write"] = self.answer["bytes"], self.answer["write"]
            given["rsp_tag"] = self._short(self.answer["tag"])
        return given

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
            line, step = self.random.randrange(self.lines), self.random.choice([0, 1, 1, 2, -1, -2, 5])
            line = line % 8 if step < 0 else line  # down to the first line
        self.streams[master * STREAMS + stream] = line, step
        offset, size = self.random.choice([(0, LINE), (0, LINE), (0, 32), (32, 32), (8, 8)])
        row["address"], row["bytes"] = line * LINE + offset, size
        row["write"] = self.random.random() < self.writes
        row["master"], row["stream"], row["tag"] = master, stream, self.tag
        self.tag = (self.tag + 1) % 256
        return row

    def _answer(self, cycle: int) -> Any:
        """Return a row that memory answers in this cycle: a write, a read or part of one, or None."""
        ready = [entry for entry in self.memory if entry[0] <= cycle]
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
            self.memory = [other for other in self.memory if other is not entry]
        return row

    def check(self, cycle: int) -> dict[str, int]:
        model, up, down = self.model, self.up, self.down
        take_acks(model, cycle)  # the first thing that `advance` does; the RTL has done it at the clock edge
        said: dict[str, int] = {
            "up_valid": int(up["count"] > 0 and front(up)["time"] <= cycle),
            "down_valid": int(down["count"] > 0 and front(down)["time"] <= cycle),
            "mshrs_used": model["mshrs_used"],
            "writebacks_used": model["writebacks_used"],
            **{name: packed(model[name][:MASTERS], 16) for name in COUNTERS},
        }
        for name, fifo, fields in (
            ("up", up, ("bytes", "write", "master", "tag")),
            ("down", down, ("address", "bytes", "write", "master", "stream", "tag")),
        ):
            if said[f"{name}_valid"]:
                said.update({f"{name}_{field}": int(front(fifo)[field]) for field in fields})
        if said["down_valid"]:
            said["down_tag"] = self._short(said["down_tag"])
        if self.offered is not None:
            ring = model["bank"][0]["rings"][int(self.offered["write"]) * int(model["split"])]
            said["req_ready"] = int(ring["count"] < model["queue"])
        self._step(cycle, said)
        return said

    def _step(self, cycle: int, said: dict[str, int]) -> None:
        """Do in the model what the cycle's clock edge does: the bank's work, then what comes in and goes."""
        before = self._look()
        taken = self.offered is not None and said["req_ready"]
        if self.offered is not None and not taken:
            self.reach("a request is refused")
        advance(self.model, self.tags, cycle, self.wires, 0, UP)
        self._cover(before, self._look())
        if taken:
            accept(self.model, self.tags, self.offered, cycle + 1)
            self.offered = None
            self.transactions += 1
        if self.answer is not None:
            respond(self.model, self.tags, self.answer, cycle + 1)
        if said["up_valid"] and self.inputs["up_ready"]:
            pop(self.up)
        if said["down_valid"] and self.inputs["down_ready"]:
            row = copied(front(self.down))
            self.memory.append([cycle + 1 + self.random.randint(0, self.latency), row])
            pop(self.down)

    def _look(self) -> dict[str, Any]:
        model = self.model
        look: dict[str, Any] = {name: int(model[name][:MASTERS].sum()) for name in COUNTERS}
        rings = model["bank"][0]["rings"]
        look["reads"], look["writes"] = int(rings[0]["count"]), int(rings[1]["count"])
        look["row"] = [copied(ring["rows"][ring["head"]]) for ring in rings]
        look["up"], look["held"] = int(self.up["count"]), int(model["mshrs_used"])
        return look

    def _cover(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        model = self.model
        more = {name: new[name] > old[name] for name in COUNTERS}
        reads, writes = new["reads"] < old["reads"], new["writes"] < old["writes"]
        row = old["row"][0 if reads else 1]
        write = bool(row["write"]) and (reads or writes)
        read = not write and reads
        full = model["mshr_count"]
        self.reach(f"replacement {self.replacement}: lines go out", more["evictions"])
        self.reach(f"placement {self.placement}: lines go out", more["evictions"])
        self.reach("a read hits", more["hits"] and read)
        self.reach("a write hits", more["hits"] and write)
        self.reach("a read merges", more["merges"] and read)
        self.reach("a write merges", more["merges"] and write)
        self.reach("a miss in a partition", more["misses"] and model["allowed"][0] != model["allowed"][1])
        self.reach("a read passes by", more["bypasses"] and read)
        self.reach("a write passes by", more["bypasses"] and write)
        exclusive = self.placement == Placement.EXCLUSIVE
        self.reach("an exclusive read moves its line up", exclusive and more["hits"] and read)
        buffered = model["writeback_limit"] > 0
        self.reach("a dirty line is written back through the buffer", more["writebacks"] and buffered)
        self.reach("a dirty line is written back by its MSHR", more["writebacks"] and not buffered)
        self.reach("all MSHRs are taken", old["held"] >= full)
        self.reach("a hit while all MSHRs are taken", old["held"] >= full and more["hits"])
        self.reach(
            "the write-back buffer is full", buffered and model["writebacks_used"] >= model["writeback_limit"]
        )
        self.reach("the way up is full", self.up["count"] >= self.up["limit"])
        self.reach("the way to memory is full", self.down["count"] >= self.down["limit"])
        self.reach("a fill answers several", new["up"] > old["up"] + 1)
        self.reach("a write goes before a read that waits", writes and old["reads"] and not reads)
        missed = more["misses"] and write and not more["bypasses"]
        self.reach("a write of part of a missing line", missed and row["bytes"] < LINE)
        self.reach("a write of a whole missing line", missed and row["bytes"] == LINE)
        self.reach("stalls of a probe", more["recalls"] and model["probe"] > 0)
        if self.kind == Prefetch.STRIDE and (reads or writes):
            known = model["strides"][row["master"], row["stream"]]
            below = known["confidence"] == 2 and known["last"] + known["stride"] < 0
            self.reach("a stride leads below the first line", below)
        if self.kind != Prefetch.NONE:
            self.reach(f"prefetch {self.kind}: lines come and are used", more["prefetch_hits"])
        meets = self._meets(old)
        self.reach(f"conflict {self.conflict}: a request meets its line on its way", meets)

    def _meets(self, old: dict[str, Any]) -> bool:
        """Tell whether the oldest read's line is under way."""
        line = int(old["row"][0]["address"]) // LINE
        return old["reads"] > 0 and any(
            mshr["used"] & 1 and mshr["line"] == line
            for mshr in self.model["mshrs"][: self.model["mshr_count"]]
        )
