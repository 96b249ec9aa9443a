"""The memory side of a bus of the design under test, as a cocotb test asks for it."""

import re
from typing import Any

import numpy as np

from hw_models.axi.names import Bus
from hw_models.axi.state import Burst, Drive, Pin
from simulator.cosim.errors import CosimError
from simulator.cosim.system import System

CLOCKS = ("clk", "clock", "aclk", "clk_i", "i_clk", "ap_clk")
PINS = [pin.name.lower() for pin in Pin]
DRIVES = [drive.name.lower() for drive in Drive]
NEEDED_OF_READS = ("arvalid", "araddr", "arready", "rvalid", "rdata")
NEEDED_OF_WRITES = ("awvalid", "awaddr", "awready", "wvalid", "wdata", "wready", "bvalid")
SPELLINGS = ("{prefix}_{name}", "{prefix}{name}", "{prefix}_{name}_o", "{prefix}_{name}_i", "{name}_{prefix}")


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
        self.signals = _Names(dut, prefix).found()
        self.clock = clock if clock is not None else _Names(dut, "").first(CLOCKS)
        if self.clock is None:
            raise CosimError(f"the design has none of {', '.join(CLOCKS)}; write clock=dut.NAME")
        self.reset = reset
        self._check(prefix)
        self._set_defaults()
        if reset is not None:
            low = is_low(reset._name)
            self.row["reset_level"] = (not low) if reset_active_level is None else reset_active_level
        for name in (*DRIVES, "rdata"):
            if name in self.signals:
                self.signals[name].value = 0
        system.attach(self)

    @property
    def counters(self) -> dict[str, Any]:
        """Return bursts, beats and bytes so far, as the summary has them."""
        from hw_models.axi.statistics import port_summary

        return port_summary(self.row)

    def _check(self, prefix: Any) -> None:
        reads, writes = ("arvalid" in self.signals), ("awvalid" in self.signals)
        needed = [*(NEEDED_OF_READS if reads else ()), *(NEEDED_OF_WRITES if writes else ())]
        if not needed:
            raise CosimError(
                f"{prefix!r} has neither arvalid nor awvalid; write the prefix of a bus of the design"
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
        self.row["wstrb"] = np.uint64(2**64 - 1)

    # The front end in Python: for any simulator

    def hear(self) -> None:
        """Take what is on the bus. Raises CosimError for an address or data that are not 0 or 1."""
        row, pin = self.row, self.row["pin"]
        if self.reset is not None:
            row["reset"] = _bit(self.reset) == row["reset_level"]
        for name in ("arvalid", "awvalid", "wvalid", "rready", "bready"):
            if name in self.signals:
                pin[PINS.index(name)] = _bit(self.signals[name])
        for channel, valid in (("ar", Pin.ARVALID), ("aw", Pin.AWVALID)):
            if pin[valid] and not row["reset"]:
                for name in ("id", "addr", "len", "size", "burst", "lock"):
                    if channel + name in self.signals:
                        value = self._value(channel + name)
                        pin[PINS.index(channel + name)] = value - 2**64 if value >= 2**63 else value
        if pin[Pin.WVALID] and not row["reset"]:
            if "wlast" in self.signals:
                pin[Pin.WLAST] = self._value("wlast")
            _to_words(self._value("wdata"), row["wdata"])
            if "wstrb" in self.signals:
                _to_words(self._value("wstrb"), row["wstrb"])

    def _value(self, name: str) -> int:
        value = self.signals[name].value
        if name == "wdata" and not value.is_resolvable:
            return _known_bits(value)
        if not value.is_resolvable:
            raise CosimError(f"{self.name}: {name} is {value} while its valid is 1")
        return int(value.to_unsigned()) if hasattr(value, "to_unsigned") else int(value)

    def show(self) -> None:
        """Drive the bus."""
        for d, name in enumerate(DRIVES):
            if name in self.signals:
                self.signals[name].value = int(self.row["drive"][d])
        if self.row["drive"][Drive.RVALID] and "rdata" in self.signals:
            words = self.row["rdata"][: max(1, self.params.port_bytes // 8)]
            self.signals["rdata"].value = int.from_bytes(words.tobytes()[: self.params.port_bytes], "little")


def is_low(reset: str) -> bool:
    """Tell by its name whether a reset is active at 0: `rst_n`, `aresetn`, `rst_ni`; not `reset_in`."""
    return re.sub(r"(?<=_n)i$|_(in|i)$", "", reset.lower()).endswith("n")


def _bit(handle: Any) -> int:
    """Return 1 for a 1, and 0 for all else: a design before its reset."""
    return int(str(handle.value) == "1")


def _known_bits(value: Any) -> int:
    """Return a value with its unknown bits, of bytes without a strobe, as 0."""
    return int("".join(c if c in "01" else "0" for c in str(value)), 2)


def _to_words(value: int, words: np.ndarray) -> None:
    raw = value.to_bytes(8 * len(words), "little")
    words[:] = np.frombuffer(raw, np.uint64)


class _Names:
    """Finds the signals of a bus by name."""

    def __init__(self, dut: Any, prefix: Any):
        self.dut, self.prefix = dut, prefix

    def found(self) -> dict[str, Any]:
        names = [*PINS, *DRIVES, "wdata", "wstrb", "rdata"]
        return {name: handle for name in names if (handle := self.find(name)) is not None}

    def find(self, name: str) -> Any:
        if not isinstance(self.prefix, str):
            channel = getattr(self.prefix, name[: 2 if name[0] == "a" else 1], None)
            return getattr(self.prefix, name, getattr(channel, name, None))
        return self.first(spelling.format(prefix=self.prefix, name=name) for spelling in SPELLINGS)

    def _upper_end(self, name: str) -> str:
        """Return a name whose prefix is as written, the rest in capitals."""
        prefix = str(self.prefix)
        return prefix + name[len(prefix) :].upper() if name.startswith(prefix) else name

    def first(self, names: Any) -> Any:
        for name in names:
            for spelt in dict.fromkeys((name, name.upper(), self._upper_end(name))):
                handle = getattr(self.dut, spelt, None)
                if handle is not None:
                    return handle
        return None
