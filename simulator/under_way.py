"""What must not outlive this process: files that are half-written, processes that work for it."""

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

PATHS: set[Path] = set()
PROCESSES: set[subprocess.Popen] = set()


def clean_up() -> None:
    """Remove and end all of it: the process is about to end, wherever it stands."""
    for process in list(PROCESSES):
        with suppress(OSError):
            process.kill()
    for path in list(PATHS):
        with suppress(OSError):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
