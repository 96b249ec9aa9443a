"""How many cycles of the copy engine a second of this processor simulates: idle, and while it copies."""

import json
import os
import random
import time
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer
from cocotb.utils import get_sim_time

from simulator.cosim import MemoryAgent, System

CYCLE_NS = 2
SOURCE, TARGET = 0x1000, 0x4000_0000
CYCLES = int(os.environ.get("SPEED_CYCLES", "400000"))


async def per_second():
    """Return the cycles of the clock that a second simulates."""
    before = time.process_time()
    await Timer(CYCLES * CYCLE_NS, "ns")
    return CYCLES / (time.process_time() - before)


@cocotb.test()
async def cycles_per_second(dut):
    Clock(dut.clk, CYCLE_NS, unit="ns").start()
    dut.start.value, dut.rst.value, dut.shape.value, dut.poll.value = 0, 1, 0, 0
    dut.source.value, dut.target.value, dut.bursts.value = SOURCE, TARGET, CYCLES // 16
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    speed = {"clock": await per_second(), "idle": 0.0}
    system = System()
    system.memory.write(SOURCE, random.randbytes(8 * CYCLES))
    MemoryAgent(dut, "m_axi", system)
    speed["idle"] = await per_second()
    await FallingEdge(dut.clk)
    dut.start.value = 1
    await FallingEdge(dut.clk)
    dut.start.value = 0
    before, begin = time.process_time(), get_sim_time("ns")
    await FallingEdge(dut.busy)
    cycles = (get_sim_time("ns") - begin) / CYCLE_NS
    speed["copying"] = cycles / (time.process_time() - before)
    speed["cycles"] = cycles
    Path(os.environ["SPEED_OUT"]).write_text(json.dumps(speed))
