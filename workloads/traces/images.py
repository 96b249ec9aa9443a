"""Memory images: packets `{offset:0x20, size:4, payload:0x00 0x10 ...}` of a .cfg, or rows of bytes."""

import re
from pathlib import Path

import numpy as np

from hw_models.errors import ConfigError
from hw_models.nvdla.values.memory import Memory

_PACKET = re.compile(r"\{\s*offset\s*:\s*(\w+)\s*,\s*size\s*:\s*(\w+)\s*,\s*payload\s*:([^}]*)\}")


def load_image(memory: Memory, path: Path, address: int, size: int = 0) -> None:
    """Put an image into memory; ``size`` > 0: as many bytes. Raises ConfigError."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise ConfigError("cannot be read; a memory image is text beside its program", file=path) from None
    plain = _rows_of_one_width(text)
    if plain is not None and not size:
        memory.write(address, plain)
        return
    packets = list(_PACKET.finditer(text))
    if not packets:
        _load_rows(memory, path, text, address, size)
        return
    for packet in packets:
        line = text.count("\n", 0, packet.start()) + 1
        try:
            offset, count = int(packet[1], 0), int(packet[2], 0)
            payload = np.array([int(byte, 0) for byte in packet[3].split()], np.uint8)
        except (ValueError, OverflowError):
            message = "a packet with what is no number; write offset and size, and bytes from 0x00 to 0xff"
            raise ConfigError(message, file=path, line=line) from None
        if len(payload) != count:
            raise ConfigError(f"size:{count}, but {len(payload)} bytes in a packet", file=path, line=line)
        memory.write(address + offset, payload)


_HEAD = b"{offset:0x00000000, size:32, payload:"  # of a packet as `write.py` writes it
_TAIL = 3  # bytes behind its payload
_HEX = np.full(256, 255, np.uint8)
_HEX[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


def _rows_of_one_width(text: str) -> np.ndarray | None:
    """Return the bytes of an image whose packets all have 32 and follow each other; None for others."""
    body = np.frombuffer(text.encode("ascii"), np.uint8)[2:-2]
    width = len(_HEAD) + 5 * 32 - 1 + _TAIL
    if body.size == 0 or body.size % width:
        return None
    rows = body.reshape(-1, width)
    fixed = [*range(10), *range(18, len(_HEAD))]
    if np.any(rows[:, fixed] != np.frombuffer(_HEAD, np.uint8)[fixed]):
        return None
    offsets = np.zeros(len(rows), np.int64)
    for digit in range(10, 18):
        offsets = offsets * 16 + _HEX[rows[:, digit]]
    high = _HEX[rows[:, len(_HEAD) + 2 : width - _TAIL : 5]]
    low = _HEX[rows[:, len(_HEAD) + 3 : width - _TAIL : 5]]
    in_order = np.array_equal(offsets, np.arange(len(rows)) * 32)
    return high << 4 | low if in_order and max(high.max(), low.max()) < 16 else None


def _load_rows(memory: Memory, path: Path, text: str, address: int, size: int) -> None:
    """Rows of bytes, each `0x12` or `12`, the first of a row at the lowest address; `#` and `//` comment.

    Where some rows begin with 0x the others are no data.
    """
    digits = []
    marked = re.search(r"^\s*0x", text, re.MULTILINE) is not None
    for number, line in enumerate(text.splitlines(), 1):
        line = re.sub(r"#.*|//.*", "", line)
        if marked and not line.lstrip().startswith("0x"):
            continue
        for word in line.replace(",", " ").split():
            word = word.lower().removeprefix("0x")
            if len(word) % 2 or not re.fullmatch(r"[0-9a-f]+", word):
                raise ConfigError(f"{word!r} is not bytes in hexadecimal", file=path, line=number)
            digits.append(word)
    data = np.frombuffer(bytes.fromhex("".join(digits)), np.uint8)
    memory.write(address, data[:size] if size else data)
