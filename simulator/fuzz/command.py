"""`dlasim fuzz`: random SoCs are run; what stops, ends in a traceback or breaks an invariant is shrunk."""

import csv
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console

from simulator.config.model import load
from simulator.config.yaml_lines import yaml_text
from simulator.fuzz.case import ERROR, FAILURES, STUCK, TIMEOUT, VIOLATION, run_case
from simulator.fuzz.generate import Change, accepted, apply, draw_case
from simulator.results.run_folder import new_folder
from simulator.simulate import compile_kernels
from simulator.sweeps.workers import pool

CASE_TIMEOUT_S = 60.0
MOST_TRIES = 60  # runs that shrinking one failure may take
Case = tuple[dict[str, Any], list[Change]]


def run_fuzz(cases: int, seed: int, out: Path, *, workers: int = 1, console: Console | None = None) -> int:
    """Run random configs; write a row a case, and shrunk failures, to ``out``. Returns how many failed."""
    drawn = [draw_case(Random(seed * 1_000_003 + number)) for number in range(cases)]
    rows = [dict[str, Any]() for _ in drawn]
    compile_kernels(load(drawn[0][0]))  # once, before the time of any case counts
    with new_folder(out) as folder:
        for number, answer in _answers(drawn, workers):
            rows[number] = {"case": number, "seed": seed, **answer}
            if answer["outcome"] in FAILURES and console is not None:
                console.print(f"case {number}: {answer['outcome']}: {answer['said'][:200]}", highlight=False)
        failed = [row for row in rows if row["outcome"] in FAILURES]
        for row in failed:
            data = shrink(drawn[row["case"]], row["outcome"])
            (folder / f"{row['outcome']}_{row['case']}.yaml").write_text(yaml_text(data), encoding="utf-8")
        with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ("case", "seed", "outcome", "said"), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    count = {kind: sum(row["outcome"] == kind for row in rows) for kind in FAILURES}
    print(
        f"cases={cases} stuck={count[STUCK]} timeouts={count[TIMEOUT]} errors={count[ERROR]} "
        f"violations={count[VIOLATION]}"
    )
    return len(failed)


def _answers(drawn: list[Case], workers: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (case, answer) as they come, each run in a process that may die or be ended."""
    tasks = ((str(number), apply(*case)) for number, case in enumerate(drawn))
    with pool(workers, point_timeout_s=CASE_TIMEOUT_S, function=run_case) as run:
        for key, answer in run(tasks):
            if "outcome" not in answer:  # the process did not answer
                late = answer["error"].startswith("took longer")
                answer = {"outcome": TIMEOUT if late else ERROR, "said": answer["error"]}
            yield int(key), answer


def shrink(case: Case, outcome: str) -> dict[str, Any]:
    """Return a smaller config that fails in the same way: fewer changes, jobs, co-runners and layers."""
    data, changes = case
    tries = MOST_TRIES
    with pool(1, point_timeout_s=CASE_TIMEOUT_S, function=run_case) as run:

        def fails(smaller: dict[str, Any], rest: list[Change]) -> bool:
            nonlocal tries
            config = apply(smaller, rest)
            if tries == 0 or not accepted(config):
                return False
            tries -= 1
            (_, answer), *_ = run([("0", config)])
            found = answer.get("outcome", TIMEOUT if "took longer" in answer.get("error", "") else ERROR)
            return found == outcome

        for index in reversed(range(len(changes))):
            rest = changes[:index] + changes[index + 1 :]
            if fails(data, rest):
                changes = rest
        while (found := next((it for it in _smaller(data) if fails(it, changes)), None)) is not None:
            data = found
    return apply(data, changes)


def _smaller(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield ``data`` without one of its jobs, co-runners or masters, or of one frame."""
    if data.get("corunners"):
        yield data | {"corunners": []}
    for name in data["workloads"]:
        if len(data["workloads"]) > 1:
            yield data | {"workloads": {k: v for k, v in data["workloads"].items() if k != name}}
    for kind in ("accelerators", "cores"):
        for name in data["system"].get(kind, {}):
            rest = {k: v for k, v in data["system"][kind].items() if k != name}
            yield data | {"system": data["system"] | {kind: rest}}
    for key in ("llc", "interconnect"):
        if key in data["system"]:
            yield data | {"system": {k: v for k, v in data["system"].items() if k != key}}
    if any(job.get("frames", 1) > 1 for job in data["workloads"].values()):
        yield data | {"workloads": {name: job | {"frames": 1} for name, job in data["workloads"].items()}}
