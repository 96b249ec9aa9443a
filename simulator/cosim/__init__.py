"""RTL in the loop: a user's design as one more master of an SoC, driven from cocotb.

Examples:
    In a cocotb test that `dlasim cosim` runs::

        from simulator.cosim import MemoryAgent, System

        @cocotb.test()
        async def copies(dut):
            system = System()
            MemoryAgent(dut, "m_axi", system, master="dut")
            system.memory.write(0x1000, bytes(range(64)))
"""

from simulator.cosim.agent import MemoryAgent
from simulator.cosim.errors import CosimError
from simulator.cosim.memory import Memory
from simulator.cosim.system import System

__all__ = ["CosimError", "Memory", "MemoryAgent", "System"]
