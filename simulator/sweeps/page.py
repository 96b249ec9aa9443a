"""The page of a sweep: its front, points under a brush, two axes as a map, what each axis does."""

from collections.abc import Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any

from simulator.config.yaml_lines import parse_text, yaml_text
from simulator.report.labels import label_of
from simulator.report.page import Cell, cards, chart, details, navigation, page, pair, save_plots, table
from simulator.sweeps.axes import exact
from simulator.sweeps.effects import effects
from simulator.sweeps.outcome import SAMPLED, SweepOutcome, cell_text, sampled_text

MOST_POINTS = 4000  # in the page: the front, and an even share of the others
MOST_FRONT = 60  # rows of the front's table
SCRIPTS = ("sweep.js",)
SECTIONS = {
    "front": "front",
    "scatter": "points",
    "parallel": "axes and results",
    "map": "two axes",
    "effects": "effects",
    "points": "all points",
    "base": "base config",
}


def write_sweep_page(
    outcome: SweepOutcome, folder: Path, base: Any, of: Path, kinds: Sequence[str] = ("png",)
) -> None:
    """Write the plots, of these ``kinds``, and report.html into ``folder``.

    ``base``: the config that axes are laid on; ``of``: where the sweep lies in the end.
    """
    from simulator.sweeps.plots import sweep_plots  # matplotlib

    save_plots(sweep_plots(outcome), folder, kinds)
    (folder / "report.html").write_text(sweep_page(outcome, base, str(of)), encoding="utf-8")


def base_of(folder: Path) -> Any:
    """Return the config that the axes of a finished sweep are laid on, None if its file cannot be read."""
    try:
        return parse_text((folder / "sweep.yaml").read_text(encoding="utf-8"), "sweep.yaml").data.get("base")
    except OSError:
        return None


def sweep_page(outcome: SweepOutcome, base: Any = None, folder: str = "DIR") -> str:
    """Return the page; ``base``: the config that axes are laid on; ``folder``: the sweep's, to be named."""
    rows = shown_rows(outcome)
    failed = sum(bool(row["error"]) for row in outcome.rows)
    numbers = [
        ("points", str(len(outcome.rows))),
        ("on the Pareto front", str(sum(row["pareto"] for row in outcome.rows))),
        ("feasible", str(sum(row["feasible"] for row in outcome.rows))),
        ("failed", str(failed)),
    ]
    left_out = len(outcome.rows) - len(rows)
    parts = [
        f"<h1>{escape(outcome.name)}</h1>",
        f'<div class="dim">{escape(_goals(outcome))}</div>',
        cards(numbers),
        f'<div class="dim">{left_out} points behind the front are left out here; results.csv has all.</div>'
        if left_out
        else "",
        f'<div class="warning">{escape(sampled_text(outcome))}</div>' if outcome.sampled else "",
        navigation(SECTIONS),
        '<h2 id="front">Pareto front</h2>',
        _front(outcome),
        pair(
            chart(
                "scatter", "Points", "Drag a box to keep what is in it in every view; a click picks a point."
            ),
            chart("map", "Two axes", "Of all points with the same pair of values."),
        ),
        chart(
            "parallel",
            "Axes and results",
            "Drag along an axis to keep what runs through there; a click lets go.",
        ),
        '<div id="picked" class="panel" hidden aria-live="polite"></div>',
        pair(
            chart(
                "effects",
                "What each axis explains",
                "Share of the variance of an objective; the rest is interaction.",
            ),
            chart("along", "Along an axis", "Every point, and the mean at each value."),
        ),
        '<h2 id="points">All points</h2>',
        '<div id="table"></div>',
        '<div id="base">',
        details("Base config", f"<pre>{escape(yaml_text(base))}</pre>") if base else "",
        "</div>",
    ]
    return page(outcome.name, parts, sweep_data(outcome, rows) | {"folder": folder}, SCRIPTS)


def _goals(outcome: SweepOutcome) -> str:
    return ", ".join(f"{goal} {path}" for path, goal in outcome.objectives.items())


def shown_rows(outcome: SweepOutcome) -> list[dict[str, Any]]:
    """Return the rows that the page has: all, or the front and every n-th of the others."""
    rows = outcome.rows
    if len(rows) <= MOST_POINTS:
        return rows
    step = -(-len(rows) // MOST_POINTS)
    return [row for i, row in enumerate(rows) if row["pareto"] or i % step == 0]


def sweep_data(outcome: SweepOutcome, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the charts draw: columns of the points, what each is, and the effects."""
    paths = [*outcome.paths, *([SAMPLED] if outcome.sampled else [])]
    return {
        "count": len(rows),
        "axes": [_axis(path, [row[path] for row in rows]) for path in outcome.axes],
        "results": [
            {
                "path": path,
                "label": label_of(path),
                "goal": outcome.objectives.get(path, ""),
                "values": [v if isinstance(v := row.get(path), int | float) else None for row in rows],
            }
            for path in paths
        ],
        "point": [row["point"] for row in rows],
        "pareto": [row["pareto"] for row in rows],
        "feasible": [row["feasible"] for row in rows],
        "error": [row["error"] for row in rows],
        "effects": [
            {"objective": row["objective"], "axis": row["axis"], "share": row["share_of_variance"]}
            for row in effects(outcome)
        ],
    }  # fmt: skip


def _axis(path: str, values: list[Any]) -> dict[str, Any]:
    """Return an axis: its values, and in their order those that differ."""
    different = list(dict.fromkeys(values))
    with suppress(ValueError, TypeError):
        different.sort(key=lambda value: exact(value)[0])
    return {
        "path": path,
        "label": label_of(path),
        "values": values,
        "order": different,
        "numeric": all(isinstance(value, int | float) for value in values),
    }


def _front(outcome: SweepOutcome) -> str:
    columns = ["point", *outcome.axes, *outcome.paths]
    front = outcome.best
    rows = [[_cell(row, name) for name in columns] for row in front[:MOST_FRONT]]
    more = f"<p>and {len(front) - MOST_FRONT} more</p>" if len(front) > MOST_FRONT else ""
    return table([label_of(name) for name in columns], rows) + more


def _cell(row: dict[str, Any], path: str) -> Cell:
    value = row[path]
    number = isinstance(value, int | float)
    return Cell(cell_text(row, path) if path != "point" else str(value), value if number else None)
