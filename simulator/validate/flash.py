"""The flash block against MQSim's default SSD: latency, IOPS and throughput over request size and depth.

Mean latency is cut to whole microseconds and the rates follow from it, as in the reference. Beside them,
not counted: numbers of flash commands, and the read rates that "LLM in a flash" reports for real machines.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hw_models.errors import ConfigError
from hw_models.flash.params import Flash
from simulator.validate.figure import Figure

REFERENCE = Path(__file__).resolve().parents[2] / "hw_models" / "flash" / "reference"
COLUMNS = ["config", "pattern", "req_kib", "qd", "n", "mean_latency_us"]
MAPPINGS = {"default": "cached", "ideal_map": "resident"}
SEED = 0  # MQSim's address stream is not known; this one wanders over planes much as that one does
COUNTS = {  # reference column -> what of ours it counts
    "Issued_Flash_Read_CMD": "single_reads",
    "Issued_Flash_Read_CMD_For_Mapping": "map_reads",
    "Issued_Flash_Multiplane_Read_CMD": "multiplane_reads",
}


def figures(table: Path | None, **options: object) -> Iterator[Figure]:
    """Yield the figures of every row of ``table``; without one, of the tables shipped with the block."""
    path = REFERENCE / "mqsim_reads.csv" if table is None else Path(table)
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise ConfigError(
                f"column {missing[0]!r} is missing; a table has {', '.join(COLUMNS)}", file=path, line=1
            )
        for line, row in enumerate(reader, start=2):
            yield from _compare(row, path, line)
    if table is None:
        yield from _machines()


def _compare(row: dict[str, str], path: Path, line: int) -> Iterator[Figure]:
    try:
        size, depth, count = int(row["req_kib"]) * 1024, int(row["qd"]), int(row["n"])
        reference = float(row["mean_latency_us"])
        mapping = MAPPINGS[row["config"]]
        sequential = {"seq": True, "rand": False}[row["pattern"]]
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"{error.args[0]!r} is not understood; see the reference table", file=path, line=line
        ) from None
    latency_us, counters = closed_loop(mapping, size, depth, count, sequential)
    iops = depth / (latency_us * 1e-6)
    yield Figure(row, "mean_latency_us", reference, latency_us)
    yield Figure(row, "iops", depth / (reference * 1e-6), iops)
    yield Figure(row, "throughput_MBps", depth / (reference * 1e-6) * size / 1e6, iops * size / 1e6)
    for column, name in COUNTS.items():
        if row.get(column):
            yield Figure(row, name, float(row[column]), float(counters[name]), counted=False)


def closed_loop(
    mapping: str, size: int, depth: int, count: int, sequential: bool
) -> tuple[int, dict[str, int]]:
    """Run ``count`` reads with ``depth`` in flight; return (mean latency in whole us, counters)."""
    from hw_models.flash.build import build
    from hw_models.flash.host import host, run_reads

    params = Flash.model_validate({"preset": "mqsim_default", "mapping": mapping, "queue_depth": depth})
    states, memory = build(params)
    places = params.capacity_bytes // 2 // size
    draws = np.random.default_rng(SEED).random(count)
    at = int(draws[0] * places) + np.arange(count) if sequential else (draws * places).astype(np.int64)
    address = np.ascontiguousarray(at % places * size, np.int64)
    zeros = np.zeros(count, np.int64)
    submitted, done = zeros.copy(), zeros.copy()
    sizes = np.full(count, size, np.int64)
    run_reads(
        states[0], memory, host(params, depth, shared=True), address, sizes, zeros, zeros, 0, submitted, done
    )
    state = states[0]
    counters = {name: int(state[name]) for name in ("map_reads", "multiplane_reads", "violations")}
    counters["single_reads"] = int(state["read_commands"] - state["multiplane_reads"])
    return int((done - submitted).mean() / 1e6), counters


def _machines() -> Iterator[Figure]:
    with (REFERENCE / "llm_in_a_flash_reads.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            ours = read_rate(row["preset"], int(row["chunk_bytes"]), int(row["threads"]))
            yield Figure(row, "gb_per_s", float(row["gb_per_s"]), ours, counted=False)


def read_rate(preset: str, chunk_bytes: int, threads: int, count: int = 8000) -> float:
    """Return GB/s of ``count`` random chunk reads by ``threads`` threads; of a 1 GiB stream for chunk 0."""
    from hw_models.flash.reader import Reader

    reader = Reader(Flash.model_validate({"preset": preset}))
    if chunk_bytes == 0:
        return 2**30 / (reader.sequential(0, 2**30) * 1e-3)
    places = 8 * 2**30 // chunk_bytes
    address = (np.random.default_rng(SEED).random(count) * places).astype(np.int64) * chunk_bytes
    done = reader.batch(address, np.full(count, chunk_bytes), threads=threads)
    return count * chunk_bytes / (int(done.max()) * 1e-3)
