"""APB, CSB and NVDLA's register programs on a bank of registers."""

import random
import zlib
from pathlib import Path

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge
from cocotb.utils import get_sim_time

from simulator.cosim.program import NvdlaProgram
from simulator.cosim.registers import Apb, BusError, Csb, interrupt

PROGRAM = """
mem_init(pri_mem, 0x100, 0x20, ONES);
mem_load(pri_mem, 0x200, "image.dat");
reg_write(NVDLA_SDP.S_POINTER_0, 0x1);
reg_write(NVDLA_SDP.D_OP_ENABLE_0, 0x1);
intr_notify(SDP_0, done);
poll_reg_equal(NVDLA_SDP.S_POINTER_0, 0x1);
check_crc(done, 1, 0x100, 0x20, {crc:#x});
check_file(done, pri_mem, 0x200, 0x4, "image.dat");
check_crc(done, 1, 0x100, 0x20, 0x1);
"""


async def started(dut):
    Clock(dut.clk, 2, unit="ns").start()
    dut.rst.value = 1
    buses = Apb(dut, "", dut.clk), Csb(dut, dut.clk)
    await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    return buses


@cocotb.test()
async def what_is_written_is_read(dut):
    for bus in await started(dut):
        words = {random.randrange(0x1000) * 4: random.getrandbits(32) for _ in range(20)}
        for address, value in words.items():
            await bus.write(address, value)
        for address, value in words.items():
            assert await bus.read(address) == value


@cocotb.test()
async def a_refused_access_says_so(dut):
    apb, _ = await started(dut)
    with pytest.raises(BusError, match="write of 0xff04: answered with an error"):
        await apb.write(0xFF04, 1)
    with pytest.raises(BusError, match="no interrupt irq in 10 cycles"):
        await interrupt(dut.irq, dut.clk, 10)


async def looked_for_at_each_edge(dut):
    while str(dut.irq.value) != "1":
        await FallingEdge(dut.clk)
    await RisingEdge(dut.clk)
    return get_sim_time("step")


@cocotb.test()
async def an_interrupt_ends_with_its_first_cycle_whenever_it_is_waited_for(dut):
    _, csb = await started(dut)
    for late in range(24):  # it comes 20 cycles behind the write
        await csb.write(4 * 0x240E, 1)
        for _ in range(late):
            await RisingEdge(dut.clk)
        expected = cocotb.start_soon(looked_for_at_each_edge(dut))
        await interrupt(dut.irq, dut.clk, 40)
        assert get_sim_time("step") == await expected
        await csb.write(4 * 0x0403, 1)


class Bytes:
    def __init__(self):
        self.data = bytearray(0x1000)

    def read(self, address, size):
        return self.data[address : address + size]

    def write(self, address, data):
        self.data[address : address + len(data)] = data


@cocotb.test()
async def a_register_program_drives_the_design_and_checks_its_memory(dut):
    _, csb = await started(dut)
    folder, memory = Path.cwd(), Bytes()
    (folder / "image.dat").write_text("{offset:0x0, size:4, payload:0x01 0x02 0x03 0x04}")
    (folder / "p.cfg").write_text(PROGRAM.format(crc=zlib.crc32(b"\xff" * 0x20)))
    checks = await NvdlaProgram(folder / "p.cfg").run(csb, dut.irq, memory)
    assert [check.ours == check.reference for check in checks] == [True, True, False]
    assert memory.data[0x200:0x204] == b"\1\2\3\4"
    assert str(dut.irq.value) == "0"
