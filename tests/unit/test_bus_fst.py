"""Fast signal traces: what the reader of value change dumps finds, however they are packed; damaged files."""

import gzip
import random
import zlib
from contextlib import suppress

import numpy as np
import pytest
from test_bus_waves import CYCLES, dump

from hw_models.errors import ConfigError
from workloads.bus import fst, vcd
from workloads.bus.unpack import fastlz, lz4
from workloads.bus.waves import read_waves


def short(value):
    """Return a number, seven bits a byte."""
    parts = []
    while True:
        parts.append(value & 127 | (128 if value > 127 else 0))
        value >>= 7
        if not value:
            return bytes(parts)


def signed(value):
    parts = []
    while True:
        low, value = value & 127, value >> 7
        done = (value == 0 and not low & 64) or (value == -1 and low & 64)
        parts.append(low | (0 if done else 128))
        if done:
            return bytes(parts)


def long(*values):
    return b"".join(value.to_bytes(8, "big") for value in values)


def block(kind, body):
    return bytes([kind]) + long(8 + len(body)) + body


def lz4_literals(data):
    size, extra = len(data), b""
    if size >= 15:
        extra = b"\xff" * ((size - 15) // 255) + bytes([(size - 15) % 255])
    return bytes([min(size, 15) << 4]) + extra + data


PACKS = {"!": None, "Z": zlib.compress, "4": lz4_literals}


def written(path, source, pack):
    """Write the value change dump ``source`` as a fast signal trace of two stretches; aliases are told as such."""
    signals, handles, hierarchy, scopes = source.signals, {}, b"", []
    for name, signal in signals.items():
        *scope, last = name.split(".")
        while scopes != scope[: len(scopes)]:
            hierarchy, scopes = hierarchy + b"\xff", scopes[:-1]
        for part in scope[len(scopes) :]:
            hierarchy += b"\xfe\x00" + part.encode() + b"\0\0"
        scopes = scope
        alias = handles.get(signal.code, 0)
        handles.setdefault(signal.code, len(handles) + 1)
        width = f" [{signal.bits - 1}:0]" if signal.bits > 1 else ""
        hierarchy += b"\x10\x00" + f"{last}{width}".encode() + b"\0" + short(signal.bits) + short(alias)
    of_code = {signal.code: name for name, signal in reversed(signals.items())}
    names = [of_code[code] for code in handles]
    widths = [signals[name].bits for name in names]
    changes = source.changes(names)
    moments = sorted({int(t) for name in names for t in changes[name].times})
    half = len(moments) // 2
    blocks = b""
    for part in (moments[:half], moments[half:]):
        data, chain, at, before = b"", b"", 1, 0
        for name, bits in zip(names, widths):
            body, last = b"", 0
            for time, value in zip(changes[name].times.tolist(), changes[name].values.tolist()):
                if part[0] <= time <= part[-1]:
                    delta, last = part.index(time) - last, part.index(time)
                    if bits == 1:
                        body += short(delta << 2 | value << 1)
                    else:
                        left = value << (-bits % 8)
                        body += short(delta << 1) + left.to_bytes((bits + 7) // 8, "big")
            if PACKS[pack] is None or not body:
                packed = short(0) + body
            else:
                packed = short(len(body)) + PACKS[pack](body)
            chain += signed((at - before) << 1 | 1)
            before, at, data = at, at + len(packed), data + packed
        frame = b"x" * sum(widths)
        times = b"".join(short(b - a) for a, b in zip([0, *part], part))
        packed_times = zlib.compress(times)
        packed_times = packed_times if len(packed_times) < len(times) else times
        body = long(part[0], part[-1], 0) + short(len(frame)) + short(len(frame)) + short(len(names)) + frame
        body += short(len(names)) + pack.encode() + data + chain + long(len(chain))
        body += packed_times + long(len(times), len(packed_times), len(part))
        blocks += block(8, body)
    geometry = b"".join(map(short, widths))
    blocks += block(3, long(len(geometry), len(names)) + geometry)
    blocks += block(4, long(len(hierarchy)) + gzip.compress(hierarchy))
    path.write_bytes(block(0, bytes(321)) + blocks)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.vcd"
    path.write_text(dump(CYCLES))
    return path


@pytest.mark.parametrize("pack", PACKS)
def test_a_fast_signal_trace_has_the_changes_of_the_dump_that_it_was_made_of(source, tmp_path, pack):
    theirs, path = vcd.Dump(source), tmp_path / "a.fst"
    written(path, theirs, pack)
    ours = fst.Dump(path)
    assert {name: signal.bits for name, signal in ours.signals.items()} == {
        name: signal.bits for name, signal in theirs.signals.items()
    }
    found, expected = ours.changes(ours.signals), theirs.changes(theirs.signals)
    moments = np.arange(0, 10 * len(CYCLES) + 2)
    for name in found:
        assert found[name].before(moments).tolist() == expected[name].before(moments).tolist(), name
    rows, expected = (read_waves(of, "top.dut.m_axi_", None).transactions for of in (path, source))
    assert len(rows) == 3
    assert rows.tobytes() == expected.tobytes()


def test_a_whole_file_in_a_wrapper_is_read_too(source, tmp_path):
    written(tmp_path / "a.fst", vcd.Dump(source), "Z")
    plain = (tmp_path / "a.fst").read_bytes()
    (tmp_path / "b.fst").write_bytes(block(254, long(len(plain)) + gzip.compress(plain)))
    assert fst.Dump(tmp_path / "b.fst").signals == fst.Dump(tmp_path / "a.fst").signals


def test_a_damaged_file_is_a_line(source, tmp_path):
    """Cut anywhere, or with any byte changed, it is read or refused."""
    path, rng = tmp_path / "a.fst", random.Random(1)
    written(path, vcd.Dump(source), "4")
    whole = path.read_bytes()
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged[: rng.randrange(len(damaged))] if rng.random() < 0.3 else damaged)
        with suppress(ConfigError):
            read_waves(path, "top.dut.m_axi_", "top.clk")


def test_matches_that_overlap_what_they_copy_are_unpacked():
    assert lz4(b"\x14a\x01\x00" + b"\x50bcdef", 14) == 9 * b"a" + b"bcdef"
    assert lz4(b"\x2fab\x02\x00\x05" + b"\x10!", 27) == 13 * b"ab" + b"!"
    assert fastlz(b"\x00a" + b"\xa0\x00" + b"\x00b", 9) == 8 * b"a" + b"b"
    assert fastlz(b"\x20a" + b"\xe0\x02\x00", 12) == 12 * b"a"
    assert fastlz(b"\x21ab" + b"\xe0\xff\x01\x01" + b"\x00!", 2 + 7 + 256 + 2 + 1)[:6] == b"ababab"
    for unpack, data in ((lz4, b"\x10a\x05\x00"), (fastlz, b"\x00a\xa0\x07")):
        with pytest.raises((ValueError, IndexError)):
            unpack(data, 9)
