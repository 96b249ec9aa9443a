"""Which lines the tests reach with kernels not compiled: measures, and writes docs/coverage.md.

    python tests/coverage_page.py [--seconds 30] [--workers 1] [--only 'test_dram_*.py']    with --only, printed

Every file of tests/unit runs by itself, kernels as plain Python, until it is done or its time is up: what it has
reached by then counts. Why a line is never reached is in coverage_reasons.csv, by hand: a file, or a pattern of files,
and a reason. What has no reason there is said to have none.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE, REASONS = ROOT / "docs" / "coverage.md", Path(__file__).with_name("coverage_reasons.csv")
SETTINGS = """
[run]
branch = True
parallel = True
sigterm = True
data_file = {folder}/.coverage
source = hw_models,workloads,simulator
"""
HEAD = """# What tests reach

`python tests/coverage_page.py` wrote this page: every file of `tests/unit` alone, kernels not compiled
(`NUMBA_DISABLE_JIT=1`), {seconds} s each, beside other work on {cores} cores. That is 300 to 1600 times slower than compiled:
long tests are cut short.
{cut} of {files} files were. A line counts that one of them reached; lines that other processes run (workers of sweeps,
commands in a shell) and `tests/golden` and `tests/rtl`, which run compiled, do not.

{lines} of {statements} lines ({line_share:.1f} %), {branches} of {all_branches} branches ({branch_share:.1f} %).

Reasons are kept by hand in `tests/coverage_reasons.csv`.

| file | lines reached | never reached | why |
| --- | --- | --- | --- |
"""
ALL = "test_*.py"
NO_REASON = "**no reason is known**"


def measure(folder: Path, pattern: str, seconds: float, workers: int) -> tuple[int, int]:
    """Run the tests with coverage, its data in ``folder``; return (files, files that were cut short)."""
    (folder / "settings").write_text(SETTINGS.format(folder=folder), encoding="utf-8")
    files = sorted((ROOT / "tests" / "unit").glob(pattern))
    with ThreadPoolExecutor(workers) as pool:
        ended = list(pool.map(lambda file: run(file, folder, seconds), files))
    return len(files), ended.count(False)


def run(file: Path, folder: Path, seconds: float) -> bool:
    """Run one file of tests; tell whether it ended in time."""
    settings = folder / "settings"
    command = [
        sys.executable,
        "-m",
        "coverage",
        "run",
        f"--rcfile={settings}",
        "-m",
        "pytest",
        "-q",
        str(file),
    ]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "CI": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()
        return False
    return True


def counted(folder: Path) -> dict:
    """Return what `coverage json` says of all runs together."""
    settings, out = f"--rcfile={folder / 'settings'}", folder / "all.json"
    for arguments in (["combine", "-q", settings], ["json", "-q", settings, "-o", out]):
        subprocess.run([sys.executable, "-m", "coverage", *arguments], cwd=ROOT, check=True)
    return json.loads(out.read_text(encoding="utf-8"))


def ranges(lines: list[int]) -> str:
    """Return lines as text: 3-5, 9."""
    found: list[list[int]] = []
    for line in sorted(lines):
        if found and found[-1][1] == line - 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in found)


def rows(files: dict, reasons: list[dict[str, str]]) -> Iterator[str]:
    """Yield a row of the table for every file with a line that is never reached."""
    for name, data in sorted(files.items()):
        if data["missing_lines"]:
            why = next((r["reason"] for r in reasons if fnmatch(name, r["file"])), NO_REASON)
            share = data["summary"]["percent_covered"]
            yield f"| {name} | {share:.0f} % | {ranges(data['missing_lines'])} | {why} |"


def page(data: dict, files: int, cut: int, seconds: float) -> str:
    total = data["totals"]
    lines, branches = total["covered_lines"], total["covered_branches"]
    head = HEAD.format(
        seconds=f"{seconds:g}",
        cores=os.cpu_count(),
        cut=cut,
        files=files,
        lines=lines,
        statements=total["num_statements"],
        line_share=100 * lines / total["num_statements"],
        branches=branches,
        all_branches=total["num_branches"],
        branch_share=100 * branches / total["num_branches"],
    )
    with REASONS.open(encoding="utf-8", newline="") as file:
        reasons = list(csv.DictReader(file))
    return head + "\n".join(rows(data["files"], reasons)) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", default=ALL, metavar="PATTERN")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files, cut = measure(folder, given.only, given.seconds, given.workers)
        text = page(counted(folder), files, cut, given.seconds)
        if given.only == ALL:
            PAGE.write_text(text, encoding="utf-8")
        else:
            print(text)


if __name__ == "__main__":
    main()
