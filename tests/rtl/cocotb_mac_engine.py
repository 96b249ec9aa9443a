"""The matrix-vector engine beside its model, both in front of an ideal memory: the same cycle of every request
and of every end, right sums, and no rule of AXI broken."""

import os
import random
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from hw_models.ideal import block as ideal
from hw_models.ideal.build import build as build_ideal
from hw_models.ideal.params import IdealMemory
from hw_models.mac_engine import block as engine
from hw_models.mac_engine.build import build
from hw_models.mac_engine.names import BEAT_BYTES, REGISTERS
from hw_models.mac_engine.op import OP
from hw_models.mac_engine.params import MacEngine
from hw_models.port import FIFO, FIFO_ROWS, REQUEST, front, pop
from hw_models.replay.params import Replay
from hw_models.replay.standalone import simulate as replay
from simulator.cosim.protocol import AxiMonitor
from simulator.cosim.recorder import AxiRecorder
from simulator.cosim.registers import AxiLite, interrupt
from workloads.bus.infer import dependencies_of
from workloads.bus.program import trace_ops
from workloads.bus.table import read_table

PLACES = int(os.environ.get("MODEL_PLACES", "4"))  # the RTL's parameter is 4


class Memory:
    """The simulator's ideal memory, an edge at a time, with data behind it."""

    def __init__(self, params):
        self.state = build_ideal(params.timings(BEAT_BYTES))[0]
        self.answers = np.zeros(1, FIFO)[0]
        self.answers["limit"] = FIFO_ROWS
        self.data = np.zeros(1 << 16, np.uint8)
        self.beats = []  # data of the reads under way
        self.log = []  # (cycle, address, write)

    def request(self, cycle, address, size, write):
        """Offer a request; True if it is taken."""
        row = np.zeros(1, REQUEST)[0]
        row["address"], row["bytes"], row["write"], row["tag"] = address, size, write, size
        return bool(ideal.accept(self.state, row, cycle))

    async def serve(self, dut):
        """Answer the engine's port: what it shows in a cycle, and what it sees in the same."""
        cycle = 0
        while True:
            await FallingEdge(dut.clk)
            ideal.advance(self.state, cycle, self.answers)
            dut.m_axi_rvalid.value = dut.m_axi_bvalid.value = 0
            while self.answers["count"]:
                if front(self.answers)["write"]:
                    dut.m_axi_bvalid.value = 1
                else:
                    data, last = self.beats.pop(0)
                    dut.m_axi_rvalid.value, dut.m_axi_rdata.value, dut.m_axi_rlast.value = 1, data, last
                pop(self.answers)
            dut.m_axi_arready.value = self.take_read(dut, cycle)
            wrote = self.take_write(dut, cycle)
            dut.m_axi_awready.value = dut.m_axi_wready.value = wrote
            cycle += 1

    def take_read(self, dut, cycle):
        if not int(dut.m_axi_arvalid.value):
            return 0
        address, beats = int(dut.m_axi_araddr.value), int(dut.m_axi_arlen.value) + 1
        taken = self.request(cycle, address, beats * BEAT_BYTES, 0)
        if taken:
            words = self.data[address : address + beats * BEAT_BYTES].view(np.uint64)
            self.beats += [(int(word), int(i == beats - 1)) for i, word in enumerate(words)]
            self.log.append((cycle, address, 0))
        return int(taken)

    def take_write(self, dut, cycle):
        if not int(dut.m_axi_awvalid.value):
            return 0
        address = int(dut.m_axi_awaddr.value)
        taken = self.request(cycle, address, BEAT_BYTES, 1)
        if taken:
            self.data[address : address + 8].view(np.uint64)[0] = int(dut.m_axi_wdata.value)
            self.log.append((cycle, address, 1))
        return int(taken)


def predicted(params, ops):
    """Return the model's [(cycles from its start, address, write) of every request] and cycles of each product."""
    state, memory = build(MacEngine(places=PLACES))[0], build_ideal(params.timings(BEAT_BYTES))[0]
    fifos = np.zeros(3, FIFO)
    fifos["limit"] = [1, 1, FIFO_ROWS]
    reads, writes, answers = fifos
    requests, cycles, now = [], [], 0
    for index in range(len(ops)):
        begin = now
        assert engine.start(state, ops, index, now)
        requests.append([])
        while True:
            ideal.advance(memory, now, answers)
            while answers["count"]:
                engine.respond(state, front(answers), now)
                pop(answers)
            engine.advance(state, ops, now, reads, writes)
            for fifo in (reads, writes):
                if fifo["count"] and ideal.accept(memory, front(fifo), now):
                    row = front(fifo)
                    requests[-1].append((now - begin, int(row["address"]), int(row["write"])))
                    pop(fifo)
            found, _, end = engine.take_done(state)
            if found == index:
                cycles.append(int(end) - begin)
                break
            now += 1
        now += 50
    return requests, cycles


@cocotb.test()
@cocotb.parametrize(
    memory=[
        {"latency": "1 cycles", "bandwidth": "8 B/cycle"},
        {"latency": "30 cycles", "bandwidth": "8 B/cycle"},
        {"latency": "9 cycles", "bandwidth": "2 B/cycle"},
    ]
)
async def model_and_rtl_agree_on_every_request_and_end(dut, memory):
    params = IdealMemory(**memory)
    ops = np.zeros(4, OP)
    for op, (rows, beats) in zip(
        ops, [(1, 1), (9, 1), (5, random.choice([2, 4, 8])), (random.randint(2, 20), 3)]
    ):
        op["rows"], op["row_beats"] = rows, beats
        op["vector"], op["source"], op["target"] = 0x1000, 0x2000, 0x8000
    Clock(dut.clk, 2, unit="ns").start()
    dut.rst.value = 1
    for name in ("rid", "rresp", "bid", "bresp", "rvalid", "rlast", "bvalid", "arready", "awready", "wready"):
        getattr(dut, f"m_axi_{name}").value = 0
    behind, registers = Memory(params), AxiLite(dut, "s_axil", dut.clk)
    behind.data[:] = np.frombuffer(random.randbytes(len(behind.data)), np.uint8)
    AxiMonitor(dut, "m_axi", dut.clk, reset=dut.rst)
    AxiMonitor(dut, "s_axil", dut.clk, reset=dut.rst, version="axi4_lite")
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    cocotb.start_soon(behind.serve(dut))
    requests, cycles = predicted(params, ops)
    for op, asked, expected in zip(ops, requests, cycles):
        behind.log.clear()
        for name in ("source", "target", "rows", "row_beats", "vector"):
            await registers.write(REGISTERS[name], int(op[name]))
            assert await registers.read(REGISTERS[name]) == int(op[name])
        recorder = AxiRecorder(dut, "m_axi", dut.clk)
        cocotb.start_soon(registers.write(REGISTERS["control"], 1))
        busy = await busy_cycles(dut)
        begin = behind.log[0][0] - asked[0][0]
        got = [(cycle - begin, address, write) for cycle, address, write in behind.log]
        assert got == asked, f"{op}: requests {got}, model {asked}"
        assert busy == expected + 1, f"{op}: busy for {busy} cycles, model {expected + 1}"
        check_sums(behind.data, op)
        assert replayed(recorder, params) == expected
        await interrupt(dut.irq, dut.clk)
        await registers.write(REGISTERS["status"], 2)
        assert await registers.read(REGISTERS["status"]) == 0


async def busy_cycles(dut):
    """Return for how many cycles the engine is busy with its next product."""
    count = 0
    while True:
        await FallingEdge(dut.clk)
        if int(dut.busy.value):
            count += 1
        elif count:
            return count


def replayed(recorder, params):
    """Return the cycles of what was recorded, replayed in front of the same memory."""
    recorder.task.cancel()
    recorder.write("recorded.csv")
    recording = read_table(Path("recorded.csv"))
    port = Replay(kind="replay", clock="1 GHz")
    ops = trace_ops(recording, dependencies_of(recording), port)
    return replay(port, params.timings(BEAT_BYTES), ops)[0]


def check_sums(data, op):
    rows, size = int(op["rows"]), int(op["row_beats"]) * BEAT_BYTES
    bytes_ = data.view(np.int8)
    matrix = bytes_[0x2000 : 0x2000 + rows * size].reshape(rows, size).astype(np.int64)
    vector = bytes_[0x1000 : 0x1000 + size].astype(np.int64)
    assert data[0x8000 : 0x8000 + 8 * rows].view(np.int64).tolist() == (matrix @ vector).tolist()
