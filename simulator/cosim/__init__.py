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

from importlib import import_module
from typing import Any

_PLACES = {"CosimError": "errors", "Memory": "memory", "MemoryAgent": "agent", "System": "system"}
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    """Import what is asked for: the helpers beside them need no compiler."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
