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
    packets = list(_PACKET.finditer(text))
    if not packets:
        _load_rows(memory, path, text, address, size)
        return
    for packet in packets:
        try:
            offset, count = int(packet[1], 0), int(packet[2], 0)
            payload = [int(byte, 0) for byte in packet[3].split()]
            if len(payload) != count:
                raise ValueError(f"size:{count}, but {len(payload)} bytes")
            data = np.array(payload, np.uint8)
        except (ValueError, OverflowError) as error:
            line = text.count("\n", 0, packet.start()) + 1
            raise ConfigError(f"{error} in a packet", file=path, line=line) from None
        memory.write(address + offset, data)


def _load_rows(memory: Memory, path: Path, text: str, address: int, size: int) -> None:
    """Rows of bytes, each `0x12` or `12`, the first of a row at the lowest address; `#` and `//` comment."""
    digits = []
    for number, line in enumerate(text.splitlines(), 1):
        line = re.sub(r"#.*|//.*", "", line)
        for word in line.replace(",", " ").split():
            word = word.lower().removeprefix("0x")
            if len(word) % 2 or not re.fullmatch(r"[0-9a-f]+", word):
                raise ConfigError(f"{word!r} is not bytes in hexadecimal", file=path, line=number)
            digits.append(word)
    data = np.frombuffer(bytes.fromhex("".join(digits)), np.uint8)
    memory.write(address, data[:size] if size else data)
