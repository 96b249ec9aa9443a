"""Where compiled kernels lie on disk: in folders named by what they were compiled from.

numba knows a cached function by its file's path and text, so an edited callee would leave a stale answer
behind, and a second checkout, environment or version would compile everything anew. Here a function lies in
a folder named by its module and by a hash of that file, of all that it imports, and of `hw_models.likely`'s
table: it is stale exactly when one of those changes, and whoever holds the same sources finds the same code.
"""

import hashlib
import os
import re
import shutil
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import numba
from numba.core.caching import _CacheLocator

from hw_models.kernel_files import KernelFiles, tell
from hw_models.kernel_levels import places
from hw_models.likely import TABLE
from hw_models.limits import NARROW
from hw_models.width import MASTERS

NEWEST = 4  # folders of a module that stay, however old
KEPT_S = 30 * 24 * 3600  # a folder that nobody has used for so long goes when a new one comes
_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("hw_models", "workloads", "simulator")
# they say where code lies, and nothing of the code
_PLACES = ("kernel_cache.py", "kernel_files.py", "kernel_levels.py")
_WIDTH = _ROOT / "hw_models" / "width.py"  # kernels of what imports it differ with the masters that fit
_IMPORT = re.compile(rb"^\s*from ([\w.]+) import (\([^)]*\)|[^\n]*)", re.MULTILINE)


@cache
def _texts() -> dict[Path, bytes]:
    """Return all source files of the project."""
    return {path: path.read_bytes() for package in _PACKAGES for path in (_ROOT / package).rglob("*.py")}


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Return the project's files that ``path`` imports, packages and modules alike."""
    found = []
    for module, names in _IMPORT.findall(_texts()[path]):
        folder = _ROOT.joinpath(*module.decode().split("."))
        for target in (folder, *(folder / name for name in re.findall(r"\w+", names.decode()))):
            found += [
                file for file in (target.with_suffix(".py"), target / "__init__.py") if file in _texts()
            ]
    return tuple(found)


def sources_of(path: Path) -> list[Path]:
    """Return ``path`` and all files of the project that it imports, directly or not, sorted."""
    found: set[Path] = {_ROOT / "hw_models" / name for name in _PLACES}
    places, todo = set(found), [path]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += _imports(path)
    return sorted(found - places)


def _digest(path: Path) -> str:
    """Return 12 hex digits that change whenever a file changes that code from ``path`` can depend on."""
    inside = path in _texts()
    digest = hashlib.sha256(b"" if inside else path.read_bytes())
    digest.update(TABLE.read_bytes())
    for source in sources_of(path) if inside else sorted(_texts()):
        digest.update(str(source.relative_to(_ROOT)).encode())
        digest.update(_texts()[source])
    return digest.hexdigest()[:12]


def root() -> Path:
    """Return the folder of all: DLASIM_CACHE_DIR, or ~/.cache/dlasim. Raises RuntimeError without a home."""
    base = os.environ.get("DLASIM_CACHE_DIR")
    return Path(base) if base else Path.home() / ".cache" / "dlasim"


@cache
def folder_of(path: Path) -> Path:
    """Return the folder for what is compiled from ``path``. Raises RuntimeError without a home."""
    checked = "-boundscheck" if numba.config.BOUNDSCHECK else ""
    wide = f"-{MASTERS}" if MASTERS != NARROW and _WIDTH in sources_of(path) else ""
    return root() / f"{_module(path)}-{_digest(path)}{wide}{checked}"


def _module(path: Path) -> str:
    return ".".join(path.relative_to(_ROOT).with_suffix("").parts) if path in _texts() else path.stem


class BySources(_CacheLocator):
    """What numba asks for the folder of a function; its name holds all that could make the code stale."""

    def __init__(self, line: int, folder: Path):
        self._line, self._folder = line, folder

    def ensure_cache_path(self) -> None:
        """It is there, or `KernelFiles` says why not."""

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._folder.name

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, function, file: str) -> "BySources":
        return cls(function.__code__.co_firstlineno, _folder_of_function(function))


def _folder_of_function(function) -> Path:
    return folder_of(Path(function.__code__.co_filename).resolve())


def find_files(dispatcher) -> None:
    """Let numba's ``dispatcher`` keep its code in files of ours."""
    kept = dispatcher._cache
    kept._cache_file = KernelFiles(Path(kept.cache_path), kept._impl.filename_base)


@cache
def _made(folder: Path) -> bool:
    """Tell whether a folder is there; a new one is made, and takes the place of old ones."""
    try:
        if folder.is_dir():
            with suppress(OSError):  # somebody else's: it may be read
                os.utime(folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            drop_old(folder)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        tell(f"compiled kernels cannot be kept in {folder.parent} ({reason}); see DLASIM_CACHE_DIR")
        return False
    return True


def drop_old(new: Path) -> None:
    """Remove folders of ``new``'s module that nobody has used for long; the newest stay."""
    module = new.name[: new.name.index("-")]
    used = {}
    for folder in new.parent.glob(f"{module}-*"):
        with suppress(OSError):
            used[folder] = folder.stat().st_mtime
    for folder in sorted(used, key=lambda folder: used[folder])[:-NEWEST]:
        if time.time() - used[folder] > KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)


def can_keep(function) -> bool:
    """Tell whether ``function`` has a folder for what is compiled of it; else it is compiled each time."""
    try:
        folder = _folder_of_function(function)
        return _made(folder) or any(place.is_dir() for place in places(folder))
    except RuntimeError:
        tell("compiled kernels cannot be kept (there is no home directory); see DLASIM_CACHE_DIR")
        return False
