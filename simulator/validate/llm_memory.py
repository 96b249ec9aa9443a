"""Bytes of keys, values and weights beside what others measured or published.

Counted are measured caches (MLKV), caches of experts with sizes not calibrated on, what follows
from a model's shape and a card's memory (PagedAttention's table 1, and what four allocators make of it),
times and memory of DuoAttention. Tokens of a page and reductions by owner maps restate their parameters:
they are not counted.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from simulator.validate import (
    llm_allocators,
    llm_based,
    llm_chunk,
    llm_experts,
    llm_hymba,
    llm_predicted,
    llm_published,
    llm_served,
    llm_speculative,
    llm_sublinear,
    llm_traffic,
    llm_training,
)
from simulator.validate.figure import Figure
from simulator.validate.llm_tables import rows_of
from workloads.llm.dtypes import bytes_of
from workloads.llm.model import Transformer, transformer
from workloads.llm.sharing import grouped, stored_bytes, stored_cells

PYTHIA_160M = {"layers": 12, "heads": 12, "head_width": 64}
GIB, GB = 2**30, 1e9
LONGEST = 2048  # tokens of a context of Pythia-160M
OPT = {  # config values of OPT (arXiv 2205.01068, table 1)
    "OPT-13B": {"num_hidden_layers": 40, "num_attention_heads": 40, "hidden_size": 5120},
    "OPT-66B": {"num_hidden_layers": 64, "num_attention_heads": 72, "hidden_size": 9216},
    "OPT-175B": {"num_hidden_layers": 96, "num_attention_heads": 96, "hidden_size": 12288},
}


def figures(table: Path | None = None) -> Iterator[Figure]:
    """Compare the bytes of all tables."""
    del table
    yield from mlkv()
    yield from paged_attention()
    yield from llm_experts.figures()
    yield from pages()
    yield from llm_allocators.lost_to_pages(rows_of("vattention_pages.csv"))
    yield from owner_maps()
    yield from llm_published.figures()
    yield from llm_hymba.figures()
    yield from llm_based.figures()
    yield from llm_speculative.figures()
    yield from llm_predicted.figures()
    yield from llm_traffic.figures()
    yield from llm_training.figures()
    yield from llm_sublinear.figures()
    yield from llm_chunk.figures()
    yield from llm_served.figures()


def mlkv() -> Iterator[Figure]:
    """Caches of Pythia-160M variants, measured: 32-bit, the context one token short of 2048."""
    for row in rows_of("mlkv_pythia160m_measured.csv"):
        if row["oom"] != "False" or not row["kv_cache_MiB"]:
            continue
        cells = int(row["total_kv_heads"])
        owners = _owners_of(cells)
        ours = int(row["batch"]) * stored_bytes(owners, PYTHIA_160M["head_width"], 32, LONGEST - 1) / 2**20
        shown = {"system": "MLKV", "config": row["config"], "batch": row["batch"]}
        yield Figure(shown, "kv_cache_MiB", float(row["kv_cache_MiB"]), ours)


def _owners_of(cells: int) -> np.ndarray:
    """Return the map of Pythia-160M with so many cells: heads are shared first, then layers."""
    layers, heads = PYTHIA_160M["layers"], PYTHIA_160M["heads"]
    if cells >= layers:
        return grouped(layers, heads, heads_per_owner=layers * heads // cells)
    return grouped(layers, heads, layers_per_owner=layers // cells, heads_per_owner=heads)


def paged_attention() -> Iterator[Figure]:
    """Table 1: weights, and how many tokens the rest holds; figures 2 and 13: what allocators make of it."""
    rows = {(row["model"], row["quantity"]): row["value"] for row in rows_of("pagedattention_paper.csv")}
    for name, values in OPT.items():
        model, shown = _opt(name, values), {"system": "PagedAttention", "model": name}
        weights = bytes_of(model.parameters, "fp16") / GB
        yield Figure(shown, "weights_GB", float(rows[name, "weights_GB"]), weights)
        slots = float(rows[name, "kv_GB"]) * GIB / bytes_of(model.kv_values_per_token(), "fp16")
        yield Figure(shown, "kv_slots", float(rows[name, "kv_slots"]), slots)
    allocators = {
        name: float(value) for (model, name), value in rows.items() if ": " in name and model == "OPT-13B"
    }
    yield from llm_allocators.figures(allocators)


def _opt(name: str, values: dict[str, int]) -> Transformer:
    other = {"model_type": "opt", "ffn_dim": 4 * values["hidden_size"], "vocab_size": 50272}
    return transformer(name, {**values, **other, "max_position_embeddings": 2048})


def pages() -> Iterator[Figure]:
    """vAttention: tokens of one layer's keys that a page of virtual memory holds."""
    for row in rows_of("vattention_pages.csv"):
        token = int(row["kv_heads_per_gpu"]) * 128 * Fraction(16, 8)
        shown = {"system": "vAttention", "model": row["model"], "page": row["page_bytes"]}
        ours = float(int(row["page_bytes"]) / token)
        yield Figure(shown, "tokens a page (parameter)", float(row["tokens_per_page"]), ours, counted=False)


def owner_maps() -> Iterator[Figure]:
    """Sharing across layers: how many times fewer layers store keys and values."""
    for row in rows_of("crosslayer_owner_maps.csv"):
        owners = np.array([[int(owner.rstrip("s"))] for owner in row["owner_of_each_layer"].split("_")])
        ours = len(owners) / stored_cells(owners)
        shown = {"system": "cross-layer", "map": row["name"]}
        published = float(row["kv_reduction_derived"])
        yield Figure(shown, "times fewer (parameter)", published, ours, counted=False)
