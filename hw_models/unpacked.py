"""Files that may be compressed: read as they are, and never more of them than fits."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any, TextIO

from hw_models.errors import ConfigError

MOST_BYTES = 4 * 2**30  # that a file may unpack to: a small one can hold a thousand times its size


class _Bounded(gzip.GzipFile):
    """A .gz file that raises ConfigError once more has come out of it than it may hold."""

    def __init__(self, path: Path):
        super().__init__(path, "rb")
        self.path, self.left = path, MOST_BYTES

    def read(self, size: int | None = -1) -> bytes:
        return self._within(super().read(self.left + 1 if size is None or size < 0 else size))

    def read1(self, size: int = -1) -> bytes:
        return self._within(super().read1(size))

    def _within(self, data: bytes) -> bytes:
        self.left -= len(data)
        if self.left < 0:
            raise too_large(self.path)
        return data


def too_large(path: Path) -> ConfigError:
    return ConfigError(f"unpacks to more than {MOST_BYTES} B; write a shorter file", file=path)


def text_of(path: Path, encoding: str = "utf-8", newline: str | None = None) -> TextIO:
    """Return the text file at ``path``, opened, plain or .gz; reading too much of it raises ConfigError."""
    if path.suffix == ".gz":
        return io.TextIOWrapper(_Bounded(path), encoding=encoding, newline=newline)
    return path.open(encoding=encoding, newline=newline)


def bytes_of(path: Path) -> bytes:
    """Return the content of the file at ``path``, plain or .gz. Raises ConfigError if it is too large."""
    if path.suffix != ".gz":
        return path.read_bytes()
    with _Bounded(path) as file:
        return file.read()


def check_archive(path: Path) -> None:
    """Raise ConfigError for a .zip or .npz file that unpacks to too much."""
    with zipfile.ZipFile(path) as archive:
        entries: list[Any] = archive.infolist()
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise too_large(path)
