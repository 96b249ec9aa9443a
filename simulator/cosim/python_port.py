"""A bus served from Python, in any simulator: what cocotb has of it goes into an AGENT row, and back.

It is called at every edge, so it reads no signal that cannot matter and holds the row as plain words.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hw_models.axi.state import AGENT, Drive, Pin
from simulator.cosim.calls import Writer
from simulator.cosim.errors import CosimError
from simulator.cosim.vpi import ALWAYS, Wanted, reader

Read = Callable[[], str]

ADDRESS = ("id", "addr", "len", "size", "burst", "lock")
CHANNELS = {  # what is valid, who takes it, what goes with it
    "arvalid": (Drive.ARREADY, [f"ar{name}" for name in ADDRESS]),
    "awvalid": (Drive.AWREADY, [f"aw{name}" for name in ADDRESS]),
    "wvalid": (Drive.WREADY, ["wlast", "wid", "wdata", "wstrb"]),
}
READIES = ((Drive.RVALID, Pin.RREADY), (Drive.BVALID, Pin.BREADY))  # of what is driven, who takes it
RVALID = int(Drive.RVALID)
PLACES = {name: place // 8 for name, (_, place) in (AGENT.fields or {}).items()}  # type: ignore[misc]
BUSY, CHANGED, RESET, PIN, DRIVE = (PLACES[name] for name in ("busy", "changed", "reset", "pin", "drive"))


class PythonPort:
    """The bus of ``signals`` (handles by AXI's names); ``rows``: its row, shape (1,) AGENT.

    ``reset``: the handle of a signal, or None; what it is in reset is in the row.
    """

    def __init__(self, name: str, rows: np.ndarray, signals: Mapping[str, Any], reset: Any, width_bytes: int):
        self.signals, self.reset = signals, reset
        row = rows[0]
        self.words = memoryview(rows.view(np.int64).data)
        self.pin, self.drive = memoryview(row["pin"]), memoryview(row["drive"])
        self.reset_text = str(int(row["reset_level"]))
        self.read_reset = _reader(reset) if reset is not None else None
        bits = {name: len(signals[name]) for name in ("wdata", "wstrb") if name in signals}
        places = {name: (row[name].view(np.uint8), 0, -(-count // 64)) for name, count in bits.items()}
        places |= {pin.name.lower(): (row["pin"].view(np.uint8), int(pin), 1) for pin in Pin}
        fields = {
            key: Field(f"{name}: {key}", _reader(signals[key]), memoryview(array)[8 * at : 8 * (at + words)])
            for key, (array, at, words) in places.items()
            if key in signals
        }
        self.channels = [
            (
                int(Pin[valid.upper()]),
                fields[valid].read,
                int(ready),
                [fields[n] for n in names if n in fields],
            )
            for valid, (ready, names) in CHANNELS.items()
            if valid in signals
        ]
        self.takers = [
            (int(driven), int(pin), _reader(signals[pin.name.lower()]))
            for driven, pin in READIES
            if pin.name.lower() in signals
        ]
        self.hear_all = reader(self._wanted(), rows.view(np.int64))
        self.writer = Writer()
        self.writers = [
            (int(drive), self.writer.of(signals[drive.name.lower()]))
            for drive in Drive
            if drive.name.lower() in signals
        ]
        self.write_data = self.writer.of(signals["rdata"]) if "rdata" in signals else None
        self.read_data = memoryview(row["rdata"].view(np.uint8))[:width_bytes]
        self.shown, self.shown_levels, self.shown_data = b"", [0] * len(Drive), bytes(width_bytes)

    def _wanted(self) -> list[Wanted]:
        """Return what is read of the bus at an edge outside of reset."""
        places = {pin.name.lower(): PIN + pin for pin in Pin} | {n: PLACES[n] for n in ("wdata", "wstrb")}
        names = [(valid, ALWAYS, ALWAYS) for valid in CHANNELS]
        for valid, (ready, payload) in CHANNELS.items():
            names += [(name, PIN + Pin[valid.upper()], DRIVE + ready) for name in payload]
        names += [(pin.name.lower(), ALWAYS, DRIVE + driven) for driven, pin in READIES]
        return [
            Wanted(self.signals[name], places[name], valid, ready)
            for name, valid, ready in names
            if name in self.signals
        ]

    def is_quiet(self) -> bool:
        """Tell whether nothing can happen at the next edge unless a signal of `wakers` changes."""
        if self.words[BUSY] or (self.read_reset is not None and self.read_reset() == self.reset_text):
            return False
        return all(read() != "1" for _, read, _, _ in self.channels)

    def wakers(self) -> list[Any]:
        """Return the signals whose change ends a time in which nothing can happen."""
        valids = [self.signals[name] for name in CHANNELS if name in self.signals]
        return valids + ([self.reset] if self.reset is not None else [])

    def hear(self) -> None:
        """Take what is on the bus; all but a 1 is a 0: a design before its reset.

        Raises CosimError for an address or data that are not 0 or 1.
        """
        in_reset = self.read_reset is not None and self.read_reset() == self.reset_text
        self.words[RESET] = in_reset
        if in_reset or self.hear_all is None or self.hear_all():
            self._hear(in_reset)

    def _hear(self, in_reset: bool) -> None:
        """Take what is on the bus through cocotb, where anything may be unknown."""
        pin, drive = self.pin, self.drive
        for valid, read, ready, fields in self.channels:
            if read() != "1":
                pin[valid] = 0
                continue
            pin[valid] = 1
            if drive[ready] and not in_reset:  # it is taken now
                for field in fields:
                    field.take()
        for driven, ready, read in self.takers:
            if drive[driven]:
                pin[ready] = read() == "1"

    def show(self) -> None:
        """Drive the bus: what is new on it."""
        if not self.words[CHANGED]:
            return
        self.words[CHANGED] = 0
        drive = self.drive
        if (now := drive.tobytes()) != self.shown:
            levels, before = drive.tolist(), self.shown_levels
            for place, write in self.writers:
                if levels[place] != before[place]:
                    write(levels[place])
            self.shown, self.shown_levels = now, levels
        if drive[RVALID] and self.write_data is not None:
            data = self.read_data.tobytes()
            if data != self.shown_data:
                self.write_data(int.from_bytes(data, "little"))
                self.shown_data = data


class Field:
    """A signal that goes to a place in the row."""

    def __init__(self, name: str, read: Read, place: memoryview):
        self.name, self.read, self.place = name, read, place

    def take(self) -> None:
        """Note what the signal is. Raises CosimError unless all of it is 0 or 1; data may be unknown."""
        text = self.read()
        try:
            value = int(text, 2)
        except ValueError:
            if not self.name.endswith("wdata"):
                raise CosimError(f"{self.name} is {text} while its valid is 1") from None
            value = int("".join(c if c in "01" else "0" for c in text), 2)  # of bytes without a strobe
        self.place[:] = value.to_bytes(len(self.place), "little")


def _reader(signal: Any) -> Read:
    return signal._handle.get_signal_val_binstr
