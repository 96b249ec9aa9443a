"""Data of the curves that "LLM in a flash" shows as images, and of what its authors found not to work."""

from typing import Any

import numpy as np

from hw_models.flash.params import Flash
from hw_models.flash.reader import Reader
from simulator.validate.llm_experiment import run_tokens
from workloads.llm.activity import Activity, aggregated, layer_active
from workloads.llm.activity_kernel import GenerativeTrace
from workloads.llm.coactivation import activity_matrix, friend_shares
from workloads.llm.model import load_model
from workloads.llm.presets import ACTIVITY

M1_MAX_SSD = {"preset": "m1_max_ssd"}
CHUNKS_KIB = (4, 8, 16, 32, 64, 128)
THREADS = (1, 2, 4, 8, 16, 32, 64)
READS = 1500
WINDOWS = (1, 2, 3, 4, 5, 6, 8, 10)
GB = 1e9
PS_PER_S = 10**12

Columns = dict[str, list[Any]]


def throughput() -> Columns:
    """Return random-read throughput of the M1 Max device over chunk size and threads."""
    columns: Columns = {"chunk_kib": [], "threads": [], "GBps": []}
    for chunk in CHUNKS_KIB:
        for threads in THREADS:
            columns["chunk_kib"].append(chunk)
            columns["threads"].append(threads)
            columns["GBps"].append(random_rate(M1_MAX_SSD, chunk << 10, threads, READS, places=1 << 18) / GB)
    return columns


def random_rate(flash: dict[str, Any], size: int, threads: int, reads: int, *, places: int) -> float:
    """Return the bytes/s of reads of ``size`` bytes at random among ``places`` places."""
    at = np.random.default_rng(1).choice(places, reads, replace=False).astype(np.int64) * size
    done = Reader(Flash.model_validate(flash)).batch(at, np.full(reads, size, np.int64), threads=threads)
    return reads * size * PS_PER_S / int(done.max())


def latency_over_dram(tokens: int = 8) -> Columns:
    """Return time per token of OPT 6.7B on the M1 Max CPU over the share of the model in DRAM (by window)."""
    columns: Columns = {"window": [], "dram_share": [], "io_ms": [], "mem_ms": [], "compute_ms": []}
    columns["overlapped_ms"] = []
    model_bytes = 4 * load_model("opt-6.7b").parameters
    for window in WINDOWS:
        offload = {"policy": "window_bundled", "window": window}
        job = {"model": "opt-6.7b", "precision": "fp32", "offload": offload}
        ours = run_tokens(job, {"preset": "m1_max_cpu"}, M1_MAX_SSD, tokens)
        columns["window"].append(window)
        columns["dram_share"].append(ours.dram_bytes / model_bytes)
        columns["io_ms"].append(ours.io_ms)
        columns["mem_ms"].append(ours.mem_ms)
        columns["compute_ms"].append(ours.compute_ms)
        columns["overlapped_ms"].append(ours.overlapped_ms)
    return columns


def aggregated_use(longest: int = 50) -> Columns:
    """Return the share of neurons used at least once within a window: OPT 6.7B, and Falcon 7B's layer 10.

    "measured" follows the generative trace, "expected" is exact for its Markov chain.
    """
    columns: Columns = {"model": [], "window": [], "measured": [], "expected": []}
    for name, layer in (("opt-6.7b", 15), ("falcon-7b", 9)):
        activity = Activity.model_validate(ACTIVITY[name])
        shape = load_model(name).shape
        trace = GenerativeTrace(activity, shape.layers, shape.ffn, seed=1)
        matrix = activity_matrix(trace, layer, shape.ffn, 2 * longest)
        expected = aggregated_of_layer(activity, shape.layers, layer, longest)
        for window in range(1, longest + 1):
            starts = range(0, 2 * longest - window + 1, 5)
            used = [matrix[start : start + window].any(axis=0).mean() for start in starts]
            columns["model"].append(f"{name}, layer {layer + 1}")
            columns["window"].append(window)
            columns["measured"].append(float(np.mean(used)))
            columns["expected"].append(float(expected[window - 1]))
    return columns


def aggregated_of_layer(activity: Activity, layers: int, layer: int, tokens: int) -> np.ndarray:
    """Return the expected aggregated use of one layer, shape (tokens,)."""
    active = float(layer_active(activity, layers)[layer])
    return aggregated(activity.model_copy(update={"active": [active]}), 1, tokens)


def coactivation(tokens: int = 4) -> Columns:
    """Return what bundling neurons with their closest friends costs, beside row-column bundling."""
    columns: Columns = {"policy": [], "io_ms": [], "flash_GB": []}
    for policy in ("window_bundled", "window_coactivation"):
        job = {"model": "opt-6.7b", "offload": {"policy": policy, "window": 4}}
        ours = run_tokens(job, {"preset": "m1_max_metal"}, M1_MAX_SSD, tokens)
        columns["policy"].append(policy)
        columns["io_ms"].append(ours.io_ms)
        columns["flash_GB"].append(ours.flash_bytes / GB)
    return columns


def friends(ranks: int = 8) -> Columns:
    """Return how often the closest, second, ... friend of an active OPT neuron is active too (8 layers)."""
    activity = Activity.model_validate(ACTIVITY["opt-6.7b"])
    shape = load_model("opt-6.7b").shape
    trace = GenerativeTrace(activity, shape.layers, shape.ffn, seed=1)
    shares = [
        friend_shares(activity_matrix(trace, layer, shape.ffn, 400), ranks)
        for layer in range(0, shape.layers, 4)
    ]
    return {"friend": list(range(1, ranks + 1)), "coactive_share": np.mean(shares, axis=0).tolist()}
