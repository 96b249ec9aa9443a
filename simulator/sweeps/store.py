"""The folder of a sweep while it runs: every point on disk as soon as it is known, one writer at a time.

`--resume` takes up a partial folder, or a finished one. Points that other sources or another schema have
written, or that cannot be read, are simulated anew and counted.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from hw_models.errors import ConfigError
from simulator.results.result import SCHEMA_VERSION
from simulator.results.run_folder import put_in_place

Answer = dict[str, Any]  # {"summary": ..., "config": ...} or {"error": ..., "config": ...}
KEY_LENGTH = 24  # hex digits of a config's digest that name its file


def sources_digest() -> str:
    """Return 12 hex digits that change whenever any source file of dlasim does."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for package in ("hw_models", "workloads", "simulator"):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class Store:
    """The points of one sweep on disk."""

    def __init__(self, folder: Path, retry_failed: bool = False):
        self.folder, self.retry_failed = folder, retry_failed
        self.points = folder / "points"
        self.points.mkdir(parents=True, exist_ok=True)
        self.written_by = {"schema_version": SCHEMA_VERSION, "sources": sources_digest()}
        self.stale = 0  # points that were there and are simulated anew
        self.kept = sum(1 for _ in self.points.glob("*.json"))

    def read(self, key: str) -> Answer | None:
        """Return what is known of the config with this digest, None if it is to be simulated."""
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            answer = json.loads(path.read_text(encoding="utf-8"))
            good = all(answer.get(name) == value for name, value in self.written_by.items())
        except (OSError, ValueError, AttributeError):
            good = False
        if not good:
            self.stale += 1
            return None
        return None if self.retry_failed and "error" in answer else answer

    def keep(self, key: str, answer: Answer) -> None:
        """Write what is known of the config with this digest. Raises ConfigError where the disk refuses."""
        path = self._path(key)
        partial = path.with_suffix(".partial")
        try:
            partial.write_text(json.dumps(self.written_by | answer, indent=1) + "\n", encoding="utf-8")
            more = not path.exists()
            partial.replace(path)
            self.kept += more
        except OSError as error:
            partial.unlink(missing_ok=True)
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(
                f"cannot be written ({reason}); {self.kept} points are kept, make room and --resume",
                file=self.folder,
            ) from None

    def _path(self, key: str) -> Path:
        return self.points / f"{key[:KEY_LENGTH]}.json"


def partial_folder(out: Path) -> Path:
    """Return where a sweep that is not complete lies."""
    return out.with_name(f".{out.name}.partial")


@contextmanager
def store_of(out: Path | None, *, resume: bool, fresh: bool, retry_failed: bool) -> Iterator[Store | None]:
    """Yield the store whose folder becomes ``out`` when the sweep is complete. Raises ConfigError."""
    if out is None:
        yield None
        return
    folder = partial_folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        count = sum(1 for _ in (folder / "points").glob("*.json"))
        if count and not (resume or fresh):
            held = f"holds {count} points of a sweep that did not end"
            raise ConfigError(f"{held}; --resume to keep them, --fresh to begin anew", file=folder)
        if fresh:
            for path in folder.iterdir():
                if path.name != "lock":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        elif resume:
            _take_over(out / "points", folder / "points")
        yield Store(folder, retry_failed)
        (folder / "lock").unlink()
        put_in_place(folder, out)


def _take_over(done: Path, points: Path) -> None:
    """Copy the points of the finished sweep that the one under way does not have anew."""
    points.mkdir(exist_ok=True)
    for path in done.glob("*.json"):
        if not (points / path.name).exists():
            shutil.copy2(path, points)


@contextmanager
def _lock(folder: Path) -> Iterator[TextIO]:
    with (folder / "lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(
                "another sweep writes this folder; wait for its end, or write another --out", file=folder
            ) from None
        yield file
