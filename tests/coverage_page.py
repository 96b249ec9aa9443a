"""Which lines the tests reach, compiled and with kernels as plain Python: measures, and writes docs/coverage.md.

    python tests/coverage_page.py [--seconds 30] [--workers 1] [--keep FOLDER] [--only 'test_dram_*.py']

Every file of tests/unit runs by itself, twice: compiled, with the processes that it starts, and with kernels as plain
Python. It runs until it is done or its CPU time is up (`short_tests`): what it has reached by then counts. With --keep
the data stay in a folder, and a file that has its data there is not run again: a run can be ended and gone on with, and
one file's tests be added after they were changed (remove `WAY/FILE`); --as-is writes the page of what is there, and
runs nothing. With --only the table is printed.

Why a line is never reached is in coverage_reasons.csv, by hand: a file or a pattern of files, a pattern of functions of
it (all, if empty), a reason. The first that fits counts; what fits none is said to have no reason.
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
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE, REASONS = ROOT / "docs" / "coverage.md", Path(__file__).with_name("coverage_reasons.csv")
WAYS = {"compiled": "0", "interpreted": "1"}  # NUMBA_DISABLE_JIT
SETTINGS = """
[run]
branch = True
parallel = True
sigterm = True
relative_files = True
patch = subprocess, _exit
concurrency = multiprocessing, thread
data_file = {folder}/.coverage
source = hw_models,workloads,simulator
disable_warnings = no-data-collected, module-not-imported, module-not-measured
"""
HEAD = """# What tests reach

`python tests/coverage_page.py` wrote this page: every file of `tests/unit` alone, compiled (with the processes that it starts)
and with kernels as plain Python, for {seconds} s of CPU each, no test more than a third of that. As plain Python kernels are 300
to 1600 times slower. {made} of {runs} runs were made, {cut} of them cut short.{note} A line counts that one of them reached; the lines
of kernels that run compiled cannot be counted, and `tests/golden` and `tests/rtl` were not run.

{lines} of {statements} lines ({line_share:.1f} %), {branches} of {all_branches} branches ({branch_share:.1f} %).

Reasons are kept by hand in `tests/coverage_reasons.csv`.

| file | lines reached | never reached | why |
| --- | --- | --- | --- |
"""
ALL = "test_*.py"
NO_REASON = "**no reason is known**"


def measure(folder: Path, pattern: str, seconds: float, workers: int) -> dict[str, int]:
    """Run the tests with coverage, its data in ``folder``, with no ``workers`` none; count them for HEAD."""
    files = sorted((ROOT / "tests" / "unit").glob(pattern))
    runs = [(file, way) for way in WAYS for file in files]
    if not workers:
        made = [(file, way) for file, way in runs if (folder / way / file.name / "said").exists()]
        whole = [is_whole(file, way, folder, seconds) for file, way in made]
    else:
        with ThreadPoolExecutor(workers) as pool:
            whole = list(pool.map(lambda run: is_whole(*run, folder, seconds), runs))
    return {"runs": len(runs), "made": len(whole), "cut": whole.count(False)}


def is_whole(file: Path, way: str, folder: Path, seconds: float) -> bool:
    """Run one file of tests unless its data are there; tell whether no test was cut short."""
    place = folder / way / file.name
    said = place / "said"
    if not said.exists():
        place.mkdir(parents=True, exist_ok=True)
        settings = place / "settings"
        settings.write_text(SETTINGS.format(folder=place), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "coverage", "run", f"--rcfile={settings}"),
            *("-m", "pytest", "-q", "-o", "addopts=", "--benchmark-skip", "--tb=no", "-p", "short_tests"),
            str(file),
        ]
        environment = {
            **os.environ,
            "NUMBA_DISABLE_JIT": WAYS[way],
            "CI": "1",
            "DLASIM_SECONDS_A_FILE": str(seconds),
            "PYTHONPATH": str(Path(__file__).parent),
        }
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        said.write_text(done.stdout, encoding="utf-8")
    return "cut short" not in said.read_text(encoding="utf-8")


def counted(folder: Path) -> dict:
    """Return what `coverage json` says of all runs together."""
    settings, out = folder / "settings", folder / "all.json"
    settings.write_text(SETTINGS.format(folder=folder), encoding="utf-8")
    data = sorted(map(str, folder.glob("*/*/.coverage.*")))
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run(
        [*coverage, "combine", "-q", "--keep", f"--rcfile={settings}", *data], cwd=ROOT, check=True
    )
    subprocess.run([*coverage, "json", "-q", f"--rcfile={settings}", "-o", str(out)], cwd=ROOT, check=True)
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
    """Yield a row of the table for every file and reason of lines that are never reached."""
    for name, data in sorted(files.items()):
        by_reason: dict[str, list[int]] = {}
        for function, part in data["functions"].items():
            why = next((r["reason"] for r in reasons if fits(r, name, function)), NO_REASON)
            by_reason.setdefault(why, []).extend(part["missing_lines"])
        share = data["summary"]["percent_covered"]
        for why, lines in by_reason.items():
            if lines:
                yield f"| {name} | {share:.0f} % | {ranges(lines)} | {why} |"


def fits(reason: dict[str, str], file: str, function: str) -> bool:
    return fnmatchcase(file, reason["file"]) and fnmatchcase(function, reason["function"] or "*")


def page(data: dict, runs: dict[str, int], seconds: float, note: str) -> str:
    total = data["totals"]
    lines, branches = total["covered_lines"], total["covered_branches"]
    head = HEAD.format(
        seconds=f"{seconds:g}",
        note=f" {note}" if note else "",
        **runs,
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
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--only", default=ALL, metavar="PATTERN")
    parser.add_argument("--as-is", action="store_true")
    parser.add_argument("--note", default="", help="what else the page says of the data")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = (given.keep or Path(name)).resolve()
        runs = measure(folder, given.only, given.seconds, 0 if given.as_is else given.workers)
        text = page(counted(folder), runs, given.seconds, given.note)
        if given.only == ALL:
            PAGE.write_text(text, encoding="utf-8")
        else:
            print(text)


if __name__ == "__main__":
    main()
