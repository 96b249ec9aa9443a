"""Four engines that wait for each other."""

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer

from simulator.cosim import MemoryAgent, System


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def copies(dut):
    MemoryAgent(dut, "m_axi", System(patience=1000), reset=dut.rst)
    Clock(dut.clk, 2, unit="ns").start()
    dut.rst.value = 1
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    await Timer(100, "us")


@cocotb.test()
async def begins_before_there_is_a_bus(dut):
    MemoryAgent(dut, "m_axis", System())
