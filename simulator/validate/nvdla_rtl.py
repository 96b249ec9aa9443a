"""`dlasim validate nvdla-rtl`: the accelerator model against the open-source RTL in simulation."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError
from hw_models.nvdla.presets import PRESETS
from simulator.validate.figure import Figure
from simulator.validate.nvdla_rows import (
    conv_op,
    memory_timings,
    memory_to_memory_op,
    number,
    sequence_enables,
    sequence_ops,
)

REFERENCE = Path(__file__).resolve().parents[2] / "hw_models" / "nvdla" / "reference"
TABLES = (
    "nv_small_conv.csv",
    "nv_medium_512_conv.csv",
    "nv_large_conv.csv",
    "nv_small_sdp_pdp.csv",
    "nv_medium_512_sdp_pdp.csv",
    "nv_large_sdp_pdp.csv",
    "yolov3_ops_sample.csv",
    "pingpong.csv",
)


def tables(table: Path | None) -> list[Path]:
    return [table] if table else [REFERENCE / name for name in TABLES]


def figures(table: Path | None = None, internals: bool = False, **options: Any) -> Iterator[Figure]:
    """Yield cycles, traffic by client and, with ``internals``, the internal timestamps of every row."""
    for path in tables(table):
        try:
            with path.open(newline="") as file:
                rows = list(csv.DictReader(file))
        except UnicodeDecodeError:
            raise ConfigError("is not text; write the path of a reference table", file=path) from None
        except OSError as error:
            raise ConfigError(f"cannot read the table: {error.strerror}", file=path) from error
        if not rows or "config" not in rows[0]:
            raise ConfigError("no column 'config'; a table has the columns of nv_small_conv.csv", file=path)
        for row in rows:
            yield from _row_figures(row, internals)


def _row_figures(row: dict[str, str], internals: bool) -> Iterator[Figure]:
    from hw_models.nvdla.standalone import simulate

    preset = PRESETS.get(row.get("config", ""))
    if preset is None:
        yield Figure(row, f"not run: no preset {row.get('config')!r}", 0, 0, counted=False)
        return
    sequence = "layers" in row
    reference = 0.0
    try:
        reference = float(row["done_sdp"].split()[-1] if sequence else row["cycles_open_to_intr"])
        ops, enables = _launches(row, preset["atom_bytes"])
        timings = memory_timings(row, preset["dbb_bytes"])
        state = simulate(preset, timings, ops, enables, max_cycles=int(4 * reference) + 10_000)
    except KeyError as error:
        yield Figure(row, f"not run: no column {error}", reference, 0, counted=False)
        return
    except (ValueError, IndexError) as error:
        yield Figure(row, f"not run: {error}", reference, 0, counted=False)
        return
    record = state["records"][(state["launched"] - 1) % len(state["records"])]
    yield Figure(row, "cycles", reference, float(record["done"] if sequence else record["end"]))
    if sequence:
        yield from _sequence_figures(row, state, len(ops), internals)
    else:
        yield from _traffic(row, record)
        if internals:
            yield from _internals(row, record, state)


def _launches(row: dict[str, str], atom: int) -> tuple[Any, Any]:
    """Return the row's operations and when they are enabled (None: at once); ValueError for other kinds."""
    if "layers" in row:
        ops = sequence_ops(row, atom)
        return ops, sequence_enables(len(ops))
    kind = row["op"]
    if kind.startswith("conv"):
        return conv_op(row, atom), None
    if kind.startswith(("sdp", "pdp")):
        return memory_to_memory_op(row, atom), None
    raise ValueError(f"operation {kind!r} is neither conv, sdp nor pdp")


def _traffic(row: dict[str, str], record: Any) -> Iterator[Figure]:
    from hw_models.nvdla.names import Client

    data, weight = int(Client.CDMA_DATA), int(Client.CDMA_WEIGHT)
    read = record["read_bytes"]
    pairs = {
        "rd_bytes_cdma_dat": read[data],
        "rd_bytes_cdma_wt": read[weight],
        "rd_bytes_other": read.sum() - read[data] - read[weight],
        "wr_bytes": record["write_bytes"].sum(),
        "rd_bursts": record["read_bursts"].sum(),
        "wr_bursts": record["write_bursts"].sum(),
    }
    for name, ours in pairs.items():
        if row.get(name, "") != "":
            yield Figure(row, name, number(row, name), float(ours), counted=False)


def _internals(row: dict[str, str], record: Any, state: Any) -> Iterator[Figure]:
    from hw_models.nvdla.names import Mark

    for which in Mark:
        name = f"t_{which.name.lower()}"
        if row.get(name, "") != "":
            yield Figure(row, name, number(row, name), float(record["mark"][which]), counted=False)
    if row.get("mac_active_cycles", "") != "":
        yield Figure(
            row, "mac_active_cycles", number(row, "mac_active_cycles"), float(record["mac_cycles"]), False
        )
    if row.get("max_rd_outstanding_beats", "") != "":
        ours = float(state["mcif"][0]["max_reads_in_flight"])
        yield Figure(row, "max_rd_outstanding_beats", number(row, "max_rd_outstanding_beats"), ours, False)


def _sequence_figures(row: dict[str, str], state: Any, count: int, internals: bool) -> Iterator[Figure]:
    from hw_models.nvdla.names import Client, Mark

    records = [state["records"][i] for i in range(count)]
    beat = int(state["dbb_bytes"])
    pairs = {
        "rd_beats_dat": sum(r["read_bytes"][Client.CDMA_DATA] for r in records) // beat,
        "rd_beats_wt": sum(r["read_bytes"][Client.CDMA_WEIGHT] for r in records) // beat,
        "write_beats": sum(r["write_bytes"].sum() for r in records) // beat,
    }
    for name, ours in pairs.items():
        yield Figure(row, name, number(row, name), float(ours), counted=False)
    if internals:
        columns = {"done_cdma_dat": Mark.DAT_DONE, "done_cdma_wt": Mark.WT_DONE}
        for name, which in columns.items():
            for i, text in enumerate(row[name].split()):
                yield Figure(row, f"{name}_{i}", float(text), float(records[i]["mark"][which]), counted=False)
        for i, text in enumerate(row["done_sdp"].split()):
            yield Figure(row, f"done_sdp_{i}", float(text), float(records[i]["done"]), counted=False)
