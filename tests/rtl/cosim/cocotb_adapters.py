"""AHB-Lite and TileLink-UL through the adapters: random transfers, right data, no rule of AXI broken."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

from simulator.cosim import MemoryAgent, System
from simulator.cosim.protocol import AxiMonitor

BASE, BYTES, SPAN = 0x2_0000, 4, 64
NONSEQ, IDLE = 2, 0
GET, PUT, PUT_PARTIAL, ACK, ACK_DATA = 4, 0, 1, 0, 1


def fill(system):
    """Return the bytes that the memory has, by address."""
    data = random.randbytes(SPAN)
    system.memory.write(BASE, data)
    return dict(zip(range(BASE, BASE + SPAN), data))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def ahb_transfers_in_a_pipeline(dut):
    system = System()
    agent = MemoryAgent(dut, "m_axi", system, clock=dut.hclk, reset=dut.hresetn)
    AxiMonitor(dut, "m_axi", dut.hclk, reset=dut.hresetn)
    memory, checked = fill(system), 0
    dut.hresetn.value = dut.htrans.value = 0
    Clock(dut.hclk, 2, unit="ns").start()
    for _ in range(3):
        await RisingEdge(dut.hclk)
    dut.hresetn.value = 1
    in_data = None
    for _ in range(400):
        size = random.randrange(3)
        address = BASE + random.randrange(SPAN >> size << size)
        address = address >> size << size
        now = (address, size, random.random() < 0.5) if random.random() < 0.8 else None
        dut.htrans.value = NONSEQ if now else IDLE
        if now:
            dut.haddr.value, dut.hsize.value, dut.hwrite.value = now
        data = random.getrandbits(32)
        dut.hwdata.value = data
        while True:
            await FallingEdge(dut.hclk)
            await ReadOnly()
            ready, read = int(dut.hready.value), dut.hrdata.value
            assert not int(dut.hresp.value)
            await RisingEdge(dut.hclk)
            if ready:
                break
        if in_data:
            start, size, is_write = in_data
            lanes = range(start, start + (1 << size))
            if is_write:
                memory |= {at: data >> 8 * (at % BYTES) & 255 for at in lanes}
            else:
                assert [int(read) >> 8 * (at % BYTES) & 255 for at in lanes] == [memory[at] for at in lanes]
                checked += 1
        in_data = now
    assert checked > 100
    assert agent.counters["read_bursts"] >= checked
    assert agent.counters["write_bursts"] > 100


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def tilelink_messages_of_many_sources(dut):
    system = System()
    MemoryAgent(dut, "m_axi", system, reset=dut.rst)
    AxiMonitor(dut, "m_axi", dut.clk, reset=dut.rst)
    memory = fill(system)
    dut.rst.value, dut.a_valid.value, dut.d_ready.value = 1, 0, 0
    Clock(dut.clk, 2, unit="ns").start()
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    flying, asked, answered, offered = {}, 0, 0, None
    while answered < 400:
        free = [s for s in range(16) if s not in flying]
        if offered is None and asked < 400 and free and random.random() < 0.7:
            size = random.randrange(3)
            address = BASE + (random.randrange(SPAN) >> size << size)
            offered = source = random.choice(free)
            busy = {at // BYTES for start, *_ in flying.values() for at in (start,)}
            opcode = random.choice([GET, PUT, PUT_PARTIAL])
            if address // BYTES in busy:  # else their order would matter
                offered = None
            else:
                lanes = ((1 << (1 << size)) - 1) << address % BYTES
                mask = lanes & random.getrandbits(BYTES) if opcode == PUT_PARTIAL else lanes
                data = random.getrandbits(32)
                flying[source] = (address, size, opcode)
                if opcode != GET:
                    lane = (at for at in range(BYTES) if mask >> at & 1)
                    memory |= {address // BYTES * BYTES + at: data >> 8 * at & 255 for at in lane}
                dut.a_valid.value, dut.a_opcode.value, dut.a_size.value = 1, opcode, size
                dut.a_source.value, dut.a_address.value = source, address
                dut.a_mask.value, dut.a_data.value = mask, data
                asked += 1
        dut.d_ready.value = takes = random.random() < 0.6
        await FallingEdge(dut.clk)
        await ReadOnly()
        taken, comes = int(dut.a_ready.value), int(dut.d_valid.value)
        told = [int(h.value) for h in (dut.d_source, dut.d_opcode, dut.d_size, dut.d_denied)] if comes else []
        word = dut.d_data.value
        await RisingEdge(dut.clk)
        if offered is not None and taken:
            offered = None
            dut.a_valid.value = 0
        if comes and takes:
            address, size, opcode = flying.pop(told[0])
            assert told[1:] == [ACK_DATA if opcode == GET else ACK, size, 0]
            if opcode == GET:
                lanes = range(address, address + (1 << size))
                assert [int(word) >> 8 * (at % BYTES) & 255 for at in lanes] == [memory[at] for at in lanes]
            answered += 1
