"""What the bench of `cache` wants to see, and how it tells from what a cycle changes in the model."""

from typing import Any, NamedTuple

from hw_models.cache.names import Conflict, Placement, Prefetch, Replacement
from simulator.cosim_blocks import bench
from simulator.cosim_blocks.bench import copied

MASTERS, LINE = 2, 64  # as the RTL's parameters
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
    "waited",
)


class Look(NamedTuple):
    """What coverage compares of a cache before and after a cycle: by bank, by port, by channel."""

    counts: dict[str, int]
    rows: list[list[Any]]  # the oldest request of each of a bank's queues
    waiting: list[list[int]]
    fills: list[int]
    free: list[int]
    ups: list[int]
    downs: list[int]
    held: int


class Watched(bench.Bench):
    """The part of a bench that looks at its model; what it names is the episode's."""

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
        "several banks begin an access in a cycle",
        "a bank before it waits for the MSHR of a bank's fill",
        "a prefetch keeps another bank busy",
        "answers of two banks come to a port in a cycle",
        "two ports hand over requests in a cycle",
        "two ports take answers in a cycle",
        "a line and its victim go to two channels",
        "two channels answer in a cycle",
    )
    model: Any
    ups: list[Any]
    downs: list[Any]
    banks: int
    ports: int
    replacement: Replacement
    conflict: Conflict
    placement: Placement
    kind: Prefetch

    def look(self) -> Look:
        banks = self.model["bank"][: self.banks]
        rings = [bank["rings"] for bank in banks]
        return Look(
            counts={name: int(self.model[name][:MASTERS].sum()) for name in COUNTERS},
            rows=[[copied(ring["rows"][ring["head"]]) for ring in pair] for pair in rings],
            waiting=[[int(ring["count"]) for ring in pair] for pair in rings],
            fills=[int(bank["fill_count"]) for bank in banks],
            free=[int(bank["free"]) for bank in banks],
            ups=[int(up["count"]) for up in self.ups],
            downs=[int(down["count"]) for down in self.downs],
            held=int(self.model["mshrs_used"]),
        )

    def cover(self, old: Look, new: Look, cycle: int) -> None:
        model, reach = self.model, self.reach
        more = {name: new.counts[name] > old.counts[name] for name in COUNTERS}
        began = [bank for bank in range(self.banks) if sum(new.waiting[bank]) < sum(old.waiting[bank])]
        filled = [bank for bank in range(self.banks) if new.fills[bank] < old.fills[bank]]
        if len(began) == 1:
            self._cover_access(old, new, began[0], more)
        reach(f"replacement {self.replacement}: lines go out", more["evictions"])
        reach(f"placement {self.placement}: lines go out", more["evictions"])
        reach("a miss in a partition", more["misses"] and model["allowed"][0] != model["allowed"][1])
        buffered = model["writeback_limit"] > 0
        reach("a dirty line is written back through the buffer", more["writebacks"] and buffered)
        reach("a dirty line is written back by its MSHR", more["writebacks"] and not buffered)
        full = old.held >= model["mshr_count"]
        reach("all MSHRs are taken", full)
        reach("a hit while all MSHRs are taken", full and more["hits"])
        reach(
            "the write-back buffer is full", buffered and model["writebacks_used"] >= model["writeback_limit"]
        )
        reach("the way up is full", max(new.ups) >= self.ups[0]["limit"])
        reach("the way to memory is full", max(new.downs) >= self.downs[0]["limit"])
        answered = [count - was for count, was in zip(new.ups, old.ups)]
        if len(filled) == 1:
            port = filled[0] % self.ports
            others = sum(bank % self.ports == port for bank in began)
            reach("a fill answers several", answered[port] - others > 1)
        reach("stalls of a probe", more["recalls"] and model["probe"] > 0)
        if self.kind != Prefetch.NONE:
            reach(f"prefetch {self.kind}: lines come and are used", more["prefetch_hits"])
        reach(f"conflict {self.conflict}: a request meets its line on its way", self._meets(old))
        reach("several banks begin an access in a cycle", len(began) > 1)
        waited = full and filled and more["fills"] and any(bank < max(filled) for bank in began)
        reach("a bank before it waits for the MSHR of a bank's fill", waited)
        kept = [bank for bank in range(self.banks) if new.free[bank] > max(old.free[bank], cycle)]
        reach("a prefetch keeps another bank busy", set(kept) - set(began) - set(filled))
        by_two = self.ports < self.banks and len(began) > 1 and not filled and max(answered) > 1
        reach("answers of two banks come to a port in a cycle", by_two)

    def _cover_access(self, old: Look, new: Look, bank: int, more: dict[str, bool]) -> None:
        """Note what of the goals there is in the only access that has begun in a cycle."""
        model, reach = self.model, self.reach
        reads = new.waiting[bank][0] < old.waiting[bank][0]
        row = old.rows[bank][0 if reads else 1]
        write = bool(row["write"])
        kind = "write" if write else "read"
        reach(f"a {kind} hits", more["hits"])
        reach(f"a {kind} merges", more["merges"])
        reach(f"a {kind} passes by", more["bypasses"])
        exclusive = self.placement == Placement.EXCLUSIVE
        reach("an exclusive read moves its line up", exclusive and more["hits"] and not write)
        reach("a write goes before a read that waits", old.waiting[bank][0] and not reads)
        missed = more["misses"] and write and not more["bypasses"]
        reach("a write of part of a missing line", missed and row["bytes"] < LINE)
        reach("a write of a whole missing line", missed and row["bytes"] == LINE)
        apart = sum(count > was for count, was in zip(new.downs, old.downs)) > 1
        lone = not more["prefetches"] and more["writebacks"] and more["fills"]
        reach("a line and its victim go to two channels", apart and lone)
        if self.kind == Prefetch.STRIDE:
            known = model["strides"][row["master"], row["stream"]]
            below = known["confidence"] == 2 and known["last"] + known["stride"] < 0
            reach("a stride leads below the first line", below)

    def _meets(self, old: Look) -> bool:
        """Tell whether a bank's oldest read's line is under way."""
        lines = {
            int(pair[0]["address"]) // LINE for pair, waits in zip(old.rows, old.waiting) if waits[0] > 0
        }
        return any(
            mshr["used"] & 1 and int(mshr["line"]) in lines
            for mshr in self.model["mshrs"][: self.model["mshr_count"]]
        )
