"""What a sweep gives back: a row for each point, the Pareto front marked."""

import csv
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from hw_models.errors import ConfigError
from simulator.config.yaml_lines import parse_text
from simulator.report.labels import label_of, value_text
from simulator.results.run_folder import read_table
from simulator.sweeps.file import Sweep

LAST = ("feasible", "pareto", "config_sha256", "error")  # columns behind the paths and their intervals
SAMPLED = "sampled_latency_error"  # a column, if any point was simulated in part: half its interval, of 1
SHOWN_POINTS = 20  # on the terminal


@dataclass
class SweepOutcome:
    name: str
    axes: list[str]
    objectives: dict[str, str]  # path of summary.json -> minimize | maximize
    paths: list[str]  # of summary.json, in the table: objectives first
    rows: list[dict[str, Any]] = field(default_factory=list)  # point, axes, paths, feasible, pareto, error
    stale: int = 0  # stored points that were simulated anew
    idle: dict[str, str] = field(default_factory=dict)  # axis -> why it has no effect
    device: str = ""  # what is to be told of the GPUs that ran it

    def add(
        self,
        point: dict[str, Any],
        values: dict[str, float | None],
        feasible: bool,
        error: str,
        digest: str = "",
        sampled: float | None = None,
    ) -> None:
        """Add a point's row; ``digest``: of its config, of the first of its replicates.

        ``sampled``: half the interval of a latency of which a part was simulated, as a share of it.
        """
        row: dict[str, Any] = {
            "point": len(self.rows),
            **{path: _text(value) for path, value in point.items()},
        }
        row |= {path: "" if value is None else value for path, value in values.items()}
        if sampled is not None:
            row[SAMPLED] = sampled
        end = {"feasible": int(feasible), "pareto": 0, "config_sha256": digest, "error": error}
        self.rows.append(row | end)

    def mark_pareto(self) -> None:
        """Mark the feasible points that no other one beats in an objective while equal in the rest."""
        signs = [1 if goal == "minimize" else -1 for goal in self.objectives.values()]
        good = [row for row in self.rows if row["feasible"]]
        costs = np.array([[s * row[path] for s, path in zip(signs, self.objectives)] for row in good], float)
        for row, mark in zip(good, on_front(costs) if good else ()):
            row["pareto"] = int(mark)

    def mark_idle(self) -> None:
        """Note each axis of several values that makes no difference to any column, all else being equal."""
        ran = [row for row in self.rows if not row["error"]]
        for axis in self.axes:
            others = [name for name in self.axes if name != axis]
            groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
            for row in ran:
                groups.setdefault(tuple(row[name] for name in others), []).append(row)
            several = [rows for rows in groups.values() if len({row[axis] for row in rows}) > 1]
            alike = all(row[path] == rows[0][path] for rows in several for row in rows for path in self.paths)
            if several and alike:
                self.idle.setdefault(axis, f"{len(ran)} points, no column tells its values apart")

    def order(self, axis: str) -> list[Any]:
        """Return the values of an axis in the order in which points came to have them."""
        return list(dict.fromkeys(row[axis] for row in self.rows))

    def to_dataframe(self) -> Any:
        """Return the rows as a pandas DataFrame."""
        try:
            import pandas
        except ImportError:
            raise ImportError("to_dataframe needs pandas: pip install pandas") from None
        return pandas.DataFrame(typed_columns(self.rows))

    def __repr__(self) -> str:
        failed = sum(bool(row["error"]) for row in self.rows)
        counts = f"{len(self.rows)} points, {len(self.best)} on the front, {failed} failed"
        return f"SweepOutcome({self.name!r}: {counts})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the front."""
        columns = ["point", *self.axes, *self.paths]
        rows = [[cell_text(row, name) for name in columns] for row in self.best[:SHOWN_POINTS]]
        head = "".join(f"<th>{escape(label_of(name))}</th>" for name in columns)
        body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
        return f"<b>{escape(self.name)}: Pareto front</b><table><tr>{head}</tr>{body}</table>"

    @property
    def sampled(self) -> list[dict[str, Any]]:
        """Return the points of which a part was simulated."""
        return [row for row in self.rows if row.get(SAMPLED) not in (None, "")]

    @property
    def best(self) -> list[dict[str, Any]]:
        """Return the Pareto front, best in the first objective first."""
        path, goal = next(iter(self.objectives.items()))
        front = [row for row in self.rows if row["pareto"]]
        return sorted(front, key=lambda row: (row[path] if goal == "minimize" else -row[path], row["point"]))


def cell_text(row: dict[str, Any], path: str) -> str:
    """Return a row's value as a person reads it: a sampled latency with its interval."""
    text, error = value_text(path, row[path]), row.get(SAMPLED)
    if error in (None, "") or "latency_s" not in path.split(".") or row[path] == "":
        return text
    return f"{text} ± {100 * float(error):.2g} %"


def sampled_text(outcome: SweepOutcome) -> str:
    """Return what is to be said of points of which a part was simulated, "" if there are none."""
    if not outcome.sampled:
        return ""
    worst = max(float(row[SAMPLED]) for row in outcome.sampled)
    return (
        f"{len(outcome.sampled)} of {len(outcome.rows)} points are sampled: their latencies are within "
        f"± {100 * worst:.2g} % at most (95 %), other figures are extrapolated alike"
    )


def on_front(costs: np.ndarray) -> np.ndarray:
    """Return which rows of ``costs``, shape (points, objectives), no other row beats; all are minimised.

    Points come in lexicographic order, so that each can only be beaten by one of the front before it.
    """
    order = np.lexsort(costs.T[::-1])
    mark = np.zeros(len(costs), bool)
    front = np.empty_like(costs)
    size = 0
    for index in order:
        cost = costs[index]
        below = (front[:size] <= cost).all(axis=1)
        mark[index] = not below.any() or bool((front[:size][below] == cost).all(axis=1).all())
        if mark[index] and not below.any():
            front[size] = cost
            size += 1
    return mark


def _text(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else ("none" if value is None else str(value))


def typed_columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return the table's columns, each of one type: of numbers, with None where there is none, or of text."""
    names = [*dict.fromkeys(key for row in rows for key in row if key not in LAST), *LAST]
    columns: dict[str, list[Any]] = {}
    for name in names:
        column = [row.get(name, "") for row in rows]
        kinds = {type(value) for value in column if value != ""}
        if kinds and kinds <= {int, float}:
            kind = float if float in kinds else int
            columns[name] = [None if value == "" else kind(value) for value in column]
        else:
            columns[name] = [str(value) for value in column]
    return columns


def write_results(outcome: SweepOutcome, folder: Path) -> None:
    """Write results.csv, and results.parquet where pyarrow is installed."""
    columns = typed_columns(outcome.rows)
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(outcome.rows)
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "results.parquet")


def read_outcome(folder: Path) -> SweepOutcome:
    """Return what a sweep's folder holds. Raises ConfigError if it is none."""
    try:
        columns = read_table(folder / "results.csv")
        sweep = Sweep.model_validate(parse_text((folder / "sweep.yaml").read_text(), "sweep.yaml").data)
    except (OSError, ValueError) as error:
        why = (
            f"{Path(error.filename).name}: {error.strerror}".lower() if isinstance(error, OSError) else error
        )
        raise ConfigError(
            f"no sweep's folder ({why}); write one that `dlasim sweep` made", file=folder
        ) from None
    rows = [dict(zip(columns, values)) for values in zip(*columns.values())]
    return SweepOutcome(sweep.name, list(sweep.axes), dict(sweep.objectives), list(sweep.paths), rows)


def print_outcome(console: Console, outcome: SweepOutcome, folder: Path) -> None:
    """Print the Pareto front (the best point, with one objective), metrics too where there is room."""
    best = outcome.best
    table = Table(title=f"{outcome.name}: Pareto front", title_justify="left", box=None, pad_edge=False)
    columns = ["point", *outcome.axes, *outcome.paths]
    if sum(len(label_of(name)) + 2 for name in columns) > console.width:
        columns = ["point", *outcome.axes, *outcome.objectives]
    for name in columns:
        table.add_column(label_of(name), header_style="dim", overflow="fold")
    for row in best[:SHOWN_POINTS]:
        table.add_row(*(cell_text(row, name) for name in columns))
    console.print(table)
    if outcome.sampled:
        console.print(sampled_text(outcome), soft_wrap=True, style="yellow")
    failed = [row for row in outcome.rows if row["error"]]
    infeasible = sum(not row["feasible"] for row in outcome.rows) - len(failed)
    said = f"{len(outcome.rows)} points, {len(best)} on the front, {infeasible} against a constraint"
    console.print(f"{said}, {len(failed)} failed; written to {folder}", soft_wrap=True, style="dim")
    if outcome.device:
        console.print(outcome.device, soft_wrap=True, style="dim")
    for axis, why in outcome.idle.items():
        console.print(f"axis {axis} has no effect: {why}", soft_wrap=True, style="yellow")
    if outcome.stale:
        console.print(
            f"{outcome.stale} stored points were of other sources, or unreadable: simulated anew", style="dim"
        )
    if failed:
        console.print(
            f"first failure, point {failed[0]['point']}: {failed[0]['error']}", soft_wrap=True, style="yellow"
        )
