"""The matrix-vector engine in front of several SoCs: right sums, no rule of AXI broken, its bus recorded."""

import json
import os
import random
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hw_models.mac_engine.names import BEAT_BYTES, REGISTERS
from simulator.cosim import MemoryAgent, System
from simulator.cosim.protocol import AxiMonitor
from simulator.cosim.recorder import AxiRecorder
from simulator.cosim.registers import AxiLite, interrupt

PRODUCT = {"rows": 64, "row_beats": 8, "vector": 0x1000, "source": 0x2000, "target": 0x10_0000}
CASES = json.loads(Path(os.environ["ENGINE_CASES"]).read_text())
FOLDER = Path(os.environ["ENGINE_CASES"]).parent


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(case=list(CASES))
async def multiplies(dut, case):
    Clock(dut.clk, 1, unit="ns").start()
    dut.rst.value = 1
    system = System(CASES[case])
    MemoryAgent(dut, "m_axi", system)
    AxiMonitor(dut, "m_axi", dut.clk, reset=dut.rst)
    registers, recorder = AxiLite(dut, "s_axil", dut.clk), AxiRecorder(dut, "m_axi", dut.clk)
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    size = PRODUCT["row_beats"] * BEAT_BYTES
    matrix = np.frombuffer(random.randbytes(PRODUCT["rows"] * size), np.int8).reshape(-1, size)
    vector = np.frombuffer(random.randbytes(size), np.int8)
    system.memory.write(PRODUCT["source"], matrix.tobytes())
    system.memory.write(PRODUCT["vector"], vector.tobytes())
    for name, value in PRODUCT.items():
        await registers.write(REGISTERS[name], value)
    await registers.write(REGISTERS["control"], 1)
    await interrupt(dut.irq, dut.clk)
    found = np.frombuffer(bytes(system.memory.read(PRODUCT["target"], 8 * PRODUCT["rows"])), np.int64)
    assert found.tolist() == (matrix.astype(np.int64) @ vector.astype(np.int64)).tolist()
    recorder.write(FOLDER / f"{case}.csv")
