"""Another commit, checked out beside this one for as long as it is measured."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


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
