"""Kernels that come with the package: machine code for a level of processors, not for one of them.

`DLASIM_KERNELS=LEVEL pip install .` has `simulator.soc.ship` compile them. They serve on processors that
have what the level has, by the same versions of numba and llvmlite with the same settings of numba's; all
else is compiled.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import llvmlite
import llvmlite.binding as ll
import numba

FOLDER = Path(__file__).with_name("kernels")
_SETTINGS = "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DEBUGINFO_DEFAULT", "ENABLE_AVX", "USING_SVML"


class Level(NamedTuple):
    """A level of processors, and what LLVM calls it."""

    processor: str
    features: frozenset[str]  # that one has at least

    @property
    def lacks(self) -> list[str]:
        """Return what this machine has not of it."""
        try:
            host = ll.get_host_cpu_features()
        except RuntimeError:  # LLVM cannot tell
            return sorted(self.features)
        return sorted(name for name in self.features if not host.get(name))


LEVELS = {
    "x86-64-v3": Level(  # x86-64 psABI 1.0, table 3.1
        "x86-64-v3",
        frozenset({"cx16", "popcnt", "sahf", "sse3", "sse4.1", "sse4.2", "ssse3"})  # v2
        | {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "xsave"},
    ),
    "aarch64": Level("generic", frozenset({"neon"})),  # Armv8-A
}


class Shipped(NamedTuple):
    """The kernels that this process can use."""

    folder: Path  # of folders named as the cache's
    processor: str

    def key(self, key: tuple) -> tuple:
        """Return what a kernel was saved for that the cache has for ``key``: numba's index key."""
        types, (triple, *_), *hashes = key
        return types, (triple, self.processor, ""), *hashes


def folder_for(level: str) -> Path:
    """Return where the kernels for a level lie that this numba would make."""
    settings = [int(getattr(numba.config, name)) for name in _SETTINGS]
    made_by = repr((ll.get_process_triple(), numba.__version__, llvmlite.__version__, settings))
    return FOLDER / f"{level}-{hashlib.sha256(made_by.encode()).hexdigest()[:12]}"


@cache
def shipped() -> Shipped | None:
    """Return the kernels that came with the package, None if this process cannot use them."""
    if numba.config.CPU_NAME is not None or numba.config.CPU_FEATURES is not None:  # code for another
        return None
    for name, level in LEVELS.items():
        if folder_for(name).is_dir() and not level.lacks:
            return Shipped(folder_for(name), level.processor)
    return None


def places(folder: Path) -> list[Path]:
    """Return where kernels of a ``folder`` of the cache may lie: there, or with the package."""
    came = shipped()
    return [folder] if came is None else [folder, came.folder / folder.name]
