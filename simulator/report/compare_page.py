"""The page of a comparison: the views of a run side by side, and what differs."""

from collections.abc import Sequence
from html import escape
from typing import Any

from simulator.report.blamed import FS_DIGITS, slowed_layers
from simulator.report.layers import layers_of
from simulator.report.measures import Row, change, differences, verdict_of
from simulator.report.page import Cell, cell, chart, lines, navigation, page, pair, table, verdict
from simulator.report.run_data import run_data
from simulator.report.run_page import deadlines
from simulator.report.thresholds import Broken
from simulator.results.numbers import percent_text, time_text
from simulator.results.result import Result
from simulator.results.sampling import sampling_text

SCRIPTS = ("charts.js", "compare.js")
SHOWN_DIFFERENCES = 60
ROOM_BESIDE = 2  # runs in a table that has half the page
MOST_DIFFERENCES = 4  # runs of which the table of layers has the difference in seconds too
MOST_LAYERS = 400  # rows of the table: the slowest
SECTIONS = {
    "cost": "what it cost",
    "blame": "blame",
    "changed": "changed layers",
    "times": "timeline",
    "latency": "latency",
    "roofline": "roofline",
    "layers": "layers",
    "masters": "masters and memory",
    "configs": "configs",
}


def comparison_page(
    names: Sequence[str],
    runs: Sequence[Result],
    rows: Sequence[Row],
    limits: Sequence[str],
    over: Sequence[Broken],
) -> str:
    """Return the page; the first run is the baseline. ``over``: what breaks ``limits``."""
    many = len(names) > 1 and len({job for run in runs for job in run.summary["workloads"]}) > 0
    changed = chart("changed", "Layers that changed most", "Longer to the right, shorter to the left.")
    parts = [
        *_verdicts(limits, over),
        *(
            line
            for name, run in zip(names, runs)
            for line in deadlines(run.summary["workloads"], f"{name}, ")
            if many
        ),
        f"<h1>{escape(' / '.join(names))}</h1>",
        f'<div class="dim">baseline: {escape(names[0])}</div>',
        *(
            f'<div class="warning">{escape(f"{name}: {sampling_text(run.summary)}")}</div>'
            for name, run in zip(names, runs)
            if "sampling" in run.summary
        ),
        navigation(SECTIONS),
        '<h2 id="cost">What it cost and bought</h2>',
        _beside(_measures(names, [row for row in rows if row.of_job]), changed, len(names)),
        pair(
            chart("blame", "Who delayed whom", "Share of each master's waits, dashed: by its own requests."),
            chart("blame2", "", "The other run, or the difference in points of a hundred."),
        ),
        *_slowed(names, runs),
        pair(
            chart("times", "Timeline", "Ctrl and wheel zoom, drag moves, + - 0 and arrows on the keyboard."),
            chart("times2", "", ""),
        ),
        pair(
            chart("latency", "Read latency", "Of one master in every run; lines down: 99 % of its reads."),
            chart("frames", "Frames done within", "Share of the frames of a job, by latency."),
        ),
        pair(
            chart("roofline", "Roofline", "A layer each, its area is its time."),
            chart("energy", "Energy", "By unit and run."),
        ),
        '<h2 id="layers">Layers</h2>',
        _layers(names, runs),
        '<h2 id="masters">Masters and memory</h2>',
        _measures(names, [row for row in rows if not row.of_job], "masters-table"),
        '<h2 id="configs">What differs in the configs</h2>',
        _differences(names, runs),
    ]
    data = {"runs": [{"label": name} | run_data(run) for name, run in zip(names, runs)]}
    return page("dlasim compare", parts, data, SCRIPTS)


def _slowed(names: Sequence[str], runs: Sequence[Result]) -> list[str]:
    """Return for each run a line for each layer that lost most against the first."""
    found = [(name, slowed_layers(run, runs[0])) for name, run in zip(names[1:], runs[1:])]
    return [part for name, told in found if told for part in (f"<h3>{escape(name)}</h3>", lines(told))]


def _beside(measures: str, changed: str, runs: int) -> str:
    """Return the table with the chart beside it where there is room."""
    return pair(f"<div>{measures}</div>", changed) if runs <= ROOM_BESIDE else measures + changed


def _verdicts(limits: Sequence[str], over: Sequence[Broken]) -> list[str]:
    if not limits:
        return []
    return [verdict(False, "FAILED", str(each)) for each in over] or [
        verdict(True, "PASSED", ", ".join(limits))
    ]


def _measures(names: Sequence[str], rows: Sequence[Row], name: str = "") -> str:
    body = []
    for row in rows:
        cells: list[Any] = [row.name, Cell(row.show(row.values[0]), row.values[0])]
        for value in row.values[1:]:
            moved, said = change(value, row.values[0]), verdict_of(row, value)
            why = ", ".join(filter(None, (moved, said if moved else "")))
            cells.append(Cell(f"{row.show(value)} ({why})" if why else row.show(value), value, said))
        body.append(cells)
    return table(["measure", *names], body, name=name, tight=len(names) > MOST_DIFFERENCES)


def _differences(names: Sequence[str], runs: Sequence[Result]) -> str:
    differing = differences(list(runs))
    rows = [[path, *values] for path, values in differing[:SHOWN_DIFFERENCES]]
    more = len(differing) - SHOWN_DIFFERENCES
    left = list(range(len(names) + 1))
    return table(["key", *names], rows, left) + (f"<p>and {more} more</p>" if more > 0 else "")


def _layers(names: Sequence[str], runs: Sequence[Result]) -> str:
    """Return the time of every layer in every run, and its change against the first."""
    seconds = [
        {layer.name: layer.seconds for layer in layers_of(run.ops, run.summary["workloads"])} for run in runs
    ]
    everything = dict.fromkeys(name for one in seconds for name in one)
    slowest = sorted(everything, key=lambda name: -max(one.get(name, 0.0) for one in seconds))[:MOST_LAYERS]
    kept, step = set(slowest), 1 if len(names) <= MOST_DIFFERENCES else 2  # 2: no seconds of difference
    rows = []
    for name in (name for name in everything if name in kept):
        base = seconds[0].get(name)
        cells: list[Any] = [name, cell(base, time_text)]
        for one in seconds[1:]:
            value = one.get(name)
            moved = None if value is None or base is None else round(value - base, FS_DIGITS)
            sign = "-" if moved is None else f"{'+' if moved > 0 else ''}{time_text(moved)}"
            share = None if moved is None or not base else moved / base
            cells += [cell(value, time_text), Cell(sign, moved), cell(share, percent_text)][::step]
        rows.append(cells)
    headings = ["layer", names[0]]
    for name in names[1:]:
        headings += [name, "difference", "change"][::step]
    return table(headings, rows, name="layers-table")
