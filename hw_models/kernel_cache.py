"""Where compiled kernels lie on disk: in folders named by what they were compiled from.

numba knows a cached function by its file's path and text, so an edited callee would leave a stale answer
behind, and a second checkout, environment or version would compile everything anew. Here a function lies in
a folder named by its module and by a hash of that file and of all that it imports: it is stale exactly when
one of those changes, and whoever holds the same sources finds the same code.
"""

import hashlib
import os
import re
from functools import cache
from pathlib import Path

import numba
from numba.core.caching import _CacheLocator

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("hw_models", "workloads", "simulator")
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
    found: set[Path] = set()
    todo = [path]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += _imports(path)
    return sorted(found)


def _digest(path: Path) -> str:
    """Return 12 hex digits that change whenever a file changes that code from ``path`` can depend on."""
    inside = path in _texts()
    digest = hashlib.sha256(b"" if inside else path.read_bytes())
    for source in sources_of(path) if inside else sorted(_texts()):
        digest.update(str(source.relative_to(_ROOT)).encode())
        digest.update(_texts()[source])
    return digest.hexdigest()[:12]


@cache
def folder_of(path: Path) -> Path:
    """Return the folder for what is compiled from ``path``, under DLASIM_CACHE_DIR or ~/.cache/dlasim."""
    base = os.environ.get("DLASIM_CACHE_DIR")
    root = Path(base) if base else Path.home() / ".cache" / "dlasim"
    module = ".".join(path.relative_to(_ROOT).with_suffix("").parts) if path in _texts() else path.stem
    checked = "-boundscheck" if numba.config.BOUNDSCHECK else ""
    return root / f"{module}-{_digest(path)}{checked}"


class BySources(_CacheLocator):
    """What numba asks for the folder of a function; its name holds all that could make the code stale."""

    def __init__(self, line: int, folder: Path):
        self._line, self._folder = line, folder

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


def can_keep(function) -> bool:
    """Tell whether the folder of ``function`` can be written; what is compiled is else not kept."""
    try:
        _folder_of_function(function).mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(_folder_of_function(function), os.W_OK)
