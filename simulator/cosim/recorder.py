"""Records an AXI port in a cocotb test, for any memory behind it: a bus trace that `dlasim run` replays.

Examples:
    In a cocotb test::

        from simulator.cosim.recorder import AxiRecorder

        recorder = AxiRecorder(dut, "m_axi", dut.clk)
        ...
        recorder.write("copy.csv")
"""

from array import array
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from simulator.cosim.names import find
from workloads.bus.axi import USED, transactions
from workloads.bus.recording import Recording
from workloads.bus.table import write_table


class AxiRecorder:
    """Samples the port whose signals begin with ``prefix`` in every cycle, from now on.

    Unknown bits count as 0. Raises ValueError where there is no such port.
    """

    def __init__(self, dut: Any, prefix: str, clock: Any):
        self.signals = {name: found for name in USED if (found := find(dut, prefix, name)) is not None}
        if not {"arvalid", "awvalid"} & set(self.signals):
            raise ValueError(f"{prefix!r} has neither arvalid nor awvalid; write the prefix of an AXI port")
        widths = {name: find(dut, prefix, name) for name in ("rdata", "wdata")}
        self.bytes = {name: len(found) // 8 for name, found in widths.items() if found is not None}
        self.clock = clock
        self.values = {name: array("q") for name in self.signals}
        self.task = cocotb.start_soon(self._record())

    async def _record(self) -> None:
        while True:
            await FallingEdge(self.clock)
            await ReadOnly()
            for name, handle in self.signals.items():
                text = str(handle.value)[-63:]
                self.values[name].append(int(text, 2) if text.strip("01") == "" else 0)

    def recording(self) -> Recording:
        """Return what went over the port until now, transactions without an end left out."""
        count = min(map(len, self.values.values()))
        signals = {name: np.array(values[:count], np.int64) for name, values in self.values.items()}
        return transactions(signals, self.bytes.get("rdata", 0), self.bytes.get("wdata", 0))

    def write(self, path: str | Path) -> None:
        """Write a table that a config names as `trace:`."""
        write_table(Path(path), self.recording())
