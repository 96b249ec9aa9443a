"""Runs side by side: what differs between their configs, and what that cost and bought."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hw_models.errors import ConfigError
from simulator.report.blamed import slowed_layers
from simulator.report.compare_page import comparison_page
from simulator.report.measures import Row, change, comparison, verdict_of
from simulator.report.thresholds import broken
from simulator.results.run_folder import new_file, read_run
from simulator.results.sampling import sampling_text


def write_comparison(console: Console, folders: list[Path], out: Path, fail_if: Sequence[str] = ()) -> bool:
    """Print the comparison and write it as a page; return whether every limit holds.

    The first run is the baseline. Raises ConfigError.
    """
    if len(folders) < 2:
        raise ConfigError("one run cannot be compared; write two or more folders", key="DIR")
    if out.is_dir() or not out.parent.is_dir():
        raise ConfigError("cannot be written; write a file in an existing folder", file=f"--out {out}")
    names = unique_names(folders)
    runs = [read_run(folder) for folder in folders]
    over = broken(fail_if, names, [run.summary for run in runs])
    rows = comparison(runs)
    console.print(_terminal_table(names, rows))
    for name, run in zip(names, runs):
        if "sampling" in run.summary:
            said = f"{name}: {sampling_text(run.summary)}"
            console.print(Text(said, style="yellow"), soft_wrap=True)
    for name, run in zip(names[1:], runs[1:]):
        for i, line in enumerate(slowed_layers(run, runs[0])):
            if i == 0:
                console.print(Text(f"\nslowed layers of {name}", style="bold"), soft_wrap=True)
            console.print(Text(line), soft_wrap=True)
    for each in over:
        console.print(Text(f"failed: {each}", style="bold red"), soft_wrap=True)
    if fail_if and not over:
        console.print(Text(f"passed: {', '.join(fail_if)}", style="green"), soft_wrap=True)
    with new_file(out) as partial:
        partial.write_text(comparison_page(names, runs, rows, fail_if, over), encoding="utf-8")
    console.print(f"written to {out}", style="dim", soft_wrap=True)
    return not over


def unique_names(folders: list[Path]) -> list[str]:
    """Return the folders' names, with as much of their path as tells them apart."""
    resolved = [folder.resolve() for folder in folders]
    for depth in range(1, 12):
        names = ["/".join(path.parts[-depth:]) for path in resolved]
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]


def _terminal_table(names: list[str], rows: list[Row]) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, name in enumerate(["", *names]):
        grid.add_column(name, justify="right" if i else "left", header_style="dim", overflow="fold")
    colors = {"better": "green", "worse": "red", "": ""}
    for row in rows:
        cells = [Text(row.show(row.values[0]))]
        for value in row.values[1:]:
            color, moved = colors[verdict_of(row, value)], change(value, row.values[0])
            said = f"{row.show(value)} ({moved})" if moved else row.show(value)
            cells.append(Text(said, style=color))
        grid.add_row(row.name, *cells)
    return grid
