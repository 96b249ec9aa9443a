"""The cache's look-up and replacement beside `rtl/tag_path.sv`: the same way and victim in every cycle."""

from typing import Any

from hw_models.cache.build import build_cache
from hw_models.cache.names import Replacement
from hw_models.cache.params import Cache
from hw_models.cache.replacement import choose, evict, find, use
from simulator.cosim_blocks import bench


def access(
    policy: Any, set_row: Any, line: int, write: int, discard: int, allowed: int
) -> tuple[int, int, int, int]:
    """Do what the cache does, without memory. Returns (hit, way, line thrown out or -1, was it dirty)."""
    way = find(policy, set_row, line)
    hit, out, dirty = way >= 0, -1, False
    if not hit:
        way = choose(policy, set_row, allowed)
        out = int(set_row["line"][way])
        if out >= 0:
            dirty = bool(set_row["dirty"][way])
            evict(policy, set_row, way, allowed)
        set_row["line"][way] = line
        set_row["dirty"][way] = 0
    use(policy, set_row, way, int(not hit), discard)
    if write:
        set_row["dirty"][way] = 1
    return int(hit), int(way), out, int(dirty)


class Bench(bench.Bench):
    goals = (
        *(f"{policy}: {what}" for policy in Replacement for what in ("a hit", "an eviction")),
        *(f"{policy}: an eviction from a partition" for policy in Replacement),
        "a dirty line goes out",
        "a clean line goes out",
        "an empty way is taken",
        "a hit in a way that is not allowed",
        "a write hits",
        "a line predicted not to return goes out",
    )
    episode_cycles = 150

    def begin(self, episode: int) -> dict[str, int]:
        ways, sets = self.parameters["WAYS"], self.parameters["SETS"]
        self.replacement = list(Replacement)[episode % len(Replacement)]
        params = Cache.model_validate(
            {"size": f"{ways * sets * 64} B", "ways": ways, "replacement": self.replacement}
        )
        state, self.tags = build_cache(params, ["m"], seed=self.random.randrange(2**16))
        self.policy, self.full = state[0]["policy"], (1 << ways) - 1
        self.lines = min(3 * ways * sets, 1 << 12)
        self.hot = [self.random.randrange(self.lines) for _ in range(max(1, ways * sets // 2))]
        split = self.random.randint(1, ways - 1) if ways > 1 else 1
        parts = [(1 << split) - 1, self.full & ~((1 << split) - 1)]
        self.masks = (
            [self.full] if episode // len(Replacement) % 2 == 0 else [*parts, self.full, 1 << ways // 2]
        )
        self.discarding = self.random.choice([0.05, 0.4])
        self.now = (0, 0, 0, 0, self.full)
        rest = {"valid": 0, "line": 0, "write": 0, "discard": 0, "allowed": 0}
        return {"policy": self.policy["kind"], "seed": self.policy["lfsr"], **rest}

    def drive(self, cycle: int) -> dict[str, int]:
        flip = self.random.random
        line = self.random.choice(self.hot) if flip() < 0.5 else self.random.randrange(self.lines)
        allowed = self.random.choice(self.masks)
        self.now = (int(flip() < 0.85), line, int(flip() < 0.4), int(flip() < self.discarding), allowed)
        return dict(zip(("valid", "line", "write", "discard", "allowed"), self.now))

    def check(self, cycle: int) -> dict[str, int]:
        valid, line, write, discard, allowed = self.now
        if not valid:
            return {"evict": 0, "victim_dirty": 0}
        set_row = self.tags[line % self.parameters["SETS"]]
        marks = [int(mark) for mark in set_row["order"]]
        hit, way, out, dirty = access(self.policy, set_row, line, write, discard, allowed)
        self.transactions += 1
        name = self.replacement
        self.reach(f"{name}: a hit", hit)
        self.reach(f"{name}: an eviction", out >= 0)
        self.reach(f"{name}: an eviction from a partition", out >= 0 and allowed != self.full)
        self.reach("a dirty line goes out", dirty)
        self.reach("a clean line goes out", out >= 0 and not dirty)
        self.reach("an empty way is taken", not hit and out < 0)
        self.reach("a hit in a way that is not allowed", hit and not allowed >> way & 1)
        self.reach("a write hits", hit and write)
        given_up = name == Replacement.PREDICTED and out >= 0 and marks[way] & 2
        self.reach("a line predicted not to return goes out", given_up)
        model = {"hit": hit, "way": way, "evict": int(out >= 0), "victim_dirty": dirty}
        return model if out < 0 else {**model, "victim": out}
