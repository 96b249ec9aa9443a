"""A bus served from Python, in any simulator: what cocotb has of it goes into an AGENT row, and back.

It is called at every edge, so it reads no signal that cannot matter and holds the row as plain words.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from cocotb import handle as cocotb

from hw_models.axi.state import AGENT, Drive, Pin
from simulator.cosim.errors import CosimError

Read = Callable[[], str]
Payload = list[tuple[int, str, Read]]  # pin, its name, how to read it

ADDRESS = ("id", "addr", "len", "size", "burst", "lock")
CHANNELS = {
    "arvalid": [f"ar{name}" for name in ADDRESS],
    "awvalid": [f"aw{name}" for name in ADDRESS],
    "wvalid": ["wlast", "wid"],
}
READIES = ((Drive.RVALID, Pin.RREADY), (Drive.BVALID, Pin.BREADY))  # of what is driven, who takes it
RVALID, WVALID = int(Drive.RVALID), int(Pin.WVALID)
PLACES = {name: place for name, (_, place) in (AGENT.fields or {}).items()}  # type: ignore[misc]
BUSY, CHANGED, RESET = (PLACES[name] // 8 for name in ("busy", "changed", "reset"))


class PythonPort:
    """The bus of ``signals`` (handles by AXI's names); ``rows``: its row, shape (1,) AGENT.

    ``reset``: the handle of a signal, or None; what it is in reset is in the row.
    """

    def __init__(self, name: str, rows: np.ndarray, signals: Mapping[str, Any], reset: Any, width_bytes: int):
        self.name, self.signals, self.reset, self.width_bytes = name, signals, reset, width_bytes
        row = rows[0]
        self.words = memoryview(rows.view(np.int64).data)
        self.pin, self.drive = memoryview(row["pin"]), memoryview(row["drive"])
        self.wide = {key: memoryview(row[key]) for key in ("wdata", "wstrb", "rdata")}
        self.bytes = {key: memoryview(row[key].view(np.uint8)) for key in self.wide}
        self.reset_text = str(int(row["reset_level"]))
        self.read_reset = _reader(reset) if reset is not None else None
        self.channels = [
            (int(Pin[valid.upper()]), _reader(signals[valid]), self._payload(names))
            for valid, names in CHANNELS.items()
            if valid in signals
        ]
        self.takers = [
            (int(driven), int(pin), _reader(signals[pin.name.lower()]))
            for driven, pin in READIES
            if pin.name.lower() in signals
        ]
        self.data = [
            (key, _reader(signals[key]), len(signals[key])) for key in ("wdata", "wstrb") if key in signals
        ]
        self.writers = [
            (int(drive), _writer(signals[drive.name.lower()]))
            for drive in Drive
            if drive.name.lower() in signals
        ]
        self.write_data = _writer(signals["rdata"]) if "rdata" in signals else None
        self.shown, self.shown_data = [0] * len(Drive), 0

    def _payload(self, names: list[str]) -> Payload:
        return [
            (int(Pin[name.upper()]), name, _reader(self.signals[name]))
            for name in names
            if name in self.signals
        ]

    def is_quiet(self) -> bool:
        """Tell whether nothing can happen at the next edge unless a signal of `wakers` changes."""
        if self.words[BUSY] or (self.read_reset is not None and self.read_reset() == self.reset_text):
            return False
        return all(read() != "1" for _, read, _ in self.channels)

    def wakers(self) -> list[Any]:
        """Return the signals whose change ends a time in which nothing can happen."""
        valids = [self.signals[name] for name in CHANNELS if name in self.signals]
        return valids + ([self.reset] if self.reset is not None else [])

    def hear(self) -> None:
        """Take what is on the bus; all but a 1 is a 0: a design before its reset.

        Raises CosimError for an address or data that are not 0 or 1.
        """
        pin, drive = self.pin, self.drive
        in_reset = self.read_reset is not None and self.read_reset() == self.reset_text
        self.words[RESET] = in_reset
        for valid, read, payload in self.channels:
            there = pin[valid] = read() == "1"
            if there and not in_reset:
                for place, name, read_field in payload:
                    text = read_field()
                    value = int(text, 2) if text.isdigit() else self._unknown(name, text)
                    pin[place] = value if value < 2**63 else value - 2**64
        for driven, ready, read in self.takers:
            if drive[driven]:
                pin[ready] = read() == "1"
        if pin[WVALID] and not in_reset:
            for name, read, bits in self.data:
                text = read()
                value = int(text, 2) if text.isdigit() else self._unknown(name, text)
                if bits <= 64:
                    self.wide[name][0] = value
                else:
                    self.bytes[name][: bits // 8] = value.to_bytes(bits // 8, "little")

    def _unknown(self, name: str, text: str) -> int:
        if name != "wdata":
            raise CosimError(f"{self.name}: {name} is {text} while its valid is 1")
        return int("".join(c if c in "01" else "0" for c in text), 2)  # of bytes without a strobe

    def show(self) -> None:
        """Drive the bus: what is new on it."""
        if not self.words[CHANGED]:
            return
        self.words[CHANGED] = 0
        levels = self.drive.tolist()
        if levels != self.shown:
            for place, write in self.writers:
                if levels[place] != self.shown[place]:
                    write(levels[place])
            self.shown = levels
        if levels[RVALID] and self.write_data is not None:
            value = self.wide["rdata"][0]
            if self.width_bytes > 8:
                value = int.from_bytes(self.bytes["rdata"][: self.width_bytes], "little")
            if value != self.shown_data:
                self.write_data(value)
                self.shown_data = value


def _reader(signal: Any) -> Read:
    return signal._handle.get_signal_val_binstr


def _writer(signal: Any) -> Callable[[int], None]:
    """Return what deposits a number in a signal: as cocotb does, which checks it longer than it writes."""
    schedule, is_logic = getattr(cocotb, "_schedule_write", None), isinstance(signal, _LOGIC)
    if schedule is None or not is_logic:
        return lambda value: setattr(signal, "value", value)
    put, action = signal._handle.set_signal_val_binstr, cocotb._GPISetAction.DEPOSIT
    digits, mask = f"0{len(signal)}b", (1 << len(signal)) - 1
    return lambda value: schedule(signal, put, action, format(value & mask, digits))


_LOGIC = (cocotb.LogicObject, cocotb.LogicArrayObject)
