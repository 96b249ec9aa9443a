"""`dlasim fuzz`: random SoCs are run; what stops, ends in a traceback or breaks an invariant is shrunk."""

import csv
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from simulator.config.model import load
from simulator.config.yaml_lines import yaml_text
from simulator.fuzz.case import (
    CASE_S,
    ERROR,
    FAILURES,
    STUCK,
    TIMEOUT,
    VIOLATION,
    Answer,
    run_case,
)
from simulator.fuzz.generate import draw_case, examples
from simulator.fuzz.shrink import SHRINK_S, shrink
from simulator.results.run_folder import prepare_out, told_of
from simulator.simulate import compile_kernels
from simulator.sweeps.workers import Task, pool

COLUMNS = ("case", "seed", "outcome", "requests", "digest", "said")
PATIENCE_S = 2 * max(CASE_S, SHRINK_S)  # then a worker process that should have said so itself is ended
ELSEWHERE = 50  # every so many cases one is run by another process, too
MOST_SHRUNK = 20  # failures of different kinds
Row = dict[str, Any]


def run_fuzz(cases: int, seed: int, out: Path, *, workers: int = 1, console: Console | None = None) -> int:
    """Run random configs; write a row a case, and shrunk failures, to ``out``. Returns how many failed.

    Rows are written as they come: a run that is ended has those so far, in the order in which they came.
    """
    prepare_out(out)
    with told_of(out):
        return _run(cases, seed, out, workers, console)


def _run(cases: int, seed: int, out: Path, workers: int, console: Console | None) -> int:
    out.mkdir(exist_ok=True)
    for old in (*out.glob("*.yaml"), *out.glob("*.csv")):
        old.unlink()
    for config in examples(seed):  # once, before the time of any case counts
        compile_kernels(load(config))
    rows = []
    with (out / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in _rows(cases, seed, workers):
            writer.writerow(row)
            file.flush()
            rows.append(row)
            _tell(console, row, rows, cases)
    rows.sort(key=lambda row: row["case"])
    _replace(out / "results.csv", rows)
    failed = [row for row in rows if row["outcome"] in FAILURES]
    for name, config in _shrunk(_of_each_kind(failed), workers):
        (out / f"{name}.yaml").write_text(yaml_text(config), encoding="utf-8")
    count = Counter(row["outcome"] for row in rows)
    print(
        f"cases={cases} stuck={count[STUCK]} timeouts={count[TIMEOUT]} errors={count[ERROR]} "
        f"violations={count[VIOLATION]}"
    )
    return len(failed)


def work(task: dict[str, Any]) -> Answer:
    """Do a worker's task: run a case of a series, or shrink one that failed."""
    config = draw_case(task["seed"], task["case"])
    if "outcome" in task:
        return {"config": shrink(config, task["outcome"])}
    return run_case(config, elsewhere=task["case"] % ELSEWHERE == 0)


def _rows(cases: int, seed: int, workers: int) -> Iterator[Row]:
    """Yield a row a case as they come, each run in a process that may die or be ended."""
    tasks: Iterable[Task] = ((str(number), {"seed": seed, "case": number}) for number in range(cases))
    with pool(workers, point_timeout_s=PATIENCE_S, function=work) as run:
        for key, answer in run(tasks):
            if "outcome" not in answer:  # the process did not answer
                late = answer["error"].startswith("took longer")
                answer = {"outcome": TIMEOUT if late else ERROR, "said": answer["error"]}
            yield {"case": int(key), "seed": seed, "requests": "", "digest": "", **answer}


def _tell(console: Console | None, row: Row, rows: list[Row], cases: int) -> None:
    """Say what failed, and now and then how far the series is."""
    if console is None:
        return
    if row["outcome"] in FAILURES:
        console.print(f"case {row['case']}: {row['outcome']}: {row['said'][:300]}", highlight=False)
    if len(rows) % max(1, cases // 10) == 0:
        failed = sum(row["outcome"] in FAILURES for row in rows)
        console.print(f"{len(rows)} of {cases} cases, {failed} failed", highlight=False)


def _of_each_kind(failed: list[Row]) -> list[Row]:
    """Return the first failure of each kind: what is said differs in more than numbers and names."""
    kinds: dict[tuple[str, str], Row] = {}
    for row in failed:
        kinds.setdefault((row["outcome"], re.sub(r"[a-z]*[0-9][0-9.e-]*", "", row["said"])[:120]), row)
    return list(kinds.values())[:MOST_SHRUNK]


def _shrunk(failed: list[Row], workers: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the config of each failure, smaller where that could be done."""
    if not failed:
        return
    rows = {f"{row['outcome']}_{row['case']}": row for row in failed}
    tasks = ((name, {k: row[k] for k in ("seed", "case", "outcome")}) for name, row in rows.items())
    with pool(min(workers, len(failed)), point_timeout_s=PATIENCE_S, function=work) as run:
        for name, answer in run(tasks):
            row = rows[name]
            yield name, answer.get("config") or draw_case(row["seed"], row["case"])


def _replace(path: Path, rows: list[Row]) -> None:
    """Write the rows of a series that has ended, in the order of their cases."""
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(partial, path)
