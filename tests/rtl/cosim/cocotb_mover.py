"""The copy engine in front of an SoC: what it copies, how long it takes, what the SoC counts of it."""

import json
import os
import random
import signal
from pathlib import Path
from types import SimpleNamespace

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, Timer

from simulator.cosim import MemoryAgent, System, calls, vpi

calls.CAN_CALL &= "MOVER_AWAITS" not in os.environ
vpi.ENABLED &= "MOVER_READS" not in os.environ
SOURCE, TARGET = 0x1000, 0xFFFF_FF00_0000_0000
BURSTS, BEATS = 64, 16


async def reset(dut):
    Clock(dut.clk, 2, unit="ns").start()
    dut.start.value, dut.rst.value, dut.shape.value, dut.poll.value = 0, 1, 0, 0
    dut.source.value, dut.target.value, dut.bursts.value = SOURCE, TARGET, BURSTS
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst.value = 0


async def copy(dut, shape):
    """Let it copy; return how many cycles it was busy."""
    await FallingEdge(dut.clk)
    dut.shape.value, dut.start.value = shape, 1
    await FallingEdge(dut.clk)
    dut.start.value = 0
    begin = cocotb.utils.get_sim_time("ns")
    await FallingEdge(dut.busy)
    return round((cocotb.utils.get_sim_time("ns") - begin) / 2)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def copies_bit_exact(dut):
    system = System()
    agent = MemoryAgent(dut, "m_axi", system)
    await reset(dut)
    cycles, width = {}, len(dut.m_axi_rdata) // 8
    for shape in (0, 1, 2, 4, 7):
        data = random.randbytes(BURSTS * BEATS * width)
        system.memory.write(SOURCE, data)
        cycles[shape] = await copy(dut, shape)
        assert system.memory.read(TARGET, len(data)) == data, f"shape {shape}"
        await Timer(400, "ns")
    counted = agent.counters
    beats = 5 * BURSTS * BEATS
    assert counted["read_bursts"] == counted["write_bursts"] == 5 * BURSTS
    assert counted["read_beats"] == counted["write_beats"] == beats
    assert counted["read_data_bytes"] == counted["write_data_bytes"] == width * beats
    out = os.environ.get("MOVER_OUT")
    if out:
        Path(out).write_text(json.dumps(cycles))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def asks_for_an_exclusive_access(dut):
    named = {h._name.removeprefix("m_axi_"): h for h in dut if h._name.startswith("m_axi_")}
    MemoryAgent(dut, SimpleNamespace(**named), System())
    await reset(dut)
    await copy(dut, 8)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def two_buses_on_two_clocks(dut):
    system = System()
    MemoryAgent(dut, "m_axi", system, master="dut")
    poller = MemoryAgent(dut, "poll", system, master="poller", clock=dut.slow_clk)
    Clock(dut.slow_clk, 2.5, unit="ns").start()
    data = random.randbytes(BURSTS * BEATS * len(dut.m_axi_rdata) // 8)
    system.memory.write(SOURCE, data)
    await reset(dut)
    dut.poll.value = 1
    await copy(dut, 2)
    dut.poll.value = 0
    await Timer(1, "us")
    assert system.memory.read(TARGET, len(data)) == data
    count = int(dut.polled.value)
    words = [int.from_bytes(data[4 * i : 4 * i + 4], "little") for i in range(count)]
    assert int(dut.sum.value) == sum(words) % 2**32
    assert poller.counters["read_bursts"] == count > 20


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def takes_no_more_answers(dut):
    MemoryAgent(dut, "m_axi", System(patience=500))
    await reset(dut)
    dut.start.value = 1
    await Timer(300, "ns")
    dut.rst.value = 1
    await Timer(20, "us")


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def begins_anew_after_a_reset_in_the_middle(dut):
    system = System()
    agent = MemoryAgent(dut, "m_axi", system, reset=dut.rst)
    data = random.randbytes(BURSTS * BEATS * len(dut.m_axi_rdata) // 8)
    system.memory.write(SOURCE, data)
    await reset(dut)
    for passed in (20, 55, 90, 140, 0):
        await FallingEdge(dut.clk)
        dut.shape.value, dut.start.value = 2, 1
        await FallingEdge(dut.clk)
        dut.start.value = 0
        if passed:
            await Timer(2 * passed, "ns")
            assert dut.busy.value == 1
            dut.rst.value = 1
            await Timer(8, "ns")
            dut.rst.value = 0
    await FallingEdge(dut.busy)
    assert system.memory.read(TARGET, len(data)) == data
    assert agent.counters["read_bursts"] > BURSTS


@cocotb.test()
async def starts_no_clock(dut):
    MemoryAgent(dut, "m_axi", System())
    await RisingEdge(dut.busy)


@cocotb.test()
async def waits_for_ever(dut):
    MemoryAgent(dut, "m_axi", System())
    await reset(dut)
    await RisingEdge(dut.busy)


@cocotb.test()
async def crashes(dut):
    os.kill(os.getpid(), signal.SIGKILL)
