"""`dlasim validate networks`: MACs and weights of networks as read, beside independent counts.

The cases are small files of each kind that is easily misread (`workloads/networks/cases/`), the networks that
come with the onnx package, and every built-in. A row without counts is a file that must be refused.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

from hw_models.errors import ConfigError
from simulator.validate.figure import Figure
from workloads import load_network
from workloads.graph import Network, network_weights, node_macs
from workloads.networks.builtin import NETWORKS
from workloads.params import NetworkJob

CASES = Path(__file__).resolve().parents[2] / "workloads" / "networks" / "cases" / "expected.csv"
OF_ONNX = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
COLUMNS = ("network", "macs", "weights")


def figures(table: Path | None = None, **options: Any) -> Iterator[Figure]:
    """Yield MACs and weights of each row, or whether it was refused. Raises ConfigError."""
    path = table or CASES
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            message = (
                f"no column {missing[0]!r}; write {', '.join(COLUMNS)}, and input where it is not the file's"
            )
            raise ConfigError(message, file=path, line=1)
        for line, row in enumerate(reader, 2):
            yield from _compared(path, line, row)


def _compared(path: Path, line: int, row: dict[str, str]) -> Iterator[Figure]:
    shown = {"network": row["network"], "note": row.get("note", "")}
    try:
        network = _read(path.parent, row)
    except ConfigError:
        if row["macs"]:
            raise
        yield Figure(shown, "refused", 1, 1)
        return
    if not row["macs"]:
        yield Figure(shown, "refused", 1, 0)
        return
    try:
        macs, weights = int(row["macs"]), int(row["weights"])
    except ValueError:
        raise ConfigError(
            "macs and weights are not whole numbers; write both", file=path, line=line
        ) from None
    yield Figure(shown, "macs", macs, sum(node_macs(network, node) for node in network.nodes))
    yield Figure(shown, "weights", weights, network_weights(network))


def _read(folder: Path, row: dict[str, str]) -> Network:
    name = row["network"]
    places = [folder / name, OF_ONNX / name]
    source = name if name in NETWORKS else str(next((p for p in places if p.is_file()), places[0]))
    fields: dict[str, Any] = {"network": source, "on": "nvdla0", "fallback": "core0"}
    if row.get("input"):
        fields["input"] = row["input"].removeprefix("input: ")
    network: Network = load_network(NetworkJob.model_validate(fields))
    return network
