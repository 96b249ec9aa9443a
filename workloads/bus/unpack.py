"""What fast signal traces are packed with: LZ4 blocks, FastLZ, zlib."""

import zlib

from hw_models.unpacked import MOST_BYTES

LZ4_LEAST, FASTLZ_LEAST = 4, 3  # bytes of the shortest match
FAR = 8191  # of FastLZ's second level: distances from here on take two more bytes


def unzip(data: bytes, size: int, *, gzipped: bool = False) -> bytes:
    """Return ``size`` bytes out of zlib's data. Raises zlib.error, ValueError."""
    if size > MOST_BYTES:
        raise ValueError(f"{size} bytes are told")
    out = zlib.decompressobj(31 if gzipped else 15).decompress(data, size)
    return _whole(out, size)


def lz4(data: bytes, size: int) -> bytes:
    """Return ``size`` bytes out of an LZ4 block. Raises ValueError, IndexError."""
    out, at = bytearray(), 0
    while at < len(data):
        token = data[at]
        count, at = _lengthened(data, at + 1, token >> 4)
        out += data[at : at + count]
        at += count
        if at >= len(data) or len(out) > size:
            break
        distance = data[at] | data[at + 1] << 8
        count, at = _lengthened(data, at + 2, token & 15)
        _copy(out, distance, count + LZ4_LEAST)
    return _whole(bytes(out), size)


def _lengthened(data: bytes, at: int, count: int) -> tuple[int, int]:
    """Return a length of four bits and more, and where what follows it begins."""
    if count == 15:
        while True:
            more, at = data[at], at + 1
            count += more
            if more != 255:
                break
    return count, at


def fastlz(data: bytes, size: int) -> bytes:
    """Return ``size`` bytes out of FastLZ's data, of either level. Raises ValueError, IndexError."""
    out, at, far = bytearray(), 1, data[0] >> 5 == 1
    control = data[0] & 31
    while True:
        if control < 32:
            out += data[at : at + control + 1]
            at += control + 1
        else:
            count, distance = (control >> 5) - 1, (control & 31) << 8
            if count == 6:
                more = 255
                while more == 255:
                    more, at = data[at], at + 1
                    count += more
                    if not far:
                        break
            low, at = data[at], at + 1
            distance += low
            if far and low == 255 and control & 31 == 31:
                distance, at = (data[at] << 8) + data[at + 1] + FAR, at + 2
            _copy(out, distance + 1, count + FASTLZ_LEAST)
        if at >= len(data) or len(out) > size:
            return _whole(bytes(out), size)
        control, at = data[at], at + 1


def _copy(out: bytearray, distance: int, count: int) -> None:
    """Append ``count`` bytes from ``distance`` back, which they may overlap."""
    if not 0 < distance <= len(out):
        raise ValueError("a match before its beginning")
    begin = len(out) - distance
    if distance >= count:
        out += out[begin : begin + count]
        return
    piece = bytes(out[begin:])
    out += (piece * (count // distance + 1))[:count]


def _whole(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError(f"{len(data)} bytes where {size} are told")
    return data
