"""report.html and plots/ of one run."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from simulator.config.yaml_lines import yaml_text
from simulator.report.layers import Layer, frames_text, layers_of
from simulator.report.page import (
    Cell,
    cards,
    cell,
    chart,
    details,
    lines,
    navigation,
    page,
    pair,
    save_plots,
    table,
    verdict,
)
from simulator.report.run_data import MOST_ROWS, layer_joules, operations_data, run_data
from simulator.results.numbers import (
    bytes_text,
    count_text,
    deadline_text,
    joules_text,
    percent_text,
    phases_of,
    rate_text,
    time_text,
)
from simulator.results.parts import caches, channels, ideal_memories
from simulator.results.result import Result
from workloads.lowering.account import text_of

SCRIPTS = ("charts.js", "run.js")
SECTIONS = {
    "blame": "blame",
    "slow": "slow layers",
    "timeline": "timeline",
    "latency": "latency",
    "roofline": "roofline",
    "energy": "energy",
    "layers": "layers",
    "masters": "masters",
    "config": "config",
}


def write_run_page(result: Result, folder: Path, kinds: Sequence[str] = ("png",)) -> None:
    """Write the plots, of these ``kinds``, and the report into ``folder``."""
    from simulator.report.plots import run_plots  # matplotlib

    save_plots(run_plots(result), folder, kinds)
    (folder / "report.html").write_text(run_page(result), encoding="utf-8")


def run_page(result: Result) -> str:
    """Return the page: verdicts and key figures, blame and slow layers, then everything else."""
    summary, data = result.summary, run_data(result)
    sections = {k: words for k, words in SECTIONS.items() if k != "masters" or summary.get("masters")}
    parts = [
        *deadlines(summary["workloads"]),
        f"<h1>{escape(str(summary['name']))}</h1>",
        f'<div class="dim">{escape(made_by(summary["simulation"]))}</div>',
        *(f'<div class="warning">{escape(f"warning: {warning}")}</div>' for warning in result.warnings),
        *(part for name, job in summary["workloads"].items() for part in _job(name, job)),
        navigation(sections),
        pair(
            chart("blame", "Who delayed whom", "Share of each master's waits, dashed: by its own requests."),
            chart("slow", "Slowest layers", "Working, and waiting by cause."),
        ),
        lines(row["text"] for row in summary.get("slow_layers", ())),
        chart(
            "timeline",
            "Timeline",
            "The white strip in a bar is the share of its time that it waited; a post is a frame's deadline. "
            "Ctrl and wheel zoom, drag moves, + - 0 and arrows on the keyboard.",
        ),
        pair(
            chart("latency", "Read latency", "Lines down: 99 % of a master's reads."),
            chart("frames", "Frames", "Latency of each from its release."),
        ),
        pair(
            chart("roofline", "Roofline", "A layer each, its area is its time."),
            chart("energy", "Energy", "By unit and cause."),
        ),
        '<h2 id="layers">Layers</h2>',
        _layers(result),
        *_energy(summary),
        *_masters(summary),
        *_memory(summary),
        *(part for job in summary["workloads"].values() for part in _network(job)),
        details(_operations_title(result), "", name="operations"),
        '<div id="config">',
        details("Config", f"<pre>{escape(yaml_text(result.config))}</pre>"),
        "</div>",
    ]
    return page(
        str(summary["name"]), parts, {"run": data | {"operations": operations_data(result.ops)}}, SCRIPTS
    )


def _operations_title(result: Result) -> str:
    count = len(next(iter(result.ops.values()), ()))
    return (
        "Every operation"
        if count <= MOST_ROWS
        else f"The first {MOST_ROWS} of {count} operations: ops.csv has all"
    )


def made_by(simulation: Mapping[str, Any]) -> str:
    """Return what made the run, in one line."""
    return (
        f"dlasim {simulation['version']}, seed {simulation['seed']}, "
        f"config {simulation['config_sha256'][:12]}: "
        f"{time_text(simulation['simulated_s'])} simulated in {time_text(simulation['wall_s'])}, "
        f"{count_text(simulation['requests'])} requests"
    )


def _job(name: str, job: Mapping[str, Any]) -> list[str]:
    numbers = [("latency", time_text(job["latency_s"]))]
    if job.get("frames_per_s"):
        numbers.append(("frames per second", f"{job['frames_per_s']:.4g}"))
    if job.get("requests_per_s"):
        numbers.append(("requests per second", f"{job['requests_per_s']:.4g}"))
        numbers += [(f"{name}, 99 % within", time_text(job[name]["p99_s"])) for name in ("ttft", "tpot")]
    if job.get("s_per_token"):
        numbers.append(("per token", time_text(job["s_per_token"])))
    if job.get("mac_utilization"):
        numbers.append(("MAC utilisation", percent_text(job["mac_utilization"])))
    numbers += [("read", bytes_text(job.get("read_bytes"))), ("written", bytes_text(job.get("write_bytes")))]
    numbers += [(f"{phase.replace('_', ' ')} time", time_text(value)) for phase, value in phases_of(job)]
    if job.get("frames", 1) > 1:
        numbers += [("frames", str(job["frames"])), ("slowest frame", time_text(job.get("latency_max_s")))]
    return [f"<h3>{escape(name)}</h3>", cards(numbers)]


def deadlines(jobs: Mapping[str, Any], before: str = "") -> list[str]:
    """Return a line for each job with a deadline; it says in a word what its colour says."""
    return [
        verdict(
            job["deadline"]["met"],
            "MET" if job["deadline"]["met"] else "MISSED",
            f"{before}{name}: {deadline_text(job)}",
        )
        for name, job in jobs.items()
        if job.get("deadline")
    ]


def _network(job: Mapping[str, Any]) -> list[str]:
    """Return what was read, to be compared with the framework's own table."""
    network = job.get("network")
    if not network:
        return []
    said = f"Network as read: {network['macs']:,} MACs, {network['weights']:,} weights"
    rows = [
        [
            Cell(str(i), i),
            layer["name"],
            layer["operator"],
            ", ".join(map(text_of, layer["inputs"])),
            text_of(layer["output"]),
            Cell(f"{layer['macs']:,}" if layer["macs"] else "", layer["macs"]),
            Cell(f"{layer['weights']:,}" if layer["weights"] else "", layer["weights"]),
            layer["runs_on"] + (f": {layer['why']}" if layer["why"] else ""),
        ]
        for i, layer in enumerate(network["layers"])
    ]
    headings = ["no.", "layer", "operator", "in", "out", "MACs", "weights", "runs on"]
    notes = "".join(f'<div class="dim">{escape(note)}</div>' for note in network["notes"])
    return [details(said, notes + table(headings, rows, left=(1, 2, 3, 4, 7)))]


def _masters(summary: Mapping[str, Any]) -> list[str]:
    rows: list[list[Any]] = []
    for name, master in summary.get("masters", {}).items():
        latency = master.get("read_latency_s", {})
        rows.append(
            [
                name,
                *(cell(master.get(key), count_text) for key in ("reads", "writes")),
                *(cell(master.get(key), bytes_text) for key in ("read_bytes", "write_bytes")),
                cell(master.get("bandwidth_bytes_per_s"), rate_text),
                *(cell(latency.get(key), time_text) for key in ("mean", "p50", "p95", "p99", "max")),
            ]
        )
    names = ["master", "reads", "writes", "read", "written", "bandwidth"]
    names += [f"latency {key}" for key in ("mean", "p50", "p95", "p99", "max")]
    return ['<h2 id="masters">Masters</h2>', table(names, rows)] if rows else []


def _energy(summary: Mapping[str, Any]) -> list[str]:
    """Return energy, power and area as cards, if the config names a node."""
    energy = summary.get("energy")
    if not energy:
        return []
    within = f"{joules_text(energy['low_j'])} to {joules_text(energy['high_j'])}"
    numbers = [(f"energy, {within}", joules_text(energy["total_j"]))]
    numbers += [
        (f"a frame of {name}", joules_text(job["frame_j"]))
        for name, job in energy["by_job"].items()
        if "frame_j" in job
    ]
    numbers += [
        (
            "leakage in it",
            percent_text(energy["leakage_j"] / energy["total_j"] if energy["total_j"] else None),
        ),
        ("mean power", f"{energy['average_w']:.3g} W"),
    ]
    numbers += [
        (f"area: {name}", f"{area:.3g} mm\u00b2") for name, area in energy["area_mm2"].items() if area
    ]
    return [f"<h2>Energy and area, {energy['node_nm']} nm, to first order</h2>", cards(numbers)]


def _memory(summary: Mapping[str, Any]) -> list[str]:
    parts = []
    for name, cache in caches(summary):
        numbers = [("hit rate", percent_text(cache.get("hit_rate")))]
        numbers += [(key, count_text(cache.get(key))) for key in ("hits", "misses", "merges", "writebacks")]
        parts += [f"<h2>{'LLC' if name == 'llc' else escape(name)}</h2>", cards(numbers)]
    counts = (
        "reads",
        "writes",
        "activates",
        "precharges",
        "refreshes",
        "row_hits",
        "row_misses",
        "row_conflicts",
    )
    found = dict(channels(summary))
    if found:
        rows = [
            [
                name,
                *(cell(channel.get(key), count_text) for key in counts),
                cell(channel.get("bandwidth_bytes_per_s"), rate_text),
                cell(channel.get("utilization"), percent_text),
                cell(channel.get("energy_j"), joules_text),
            ]
            for name, channel in found.items()
        ]
        headings = ["channel", *(key.replace("_", " ") for key in counts), "bandwidth", "bus use", "energy"]
        parts += ["<h2>DRAM</h2>", table(headings, rows)]
    for name, memory in ideal_memories(summary):
        numbers = [(key, bytes_text(memory.get(f"{key}_bytes"))) for key in ("read", "write")]
        parts += [f"<h2>{escape(name)}</h2>", cards(numbers)]
    flash = summary.get("flash")
    if flash:
        numbers = [
            ("throughput", rate_text(flash.get("throughput_bytes_per_s"))),
            ("read", bytes_text(flash.get("read_bytes"))),
        ]
        numbers += [(key.replace("_", " "), count_text(flash.get(key))) for key in ("page_reads", "requests")]
        parts += ["<h2>Flash</h2>", cards(numbers)]
    return parts


def _share(layer: Layer, job: Mapping[str, Any]) -> float | None:
    """Return a layer's share of the latency of its frame, drivers and gaps included."""
    latencies = job.get("frame_latency_s") or [job.get("latency_s")]
    latency = latencies[layer.frame] if layer.frame is not None else latencies[-1]
    return layer.seconds / latency if latency else None


def _layers(result: Result) -> str:
    jobs = result.summary["workloads"]
    layers = layers_of(result.ops, jobs)
    joules = layer_joules(result.energy)
    rows = []
    for i, layer in enumerate(layers):
        peak = layer.peak_macs_per_s * layer.seconds
        rows.append(
            [
                Cell(str(i), i),
                layer.name,
                layer.kind,
                cell(layer.seconds, time_text),
                cell(_share(layer, jobs.get(layer.job, {})), percent_text),
                cell(layer.macs, count_text),
                cell(layer.macs / peak if peak else None, percent_text),
                cell(layer.read_bytes, bytes_text),
                cell(layer.write_bytes, bytes_text),
                cell(joules.get((layer.job, layer.own_name)), joules_text),
                layer.waited_for,
            ]
        )
    headings = ["no.", "layer", "kind", "time", "of latency", "MACs", "MAC use", "read", "written"]
    headings += ["energy, all frames", "waited for"]
    told = frames_text(layers)
    of = f'<div class="dim">{escape(f"Of {told}: the slowest.")}</div>' if told else ""
    return of + table(headings, rows, left=(1, 2, 10), name="layers-table")
