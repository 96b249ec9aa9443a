"""The one place that imports numba: `from hw_models.jit import inlined, njit`.

numba caches a compiled caller by the time stamp of its own file only, so an edited callee would leave a
stale answer behind. The cache folder is therefore named by a hash of all kernels and of what they import: an
edited report or importer compiles nothing anew.
"""

import hashlib
import os
import re
from pathlib import Path

import numba
from numba.core.types import unliteral  # type: ignore[attr-defined]  # numba's partial annotations

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("hw_models", "workloads", "simulator")


_IMPORT = re.compile(rb"^\s*from ([\w.]+) import (\([^)]*\)|[^\n]*)", re.MULTILINE)


def kernel_sources() -> list[Path]:
    """Return the files that define kernels, and all files of the project that these import, sorted."""
    files = {path: path.read_bytes() for package in _PACKAGES for path in (_ROOT / package).rglob("*.py")}
    found, todo = (
        set(),
        [path for path, text in files.items() if b"@njit" in text or b"@inlined" in text],
    )
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        for module, names in _IMPORT.findall(files[path]):
            folder = _ROOT.joinpath(*module.decode().split("."))
            modules = [folder, *(folder / name for name in re.findall(r"\w+", names.decode()))]
            todo += [
                file for m in modules for file in (m.with_suffix(".py"), m / "__init__.py") if file in files
            ]
    return sorted(found)


def sources_digest() -> str:
    """Return 12 hex digits that change whenever a file changes that compiled code can depend on."""
    digest = hashlib.sha256()
    for path in kernel_sources():
        digest.update(str(path.relative_to(_ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _cache_folder() -> Path:
    base = os.environ.get("DLASIM_CACHE_DIR")
    root = Path(base) if base else Path.home() / ".cache" / "dlasim"
    checked = "-boundscheck" if numba.config.BOUNDSCHECK else ""
    return root / f"{sources_digest()}{checked}"


numba.config.CACHE_DIR = str(_cache_folder())


def njit(function, forceinline=False):
    """Compile ``function`` with numba, cached on disk, once: a constant argument is an int64 like any other.

    numba would compile a callee anew for every literal that it is called with.
    """
    dispatcher = numba.njit(cache=True, forceinline=forceinline)(function)
    if hasattr(dispatcher, "get_call_template"):  # not where NUMBA_DISABLE_JIT leaves plain functions
        resolve = dispatcher.get_call_template
        dispatcher.get_call_template = lambda args, kws: resolve(
            tuple(map(unliteral, args)), {name: unliteral(type_) for name, type_ in kws.items()}
        )
    return dispatcher


def inlined(function):
    """Compile as `njit` does, and let the code be part of every caller: for small or once-called hot helpers.

    The event loop is a sixth faster for it, and compiles no slower.
    """
    return njit(function, forceinline=True)
