"""Another commit, checked out beside this one for as long as it is measured."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASELINE = "f819ccf"  # what the frame and a first run are compared with; DLASIM_BASELINE names another commit


def baseline() -> str:
    """Return the commit to compare with; a test that asks is skipped where the history does not have it."""
    commit = os.environ.get("DLASIM_BASELINE", BASELINE)
    there = ["git", "-C", str(ROOT), "cat-file", "-e", f"{commit}^{{commit}}"]
    if subprocess.run(there, capture_output=True, check=False).returncode != 0:
        pytest.skip(f"this clone has no commit {commit}; fetch all, or set DLASIM_BASELINE")
    return commit


def outside() -> dict[str, str]:
    """Return this process's environment without what tests set of ours."""
    return {name: text for name, text in os.environ.items() if not name.startswith("DLASIM_")}


def compare(benchmark, against) -> None:
    """Have ``against`` (commit, rounds) run here and there in turn, and print what it says."""
    commit = baseline()
    lines, ratio = benchmark.pedantic(against, (commit, 1), rounds=1)
    benchmark.extra_info[f"times as fast as {commit}"] = round(ratio, 2)
    print("", *lines, sep="\n")


@contextmanager
def checked_out(commit: str) -> Iterator[tuple[Path, Path]]:
    """Yield (a folder for what is to be forgotten, the tree of ``commit`` in it)."""
    git = ["git", "-C", str(ROOT), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "other"
        subprocess.run([*git, "add", "--detach", "--quiet", str(tree), commit], check=True)
        try:
            yield Path(folder), tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
