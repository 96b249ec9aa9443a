"""Memory contents as pages of bytes: what a program loads, and what operations read and write."""

import zlib

import numpy as np

PAGE_BYTES = 1 << 16


class Memory:
    """A sparse memory; what nobody wrote reads as zeros."""

    def __init__(self) -> None:
        self._pages: dict[int, np.ndarray] = {}

    def read(self, address: int, size: int) -> np.ndarray:
        """Return ``size`` bytes from ``address`` on, shape (size,) uint8, a copy."""
        data = np.zeros(size, np.uint8)
        for page, start, at, count in _pieces(address, size):
            if page in self._pages:
                data[at : at + count] = self._pages[page][start : start + count]
        return data

    def write(self, address: int, data: np.ndarray) -> None:
        """Store bytes (any shape, contiguous) at ``address``."""
        flat = np.ascontiguousarray(data).view(np.uint8).reshape(-1)
        for page, start, at, count in _pieces(address, flat.size):
            if page not in self._pages:
                self._pages[page] = np.zeros(PAGE_BYTES, np.uint8)
            self._pages[page][start : start + count] = flat[at : at + count]

    def holds(self, address: int, size: int) -> bool:
        """Tell whether anybody wrote near a range."""
        return any(page in self._pages for page, *_ in _pieces(address, size))

    def crc32(self, address: int, size: int) -> int:
        """Return the CRC of a range (zlib's polynomial, as NVDLA's tests use it)."""
        return zlib.crc32(self.read(address, size).tobytes())


def _pieces(address: int, size: int) -> list[tuple[int, int, int, int]]:
    """Return (page, first byte in it, first byte of the data, bytes) for a range."""
    pieces, at = [], 0
    while at < size:
        page, start = divmod(address + at, PAGE_BYTES)
        count = min(PAGE_BYTES - start, size - at)
        pieces.append((page, start, at, count))
        at += count
    return pieces
