"""What the memory of an SoC holds for masters that stand outside: bytes at 64-bit addresses."""

import mmap
import re
from pathlib import Path

import numpy as np

from hw_models.axi.state import STORE
from hw_models.axi.store import PAGE_SHIFT, PAGE_WORDS, place_of
from hw_models.errors import ConfigError

PAGE_BYTES = 1 << PAGE_SHIFT
MOST_PAGES = 2**22  # 16 GiB of addresses of this process; only what is touched takes memory
FEWEST_PAGES = 2**14
HEX_ENDINGS = (".hex", ".mem", ".vmem")


def untouched(bytes_: int) -> np.ndarray:
    """Return zeros, shape (bytes,) uint8, that take memory once they are touched. Raises OSError."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    return np.frombuffer(mmap.mmap(-1, bytes_, flags=flags), np.uint8)


class Memory:
    """Sparse, zero where nothing was written. ``memory[address]`` is a byte.

    Examples:
        >>> memory = Memory()
        >>> memory.write(0xFFFF_FFFF_0000_0FFE, b"abcd")
        >>> memory.read(0xFFFF_FFFF_0000_0FFD, 6)
        b'\\x00abcd\\x00'
    """

    def __init__(self) -> None:
        pages = MOST_PAGES
        while True:
            try:
                self.pool = untouched(pages * PAGE_BYTES).view(np.uint64).reshape(pages, PAGE_WORDS)
                break
            except OSError:
                if pages <= FEWEST_PAGES:
                    raise
                pages //= 2
        self.keys = untouched(2 * pages * 16).view(np.int64).reshape(2 * pages, 2)
        self.store = np.zeros(1, STORE)
        self.store["limit"] = pages

    def read(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes from ``address`` on."""
        parts = []
        for page, first, end in _pieces(address, size):
            place = place_of(self.store[0], self.keys, page, False)
            parts.append(
                bytes(self.pool[place].view(np.uint8)[first:end]) if place >= 0 else bytes(end - first)
            )
        return b"".join(parts)

    def write(self, address: int, data: bytes | bytearray | memoryview | np.ndarray) -> None:
        """Write ``data`` from ``address`` on. Raises MemoryError when there is no room for more pages."""
        raw = np.frombuffer(np.ascontiguousarray(data) if isinstance(data, np.ndarray) else data, np.uint8)
        done = 0
        for page, first, end in _pieces(address, len(raw)):
            place = place_of(self.store[0], self.keys, page, True)
            if place < 0:
                raise MemoryError(f"{len(self.pool)} pages of {PAGE_BYTES} B are all in use")
            self.pool[place].view(np.uint8)[first:end] = raw[done : done + end - first]
            done += end - first

    def __getitem__(self, address: int) -> int:
        return self.read(address, 1)[0]

    def __setitem__(self, address: int, value: int) -> None:
        self.write(address, bytes([value]))

    def load(self, file: str | Path, address: int = 0, *, word_bytes: int = 1) -> int:
        """Write a file from ``address`` on; return how many bytes. Raises ConfigError.

        A file that ends in .hex, .mem or .vmem is Verilog's ($readmemh): words of ``word_bytes``, `@` and the
        number of a word. Any other is binary.
        """
        path = Path(file)
        try:
            if path.suffix not in HEX_ENDINGS:
                data = path.read_bytes()
                self.write(address, data)
                return len(data)
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"cannot be read ({_reason(error)}); write a file that can", file=path
            ) from None
        return self._load_hex(path, text, address, word_bytes)

    def _load_hex(self, path: Path, text: str, address: int, word_bytes: int) -> int:
        written, word = 0, 0
        plain = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
        for number, line in enumerate(plain.splitlines(), 1):
            for token in line.partition("//")[0].split():
                digits = token.removeprefix("@").replace("_", "")
                if not re.fullmatch(r"[0-9a-fA-F]+", digits):
                    message = f"{token!r} is no hexadecimal number; write digits 0-9 and a-f"
                    raise ConfigError(message, file=path, line=number)
                if token.startswith("@"):
                    word = int(digits, 16)
                    continue
                if int(digits, 16) >> 8 * word_bytes:
                    message = f"{token!r} is more than a word of {word_bytes} B; write word_bytes="
                    raise ConfigError(message, file=path, line=number)
                self.write(address + word * word_bytes, int(digits, 16).to_bytes(word_bytes, "little"))
                word, written = word + 1, written + word_bytes
        return written

    def dump(self, file: str | Path, address: int, size: int, *, word_bytes: int = 1) -> None:
        """Write ``size`` bytes from ``address`` on to a file, as `load` reads it back."""
        path, data = Path(file), self.read(address, size)
        if path.suffix not in HEX_ENDINGS:
            path.write_bytes(data)
            return
        words = (data[i : i + word_bytes][::-1].hex() for i in range(0, size, word_bytes))
        path.write_text("".join(f"{word}\n" for word in words))


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or "not text").lower()


def _pieces(address: int, size: int) -> list[tuple[int, int, int]]:
    """Return (page number, first byte, end) of each page touched. Raises ValueError beyond 64 bits."""
    if address < 0 or size < 0 or address + size > 2**64:
        raise ValueError(f"{size} B at {address:#x} are not within 64 bits of address")
    pieces, end = [], address + size
    while address < end:
        stop = min(end, (address // PAGE_BYTES + 1) * PAGE_BYTES)
        pieces.append((address // PAGE_BYTES, address % PAGE_BYTES, (stop - 1) % PAGE_BYTES + 1))
        address = stop
    return pieces
