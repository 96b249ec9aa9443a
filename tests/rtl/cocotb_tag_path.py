"""The cache's look-up and replacement beside its RTL: the same way and victim in every cycle."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from hw_models.cache.build import build_cache
from hw_models.cache.names import Replacement
from hw_models.cache.params import Cache
from hw_models.cache.replacement import choose, evict, find, use

WAYS, SETS = 4, 8
LINES = 3 * WAYS * SETS


def access(policy, set_row, line, write, discard, allowed):
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
    use(policy, set_row, way, int(not hit), int(discard))
    if write:
        set_row["dirty"][way] = 1
    return bool(hit), int(way), out, dirty


async def start(dut, policy):
    Clock(dut.clk, 2, unit="ns").start()
    dut.rst.value = 1
    dut.policy.value, dut.seed.value = int(policy["kind"]), int(policy["lfsr"])
    dut.valid.value = dut.line.value = dut.write.value = dut.discard.value = dut.allowed.value = 0
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0


@cocotb.test()
@cocotb.parametrize(replacement=list(Replacement), partition=[False, True])
async def takes_the_same_way_every_cycle(dut, replacement, partition):
    params = Cache(size=f"{WAYS * SETS * 64} B", ways=WAYS, replacement=replacement)
    state, tags = build_cache(params, ["m"], seed=random.randrange(2**16))
    policy = state[0]["policy"]
    await start(dut, policy)
    hot = [random.randrange(LINES) for _ in range(WAYS * SETS // 2)]
    masks = [0b0001, 0b0110, 0b1100, 0b1111] if partition else [0b1111]
    for cycle in range(800):
        line = random.choice(hot) if random.random() < 0.5 else random.randrange(LINES)
        valid, write, discard = random.random() < 0.8, random.random() < 0.4, random.random() < 0.3
        allowed = random.choice(masks)
        dut.valid.value, dut.line.value = int(valid), line
        dut.write.value, dut.discard.value, dut.allowed.value = int(write), int(discard), allowed
        await ReadOnly()
        if valid:
            out = int(dut.victim.value) if int(dut.evict.value) else -1
            got = bool(int(dut.hit.value)), int(dut.way.value), out, bool(int(dut.victim_dirty.value))
            expected = access(policy, tags[line % SETS], line, write, discard, allowed)
            assert got == expected, f"cycle {cycle}: {got}, model {expected}, {line=} {allowed=:04b}"
        await FallingEdge(dut.clk)
