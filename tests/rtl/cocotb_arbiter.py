"""The interconnect's arbiter beside its RTL: the same winner in every cycle of random traffic."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from hw_models.interconnect.arbiter import PRIORITY, ROUND_ROBIN, TDM, WEIGHTED, granted, pick
from hw_models.interconnect.build import build_interconnect
from hw_models.interconnect.params import Interconnect

UNITS = 6
KINDS = {"round_robin": ROUND_ROBIN, "priority": PRIORITY, "weighted": WEIGHTED, "tdm": TDM}
NAMES = [f"m{i}" for i in range(UNITS)]


def build_model(kind):
    """Return one ARBITER row as the simulator builds it, with random settings."""
    ports = {n: {"priority": random.randint(0, 3), "weight": random.randint(1, 4)} for n in NAMES}
    frame = [random.choice(NAMES) for _ in range(random.randint(2, 7))] if kind == "tdm" else []
    params = Interconnect(arbitration=kind, masters=ports, tdm=frame, tdm_slot="5 cycles")
    return build_interconnect(params, NAMES)[0]["arbiters"][0]


def packed(values, width):
    return sum(int(v) << (width * i) for i, v in enumerate(values))


async def start(dut, model):
    Clock(dut.clk, 2, unit="ns").start()
    dut.rst.value = 1
    dut.kind.value = int(model["kind"])
    dut.priorities.value = packed(model["priority"][:UNITS], 8)
    dut.weights.value = packed(model["weight"][:UNITS], 8)
    dut.slot_cycles.value = int(model["slot_cycles"])
    dut.slots.value = int(model["slots"])
    dut.owners.value = packed(model["owner"][:8], 3)
    dut.wants.value = dut.take.value = 0
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0


@cocotb.test()
@cocotb.parametrize(kind=list(KINDS), load=[0.15, 0.5, 1.0])
async def picks_the_same_winner_every_cycle(dut, kind, load):
    model = build_model(kind)
    await start(dut, model)
    for cycle in range(600):
        wants = sum(1 << u for u in range(UNITS) if random.random() < load)
        take = random.random() < 0.7
        dut.wants.value, dut.take.value = wants, int(take)
        await ReadOnly()
        got = int(dut.winner.value) if int(dut.valid.value) else -1
        expected = int(pick(model, wants, cycle))
        assert got == expected, f"cycle {cycle}: winner={got}, model={expected} among {wants:06b}"
        if take and expected >= 0:
            granted(model, expected)
        await FallingEdge(dut.clk)
