"""What a person reads on the terminal: the progress bar and the ten-second summary."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from simulator.progress import Progress
from simulator.report.layers import (
    Layer,
    frames_text,
    interference_matrix,
    interference_pairs,
    layers_of,
    slowest,
)
from simulator.report.masters import shown_masters
from simulator.results.numbers import (
    bytes_text,
    count_text,
    deadline_text,
    energy_text,
    percent_text,
    phases_of,
    rate_text,
    time_text,
)
from simulator.results.parts import caches, channels, ideal_memories
from simulator.results.result import Result

SLOWEST = 5  # layers shown
PIPE_WIDTH = 140


@contextmanager
def progress_bar(console: Console, wanted: bool) -> Iterator[Progress | None]:
    """Yield the callback that moves a progress bar, None when nobody watches."""
    if not wanted or not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("simulating"),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("run", total=1.0, said="compiling the kernels")

        def update(fraction: float, simulated_s: float, requests: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = requests / elapsed if elapsed > 0 else 0.0
            said = f"{time_text(simulated_s)} simulated, {count_text(rate)} requests/s"
            bar.update(task, completed=fraction, said=said)

        yield update


def output_console() -> Console:
    """Return the console of stdout: names are shown as they are, a file or pipe gets wide lines."""
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def print_run(console: Console, result: Result, out: Any) -> None:
    """Print what matters of one run."""
    console.print(run_summary(result))
    for warning in result.warnings:
        console.print(Text(f"warning: {warning}", style="yellow"))
    for job, found in result.values.items():
        console.print(Text(f"values of {job}: {found.told()}"))
    simulation = result.summary["simulation"]
    wall = f"{time_text(simulation['simulated_s'])} simulated in {time_text(simulation['wall_s'])}"
    rate = f"{count_text(simulation['requests_per_wall_s'])} requests/s"
    console.print(Text(f"{wall} ({rate}); written to {out}", style="dim"), soft_wrap=True)


def run_summary(result: Result) -> Group:
    summary = result.summary
    parts: list[Any] = [Text(str(summary["name"]), style="bold"), *_deadlines(summary["workloads"])]
    parts.append(_jobs(summary["workloads"]))
    traffic = _traffic(summary)
    if traffic is not None:
        parts.append(traffic)
    rows = slowest(layers_of(result.ops, summary["workloads"]), SLOWEST)
    if rows:
        parts.append(_slowest(rows))
        parts += [Text(row["text"], style="dim") for row in summary.get("slow_layers", ())]
    if interference_pairs(summary):
        parts.append(_interference(summary))
    if "energy" in summary:
        parts.append(Text(f"\n{energy_text(summary['energy'])}"))
    return Group(*parts)


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right", header_style="dim", overflow="fold")
    return table


def _deadlines(workloads: Mapping[str, Any]) -> list[Text]:
    """Return a line for each job with a deadline; it says in words what its colour says."""
    return [
        Text(f"{name}: {deadline_text(job)}", style="green" if job["deadline"]["met"] else "bold red")
        for name, job in workloads.items()
        if job.get("deadline")
    ]


def _jobs(workloads: Mapping[str, Any]) -> Table:
    table = _table(
        "\nworkloads", "job", "latency", "speed", "MAC use", "read", "written", "where the time went"
    )
    for name, job in workloads.items():
        speed = "-"
        if job.get("frames_per_s"):
            speed = f"{job['frames_per_s']:.4g} frames/s"
        elif job.get("requests_per_s"):
            speed = f"{job['requests_per_s']:.4g} requests/s"
        elif job.get("s_per_token"):
            speed = f"{time_text(job['s_per_token'])}/token"
        phases = ", ".join(f"{key.replace('_', ' ')} {time_text(value)}" for key, value in phases_of(job))
        table.add_row(
            name,
            time_text(job["latency_s"]),
            speed,
            percent_text(job.get("mac_utilization")),
            bytes_text(job.get("read_bytes")),
            bytes_text(job.get("write_bytes")),
            phases or "-",
        )
    return table


def _traffic(summary: Mapping[str, Any]) -> Table | None:
    """Return the table of masters, caches, memories and flash; None if there are none."""
    rows: list[list[str]] = []
    named = shown_masters(summary)
    others = [each for name, each in summary.get("masters", {}).items() if named[name] != name]
    for name, master in summary.get("masters", {}).items():
        if named[name] != name or (not master.get("reads") and not master.get("writes")):
            continue
        latency = master.get("read_latency_s", {})
        times = [time_text(latency.get(key)) for key in ("mean", "p99", "max")]
        traffic = [bytes_text(master.get("read_bytes")), bytes_text(master.get("write_bytes"))]
        rows.append([name, *traffic, rate_text(master.get("bandwidth_bytes_per_s")), *times, ""])
    if others:
        moved = [bytes_text(sum(each[f"{kind}_bytes"] for each in others)) for kind in ("read", "write")]
        rate = rate_text(sum(each["bandwidth_bytes_per_s"] for each in others))
        rows.append([f"{len(others)} others", *moved, rate, *[""] * 4])
    flash = summary.get("flash")
    for name, cache in caches(summary):
        rows.append([name, *[""] * 6, f"{percent_text(cache.get('hit_rate'))} hits"])
    for name, channel in channels(summary):
        columns = channel_columns(channel)
        rows.append([name, *columns[:3], "", "", "", columns[3]])
    for name, memory in ideal_memories(summary):
        moved = [bytes_text(memory.get(f"{kind}_bytes")) for kind in ("read", "write")]
        rows.append([name, *moved, *[""] * 5])
    if flash:
        rate = rate_text(flash.get("throughput_bytes_per_s"))
        moved = [bytes_text(flash.get(f"{kind}_bytes")) for kind in ("read", "write")]
        rows.append(["flash", *moved, rate, *[""] * 4])
    if not rows:
        return None
    names = ["", "read", "written", "bandwidth", "read latency mean", "p99", "max", ""]
    shown = [i for i, name in enumerate(names) if i < 2 or any(row[i] for row in rows)]
    table = _table("\nmemory traffic", *(names[i] for i in shown))
    for row in rows:
        table.add_row(*(row[i] for i in shown))
    return table


def channel_columns(channel: Mapping[str, Any]) -> list[str]:
    """Return reads, writes, bandwidth, and the rest in words, of one DRAM channel."""
    rows = channel.get("row_hits", 0) + channel.get("row_misses", 0) + channel.get("row_conflicts", 0)
    hits = f"{percent_text(channel.get('row_hits', 0) / rows if rows else None)} row hits"
    use = f"{percent_text(channel.get('utilization'))} of the bus"
    counts = [f"{count_text(channel.get('reads'))} RD", f"{count_text(channel.get('writes'))} WR"]
    return [*counts, rate_text(channel.get("bandwidth_bytes_per_s")), f"{hits}, {use}"]


def _slowest(rows: Sequence[Layer]) -> Table:
    columns = ["layer", "kind", "time", *(["waited for"] if rows[0].stalls else [])]
    told = frames_text(rows)
    table = _table(f"\nslowest layers{' of ' if told else ''}{told}", *columns)
    for i in (1, 3):
        if i < len(columns):
            table.columns[i].justify = "left"
    for row in rows:
        table.add_row(*[row.name, row.kind, time_text(row.seconds), row.waited_for][: len(columns)])
    return table


def _interference(summary: Mapping[str, Any]) -> Table:
    """Return each victim's mean wait and the share of each culprit in it."""
    victims, culprits, rows = interference_matrix(summary)
    shown = shown_masters(summary)
    table = _table("\nwaits, charged to", "victim", "a request", *culprits)
    for victim, row in zip(victims, rows):
        behind = [each for name, each in summary.get("masters", {}).items() if shown[name] == victim]
        requests, waits = sum(each.get("reads", 0) + each.get("writes", 0) for each in behind), sum(row)
        mean = time_text(waits / requests if requests else None)
        table.add_row(victim, mean, *(percent_text(wait / waits if waits else 0.0) for wait in row))
    return table
