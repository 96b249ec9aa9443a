"""The memory side of a bus of the design under test, as a cocotb test asks for it."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from hw_models.axi.names import Bus
from hw_models.axi.state import Burst, Drive, Pin
from simulator.cosim.errors import CosimError
from simulator.cosim.names import find, first, is_low, prefixes
from simulator.cosim.system import System

CLOCKS = ("clk", "clock", "aclk", "clk_i", "i_clk", "ap_clk")
PINS = [pin.name.lower() for pin in Pin]
VALIDS = ("arvalid", "awvalid", "wvalid")
ADDRESS = ("id", "addr", "len", "size", "burst", "lock")
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
        self.row = system.row_of(self.name)
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
        self._prepare()
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

    # The front end in Python: for any simulator

    def _prepare(self) -> None:
        """Note which of its signals go where in the row."""
        self.pin, self.drive = self.row["pin"], self.row["drive"]

        def placed(names: Iterable[str]) -> list[tuple[Pin, str, Any]]:
            there = [name for name in names if name in self.signals]
            return [(Pin[name.upper()], name, self.signals[name]._handle) for name in there]

        self.valids = placed(VALIDS)
        self.handshakes = placed((*VALIDS, "rready", "bready"))
        self.addresses = [
            (Pin[f"{channel}valid".upper()], placed(f"{channel}{name}" for name in ADDRESS))
            for channel in ("ar", "aw")
        ]
        self.shown: dict[str, int] = {}

    def is_quiet(self) -> bool:
        """Tell whether nothing can happen at the next edge unless a signal of `wakers` changes."""
        if self.row["busy"] or (
            self.reset is not None and _bit(self.reset._handle) == self.row["reset_level"]
        ):
            return False
        return not any(_bit(handle) for _, _, handle in self.valids)

    def wakers(self) -> list[Any]:
        """Return the signals whose change ends a time in which nothing can happen."""
        named = [self.signals[name] for _, name, _ in self.valids]
        return named + ([self.reset] if self.reset is not None else [])

    def hear(self) -> None:
        """Take what is on the bus. Raises CosimError for an address or data that are not 0 or 1."""
        row, pin = self.row, self.pin
        if self.reset is not None:
            row["reset"] = _bit(self.reset._handle) == row["reset_level"]
        for place, _, handle in self.handshakes:
            pin[place] = _bit(handle)
        if row["reset"]:
            return
        for valid, payload in self.addresses:
            if pin[valid]:
                for place, name, handle in payload:
                    value = self._value(name, handle)
                    pin[place] = value - 2**64 if value >= 2**63 else value
        if pin[Pin.WVALID]:
            for name in ("wlast", "wid", "wdata", "wstrb"):
                if name in self.signals:
                    value = self._value(name, self.signals[name]._handle)
                    if name in PINS:
                        pin[Pin[name.upper()]] = value
                    else:
                        _to_words(value, row[name])

    def _value(self, name: str, handle: Any) -> int:
        text = handle.get_signal_val_binstr()
        if text.strip("01"):
            if name != "wdata":
                raise CosimError(f"{self.name}: {name} is {text} while its valid is 1")
            text = "".join(c if c in "01" else "0" for c in text)  # of bytes without a strobe
        return int(text, 2)

    def show(self) -> None:
        """Drive the bus: what is new on it."""
        for name, value in zip(DRIVES, self.drive.tolist()):
            if name in self.signals and self.shown.get(name) != value:
                self.signals[name].value = self.shown[name] = value
        if self.drive[Drive.RVALID] and "rdata" in self.signals:
            words = self.row["rdata"][: max(1, self.params.port_bytes // 8)]
            value = int.from_bytes(words.tobytes()[: self.params.port_bytes], "little")
            if self.shown.get("rdata") != value:
                self.signals["rdata"].value = self.shown["rdata"] = value


def _bit(handle: Any) -> int:
    """Return 1 for a 1, and 0 for all else: a design before its reset."""
    return int(handle.get_signal_val_binstr() == "1")


def _to_words(value: int, words: np.ndarray) -> None:
    raw = value.to_bytes(8 * len(words), "little")
    words[:] = np.frombuffer(raw, np.uint64)
