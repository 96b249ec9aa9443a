"""`dlasim validate`: every compared figure as a row, then one closing line."""

import csv
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError
from simulator.config.errors import not_one_of
from simulator.config.options import accepted
from simulator.results.run_folder import new_file
from simulator.validate import VALIDATIONS
from simulator.validate.figure import Figure

SHOWN_COLUMNS = 4  # of the reference row on the terminal; --out has them all


def run_validation(name: str, table: Path | None, out: Path | None, options: dict[str, Any]) -> None:
    """Print the comparison ``name`` and write it to ``out``. Raises ConfigError."""
    if name not in VALIDATIONS:
        raise ConfigError(not_one_of(name, list(VALIDATIONS)), key="NAME")
    if table is not None and not table.is_file():
        raise ConfigError("no such file; write the path of a reference table", file=table)
    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        raise ConfigError(
            "cannot be written; write the name of a csv file in an existing folder", file=f"--out {out}"
        )
    module = import_module(VALIDATIONS[name])
    figures = list(printed(module.figures(table, **accepted(module.figures, options, given=1))))
    if out is not None:
        write_figures(out, figures)
    for line in getattr(module, "closing_notes", lambda figures: [])(figures):
        print(line)
    print(closing_line(figures))


def printed(figures: Iterable[Figure]) -> Iterator[Figure]:
    """Print each figure as it comes, with a new heading whenever the row's columns change."""
    columns: list[str] | None = None
    for figure in figures:
        shown = list(figure.row)[:SHOWN_COLUMNS]
        if shown != columns:
            columns = shown
            widths = "  ".join(f"{c[:14]:>14}" for c in columns)
            print(f"{widths}  {'quantity':<26} {'reference':>14} {'ours':>14} {'error %':>9}")
        cells = "  ".join(f"{str(figure.row[c])[:14]:>14}" for c in columns)
        mark = "" if figure.counted else "  (not counted)"
        numbers = f"{number(figure.reference):>14} {number(figure.ours):>14} {figure.error_percent:>9.3f}"
        print(f"{cells}  {figure.quantity[:26]:<26} {numbers}{mark}", flush=True)
        yield figure


def number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"


def write_figures(out: Path, figures: list[Figure]) -> None:
    """Write a line per figure: the row's own columns, then quantity, reference, ours, error_percent."""
    own = list(dict.fromkeys(column for figure in figures for column in figure.row))
    with new_file(out) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*own, "quantity", "reference", "ours", "error_percent"])
        for f in figures:
            row = [f.row.get(column, "") for column in own]
            writer.writerow([*row, f.quantity, number(f.reference), number(f.ours), f"{f.error_percent:.6g}"])


def closing_line(figures: list[Figure]) -> str:
    """Return the line that scripts read: over the counted figures."""
    errors = [figure.error_percent for figure in figures if figure.counted]
    exact = sum(figure.counted and figure.ours == figure.reference for figure in figures)
    count = max(len(errors), 1)
    mean, signed = sum(map(abs, errors)) / count, sum(errors) / count
    worst = max(errors, key=abs, default=0.0)
    return (
        f"rows={len(errors)} mean_abs_error_percent={mean:.4f} worst_error_percent={abs(worst):.4f} "
        f"signed_mean_percent={signed:.4f} exact={exact}"
    )
