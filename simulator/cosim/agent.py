"""The memory side of a bus of the design under test, as a cocotb test asks for it."""

from typing import Any

import numpy as np

from hw_models.axi.names import Bus
from hw_models.axi.state import Burst, Drive, Pin
from simulator.cosim.errors import CosimError
from simulator.cosim.names import find, first, is_low, prefixes
from simulator.cosim.python_port import PythonPort
from simulator.cosim.system import System

CLOCKS = ("clk", "clock", "aclk", "clk_i", "i_clk", "ap_clk")
PINS = [pin.name.lower() for pin in Pin]
DRIVES = [drive.name.lower() for drive in Drive]
NEEDED_OF_READS = ("arvalid", "araddr", "arready", "rvalid", "rdata")
NEEDED_OF_WRITES = ("awvalid", "awaddr", "awready", "wvalid", "wdata", "wready", "bvalid")


class MemoryAgent:
    """Answers a bus of ``dut`` with the memory of ``system``, as its master ``master`` of the config.

    ``prefix``: of the bus's signals (`m_axi` of `m_axi_arvalid`), or an object that has them as attributes.
    ``master``: may be left out where the config has one. ``clock``: a signal, `clk`, `clock` or `aclk` if
    absent. ``reset``: a signal during which the bus is idle, low where its name ends in `n`, else high;
    ``reset_active_level`` says otherwise. Raises CosimError for signals that are missing or of another width.
    """

    def __init__(
        self,
        dut: Any,
        prefix: Any,
        system: System,
        *,
        master: str | None = None,
        clock: Any = None,
        reset: Any = None,
        reset_active_level: bool | None = None,
    ):
        self.system = system
        self.name = system.master(master)
        self.params = system.config.system.masters[self.name]
        self.row = system.rows_of(self.name)[0]
        self.memory = system.memory
        names = [*PINS, *DRIVES, "wdata", "wstrb", "rdata"]
        self.signals = {name: found for name in names if (found := find(dut, prefix, name)) is not None}
        self.clock = clock if clock is not None else first(dut, (*CLOCKS, *map(str.upper, CLOCKS)))
        if self.clock is None:
            raise CosimError(f"the design has none of {', '.join(CLOCKS)}; write clock=dut.NAME")
        self.reset = reset
        if self.params.bus != Bus.AXI3:
            self.signals.pop("wid", None)
        self._check(dut, prefix)
        self._set_defaults()
        if reset is not None:
            low = is_low(reset._name)
            self.row["reset_level"] = (not low) if reset_active_level is None else reset_active_level
        for name in (*DRIVES, "rdata"):
            if name in self.signals:
                self.signals[name].value = 0
        rows = system.rows_of(self.name)
        self.port = PythonPort(self.name, rows, self.signals, reset, self.params.port_bytes)
        system.attach(self)

    @property
    def counters(self) -> dict[str, Any]:
        """Return bursts, beats and bytes so far, as the summary has them."""
        from hw_models.axi.statistics import port_summary

        return port_summary(self.row)

    def _check(self, dut: Any, prefix: Any) -> None:
        reads, writes = ("arvalid" in self.signals), ("awvalid" in self.signals)
        needed = [*(NEEDED_OF_READS if reads else ()), *(NEEDED_OF_WRITES if writes else ())]
        if not needed:
            known = ", ".join(prefixes(dut)) or "none was found"
            raise CosimError(
                f"{prefix!r} has neither arvalid nor awvalid; write the prefix of one of the design: {known}"
            )
        missing = [name for name in needed if name not in self.signals]
        if missing:
            raise CosimError(f"{prefix!r} lacks {', '.join(missing)}; write the prefix of a whole bus")
        for name in ("rdata", "wdata"):
            found = len(self.signals[name]) if name in self.signals else self.params.width_bits
            if found != self.params.width_bits:
                raise CosimError(
                    f"{name} of {prefix!r} has {found} bit, and system.masters.{self.name}.width is "
                    f"{self.params.width_bits} bit; write width: {found} bit"
                )
        if self.params.bus != Bus.AXI4_LITE:
            for name in ("arlen", "awlen", "wlast", "rlast"):
                there = reads if name in ("arlen", "rlast") else writes
                if there and name not in self.signals:
                    raise CosimError(
                        f"{prefix!r} lacks {name}; write bus: axi4_lite in the config if it has no bursts"
                    )

    def _set_defaults(self) -> None:
        """Give pins that the bus does not have the value that the specification gives them."""
        pin, size = self.row["pin"], self.params.port_bytes.bit_length() - 1
        pin[:] = 0
        pin[[Pin.ARSIZE, Pin.AWSIZE]] = size
        pin[[Pin.ARBURST, Pin.AWBURST]] = Burst.INCR
        pin[[Pin.RREADY, Pin.BREADY, Pin.WLAST]] = 1
        pin[Pin.WID] = -1
        self.row["wstrb"] = np.uint64(2**64 - 1)
