"""Compiled kernels are found again by whoever holds the same sources, and by nobody else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hw_models
from hw_models.jit import numba

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")

LEAF = "from hw_models.jit import njit\n\n@njit\ndef leaf(x):\n    return x + 1\n"
CALLER = (
    LEAF.replace("import njit", "import njit\nfrom hw_models.leaf import leaf")
    .replace("def leaf", "def call")
    .replace("x + 1", "leaf(x)")
)
ALONE = "from hw_models.jit import njit\n\n@njit\ndef alone(x):\n    return 2 * x\n"
ASK = """
from hw_models.alone import alone
from hw_models.caller import call
print(call(1), alone(1), *(sum(f.stats.cache_hits.values()) for f in (call, alone)))
"""


def checkout(folder: Path) -> Path:
    package = folder / "hw_models"
    package.mkdir(parents=True)
    for name in ("__init__", "jit", "kernel_cache"):
        shutil.copy(Path(hw_models.__file__).parent / f"{name}.py", package)
    for name, text in (("leaf", LEAF), ("caller", CALLER), ("alone", ALONE)):
        (package / f"{name}.py").write_text(text)
    return folder


def ask(folder: Path, cache: Path) -> str:
    """Return the answers of two kernels and how many of each were found compiled."""
    environment = {**os.environ, "DLASIM_CACHE_DIR": str(cache), "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_another_checkout_finds_them_and_an_edited_callee_compiles_its_callers_only(tmp_path):
    first, second = checkout(tmp_path / "a"), checkout(tmp_path / "b")
    assert ask(first, tmp_path / "cache") == "2 2 0 0"
    assert ask(second, tmp_path / "cache") == "2 2 1 1"
    (second / "hw_models/leaf.py").write_text(LEAF.replace("x + 1", "x + 7"))
    assert ask(second, tmp_path / "cache") == "8 2 0 1"
    assert ask(first, tmp_path / "cache") == "2 2 1 1"


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").write_text("")
    assert ask(checkout(tmp_path / "a"), tmp_path / "file") == "2 2 0 0"
