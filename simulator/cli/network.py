"""`dlasim network`: what was read of a network, one line a layer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hw_models.errors import ConfigError
from hw_models.nvdla.presets import PRESETS
from simulator.cli.terminal import output_console
from simulator.config.errors import not_one_of
from simulator.config.model import load
from simulator.config.networks import network_program
from workloads import load_network, lower
from workloads.graph import network_weights
from workloads.lowering.account import account, as_read, text_of
from workloads.params import NetworkJob
from workloads.program import Program

WIDTHS = (24, 20, 30, 18)  # of name, operator, shapes in and out on the terminal; longer ones push


def print_network(source: str, sizes: list[str], preset: str, as_json: bool, strict: bool) -> None:
    """Print the table of a network, or of each network of a config. Raises ConfigError."""
    found = [{"name": name, **found} for name, found in _programs(source, sizes, preset, strict)]
    if as_json:
        print(json.dumps(found[0] if len(found) == 1 else {"networks": found}, indent=1))
        return
    for network in found:
        for line in table_lines(network):
            print(line)
    if any(network["warnings"] for network in found):
        console = output_console()
        for network in found:
            for warning in network["warnings"]:
                console.print(f"warning: {warning}", soft_wrap=True)


def _account(program: Program) -> dict[str, Any]:
    return account(program.layers, program.weights, program.notes, program.warnings)


def _programs(
    source: str, sizes: list[str], preset: str, strict: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    if Path(source).suffix.lower() in (".yaml", ".yml"):
        config = load(Path(source), strict=strict)
        jobs = {name: job for name, job in config.workloads.items() if isinstance(job, NetworkJob)}
        if not jobs:
            raise ConfigError("has no network among its workloads; write a network's file", file=source)
        for name, job in sorted(jobs.items()):
            try:
                yield name, _account(network_program(config, name, job))
            except ConfigError as error:
                raise config.locate(error) from None
        return
    if preset not in PRESETS:
        raise ConfigError(not_one_of(preset, list(PRESETS)), key="--on")
    fields: dict[str, Any] = {"network": source, "on": "nvdla0", "fallback": "core0", "strict": strict}
    if sizes:
        fields["input"] = _input(sizes)
    try:
        job = NetworkJob.model_validate(fields)
    except ValidationError as error:
        fault = error.errors()[0]
        key = "--input" if fault["loc"][0] == "input" else "FILE|NAME"
        raise ConfigError(fault["msg"].removeprefix("Value error, "), key=key) from None
    try:
        yield Path(source).name, _account(lower(job, preset))
    except ConfigError as error:
        if strict or error.file is not None or not isinstance(job.network, str):
            raise
        network = load_network(job)  # what cannot be read is refused here
        found = account(as_read(network), network_weights(network), network.notes, network.warnings)
        yield Path(source).name, {**found, "refused": str(error)}


def _input(sizes: list[str]) -> Any:
    if len(sizes) == 1 and "=" not in sizes[0] and ":" not in sizes[0]:
        return sizes[0]
    shapes: dict[str, list[int]] = {}
    for size in sizes:
        name, _, text = size.replace(":", "=").rpartition("=")
        try:
            shapes[name.strip()] = [int(part) for part in text.strip(" []").replace(",", "x").split("x")]
        except ValueError:
            name = ""
        if not name:
            message = f"{size!r} is not a size; write WIDTHxHEIGHT or NAME=1x3x640x640"
            raise ConfigError(message, key="--input")
    return shapes


def table_lines(network: dict[str, Any]) -> Iterator[str]:
    """Yield the table of a network, its totals, and what was folded."""
    heads = ("layer", "operator", "in", "out")
    yield "  ".join(f"{h:<{w}}" for h, w in zip(heads, WIDTHS)) + f"  {'MACs':>15} {'weights':>12}  runs on"
    for layer in network["layers"]:
        shapes = " ".join(map(text_of, layer["inputs"])), text_of(layer["output"])
        words = (layer["name"], layer["operator"], *shapes)
        where = layer["runs_on"] + (f": {layer['why']}" if layer["why"] else "")
        counts = f"{_count(layer['macs']):>15} {_count(layer['weights']):>12}"
        yield "  ".join(f"{text:<{w}}" for text, w in zip(words, WIDTHS)) + f"  {counts}  {where}"
    counts = f"{network['macs']:,} MACs, {network['weights']:,} weights"
    yield f"{network['name']}: {counts}, {len(network['layers'])} lines"
    if "refused" in network:
        yield f"refused: {network['refused']}"
    for note in network["notes"]:
        yield f"note: {note}"


def _count(value: int) -> str:
    return f"{value:,}" if value else ""
