"""Every row of tables 2 and 3 of "LLM in a flash" (arXiv 2312.11514), and the figures of its text.

Counted are table 2's volumes, throughputs and latencies, table 3's totals and the gain over Naive, and the
text's shares and rates. The parts of table 3's totals and table 2's DRAM column are shown beside them.
"""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import workloads.llm
from hw_models.errors import ConfigError
from hw_models.flash.params import Flash
from hw_models.flash.reader import Reader
from simulator.validate.figure import Figure
from simulator.validate.llm_curves import PS_PER_S, friends, random_rate
from simulator.validate.llm_experiment import Outcome, run_tokens
from simulator.validate.llm_setups import MACHINES, METHODS, MODELS, SPECULATIVE, TABLE2_POLICIES
from workloads.llm.activity_kernel import GenerativeTrace
from workloads.llm.model import load_model
from workloads.llm.params import LlmJob
from workloads.llm.plan import activity_of

REFERENCE = Path(workloads.llm.__file__).parent / "reference"
TOKENS = 24  # of a windowed row: its mean moves by less than 1 % from 24 to 256
SPECULATIVE_TOKENS = 121  # some forty rounds, the last of them whole
GB = 1e9
READS = 4096  # of a throughput figure

Row = dict[str, str]


def figures(table: Path | None = None, *, plots: str | None = None) -> Iterator[Figure]:
    """Compare with ``table`` (of table 2's or table 3's columns), or with all that the project ships.

    ``plots``: a folder for the curves that the paper shows as images, as png and csv.
    """
    if table is not None:
        yield from _of_table(table, _read(table))
    else:
        for name in ("table2", "table3", "table6", "text"):
            yield from _of_table(REFERENCE / f"{name}.csv", _read(REFERENCE / f"{name}.csv"))
    if plots is not None:
        from simulator.validate.llm_plots import write_curves

        for path in write_curves(Path(plots)):
            print(f"wrote {path}")


def _read(table: Path) -> list[Row]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _of_table(table: Path, rows: list[Row]) -> Iterator[Figure]:
    columns = set(rows[0]) if rows else set()
    kinds = {"io_latency_ms": table2, "total_ms": table3, "opt6.7b_pct": table6, "quantity": text}
    for column, kind in kinds.items():
        if column in columns:
            yield from kind(rows)
            return
    raise ConfigError("neither table 2 nor table 3; write a csv with their columns", file=table)


@cache
def simulate(
    model: str, policy: str, backend: str, *, speculative: bool = False, bits16: bool = True
) -> Outcome:
    """Return one token of ``model`` under ``policy`` on a machine; ``bits16``: whole-model reads are 16-bit.

    The paper reads 16-bit weights in its Naive and Hybrid rows even where it computes in FP32.
    """
    machine, setup = MACHINES[backend], MODELS[model]
    whole = policy in ("naive", "hybrid")
    job: dict[str, Any] = {
        "model": setup["model"],
        "precision": machine["precision"],
        "offload": {"policy": policy, "window": setup["window"]},
    }
    if whole and bits16:
        job["stored"] = "fp16"
    if policy != "naive":
        job["offload"]["dram"] = setup["hybrid" if policy == "hybrid" else "all"]
    if speculative:
        job["speculative"] = SPECULATIVE
    tokens = 1 if whole else SPECULATIVE_TOKENS if speculative else TOKENS
    return run_tokens(job, {"preset": machine["backend"]}, machine["flash"], tokens)


def table2(rows: list[Row]) -> Iterator[Figure]:
    """OPT 6.7B, 16-bit, on the M1 Max."""
    for row in rows:
        policy = TABLE2_POLICIES[row["hybrid"], row["predictor"], row["windowing"], row["bundling"]]
        ours = simulate("OPT 6.7B", policy, "Metal M1")
        shown = {"table": "2", "policy": policy, **row}
        rate = ours.flash_bytes / (ours.io_ms / 1e3) / GB
        yield Figure(shown, "flash_to_dram_GB", float(row["flash_to_dram_GB"]), ours.flash_bytes / GB)
        yield Figure(shown, "throughput_GBps", float(row["throughput_GBps"]), rate)
        yield Figure(shown, "io_latency_ms", float(row["io_latency_ms"]), ours.io_ms)
        yield Figure(shown, "dram_GB", float(row["dram_GB"]), ours.dram_bytes / GB, counted=False)


def table3(rows: list[Row]) -> Iterator[Figure]:
    """All models, methods and backends; the overlapped total is ours alone."""
    naive = {(r["model"], r["backend"]): float(r["total_ms"]) for r in rows if r["method"] == "Naive"}
    for row in rows:
        ours = _simulate_row(row)
        shown = {"table": "3", **{name: row[name] for name in ("model", "method", "backend")}}
        yield Figure(shown, "io_ms", float(row["io_ms"]), ours.io_ms, counted=False)
        yield Figure(shown, "mem_ms", float(row["mem_ms"]), ours.mem_ms, counted=False)
        yield Figure(shown, "compute_ms", float(row["compute_ms"]), ours.compute_ms, counted=False)
        yield Figure(shown, "total_ms", float(row["total_ms"]), ours.total_ms)
        yield Figure(
            shown, "total_ms if overlapped", float(row["total_ms"]), ours.overlapped_ms, counted=False
        )
        reference = naive.get((row["model"], row["backend"]))
        if row["method"] != "Naive" and reference is not None:
            ours_naive = simulate(row["model"], "naive", row["backend"])
            gain = ours_naive.total_ms / ours.total_ms
            yield Figure(shown, "gain over Naive", reference / float(row["total_ms"]), gain)


def _simulate_row(row: Row) -> Outcome:
    speculative = row["method"] == "Speculative"
    return simulate(row["model"], METHODS[row["method"]], row["backend"], speculative=speculative)


def table6(rows: list[Row]) -> Iterator[Figure]:
    """Truly active neurons of OPT 6.7B by layer: layers count from 1 in the paper."""
    shares = active_by_layer("opt-6.7b", 64)
    for row in rows:
        number = row["layer"]
        ours = shares.mean() if number == "average" else shares[int(number) - 1]
        shown = {"table": "6", "layer": number}
        yield Figure(shown, "active_percent", float(row["opt6.7b_pct"]), 100 * float(ours))


def active_by_layer(model: str, tokens: int) -> np.ndarray:
    """Return the share of truly active neurons that the generative trace has, shape (layers,)."""
    shape = load_model(model).shape
    job = LlmJob.model_validate({"model": model, "on": "backend", "offload": {"policy": "predictor"}})
    activity = activity_of(job, load_model(model))
    assert activity is not None
    trace = GenerativeTrace(activity, shape.layers, shape.ffn, seed=1)
    counts = [[trace.step(layer)[1] for layer in range(shape.layers)] for _ in range(tokens)]
    return np.array(counts).mean(axis=0) / shape.ffn


def text(rows: list[Row]) -> Iterator[Figure]:
    """Shares of neurons, flash throughput, speculative gain."""
    for row in rows:
        shown = {"table": "text", "model": row["model"], "machine": row["machine"]}
        yield Figure(shown, row["quantity"], float(row["value"]), _text_figure(row))


def _text_figure(row: Row) -> float:
    quantity = row["quantity"]
    if quantity.endswith("_GBps"):
        return flash_rate(quantity.removesuffix("_GBps")) / GB
    if quantity.endswith("_friend_share"):
        return friends()["coactive_share"][{"closest": 0, "fourth": 3}[quantity.partition("_")[0]]]
    if quantity == "plain_speculative_gain":  # the whole model in the memory of the GPU
        return _in_memory({}).total_ms / _in_memory({"speculative": SPECULATIVE}).total_ms
    if quantity == "speculative_gain":
        plain = simulate(row["model"], "window_bundled", "GPU")
        return plain.total_ms / simulate(row["model"], "window_bundled", "GPU", speculative=True).total_ms
    ours = simulate(row["model"], "window_bundled", "CPU")
    shares = {
        "active_share": ours.active,
        "predicted_share": ours.predicted,
        "window_share": ours.window,
        "new_share": ours.new,
    }
    return shares[quantity]


def _in_memory(job: dict[str, Any]) -> Outcome:
    machine = MACHINES["GPU"]
    job = {"model": "opt-6.7b", "precision": machine["precision"], **job}
    return run_tokens(job, {"preset": machine["backend"]}, machine["flash"], SPECULATIVE_TOKENS)


def flash_rate(what: str, threads: int = 32) -> float:
    """Return the M1 Max device's bytes/s: "sequential", or "random_16KiB" reads by ``threads`` threads."""
    if what == "sequential":
        size, reader = 1 << 30, Reader(Flash.model_validate(MACHINES["CPU"]["flash"]))
        return size * PS_PER_S / reader.sequential(0, size)
    size = int(what.removeprefix("random_").removesuffix("KiB")) << 10
    return random_rate(MACHINES["CPU"]["flash"], size, threads, READS, places=1 << 19)
