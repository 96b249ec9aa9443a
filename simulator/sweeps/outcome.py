"""What a sweep gives back: a row for each point, the Pareto front marked."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hw_models.errors import ConfigError
from simulator.config.yaml_lines import parse_text
from simulator.results.run_folder import read_table
from simulator.sweeps.file import Sweep

SHOWN_POINTS = 20  # on the terminal


@dataclass
class SweepOutcome:
    name: str
    axes: list[str]
    objectives: dict[str, str]  # path of summary.json -> minimize | maximize
    paths: list[str]  # of summary.json, in the table: objectives first
    rows: list[dict[str, Any]] = field(default_factory=list)  # point, axes, paths, feasible, pareto, error

    def add(self, point: dict[str, Any], values: dict[str, float | None], feasible: bool, error: str) -> None:
        row: dict[str, Any] = {
            "point": len(self.rows),
            **{path: _text(value) for path, value in point.items()},
        }
        row |= {path: "" if value is None else value for path, value in values.items()}
        self.rows.append(row | {"feasible": int(feasible), "pareto": 0, "error": error})

    def mark_pareto(self) -> None:
        """Mark the feasible points that no other one beats in an objective while equal in the rest."""
        signs = [1 if goal == "minimize" else -1 for goal in self.objectives.values()]
        good = [row for row in self.rows if row["feasible"]]
        costs = [tuple(s * row[path] for s, path in zip(signs, self.objectives)) for row in good]
        distinct = set(costs)
        for row, cost in zip(good, costs):
            beaten = any(o != cost and all(a <= b for a, b in zip(o, cost)) for o in distinct)
            row["pareto"] = int(not beaten)

    @property
    def best(self) -> list[dict[str, Any]]:
        """Return the Pareto front, best in the first objective first."""
        path, goal = next(iter(self.objectives.items()))
        front = [row for row in self.rows if row["pareto"]]
        return sorted(front, key=lambda row: (row[path] if goal == "minimize" else -row[path], row["point"]))


def _text(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else ("none" if value is None else str(value))


def write_results(outcome: SweepOutcome, folder: Path) -> None:
    """Write results.csv."""
    columns = ["point", *outcome.axes, *outcome.paths, "feasible", "pareto", "error"]
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(outcome.rows)


def read_outcome(folder: Path) -> SweepOutcome:
    """Return what a sweep's folder holds. Raises ConfigError if it is none."""
    try:
        columns = read_table(folder / "results.csv")
        sweep = Sweep.model_validate(parse_text((folder / "sweep.yaml").read_text(), "sweep.yaml").data)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no sweep's folder ({error}); write one that `dlasim sweep` made", file=folder
        ) from None
    rows = [dict(zip(columns, values)) for values in zip(*columns.values())]
    return SweepOutcome(sweep.name, list(sweep.axes), dict(sweep.objectives), sweep.paths, rows)


def print_outcome(console: Console, outcome: SweepOutcome, folder: Path) -> None:
    """Print the Pareto front (the best point, with one objective)."""
    best = outcome.best
    table = Table(title=f"{outcome.name}: Pareto front", title_justify="left", box=None, pad_edge=False)
    columns = ["point", *outcome.axes, *outcome.paths]
    for name in columns:
        table.add_column(name, header_style="dim", overflow="fold")
    for row in best[:SHOWN_POINTS]:
        table.add_row(
            *(f"{row[name]:.6g}" if isinstance(row[name], float) else str(row[name]) for name in columns)
        )
    console.print(table)
    failed = [row for row in outcome.rows if row["error"]]
    infeasible = sum(not row["feasible"] for row in outcome.rows) - len(failed)
    said = f"{len(outcome.rows)} points, {len(best)} on the front, {infeasible} against a constraint"
    console.print(f"{said}, {len(failed)} failed; written to {folder}", soft_wrap=True, style="dim")
    if failed:
        console.print(
            f"first failure, point {failed[0]['point']}: {failed[0]['error']}", soft_wrap=True, style="yellow"
        )
