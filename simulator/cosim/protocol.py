"""The AXI checker in a cocotb test: it watches a port of the design from beside, and stops at a broken rule.

Examples:
    In a cocotb test::

        from simulator.cosim.protocol import AxiMonitor

        AxiMonitor(dut, "m_axi", dut.clk, reset=dut.rst)
"""

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from simulator.cosim.axi_checker import AxiChecker, Violation
from simulator.cosim.axi_rules import SIGNALS, Version
from simulator.cosim.names import find, is_low


class AxiMonitor:
    """Checks every cycle of the port whose signals begin with ``prefix``; `violations` has what was found.

    ``reset``: a signal during which nothing is checked but that VALID is low, itself low where its name ends
    in `n`, else high; ``reset_active_level`` says otherwise. ``stop``: the first violation fails the test.
    Raises ValueError where there is no such port.
    """

    def __init__(
        self,
        dut: Any,
        prefix: str,
        clock: Any,
        *,
        reset: Any = None,
        reset_active_level: bool | None = None,
        version: Version | str = Version.AXI4,
        stop: bool = True,
    ):
        self.signals = {name: found for name in SIGNALS if (found := find(dut, prefix, name)) is not None}
        if not {"arvalid", "awvalid"} & set(self.signals):
            raise ValueError(f"{prefix!r} has neither arvalid nor awvalid; write the prefix of an AXI port")
        width = max(len(self.signals[name]) for name in ("rdata", "wdata") if name in self.signals)
        self.checker = AxiChecker(width // 8, version)
        self.clock, self.reset, self.stop = clock, reset, stop
        low = reset is not None and is_low(reset._name)
        self.active = int(not low if reset_active_level is None else reset_active_level)
        self.task = cocotb.start_soon(self._watch())

    @property
    def violations(self) -> list[Violation]:
        return self.checker.violations

    async def _watch(self) -> None:
        """Look at the port once in each cycle, when all that an edge has changed is settled."""
        while True:
            await FallingEdge(self.clock)
            await ReadOnly()
            in_reset = self.reset is not None and _value(self.reset) != 1 - self.active
            values = {name: _value(handle) for name, handle in self.signals.items()}
            broken = self.checker.step(values, in_reset)
            assert not (broken and self.stop), str(broken[0])


def _value(handle: Any) -> int | None:
    """Return a signal's value, None if some bits are unknown."""
    text = str(handle.value)
    return int(text, 2) if text.strip("01") == "" else None
