"""Formats of I/O traces: a request is (arrival ns, address, bytes, 1 if a write).

Sources: MQSim, README; MSR Cambridge, SNIA IOTTA 388, README (FILETIME ticks of 100 ns); blkparse(1),
default output; fio, HOWTO, "Trace file format" (v3: microseconds, as `write_iolog` writes them); SPC trace
file format 1.0.1; Alibaba, block-traces, README (microseconds, bytes); Tencent, SNIA IOTTA 27917, README
(seconds, sectors). Times of day count from the first request.
"""

import re
from collections.abc import Callable, Sequence

from simulator.trace.lines import DECIMAL, Clock, Format, Line, Reader, Row, commas, integer

SECTOR_BYTES = 512
NANOSECONDS = Clock("time", " ns", 10**15)
NS_PER = {"s": 10**9, "us": 10**3, "filetime": 100}
IO_KINDS = {0: 1, 1: 0}  # MQSim's TYPE: 0 write, 1 read
SECONDS = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,12}))?")
COUNTED = {"D": "discards", "F": "flushes", "N": "commands without data"}  # by blkparse's first letter
SYNCS = {"trim": "discards", "sync": "flushes", "datasync": "flushes", "sync_file_range": "flushes"}
FILE_ACTIONS = ("add", "open", "close")


def seconds(word: str) -> int:
    """Return decimal seconds in ns, cut to whole ones. Raises ValueError."""
    match = SECONDS.fullmatch(word)
    if match is None:
        raise ValueError(word)
    return int(match[1]) * NS_PER["s"] + int((match[2] or "").ljust(9, "0")[:9])


def from_first(read: Callable[[Sequence[str]], Row]) -> Callable[[], Reader]:
    """Return a format's `begin` in which times of ``read`` count from the first request's."""

    def begin() -> Reader:
        first: list[int] = []

        def relative(words: Sequence[str]) -> Line:
            row = read(words)
            first[:] = first or [row[0]]
            return row[0] - first[0], *row[1:]

        return relative

    return begin


def mqsim(words: Sequence[str]) -> Row:
    arrival, _, sector, sectors, kind = (integer(word) for word in words)
    return arrival, sector * SECTOR_BYTES, sectors * SECTOR_BYTES, IO_KINDS[kind]


def msr(words: Sequence[str]) -> Row:
    time, _, _, kind, offset, size, _ = words
    write = {"Read": 0, "Write": 1}[kind]
    return integer(time) * NS_PER["filetime"], integer(offset), integer(size), write


def spc(words: Sequence[str]) -> Row:
    """Read the five fields that all have; more may follow."""
    _, sector, size, kind, time, *_ = words
    return seconds(time), integer(sector) * SECTOR_BYTES, integer(size), {"r": 0, "w": 1}[kind.lower()]


def alibaba(words: Sequence[str]) -> Row:
    _, kind, offset, size, time = words
    return integer(time) * NS_PER["us"], integer(offset), integer(size), {"R": 0, "W": 1}[kind]


def tencent(words: Sequence[str]) -> Row:
    time, sector, sectors, kind, _ = words
    write = {"0": 0, "1": 1}[kind]
    return integer(time) * NS_PER["s"], integer(sector) * SECTOR_BYTES, integer(sectors) * SECTOR_BYTES, write


def blkparse(stage: str) -> Callable[[], Reader]:
    """Return `begin` of a reader that takes the requests of one stage: D issued to the device, Q queued."""

    def begin() -> Reader:
        over = False

        def read(words: Sequence[str]) -> Line:
            nonlocal over
            over = over or words[0].startswith("CPU") or words[0] == "Total"  # blkparse's own summary
            if over:
                return None
            device, _, _, time, _, action, kind, *place = words
            if not re.fullmatch(r"[0-9]+,[0-9]+", device):
                raise ValueError(device)
            at = seconds(time)
            if action != stage:
                return None
            if ("R" in kind or "W" in kind) and place[1:2] == ["+"]:
                size = integer(place[2]) * SECTOR_BYTES
                return at, integer(place[0]) * SECTOR_BYTES, size, int("W" in kind)
            return COUNTED[kind[0]]

        return read

    return begin


def fio() -> Reader:
    """Return a reader of fio's version 2 (waits between requests) or 3 (a time a line)."""
    version, now_us = 0, 0

    def read(words: Sequence[str]) -> Line:
        nonlocal version, now_us
        if version == 0:
            version = {"fio version 2 iolog": 2, "fio version 3 iolog": 3}[" ".join(words)]
            return None
        if version == 3:
            now_us, words = integer(words[0]), words[1:]
        _, action, *place = words
        if action in FILE_ACTIONS and not place:
            return None
        if action == "wait" and version == 2:
            now_us += integer(place[0])
            return None
        if action in SYNCS:
            return SYNCS[action]
        offset, size = place
        return now_us * NS_PER["us"], integer(offset), integer(size), {"read": 0, "write": 1}[action]

    return read


def _word(index: int) -> Callable[[Sequence[str]], str]:
    return lambda words: words[index]


_BLK = "8,0 3 11 0.009507758 697 D W 223490 + 56 [kjournald]"
_BLK_SHAPE = "DEVICE CPU SEQUENCE SECONDS PID D|Q R|W LBA + SECTORS"
_FIO_SHAPE = (
    "FILE read|write OFFSET BYTES below `fio version 2 iolog` (version 3: the time in us before FILE)"
)
IO = {
    "mqsim": Format(
        "ARRIVAL_NS DEVICE LBA SECTORS TYPE (0 write, 1 read)",
        "0 0 1024 16 1",
        DECIMAL,
        lambda: mqsim,
        volume=_word(1),
    ),
    "msr": Format(
        "TICKS,HOST,DISK,Read|Write,OFFSET,BYTES,RESPONSE",
        "128166372003061629,usr,0,Read,7014609920,24576,41286",
        DECIMAL,
        from_first(msr),
        commas,
        volume=lambda words: f"{words[1]}.{words[2]}",
        header="timestamp,hostname,disknumber,type,offset,size,responsetime",
    ),
    "blkparse": Format(_BLK_SHAPE, _BLK, DECIMAL, blkparse("D"), volume=_word(0)),
    "blkparse-queued": Format(
        _BLK_SHAPE, _BLK.replace(" D ", " Q "), DECIMAL, blkparse("Q"), volume=_word(0)
    ),
    "fio": Format(
        _FIO_SHAPE, "/dev/sda read 4096 4096", DECIMAL, fio, extensions=(".iolog",), volume=_word(-4)
    ),
    "spc": Format(
        "ASU,LBA,BYTES,R|W,SECONDS",
        "0,20941264,8192,W,0.551706",
        DECIMAL,
        lambda: spc,
        commas,
        volume=_word(0),
    ),
    "alibaba": Format(
        "DEVICE,R|W,OFFSET,BYTES,MICROSECONDS",
        "419,W,8792731648,16384,1577808144360767",
        DECIMAL,
        from_first(alibaba),
        commas,
        volume=_word(0),
        header="device_id,opcode,offset,length,timestamp",
    ),
    "tencent": Format(
        "SECONDS,LBA,SECTORS,0|1 (1 write),VOLUME",
        "1538323199,12910952,128,0,1063",
        DECIMAL,
        from_first(tencent),
        commas,
        volume=_word(4),
        header="timestamp,offset,size,iotype,volumeid",
    ),
}
