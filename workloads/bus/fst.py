"""Fast signal traces, as GTKWave's library and Verilator write them: the changes of chosen signals.

Blocks of a type and a length: the hierarchy, the widths, and stretches of time with the values at their
beginning, then each signal's changes, packed on its own. Values are kept as `workloads.bus.vcd` keeps them.
"""

import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hw_models.errors import ConfigError
from hw_models.unpacked import MOST_BYTES, too_large
from workloads.bus.unpack import fastlz, lz4, unzip
from workloads.bus.vcd import KNOWN, Changes, Signal

HIERARCHY, HIERARCHY_LZ4, HIERARCHY_LZ4_TWICE = 4, 6, 7
CHANGES, CHANGES_SIGNED, WIDTHS, WRAPPED = 5, 8, 3, 254  # of CHANGES, how aliases are written differs
ATTRIBUTE, ATTRIBUTE_END, SCOPE, UPSCOPE = 252, 253, 254, 255
PACKED: dict[int, Callable[[bytes, int], bytes]] = {ord("4"): lz4, ord("F"): fastlz, ord("Z"): unzip}
OTHER_BITS = (0, 0, 1, 0, 0, 0, 0, 0)  # x z h u w l - ?: h is a 1
BITS, EMPTY = 63, 2**32 - 1


class Reader:
    """Bytes with a place in them."""

    def __init__(self, data: bytes, at: int = 0):
        self.data, self.at = data, at

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise ValueError("it ends too early")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self) -> int:
        """Take a number of eight bytes."""
        return int.from_bytes(self.take(8), "big")

    def short(self) -> int:
        """Take a number of as many bytes as it needs, seven bits each, the lowest first."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def signed(self) -> int:
        """Take such a number whose highest bit is its sign."""
        begin = self.at
        value = self.short()
        bits = 7 * (self.at - begin)
        return value - (1 << bits) if value >> bits - 1 else value

    def text(self) -> str:
        end = self.data.index(0, self.at)
        self.at, begin = end + 1, self.at
        return self.data[begin:end].decode(errors="replace")


class Dump:
    """A dump's signals by path, such as top.dut.m_axi_arvalid. Raises ConfigError for what is none."""

    def __init__(self, path: Path):
        self.path = path
        try:
            data = path.read_bytes()
            self.data = _unwrapped(path, data)
            self.blocks = list(_blocks(self.data))
            self.widths = _widths(self.data, self.blocks)
            found = _signals(self.data, self.blocks)
            self.signals = {n: s for n, s in found.items() if self.widths[int(s.code) - 1] not in (0, EMPTY)}
        except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigError(f"not a readable dump ({reason}); write a .fst or .vcd", file=path) from None
        if not self.signals:
            raise ConfigError("no signals; write a .fst of a simulation, or a .vcd", file=path)

    def changes(self, names: Iterable[str]) -> dict[str, Changes]:
        """Return the changes of signals, by path."""
        handles = {name: int(self.signals[name].code) - 1 for name in names}
        times = {handle: array("q") for handle in handles.values()}
        values = {handle: array("q") for handle in handles.values()}
        try:
            first = True
            for kind, begin, end in self.blocks:
                if kind in (CHANGES, CHANGES_SIGNED):
                    stretch = _Stretch(self.data, begin, end, kind == CHANGES_SIGNED)
                    if first:
                        self._at_first(stretch, times, values)
                    first = False
                    for handle in times:
                        stretch.append(handle, self.widths[handle], times[handle], values[handle])
        except (ValueError, IndexError, KeyError, OverflowError, zlib.error) as error:
            raise ConfigError(f"damaged ({error}); write it again", file=self.path) from None
        return {
            name: Changes(np.array(times[handle], np.int64), np.array(values[handle], np.int64))
            for name, handle in handles.items()
        }

    def _at_first(self, stretch: "_Stretch", times: dict[int, array], values: dict[int, array]) -> None:
        """Take the values that the dump begins with."""
        taken = [8 if width == 0 else 0 if width == EMPTY else width for width in self.widths]
        at = np.concatenate([[0], np.cumsum(taken)])
        for handle in times:
            bits = stretch.frame[int(at[handle]) : int(at[handle + 1])]
            times[handle].append(stretch.begin)
            values[handle].append(_value(bits))


class _Stretch:
    """A stretch of time: the moments in it, and where each signal's changes lie."""

    def __init__(self, data: bytes, begin: int, end: int, signed: bool):
        reader = Reader(data, begin)
        self.data, self.begin = data, reader.number()
        reader.at += 16
        unpacked, packed, _ = reader.short(), reader.short(), reader.short()
        self.frame = _of_size(reader.take(packed), unpacked)
        reader.short()
        self.start, self.pack = reader.at, reader.byte()
        tail = Reader(data, end - 24)
        unpacked, packed, count = tail.number(), tail.number(), tail.number()
        at = end - 24 - packed
        self.times = list(_sums(Reader(_of_size(data[at : at + packed], unpacked)), count))
        size = Reader(data, at - 8).number()
        self.places = _places(Reader(data[at - 8 - size : at - 8]), signed, at - 8 - size - self.start)

    def append(self, handle: int, width: int, times: array, values: array) -> None:
        """Append a signal's changes."""
        place = self.places.get(handle)
        if place is None:
            return
        reader = Reader(self.data, self.start + place[0])
        unpacked = reader.short()
        packed = reader.take(self.start + place[0] + place[1] - reader.at)
        reader, moment = Reader(PACKED[self.pack](packed, unpacked) if unpacked else packed), 0
        while reader.at < len(reader.data):
            told = reader.short()
            if width == 1:
                moment += told >> (4 if told & 1 else 2)
                value = OTHER_BITS[told >> 1 & 7] if told & 1 else told >> 1 & 1
            else:
                moment += told >> 1
                if told & 1:
                    value = _value(reader.take(width))
                else:
                    raw = reader.take((width + 7) // 8)
                    value = int.from_bytes(raw, "big") >> -width % 8 & (1 << BITS) - 1
            times.append(self.times[moment])
            values.append(value)


def _value(bits: bytes) -> int:
    return int(bits.translate(KNOWN)[-BITS:] or b"0", 2)


def _of_size(data: bytes, size: int) -> bytes:
    return unzip(data, size) if len(data) != size else data


def _sums(reader: Reader, count: int) -> Iterator[int]:
    now = 0
    for _ in range(count):
        now += reader.short()
        yield now


def _places(reader: Reader, signed: bool, end: int) -> dict[int, tuple[int, int]]:
    """Return where each signal's changes begin, and how many bytes they are."""
    begins: dict[int, int] = {}
    aliases: dict[int, int] = {}
    handle = begin = alias = 0
    while reader.at < len(reader.data):
        if signed and reader.data[reader.at] & 1:
            told = reader.signed() >> 1
            if told > 0:
                begin += told
                begins[handle] = begin
            else:
                alias = -told - 1 if told else alias
                aliases[handle] = alias
            handle += 1
            continue
        told = reader.short()
        if signed or (told and not told & 1):
            handle += told >> 1
            continue
        if told:
            begin += told >> 1
            begins[handle] = begin
        else:
            aliases[handle] = reader.short() - 1
        handle += 1
    ends = [*sorted(begins.values())[1:], end]
    places = {key: (at, stop - at) for (key, at), stop in zip(begins.items(), ends)}
    return places | {key: places[of] for key, of in aliases.items() if of in places}


def _unwrapped(path: Path, data: bytes) -> bytes:
    """Return the file, which may be in a wrapper of gzip's as a whole."""
    if data[:1] != bytes([WRAPPED]):
        return data
    reader = Reader(data, 9)
    size = reader.number()
    if size > MOST_BYTES:
        raise too_large(path)
    return unzip(data[reader.at :], size, gzipped=True)


class Block(NamedTuple):
    kind: int
    begin: int  # behind its length
    end: int


def _blocks(data: bytes) -> Iterator[Block]:
    reader = Reader(data)
    while reader.at < len(data):
        kind, begin = reader.byte(), reader.at
        end = begin + reader.number()
        if end > len(data) or end < begin + 8:
            raise ValueError("it ends too early")
        yield Block(kind, begin + 8, end)
        reader.at = end


def _widths(data: bytes, blocks: list[Block]) -> list[int]:
    """Return each signal's bits; of numbers with a fraction 0, of texts EMPTY."""
    for kind, begin, end in blocks:
        if kind == WIDTHS:
            reader = Reader(data, begin)
            size, count = reader.number(), reader.number()
            reader = Reader(_of_size(data[reader.at : end], size))
            return [reader.short() for _ in range(count)]
    raise ValueError("no widths")


def _signals(data: bytes, blocks: list[Block]) -> dict[str, Signal]:
    """Return each signal by its path; its code is its number."""
    scopes: list[str] = []
    signals: dict[str, Signal] = {}
    reader, last = Reader(_hierarchy(data, blocks)), 0
    while reader.at < len(reader.data):
        tag = reader.byte()
        if tag == SCOPE:
            reader.byte()
            scopes.append(reader.text())
            reader.text()
        elif tag == UPSCOPE:
            del scopes[-1:]
        elif tag == ATTRIBUTE:
            reader.take(2)
            reader.text()
            reader.short()
        elif tag != ATTRIBUTE_END:
            reader.byte()
            name = reader.text().partition("[")[0].strip()
            width, alias = reader.short(), reader.short()
            last += not alias
            signals[".".join([*scopes, name])] = Signal(str(alias or last).encode(), width)
    return signals


def _hierarchy(data: bytes, blocks: list[Block]) -> bytes:
    for kind, begin, end in blocks:
        reader = Reader(data, begin)
        if kind == HIERARCHY:
            size = reader.number()
            return unzip(data[reader.at : end], size, gzipped=True)
        if kind == HIERARCHY_LZ4:
            size = reader.number()
            return lz4(data[reader.at : end], size)
        if kind == HIERARCHY_LZ4_TWICE:
            size, once = reader.number(), reader.short()
            return lz4(lz4(data[reader.at : end], once), size)
    raise ValueError("no hierarchy")
