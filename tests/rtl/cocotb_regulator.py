"""The interconnect's regulators beside their RTL: the same verdict in every cycle of random traffic."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from hw_models.interconnect.build import build_interconnect
from hw_models.interconnect.params import Interconnect
from hw_models.interconnect.regulator import charge, may_pass

UNITS = 3
NAMES = [f"m{i}" for i in range(UNITS)]
PERIOD = 20


@cocotb.test()
@cocotb.parametrize(reclaim=[False, True], load=[0.1, 0.9])
async def gives_the_same_verdict_every_cycle(dut, reclaim, load):
    budgets = {n: f"{random.randint(64, 300) * 10**9 // PERIOD} B/s" for n in NAMES}
    params = Interconnect(
        clock="1 GHz",
        period=f"{PERIOD} ns",
        masters={n: {"budget": budget, "reclaim": reclaim} for n, budget in budgets.items()},
    )
    regulation = build_interconnect(params, NAMES)[0]["regulation"]
    Clock(dut.clk, 2, unit="ns").start()
    dut.rst.value, dut.reclaim.value, dut.period.value = 1, int(reclaim), PERIOD
    dut.budgets.value = sum(int(regulation["rows"][u]["budget"]) << 16 * u for u in range(UNITS))
    dut.unit.value = dut.size.value = dut.take.value = 0
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    refused = 0
    for cycle in range(1500):
        busy = random.random() < (load if cycle // 200 % 2 else 0.05)
        unit, size = random.randrange(UNITS), random.choice([8, 32, 64])
        dut.unit.value, dut.size.value, dut.take.value = unit, size, int(busy)
        await ReadOnly()
        if busy:
            expected = bool(may_pass(regulation, unit, size, cycle))
            got = bool(int(dut.may_pass.value))
            assert got == expected, f"cycle {cycle}: may_pass={got}, model={expected} for {unit=} {size=}"
            refused += not expected
            if expected:
                charge(regulation, unit, size)
        await FallingEdge(dut.clk)
    assert refused > 0 or load < 0.5
