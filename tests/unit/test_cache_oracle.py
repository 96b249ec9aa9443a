"""Hits, misses and evictions against a plain-Python cache that knows nothing of time."""

import numpy as np
import pytest

from hw_models.cache.build import build_cache
from hw_models.cache.names import Replacement
from hw_models.cache.params import Cache
from hw_models.cache.standalone import build_wiring, run
from hw_models.port import REQUEST

LINE = 64
MASTERS = ["a", "b", "c"]


class Lfsr:
    """16 bits, taps 16 14 13 11, as in any table of maximal sequences."""

    def __init__(self, seed):
        self.bits = [int(b) for b in f"{seed % 0xFFFF + 1:016b}"]  # most significant first

    def value(self):
        return int("".join(map(str, self.bits)), 2)

    def step(self):
        new = self.bits[15] ^ self.bits[13] ^ self.bits[12] ^ self.bits[10]
        self.bits = [new, *self.bits[:15]]
        return self.value()


class Oracle:
    """Every set is a list of ways; a way is None or a dict with what a policy may want to know."""

    def __init__(self, policy, sets, ways, seed, allowed):
        self.policy, self.allowed, self.lfsr = policy, allowed, Lfsr(seed)
        self.sets = [[None] * ways for _ in range(sets)]
        self.points = [{} for _ in range(sets)]  # PLRU: (low, size) of a subtree -> half to evict from
        self.hits, self.misses, self.writebacks = [0] * 3, [0] * 3, [0] * 3
        self.clock = 0

    def access(self, master, line, write, discard):
        self.clock += 1
        ways = self.sets[line % len(self.sets)]
        way = next((w for w, it in enumerate(ways) if it and it["line"] == line), None)
        new = way is None
        (self.misses if new else self.hits)[master] += 1
        if new:
            way = self.make_room(line % len(self.sets), ways, self.allowed[master])
            ways[way] = {"line": line, "dirty": False, "owner": master}
        it = ways[way]
        it["used"], it["discard"], it["marked"] = self.clock, discard, not discard
        if write:
            it["dirty"], it["owner"] = True, master
        if self.policy == "srrip":
            it["rrpv"] = 2 if new else 0
        if self.policy == "brrip":
            it["rrpv"] = 0 if not new else 2 if self.lfsr.step() % 32 == 0 else 3
        if self.policy == "plru":
            self.point_away(line % len(self.sets), way, len(ways))

    def make_room(self, index, ways, allowed):
        for way in allowed:
            if ways[way] is None:
                return way
        way = getattr(self, self.policy)(index, ways, allowed)
        if ways[way]["dirty"]:
            self.writebacks[ways[way]["owner"]] += 1
        return way

    def lru(self, index, ways, allowed):
        return min(allowed, key=lambda w: ways[w]["used"])

    def random(self, index, ways, allowed):
        way = allowed[self.lfsr.value() % len(allowed)]
        self.lfsr.step()
        return way

    def srrip(self, index, ways, allowed):
        while True:
            for way in allowed:
                if ways[way]["rrpv"] == 3:
                    return way
            for way in allowed:
                ways[way]["rrpv"] += 1

    brrip = srrip

    def predicted(self, index, ways, allowed):
        pool = [w for w in allowed if ways[w]["discard"]] or [w for w in allowed if not ways[w]["marked"]]
        way = (pool or allowed)[self.lfsr.value() % len(pool or allowed)]
        if not pool:
            for other in allowed:
                ways[other]["marked"] = False
        self.lfsr.step()
        return way

    def plru(self, index, ways, allowed):
        low, size = 0, len(ways)
        while size > 1:
            size //= 2
            right = self.points[index].get((low, 2 * size), 0)
            halves = [[w for w in allowed if low + h * size <= w < low + (h + 1) * size] for h in (0, 1)]
            low += size * (right if halves[right] else 1 - right)
        return low

    def point_away(self, index, way, size, low=0):
        while size > 1:
            size //= 2
            right = int(way >= low + size)
            self.points[index][low, 2 * size] = 1 - right
            low += right * size


def random_trace(seed, count, lines):
    rng = np.random.default_rng(seed)
    trace = np.zeros(count, REQUEST)
    hot = rng.integers(0, lines, 12)
    line = np.where(rng.random(count) < 0.5, rng.choice(hot, count), rng.integers(0, lines, count))
    trace["bytes"] = rng.choice([32, 64], count)
    trace["address"] = line * LINE + np.where(trace["bytes"] == 32, rng.choice([0, 32], count), 0)
    trace["write"] = rng.random(count) < 0.4
    trace["master"], trace["stream"] = rng.integers(0, 3, count), rng.integers(0, 4, count)
    trace["time"], trace["tag"] = np.cumsum(rng.integers(0, 6, count)), np.arange(count)
    return trace


def compare(policy, seed, sets, ways, partition, **more):
    shares = [partition.get(m, list(range(ways))) for m in MASTERS]
    params = Cache(
        size=f"{sets * ways * LINE} B",
        ways=ways,
        replacement=policy,
        partition=partition,
        discard={"b": [1, 2], "c": [0]},
        order="arrival",
        **more,
    )
    trace = random_trace(seed, 400, 3 * sets * ways)
    state, tags = build_cache(params, MASTERS, seed)
    accepted, done = np.zeros((2, trace.size), np.int64)
    assert run(state[0], tags, build_wiring()[0], trace, 40, accepted, done) > 0
    oracle = Oracle(policy, sets, ways, seed, shares)
    for r in trace:
        discard = (r["master"] == 1 and r["stream"] in (1, 2)) or (r["master"] == 2 and r["stream"] == 0)
        oracle.access(int(r["master"]), int(r["address"]) // LINE, bool(r["write"]), discard)
    lines = [[it["line"] if it else -1 for it in ways] for ways in oracle.sets]
    assert tags["line"][:, :ways].tolist() == lines
    assert (state["hits"] + state["merges"])[0, :3].tolist() == oracle.hits
    assert state["misses"][0, :3].tolist() == oracle.misses
    assert state["writebacks"][0, :3].tolist() == oracle.writebacks


@pytest.mark.parametrize("policy", Replacement)
@pytest.mark.parametrize("conflict", ["merge", "stall_line", "stall_set"])
def test_hits_misses_and_contents_equal_the_oracle(policy, conflict):
    for seed in range(4):
        compare(policy, seed, 4, 4, {}, conflict=conflict, hit_when_full=seed % 2 == 0)


@pytest.mark.parametrize("policy", Replacement)
def test_way_partitions_equal_the_oracle(policy):
    for seed in range(4):
        compare(policy, seed, 2, 8, {"a": [0, 1, 2], "b": [3], "c": [4, 5, 6, 7]}, mshrs=3, writebacks=0)


def test_one_set_of_one_way_is_a_register():
    compare("lru", 1, 1, 1, {})
    compare("plru", 1, 1, 1, {})


def test_nothing_depends_on_how_many_misses_may_be_under_way():
    for mshrs in (1, 2, 16):
        compare("random", 5, 4, 4, {}, mshrs=mshrs, targets=1)
