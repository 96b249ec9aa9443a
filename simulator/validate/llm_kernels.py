"""Kernels of four graphics cards beside their measurements: mean errors over thousands of rows.

The constants in `hw_models/roofline/gpus.py` were fitted to these linear layers and attentions; the output
projection was left out of the fit, and so were prompts beside decoding but for the time of an empty tile.
"""

import csv
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import workloads.llm
from hw_models.roofline.gpus import GPUS, Gpu
from hw_models.roofline.kernels import (
    Heads,
    attention_s,
    decode_attention_s,
    linear_s,
    prefix_attention_s,
)
from simulator.validate import llm_decode
from simulator.validate.figure import Figure

REFERENCE = Path(workloads.llm.__file__).parent / "reference" / "kernels"
WIDTH, VOCABULARY, HEADS, HEAD_WIDTH = 4096, 128256, 32, 128  # Llama-3.1-8B
RELAY_HEADS = 52
KV_BYTES = 2 * 8 * HEAD_WIDTH * 2  # of a token in one layer
LLAMA = Heads(HEADS, 8, HEAD_WIDTH, KV_BYTES)
LINEAR = {
    "qkv_proj": (4096, 6144),
    "o_proj": (4096, 4096),
    "gate_up_proj": (4096, 28672),
    "down_proj": (14336, 4096),
}
SERVED = {"rtx4090": "rtx_4090", "rtxpro6000": "rtx_pro_6000"}
VIDUR = {"a100": "a100_80gb", "a40": "a40"}
Row = dict[str, str]


def figures(table: Path | None = None) -> Iterator[Figure]:
    """Compare the mean of measured and modelled times, ratio by ratio, of each card and kind of kernel."""
    del table
    for name, card in SERVED.items():
        yield from _served(name, card)
    rows = _read("linear_vidur.csv.gz")
    for name, card in VIDUR.items():
        yield _figure(
            card, "linear layers", [r for r in rows if r["gpu"] == name], "time_us_median", _vidur(GPUS[card])
        )
    yield from _prefixes()
    yield from llm_decode.figures()


def _served(name: str, card: str) -> Iterator[Figure]:
    gpu = GPUS[card]
    dense = [row for row in _read(f"{name}_dense.csv.gz") if row["layer"] in LINEAR]
    yield _figure(
        card, "linear layers", dense, "time_us", lambda r: layer_s(gpu, *LINEAR[r["layer"]], int(r["tokens"]))
    )
    heads = [row for row in _read(f"{name}_per_sequence.csv.gz") if row["layer"] == "lm_head"]
    yield _figure(
        card,
        "output projection, not fitted",
        heads,
        "time_us",
        lambda r: layer_s(gpu, WIDTH, VOCABULARY, int(r["sequences"])),
    )
    rows = _read(f"{name}_attention.csv.gz")
    decode = [r for r in rows if r["prefill_chunk"] == "0" and _kv_bytes(r) > 50e6]
    yield _figure(
        card, "decode attention", decode, "time_us", lambda r: decode_attention_s(gpu, _kv_bytes(r))
    )
    prefill = [r for r in rows if r["n_decode"] == "0" and _prefill_flop(r) > 1e9]
    yield _figure(card, "prefill attention", prefill, "time_us", lambda r: _prefill(gpu, r))
    mixed = [r for r in rows if r["n_decode"] != "0" and _prefill_flop(r) > 1e9 and _kv_bytes(r) > 50e6]
    yield _figure(
        card,
        "prefill and decode in one kernel",
        mixed,
        "time_us",
        lambda r: _prefill(gpu, r),
    )


def _prefixes() -> Iterator[Figure]:
    """RelayAttention on an A40: 52 heads of 128; fitted to rows with 128 tokens of each sequence's own."""
    gpu, token = GPUS["a40"], 2 * RELAY_HEADS * HEAD_WIDTH * 2

    def model_s(row: Row) -> float:
        own, prefix = int(row["context_tokens"]), int(row["prefix_tokens"])
        sequences = int(row["requests"])
        if row["relay"] == "false":
            return decode_attention_s(gpu, sequences * (own + prefix) * token)
        kv_bytes = sequences * own * token
        return prefix_attention_s(gpu, RELAY_HEADS, HEAD_WIDTH, kv_bytes, prefix * token, sequences)

    rows = [r for r in _read("relayattention_a40.csv.gz") if r["context_tokens"] != "128"]
    for relay, kind in (
        ("false", "decode attention, prefix read by each"),
        ("true", "decode attention, prefix read once"),
    ):
        yield _figure(
            "a40", f"{kind}, not fitted", [r for r in rows if r["relay"] == relay], "latency_us", model_s
        )


def layer_s(gpu: Gpu, inputs: int, outputs: int, tokens: int) -> float:
    """Return the time of a 16-bit linear layer over ``tokens`` rows."""
    moved = 2 * (tokens * inputs + inputs * outputs + tokens * outputs)
    return linear_s(gpu, moved, 2 * tokens * inputs * outputs)


def _kv_bytes(row: Row) -> int:
    return int(row["n_decode"]) * int(row["kv_decode"]) * KV_BYTES


def _prefill_flop(row: Row) -> float:
    chunk = int(row["prefill_chunk"])
    return 4 * HEADS * HEAD_WIDTH * chunk * (int(row["kv_prefill"]) + chunk / 2)


def _prefill(gpu: Gpu, row: Row) -> float:
    prompt = (int(row["prefill_chunk"]), int(row["kv_prefill"]))
    return attention_s(gpu, LLAMA, (int(row["n_decode"]), int(row["kv_decode"])), [prompt])


def _vidur(gpu: Gpu) -> Callable[[Row], float]:
    return lambda row: linear_s(gpu, float(row["bytes"]), float(row["flops"]))


def _figure(
    card: str,
    kind: str,
    rows: list[Row],
    column: str,
    model_s: Callable[[Row], float],
) -> Figure:
    """Return the mean of |modelled / measured - 1| as a figure: of 100 % measured, so much is hit."""
    errors = [abs(model_s(row) / (float(row[column]) * 1e-6) - 1) for row in rows if float(row[column]) > 0]
    mean = 100 * sum(errors) / len(errors)
    shown = {"gpu": card, "kernel": kind, "rows": str(len(errors))}
    return Figure(shown, "100 + mean error %", 100.0, 100 + mean)


def _read(name: str) -> list[Row]:
    with gzip.open(REFERENCE / name, "rt", newline="") as file:
        return list(csv.DictReader(file))
