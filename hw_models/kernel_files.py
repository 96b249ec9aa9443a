"""What a compiled kernel's file holds, and that nothing wrong comes out of one.

numba lists the files of a function in an index that whoever compiles writes anew: two processes that compile
at the same time can leave an index that names the other's code, and a damaged file ends in a traceback. Here
a file is named by what it was compiled for, and holds that and a digest of itself: it is whole, or compiled
anew. Files are renamed into place, so that none is ever half-written. What came with the package
(`hw_models.kernel_levels`) is read where the user's own cache has none.
"""

import hashlib
import io
import multiprocessing
import os
import pickle
import sys
import time
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import types
from numba.core.serialize import NumbaPickler

from hw_models.kernel_levels import shipped

_MAGIC = f"dlasim kernel 2, numba {numba.__version__}\n".encode()
_DIGEST = hashlib.sha256
_STALE_S = 3600  # a file of a process that was killed while it wrote
_told: set[str] = set()


def tell(what: str) -> None:
    """Say on stderr, once, what is wrong with the cache; the run goes on without."""
    if what not in _told and multiprocessing.parent_process() is None:  # a pool's workers need not repeat it
        _told.add(what)
        print(f"warning: {what}", file=sys.stderr)


class _Pickler(NumbaPickler):
    """numba's, which makes the bytes of a record's type, of hundreds of fields, once."""

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, types.Record):
            return _record, (_pickled(thing),)
        return super().reducer_override(thing)


def _dumps(thing: Any, pickler: Any = _Pickler) -> bytes:
    written = io.BytesIO()
    pickler(written, protocol=4).dump(thing)
    return written.getvalue()


@cache
def _pickled(record: Any) -> bytes:
    return _dumps(record, NumbaPickler)


@cache
def _record(pickled: bytes) -> Any:
    return pickle.loads(pickled)


class KernelFiles:
    """The files of one function, as numba's dispatcher asks for them: by signature and kind of processor."""

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = folder, name

    def load(self, key: Any) -> Any:
        """Return what was saved for ``key``, None if that has to be compiled."""
        kept = _read(self._path(key), key)
        if kept is None and (came := shipped()) is not None:
            key = came.key(key)
            kept = _read(came.folder / self.folder.name / self._path(key).name, key)
        return kept

    def save(self, key: Any, data: Any) -> None:
        """Keep ``data`` for ``key``, if the disk takes it."""
        payload = _dumps((key, data))
        partial = self.folder / f"{uuid.uuid4().hex[:16]}.tmp"
        try:
            _drop_stale(self.folder)
            partial.write_bytes(_MAGIC + _DIGEST(payload).digest() + payload)
            partial.replace(self._path(key))
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            reason = (error.strerror or str(error)).lower()
            tell(f"compiled kernels cannot be kept in {self.folder.parent} ({reason}); see DLASIM_CACHE_DIR")

    def flush(self) -> None:
        """Forget what is kept, as numba's dispatcher may ask for."""
        for path in self.folder.glob(f"{self.name}.*.nbc"):
            path.unlink(missing_ok=True)

    def _path(self, key: Any) -> Path:
        return self.folder / f"{self.name}.{_DIGEST(str(key).encode()).hexdigest()[:16]}.nbc"


@cache
def _drop_stale(folder: Path) -> None:
    for path in folder.glob("*.tmp"):
        with suppress(OSError):
            if abs(time.time() - path.stat().st_mtime) > _STALE_S:
                os.unlink(path)


def _read(path: Path, key: Any) -> Any:
    """Return what a file holds for ``key``, None without."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if not content.startswith(_MAGIC):  # of another version
        return None
    digest, payload = content[len(_MAGIC) :][: _DIGEST().digest_size], content[len(_MAGIC) :]
    payload = payload[len(digest) :]
    if _DIGEST(payload).digest() != digest:
        tell(f"{path} is damaged; the kernel is compiled anew")
        return None
    try:
        saved_for, data = pickle.loads(payload)  # the user's own cache, or the package's: see SECURITY.md
    except (ImportError, AttributeError):  # another version made it, of modules that this one has not
        return None
    return data if saved_for == key else None
