"""What the charts of a run draw, as data of its page: SI units, names of users as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulator.report.layers import UNSEEN, Layer, cause_of, interference_pairs, layers_of
from simulator.report.masters import folded, in_order, shown_masters
from simulator.results.numbers import percent_text
from simulator.results.parts import channels
from simulator.results.result import Result, told
from simulator.results.tracks import tracks

ASKED = "asked for"  # level of memory of what operations ask for (`simulator.results.levels`)
MOST_SLICES = 3000  # of the timeline: the longest
MOST_ROWS = 1000  # of the table of operations
BINS_A_DECADE = 40  # of the latency histogram
NOT_MEASURED = "not measured"
MOST_WAITS = 3  # causes that are named of an operation
MOST_WAITS_SHOWN = 3000  # of blame, by layer
UNITS_OF_COLUMNS = {"_s": "s", "_bytes": "B", "_utilization": "%"}


def run_data(result: Result) -> dict[str, Any]:
    """Return the data of all views of a run."""
    layers = layers_of(result.ops, result.summary["workloads"])
    return {
        "name": str(result.summary["name"]),
        "end_s": float(result.summary["simulation"]["simulated_s"]),
        "frames": frames_data(result),
        "ops": slices_data(result.ops),
        "corunners": [
            {"on": str(each["on"]), "what": str(each.get("kind", "co-runner")).replace("_", " ")}
            for each in result.config.get("corunners", [])
        ],
        "bandwidth": {
            "time_s": result.bandwidth.get("time_s", []),
            "masters": folded(told(result.bandwidth), shown_masters(result.summary)),
        },
        "queues": {"time_s": result.queues.get("time_s", []), "fills": told(result.queues)},
        "latency": latency_data(result),
        "blame": blame_data(result),
        "layers": [layer_data(layer) for layer in layers],
        "rooflines": rooflines(result.summary, layers),
        "energy": energy_data(result.summary),
    }


def columns_of(table: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Return the columns as plain lists."""
    return {name: (c.tolist() if hasattr(c, "tolist") else list(c)) for name, c in table.items()}


def frames_data(result: Result) -> dict[str, list[Any]]:
    """Return the frames of all jobs; ``deadline_s`` is None without one."""
    names = ("job", "frame", "end_s", "latency_s", "deadline_s")
    found = {name: list(result.frames.get(name, [])) for name in names}
    return found | {"deadline_s": [None if limit == "" else limit for limit in found["deadline_s"]]}


def slices_data(table: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return the operations on the tracks of their units, the longest if they are many."""
    ops = columns_of(table)
    on_track = tracks(ops)
    names = sorted(set(on_track))
    chosen = sorted(range(len(on_track)), key=lambda i: ops["start_s"][i] - ops["end_s"][i])[:MOST_SLICES]
    chosen.sort()
    waits = [waits_of(ops, i) for i in chosen]
    unseen = [str(ops["kind"][i]).startswith(UNSEEN) for i in chosen]
    frame = ops.get("frame")
    return {
        "tracks": names,
        "track": [names.index(on_track[i]) for i in chosen],
        "name": [str(ops["layer"][i]) for i in chosen],
        "kind": [str(ops["kind"][i]).replace("_", " ") for i in chosen],
        "start_s": [ops["start_s"][i] for i in chosen],
        "end_s": [ops["end_s"][i] for i in chosen],
        "frame": [frame[i] if frame else "last" for i in chosen],
        "waited": [min(1.0, sum(share for _, share in each)) for each in waits],
        "why": [NOT_MEASURED if hidden and not each else _told(each) for hidden, each in zip(unseen, waits)],
    }


def waits_of(ops: Mapping[str, Sequence[Any]], i: int) -> list[tuple[str, float]]:
    """Return (cause, share of the operation's cycles) of what an operation waited for, most first."""
    cycles = ops["cycles"][i]
    found = [
        (cause_of(name), column[i] / cycles)
        for name, column in ops.items()
        if name.startswith("stall_") and cycles and _number(column[i])
    ]
    return sorted(found, key=lambda item: (-item[1], item[0]))


def _told(waits: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{cause} {percent_text(share)}" for cause, share in waits[:MOST_WAITS])


def _number(value: Any) -> bool:
    """Return whether a value is a number other than 0."""
    return isinstance(value, int | float) and value != 0


def operations_data(table: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return the columns of the table of operations; waits in one, columns without a number left out."""
    ops = columns_of(table)
    count = min(len(next(iter(ops.values()), [])), MOST_ROWS)
    found = []
    for name, column in ops.items():
        if name.startswith("stall_") or not any(value not in ("", 0) for value in column):
            continue
        unit = next((unit for ending, unit in UNITS_OF_COLUMNS.items() if name.endswith(ending)), "plain")
        heading = name.removesuffix("_s").removesuffix("_bytes").replace("_", " ")
        found.append({"name": heading, "unit": unit, "values": column[:count]})
    waits = [_told(waits_of(ops, i)) for i in range(count)]
    return [*found, {"name": "waited for", "unit": "plain", "values": waits}]


def latency_data(result: Result) -> list[dict[str, Any]]:
    """Return for each master the share of its reads in bins of equal width on a logarithmic axis."""
    table, shown = columns_of(result.latency), shown_masters(result.summary)
    masters = dict.fromkeys(shown.get(name, name) for name in in_order(table.get("master", []), shown))
    found = []
    for name in masters:
        rows = [i for i, master in enumerate(table["master"]) if shown.get(master, master) == name]
        at = np.array([table["at_least_s"][i] for i in rows], float)
        reads = np.array([table["reads"][i] for i in rows], float)
        bins = np.floor(np.log10(np.maximum(at, 1e-15)) * BINS_A_DECADE + 1e-6).astype(int)
        first = int(bins.min())
        share = np.bincount(bins - first, reads) / reads.sum()
        low = 10.0 ** (np.arange(first, first + len(share)) / BINS_A_DECADE)
        points = [*zip(low.tolist(), share.tolist()), (float(low[-1]) * 10 ** (1 / BINS_A_DECADE), 0.0)]
        latency = result.summary.get("masters", {}).get(name, {}).get("read_latency_s", {})
        found.append({"master": name, "bins": points, "p99_s": latency.get("p99")})
    return found


def blame_data(result: Result) -> dict[str, Any]:
    """Return who waited for whom: cells (victim, culprit, cause, seconds, layer), places in the lists beside.

    By layer where the run has blame.csv, of which a cause says its level too; nothing where no masters share.
    Many masters are shown as `shown_masters` says.
    """
    summary = result.summary
    if not interference_pairs(summary):
        return {"victims": [], "culprits": [], "causes": [], "layers": [], "cells": [], "requests": []}
    found = _blame_by_layer(columns_of(result.blame)) if result.blame else _blame_in_all(summary)
    shown = shown_masters(summary)
    found = _named(found, shown)
    names: list[dict[str, int]] = [{}, {}, {}, {}]  # victims, culprits, causes, layers: name -> place
    both = {victim for victim, *_ in found} & {culprit for _, culprit, *_ in found}
    names[1] |= {
        name: i for i, name in enumerate(n for n in dict.fromkeys(v for v, *_ in found) if n in both)
    }
    cells = [
        (*(places.setdefault(name, len(places)) for places, name in zip(names, key)), seconds)
        for key, seconds in found.items()
    ]
    victims = list(names[0])
    masters = summary.get("masters", {})
    return {
        "victims": victims,
        "culprits": list(names[1]),
        "causes": list(names[2]),
        "layers": list(names[3]),
        "cells": [(v, c, k, seconds, layer) for v, c, k, layer, seconds in cells],
        "requests": [
            sum(
                each.get("reads", 0) + each.get("writes", 0)
                for name, each in masters.items()
                if shown[name] == victim
            )
            for victim in victims
        ],
    }


Waits = dict[tuple[str, str, str, str], float]  # (victim, culprit, cause, layer) -> seconds


def _named(waits: Waits, shown: Mapping[str, str]) -> Waits:
    """Return the waits by the names that masters are shown by, those that share one last."""
    found: Waits = {}
    for key in sorted(waits, key=lambda key: [shown.get(name, name) != name for name in key[:2]]):
        victim, culprit, cause, layer = key
        at = shown.get(victim, victim), shown.get(culprit, culprit), cause, layer
        found[at] = found.get(at, 0.0) + waits[key]
    return found


def _blame_in_all(summary: Mapping[str, Any]) -> Waits:
    return {
        (victim, culprit, cause, ""): seconds
        for victim, row in summary["interference"].items()
        for culprit, cell in row.items()
        for cause, seconds in cell.get("causes", {"": cell["delay_s"]}).items()
        if seconds
    }


def _blame_by_layer(table: Mapping[str, Sequence[Any]]) -> Waits:
    """Return the waits summed over frames; of very many the small ones have no layer."""
    several = len(set(table["job"]) - {""}) > 1
    found: Waits = {}
    for victim, job, layer, culprit, level, cause, seconds in zip(
        *(table[name] for name in ("victim", "job", "layer", "culprit", "level", "cause", "time_s"))
    ):
        at = f"{job}.{layer}" if several and layer else str(layer)
        key = (str(victim), str(culprit), f"{cause} in {level}", at)
        found[key] = found.get(key, 0.0) + seconds
    if len(found) <= MOST_WAITS_SHOWN:
        return found
    least = sorted(found.values(), reverse=True)[MOST_WAITS_SHOWN]
    short: Waits = {}
    for (victim, culprit, cause, layer), seconds in found.items():
        key = (victim, culprit, cause, layer if seconds > least else "")
        short[key] = short.get(key, 0.0) + seconds
    return short


def layer_data(layer: Layer) -> dict[str, Any]:
    """Return a layer's time, split into work and what it waited for, unless nobody knows."""
    per_cycle = layer.seconds / layer.cycles if layer.cycles else 0.0
    waits = {cause: cycles * per_cycle for cause, cycles in layer.stalls.items() if cycles}
    working = max(layer.seconds - sum(waits.values()), 0.0)
    if not layer.measured and not waits:
        waits, working = {NOT_MEASURED: layer.seconds}, 0.0
    return {"name": layer.name, "kind": layer.kind.replace("_", " "), "seconds": layer.seconds,
            "working": working, "waits": waits}  # fmt: skip


def rooflines(summary: Mapping[str, Any], layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Return the layers under the roofs of compute and of each level of memory, by the bytes asked there."""
    found = []
    for level, peak in summary.get("peak_bytes_per_s", {ASKED: 0.0}).items():
        points = [
            (layer.macs / moved, layer.macs / layer.seconds, layer.seconds, layer.name)
            for layer in layers
            if layer.macs and layer.seconds and (moved := bytes_at(summary, layer, level))
        ]
        if points:
            top = max(layer.peak_macs_per_s for layer in layers)
            found.append({"level": level, "bytes_per_s": peak, "macs_per_s": top, "points": points})
    return found


def bytes_at(summary: Mapping[str, Any], layer: Layer, level: str) -> float:
    """Return the bytes that a layer asked of memory at a level."""
    if level == ASKED:
        return layer.total_bytes
    job = summary["workloads"].get(layer.job, {})
    return job.get("layer_bytes", {}).get(layer.own_name, {}).get(level, 0)


def energy_data(summary: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """Return (unit, cause, joules) of everything whose energy is known; of DRAM alone without `energy`."""
    if "energy" in summary:
        return [
            (unit, cause.removesuffix("_j"), joules)
            for unit, figures in summary["energy"]["by_unit"].items()
            for cause, joules in figures.items()
            if joules
        ]
    return [
        (name, cause, joules)
        for name, channel in channels(summary)
        for cause, joules in channel.get("energy_by_cause_j", {}).items()
        if joules
    ]


def layer_joules(table: Mapping[str, Sequence[Any]]) -> dict[tuple[str, str], float]:
    """Return (job, layer) -> joules of all its frames on all units."""
    found: dict[tuple[str, str], float] = {}
    for job, layer, *joules in zip(*(table.get(n, ()) for n in ("job", "layer", "dynamic_j", "leakage_j"))):
        found[job, str(layer)] = found.get((job, str(layer)), 0.0) + sum(joules)
    return found
